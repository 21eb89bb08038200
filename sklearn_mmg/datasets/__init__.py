"""Distributions whose mutual information is known."""

from sklearn_mmg.datasets._base import JointDistribution, MappedDistribution
from sklearn_mmg.datasets._closed_form import AdditiveUniform, JointNormal, JointStudent
from sklearn_mmg.datasets._maps import (
    asinh,
    half_cube,
    normal_cdf,
    normal_mixture_quantile,
    spiral,
    swiss_roll,
    wiggly,
)
from sklearn_mmg.datasets._suites import list_tasks, load_task

__all__ = [
    "AdditiveUniform",
    "JointDistribution",
    "JointNormal",
    "JointStudent",
    "MappedDistribution",
    "asinh",
    "half_cube",
    "list_tasks",
    "load_task",
    "normal_cdf",
    "normal_mixture_quantile",
    "spiral",
    "swiss_roll",
    "wiggly",
]
