"""What the data themselves say about their mutual information, before any model is believed."""

import numpy as np
from scipy.stats import entropy
from sklearn.neighbors import NearestNeighbors

from sklearn_mmg._blocks import identical_ranks, is_discrete_column
from sklearn_mmg._warnings import warn
from sklearn_mmg.preprocessing import SmoothGaussianizer

# Fewer samples than this beyond the number of columns fit a linear function by chance.
MIN_RESIDUAL_SAMPLES = 20
# Residual variance, relative to that of the column, that is rounding error.
EXACT_VARIANCE = 1e-18
# Local regressions: of few columns only, where neighbours are near, and at so many samples.
MAX_LOCAL_COLUMNS = 3
MIN_LOCAL_SAMPLES = 50
MAX_LOCAL_SAMPLES = 2000
# Less than this, in nats, is no reason to warn of an estimate.
NEGLIGIBLE = 0.05
# What the second half of a training may add without a warning, in nats: of 99 estimates from 1,000
# samples that were not too low by 0.05 none had added more.
LARGE_RISE = 0.08
# With fewer samples per column class probabilities show only part of what there is.
SAMPLES_PER_COLUMN = 4
# What a regression proves must exceed the estimate by so much, in nats.
REGRESSION_MARGIN = 0.5


def entropy_bound(blocks, masks):
    """Least entropy of a discrete side of the sample, in nats; infinite without one.

    Parameters
    ----------
    blocks : sequence of two ndarrays of shape (n_samples, n_columns)
    masks : sequence of two ndarrays of bool
        Declared discrete columns. A column with nothing but heavy levels is one in any case.
    """
    bound = np.inf
    for columns, mask in zip(blocks, masks, strict=True):
        if mask.all() or is_discrete_column(columns):
            counts = np.unique(columns, axis=0, return_counts=True)[1]
            bound = min(bound, float(entropy(counts)))
    return bound


def without_ties(columns):
    """Indices of the columns that have no value twice."""
    return [j for j, c in enumerate(columns.T) if len(np.unique(c)) == len(c)]


def linear_function(columns, others):
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


def _scaled(columns):
    """Centred columns with unit variance, in two steps for the sake of huge values."""
    centred = columns / np.maximum(np.abs(columns).max(axis=0), np.finfo(float).tiny)
    centred = centred - centred.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    return centred / np.where(scale > 0, scale, 1.0)


def regression_bound(columns, others, rng):
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


def exact_relation(blocks, masks, readers):
    """How columns of one side determine one of the other, as a sentence, or None.

    Parameters
    ----------
    blocks : sequence of two ndarrays of n_samples rows
        `X` and `y`.
    masks : sequence of two ndarrays of bool
        Discrete columns, which are left out.
    readers : sequence of two ColumnReader
        That know how columns are called.
    """
    numbers = [np.flatnonzero(~mask) for mask in masks]
    blocks = [block[:, j] for block, j in zip(blocks, numbers, strict=True)]
    labels = [
        [reader.label(j) for j in index] for reader, index in zip(readers, numbers, strict=True)
    ]
    if (pair := identical_ranks(*blocks)) is not None:
        first, second = labels[0][pair[0]], labels[1][pair[1]]
        return f"C{first[1:]} orders the samples exactly as {second}, or in reverse"
    for i in (1, 0):
        if (j := linear_function(blocks[i], blocks[1 - i])) is not None:
            return f"C{labels[i][j][1:]} is a linear function of {'yX'[i]}"
    return None


def warn_of_doubt(estimator, forms, other):
    """Warn if the forms of an estimate contradict each other.

    Parameters
    ----------
    estimator : MMGMutualInfo
        With an estimate.
    forms : list of float
        Forms of it, in nats.
    other : {"X", "y"}
        The side that was not denoised.

    Returns
    -------
    alternatives : tuple of float
        What an interval should hold: the forms after a warning, nothing otherwise.
    """
    estimate, error = estimator.mutual_info_, estimator.mutual_info_se_
    negative = estimate < -max(2 * error, NEGLIGIBLE)
    contradictory = max(forms) - min(forms) > max(2 * estimator.cross_term_se_, NEGLIGIBLE)
    vague = error > max(abs(estimate), NEGLIGIBLE) and contradictory
    if not (negative or vague):
        return ()
    warn(
        f"The estimate, {estimate:.3f} nats with a standard error of {error:.3f}, is not to be "
        f"relied on: forms of it that agree for good denoisers range from {min(forms):.3f} to "
        f"{max(forms):.3f}. The denoisers of {estimator.denoised_} were not learned well. Try "
        f"denoise={other!r}, more samples, or fewer columns."
    )
    return tuple(forms)


def warn_of_rise(estimator):
    """Warn if the last half of a training still added much to the estimate."""
    rise = max(
        (pair.doubt_.rise for pair in estimator.pairs_ if hasattr(pair, "doubt_")), default=0
    )
    if estimator.estimator == "auto" and rise > LARGE_RISE:
        warn(
            f"The estimate, {estimator.mutual_info_:.2f} nats, may be too low: the second half of "
            f"the training still added {rise:.2f} nats to it. Use more samples, or more steps, "
            f"such as n_steps={2 * estimator.n_iter_}."
        )


def warn_of_regression(estimator, blocks, rng):
    """Warn if a plain regression of numbers on numbers proves more than an estimate."""
    limit = estimator.mutual_info_ + 2 * estimator.mutual_info_se_ + REGRESSION_MARGIN
    if any(mask.any() for mask in estimator._masks):
        return
    for i in (1, 0):
        bound, j = regression_bound(blocks[i], blocks[1 - i], rng)
        if bound > limit:
            warn(
                f"Nearest neighbours in {'yX'[i]} predict {estimator._readers[i].label(j)} so well "
                f"that the mutual information is at least {bound:.1f} nats, more than the "
                f"estimate of {estimator.mutual_info_:.1f}. If one side is a function of the other "
                "it is infinite, and the estimate a lower limit that grows with the number of "
                "samples."
            )
            return


def warn_of_new(sides, target, condition):
    """Warn of categories in later data that were not seen in fit.

    Parameters
    ----------
    sides : Sides
        Fitted.
    target : ndarray of n_samples rows
        What is denoised: class codes, -1 where new, of a discrete side.
    condition : ndarray of shape (n_samples, n_columns)
        The columns of the other side.
    """
    if sides.target.kind == "discrete" and (new := (target < 0).sum()):
        warn(
            f"{new} of {len(target)} samples have a class of {sides.denoised} that was not seen in "
            "fit, and count as if it were independent of the other side. Folds that are "
            "stratified by class have all of them."
        )
    if new := sides.condition.n_new(condition):
        warn(
            f"{new} of {len(target)} samples have a category of {sides.other} that was not seen in "
            "fit, which tells nothing about the other side."
        )


def warn_of_wide_classes(pairs, side):
    """Warn if class probabilities given many columns of `side` are learned from few samples.

    Parameters
    ----------
    pairs : list
        Fitted denoisers of all folds; those of classes know numbers of columns and samples.
    side : {"X", "y"}
    """
    classes = [pair for pair in pairs if hasattr(pair, "n_columns_")]
    if not classes or classes[0].n_columns_ * SAMPLES_PER_COLUMN <= classes[0].n_samples_:
        return
    warn(
        f"{side} has {classes[0].n_columns_} columns for {classes[0].n_samples_} training samples. "
        "Class probabilities are shrunk to their margin as far as held-out samples demand: what "
        "that hides is missing from the estimate and its interval, which are lower limits. Use "
        f"more samples, or reduce {side} first: with PCA, or with a discriminant on other data."
    )
