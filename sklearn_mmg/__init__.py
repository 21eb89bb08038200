"""Mutual information by denoising diffusion, as scikit-learn estimators."""

from sklearn_mmg._mmg import MMGMutualInfo
from sklearn_mmg.baselines import (
    DoEMutualInfo,
    DonskerVaradhanMutualInfo,
    FLOMutualInfo,
    FMMIMutualInfo,
    GaussianMutualInfo,
    InfoNCEAnchorMutualInfo,
    InfoNCEMutualInfo,
    KSGMutualInfo,
    MIENFMutualInfo,
    MIMEMutualInfo,
    MINDEMutualInfo,
    MINEMutualInfo,
    NWJMutualInfo,
    SMILEMutualInfo,
)
from sklearn_mmg.diffusion.samplers import (
    AdaptiveLogisticSampler,
    LogisticSampler,
    ResidualScaleSampler,
)
from sklearn_mmg.feature_selection import (
    MMGScore,
    MMGTest,
    mutual_info_matrix,
    mutual_info_mmg,
    mutual_info_test,
    mutual_info_to_correlation,
    uncertainty_coefficient,
)
from sklearn_mmg.plotting import MMSECurveDisplay, MutualInfoMatrixDisplay
from sklearn_mmg.preprocessing import SmoothGaussianizer

__version__ = "0.1.0"

__all__ = [
    "AdaptiveLogisticSampler",
    "DoEMutualInfo",
    "DonskerVaradhanMutualInfo",
    "FLOMutualInfo",
    "FMMIMutualInfo",
    "GaussianMutualInfo",
    "InfoNCEAnchorMutualInfo",
    "InfoNCEMutualInfo",
    "KSGMutualInfo",
    "LogisticSampler",
    "MIENFMutualInfo",
    "MIMEMutualInfo",
    "MINDEMutualInfo",
    "MINEMutualInfo",
    "MMGMutualInfo",
    "MMGScore",
    "MMGTest",
    "MMSECurveDisplay",
    "MutualInfoMatrixDisplay",
    "NWJMutualInfo",
    "ResidualScaleSampler",
    "SMILEMutualInfo",
    "SmoothGaussianizer",
    "mutual_info_matrix",
    "mutual_info_mmg",
    "mutual_info_test",
    "mutual_info_to_correlation",
    "uncertainty_coefficient",
]
