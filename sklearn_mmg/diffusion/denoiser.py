"""Torch modules that denoise, and the losses they are trained on."""

import math

import torch
from torch import nn

from sklearn_mmg._core.network import ResidualNetwork
from sklearn_mmg.diffusion.channel import noise_coordinates, residual_coordinates


def radius(a):
    """Squared norm of every row, standardised for a white normal, as it is and bounded."""
    excess = (a * a).mean(dim=1, keepdim=True) - 1
    n = a.shape[1]
    return excess * math.sqrt(n / 2), torch.tanh(excess * math.sqrt(n / 8))


class ContinuousDenoiser(nn.Module):
    """Conditional and unconditional denoiser of a continuous block in one network.

    Parameters
    ----------
    n_target, n_condition : int
    variance : sequence of float
        Residual variance per component, used with ``precondition=True``.
    mask : sequence of float
        0 for components that only fill up the shape, 1 for the others.
    precondition : bool
        Gaussian preconditioning, and inputs that products with a squared norm are linear in; or
        plain noise prediction. A rotation by the squared norm, or a scale that all columns share,
        takes a network of the columns alone many times the steps.
    unconditional : float
        Fraction of every training batch that is denoised without the condition; 0 where the
        unconditional denoiser is known in closed form.
    **network : parameters of :class:`ResidualNetwork`.
    """

    def __init__(
        self, n_target, n_condition, variance, mask, precondition, unconditional, **network
    ):
        super().__init__()
        n_columns = n_target + n_condition
        n_inputs = 3 * (n_columns + 1) if precondition else n_columns + 1
        self.network = ResidualNetwork(n_inputs, n_target, **network)
        self.register_buffer("variance", torch.as_tensor(variance, dtype=torch.float32))
        self.register_buffer("mask", torch.as_tensor(mask, dtype=torch.float32))
        self.precondition = precondition
        self.unconditional = unconditional

    @property
    def widths(self):
        """Columns of the target and of the condition."""
        n_target = len(self.mask)
        n_columns = self.network.first.in_features
        n_columns = n_columns // 3 - 1 if self.precondition else n_columns - 1
        return n_target, n_columns - n_target

    def coordinates(self, base, logsnr, noise, variance):
        """Input, target, weight and posterior scale of a denoiser; no weight on what is masked."""
        if self.precondition:
            u, t, w, tau = residual_coordinates(base, variance, logsnr, noise)
        else:
            u, t, w, tau = noise_coordinates(base, logsnr, noise)
        return u, t, w * self.mask, tau

    def correction(self, u, logsnr, condition, present):
        """``F``: what the network adds; `present` is 1 for rows that see the condition."""
        condition = condition * present
        inputs = [u, condition, present]
        if self.precondition:
            radius_u, bounded_u = radius(u)
            radius_c, bounded_c = radius(condition)
            radius_c, bounded_c = radius_c * present, bounded_c * present
            inputs += [radius_u, radius_c]
            inputs += [0.5 * a * b for a in (u, condition) for b in (bounded_u, bounded_c)]
        return self.network(torch.cat(inputs, dim=1), logsnr)

    def forward(self, target, residual, condition, logsnr, noise):
        """Loss per noisy sample: minus the bracket, so that zero is the Gaussian answer.

        Every row is seen with its noise and with the opposite one. The target is odd in the noise
        but for the signal: what a network gains from the noise alone, most of the variance of its
        gradient, cancels. The first rows are conditional and the last, a fixed fraction, not.
        """
        n = len(target)
        n_conditional = n - round(self.unconditional * n)
        present = (torch.arange(n, device=target.device) < n_conditional).to(target)[:, None]
        base = torch.where(present > 0, residual, target)
        variance = torch.where(present > 0, self.variance, 1.0)
        base, variance, present, condition, logsnr = (
            torch.cat([a, a]) for a in (base, variance, present, condition, logsnr)
        )
        u, t, w, _ = self.coordinates(base, logsnr, torch.cat([noise, -noise]), variance)
        f = self.correction(u, logsnr, condition, present)
        return (w * ((f - t) ** 2 - t**2)).sum(dim=1)


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
