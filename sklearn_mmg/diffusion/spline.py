"""Closed-form denoisers of one column given another.

At a fixed log-SNR the best denoiser that is linear in given features is a ridge regression. With
tensor products of B-splines in the innovation and in the condition it needs no training loop, and
a pair of columns takes about a second.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_mmg.linear.preconditioning import gaussian_direct, gaussian_orthogonal

SPLINE_RANGE = 3.2  # standard deviations; beyond it a spline continues as a constant
BLOCK_ROWS = 4096  # features of so many rows stay in the cache
SCORING_STEPS = 8  # of Fisher scoring for the log-variance, which converges in about five


@dataclass(frozen=True)
class SplineSettings:
    """Parameters of the closed-form estimate that do not depend on the data."""

    n_splines: int  # in the innovation
    n_condition_splines: int
    ridge: float
    n_nodes: int
    n_draws: int
    low: float  # log-SNR relative to the residual scale
    high: float


def bspline_basis(v, n_splines):
    """Uniform cubic B-splines on ``[-SPLINE_RANGE, SPLINE_RANGE]``, shape (n, n_splines).

    The same values as :meth:`scipy.interpolate.BSpline.design_matrix` on the clipped input, at a
    fraction of the time.
    """
    n_cells = n_splines - 3
    position = (np.clip(v, -SPLINE_RANGE, SPLINE_RANGE) / (2 * SPLINE_RANGE) + 0.5) * n_cells
    cell = np.minimum(position.astype(int), n_cells - 1)
    f = (position - cell).astype(np.float32)
    basis = np.zeros((len(v), n_splines), dtype=np.float32)
    rows = np.arange(len(v))
    basis[rows, cell] = (1 - f) ** 3 / 6
    basis[rows, cell + 1] = (3 * f**3 - 6 * f**2 + 4) / 6
    basis[rows, cell + 2] = (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6
    basis[rows, cell + 3] = f**3 / 6
    return basis


def tensor_features(u, smooth, n_splines):
    """B-splines of `u`, times the basis `smooth` of the condition unless that is None."""
    basis = bspline_basis(u, n_splines)
    if smooth is None:
        return basis
    return (basis[:, :, None] * smooth[:, None, :]).reshape(len(u), -1)


def ridge_coefficients(blocks, penalty):
    """Ridge regression from an iterable of ``(features, target)`` blocks of rows."""
    gram, moment = 0.0, 0.0
    for features, target in blocks:
        gram = gram + (features.T @ features).astype(float)
        moment = moment + (features.T @ target).astype(float)
    return np.linalg.solve(gram + penalty * np.eye(len(gram)), moment).astype(np.float32)


def residual_model(x, design, linear, train):
    """Mean and variance of `x` given a condition, by penalised maximum likelihood.

    Parameters
    ----------
    x : ndarray of shape (n,)
    design : ndarray of shape (n, n_features)
        Features of the condition for mean and log-variance.
    linear : ndarray of shape (n, 0) or (n, 1)
        Unpenalised column of the mean.
    train : ndarray of int
        Rows to fit on.

    Returns
    -------
    mean, variance : ndarray of shape (n,)
    """
    regressors = np.hstack([linear, design])
    a = regressors[train]
    penalty = np.diag([1e-6] * linear.shape[1] + [1.0] * design.shape[1])
    mean = regressors @ np.linalg.solve(a.T @ a + penalty, a.T @ x[train])

    squares = (x[train] - mean[train]) ** 2
    level = np.log(max(squares.mean(), 1e-12))
    a = design[train]
    solve = np.linalg.inv(a.T @ a + np.eye(design.shape[1]))
    slope = np.zeros(design.shape[1])
    for _ in range(SCORING_STEPS):
        # Fisher scoring of a gamma model with log link: its weights are constant.
        excess = np.clip(squares / np.exp(level + a @ slope), 0.0, 20.0) - 1
        slope = solve @ (a.T @ (excess + a @ slope))
    return mean, np.exp(level + design @ slope)


def spline_mutual_info(x, condition, codes, splits, settings, rng):
    """Mutual information of a standard normal column and another, in nats.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Column with a standard normal margin, so that its unconditional denoiser is exact.
    condition : ndarray of shape (n,)
        Standard normal column, or anything if `codes` are given.
    codes : ndarray of int of shape (n,) or None
        Classes of a discrete condition.
    splits : list of (train, test) index arrays
        Every sample is in one test part.
    settings : SplineSettings
    rng : numpy.random.Generator

    Returns
    -------
    mutual_info : float
        The linear form on held-out samples, not clipped.
    """
    n = len(x)
    if codes is None:
        design = bspline_basis(condition, settings.n_condition_splines)
        linear, groups = condition[:, None], np.zeros(n, dtype=int)
    else:
        design = np.eye(codes.max() + 1)[codes]
        linear, groups = np.empty((n, 0)), codes
    smooth = design if codes is None else None
    total = 0.0
    for train, test in splits:
        mean, variance = residual_model(x, design.astype(float), linear, train)
        # Groups share no coefficient: the classes of a discrete condition, or all samples.
        parts = [(train[groups[train] == g], test[groups[test] == g]) for g in np.unique(groups)]
        standard = (x - mean) / np.sqrt(variance)
        gain = _integrate(standard, smooth, parts, settings, rng)
        columns = [a[test, None] for a in (x, mean, variance)]
        gaussian = 0.5 * (gaussian_direct(*columns) + gaussian_orthogonal(*columns))
        total += gaussian.sum() + gain
    return total / n


def _integrate(standard, smooth, parts, settings, rng):
    """Linear form of what the ridge denoisers add, summed over test samples.

    Parameters
    ----------
    standard : ndarray of shape (n,)
        Residual in units of its scale, in which log-SNR is relative to that scale.
    smooth : ndarray of shape (n, n_condition_splines) or None
    parts : list of (train, test) index arrays
    settings : SplineSettings
    rng : numpy.random.Generator
    """
    position, weight = np.polynomial.legendre.leggauss(settings.n_nodes)
    half = 0.5 * (settings.high - settings.low)
    # The penalty is in units of samples, and every sample is there once per draw.
    penalty = settings.ridge * settings.n_draws
    total = 0.0
    for a2, w in zip(expit(settings.low + half * (position + 1)), weight, strict=True):
        a, b = np.sqrt(a2), np.sqrt(1 - a2)
        noise = rng.standard_normal((settings.n_draws, len(standard)))
        u, t = a * standard + b * noise, (b * standard - a * noise).astype(np.float32)

        def blocks(rows, u=u, t=t):
            for start in range(0, len(rows), BLOCK_ROWS):
                chunk = rows[start : start + BLOCK_ROWS]
                for draw in range(settings.n_draws):
                    basis = None if smooth is None else smooth[chunk]
                    features = tensor_features(u[draw, chunk], basis, settings.n_splines)
                    yield features, t[draw, chunk]

        for train, test in parts:
            if len(train) == 0:
                continue
            coefficients = ridge_coefficients(blocks(train), penalty)
            fit = sum(float((f @ coefficients) @ target) for f, target in blocks(test))
            total += 0.5 * half * w * a2 * fit / settings.n_draws
    return total


def categorical_mutual_info(x, y, splits):
    """Mutual information of two integer-coded columns, in nats.

    The softmax denoisers of a one-hot code are exact given class probabilities, so that nothing
    is left to integrate. Probabilities are training counts, with one pseudo-count spread as the
    margin; the linear form is the mean of the log-ratio at the held-out classes, which estimation
    error lowers, and of the divergence of the trained probabilities, which it raises.
    """
    counts = np.zeros((x.max() + 1, y.max() + 1))
    total = 0.0
    for train, test in splits:
        counts[:] = 0
        np.add.at(counts, (x[train], y[train]), 1)
        prior = (counts.sum(axis=1) + 0.5) / (len(train) + 0.5 * len(counts))
        posterior = (counts + prior[:, None]) / (counts.sum(axis=0) + 1)
        gain = np.log(posterior / prior[:, None])
        divergence = (posterior * gain).sum(axis=0)
        total += 0.5 * (gain[x[test], y[test]] + divergence[y[test]]).sum()
    return total / len(x)
