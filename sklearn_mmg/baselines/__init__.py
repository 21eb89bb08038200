"""Estimators by others' methods, behind the same contract."""

from sklearn_mmg.baselines._gaussian import GaussianMutualInfo
from sklearn_mmg.baselines._ksg import KSGMutualInfo

__all__ = ["GaussianMutualInfo", "KSGMutualInfo"]
