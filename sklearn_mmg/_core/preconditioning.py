"""The linear-Gaussian part of the problem, solved in closed form before any training."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

# Below this residual variance (about 20 nats in one component) double precision cannot tell a
# strong dependence from an exact linear one.
DETERMINISTIC_VARIANCE = 1e-18


NOTHING = np.empty((0, 0))


class Whitened(NamedTuple):
    """One sample in the coordinates of the preconditioner."""

    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray  # of x given y, in the linear model
    given: np.ndarray = NOTHING  # what both denoisers see

    @property
    def residual(self) -> np.ndarray:
        return self.x - self.mean


class Dropped(NamedTuple):
    """Directions of a block, how many are kept, and the share of the variance that they hold."""

    n_directions: int
    n_kept: int
    share: float


class Basis:
    """What coordinates of two blocks share."""

    shrinks = False  # whether predictions leave out what samples do not tell
    unlearned_se_ = 0.0  # standard error of the mean of what that is, in nats

    residual_variance_: np.ndarray
    deterministic_: bool
    dropped_: tuple[Dropped, ...]
    n_samples_: int

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Fit on samples `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        raise NotImplementedError

    def transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """Samples in the coordinates."""
        raise NotImplementedError

    def fit_transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """Fit, and return the sample as a model on top is to see it."""
        return self.fit(x, y).transform(x, y)

    def unlearned(self, white: Whitened) -> np.ndarray:
        """What the best linear prediction would add to the linear form, per sample, in nats."""
        return np.zeros(len(white.x))


class LinearPreconditioner(Basis):
    """Coordinates in which both sides are white and their cross-covariance is diagonal.

    In them the linear-Gaussian model is ``x_i | y ~ N(rho_i y_i, 1 - rho_i**2)``. The basis is
    computed from singular value decompositions of the centred samples, never from covariance
    matrices: normalising the two separately leaves a mismatch that caps large mutual information.

    Parameters
    ----------
    samples_per_direction : int, default=4
        With fewer a linear model fits noise: only the widest directions are then kept.

    Attributes
    ----------
    residual_variance_ : ndarray of shape (n_components_x,)
    dropped_ : tuple of two Dropped
        What was left out of `x` and of `y`.
    n_samples_ : int
    """

    dropped_: tuple[Dropped, Dropped]

    def __init__(self, samples_per_direction: int = 4) -> None:
        self.samples_per_direction = samples_per_direction

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Fit on samples `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        self.mean_x_, basis_x, scores_x, dropped_x = whiten(x, self.samples_per_direction)
        self.mean_y_, basis_y, scores_y, dropped_y = whiten(y, self.samples_per_direction)
        self.dropped_ = dropped_x, dropped_y
        self.n_samples_ = len(x)
        left, rho, right = np.linalg.svd(scores_x.T @ scores_y, full_matrices=True)
        root_n = np.sqrt(len(x))
        self.basis_x_ = basis_x @ left * root_n
        self.basis_y_ = basis_y @ right.T * root_n
        # Through so few samples a linear model would pass exactly.
        self.rho_ = rho if len(x) > scores_y.shape[1] + 1 else np.zeros_like(rho)
        # The mean square of the residual itself: 1 - rho**2 would lose all digits near rho = 1.
        self.residual_variance_ = (self.transform(x, y).residual ** 2).mean(axis=0)
        return self

    def transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """Whiten a sample and predict `x` from `y`."""
        x = (x - self.mean_x_) @ self.basis_x_
        y = (y - self.mean_y_) @ self.basis_y_
        mean = np.zeros_like(x)
        k = len(self.rho_)
        mean[:, :k] = self.rho_ * y[:, :k]
        return Whitened(x, y, mean)

    @property
    def deterministic_(self) -> bool:
        """Whether some combination of `x` is an exact linear function of `y`."""
        return bool(np.any(self.residual_variance_ < DETERMINISTIC_VARIANCE))


class PassThrough(Basis):
    """Stands in for the preconditioner where there is none: the columns as they are."""

    deterministic_ = False
    dropped_ = ()

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        self.varies_ = [np.ptp(a, axis=0) > 0 for a in (x, y)]
        self.residual_variance_ = np.ones(self.varies_[0].sum())
        return self

    def transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        x, y = x[:, self.varies_[0]], y[:, self.varies_[1]]
        return Whitened(x, y, np.zeros_like(x))


def gaussian_direct(x: np.ndarray, m: np.ndarray, s2: np.ndarray) -> np.ndarray:
    """``log N(x; m, s2) - log N(x; 0, 1)``: the direct form at ``F = 0``, integrated exactly."""
    return 0.5 * (x**2 - (x - m) ** 2 / s2 - np.log(s2)).sum(axis=1)


def gaussian_orthogonal(x: np.ndarray, m: np.ndarray, s2: ArrayLike) -> np.ndarray:
    """The orthogonal form at ``F = 0``, integrated exactly over log-SNR and noise.

    With ``p = sigmoid(lam)`` the noise average of ``gamma |x_hat0_c - x_hat0_u|**2`` is a rational
    function of ``p``, and its integral over ``dlam = dp / (p (1 - p))`` is the expression below.
    Its mean is ``-log(s2) / 2`` when ``x`` given ``m`` is ``N(m, s2)``.
    """
    s2 = np.asarray(s2, dtype=float)
    c = 1.0 - s2
    c = np.where(np.abs(c) < 1e-9, 1e-9, c)
    # Near 1 the logarithm would lose digits, and near 0 the difference has lost them.
    near_one = np.abs(c) < 0.5
    ratio = -np.where(near_one, np.log1p(-np.where(near_one, c, 0.0)), np.log(s2)) / c
    return 0.5 * ((m - x) ** 2 / s2 + x**2 + 2 * (m - x) * x * ratio + (2 - c) * ratio - 2).sum(
        axis=1
    )


def whiten(
    a: np.ndarray, samples_per_direction: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Dropped]:
    """Centre, and return the mean, the whitening basis, orthonormal scores and what is dropped.

    Directions without variance (constant or repeated columns) are dropped.
    """
    mean = a.mean(axis=0)
    scores, scale, basis = np.linalg.svd(a - mean, full_matrices=False)
    rank = int(np.sum(scale > 1e-10 * max(scale[0], np.finfo(float).tiny)))
    limit = min(rank, max(1, len(a) // samples_per_direction))
    variance = np.square(scale / max(scale[0], np.finfo(float).tiny))
    dropped = Dropped(rank, limit, float(variance[:limit].sum() / max(variance.sum(), 1e-300)))
    return mean, basis[:limit].T / scale[:limit], scores[:, :limit], dropped
