# The one table of public names: what a module has, and where. It is read when the package is
# imported, by type checkers, by the benchmark and by the tests.
from . import benchmark as benchmark
from . import datasets as datasets
from . import feature_selection as feature_selection
from . import inspection as inspection
from .baselines._doe import DoEMutualInfo as DoEMutualInfo
from .baselines._donsker_varadhan import DonskerVaradhanMutualInfo as DonskerVaradhanMutualInfo
from .baselines._donsker_varadhan import MINEMutualInfo as MINEMutualInfo
from .baselines._flo import FLOMutualInfo as FLOMutualInfo
from .baselines._fmmi import FMMIMutualInfo as FMMIMutualInfo
from .baselines._gaussian import GaussianMutualInfo as GaussianMutualInfo
from .baselines._infonce import InfoNCEAnchorMutualInfo as InfoNCEAnchorMutualInfo
from .baselines._infonce import InfoNCEMutualInfo as InfoNCEMutualInfo
from .baselines._ksg import KSGMutualInfo as KSGMutualInfo
from .baselines._mienf import MIENFMutualInfo as MIENFMutualInfo
from .baselines._mime import MIMEMutualInfo as MIMEMutualInfo
from .baselines._minde import MINDEMutualInfo as MINDEMutualInfo
from .baselines._nwj import NWJMutualInfo as NWJMutualInfo
from .baselines._published_mmg import PublishedMMGMutualInfo as PublishedMMGMutualInfo
from .baselines._smile import SMILEMutualInfo as SMILEMutualInfo
from .diffusion.log_snr import AdaptiveLogisticSampler as AdaptiveLogisticSampler
from .diffusion.log_snr import LogisticSampler as LogisticSampler
from .diffusion.log_snr import ResidualScaleSampler as ResidualScaleSampler
from .feature_selection import MMGScore as MMGScore
from .feature_selection import MMGTest as MMGTest
from .feature_selection import PairwiseMutualInfoSelector as PairwiseMutualInfoSelector
from .feature_selection import SelectByMutualInfo as SelectByMutualInfo
from .feature_selection import SequentialMutualInfoSelector as SequentialMutualInfoSelector
from .feature_selection import SubsetMutualInfo as SubsetMutualInfo
from .feature_selection import mutual_info_matrix as mutual_info_matrix
from .feature_selection import mutual_info_mmg as mutual_info_mmg
from .feature_selection import mutual_info_test as mutual_info_test
from .feature_selection import mutual_info_to_correlation as mutual_info_to_correlation
from .feature_selection import uncertainty_coefficient as uncertainty_coefficient
from .mmg._from_denoisers import mutual_info_from_denoisers as mutual_info_from_denoisers
from .mmg._mutual_info import MMGMutualInfo as MMGMutualInfo
from .plotting import ColumnInformationDisplay as ColumnInformationDisplay
from .plotting import MMSECurveDisplay as MMSECurveDisplay
from .plotting import MutualInfoMatrixDisplay as MutualInfoMatrixDisplay
from .plotting import PointwiseContributionDisplay as PointwiseContributionDisplay
from .plotting import SelectionPathDisplay as SelectionPathDisplay
from .preprocessing import SmoothGaussianizer as SmoothGaussianizer

__version__: str
