"""Draws of log-SNR and noise for a training batch, on the device of their generator."""

import torch
from torch import Tensor

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
