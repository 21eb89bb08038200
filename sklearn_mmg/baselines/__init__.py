"""Established estimators of mutual information, behind the same contract."""

from sklearn_mmg.baselines._doe import DoEMutualInfo
from sklearn_mmg.baselines._donsker_varadhan import DonskerVaradhanMutualInfo, MINEMutualInfo
from sklearn_mmg.baselines._flo import FLOMutualInfo
from sklearn_mmg.baselines._fmmi import FMMIMutualInfo
from sklearn_mmg.baselines._gaussian import GaussianMutualInfo
from sklearn_mmg.baselines._infonce import InfoNCEAnchorMutualInfo, InfoNCEMutualInfo
from sklearn_mmg.baselines._ksg import KSGMutualInfo
from sklearn_mmg.baselines._mienf import MIENFMutualInfo
from sklearn_mmg.baselines._mime import MIMEMutualInfo
from sklearn_mmg.baselines._minde import MINDEMutualInfo
from sklearn_mmg.baselines._nwj import NWJMutualInfo
from sklearn_mmg.baselines._smile import SMILEMutualInfo

__all__ = [
    "DoEMutualInfo",
    "DonskerVaradhanMutualInfo",
    "FLOMutualInfo",
    "FMMIMutualInfo",
    "GaussianMutualInfo",
    "InfoNCEAnchorMutualInfo",
    "InfoNCEMutualInfo",
    "KSGMutualInfo",
    "MIENFMutualInfo",
    "MIMEMutualInfo",
    "MINDEMutualInfo",
    "MINEMutualInfo",
    "NWJMutualInfo",
    "SMILEMutualInfo",
]
