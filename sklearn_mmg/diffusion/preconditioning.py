"""The linear-Gaussian part of the problem, solved in closed form before any training."""

import warnings
from typing import NamedTuple

import numpy as np

# Below this residual variance (about 20 nats in one component) double precision cannot tell a
# strong dependence from an exact linear one.
DETERMINISTIC_VARIANCE = 1e-18


class Whitened(NamedTuple):
    """One sample in the coordinates of the preconditioner."""

    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray  # of x given y, in the linear model

    @property
    def residual(self):
        return self.x - self.mean


class LinearPreconditioner:
    """Coordinates in which both sides are white and their cross-covariance is diagonal.

    In them the linear-Gaussian model is ``x_i | y ~ N(rho_i y_i, 1 - rho_i**2)``. The basis is
    computed from singular value decompositions of the centred samples, never from covariance
    matrices: normalising the two separately leaves a mismatch that caps large mutual information.

    Attributes
    ----------
    residual_variance_ : ndarray of shape (n_components_x,)
    """

    def fit(self, x, y):
        """Fit on samples `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        self.mean_x_, basis_x, scores_x = _whiten(x)
        self.mean_y_, basis_y, scores_y = _whiten(y)
        left, rho, right = np.linalg.svd(scores_x.T @ scores_y, full_matrices=True)
        root_n = np.sqrt(len(x))
        self.basis_x_ = basis_x @ left * root_n
        self.basis_y_ = basis_y @ right.T * root_n
        # Through so few samples a linear model would pass exactly.
        self.rho_ = rho if len(x) > scores_y.shape[1] + 1 else np.zeros_like(rho)
        # The mean square of the residual itself: 1 - rho**2 would lose all digits near rho = 1.
        self.residual_variance_ = (self.transform(x, y).residual ** 2).mean(axis=0)
        return self

    def transform(self, x, y):
        """Whiten a sample and predict `x` from `y`."""
        x = (x - self.mean_x_) @ self.basis_x_
        y = (y - self.mean_y_) @ self.basis_y_
        mean = np.zeros_like(x)
        k = len(self.rho_)
        mean[:, :k] = self.rho_ * y[:, :k]
        return Whitened(x, y, mean)

    @property
    def deterministic_(self):
        """Whether some combination of `x` is an exact linear function of `y`."""
        return bool(np.any(self.residual_variance_ < DETERMINISTIC_VARIANCE))


class PassThrough:
    """Stands in for the preconditioner where there is none: the columns as they are."""

    deterministic_ = False

    def fit(self, x, y):
        self.varies_ = [np.ptp(a, axis=0) > 0 for a in (x, y)]
        self.residual_variance_ = np.ones(self.varies_[0].sum())
        return self

    def transform(self, x, y):
        x, y = x[:, self.varies_[0]], y[:, self.varies_[1]]
        return Whitened(x, y, np.zeros_like(x))


def _whiten(a):
    """Centre, and return the mean, the whitening basis and orthonormal scores.

    Directions without variance (constant or repeated columns) are dropped. With fewer than four
    samples a direction a linear model fits noise, so then only the widest directions are kept.
    """
    mean = a.mean(axis=0)
    scores, scale, basis = np.linalg.svd(a - mean, full_matrices=False)
    rank = int(np.sum(scale > 1e-10 * max(scale[0], np.finfo(float).tiny)))
    limit = max(1, len(a) // 4)
    if rank > limit:
        warnings.warn(
            f"{rank} directions of variance for {len(a)} training samples: only the widest "
            f"{limit} are used.",
            UserWarning,
            stacklevel=2,
        )
        rank = limit
    return mean, basis[:rank].T / scale[:rank], scores[:, :rank]
