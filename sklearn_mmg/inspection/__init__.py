"""Whether to believe an estimate: significance, comparison, and refits."""

from sklearn_mmg.inspection._difference import paired_difference
from sklearn_mmg.inspection._permutation import permutation_test
from sklearn_mmg.inspection._reliability import check_reliability

__all__ = ["check_reliability", "paired_difference", "permutation_test"]
