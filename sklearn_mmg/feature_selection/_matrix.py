"""Mutual information of all pairs of columns."""

import math
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import entropy
from sklearn.utils import check_consistent_length, gen_batches
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from sklearn_mmg._tables import read_block
from sklearn_mmg._validation import validate_params
from sklearn_mmg.feature_selection._columns import PARAMETER_CONSTRAINTS
from sklearn_mmg.feature_selection._pairs import pair_mutual_information
from sklearn_mmg.feature_selection._prepared import Column, Splits, draw_splits

TILE = 32  # columns of either side whose preparation is kept at the same time


@validate_params(
    {
        "X": ["array-like"],
        "Y": ["array-like", None],
        "discrete_features": PARAMETER_CONSTRAINTS["discrete_features"],
        "discrete_target": PARAMETER_CONSTRAINTS["discrete_features"],
        "scale": [StrOptions({"nats", "correlation"})],
        "random_state": PARAMETER_CONSTRAINTS["random_state"],
        "n_jobs": PARAMETER_CONSTRAINTS["n_jobs"],
        "cv": PARAMETER_CONSTRAINTS["cv"],
        "verbose": PARAMETER_CONSTRAINTS["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def mutual_info_matrix(
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    discrete_features: str | bool | ArrayLike = "auto",
    discrete_target: str | bool | ArrayLike = "auto",
    scale: str = "nats",
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    cv: int = 2,
    verbose: int = 0,
) -> np.ndarray:
    """Mutual information of all pairs of columns of a block, or of two blocks.

    A pair is estimated as by :func:`~sklearn_mmg.mutual_info_mmg`. Which of its columns is denoised
    goes by their values, so that the matrix of a block is symmetric and its entries do not depend
    on the order of the columns.

    Parameters
    ----------
    X : array-like or data frame of shape (n_samples, n_features)
        One block.
    Y : array-like or data frame of shape (n_samples, n_targets), default=None
        Another; the default is `X` itself.
    discrete_features, discrete_target : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Columns of `X` and of `Y` whose values have no order, as in
        :func:`~sklearn_mmg.mutual_info_mmg`.
    scale : {"nats", "correlation"}, default="nats"
        ``"correlation"`` is :func:`mutual_info_to_correlation`, between 0 and 1.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, and the noise that spreads ties.
    n_jobs : int, default=None
        Parts of the matrix estimated in parallel.
    cv : int, default=2
        Number of cross-fitting folds.
    verbose : int, default=0
        With 1 or more, a progress bar over parts of the matrix, of 32 times 32 pairs.

    Returns
    -------
    ndarray of shape (n_features, n_targets)
        In nats, not below 0. A column has with itself its entropy, which is infinite if it has
        values that are no atoms.

    Raises
    ------
    ValueError
        As :func:`~sklearn_mmg.mutual_info_mmg`.

    See Also
    --------
    MutualInfoMatrixDisplay : A heat map of it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import mutual_info_matrix
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 1000))
    >>> X = np.column_stack([a, b, a + b])
    >>> matrix = mutual_info_matrix(X, random_state=0)
    >>> bool((matrix == matrix.T).all()), bool(matrix[0, 1] < 0.05 < 0.2 < matrix[0, 2])
    (True, True)
    """
    left = read_block(X, discrete_features, "X")[:2]
    right = left if Y is None else read_block(Y, discrete_target, "y")[:2]
    check_consistent_length(left[0], right[0])
    splits, seed = draw_splits(len(left[0]), cv, random_state)
    tiles = [
        (rows, columns)
        for rows in gen_batches(left[0].shape[1], TILE)
        for columns in gen_batches(right[0].shape[1], TILE)
        if Y is not None or rows.start <= columns.start
    ]
    # Small matrices gain nothing from a second thread.
    with threadpool_limits(1, user_api="blas"):
        results = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_tile)(
                (left[0][:, rows], left[1][rows]),
                (right[0][:, columns], right[1][columns]),
                Y is None and rows == columns,
                splits,
                seed,
            )
            for rows, columns in tiles
        )
        parts = list(tqdm(results, total=len(tiles), disable=not verbose, unit="part"))
    matrix = np.empty((left[0].shape[1], right[0].shape[1]))
    for (rows, columns), part in zip(tiles, parts, strict=True):
        matrix[rows, columns] = part
        if Y is None:
            matrix[columns, rows] = matrix[rows, columns].T
    matrix = np.maximum(matrix, 0.0)
    return mutual_info_to_correlation(matrix) if scale == "correlation" else matrix


@overload
def mutual_info_to_correlation(mutual_info: float) -> np.float64: ...


@overload
def mutual_info_to_correlation(mutual_info: ArrayLike) -> np.ndarray: ...


def mutual_info_to_correlation(mutual_info: ArrayLike) -> np.ndarray | np.float64:
    """Mutual information on the scale of a correlation, between 0 and 1.

    ``sqrt(1 - exp(-2 I))`` is the absolute correlation of two normal columns with the same
    mutual information [1]_. Of discrete columns it stays below 1, because they share no more than
    their entropy; for them see :func:`uncertainty_coefficient`.

    Parameters
    ----------
    mutual_info : array-like or float
        In nats; negative values are taken as 0.

    Returns
    -------
    ndarray or float
        Of the shape of `mutual_info`; infinity becomes 1.

    See Also
    --------
    uncertainty_coefficient : A scale for discrete targets.
    mutual_info_matrix : Of all pairs of columns, on this scale if asked.

    References
    ----------
    .. [1] Linfoot, "An informational measure of correlation", Information and Control 1, 1957.

    Examples
    --------
    >>> from sklearn_mmg import mutual_info_to_correlation
    >>> round(float(mutual_info_to_correlation(0.830)), 2)
    0.9
    """
    return np.sqrt(-np.expm1(-2 * np.maximum(mutual_info, 0.0)))


def uncertainty_coefficient(mutual_info: ArrayLike, y: ArrayLike) -> np.ndarray | np.float64:
    """Share of the entropy of a discrete target that mutual information explains.

    ``I / H(y)``, Theil's U, cut to the range from 0 to 1.

    Parameters
    ----------
    mutual_info : array-like or float
        Of something with `y`, in nats.
    y : array-like of shape (n_samples,)
        Classes.

    Returns
    -------
    ndarray or float
        Of the shape of `mutual_info`, between 0 and 1.

    Raises
    ------
    ValueError
        If `y` is constant: there is no entropy to explain.

    See Also
    --------
    mutual_info_to_correlation : A scale for continuous columns.
    sklearn.metrics.normalized_mutual_info_score : Of two labellings, by counts.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_mmg import mutual_info_mmg, uncertainty_coefficient
    >>> X, y = load_iris(return_X_y=True)
    >>> share = uncertainty_coefficient(mutual_info_mmg(X, y, random_state=0), y)
    >>> bool(share[2] > 0.7 and share[2] <= 1)
    True
    """
    total = entropy(np.unique(y, return_counts=True)[1])
    if total == 0:
        raise ValueError("y has one value only: there is no entropy that could be explained.")
    return np.clip(np.asarray(mutual_info) / total, 0.0, 1.0)[()]


def _tile(
    left: tuple[np.ndarray, np.ndarray],
    right: tuple[np.ndarray, np.ndarray],
    same: bool,
    splits: Splits,
    seed: int,
) -> np.ndarray:
    """Part of the matrix between columns, values and mask each, that may be the same ones."""
    rows, columns = (
        [Column(*column, seed) for column in zip(values.T, discrete, strict=True)]
        for values, discrete in (left, right)
    )
    tile = np.empty((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if same and j < i:
                tile[i, j] = tile[j, i]
            elif same and i == j:
                tile[i, j] = _self_information(row)
            else:
                target, condition = sorted((row, column), key=lambda c: c.digest)
                tile[i, j] = pair_mutual_information(target, condition, splits).mutual_info
    return tile


def _self_information(column: Column) -> float:
    if column.n_free:
        return 0.0 if column.constant else math.inf
    return float(entropy(np.bincount(column.codes)))
