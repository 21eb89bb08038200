"""Distributions whose mutual information is known, and images where it is not."""

from sklearn_mmg.datasets._autoencoder import Autoencoder
from sklearn_mmg.datasets._base import JointDistribution, MappedDistribution
from sklearn_mmg.datasets._closed_form import AdditiveUniform, JointNormal, JointStudent
from sklearn_mmg.datasets._discrete import (
    CategoricalNormal,
    OverlappingUniforms,
    ZeroInflated,
    ZeroInflatedPoisson,
)
from sklearn_mmg.datasets._images import keep_top_rows, load_images
from sklearn_mmg.datasets._maps import (
    asinh,
    cube,
    exponential,
    half_cube,
    normal_cdf,
    normal_mixture_quantile,
    spiral,
    swiss_roll,
    wiggly,
)
from sklearn_mmg.datasets._mixtures import JointNormalMixture
from sklearn_mmg.datasets._noise_columns import WithNoiseColumns
from sklearn_mmg.datasets._rings import Ring
from sklearn_mmg.datasets._suites import list_tasks, load_task
from sklearn_mmg.datasets._three_variables import ThreeNormals

__all__ = [
    "AdditiveUniform",
    "Autoencoder",
    "CategoricalNormal",
    "JointDistribution",
    "JointNormal",
    "JointNormalMixture",
    "JointStudent",
    "MappedDistribution",
    "OverlappingUniforms",
    "Ring",
    "ThreeNormals",
    "WithNoiseColumns",
    "ZeroInflated",
    "ZeroInflatedPoisson",
    "asinh",
    "cube",
    "exponential",
    "half_cube",
    "keep_top_rows",
    "list_tasks",
    "load_images",
    "load_task",
    "normal_cdf",
    "normal_mixture_quantile",
    "spiral",
    "swiss_roll",
    "wiggly",
]
