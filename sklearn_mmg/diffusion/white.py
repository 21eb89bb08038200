"""Coordinates in which a block of columns is white, and the Gaussian density that they give."""

import math

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.preprocessing import StandardScaler

from sklearn_mmg._core.preconditioning import whiten
from sklearn_mmg.preprocessing import SmoothGaussianizer, Transformer

# With fewer for every column the sample covariance is far from that of later data.
SAMPLES_PER_COLUMN = 4


class WhiteCoordinates:
    """Columns that are scaled one by one and then together, to mean zero and unit covariance.

    Parameters
    ----------
    scaler : SmoothGaussianizer, StandardScaler or None
        Unfitted.

    Attributes
    ----------
    normal_ : bool
        Whether the sample is normal in these coordinates, so that nothing is left to learn.
    """

    def __init__(self, scaler: Transformer | None) -> None:
        self.scaler = scaler

    def fit_transform(self, x: np.ndarray) -> np.ndarray:
        """White coordinates of `x` of shape (n, d), which are fitted on it."""
        if self.scaler is not None:
            self.scaler.fit(x)
        self.normal_ = x.shape[1] == 1 and isinstance(self.scaler, SmoothGaussianizer)
        scaled = self._scaled(x)
        self.mean_, self.axes_ = _white_axes(scaled)
        self.log_volume_ = np.linalg.slogdet(self.axes_)[1]
        return (scaled - self.mean_) @ self.axes_

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return x if self.scaler is None else np.asarray(self.scaler.transform(x))

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Samples in white coordinates."""
        return (self._scaled(x) - self.mean_) @ self.axes_

    def log_density(self, x: np.ndarray, white: np.ndarray) -> np.ndarray:
        """Of samples `x`, in their own coordinates, by a Gaussian in the `white` ones."""
        gaussian = -0.5 * (white**2 + math.log(2 * math.pi)).sum(axis=1)
        return gaussian + self.log_volume_ + self._log_slopes(x)

    def _log_slopes(self, x: np.ndarray) -> np.ndarray | float:
        """Logarithm of the volume by which scaling stretches, at every sample."""
        if isinstance(self.scaler, SmoothGaussianizer):
            return self.scaler.log_derivative(x).sum(axis=1)
        if isinstance(self.scaler, StandardScaler):
            return -float(np.log(np.asarray(self.scaler.scale_)).sum())
        return 0.0


def _white_axes(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and coordinates in which a sample is white; of few samples shrunken ones."""
    n, n_columns = z.shape
    if n < SAMPLES_PER_COLUMN * n_columns:
        variances, directions = np.linalg.eigh(ledoit_wolf(z)[0])
        return z.mean(axis=0), directions / np.sqrt(variances)
    mean, axes, _, _ = whiten(z, 1)
    if axes.shape[1] < n_columns:
        raise ValueError(
            f"The {n_columns} columns of X vary in {axes.shape[1]} directions only: there is no "
            "density. Leave out columns that are linear functions of others."
        )
    return mean, axes * math.sqrt(n)
