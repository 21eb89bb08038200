"""Estimators that the benchmark knows by name."""

import re
from collections.abc import Iterable

import sklearn_mmg
from sklearn_mmg.baselines._critic import CriticMutualInfo
from sklearn_mmg.benchmark._adapters import ADAPTERS
from sklearn_mmg.benchmark._protocol import Estimator

SUFFIX = "MutualInfo"
# Critics as their papers start and read them.
PUBLISHED = {
    "gaussian_start": False,
    "form": "bound",
    "n_steps": 1000,
    "batch_size": 256,
    "learning_rate": 2e-3,
}


def estimators_by_name() -> dict[str, Estimator]:
    """Unfitted estimators by the name that the command line takes.

    All public estimators have that of their class, and some of them variants.

    Returns
    -------
    dict of str to estimator
        With their defaults; a run sets seeds and which columns are discrete.

    See Also
    --------
    run_benchmark : Takes these names.
    sklearn_mmg.datasets.list_tasks : Names of the tasks.

    Examples
    --------
    >>> from sklearn_mmg.benchmark import estimators_by_name
    >>> estimators_by_name()["mmg-orthogonal"]
    MMGMutualInfo(form='orthogonal')
    """
    classes = {
        _name(public): getattr(sklearn_mmg, public)
        for public in dir(sklearn_mmg)
        if public.endswith(SUFFIX)
    }
    critics = {name: c for name, c in classes.items() if issubclass(c, CriticMutualInfo)}
    return {
        **{name: estimator() for name, estimator in classes.items()},
        "mmg-direct": classes["mmg"](form="direct"),
        "mmg-orthogonal": classes["mmg"](form="orthogonal"),
        "fmmi-joint": classes["fmmi"](variant="joint"),
        **{f"{name}-published": critic(**PUBLISHED) for name, critic in critics.items()},
        **ADAPTERS,
    }


def _name(public: str) -> str:
    """``infonce-anchor`` of ``InfoNCEAnchorMutualInfo``: words are capital and small letters."""
    words = re.sub(r"(?<=[a-zA-Z])(?=[A-Z][a-z])|(?<=Published)", "-", public.removesuffix(SUFFIX))
    return words.lower()


def load_estimators(names: Iterable[str]) -> dict[str, Estimator]:
    """Unfitted estimators of given names, or a ValueError that lists those there are."""
    known = estimators_by_name()
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"There is no estimator {unknown[0]!r}; there are {sorted(known)}")
    return {name: known[name] for name in names}
