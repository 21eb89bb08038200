"""A joint density that is trained on one part of the data and read on another."""

import copy

import numpy as np
import torch

from sklearn_mmg.linear.canonical import CanonicalModel
from sklearn_mmg.neural.training import TensorRows, as_tensor, train, train_validation_rows

EVALUATION_ROWS = 4096


class DensityModel(CanonicalModel):
    """Densities in the coordinates in which the linear-Gaussian model is diagonal.

    Parameters
    ----------
    new_densities : callable
        Makes an untrained module from the fitted :class:`LinearPreconditioner`. Its ``forward`` is
        the loss per row, 0 if untrained, of ``x``, ``y`` and ``residual``, that of the linear
        model in units of its standard deviation; its ``log_ratios`` are ``pointwise`` and
        ``score`` of the same.
    transformers : tuple of transformers
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    """

    def __init__(self, new_densities, transformers, settings):
        super().__init__(transformers, settings)
        self.new_densities = new_densities

    def evaluate(self, x, y, device):
        """Values of held-out samples, which share nothing random."""
        return self.pointwise(x, y, device), 0.0

    def pointwise(self, x, y, device):
        """Log-ratio of the joint density to the product of the two margins."""
        return self._log_ratios(x, y, device)[0]

    def score(self, x, y, device):
        """Log-density relative to the Gaussian."""
        return self._log_ratios(x, y, device)[1]

    def _signals(self, white):
        # The residual is taken in double precision: of a strong dependence single would leave none.
        residual = white.residual / np.sqrt(self.basis_.residual_variance_)
        return {"x": white.x, "y": white.y, "residual": residual}

    def _train(self, white, rng, device, label):
        signals = self._signals(white)
        parts = train_validation_rows(len(signals["x"]), self.settings.validation_fraction, rng)
        rows, valid_rows = (
            TensorRows(**{name: as_tensor(a[part], device) for name, a in signals.items()})
            for part in parts
        )
        self.net_ = train(
            self.new_densities(self.basis_),
            rows,
            valid_rows if len(valid_rows) else None,
            self.settings,
            seed=int(rng.integers(2**31)),
            device=device,
            label=label,
        )

    def _log_ratios(self, x, y, device):
        if self.known_ is not None:
            return np.full((2, len(x)), self.known_)
        signals = self._signals(self._white(x, y))
        densities = copy.deepcopy(self.net_.module_).double().to(device)
        ratios = []
        with torch.inference_mode():
            for start in range(0, len(x), EVALUATION_ROWS):
                part = slice(start, start + EVALUATION_ROWS)
                tensors = {k: torch.as_tensor(a[part], device=device) for k, a in signals.items()}
                ratios.append(torch.stack(densities.log_ratios(**tensors)).cpu())
        return torch.cat(ratios, dim=1).numpy()
