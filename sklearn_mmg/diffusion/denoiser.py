"""Torch modules: the residual network, and the losses it is trained on."""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from sklearn_mmg.diffusion.integrands import noise_coordinates, residual_coordinates

# Layers are made without drawing weights, so that torch's global generator is left alone;
# `initialise` draws them.
linear = partial(nn.utils.skip_init, nn.Linear)


class ResidualBlock(nn.Module):
    """Pre-norm residual block into which the log-SNR embedding enters.

    With ``gated=True`` the hidden layer is ``silu(a) * b``: products, such as a rotation by the
    squared norm, are then learned in a fraction of the steps that a plain layer needs.
    """

    def __init__(self, width, embedding, gated):
        super().__init__()
        self.gated = gated
        hidden = 2 * width if gated else width
        self.norm = nn.RMSNorm(width, elementwise_affine=False)
        self.inner = linear(width, hidden)
        self.shift = linear(embedding, hidden, bias=False) if embedding else None
        self.outer = linear(width, width)

    def forward(self, h, e):
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

    def __init__(self, n_in, n_out, width, depth, embedding=0, support=(0.0, 1.0), gated=True):
        super().__init__()
        self.first = linear(n_in, width)
        self.blocks = nn.ModuleList(ResidualBlock(width, embedding, gated) for _ in range(depth))
        self.norm = nn.RMSNorm(width, elementwise_affine=False)
        self.last = linear(width, n_out)
        self.last.starts_at_zero = True
        self.low, self.span = support[0], support[1] - support[0]
        self.register_buffer("centres", torch.linspace(0.0, 1.0, embedding))

    def embed(self, logsnr):
        position = (logsnr[:, None] - self.low) / self.span
        bumps = (position - self.centres) * ((len(self.centres) - 1) / 1.5)
        return torch.exp(-0.5 * bumps**2)

    def forward(self, inputs, logsnr=None):
        e = None if logsnr is None else self.embed(logsnr)
        h = self.first(inputs)
        for block in self.blocks:
            h = block(h, e)
        return self.last(self.norm(h))


class ContinuousDenoiser(nn.Module):
    """Conditional and unconditional denoiser of a continuous block in one network.

    Parameters
    ----------
    n_target, n_condition : int
    variance : sequence of float
        Residual variance per component, used with ``precondition=True``.
    precondition : bool
        Gaussian preconditioning, or plain noise prediction.
    unconditional : float
        Fraction of every training batch that is denoised without the condition; 0 where the
        unconditional denoiser is known in closed form.
    **network : parameters of :class:`ResidualNetwork`.
    """

    def __init__(self, n_target, n_condition, variance, precondition, unconditional, **network):
        super().__init__()
        self.network = ResidualNetwork(n_target + n_condition + 1, n_target, **network)
        self.register_buffer("variance", torch.as_tensor(variance, dtype=torch.float32))
        self.precondition = precondition
        self.unconditional = unconditional

    def coordinates(self, base, logsnr, noise, variance):
        if self.precondition:
            return residual_coordinates(base, variance, logsnr, noise)
        return noise_coordinates(base, logsnr, noise)

    def correction(self, u, logsnr, condition, present):
        """``F``: what the network adds; `present` is 1 for rows that see the condition."""
        return self.network(torch.cat([u, condition * present, present], dim=1), logsnr)

    def forward(self, target, residual, condition, logsnr, noise, weight):
        """Loss per row: minus the bracket, so that zero is the Gaussian answer.

        The first rows are conditional and the last, a fixed fraction, unconditional: half of them
        in validation, so that both brackets count alike.
        """
        fraction = self.unconditional if self.training else 0.5 * (self.unconditional > 0)
        n_unconditional = round(fraction * len(target))
        present = torch.ones_like(logsnr)[:, None]
        if n_unconditional:
            present[-n_unconditional:] = 0
        base = torch.where(present > 0, residual, target)
        variance = torch.where(present > 0, self.variance, 1.0)
        u, t, w, _ = self.coordinates(base, logsnr, noise, variance)
        f = self.correction(u, logsnr, condition, present)
        return weight * (w * ((f - t) ** 2 - t**2)).sum(dim=1)


class CategoricalDenoiser(nn.Module):
    """Denoiser of a one-hot code; only its class probabilities need learning.

    For a code ``e_k`` in the channel the posterior mean is exactly
    ``softmax(log pi(y) + (a / b**2) z)``. The network therefore learns ``log pi(y)`` once, for
    every log-SNR, and only what a given linear model leaves over.
    """

    def __init__(self, n_classes, n_condition, **network):
        super().__init__()
        self.network = ResidualNetwork(n_condition, n_classes, **network)

    def log_probability(self, base, condition):
        return torch.log_softmax(base + self.network(condition), dim=1)

    def forward(self, code, base, condition):
        """Loss per row: minus the gain in log-probability over the linear model `base`."""
        gain = self.log_probability(base, condition) - base
        return -gain.gather(1, code[:, None])[:, 0]


def initialise(module, generator):
    """Draw the weights of every layer of `module` from `generator`, or set them to zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            bound = 0.0 if hasattr(layer, "starts_at_zero") else 1 / math.sqrt(layer.in_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return module
