"""Estimators that the benchmark knows by name."""

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg.benchmark._adapters import ADAPTERS


def estimators_by_name():
    """Unfitted estimators by the name that the command line takes.

    Returns
    -------
    estimators : dict of str to estimator

    Examples
    --------
    >>> from sklearn_mmg.benchmark import estimators_by_name
    >>> estimators_by_name()["mmg-orthogonal"]
    MMGMutualInfo(estimator='orthogonal')
    """
    return {
        "mmg": MMGMutualInfo(),
        "mmg-direct": MMGMutualInfo(estimator="direct"),
        "mmg-orthogonal": MMGMutualInfo(estimator="orthogonal"),
        **ADAPTERS,
    }
