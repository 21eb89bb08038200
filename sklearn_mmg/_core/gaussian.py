"""The mutual information of normal blocks, from all samples at once and free of bias."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import digamma

from sklearn_mmg._core.conditioning import ConditionalPreconditioner
from sklearn_mmg._core.preconditioning import LinearPreconditioner, Whitened, gaussian_direct


def fit_gaussian(
    x: np.ndarray, y: np.ndarray, given: np.ndarray | None = None
) -> tuple[LinearPreconditioner | ConditionalPreconditioner, Whitened]:
    """Coordinates of the linear-Gaussian model, and the sample in them, with all directions.

    Parameters
    ----------
    x, y : ndarray of n_samples rows
    given : ndarray of bool of shape (n_columns of `y`,), default=None
        Which columns of `y` are given.
    """
    if given is None or not given.any():
        basis = LinearPreconditioner(samples_per_direction=1)
    else:
        basis = ConditionalPreconditioner(given, samples_per_direction=1)
    basis.fit(x, y)
    return basis, basis.transform(x, y)


def unbiased_mutual_info(x: np.ndarray, y: np.ndarray, given: np.ndarray | None = None) -> float:
    """Mutual information of a normal sample in nats: the mean log-ratio less its optimism."""
    basis, white = fit_gaussian(x, y, given)
    ratios = gaussian_direct(white.x, white.mean, basis.residual_variance_)
    return float(ratios.mean()) - optimism(white)


def optimism(white: Whitened) -> float:
    """What the mean log-ratio of the samples that were fitted is above the truth, on average."""
    return _excess(_log_determinant_bias, white)


def held_out_loss(white: Whitened) -> float:
    """What that of new samples is below the same in units of the fitted covariance, on average."""
    return _excess(_held_out_square, white)


def _excess(expectation: Callable[[int, int], float], white: Whitened) -> float:
    """What an ``expectation(n, d)`` of a normal block adds to the mean of the log-ratio."""
    # Predictions from the given columns take a sample each off the residuals.
    n, dim_x, dim_y = len(white.x) - white.given.shape[1], white.x.shape[1], white.y.shape[1]
    return 0.5 * (expectation(n, dim_x) + expectation(n, dim_y) - expectation(n, dim_x + dim_y))


def _log_determinant_bias(n: int, d: int) -> float:
    """Mean of ``log|S| - log|C|`` where S is the covariance of n samples of ``N(m, C)`` in R^d."""
    return digamma((n - np.arange(1, d + 1)) / 2).sum() + d * math.log(2 / n)


def _held_out_square(n: int, d: int) -> float:
    """Mean squared distance of a new sample from the mean of n others, in units of their S."""
    return d * (n + 1) / (n - d - 2)
