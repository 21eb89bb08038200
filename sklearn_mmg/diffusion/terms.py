"""What a pair of denoisers is told, and what it returns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

MIN_VALIDATION_ROWS = 100
EVALUATION_ROWS = 8192  # rows per forward pass: keeps memory flat however many are evaluated


@dataclass(frozen=True)
class TrainingSettings:
    """Parameters of one training that do not depend on the data."""

    width: int
    depth: int
    gated: bool
    embedding_size: int
    n_steps: int
    batch_size: int
    learning_rate: float
    lr_schedule: str
    ema_decay: float
    unconditional_probability: float
    validation_fraction: float  # 0 trains without early stopping
    tolerance: float  # nats of the held-out bound that may be lost again
    verbose: int


class PointwiseTerms(NamedTuple):
    """One value per sample of each form of the identity, in nats."""

    direct: np.ndarray
    orthogonal: np.ndarray
    linear: np.ndarray
    log_densities: np.ndarray  # log q(x|y) + log q(x), relative to the training Gaussian

    @classmethod
    def full(cls, n, value):
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
    def gap(self):
        """Unconditional less conditional error."""
        return self.mmse_unconditional - self.mmse_conditional

    @classmethod
    def average(cls, curves):
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


def resolve_device(device):
    """The torch device that ``"auto"`` stands for, or `device` itself."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be 'auto' or a torch device. Got {device!r}.") from error
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device={device!r} was asked for, but torch sees no CUDA device.")
    return device


def as_tensor(a, device):
    """Single-precision tensor on `device`."""
    return torch.as_tensor(a, dtype=torch.float32, device=device)


def train_validation_rows(n, fraction, rng):
    """Shuffled row indices of a training and a validation part."""
    order = rng.permutation(n)
    n_valid = max(int(np.ceil(fraction * n)), min(MIN_VALIDATION_ROWS, n // 3)) if fraction else 0
    if n_valid >= n:
        raise ValueError(f"validation_fraction={fraction} of {n} samples leaves none to train on.")
    return order[n_valid:], order[:n_valid]
