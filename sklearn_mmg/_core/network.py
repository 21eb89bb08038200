"""The one network body: a residual multilayer perceptron."""

import math
from functools import partial
from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional

# Layers are made without drawing weights, so that torch's global generator is left alone;
# `initialise` draws them.
linear = partial(nn.utils.skip_init, nn.Linear)

AnyModule = TypeVar("AnyModule", bound=nn.Module)


class ResidualBlock(nn.Module):
    """Pre-norm residual block into which the embedding of a level enters.

    With ``gated=True`` the hidden layer is ``silu(a) * b``: products, such as a rotation by the
    squared norm, are then learned in a fraction of the steps that a plain layer needs.
    """

    def __init__(self, width: int, embedding: int, gated: bool) -> None:
        super().__init__()
        self.gated = gated
        hidden = 2 * width if gated else width
        self.norm = nn.RMSNorm(width, elementwise_affine=False)
        self.inner = linear(width, hidden)
        self.shift = linear(embedding, hidden, bias=False) if embedding else None
        self.outer = linear(width, width)

    def forward(self, h: torch.Tensor, e: torch.Tensor | None) -> torch.Tensor:
        a = self.inner(self.norm(h))
        if self.shift is not None:
            a = a + self.shift(e)
        if self.gated:
            a, b = a.chunk(2, dim=-1)
            return h + self.outer(functional.silu(a) * b)
        return h + self.outer(functional.silu(a))


class ResidualNetwork(nn.Module):
    """Residual MLP of inputs and log-SNR whose output starts at zero.

    Parameters
    ----------
    n_in, n_out, width, depth : int
    embedding : int
        Number of Gaussian bumps that encode log-SNR over `support`; 0 for a network without it.
    support : tuple of float
        Range of log-SNR.
    gated : bool
    """

    centres: torch.Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        width: int,
        depth: int,
        embedding: int = 0,
        support: tuple[float, float] = (0.0, 1.0),
        gated: bool = True,
    ) -> None:
        super().__init__()
        self.first = linear(n_in, width)
        self.blocks = nn.ModuleList(ResidualBlock(width, embedding, gated) for _ in range(depth))
        self.norm = nn.RMSNorm(width, elementwise_affine=False)
        self.last = linear(width, n_out)
        start_at_zero(self.last)
        self.low, self.span = support[0], support[1] - support[0]
        self.register_buffer("centres", torch.linspace(0.0, 1.0, embedding))

    def embed(self, logsnr: torch.Tensor) -> torch.Tensor:
        position = (logsnr[..., None] - self.low) / self.span
        bumps = (position - self.centres) * ((len(self.centres) - 1) / 1.5)
        return torch.exp(-0.5 * bumps**2)

    def forward(self, inputs: torch.Tensor, logsnr: torch.Tensor | None = None) -> torch.Tensor:
        e = None if logsnr is None else self.embed(logsnr)
        h = self.first(inputs)
        for block in self.blocks:
            h = block(h, e)
        return self.last(self.norm(h))


def start_at_zero(layer: nn.Module) -> None:
    """Have :func:`initialise` set the weights of a linear layer to zero."""
    layer.starts_at_zero = True  # pyright: ignore[reportArgumentType]  # torch names no others


def initialise(module: AnyModule, generator: torch.Generator) -> AnyModule:
    """Draw the weights of every layer of `module` from `generator`, or set them to zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            bound = 0.0 if hasattr(layer, "starts_at_zero") else 1 / math.sqrt(layer.in_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return module
