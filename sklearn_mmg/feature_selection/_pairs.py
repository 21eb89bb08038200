"""Mutual information of two columns, of whatever kind, in closed form.

With ``A`` and ``B`` the atoms of two columns, or "none", the chain rule on either side gives

    I(x; y) = I(A; B) + P(y free) I(A; y | y free) + P(x free) I(x; B | x free)
              + P(both free) I(x; y | both free)

where a value is free if it is no atom. A discrete column is all atoms, one with smooth values has
none, and counts, ratings, censored and zero-inflated columns are between. In each term a free
column has a normal margin, so that its unconditional denoiser is exact.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_mmg._core.preconditioning import gaussian_direct, gaussian_orthogonal
from sklearn_mmg.diffusion.evidence import most_evident, simplest
from sklearn_mmg.diffusion.residual_model import (
    SMALLEST_VARIANCE,
    class_log_variances,
    class_means,
    spline_log_variances,
    spline_means,
)
from sklearn_mmg.diffusion.spline import Path, cell_basis, class_shape_path, resolution, shape_path
from sklearn_mmg.diffusion.table import table_mutual_information
from sklearn_mmg.feature_selection._prepared import Column, Condition, Splits

MIN_FREE_ROWS = 12  # fewer tell nothing about a smooth dependence
STRONG_DEPENDENCE = 1.2  # nats, from which on the roughness of ranks costs more than they gain
ROWS_PER_TERM = 6  # of a mean or a variance: flexible candidates need many samples
ROWS_PER_FEATURE = 3  # of a denoiser
LEVELS = (0, 1, 2)  # of resolution, tried one after the other as long as a finer one may pay
PLACE_OF_FINER = 0.7  # finer functions are tried if the best path ends beyond this part of it


class Held(NamedTuple):
    """Sums over samples that the model did not see, in nats."""

    linear: float = 0.0
    direct: float = 0.0
    squares: float = 0.0  # deviations of the pointwise values from their mean

    def __add__(self, other: "Held") -> "Held":
        return Held(*(a + b for a, b in zip(self, other, strict=True)))


class Shape(NamedTuple):
    """What denoisers add to a Gaussian part."""

    held: Held = Held()
    place: int = 0  # on the path of numbers of features
    certain: float = 0.0  # the linear form, less two standard deviations


class Estimate(NamedTuple):
    """Mutual information of two columns and its standard error, in nats."""

    mutual_info: float
    standard_error: float


def pair_mutual_information(target: Column, condition: Column, splits: Splits) -> Estimate:
    """Mutual information of two columns, not clipped.

    Parameters
    ----------
    target, condition : Column
        The target is what is denoised wherever both are free.
    splits : Splits
        Every part of the samples is evaluated by models of the others.

    Returns
    -------
    estimate : Estimate
        Infinite if the two order the samples that are no atoms alike.
    """
    if target.constant or condition.constant:
        return Estimate(0.0, 0.0)
    if target.shares_order(condition):
        return Estimate(math.inf, 0.0)
    folds = (target if target.n_codes > 1 else condition).folds(splits)
    total = Held()
    if target.n_codes > 1 and condition.n_codes > 1:
        total += Held(
            *table_mutual_information(
                condition.codes, target.codes, condition.n_codes, target.n_codes, folds
            )
        )
    for column, other in ((target, condition), (condition, target)):
        if other.n_codes > 1 and column.n_free >= MIN_FREE_ROWS:
            rows = column.free
            total += class_pair(
                column.margin(rows, "exact"), other.codes[rows], other.n_codes, folds[rows]
            )
    rows = target.free & condition.free
    if (n_rows := rows.sum()) >= MIN_FREE_ROWS:
        # Among the rows that both sides leave, a margin may be another than among its own.
        own = target.free if n_rows == target.n_free else rows
        shared = n_rows == condition.n_free
        both = condition.condition if shared else Condition(condition.margin(rows, "condition"))
        held = spline_pair(target.margin(own, "exact"), both, folds[rows])
        if held.linear > STRONG_DEPENDENCE * n_rows:
            held = spline_pair(target.margin(own, "smooth"), both, folds[rows])
        total += held
    n = len(folds)
    # Where nothing was found, something as small as the inverse of n may have been missed.
    return Estimate(total.linear / n, math.sqrt(total.squares + 1) / n)


def spline_pair(x: np.ndarray, condition: Condition, folds: np.ndarray) -> Held:
    """Information that a continuous condition has about a normal `x`.

    Three choices, each by held-out evidence summed over the folds: the mean of `x`, its variance,
    and what denoisers of the standardised residual add. The simplest of each is nothing at all.
    """
    parts = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    limit = max(2, (len(x) - max(len(part) for part in parts)) // ROWS_PER_TERM)
    design = condition.design[:, :limit]
    evidence, coefficients = spline_means(design, x, parts)
    best = simplest(evidence)
    means = [_prediction(design, fitted[:, best]) for fitted in coefficients]

    n_cells, basis = cell_basis()
    basis, cells = basis[:, :limit], condition.nearest_cells(n_cells)
    counts = [np.bincount(cells[part], minlength=n_cells) for part in parts]
    evidence, curves = 0.0, []
    for mean, part, count in zip(means, parts, counts, strict=True):
        squares = (x - mean) ** 2
        total = np.bincount(cells, squares, n_cells)
        held = np.bincount(cells[part], squares[part], n_cells)
        variance = (total - held).sum() / (len(x) - len(part)) if best else 1.0
        variance = max(variance, SMALLEST_VARIANCE)
        fitted = spline_log_variances(basis, sum(counts) - count, total - held, variance)
        logs = [basis[:, : len(c)] @ c for c in fitted]
        evidence = evidence - 0.5 * np.array([count @ e + held @ np.exp(-e) for e in logs])
        curves.append(fitted)
    choice = simplest(evidence)
    variances = [np.exp(_prediction(condition.basis, fitted[choice])) for fitted in curves]
    gaussian = _gaussian(x, means, variances, parts)
    residuals = [(x - m) / np.sqrt(v) for m, v in zip(means, variances, strict=True)]
    trained = [folds != fold for fold in np.unique(folds)]
    return gaussian + _best_shape(residuals, trained, condition)


def _best_shape(
    residuals: Sequence[np.ndarray], parts: Sequence[np.ndarray], condition: Condition
) -> Held:
    """What denoisers add; a finer resolution is tried only where it may pay."""
    best = Shape()
    most = min(int(train.sum()) for train in parts) // ROWS_PER_FEATURE
    for level in LEVELS:
        r = resolution(level)
        paths = [
            shape_path(level, residual, train, condition.cells(r.n_cells), most)
            for residual, train in zip(residuals, parts, strict=True)
        ]
        shape = _shape(paths)
        best = max(best, shape, key=lambda shape: shape.certain)
        if shape.place < PLACE_OF_FINER * len(r.ends[0]):
            break
    return best.held


def class_pair(x: np.ndarray, codes: np.ndarray, n_classes: int, folds: np.ndarray) -> Held:
    """Information that classes have about a normal `x`; choices as in :func:`spline_pair`."""
    parts = [folds != fold for fold in np.unique(folds)]
    fits = [class_means(codes, n_classes, x, train) for train in parts]
    evidence = sum(
        _evidence(x, means[codes], variances, ~train)
        for (means, variances), train in zip(fits, parts, strict=True)
    )
    best = simplest(evidence)
    means = [fit[0][codes, best] for fit in fits]

    curves = []
    evidence = 0.0
    for mean, fit, train in zip(means, fits, parts, strict=True):
        squares = (x - mean) ** 2
        (counts, sums), (held_counts, held_sums) = (
            (
                np.bincount(codes[rows], minlength=n_classes),
                np.bincount(codes[rows], squares[rows], n_classes),
            )
            for rows in (train, ~train)
        )
        fitted = class_log_variances(counts, sums, fit[1][best])
        gains = [held_counts @ e + held_sums @ np.exp(-e) for e in fitted]
        evidence = evidence - 0.5 * np.array(gains)
        curves.append(fitted)
    choice = simplest(evidence)
    variances = [np.exp(fitted[choice][codes]) for fitted in curves]
    gaussian = _gaussian(x, means, variances, [~train for train in parts])
    residuals = [(x - m) / np.sqrt(v) for m, v in zip(means, variances, strict=True)]
    limit = min(int(train.sum()) for train in parts) // ROWS_PER_FEATURE
    shape = Shape()
    for own, most in ((False, limit), (True, limit // n_classes)):
        if most:
            paths = [
                class_shape_path(r, train, codes, n_classes, own, most)
                for r, train in zip(residuals, parts, strict=True)
            ]
            shape = max(shape, _shape(paths), key=lambda shape: shape.certain)
    return gaussian + shape.held


def _evidence(
    x: np.ndarray, means: np.ndarray, variances: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Held-out direct form of Gaussian candidates, summed over samples."""
    x, means = x[test, None], means[test]
    return 0.5 * (x**2 - (x - means) ** 2 / variances - np.log(variances)).sum(axis=0)


def _prediction(design: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Linear prediction with the first columns, as many as have a coefficient."""
    used = np.flatnonzero(coefficients)
    n_terms = used[-1] + 1 if len(used) else 0
    return design[:, :n_terms] @ coefficients[:n_terms]


def _gaussian(
    x: np.ndarray,
    means: Sequence[np.ndarray],
    variances: Sequence[np.ndarray],
    parts: Sequence[np.ndarray],
) -> Held:
    """Both closed forms of the Gaussian part; their mean loses no training error."""
    total = Held()
    for mean, variance, part in zip(means, variances, parts, strict=True):
        columns = [a[part, None] for a in (x, mean, variance)]
        values = gaussian_direct(*columns)
        direct, orthogonal = values.sum(), gaussian_orthogonal(*columns).sum()
        squares = np.square(values - values.mean()).sum()
        total += Held(0.5 * (direct + orthogonal), direct, squares)
    return total


def _shape(paths: Sequence[Path]) -> Shape:
    """What the denoisers of a path add."""
    linear: np.ndarray = np.sum([path.linear for path in paths], axis=0)
    direct = 2 * linear - np.sum([path.quadratic for path in paths], axis=0)
    chosen, certain = most_evident(linear, direct, paths[0].n_features)
    if chosen is None:
        return Shape()
    # Log-ratios close to zero have a mean square of twice their mean.
    gain = float(linear[chosen])
    return Shape(Held(gain, float(direct.max()), 2 * max(gain, 0.0)), chosen, certain)
