"""Feature selection by mutual information."""

from sklearn_mmg.feature_selection._by_significance import SelectByMutualInfo
from sklearn_mmg.feature_selection._columns import MMGScore, mutual_info_mmg
from sklearn_mmg.feature_selection._matrix import (
    mutual_info_matrix,
    mutual_info_to_correlation,
    uncertainty_coefficient,
)
from sklearn_mmg.feature_selection._pairwise import PairwiseMutualInfoSelector
from sklearn_mmg.feature_selection._sequential import SequentialMutualInfoSelector
from sklearn_mmg.feature_selection._subset import SubsetMutualInfo
from sklearn_mmg.feature_selection._tests import MMGTest, mutual_info_test

__all__ = [
    "MMGScore",
    "MMGTest",
    "PairwiseMutualInfoSelector",
    "SelectByMutualInfo",
    "SequentialMutualInfoSelector",
    "SubsetMutualInfo",
    "mutual_info_matrix",
    "mutual_info_mmg",
    "mutual_info_test",
    "mutual_info_to_correlation",
    "uncertainty_coefficient",
]
