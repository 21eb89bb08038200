"""A joint density that is trained on one part of the data and read on another."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_mmg._core.model import Model, Run
from sklearn_mmg._core.preconditioning import LinearPreconditioner, Whitened
from sklearn_mmg._core.training import on_device, slices


class Densities(nn.Module, ABC):
    """A joint density of ``x`` and ``y``, untrained that of the linear-Gaussian model.

    ``residual`` is what that model leaves of ``x``, in units of its standard deviation.
    """

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor, residual: Tensor) -> Tensor:
        """Loss per row: less likely than under the untrained densities, in nats."""

    @abstractmethod
    def log_ratios(self, x: Tensor, y: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """``pointwise`` and ``score`` of every row."""


class DensityModel(Model[Densities]):
    """Densities in the coordinates in which the linear-Gaussian model is diagonal.

    Parameters
    ----------
    new_densities : callable
        Makes untrained :class:`Densities` from the fitted :class:`LinearPreconditioner`.
    **parameters : those of :class:`Model`
    """

    basis_: LinearPreconditioner

    def __init__(
        self, *, new_densities: Callable[[LinearPreconditioner], Densities], **parameters: Any
    ) -> None:
        super().__init__(**parameters)
        self.new_densities = new_densities

    def _train(self, white: Whitened, rng: np.random.Generator, run: Run) -> None:
        self._learn(self.new_densities(self.basis_), self._signals(white), rng, run)

    def _signals(self, white: Whitened) -> dict[str, np.ndarray]:
        # The residual is taken in double precision: of a strong dependence single would leave none.
        residual = white.residual / np.sqrt(self.basis_.residual_variance_)
        return {"x": white.x, "y": white.y, "residual": residual}

    def _pointwise(self, white: Whitened, device: str) -> np.ndarray:
        """Log-ratio of the joint density to the product of the two margins."""
        return self._log_ratios(white, device)[0]

    def _score(self, white: Whitened, device: str) -> np.ndarray:
        """Log-density relative to the Gaussian."""
        return self._log_ratios(white, device)[1]

    @torch.inference_mode()
    def _log_ratios(self, white: Whitened, device: str) -> np.ndarray:
        signals = self._signals(white)
        ratios = []
        with on_device(copy.deepcopy(self.module_).double(), device) as densities:
            for part in slices(len(white.x)):
                tensors = {k: torch.as_tensor(a[part], device=device) for k, a in signals.items()}
                ratios.append(torch.stack(densities.log_ratios(**tensors)).cpu())
        return torch.cat(ratios, dim=1).numpy()
