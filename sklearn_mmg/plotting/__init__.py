"""Pictures of fitted estimators."""

from sklearn_mmg.plotting._curves import MMSECurveDisplay
from sklearn_mmg.plotting._matrix import MutualInfoMatrixDisplay
from sklearn_mmg.plotting._reliability import ReliabilityDisplay
from sklearn_mmg.plotting._selection import (
    ColumnInformationDisplay,
    PointwiseContributionDisplay,
    SelectionPathDisplay,
)

__all__ = [
    "ColumnInformationDisplay",
    "MMSECurveDisplay",
    "MutualInfoMatrixDisplay",
    "PointwiseContributionDisplay",
    "ReliabilityDisplay",
    "SelectionPathDisplay",
]
