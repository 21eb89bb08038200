"""Whether a column and the target are dependent at all."""

from collections.abc import Sequence
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix
from scipy.special import ndtri
from scipy.stats import norm, rankdata
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from sklearn_mmg._documentation import DocumentedEstimator
from sklearn_mmg._validation import validate_params
from sklearn_mmg.diffusion.basis import smooth_basis
from sklearn_mmg.feature_selection._columns import (
    PARAMETER_CONSTRAINTS,
    Columns,
    column_scores,
    read_columns,
    warn_of_infinite,
)

N_FUNCTIONS = 20
ROWS_PER_FUNCTION = 10
# What a column without ties is called: the order of its samples is all that it has.
UNTIED = "untied"


class MutualInfoTestResult(tuple[np.ndarray, np.ndarray]):
    """``(scores, pvalues)``, as scikit-learn's univariate selectors take it.

    Attributes
    ----------
    scores, pvalues, standard_errors : ndarray of shape (n_features,)
        Mutual information and its standard error in nats, and the p-value of independence.
    """

    scores: np.ndarray
    pvalues: np.ndarray
    standard_errors: np.ndarray

    def __new__(cls, scores: np.ndarray, pvalues: np.ndarray, standard_errors: np.ndarray) -> Self:
        result = super().__new__(cls, (scores, pvalues))
        result.scores, result.pvalues = scores, pvalues
        result.standard_errors = standard_errors
        return result

    def __getnewargs__(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.scores, self.pvalues, self.standard_errors


@validate_params(
    PARAMETER_CONSTRAINTS | {"n_permutations": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def mutual_info_test(
    X: ArrayLike | sparray | spmatrix,
    y: ArrayLike,
    *,
    discrete_features: str | bool | ArrayLike = "auto",
    discrete_target: str | bool = "auto",
    n_permutations: int = 999,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    cv: int = 2,
    verbose: int = 0,
) -> MutualInfoTestResult:
    """Mutual information between each column and the target, with p-values.

    The scores are those of :func:`~sklearn_mmg.mutual_info_mmg`. A p-value says how often
    independent columns would look as dependent: the samples of the target are permuted, and the
    statistic is computed again [1]_. It is the orthogonal form of mutual information for weak
    dependence, half the squared correlations of smooth functions of both columns, weighted in
    three ways: all functions by their smoothness, which finds monotone and heteroscedastic
    dependence, the smoothest few, which finds rings, and functions of any fineness of one column
    against the trend of the other, which finds oscillations. The smallest of three p-values is
    calibrated by the same permutations.

    The statistic goes by ranks. Columns without ties then share one null distribution; each column
    with ties has its own.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        Feature matrix.
    y : array-like of shape (n_samples,)
        Target vector.
    discrete_features : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Columns whose values have no order.
    discrete_target : {"auto", "from_dtype"} or bool, default="auto"
        Both as in :func:`~sklearn_mmg.mutual_info_mmg`.
    n_permutations : int, default=999
        No p-value is below ``1 / (n_permutations + 1)``. False discovery control over many
        columns needs many: at level .05 the best of 1,000 columns is compared with .00005.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, the noise that spreads ties, and the permutations.
    n_jobs : int, default=None
        Columns scored in parallel.
    cv : int, default=2
        Number of cross-fitting folds of the scores.
    verbose : int, default=0
        With 1 or more, progress bars over the columns, of the scores and of the permutations.

    Returns
    -------
    MutualInfoTestResult
        The tuple ``(scores, pvalues)`` of arrays of shape (n_features,), with the attributes
        ``scores``, ``pvalues`` and ``standard_errors``. A constant column has the p-value 1.

    Raises
    ------
    ValueError
        As :func:`~sklearn_mmg.mutual_info_mmg`.

    See Also
    --------
    MMGTest : The same as an object whose parameters a grid search reaches.
    sklearn.feature_selection.SelectFdr : Controls the false discovery rate.

    References
    ----------
    .. [1] Phipson and Smyth, "Permutation p-values should never be zero", Statistical Applications
       in Genetics and Molecular Biology 9(1), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import mutual_info_test
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = X[:, 0] ** 2 + rng.normal(size=300)
    >>> scores, pvalues = mutual_info_test(X, y, random_state=0)
    >>> (pvalues < 0.01).tolist()
    [True, False, False]
    """
    rng = check_random_state(random_state)
    data = read_columns(X, y, discrete_features, discrete_target, cv, rng)
    scores, standard_errors = column_scores(data, n_jobs, verbose)
    warn_of_infinite(scores, data.labels)
    with threadpool_limits(1, user_api="blas"):
        pvalues = independence_pvalues(data, n_permutations, rng, verbose)
    return MutualInfoTestResult(np.maximum(scores, 0.0), pvalues, standard_errors)


class MMGTest(DocumentedEstimator):
    """:func:`~sklearn_mmg.mutual_info_test` as a score function with parameters.

    Use it in selectors that go by p-values, such as scikit-learn's for the false discovery rate. It
    is cloned, and searched by name.

    Parameters
    ----------
    discrete_features : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Columns whose values have no order.
    discrete_target : {"auto", "from_dtype"} or bool, default="auto"
        Whether the values of `y` have no order.
    n_permutations : int, default=999
        No p-value is below ``1 / (n_permutations + 1)``.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, the noise that spreads ties, and the permutations.
    n_jobs : int, default=None
        Columns scored in parallel.
    cv : int, default=2
        Number of cross-fitting folds of the scores.
    verbose : int, default=0
        All as in :func:`~sklearn_mmg.mutual_info_test`.

    See Also
    --------
    mutual_info_test : The function, with all parameters explained.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.feature_selection import SelectFdr
    >>> from sklearn_mmg import MMGTest
    >>> X, y = make_friedman1(n_samples=300, random_state=0)
    >>> SelectFdr(MMGTest(random_state=0)).fit(X, y).get_support()[:5].tolist()
    [True, True, True, True, True]
    """

    def __init__(
        self,
        *,
        discrete_features: str | bool | ArrayLike = "auto",
        discrete_target: str | bool = "auto",
        n_permutations: int = 999,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        cv: int = 2,
        verbose: int = 0,
    ) -> None:
        self.discrete_features = discrete_features
        self.discrete_target = discrete_target
        self.n_permutations = n_permutations
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cv = cv
        self.verbose = verbose

    def __call__(self, X: ArrayLike | sparray | spmatrix, y: ArrayLike) -> MutualInfoTestResult:
        """Score every column of `X`, with a p-value.

        Selectors of scikit-learn call it; the parameters are those of the object.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Feature matrix.
        y : array-like of shape (n_samples,)
            Target vector.

        Returns
        -------
        MutualInfoTestResult
            The tuple ``(scores, pvalues)`` of arrays of shape (n_features,), the scores in nats.

        See Also
        --------
        mutual_info_test : The function.
        sklearn.feature_selection.SelectFdr : A selector that calls it.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGTest
        >>> X = np.random.default_rng(0).normal(size=(300, 2))
        >>> scores, pvalues = MMGTest(random_state=0)(X, X[:, 0] ** 2)
        >>> (pvalues < 0.01).tolist()
        [True, False]
        """
        return mutual_info_test(X, y, **self.get_params(deep=False))


class Functions:
    """Functions of a column, orthonormal over its samples and without a mean.

    Parameters
    ----------
    values : ndarray of shape (n,)
    discrete : bool
        Whether the values have no order: their functions are then all equally smooth.
    """

    def __init__(self, values: np.ndarray, discrete: bool) -> None:
        n = len(values)
        levels, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        if discrete:
            # A contrast for every class but one, which the others determine.
            basis = np.eye(len(levels))[codes][:, np.argsort(counts)[:-1]]
            smoothness = np.ones(basis.shape[1])
        else:
            scores = ndtri((rankdata(levels[codes]) - 0.5) / n)
            n_functions = int(np.clip(n // ROWS_PER_FUNCTION, 1, N_FUNCTIONS))
            basis = smooth_basis(scores, N_FUNCTIONS + 4, n_functions + 1)[:, 1:]
            smoothness = np.arange(1.0, basis.shape[1] + 1)
        basis = basis - basis.mean(axis=0)
        orthonormal, triangle = np.linalg.qr(basis)
        # Of few levels there are few functions.
        new = np.abs(np.diag(triangle)) > 1e-6 * np.sqrt(n)
        self.basis = np.ascontiguousarray(orthonormal[:, new]) * np.sqrt(n)
        self.smoothness = smoothness[new]
        # Of names the order says nothing, and they have other functions than numbers.
        self.untied = not discrete and len(levels) == n

    def take(self, order: np.ndarray) -> np.ndarray:
        """Values of the functions with the samples in another order."""
        return self.basis[order]


def independence_pvalues(
    data: Columns, n_permutations: int, rng: np.random.RandomState, verbose: int = 0
) -> np.ndarray:
    """Permutation p-values of every column against the target."""
    n = len(data.target.values)
    target = Functions(data.target.values, data.target.discrete)
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(n_permutations))]
    untied_null = None
    pvalues = np.ones(len(data.labels))
    columns = range(len(data.labels))
    for j in tqdm(columns, desc="permutation test", disable=not verbose, leave=False):
        column = Functions(data.raw(j), data.discrete[j])
        if not (column.basis.size and target.basis.size):
            continue
        if not column.untied:
            statistics = _statistics(column, target, orders)
        else:
            if untied_null is None:
                untied_null = _statistics(column, target, orders[1:])
            statistics = np.vstack([_statistics(column, target, orders[:1]), untied_null])
        pvalues[j] = _pvalue(statistics)
    return pvalues


def _statistics(column: Functions, target: Functions, orders: Sequence[np.ndarray]) -> np.ndarray:
    """Weighted sums of squared correlations, for the target in each of the orders.

    Returns
    -------
    statistics : ndarray of shape (n_orders, 3)
    """
    smoothness = np.multiply.outer(column.smoothness, target.smoothness)
    trend = np.minimum.outer(column.smoothness, target.smoothness) <= 1
    weights = np.stack([smoothness**-2.0, smoothness <= 4, trend]).reshape(3, -1)
    n = len(column.basis)
    squares = np.stack(
        [np.square(column.basis.T @ target.take(order)).ravel() / n for order in orders]
    )
    return squares @ weights.T


# How the level of the test is divided among the three statistics.
SHARES = np.array([0.6, 0.25, 0.15])


def _pvalue(statistics: np.ndarray) -> float:
    """Share of orders that look as dependent as the first, itself included."""
    # Cube roots of sums of squares are almost normal.
    scores = np.cbrt(statistics / np.maximum(statistics.mean(axis=0), 1e-300))
    scores = (scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-300)
    evidence = (norm.logsf(scores) - np.log(SHARES)).min(axis=1)
    # Ties count against the column; rounding must not break them.
    return float(np.mean(evidence <= evidence[0] + 1e-9 * abs(evidence[0])))
