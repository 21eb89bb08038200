"""A joint density that is trained on one part of the data and read on another."""

import copy

import numpy as np
import torch

from sklearn_mmg._core.model import Model
from sklearn_mmg._core.training import on_device, slices


class DensityModel(Model):
    """Densities in the coordinates in which the linear-Gaussian model is diagonal.

    Parameters
    ----------
    new_densities : callable
        Makes an untrained module from the fitted :class:`LinearPreconditioner`. Its ``forward`` is
        the loss per row, 0 if untrained, of ``x``, ``y`` and ``residual``, that of the linear
        model in units of its standard deviation; its ``log_ratios`` are ``pointwise`` and
        ``score`` of the same.
    **parameters : those of :class:`Model`
    """

    def __init__(self, *, new_densities, **parameters):
        super().__init__(**parameters)
        self.new_densities = new_densities

    def _train(self, white, rng, run):
        self._learn(self.new_densities(self.basis_), self._signals(white), rng, run)

    def _signals(self, white):
        # The residual is taken in double precision: of a strong dependence single would leave none.
        residual = white.residual / np.sqrt(self.basis_.residual_variance_)
        return {"x": white.x, "y": white.y, "residual": residual}

    def _pointwise(self, white, device):
        """Log-ratio of the joint density to the product of the two margins."""
        return self._log_ratios(white, device)[0]

    def _score(self, white, device):
        """Log-density relative to the Gaussian."""
        return self._log_ratios(white, device)[1]

    @torch.inference_mode()
    def _log_ratios(self, white, device):
        signals = self._signals(white)
        ratios = []
        with on_device(copy.deepcopy(self.net_.module_).double(), device) as densities:
            for part in slices(len(white.x)):
                tensors = {k: torch.as_tensor(a[part], device=device) for k, a in signals.items()}
                ratios.append(torch.stack(densities.log_ratios(**tensors)).cpu())
        return torch.cat(ratios, dim=1).numpy()
