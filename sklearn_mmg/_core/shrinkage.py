"""The linear-Gaussian model of a side that is too wide for least squares."""

from operator import itemgetter
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, minimize_scalar

from sklearn_mmg._core.preconditioning import (
    Basis,
    Dropped,
    Whitened,
    gaussian_direct,
    gaussian_orthogonal,
    whiten,
)

# What the coefficients are thought to be: of one size in units of the columns, or for every
# direction of variance in units of its spread.
POWERS = (2, 0)
# Around the mean square of the singular values.
LOG_PENALTIES = np.arange(-24.0, 12.1, 2.0)
# With less evidence for any dependence, in nats, nothing is said about what shrinkage hides; with
# less than the smaller amount nothing is predicted.
ENOUGH_EVIDENCE = 8.0
SOME_EVIDENCE = 1.0


class RidgeFit(NamedTuple):
    """Ridge regression whose penalty has the largest marginal likelihood."""

    coefficient: np.ndarray  # (n_directions,), of unit singular vectors
    held_out: np.ndarray  # (n,) predictions of every sample by the others
    variance: float  # mean square of what they leave
    noise: float  # what would be left with the best coefficients
    log_noise_variance: float  # squared standard error of its logarithm
    evidence: float  # nats over no dependence


class ShrunkenPreconditioner(Basis):
    """As :class:`LinearPreconditioner`, for a condition with many directions for the samples.

    Every component of `x` is predicted from all directions of `y` by ridge regression. The marginal
    likelihood, which adds up predictions of every sample from those before it, chooses the penalty.
    What comes next is trained on predictions of every sample by all others, which least squares
    gives in closed form: the fitted ones would pass for certainty that new samples do not have.

    Such a prediction shows only part of the dependence. The same likelihood tells the variance that
    the best coefficients would leave, which is consistent however many directions there are, if the
    data are normal: :meth:`unlearned` is the rest.

    Parameters
    ----------
    samples_per_direction : int, default=4
        What comes next sees the predictions, and the widest directions, as many as this allows.

    Attributes
    ----------
    residual_variance_ : ndarray of shape (n_components_x,)
        Of new samples.
    dropped_ : tuple of two Dropped
        What was left out of `x`, and of `y` for what comes next.
    n_samples_ : int
    unlearned_se_ : float
    """

    shrinks = True
    deterministic_ = False  # through so many directions anything passes

    def __init__(self, samples_per_direction: int = 4) -> None:
        self.samples_per_direction = samples_per_direction

    def fit_transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """Fit, and return the sample as it is for a model that did not see it."""
        n = len(x)
        self.n_samples_ = n
        self.mean_x_, basis_x, scores_x, dropped_x = whiten(x, self.samples_per_direction)
        self.mean_y_, basis_y, scores_y, _ = whiten(y, 1)
        n_seen = max(1, n // self.samples_per_direction)
        scale = 1 / np.linalg.norm(basis_y, axis=0)
        share = float((scale[:n_seen] ** 2).sum() / (scale**2).sum())
        self.dropped_ = dropped_x, Dropped(len(scale), min(n_seen, len(scale)), share)
        root_n = np.sqrt(n)
        target = scores_x * root_n
        fits = _ridge_fits(target, scores_y, scale)
        if len(fits) > 1:
            # Along these the residuals have no correlation, as far as samples can tell.
            cross = target.T @ np.column_stack([f.held_out for f in fits])
            rotation = np.linalg.eigh(cross + cross.T)[1][:, ::-1]
            target, basis_x = target @ rotation, basis_x @ rotation
            fits = _ridge_fits(target, scores_y, scale)
        self.basis_x_ = basis_x * root_n
        self.coefficient_ = basis_y @ np.column_stack([f.coefficient for f in fits])
        self.residual_variance_ = np.array([f.variance for f in fits])
        self.noise_ = np.array([f.noise for f in fits])
        self.unlearned_se_ = 0.5 * float(np.sqrt(sum(f.log_noise_variance for f in fits)))
        self.active_ = np.array([f.evidence for f in fits]) > SOME_EVIDENCE
        self.basis_y_ = basis_y[:, :n_seen] * root_n
        mean = np.column_stack([f.held_out for f in fits])
        return self._white(target, (y - self.mean_y_) @ self.basis_y_, mean)

    def transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """Whiten new samples and predict `x` from `y`."""
        y = y - self.mean_y_
        return self._white(
            (x - self.mean_x_) @ self.basis_x_, y @ self.basis_y_, y @ self.coefficient_
        )

    def _white(self, x: np.ndarray, y: np.ndarray, mean: np.ndarray) -> Whitened:
        return Whitened(x, np.hstack([mean[:, self.active_], y]), mean)

    def unlearned(self, white: Whitened) -> np.ndarray:
        """What the best coefficients would add to the linear form, per sample, in nats."""
        known = (self.noise_ < self.residual_variance_) & (self.residual_variance_ < 1)
        if not known.any():
            return np.zeros(len(white.x))
        x, m, s2 = white.x[:, known], white.mean[:, known], self.residual_variance_[known]
        noise = self.noise_[known]
        # Scaled up, predictions have the covariance with x that the best ones have. The linear
        # form depends on no more than that.
        whole = _linear_form(x, m * (1 - noise) / (1 - s2), noise)
        return whole - _linear_form(x, m, s2)


def _linear_form(x: np.ndarray, m: np.ndarray, s2: np.ndarray) -> np.ndarray:
    return 0.5 * (gaussian_direct(x, m, s2) + gaussian_orthogonal(x, m, s2))


def _ridge_fits(targets: np.ndarray, scores: np.ndarray, scale: np.ndarray) -> list[RidgeFit]:
    return [ridge(x, scores, scale) for x in targets.T]


def ridge(x: np.ndarray, scores: np.ndarray, scale: np.ndarray) -> RidgeFit:
    """Ridge regression of a centred column on orthonormal, centred scores of given scales."""
    n, z = len(x), scores.T @ x
    full = scores.shape[1] >= n - 1  # the directions pass through all samples
    rest = np.zeros(n) if full else x - scores @ z
    left_out = (rest**2).sum()
    total = left_out + (z**2).sum()

    def negative_evidence(log_penalty: float, strength: np.ndarray) -> float:
        ratio = strength * np.exp(-log_penalty)
        variance = ((z**2 / (1 + ratio)).sum() + left_out) / (n - 1)
        return 0.5 * (np.log1p(ratio).sum() + (n - 1) * np.log(variance * (n - 1) / total))

    minima = []
    for power in POWERS[:1] if full else POWERS:
        strength = (scale / scale.max()) ** power
        grid = np.log(strength.mean()) + LOG_PENALTIES
        k = int(np.argmin([negative_evidence(g, strength) for g in grid]))
        bounds = grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)]
        found = minimize_scalar(
            negative_evidence, args=(strength,), bounds=bounds, method="bounded"
        )
        assert isinstance(found, OptimizeResult)
        minima.append((found.fun, strength * np.exp(-found.x)))
    lowest, ratio = min(minima, key=itemgetter(0))
    evidence = -lowest
    kept, lost = ratio / (1 + ratio), 1 / (1 + ratio)
    noise = float(((z**2 * lost).sum() + left_out) / (n - 1))
    # Every prediction without the sample itself; written in what is lost, it keeps its digits.
    freedom = scores**2 @ lost + (0.0 if full else 1 - 1 / n - (scores**2).sum(axis=1))
    residual = (scores @ (lost * z) + rest) / np.maximum(freedom, np.finfo(float).tiny)
    held_out = x - residual
    variance = float(np.mean(residual**2))
    if evidence < SOME_EVIDENCE or variance >= 1:
        return RidgeFit(np.zeros_like(z), np.zeros(n), 1.0, 1.0, 0.0, 0.0)
    uncertainty = _log_noise_variance(kept, lost, n)
    if evidence < ENOUGH_EVIDENCE or noise > variance:
        noise, uncertainty = variance, 0.0
    return RidgeFit(kept * z, held_out, variance, noise, uncertainty, evidence)


def _log_noise_variance(kept: np.ndarray, lost: np.ndarray, n: int) -> float:
    """Inverse Fisher information of the log-variances of noise and coefficients, of the former."""
    noise, both = (lost**2).sum() + n - 1 - len(kept), (kept * lost).sum()
    return 2 / max(noise - both**2 / (kept**2).sum(), 1e-3)
