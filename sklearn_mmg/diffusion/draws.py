"""Draws of log-SNR and noise for a training batch, on the device of their generator."""

from collections.abc import Callable

import torch
from torch import Tensor

from sklearn_mmg._core.training import Columns, TensorRows, as_tensor
from sklearn_mmg.diffusion.log_snr import LogSNRDistribution

VALIDATION_DRAWS = 4096  # least number of fixed noise draws behind an early-stopping bound


def stratified(n: int, generator: torch.Generator) -> Tensor:
    """A uniform draw from each of `n` strata, in random order, on the generator's device."""
    options = {"generator": generator, "device": generator.device}
    return (torch.randperm(n, **options) + torch.rand(n, **options)) / n


def draw_noise(
    n: int, generator: torch.Generator, quantiles: Tensor, n_dims: int
) -> dict[str, Tensor]:
    """Fresh stratified log-SNR and noise.

    Parameters
    ----------
    n : int
        Draws, for each row of `quantiles` if it has several.
    generator : torch.Generator
    quantiles : tensor of shape (n_quantiles,) or (n_members, n_quantiles)
        Evenly spaced quantiles of log-SNR.
    n_dims : int
        Columns of the noise.
    """
    if quantiles.ndim == 2:
        draws = [draw_noise(n, generator, row, n_dims) for row in quantiles]
        return {name: torch.stack([draw[name] for draw in draws]) for name in draws[0]}
    # In random order, because the rows that see the condition come first.
    position = stratified(n, generator).clamp(max=1 - 1e-6) * (len(quantiles) - 1)
    cell = position.long()
    logsnr = torch.lerp(quantiles[cell], quantiles[cell + 1], position - cell)
    noise = torch.randn(n, n_dims, generator=generator, device=generator.device)
    return {"logsnr": logsnr, "noise": noise}


def with_fixed_noise(
    columns: Columns,
    draw: Callable[..., Columns],
    distribution: LogSNRDistribution,
    n_views: int,
    seed: int,
) -> TensorRows:
    """Validation rows, repeated in random order, with one draw of noise for all epochs.

    Parameters
    ----------
    columns : dict of str to tensor
        With the ``values`` that the denoiser sees.
    draw : callable
        ``draw(n, generator)`` of log-SNR and noise.
    distribution : LogSNRDistribution
        That log-SNR is drawn from.
    n_views : int
        Views that share the rows evenly.
    seed : int
    """
    values = columns["values"]
    generator = torch.Generator(values.device).manual_seed(seed)
    n = -(-VALIDATION_DRAWS // (2 * len(values))) * len(values)  # with noise of either sign
    index = torch.randperm(n, generator=generator, device=values.device) % len(values)
    fixed = draw(n, generator)
    density = distribution.pdf(fixed["logsnr"].cpu().numpy())
    # Half an integral per view, and each view has its share of the rows. The mean over columns,
    # because early stopping would take the noise of the first steps in many columns, summed up,
    # for overfitting.
    weight = 0.5 * n_views / values.shape[1] / density
    fixed["weight"] = as_tensor(weight, values.device)
    return TensorRows(**{name: a[index] for name, a in columns.items()}, **fixed)
