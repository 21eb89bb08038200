"""Integrals over log-SNR of what denoisers add: the one loop over its nodes."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sklearn_mmg._core.training import as_tensor, on_device, slices
from sklearn_mmg.diffusion import channel
from sklearn_mmg.diffusion.denoiser import Denoised, Denoiser
from sklearn_mmg.diffusion.log_snr import LogSNRDistribution
from sklearn_mmg.diffusion.terms import ErrorCurves


class Integrals(NamedTuple):
    """Results by the name of the integrand."""

    of_samples: dict[str, np.ndarray]  # half an integral, shape (..., n_samples)
    at_nodes: dict[str, np.ndarray]  # the mean over samples, shape (n_nodes, ...)


Integrands = Callable[[Denoised, Tensor], dict[str, Tensor]]
Part = tuple[int, Callable[..., Denoised]]  # so many samples, and what denoises them


def forms(d: Denoised, logsnr: Tensor, signs: tuple[int, ...]) -> dict[str, Tensor]:
    """Integrands of a contrast beyond its closed form, each of shape (n_samples,).

    ``direct``, ``orthogonal`` and ``linear`` are estimates of the contrast, see
    :mod:`~sklearn_mmg.diffusion.channel`; ``log_densities`` is the direct one with all signs plus.
    """
    sign = d.f.new_tensor(signs)
    gains = channel.bracket(d.t, d.w, d.f)
    # The clean signal less its Gaussian prediction is tau t, and what is added to that is tau F.
    gaussian, added = (torch.einsum("v,vnd->nd", sign, d.tau * a) for a in (-d.t, d.f))
    return {
        "direct": sign @ gains,
        "orthogonal": channel.orthogonal_excess(logsnr, gaussian, added),
        "linear": sign @ (d.w * d.t * d.f).sum(dim=-1),
        "log_densities": gains.sum(dim=0),
    }


def gain_and_square(d: Denoised, logsnr: Tensor) -> dict[str, Tensor]:
    """Integrands ``w t F`` and ``w F**2``: twice the one less the other is what ``F`` gains."""
    return {"gain": (d.w * d.t * d.f).sum(dim=-1), "square": (d.w * d.f**2).sum(dim=-1)}


def errors(d: Denoised, logsnr: Tensor, signs: tuple[int, ...]) -> dict[str, Tensor]:
    """Squared errors of all views, and of their contrast, in noise units."""
    difference = torch.einsum("v,vnd->nd", d.f.new_tensor(signs), d.tau * (d.f - d.t))
    return {
        "mmse": (d.w * (d.t - d.f) ** 2).sum(dim=-1),
        "gap": torch.exp(logsnr) * (difference**2).sum(dim=-1),
    }


def integrate(
    denoise: Callable[..., Denoised],
    integrands: Integrands,
    nodes: Iterable[tuple[np.ndarray, Tensor]],
    distribution: LogSNRDistribution,
) -> Integrals:
    """Half the integrals over log-SNR, by importance sampling with noise of either sign.

    Parameters
    ----------
    denoise : callable
        ``denoise(logsnr=..., noise=...)`` of some samples.
    integrands : callable
        ``integrands(denoised, logsnr)`` gives tensors whose last axis are the samples.
    nodes : iterable of (logsnr, noise)
        Of shape (n_samples,) and (n_samples, n_dims), for each of the nodes.
    distribution : LogSNRDistribution
        That the nodes are drawn from.
    """
    sums, means = {}, {}
    for logsnr, noise in nodes:
        weight, lam = 0.5 / distribution.pdf(logsnr), as_tensor(logsnr, noise.device)
        both = [integrands(denoise(logsnr=lam, noise=signed), lam) for signed in (noise, -noise)]
        for name in both[0]:
            first, second = (terms[name].cpu().double().numpy() for terms in both)
            value = 0.5 * (first + second)
            sums[name] = sums.get(name, 0.0) + weight * value
            means.setdefault(name, []).append(value.mean(axis=-1))
    means = {name: np.array(values) for name, values in means.items()}
    return Integrals({name: a / len(means[name]) for name, a in sums.items()}, means)


def integrate_parts(
    parts: Iterable[Part],
    integrands: Integrands,
    distribution: LogSNRDistribution,
    *,
    n_nodes: int,
    n_dims: int,
    seed: int,
    device: str,
) -> Integrals:
    """The same of a whole sample, at stratified nodes, in parts that fit into memory.

    Parameters
    ----------
    parts : iterable of (n_samples, denoise)
        In the order of the samples, with the callable of :func:`integrate` for each.
    integrands : callable
    distribution : LogSNRDistribution
    n_nodes : int
        Noisy copies of every sample: two share a node.
    n_dims : int
        Columns of the noise.
    seed : int
        Of the noise.
    device : str
    """
    rng = np.random.default_rng(seed)
    k = max(1, n_nodes // 2)

    def nodes(size: int) -> Iterator[tuple[np.ndarray, Tensor]]:
        for node in range(k):
            logsnr = distribution.ppf((node + rng.uniform(size=size)) / k)
            yield logsnr, as_tensor(rng.standard_normal((size, n_dims)), device)

    found = [
        (size, integrate(denoise, integrands, nodes(size), distribution)) for size, denoise in parts
    ]
    n = sum(size for size, _ in found)
    names = found[0][1].of_samples
    return Integrals(
        {name: np.concatenate([p.of_samples[name] for _, p in found], axis=-1) for name in names},
        # pyright adds the zero that a sum starts from.
        {name: sum(size / n * p.at_nodes[name] for size, p in found) for name in names},  # pyright: ignore[reportArgumentType]
    )


def integrate_sample(
    denoiser: Denoiser,
    integrands: Integrands,
    columns: dict[str, np.ndarray],
    distribution: LogSNRDistribution,
    *,
    n_nodes: int,
    n_learned: int,
    seed: int,
    device: str,
) -> Integrals:
    """The same of what a network makes of a sample.

    Parameters
    ----------
    denoiser : Denoiser
    integrands : callable
    columns : dict of str to ndarray
        The ``values`` and ``residuals`` that `denoiser` sees.
    distribution : LogSNRDistribution
    n_nodes : int
        Noisy copies of every sample: two share a node.
    n_learned : int
        Views that the network corrects, the first ones.
    seed : int
        Of the noise.
    device : str
    """
    with on_device(denoiser, device):

        def part(chunk: slice) -> Part:
            rows = {name: as_tensor(a[chunk], device) for name, a in columns.items()}
            denoise = partial(denoiser.denoise, **rows, n_learned=n_learned)
            return chunk.stop - chunk.start, denoise

        return integrate_parts(
            map(part, slices(len(columns["values"]))),
            integrands,
            distribution,
            n_nodes=n_nodes,
            n_dims=denoiser.n_dims,
            seed=seed,
            device=device,
        )


def error_curves(at_nodes: dict[str, np.ndarray], distribution: LogSNRDistribution) -> ErrorCurves:
    """Curves of a conditional and an unconditional denoiser, from means of :func:`errors`."""
    k = len(at_nodes["gap"])
    logsnr = distribution.ppf((np.arange(k) + 0.5) / k)
    conditional, unconditional = at_nodes["mmse"].T
    return ErrorCurves(
        logsnr, unconditional, conditional, at_nodes["gap"], distribution.pdf(logsnr)
    )
