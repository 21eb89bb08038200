"""Mutual information from the squared difference of scores (MINDE).

The channel, the weight ``w`` and the correction ``F`` are those of
:mod:`sklearn_mmg.diffusion.integrands` for the model ``x ~ N(0, 1)``: predicted noise is
``b z - a F``, so that two predictions for the same ``z`` differ by ``w |F1 - F2|**2`` in the
square.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sklearn_mmg.diffusion.integrands import bracket, residual_coordinates
from sklearn_mmg.diffusion.noise import VALIDATION_DRAWS, draw_noise
from sklearn_mmg.diffusion.samplers import LogSNRDistribution
from sklearn_mmg.diffusion.terms import EVALUATION_ROWS
from sklearn_mmg.linear.canonical import CanonicalModel
from sklearn_mmg.neural.network import ResidualNetwork
from sklearn_mmg.neural.training import TensorRows, as_tensor, train, train_validation_rows

EMBEDDING_SIZE = 16


def logsnr_of_time(t):
    """Log-SNR of the variance-preserving diffusion with ``beta(t) = 0.1 + 19.9 t``.

    Time drawn from a density proportional to ``beta / sigma**2``, the importance sampling of the
    paper, is uniform log-SNR, because ``d logsnr = -beta / sigma**2 dt``.
    """
    return -np.log(np.expm1(0.1 * t + 9.95 * t**2))


def useful_logsnr(logsnr):
    """Shape of the density of log-SNR: uniform, but for what carries no information.

    The weight of all integrands is ``w = sigmoid(logsnr)``. Below -3 it leaves next to nothing to
    learn, yet a uniform density would spend a third of all draws there.
    """
    return 1 / (1 + np.exp(-(logsnr + 3.0)))


class Role(NamedTuple):
    """One of the denoisers in the network: a side is noised, clean or, with neither, absent."""

    sign: int  # of its log-density in the pointwise mutual information
    noised: tuple  # 0 or 1 for x and for y
    clean: tuple


ROLES = {
    "c": (Role(1, (1, 0), (0, 1)), Role(-1, (1, 0), (0, 0))),
    "j": (Role(1, (1, 0), (0, 1)), Role(1, (0, 1), (1, 0)), Role(-1, (1, 1), (0, 0))),
}


class RoleDenoiser(nn.Module):
    """Denoisers of all roles in one network.

    Parameters
    ----------
    roles : sequence of Role
    sizes : tuple of int
        Columns of `x` and of `y`.
    **network : parameters of :class:`ResidualNetwork`.
    """

    def __init__(self, roles, sizes, **network):
        super().__init__()
        self.network = ResidualNetwork(sum(sizes) + 4, sum(sizes), **network)
        side = torch.arange(2).repeat_interleave(torch.tensor(sizes))
        flags = torch.tensor([role.noised + role.clean for role in roles], dtype=torch.float32)
        self.register_buffer("flags", flags)
        self.register_buffer("noised", flags[:, :2][:, side])
        self.register_buffer("clean", flags[:, 2:][:, side])

    def correction(self, z, values, logsnr, role):
        """``F`` of every row in its role, zero for the columns that are not noised."""
        noised = self.noised[role]
        seen = noised * z + self.clean[role] * values
        return noised * self.network(torch.cat([seen, self.flags[role]], dim=1), logsnr)

    def corrections(self, z, values, logsnr):
        """``F`` of every row in all roles: shape (n_roles, n, n_columns)."""
        k = len(self.flags)
        role = torch.arange(k, device=z.device).repeat_interleave(len(z))
        f = self.correction(z.repeat(k, 1), values.repeat(k, 1), logsnr.repeat(k), role)
        return f.unflatten(0, (k, len(z)))

    def forward(self, values, logsnr, noise, weight=1.0):
        """Loss per row: minus the bracket, so that zero is the unit Gaussian; roles take turns."""
        role = torch.arange(len(values), device=values.device) % len(self.flags)
        z, t, w, _ = residual_coordinates(values, torch.ones_like(values), logsnr, noise)
        return -weight * bracket(t, w, self.correction(z, values, logsnr, role))


def difference_inside(f, w, sign):
    """``w |sum_r sign_r F_r|**2``: the square of the difference (Franzese et al. 2024, eq. 19).

    Sides that a role does not noise have ``F = 0`` there, so that in the joint variant the two
    conditional ones stand side by side.
    """
    return (w * torch.einsum("r,rnd->nd", sign, f) ** 2).sum(dim=1)


def difference_outside(f, w, sign, reference):
    """``sum_r sign_r w |F_r - reference_r|**2``: the difference of two squares."""
    return torch.einsum("r,rnd,nd->n", sign, (f - reference) ** 2, w)


def correction_of_normal(z, logsnr, sigma):
    """``F`` of the exact denoiser of ``N(0, sigma**2)``."""
    excess = sigma**2 - 1
    a2 = torch.sigmoid(logsnr)[:, None]
    return (a2 * (1 - a2)).sqrt() * excess / (1 + a2 * excess) * z


class ScoreDifference(CanonicalModel):
    """One network that denoises in several roles, and the estimates it gives.

    Parameters
    ----------
    variant : {"c", "c-sigma", "j", "j-sigma"}
    sigma : float
        Standard deviation of the reference of the sigma variants.
    t_eps : float
        First time.
    n_nodes : int
        Log-SNR nodes per evaluated sample.
    transformers : tuple of transformers
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    width, depth : int
    """

    def __init__(self, variant, sigma, t_eps, n_nodes, transformers, settings, width, depth):
        super().__init__(transformers, settings)
        self.roles = ROLES[variant[0]]
        self.sigma = sigma if variant.endswith("sigma") else None
        self.distribution = LogSNRDistribution.from_shape(
            useful_logsnr, logsnr_of_time(1.0), logsnr_of_time(t_eps)
        )
        self.n_nodes = n_nodes
        self.width = width
        self.depth = depth

    def evaluate(self, x, y, device):
        """Values of held-out samples, and the variance that they do not show.

        Part of the spread of the log-ratio, the influence function of mutual information, is in
        the trained network: the gap of the errors, a noisy log-ratio, has it.
        """
        if self.known_ is not None:
            return np.full(len(x), self.known_), 0.0
        terms = self._integrate(x, y, device)
        hidden = terms["log_ratio"].var() - terms["value"].var()
        return terms["value"], max(0.0, float(hidden)) / len(x)

    def pointwise(self, x, y, device):
        """Values of later data."""
        return self._integrate(x, y, device)["value"]

    def score(self, x, y, device):
        """Log-densities of all roles, relative to the unit Gaussian."""
        return self._integrate(x, y, device)["log_densities"]

    def _train(self, white, rng, device, label):
        columns = np.hstack([white.x, white.y])
        denoiser = RoleDenoiser(
            self.roles,
            (white.x.shape[1], white.y.shape[1]),
            width=self.width,
            depth=self.depth,
            embedding=EMBEDDING_SIZE,
            support=tuple(self.distribution.ppf([0.0, 1.0])),
        )
        train_part, valid_part = (
            as_tensor(columns[part], device)
            for part in train_validation_rows(len(columns), self.settings.validation_fraction, rng)
        )
        draw = partial(
            draw_noise,
            quantiles=as_tensor(self.distribution.ppf(np.linspace(0, 1, 4097)), device),
            n_dims=columns.shape[1],
        )
        self.net_ = train(
            denoiser,
            TensorRows(values=train_part),
            self._with_fixed_noise(valid_part, draw) if len(valid_part) else None,
            self.settings,
            draw=draw,
            seed=int(rng.integers(2**31)),
            device=device,
            label=label,
        )

    def _with_fixed_noise(self, values, draw):
        """Repeat validation rows, in random order, with one draw of noise for all epochs."""
        generator = torch.Generator(values.device).manual_seed(self.seed_)
        n = -(-VALIDATION_DRAWS // len(values)) * len(values)
        index = torch.randperm(n, generator=generator, device=values.device) % len(values)
        fixed = draw(n, generator)
        density = self.distribution.pdf(fixed["logsnr"].cpu().numpy())
        # Half an integral per role, and each role has its share of the rows. The mean over columns,
        # because early stopping would take the noise of the first steps in many columns, summed up,
        # for overfitting.
        weight = 0.5 * len(self.roles) / values.shape[1] / density
        return TensorRows(
            values=values[index], **(fixed | {"weight": as_tensor(weight, values.device)})
        )

    def _integrate(self, x, y, device):
        """Integrals over log-SNR of every integrand, by stratified sampling."""
        sums = {name: np.zeros(len(x)) for name in ("value", "log_ratio", "log_densities")}
        if self.known_ is not None:
            return {name: a + self.known_ for name, a in sums.items()}
        white = self._white(x, y)
        columns = np.hstack([white.x, white.y])
        rng = np.random.default_rng(self.seed_)
        denoiser = self.net_.module_.to(device)
        for start in range(0, len(x), EVALUATION_ROWS):
            chunk = slice(start, start + EVALUATION_ROWS)
            values = as_tensor(columns[chunk], device)
            for node in range(self.n_nodes):
                u = (node + rng.uniform(size=len(values))) / self.n_nodes
                logsnr = self.distribution.ppf(u)
                weight = 0.5 / self.n_nodes / self.distribution.pdf(logsnr)
                noise = as_tensor(rng.standard_normal(values.shape), device)
                terms = self._integrands(denoiser, values, as_tensor(logsnr, device), noise)
                for name, term in terms.items():
                    sums[name][chunk] += weight * term.cpu().double().numpy()
        denoiser.cpu()
        return sums

    @torch.no_grad()
    def _integrands(self, denoiser, values, logsnr, noise):
        """Estimate, log-ratio and log-densities; the noise of a side is the same in all roles."""
        z, t, w, _ = residual_coordinates(values, torch.ones_like(values), logsnr, noise)
        f = denoiser.corrections(z, values, logsnr)
        sign = f.new_tensor([role.sign for role in self.roles])
        gains = torch.stack([bracket(t, w, f_role) for f_role in f])
        if self.sigma is None:
            value = difference_inside(f, w, sign)
        else:
            reference = correction_of_normal(z, logsnr, self.sigma)
            value = difference_outside(f, w, sign, denoiser.noised[:, None] * reference)
        return {"value": value, "log_ratio": sign @ gains, "log_densities": gains.sum(dim=0)}
