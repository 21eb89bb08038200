"""Closed-form denoisers of one column given another.

At a fixed log-SNR the best denoiser that is linear in given features is a ridge regression. With
tensor products of B-splines in the innovation and in the condition it needs no training loop, and
a pair of columns takes about a second.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_mmg.diffusion.integrands import gaussian_direct, gaussian_orthogonal

SPLINE_RANGE = 3.2  # standard deviations; beyond it a spline continues as a constant
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


def ridge_predict(features, target, groups, train, test, penalty):
    """Predictions for the rows `test` of ridge regressions fitted on `train`, one per group.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    target : ndarray of shape (n,)
    groups : list of ndarray of bool of shape (n,)
        Disjoint sets of rows that share no coefficient.
    train, test : ndarray of bool of shape (n,)
    penalty : float

    Returns
    -------
    prediction : ndarray of shape (n,)
        Zero outside `test`.
    """
    prediction = np.zeros(len(features), dtype=np.float32)
    ridge = penalty * np.eye(features.shape[1])
    for group in groups:
        a, b, rows = features[group & train], target[group & train], group & test
        coefficients = np.linalg.solve((a.T @ a).astype(float) + ridge, (a.T @ b).astype(float))
        prediction[rows] = features[rows] @ coefficients.astype(np.float32)
    return prediction


def residual_model(x, design, linear, train):
    """Mean and variance of `x` given a condition, by penalised maximum likelihood.

    Parameters
    ----------
    x : ndarray of shape (n,)
    design : ndarray of shape (n, n_features)
        Features of the condition for mean and log-variance.
    linear : ndarray of shape (n, 0) or (n, 1)
        Unpenalised column of the mean.
    train : ndarray of bool of shape (n,)

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
    if codes is None:
        design = bspline_basis(condition, settings.n_condition_splines).astype(float)
        linear, groups = condition[:, None], [np.ones(len(x), dtype=bool)]
    else:
        groups = [codes == k for k in range(codes.max() + 1)]
        design, linear = np.column_stack(groups).astype(float), np.empty((len(x), 0))
    smooth = design if codes is None else None
    total = 0.0
    for split in splits:
        train, test = (np.isin(np.arange(len(x)), rows) for rows in split)
        mean, variance = residual_model(x, design, linear, train)
        gain = _integrate(x - mean, variance, smooth, groups, train, test, settings, rng)
        columns = [a[test, None] for a in (x, mean, variance)]
        gaussian = 0.5 * (gaussian_direct(*columns) + gaussian_orthogonal(*columns))
        total += gaussian.sum() + gain.sum()
    return total / len(x)


def _integrate(residual, variance, smooth, groups, train, test, settings, rng):
    """Linear form of what the ridge denoisers add, over log-SNR; zero outside the rows `test`."""
    n, draws = len(residual), settings.n_draws
    position, weight = np.polynomial.legendre.leggauss(settings.n_nodes)
    half = 0.5 * (settings.high - settings.low)
    standard = np.tile(residual / np.sqrt(variance), draws)
    train, test, *groups = (np.tile(rows, draws) for rows in (train, test, *groups))
    if smooth is not None:
        smooth = np.tile(smooth.astype(np.float32), (draws, 1))[:, None, :]
    gain = np.zeros(n)
    for node, node_weight in zip(position, weight, strict=True):
        # Log-SNR relative to the residual scale: in units of that scale the variance is one.
        a2 = expit(settings.low + half * (node + 1))
        a, b = np.sqrt(a2), np.sqrt(1 - a2)
        noise = rng.standard_normal(n * draws)
        u, t = a * standard + b * noise, (b * standard - a * noise).astype(np.float32)
        features = bspline_basis(u, settings.n_splines)
        if smooth is not None:
            features = (features[:, :, None] * smooth).reshape(n * draws, -1)
        # The penalty is in units of samples: every sample is there once per draw.
        f = ridge_predict(features, t, groups, train, test, settings.ridge * draws)
        gain += 0.5 * half * node_weight * a2 * (t * f).reshape(draws, n).mean(axis=0)
    return gain


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
