"""Torch modules that denoise, and the losses they are trained on."""

import torch
from torch import nn

from sklearn_mmg.diffusion.integrands import noise_coordinates, residual_coordinates
from sklearn_mmg.neural.network import ResidualNetwork


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
