"""Densities of one shape, moved and scaled."""

import math

import torch
from torch import nn
from torch.nn import functional

from sklearn_mmg.neural.network import ResidualNetwork

# Of the logistic density with the largest likelihood for standard normal data: the root c of
# E[z / c tanh(z / 2c)] = 1.
LOGISTIC_SCALE = 0.5718204352538813
# A log-scale stays within this of the linear model's. Samples with ties, or beyond what training
# saw, would otherwise drive it to where its exponential is zero or infinite in single precision.
MAX_LOG_SCALE = 5.0


def log_normal(z):
    """Log-density of the standard normal distribution."""
    return -0.5 * (z**2 + math.log(2 * math.pi))


def log_logistic(z):
    """Log-density of the logistic distribution that is closest to the standard normal one."""
    z = z / LOGISTIC_SCALE
    return functional.logsigmoid(z) + functional.logsigmoid(-z) - math.log(LOGISTIC_SCALE)


LOG_DENSITIES = {"gaussian": log_normal, "logistic": log_logistic}


class LocationScale(nn.Module):
    """Densities of ``x``, and of ``x`` given ``y``, that are products over components.

    Untrained, their locations and scales are those of the linear-Gaussian model.

    Parameters
    ----------
    basis : LinearPreconditioner
    base : {"gaussian", "logistic"}
    width, depth : int
        Of the network of ``y``.
    """

    def __init__(self, basis, base, width, depth):
        super().__init__()
        n_x, n_y = basis.basis_x_.shape[1], basis.basis_y_.shape[1]
        self.log_density = LOG_DENSITIES[base]
        self.network = ResidualNetwork(n_y, 2 * n_x, width, depth)
        self.margin = nn.Parameter(torch.zeros(2 * n_x))
        self.linear_gain = -0.5 * float(torch.as_tensor(basis.residual_variance_).log().sum())

    def forward(self, x, y, residual):
        """Loss per row: less likely than under the untrained densities, in nats."""
        untrained = (self.log_density(x) + self.log_density(residual)).sum(dim=1)
        conditional = self._log_prob(residual, self.network(y))
        return untrained - conditional - self._log_prob(x, self.margin)

    def log_ratios(self, x, y, residual):
        """``log q(x|y) - log q(x)``, and the sum of both relative to the Gaussian's margin."""
        conditional = self._log_prob(residual, self.network(y)) + self.linear_gain
        margin = self._log_prob(x, self.margin)
        return conditional - margin, conditional + margin - 2 * log_normal(x).sum(dim=1)

    def _log_prob(self, z, parameters):
        location, log_scale = parameters.chunk(2, dim=-1)
        log_scale = MAX_LOG_SCALE * torch.tanh(log_scale / MAX_LOG_SCALE)
        standardised = (z - location) * torch.exp(-log_scale)
        return (self.log_density(standardised) - log_scale).sum(dim=1)
