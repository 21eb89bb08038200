"""What the data themselves say about their mutual information, before any model is believed."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, norm
from sklearn.neighbors import NearestNeighbors

from sklearn_mmg._atoms import is_discrete_column
from sklearn_mmg._tables import ColumnReader
from sklearn_mmg.preprocessing import SmoothGaussianizer

LINEAR_RELATION = "Some combination of columns of one side is a linear function of the other side"
# Fewer samples than this beyond the number of columns fit a linear function by chance.
MIN_RESIDUAL_SAMPLES = 20
# Residual variance, relative to that of the column, that is rounding error.
EXACT_VARIANCE = 1e-18
# Local regressions: of few columns only, where neighbours are near, and at so many samples.
MAX_LOCAL_COLUMNS = 3
MIN_LOCAL_SAMPLES = 50
MAX_LOCAL_SAMPLES = 2000
# Fewer samples than this share an order by chance, or by strong but finite dependence.
MIN_SAMPLES_FOR_RANK_TEST = 20
# With fewer of them a sample has not seen all combinations of the levels of its columns.
MIN_SAMPLES_PER_COMBINATION = 10


class EntropyBound(NamedTuple):
    """The entropy of a discrete side, in nats, which mutual information does not exceed."""

    of_sample: float
    standard_error: float
    n_free: int  # shares of levels
    n_samples: int
    largest: float = math.inf  # that as many levels can have

    def upper_limit(self, confidence: float) -> float:
        """What the entropy is below, with a probability, if the sample has all levels.

        Where they are about as frequent the entropy of a sample is low by a likelihood ratio.
        """
        ratio = chi2.ppf(confidence, max(self.n_free, 1)) / (2 * self.n_samples)
        limit = self.of_sample + norm.ppf(confidence) * self.standard_error + float(ratio)
        return min(float(limit), self.largest)


UNBOUNDED = EntropyBound(np.inf, 0.0, 1, 1)


def entropy_bound(blocks: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> EntropyBound:
    """That of the discrete side with the least entropy; infinite without one.

    Parameters
    ----------
    blocks : sequence of two ndarrays of shape (n_samples, n_columns)
    masks : sequence of two ndarrays of bool
        Declared discrete columns. A column with nothing but heavy levels is one in any case.
    """
    bound = UNBOUNDED
    for columns, mask in zip(blocks, masks, strict=True):
        if mask.all() or is_discrete_column(columns):
            bound = min(bound, _entropy(columns))
    return bound


def _entropy(columns: np.ndarray) -> EntropyBound:
    """That of the combinations of levels, or of hardly repeated ones the sum over the columns."""
    counts = np.unique(columns, axis=0, return_counts=True)[1]
    n, shares = len(columns), counts / len(columns)
    if columns.shape[1] > 1 and n < MIN_SAMPLES_PER_COMBINATION * len(counts):
        of_columns = [_entropy(column[:, None]) for column in columns.T]
        entropy, error, n_free, _, largest = map(sum, zip(*of_columns, strict=True))
        return EntropyBound(entropy, error, n_free, n, largest)
    entropy = float(-shares @ np.log(shares))
    spread = max(float(shares @ np.log(shares) ** 2) - entropy**2, 0.0)
    return EntropyBound(entropy, math.sqrt(spread / n), len(counts) - 1, n, math.log(len(counts)))


def without_ties(columns: np.ndarray) -> list[int]:
    """Indices of the columns that have no value twice."""
    return [j for j, c in enumerate(columns.T) if len(np.unique(c)) == len(c)]


def linear_function(columns: np.ndarray, others: np.ndarray) -> int | None:
    """The first of some columns that is an exact linear function of others, or None.

    Columns with ties are left out: a discrete column has a finite entropy.

    Parameters
    ----------
    columns, others : ndarray of n_samples rows
    """
    n = len(columns)
    if others.shape[1] == 0 or n < others.shape[1] + 1 + MIN_RESIDUAL_SAMPLES:
        return None
    candidates = without_ties(columns)
    if not candidates:
        return None
    x, y = _scaled(others), _scaled(columns[:, candidates])
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    exact = np.flatnonzero((residual**2).mean(axis=0) < EXACT_VARIANCE)
    return candidates[exact[0]] if len(exact) else None


def _scaled(columns: np.ndarray) -> np.ndarray:
    """Centred columns with unit variance, in two steps for the sake of huge values."""
    centred = columns / np.maximum(np.abs(columns).max(axis=0), np.finfo(float).tiny)
    centred = centred - centred.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    return centred / np.where(scale > 0, scale, 1.0)


def regression_bound(
    columns: np.ndarray, others: np.ndarray, rng: np.random.Generator
) -> tuple[float, int]:
    """What local regressions prove of the mutual information of two blocks, in nats.

    Among all densities with a given variance the normal one has the largest entropy. If a
    predictor of a standard normal column leaves the mean square ``s**2`` on samples that it did
    not see, the mutual information is at least ``-log(s)``.

    Parameters
    ----------
    columns, others : ndarray of n_samples rows
        What is predicted, each column on its own, and by what.
    rng : numpy Generator
        Draws the samples that are predicted, of many.

    Returns
    -------
    bound : float
        Zero if nothing can be said.
    column : int
        The one that it is for.
    """
    candidates = np.array(without_ties(columns), dtype=int)
    d = others.shape[1]
    if not len(candidates) or not 0 < d <= MAX_LOCAL_COLUMNS or len(columns) < MIN_LOCAL_SAMPLES:
        return 0.0, 0
    y = SmoothGaussianizer().fit_transform(columns[:, candidates])
    normal = np.abs(y.std(axis=0) - 1) < 0.1  # others are too far from everything to be made so
    y, candidates = y[:, normal], candidates[normal]
    if not normal.any():
        return 0.0, 0
    x = SmoothGaussianizer().fit_transform(others)
    rows = rng.permutation(len(x))[:MAX_LOCAL_SAMPLES]
    k = 3 * (d + 1)
    # The nearest of all is the sample itself, or a twin of it.
    near = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x[rows], return_distance=False)
    near = np.where(near == rows[:, None], near[:, :1], near)[:, 1:]
    offsets = x[near] - x[rows][:, None]
    design = np.concatenate([np.ones((len(rows), k, 1)), offsets], axis=2)
    # A little ridge, for neighbours on one spot.
    gram = np.swapaxes(design, 1, 2) @ design + 1e-9 * np.eye(d + 1)
    fitted = np.linalg.solve(gram, np.swapaxes(design, 1, 2) @ y[near])[:, 0]
    mean_square = ((y[rows] - fitted) ** 2).mean(axis=0)
    best = int(mean_square.argmin())
    return float(max(0.0, -0.5 * np.log(max(mean_square[best], 1e-300)))), int(candidates[best])


def identical_ranks(x: np.ndarray, y: np.ndarray) -> tuple[int, int] | None:
    """A column of `x` and one of `y` that order the samples in the same way, or in reverse.

    Columns with ties are left out: a discrete column has a finite entropy. So are small samples.

    Returns
    -------
    pair : tuple of two int, or None
    """
    n = len(x)
    if n < MIN_SAMPLES_FOR_RANK_TEST:
        return None
    ranks = [
        {
            np.argsort(np.argsort(c)).tobytes(): j
            for j, c in enumerate(block.T)
            if len(np.unique(c)) == n
        }
        for block in (x, y)
    ]
    for key, j in ranks[0].items():
        reverse = (n - 1 - np.frombuffer(key, dtype=np.intp)).tobytes()
        for other in (key, reverse):
            if other in ranks[1]:
                return j, ranks[1][other]
    return None


def exact_relation(
    blocks: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    readers: Sequence[ColumnReader],
    given: np.ndarray,
) -> str | None:
    """How columns of one side determine one of the other, as a sentence, or None.

    Parameters
    ----------
    blocks : sequence of two ndarrays of n_samples rows
        `X` and `y`.
    masks : sequence of two ndarrays of bool
        Discrete columns, which are left out.
    readers : sequence of two ColumnReader
        That know how columns are called.
    given : ndarray of bool of shape (n_columns,)
        Columns of `X` that are given: of what they determine nothing is left to be told.
    """
    known = blocks[0][:, given & ~masks[0]]
    numbers = [np.flatnonzero(mask) for mask in (~given & ~masks[0], ~masks[1])]
    if known.shape[1]:
        numbers = [
            np.array([j for j in index if not _determined(block[:, [j]], known)], dtype=int)
            for block, index in zip(blocks, numbers, strict=True)
        ]
    x, y = blocks = [block[:, j] for block, j in zip(blocks, numbers, strict=True)]
    labels = [
        [reader.label(j) for j in index.tolist()]
        for reader, index in zip(readers, numbers, strict=True)
    ]
    if (pair := identical_ranks(x, y)) is not None:
        first, second = labels[0][pair[0]], labels[1][pair[1]]
        return f"C{first[1:]} orders the samples exactly as {second}, or in reverse"
    for i in (1, 0):
        if (j := linear_function(blocks[i], np.hstack([blocks[1 - i], known]))) is not None:
            others = "yX"[i] + (" and what is given" if known.shape[1] and i == 0 else "")
            return f"C{labels[i][j][1:]} is a linear function of {others}"
    return None


def _determined(column: np.ndarray, others: np.ndarray) -> bool:
    """Whether others determine a column."""
    relations = linear_function(column, others), identical_ranks(column, others)
    return any(found is not None for found in relations)
