"""What a pair of denoisers is told, and what it returns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from sklearn_mmg._core.training import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class DenoisingSettings(TrainingSettings):
    """Those of a training, and of the network and the task that it learns."""

    keeps_best: bool  # whether held-out samples choose the weights
    width: int
    depth: int
    gated: bool
    embedding_size: int
    unconditional_probability: float


class PointwiseTerms(NamedTuple):
    """One value per sample of each form of the identity, in nats."""

    direct: np.ndarray
    orthogonal: np.ndarray
    linear: np.ndarray
    log_densities: np.ndarray  # log q(x|y) + log q(x), relative to the training Gaussian
    unlearned: np.ndarray  # what the linear form adds for dependence that is known to be missed

    @classmethod
    def full(cls, n: int, value: float) -> Self:
        """Terms that are `value` for each of `n` samples."""
        return cls(*(np.full(n, value) for _ in cls._fields))


@dataclass(frozen=True)
class ErrorCurves:
    """Sample means at log-SNR nodes, errors in noise units: half an area is in nats.

    Attributes
    ----------
    logsnr : ndarray of shape (n_nodes,)
        Increasing nodes.
    mmse_unconditional, mmse_conditional : ndarray of shape (n_nodes,)
        ``E |eps - eps_hat|**2`` of either denoiser; their difference is `gap`.
    orthogonal_gap : ndarray of shape (n_nodes,)
        ``E |eps_hat_c - eps_hat_u|**2``, equal to `gap` for the best denoisers.
    density : ndarray of shape (n_nodes,)
        Density from which log-SNR was sampled.
    """

    logsnr: np.ndarray
    mmse_unconditional: np.ndarray
    mmse_conditional: np.ndarray
    orthogonal_gap: np.ndarray
    density: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """Unconditional less conditional error."""
        return self.mmse_unconditional - self.mmse_conditional

    @classmethod
    def average(cls, curves: Iterable["ErrorCurves"]) -> Self:
        """Mean of several curves on the nodes of the first."""
        first, *_ = curves
        names = ("mmse_unconditional", "mmse_conditional", "orthogonal_gap", "density")
        return cls(
            first.logsnr,
            *(
                np.mean([np.interp(first.logsnr, c.logsnr, getattr(c, n)) for c in curves], axis=0)
                for n in names
            ),
        )
