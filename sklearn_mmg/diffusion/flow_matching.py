"""Flow from independent to joint samples: what its divergence adds to the Gaussian answer.

A start ``z_0`` and an end ``z_1`` are independent draws, ``z_t = (1 - t) z_0 + t z_1``, and the
velocity is ``v(z, t) = E[z_1 - z_0 | z_t = z]``. Component by component, with ``z_0 ~ N(0, 1)`` and
``z_1 ~ N(m, s2)``, the variance of ``z_t`` is ``V = (1 - t)**2 + t**2 s2``, and the Gaussian
velocity and the variance of what it leaves of ``z_1 - z_0`` are

    v0 = m + (t s2 - (1 - t)) / V * (z_t - t m),    tau**2 = s2 / V.

The divergence of ``v0`` is half the derivative of ``log V``, with the integral ``log(s2) / 2``.
With ``v = v0 + tau F``, target ``(z_1 - z_0 - v0) / tau`` and input ``(z_t - t m) / sqrt(V)`` are
those of the Gaussian denoiser at log-SNR ``2 log(t / (1 - t))``. In them the rest of the
divergence is ``sum_i dF_i / du_i`` times the speed of ``angle_i = arctan(t s_i / (1 - t))``, which
runs from 0 to ``pi / 2``. So t is drawn by an even angle, of each component in turn, and what
is left of the weight is at most ``pi / 2`` times their number.
"""

import math

import numpy as np
import torch
from torch import nn

from sklearn_mmg.diffusion.integrands import residual_coordinates
from sklearn_mmg.diffusion.noise import VALIDATION_DRAWS, stratified
from sklearn_mmg.diffusion.terms import EVALUATION_ROWS
from sklearn_mmg.linear.canonical import CanonicalModel
from sklearn_mmg.linear.preconditioning import gaussian_direct
from sklearn_mmg.neural.network import ResidualNetwork
from sklearn_mmg.neural.training import TensorRows, as_tensor, train, train_validation_rows

N_TIMES = 16  # per evaluated sample, each with its own start
MAX_EXACT = 10  # components whose divergence is a sum of as many derivatives
EMBEDDING = 16
REACH = 6.0  # log-SNR on either side of where a component is half known


def logsnr_at(quantile, variance):
    """Log-SNR at a quantile of the distribution that times are drawn from."""
    n_dims = len(variance)
    component = (quantile * n_dims).long().clamp(max=n_dims - 1)
    angle = (quantile * n_dims - component).clamp(1e-4, 1 - 1e-4) * (math.pi / 2)
    return 2 * angle.tan().log() - variance[component].log()


def angular_weight(logsnr, variance):
    """Speed of the angle of every component, over the density that log-SNR was drawn from."""
    speed = 1 / torch.cosh(0.5 * (logsnr[:, None] + variance.log()))
    return (math.pi / 2) * speed / speed.mean(dim=1, keepdim=True)


def pair_rotation(n_x, n_y):
    """Orthogonal map of ``(x, y)`` to ``(x_i + y_i, x_i - y_i) / sqrt(2)`` and what has no partner.

    In canonical coordinates the variances of the two are 1 + rho_i and 1 - rho_i.
    """
    i = np.arange(min(n_x, n_y))
    j = n_x + i
    rotation = np.eye(n_x + n_y)
    rotation[i, i] = rotation[i, j] = rotation[j, i] = math.sqrt(0.5)
    rotation[j, j] = -math.sqrt(0.5)
    return rotation


class FlowMatching(nn.Module):
    """``F``: what a network adds to the Gaussian velocity.

    Parameters
    ----------
    variance : sequence of float
        Of every component of the end, given the condition.
    n_condition, width, depth : int
    """

    def __init__(self, variance, n_condition, width, depth):
        super().__init__()
        n_dims, centres = len(variance), -np.log(variance)
        support = centres.min() - REACH, centres.max() + REACH
        self.network = ResidualNetwork(
            n_dims + n_condition, n_dims, width, depth, embedding=EMBEDDING, support=support
        )
        self.register_buffer("variance", torch.as_tensor(variance, dtype=torch.float32))

    def correction(self, u, condition, logsnr):
        return self.network(torch.cat([u, condition], dim=1), logsnr)

    def forward(self, residual, condition, sources, quantile):
        """Loss per row, zero for the Gaussian velocity; the starts are made of other rows."""
        start = sum(source.roll(1 + i, dims=0) for i, source in enumerate(sources.unbind(dim=1)))
        logsnr = logsnr_at(quantile, self.variance)
        u, target, _, _ = residual_coordinates(residual, self.variance, logsnr, start)
        f = self.correction(u, condition, logsnr)
        weight = angular_weight(logsnr, self.variance)
        # The mean: early stopping would take the noise of many components, summed up in the first
        # steps, for overfitting.
        return (weight * ((f - target) ** 2 - target**2)).mean(dim=1)

    def divergence(self, residual, start, condition, quantile, probe=None):
        """Integrand of what ``F`` adds to the divergence, per row.

        Exact, or with a `probe` of random signs Hutchinson's estimate for the price of one
        component.
        """
        logsnr = logsnr_at(quantile, self.variance)
        u = residual_coordinates(residual, self.variance, logsnr, start)[0].requires_grad_()
        f = self.correction(u, condition, logsnr)
        weighted = f * angular_weight(logsnr, self.variance)
        if probe is not None:
            return (_gradient((weighted * probe).sum(), u) * probe).sum(dim=1)
        return sum(_gradient(column.sum(), u)[:, i] for i, column in enumerate(weighted.T))


def _gradient(total, u):
    return torch.autograd.grad(total, u, retain_graph=True)[0]


def draw_times(n, generator):
    """Stratified quantiles of time for one training batch."""
    return {"quantile": stratified(n, generator)}


class FlowPair(CanonicalModel):
    """The flow between two blocks, trained on one part of the data and read on another.

    Parameters
    ----------
    both : bool
        Whether both blocks flow, from independent to joint samples, or ``x`` alone, from its
        margin to its distribution given ``y``.
    transformers : tuple of transformers
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    width, depth : int
        Of the network.
    """

    def __init__(self, both, transformers, settings, width, depth):
        super().__init__(transformers, settings)
        self.both = both
        self.width = width
        self.depth = depth

    def evaluate(self, x, y, device):
        """Terms of held-out samples, which have nothing random in common."""
        return self.terms(x, y, device), 0.0

    def terms(self, x, y, device):
        """Values whose mean is the mutual information; a single one means nothing."""
        if self.known_ is not None:
            return np.full(len(x), self.known_)
        white = self._white(x, y)
        variance = self.basis_.residual_variance_
        gaussian = gaussian_direct(white.x, white.mean, variance)
        # The closed form is high by what the linear model overfits, and its held-out value low by
        # as much: their mean is neither.
        half_the_gap = 0.5 * (-0.5 * np.log(variance).sum() - gaussian.mean())
        return gaussian + half_the_gap - self._divergences(white, device)

    def _ends(self, white):
        """Sources that add up to a start, end less its mean, and condition of every sample.

        Sources have shape (n, n_sources, n_dims): those of a start are of different samples.
        """
        if not self.both:
            return white.x[:, None], white.residual, white.y
        n_x, n_y = white.x.shape[1], white.y.shape[1]
        rotation = pair_rotation(n_x, n_y)
        sources = np.stack([white.x @ rotation[:n_x], white.y @ rotation[n_x:]], axis=1)
        return sources, sources.sum(axis=1), np.empty((len(white.x), 0))

    def _train(self, white, rng, device, label):
        sources, residual, condition = self._ends(white)
        blocks = {"residual": residual, "condition": condition, "sources": sources}
        train_rows, valid_rows = train_validation_rows(
            len(residual), self.settings.validation_fraction, rng
        )
        # The mean square itself: 1 - rho would lose all digits near rho = 1.
        variance = (residual**2).mean(axis=0)
        self.net_ = train(
            FlowMatching(variance, condition.shape[1], self.width, self.depth),
            TensorRows(**{name: as_tensor(a[train_rows], device) for name, a in blocks.items()}),
            self._with_fixed_times(blocks, valid_rows, rng, device) if len(valid_rows) else None,
            self.settings,
            draw=draw_times,
            seed=int(rng.integers(2**31)),
            device=device,
            label=label,
        )

    def _with_fixed_times(self, blocks, rows, rng, device):
        """Repeat validation rows, next to others each time, with times given once and for all."""
        order = rng.permutation(np.tile(rows, math.ceil(VALIDATION_DRAWS / len(rows))))
        quantile = (rng.permutation(len(order)) + 0.5) / len(order)
        return TensorRows(
            **{name: as_tensor(a[order], device) for name, a in blocks.items()},
            quantile=as_tensor(quantile, device),
        )

    def _divergences(self, white, device):
        """What ``F`` adds to the divergence along the path, per sample."""
        sources, residual, condition = self._ends(white)
        rng = np.random.default_rng(self.seed_)
        n = len(residual)
        total = np.zeros(n)
        flow = self.net_.module_.to(device)
        for node in range(N_TIMES):
            quantile = (node + rng.uniform(size=n)) / N_TIMES
            inputs = [residual, _independent(sources, rng), condition, quantile]
            if residual.shape[1] > MAX_EXACT:
                inputs.append(rng.choice([-1.0, 1.0], size=residual.shape))
            for first in range(0, n, EVALUATION_ROWS):
                part = slice(first, first + EVALUATION_ROWS)
                values = flow.divergence(*(as_tensor(a[part], device) for a in inputs))
                total[part] += values.cpu().double().numpy()
        flow.cpu()
        return total / N_TIMES


def _independent(sources, rng):
    """A start for every sample, each source of some other sample."""
    n, n_sources, _ = sources.shape
    others = (np.arange(n)[:, None] + rng.integers(1, n, size=(n, n_sources))) % n
    return sources[others, np.arange(n_sources)].sum(axis=1)
