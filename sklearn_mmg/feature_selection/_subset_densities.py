"""Denoisers of a continuous target given any subset of columns."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sklearn_mmg._core.preconditioning import whiten
from sklearn_mmg._core.training import Columns, as_tensor
from sklearn_mmg.diffusion.denoiser import Denoised
from sklearn_mmg.diffusion.draws import draw_noise
from sklearn_mmg.diffusion.log_snr import ResidualScaleSampler
from sklearn_mmg.diffusion.quadrature import gain_and_square, integrate
from sklearn_mmg.diffusion.subsets import Inputs, LinearGaussian, MaskedDenoiser
from sklearn_mmg.feature_selection._subset_model import SubsetModel, for_masks

EMBEDDING_SIZE = 8
# Of all judges together: what they say is an average over them.
JUDGED_COPIES = 2000
SAMPLES_PER_DIRECTION = 4  # of the target, as in the preconditioner


class DensitySubsets(SubsetModel[MaskedDenoiser]):
    """Denoisers of a continuous target: half the area between two error curves, by subset.

    Parameters
    ----------
    normal_margin : bool
        Whether preprocessing makes a single column of the target standard normal.
    n_nodes : int
        Noisy copies of every evaluated sample, two of which share a noise of either sign.
    **parameters : those of :class:`SubsetModel`
    """

    target_name = "target"

    def __init__(self, *, normal_margin: bool, n_nodes: int, **parameters) -> None:
        super().__init__(**parameters)
        self.normal_margin = normal_margin
        self.n_nodes = n_nodes

    def _fit_target(self, target: np.ndarray) -> bool:
        self.mean_, axes, _, _ = whiten(target, SAMPLES_PER_DIRECTION)
        self.axes_ = axes * math.sqrt(len(target))
        return self.axes_.shape[1] > 0

    def _prepare_target(self, target: np.ndarray) -> np.ndarray:
        return (target - self.mean_) @ self.axes_

    def _outcomes(self, target: np.ndarray) -> tuple[np.ndarray, None]:
        return target, None

    def _new_module(
        self, target: np.ndarray, x: np.ndarray, training: np.ndarray, inputs: Inputs
    ) -> MaskedDenoiser:
        self.closed_form_ = LinearGaussian(target, x)
        variance = self.closed_form_.parts(torch.ones(1, x.shape[1]))["variance"]
        self.distribution_ = ResidualScaleSampler().distribution(variance.numpy())
        self.quantiles_ = as_tensor(self.distribution_.quantiles(), "cpu")
        n_dims = target.shape[1]
        return MaskedDenoiser(
            inputs,
            n_dims,
            margin_known=self.normal_margin and n_dims == 1,
            embedding=EMBEDDING_SIZE,
            support=(self.distribution_.grid[0], self.distribution_.grid[-1]),
            **self.network,
        )

    def _draw(self, n: int, generator: torch.Generator) -> Columns:
        quantiles = self.quantiles_.to(generator.device)
        noise = draw_noise(n, generator, quantiles, self.axes_.shape[1])
        return super()._draw(n, generator) | noise

    def _values(
        self, target: np.ndarray, x: np.ndarray, masks: Tensor, n_nodes: int | None
    ) -> np.ndarray:
        n_nodes = n_nodes or self.n_nodes
        n_judged = int(np.clip(JUDGED_COPIES // max(len(self.judges_[0]), 1), 2, n_nodes))
        judges = self._integrals_of(*self.judges_, n_judged, masks.device)
        others = self._integrals_of(target, x, n_nodes, masks.device)
        masks = torch.cat([torch.zeros_like(masks[:1]), masks])
        parts = self._parts(masks)
        gain, square = (a.sum(axis=1) for a in judges(parts))
        trust = np.divide(gain, square, out=np.ones_like(gain), where=square > 0)
        trust = np.clip(trust, 0.0, 1.0)[:, None]
        gain, square = others(parts)
        log_densities = self._gaussian(target, x, masks) + 2 * trust * gain - trust**2 * square
        return log_densities[1:] - log_densities[0]

    def _integrals_of(
        self, target: np.ndarray, x: np.ndarray, n_nodes: int, device: str | torch.device
    ) -> Callable[[Columns], tuple[np.ndarray, np.ndarray]]:
        """What gives :func:`gain_and_square` of some samples, integrated, for the parts of masks.

        The samples keep their noise in all masks, so that differences have little of it.
        """
        rng = np.random.default_rng(self.seed_)
        n, k = len(x), max(1, n_nodes // 2)
        nodes = self.distribution_.ppf((np.arange(k)[:, None] + rng.uniform(size=(k, n))) / k)
        noise = as_tensor(rng.standard_normal((k, n, target.shape[1])), device)
        columns = {"target": as_tensor(target, device), "x": as_tensor(x, device)}

        def integrals(parts: Columns) -> tuple[np.ndarray, np.ndarray]:
            def denoise(**drawn: Tensor) -> Denoised:
                rows = columns | drawn
                rows = {name: for_masks(a, len(parts["mask"])) for name, a in rows.items()}
                return self.module_.denoise(**rows, **parts)

            drawn = zip(nodes, noise, strict=True)
            found, _ = integrate(denoise, gain_and_square, drawn, self.distribution_)
            return found["gain"], found["square"]

        return integrals

    def _gaussian(self, target: np.ndarray, x: np.ndarray, masks: Tensor) -> np.ndarray:
        """Logarithm of the density in the closed form, but for a constant."""
        parts = self.closed_form_.parts(masks.cpu()[:, self._kept_group])
        slope, axes, variance = (parts[name].numpy() for name in ("slope", "axes", "variance"))
        along = (target - x @ slope) @ axes
        variance = variance[:, None]
        return -0.5 * (along**2 / variance + np.log(variance)).sum(axis=2)
