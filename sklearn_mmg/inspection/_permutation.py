"""Tests of independence, and of conditional independence, by permutations."""

import warnings
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import scale
from sklearn.utils import check_random_state
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils._param_validation import Interval
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length
from tqdm.auto import tqdm

from sklearn_mmg._core.cross_fitted import CrossFittedMutualInfo
from sklearn_mmg._validation import validate_params
from sklearn_mmg.base import BaseMutualInfo


class PermutationTest(NamedTuple):
    """An estimate, those of permuted samples, and the p-value."""

    mutual_info: float
    permuted: np.ndarray  # of shape (n_permutations,)
    pvalue: float


@validate_params(
    {
        "estimator": [BaseMutualInfo],
        "n_permutations": [Interval(Integral, 1, None, closed="left")],
        "refit": ["boolean", None],
        "test_size": [Interval(Real, 0, 1, closed="neither")],
        "n_neighbors": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def permutation_test(
    estimator: BaseMutualInfo,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_permutations: int = 199,
    refit: bool | None = None,
    test_size: float = 0.5,
    n_neighbors: int = 5,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> PermutationTest:
    """Test whether two blocks are independent, with any estimator of the package.

    The estimate is compared with those of samples in which `y` is permuted. An estimator that
    trains networks is fitted once, on a part of the samples, and only evaluates the others, as they
    are and permuted; one that trains nothing is fitted again to every permutation. Either way the
    test is exact for samples that are independent of each other: under the null hypothesis the
    p-value is at most ``alpha`` with probability ``alpha``, whatever the estimator is worth, which
    matters to the power alone.

    With columns that are ``given`` the hypothesis is conditional independence. Then `y` is permuted
    within equal values of categories that are given, and otherwise among samples whose given
    columns are near [2]_, which is approximate: samples that are near, but not equal, weaken the
    dependence of `y` on what is given.

    Parameters
    ----------
    estimator : estimator of mutual information
        Unfitted.
    X : array-like of shape (n_samples, n_features)
        One block.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        The other block.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group depend on each other: values of `y` are exchanged between whole groups,
        which need as many samples each, and stay in their order within. Stretches of a time series
        are such groups.
    n_permutations : int, default=199
        The p-value is no smaller than ``1 / (n_permutations + 1)``.
    refit : bool, default=None
        Whether the estimator is fitted again to every permutation. None is whether it trains
        nothing.
    test_size : float, default=0.5
        Fraction of the samples that is evaluated, if the estimator is fitted once.
    n_neighbors : int, default=5
        Samples among which one of `y` is exchanged, where columns are given.
    random_state : int, RandomState instance or None, default=None
        Of the split and of the permutations.
    n_jobs : int, default=None
        Permutations at the same time, by joblib.
    verbose : int, default=0
        With 1 or more, a progress bar.

    Returns
    -------
    PermutationTest
        ``mutual_info``, in nats, ``permuted``, those of the permutations, and ``pvalue``, the share
        of them that is no smaller, the estimate itself included [1]_.

    Raises
    ------
    ValueError
        If groups have other numbers of samples, if they meet columns that are given, or if there
        are too few samples to split.

    See Also
    --------
    sklearn_mmg.mutual_info_test : Of every single column, with a p-value each.

    References
    ----------
    .. [1] Phipson and Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications
       in Genetics and Molecular Biology 9(1), 2010.
    .. [2] Runge, "Conditional Independence Testing Based on a Nearest-Neighbor Estimator of
       Conditional Mutual Information", AISTATS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import KSGMutualInfo
    >>> from sklearn_mmg.inspection import permutation_test
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 1))
    >>> y = x[:, 0] ** 2 + rng.normal(size=300)
    >>> permutation_test(KSGMutualInfo(), x, y, random_state=0).pvalue
    0.005
    """
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    estimator = _unfitted(estimator)
    if refit is None:
        refit = not isinstance(estimator, CrossFittedMutualInfo)
    groups = None if groups is None else np.asarray(groups)
    if refit:
        estimator.fit(X, y, groups)
        estimate = estimator.mutual_info_
    else:
        train, test = _split(X, groups, test_size, rng)
        parts = [_safe_indexing(X, train), _safe_indexing(y, train)]
        estimator.fit(*parts, groups=None if groups is None else groups[train])
        X, y = _safe_indexing(X, test), _safe_indexing(y, test)
        groups = None if groups is None else groups[test]
        estimate = estimator.mutual_info(X, y)
    given = estimator._validate_blocks(X, y, reset=False)[0][:, estimator._given]
    discrete = bool(estimator._masks[0][estimator._given].all())
    orders = [
        _permutation(given, discrete, groups, n_neighbors, rng) for _ in range(n_permutations)
    ]
    permuted = Parallel(n_jobs=n_jobs)(
        delayed(_value)(estimator, X, _safe_indexing(y, order), groups, refit)
        for order in tqdm(orders, disable=not verbose, unit="permutation")
    )
    permuted = np.array(permuted)
    pvalue = (1 + int((permuted >= estimate).sum())) / (1 + n_permutations)
    return PermutationTest(float(estimate), permuted, pvalue)


def _split(
    X: ArrayLike, groups: np.ndarray | None, test_size: float, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Samples to fit on, and to evaluate."""
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    seed = int(rng.randint(2**31 - 1))
    split = splitter(n_splits=1, test_size=test_size, random_state=seed)
    return next(split.split(X, groups=groups))


def _unfitted(estimator: BaseMutualInfo) -> BaseMutualInfo:
    return clone(estimator)  # pyright: ignore[reportReturnType]  # of the same type


def _value(
    estimator: BaseMutualInfo, X: ArrayLike, y: ArrayLike, groups: np.ndarray | None, refit: bool
) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is no data
        if refit:
            return _unfitted(estimator).fit(X, y, groups).mutual_info_
        return estimator.mutual_info(X, y)


def _permutation(
    given: np.ndarray,
    discrete: bool,
    groups: np.ndarray | None,
    n_neighbors: int,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Which sample every one gets its `y` from."""
    n = len(given)
    if groups is not None:
        if given.shape[1]:
            raise ValueError(
                "Samples are exchanged between groups or among those whose given "
                "columns are near, not both: leave out groups or given."
            )
        return _of_groups(groups, rng)
    if not given.shape[1]:
        return rng.permutation(n)
    if discrete:
        strata = np.unique(given, axis=0, return_inverse=True)[1].ravel()
        order = np.empty(n, dtype=int)
        for stratum in range(strata.max() + 1):
            rows = np.flatnonzero(strata == stratum)
            order[rows] = rng.permutation(rows)
        return order
    return _among_neighbours(scale(given), min(n_neighbors, n), rng)


def _of_groups(groups: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Whole groups, in another order."""
    labels, sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"Groups of {sizes.min()} to {sizes.max()} samples cannot be exchanged: give them as "
            "many each."
        )
    rows = np.argsort(labels, kind="stable").reshape(len(sizes), -1)
    order = np.empty(len(groups), dtype=int)
    order[rows] = rows[rng.permutation(len(rows))]
    return order


def _among_neighbours(given: np.ndarray, k: int, rng: np.random.RandomState) -> np.ndarray:
    """Each sample that of one of its nearest, none twice as long as there is another."""
    near = NearestNeighbors(n_neighbors=k).fit(given).kneighbors(return_distance=False)
    near = np.hstack([near, np.arange(len(given))[:, None]])
    taken = np.zeros(len(given), dtype=bool)
    order = np.empty(len(given), dtype=int)
    for i in rng.permutation(len(given)):
        candidates = rng.permutation(near[i])
        free = candidates[~taken[candidates]]
        order[i] = free[0] if len(free) else candidates[0]
        taken[order[i]] = True
    return order
