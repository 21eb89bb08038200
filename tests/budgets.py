"""Parameters with which an estimator runs in milliseconds, and every estimator with them."""

import inspect

from sklearn.base import BaseEstimator

import sklearn_mmg
from sklearn_mmg import GaussianMutualInfo, MMGMutualInfo, MultiInformation
from sklearn_mmg._core.cross_fitted import CrossFittedMutualInfo
from sklearn_mmg.base import BaseMutualInfo
from sklearn_mmg.mmg._densities import CrossFittedDensities

TINY = dict(n_steps=20, batch_size=64, width=8, depth=1, cv=0.3, n_nodes=4, random_state=0)
TINY_BASELINE = dict(n_steps=20, batch_size=32, width=8, depth=1, cv=0.3, random_state=0)
CHEAP = dict(random_state=0)  # of column scores

PUBLIC = {
    name: item
    for name in sklearn_mmg.__all__
    if not inspect.ismodule(item := getattr(sklearn_mmg, name))
}
ESTIMATORS = [
    item for item in PUBLIC.values() if inspect.isclass(item) and issubclass(item, BaseEstimator)
]
MUTUAL_INFO_ESTIMATORS = [item for item in ESTIMATORS if issubclass(item, BaseMutualInfo)]


def tiny(**parameters):
    """An MMGMutualInfo of the smallest budget, with other parameters on top."""
    return MMGMutualInfo(**(TINY | parameters))


def smallest(estimator_class, **parameters):
    """An estimator of the smallest budget, with other parameters on top."""
    if estimator_class is MMGMutualInfo:
        return tiny(**parameters)
    if issubclass(estimator_class, CrossFittedDensities):
        parameters = TINY | parameters
    elif issubclass(estimator_class, CrossFittedMutualInfo):
        parameters = TINY_BASELINE | parameters
    elif estimator_class is MultiInformation:
        parameters = {"estimator": GaussianMutualInfo()} | parameters
    elif "random_state" in inspect.signature(estimator_class).parameters:
        parameters = {"random_state": 0} | parameters
    return estimator_class(**parameters)


# A network that learns what takes two columns of a dozen from 800 samples.
NETWORK = dict(n_steps=120, width=16, depth=1, cv=2, n_nodes=4)
