"""Mutual information of every column with a target, for feature selection."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csc_array, csc_matrix, sparray, spmatrix
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from sklearn_mmg._documentation import DocumentedEstimator
from sklearn_mmg._tables import ColumnReader, Table, discrete_mask, read_table, require_one_column
from sklearn_mmg._validation import validate_params
from sklearn_mmg._warnings import warn
from sklearn_mmg.feature_selection._pairs import Estimate, pair_mutual_information
from sklearn_mmg.feature_selection._prepared import Column, Splits, draw_splits

PARAMETER_CONSTRAINTS = {
    "X": ["array-like", "sparse matrix"],
    "y": ["array-like"],
    "discrete_features": [StrOptions({"auto", "from_dtype"}), "boolean", "array-like"],
    "discrete_target": [StrOptions({"auto", "from_dtype"}), "boolean"],
    "random_state": ["random_state"],
    "n_jobs": [Integral, None],
    "cv": [Interval(Integral, 2, None, closed="left")],
    "verbose": ["verbose"],
}


@validate_params(PARAMETER_CONSTRAINTS | {"copy": ["boolean"]}, prefer_skip_nested_validation=True)
def mutual_info_mmg(
    X: ArrayLike | sparray | spmatrix,
    y: ArrayLike,
    *,
    discrete_features: str | bool | ArrayLike = "auto",
    discrete_target: str | bool = "auto",
    copy: bool = True,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    cv: int = 2,
    verbose: int = 0,
) -> np.ndarray:
    """Mutual information between each column and the target, by closed-form denoisers.

    A drop-in for :func:`sklearn.feature_selection.mutual_info_regression` and
    :func:`~sklearn.feature_selection.mutual_info_classif`. One column is sent through a Gaussian
    channel and denoised with and without the other; half the area between the error curves is the
    mutual information [1]_. At a fixed signal-to-noise ratio the denoisers are ridge regressions,
    with the channel noise integrated exactly, and they are evaluated on samples that did not fit
    them. How complex they are, from a correlation to fine structure of the joint density, held-out
    evidence decides for every column.

    Values that many samples share (zeros, counts, ratings, the limit of a censored value) are
    outcomes of their own, split off by the chain rule, so that it does not matter whether a column
    with few levels is declared discrete.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        Feature matrix. A sparse matrix can only hold discrete features.
    y : array-like of shape (n_samples,)
        Target vector.
    discrete_features : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Columns whose values have no order: a bool for all, a mask, indices, or names of the
        columns of a data frame. ``"auto"`` takes booleans, strings and categories, and all of a
        sparse `X`.
    discrete_target : {"auto", "from_dtype"} or bool, default="auto"
        Whether the values of `y` have no order.
    copy : bool, default=True
        Accepted for compatibility: the data are never changed.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, and the noise that spreads ties. By other folds a score changes less than by
        other samples; with None two calls differ.
    n_jobs : int, default=None
        Columns estimated in parallel.
    cv : int, default=2
        Number of cross-fitting folds. More cost more and gain little: estimation error is not
        squared in the estimate, so that training on half of the samples is enough.
    verbose : int, default=0
        With 1 or more, a progress bar over the columns.

    Returns
    -------
    ndarray of shape (n_features,)
        Mutual information of each column with the target, in nats. A negative value is replaced
        by 0. A continuous column that orders the samples as a continuous target does gets
        infinity, with a warning.

    Raises
    ------
    ValueError
        For data that is not finite and numeric, continuous features in a sparse matrix, fewer
        samples than folds, or parameters out of range.

    See Also
    --------
    MMGScore : The same as an object whose parameters a grid search reaches.
    mutual_info_test : With p-values.
    mutual_info_matrix : Of all pairs of columns.
    MMGMutualInfo : Joint mutual information of all columns, with an interval.

    References
    ----------
    .. [1] Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import mutual_info_mmg
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> y = X[:, 0] ** 2 + 0.3 * rng.normal(size=1000)
    >>> informative, independent = mutual_info_mmg(X, y, random_state=0)
    >>> bool(informative > 0.5), bool(independent < 0.05)
    (True, True)
    """
    data = read_columns(X, y, discrete_features, discrete_target, cv, random_state)
    scores, _ = column_scores(data, n_jobs, verbose)
    warn_of_infinite(scores, data.labels)
    return np.maximum(scores, 0.0)


class MMGScore(DocumentedEstimator):
    """:func:`~sklearn_mmg.mutual_info_mmg` as a score function with parameters.

    Use it wherever a `score_func` is called. Unlike a :func:`functools.partial` it is cloned and
    searched by name, as in ``selectkbest__score_func__cv``.

    Parameters
    ----------
    discrete_features : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Columns whose values have no order.
    discrete_target : {"auto", "from_dtype"} or bool, default="auto"
        Whether the values of `y` have no order.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, and the noise that spreads ties.
    n_jobs : int, default=None
        Columns estimated in parallel.
    cv : int, default=2
        Number of cross-fitting folds.
    verbose : int, default=0
        All as in :func:`~sklearn_mmg.mutual_info_mmg`.

    See Also
    --------
    mutual_info_mmg : The function, with all parameters explained.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.feature_selection import SelectKBest
    >>> from sklearn_mmg import MMGScore
    >>> X, y = make_friedman1(n_samples=300, random_state=0)
    >>> SelectKBest(MMGScore(random_state=0), k=5).fit_transform(X, y).shape
    (300, 5)
    """

    def __init__(
        self,
        *,
        discrete_features: str | bool | ArrayLike = "auto",
        discrete_target: str | bool = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        cv: int = 2,
        verbose: int = 0,
    ) -> None:
        self.discrete_features = discrete_features
        self.discrete_target = discrete_target
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cv = cv
        self.verbose = verbose

    def __call__(self, X: ArrayLike | sparray | spmatrix, y: ArrayLike) -> np.ndarray:
        """Score every column of `X` by its mutual information with `y`.

        Selectors of scikit-learn call it; the parameters are those of the object.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Feature matrix.
        y : array-like of shape (n_samples,)
            Target vector.

        Returns
        -------
        ndarray of shape (n_features,)
            In nats, not below 0.

        See Also
        --------
        mutual_info_mmg : The function.
        sklearn.feature_selection.SelectKBest : A selector that calls it.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGScore
        >>> X = np.random.default_rng(0).normal(size=(500, 2))
        >>> informative, independent = MMGScore(random_state=0)(X, X[:, 0] ** 2)
        >>> bool(informative > 1 > 0.1 > independent)
        True
        """
        return mutual_info_mmg(X, y, **self.get_params(deep=False))


class Columns:
    """The columns of a table, made one by one, a target, and how their samples are split."""

    def __init__(
        self,
        values: np.ndarray | csc_array | csc_matrix,
        discrete: np.ndarray,
        labels: list[str],
        target: Column,
        splits: Splits,
        seed: int,
    ) -> None:
        self.values = values  # of shape (n_samples, n_features)
        self.discrete = discrete
        self.labels = labels
        self.target = target
        self.splits = splits
        self.seed = seed

    def raw(self, j: int) -> np.ndarray:
        """Values of column `j`."""
        if isinstance(self.values, np.ndarray):
            return self.values[:, j]
        return self.values[:, [j]].toarray()[:, 0]


def read_columns(
    X: ArrayLike | sparray | spmatrix,
    y: ArrayLike,
    discrete_features: str | bool | ArrayLike,
    discrete_target: str | bool,
    cv: int,
    random_state: int | np.random.RandomState | None,
) -> Columns:
    """Check a feature matrix and a target, and say how they are split."""
    values, discrete, labels = _read_features(X, discrete_features)
    table = read_table(y, "y")
    several = " For several targets see mutual_info_matrix and MMGMutualInfo."
    require_one_column(table.values, several)
    check_consistent_length(values, table.values)
    splits, seed = draw_splits(len(table.values), cv, random_state)
    reader = ColumnReader("y", " or set discrete_target=True").fit(table, discrete_target)
    target = Column(reader.transform(table)[:, 0], bool(reader.discrete_[0]), seed)
    return Columns(values, discrete, labels, target, splits, seed)


def _read_features(
    X: ArrayLike | sparray | spmatrix, discrete_features: str | bool | ArrayLike
) -> tuple[np.ndarray | csc_array | csc_matrix, np.ndarray, list[str]]:
    """Values, mask of the discrete columns, and what messages call them."""
    if isinstance(X, sparray | spmatrix):
        # pyright takes the types of scikit-learn's functions from their defaults.
        sparse: csc_array | csc_matrix = check_array(  # pyright: ignore[reportAssignmentType]
            X,
            accept_sparse="csc",  # pyright: ignore[reportArgumentType]
            input_name="X",
        )
        if isinstance(discrete_features, str):
            discrete_features = True
        n_columns = int(sparse.shape[1])  # pyright: ignore[reportOptionalSubscript]  # inferred
        # Only the shape of the values is asked for.
        types = Table(sparse, np.zeros(n_columns, dtype=bool), None)  # pyright: ignore[reportArgumentType]
        mask = discrete_mask(discrete_features, types, "X")
        if not mask.all():
            raise ValueError("Sparse matrix `X` can't have continuous features.")
        return sparse, mask, [str(j) for j in range(n_columns)]
    table = read_table(X, "X")
    # Columns are read one after the other.
    table = table._replace(values=np.asfortranarray(table.values))
    reader = ColumnReader("X").fit(table, discrete_features)
    labels = [table.label(j) for j in range(table.values.shape[1])]
    # A discrete column makes its own codes of numbers.
    coded = table.values.dtype.kind == "f" and reader.discrete_.all()
    values = table.values if coded else reader.transform(table)
    return np.asfortranarray(values), reader.discrete_, labels


def column_scores(data: Columns, n_jobs: int | None, verbose: int) -> tuple[np.ndarray, np.ndarray]:
    """Unclipped mutual information of every column with the target, and standard errors."""
    # Small matrices gain nothing from a second thread.
    with threadpool_limits(1, user_api="blas"):
        estimates = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_column_score)(
                data.raw(j), data.discrete[j], data.target, data.splits, data.seed
            )
            for j in range(len(data.labels))
        )
        bar = tqdm(estimates, total=len(data.labels), disable=not verbose, unit="column")
        scores, standard_errors = np.array(list(bar), dtype=np.float64).T
    return scores, standard_errors


def _column_score(
    values: np.ndarray, discrete: bool, target: Column, splits: Splits, seed: int
) -> Estimate:
    return pair_mutual_information(target, Column(values, discrete, seed), splits)


def warn_of_infinite(scores: np.ndarray, labels: Sequence[str]) -> None:
    """Name the columns that order the samples as the target does."""
    if np.isinf(scores).any():
        columns = ", ".join(labels[j] for j in np.flatnonzero(np.isinf(scores)).tolist())
        warn(
            f"Columns {columns} of X order the samples exactly as y does, or in reverse: their "
            "mutual information is infinite."
        )
