"""Pictures of fitted estimators."""

from sklearn_mmg.plotting._comparison import EstimateComparisonDisplay
from sklearn_mmg.plotting._curves import MMSECurveDisplay
from sklearn_mmg.plotting._matrix import MutualInfoMatrixDisplay
from sklearn_mmg.plotting._pointwise import PointwiseInformationDisplay
from sklearn_mmg.plotting._reliability import ReliabilityDisplay
from sklearn_mmg.plotting._selection import (
    ColumnInformationDisplay,
    PointwiseContributionDisplay,
    SelectionPathDisplay,
)
from sklearn_mmg.plotting._training import TrainingHistoryDisplay

__all__ = [
    "ColumnInformationDisplay",
    "EstimateComparisonDisplay",
    "MMSECurveDisplay",
    "MutualInfoMatrixDisplay",
    "PointwiseContributionDisplay",
    "PointwiseInformationDisplay",
    "ReliabilityDisplay",
    "SelectionPathDisplay",
    "TrainingHistoryDisplay",
]
