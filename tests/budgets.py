"""Parameters with which an estimator runs in milliseconds, and every estimator with them."""

import inspect

from sklearn.base import BaseEstimator

import sklearn_mmg
from sklearn_mmg import GaussianMutualInfo, MMGMutualInfo, MultiInformation, SubsetMutualInfo
from sklearn_mmg._core.cross_fitted import CrossFitted
from sklearn_mmg.base import BaseMutualInfo

# Batches of more rows than most samples here have, as it is their number that takes time.
TINY_BASELINE = dict(n_steps=5, batch_size=128, width=8, depth=1, cv=0.3, random_state=0)
TINY = TINY_BASELINE | dict(n_nodes=4)
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
    names = inspect.signature(estimator_class).parameters
    if issubclass(estimator_class, CrossFitted):
        budget = TINY if "n_nodes" in names else TINY_BASELINE
        parameters = budget | parameters
    elif "random_state" in names:
        parameters = {"random_state": 0} | parameters
    if estimator_class is MultiInformation:
        parameters = {"estimator": GaussianMutualInfo()} | parameters
    elif "estimator" in names:  # of a selector, whose default takes a thousand steps
        parameters = {"estimator": smallest(SubsetMutualInfo, n_nodes=2)} | parameters
    return estimator_class(**parameters)


# A network that learns what takes two columns of a dozen from 800 samples.
NETWORK = dict(n_steps=120, width=16, depth=1, cv=2, n_nodes=4)
