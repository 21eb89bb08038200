"""Estimators that the benchmark knows by name."""

from sklearn_mmg import (
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
    MMGMutualInfo,
    NWJMutualInfo,
    SMILEMutualInfo,
)
from sklearn_mmg.benchmark._adapters import ADAPTERS

CRITICS = {
    "donsker-varadhan": DonskerVaradhanMutualInfo,
    "mine": MINEMutualInfo,
    "nwj": NWJMutualInfo,
    "infonce": InfoNCEMutualInfo,
    "infonce-anchor": InfoNCEAnchorMutualInfo,
    "smile": SMILEMutualInfo,
    "flo": FLOMutualInfo,
}
# Critics as their papers start and read them.
PUBLISHED = {
    "gaussian_start": False,
    "form": "bound",
    "n_steps": 1000,
    "batch_size": 256,
    "learning_rate": 2e-3,
}


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
        "gaussian": GaussianMutualInfo(),
        "ksg": KSGMutualInfo(),
        **{name: critic() for name, critic in CRITICS.items()},
        **{f"{name}-published": critic(**PUBLISHED) for name, critic in CRITICS.items()},
        "doe": DoEMutualInfo(),
        "mienf": MIENFMutualInfo(),
        "mime": MIMEMutualInfo(),
        "minde": MINDEMutualInfo(),
        "fmmi": FMMIMutualInfo(),
        "fmmi-joint": FMMIMutualInfo(variant="joint"),
        **ADAPTERS,
    }


def load_estimators(names):
    """Unfitted estimators of given names, or a ValueError that lists those there are."""
    known = estimators_by_name()
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"There is no estimator {unknown[0]!r}; there are {sorted(known)}")
    return {name: known[name] for name in names}
