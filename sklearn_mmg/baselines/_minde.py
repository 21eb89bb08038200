"""Mutual information from the difference of two scores."""

from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from sklearn_mmg._core.cross_fitted import ConditionalMutualInfo
from sklearn_mmg._core.model import Held, Model
from sklearn_mmg._core.network import ResidualNetwork
from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg._core.training import TensorRows, as_tensor, on_device, slices
from sklearn_mmg.baselines._published_mmg import training_of_paper
from sklearn_mmg.diffusion.channel import bracket, residual_coordinates
from sklearn_mmg.diffusion.draws import VALIDATION_DRAWS, draw_noise
from sklearn_mmg.diffusion.log_snr import LogSNRDistribution

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


class ScoreDifference(Model):
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
    width, depth : int
        Size of the network.
    **parameters : those of :class:`Model`
    """

    def __init__(self, *, variant, sigma, t_eps, n_nodes, width, depth, **parameters):
        super().__init__(**parameters)
        self.roles = ROLES[variant[0]]
        self.sigma = sigma if variant.endswith("sigma") else None
        self.distribution = LogSNRDistribution.from_shape(
            useful_logsnr, logsnr_of_time(1.0), logsnr_of_time(t_eps)
        )
        self.n_nodes = n_nodes
        self.width = width
        self.depth = depth

    def _hold_out(self, white, device):
        """Values of held-out samples, and the variance that they do not show.

        Part of the spread of the log-ratio, the influence function of mutual information, is in
        the trained network: the gap of the errors, a noisy log-ratio, has it.
        """
        terms = self._integrate(white, device)
        hidden = terms["log_ratio"].var() - terms["value"].var()
        return Held(terms["value"], max(0.0, float(hidden)) / len(white.x))

    def _pointwise(self, white, device):
        return self._integrate(white, device)["value"]

    def _score(self, white, device):
        """Log-densities of all roles, relative to the unit Gaussian."""
        return self._integrate(white, device)["log_densities"]

    def _train(self, white, rng, run):
        columns = np.hstack([white.x, white.y])
        denoiser = RoleDenoiser(
            self.roles,
            (white.x.shape[1], white.y.shape[1]),
            width=self.width,
            depth=self.depth,
            embedding=EMBEDDING_SIZE,
            support=tuple(self.distribution.ppf([0.0, 1.0])),
        )
        draw = partial(
            draw_noise,
            quantiles=as_tensor(self.distribution.ppf(np.linspace(0, 1, 4097)), run.device),
            n_dims=columns.shape[1],
        )
        fixed = partial(self._with_fixed_noise, draw=draw)
        self._learn(denoiser, {"values": columns}, rng, run, draw=draw, fixed=fixed)

    def _with_fixed_noise(self, columns, draw):
        """Repeat validation rows, in random order, with one draw of noise for all epochs."""
        values = columns["values"]
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

    def _integrate(self, white, device):
        """Integrals over log-SNR of every integrand, by stratified sampling."""
        columns = np.hstack([white.x, white.y])
        sums = {name: np.zeros(len(columns)) for name in ("value", "log_ratio", "log_densities")}
        rng = np.random.default_rng(self.seed_)
        with on_device(self.net_.module_, device) as denoiser:
            for chunk in slices(len(columns)):
                values = as_tensor(columns[chunk], device)
                for node in range(self.n_nodes):
                    u = (node + rng.uniform(size=len(values))) / self.n_nodes
                    logsnr = self.distribution.ppf(u)
                    weight = 0.5 / self.n_nodes / self.distribution.pdf(logsnr)
                    noise = as_tensor(rng.standard_normal(values.shape), device)
                    terms = self._integrands(denoiser, values, as_tensor(logsnr, device), noise)
                    for name, term in terms.items():
                        sums[name][chunk] += weight * term.cpu().double().numpy()
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


@estimator(TRAINING, DISCRETE)
class MINDEMutualInfo(ConditionalMutualInfo):
    """MINDE: the squared difference of the scores of two diffusions, over all noise levels.

    A side is diffused to noise. By Girsanov's theorem the Kullback-Leibler divergence of two
    densities is half the integral over time of the squared difference of their scores, times the
    rate of the noise, and the mutual information is the mean divergence of the conditional density
    from the unconditional one [1]_. Over log-SNR, and in the prediction of the noise, it is the
    orthogonal form of :class:`~sklearn_mmg.MMGMutualInfo`; here the network starts from a unit
    normal in place of the linear-Gaussian model of both sides.

    It fails in three ways. The diffusion starts at `t_eps`, so that no direction counts more than
    about half the log-SNR there, 4.6 nats with the default, however well the scores are known. The
    estimate is no bound: with the difference inside the square it is never negative, what the
    network overfits is added to it, and what it has yet to learn is missing in full, where the gap
    of the errors would lose the square of that. And curved shapes are hard to learn: of 1.02 nats
    it found 0.78 between 5 + 5 spiral columns and 0.83 between 25 + 25, both with 10,000 samples.

    A value of ``pointwise_mi_`` is the integral for one sample. Its mean is the estimate, but it
    is no logarithm of a density ratio, and its noise depends on the position of the sample.

    ``score`` is the mean of ``log q(x|y) + log q(x)`` of the side that is diffused, and of
    ``log q(x, y) + log q(x|y) + log q(y|x)`` in the joint variants, each relative to the unit
    normal of the whitened training data: no denoiser raises one above its value for the true
    density.

    Preprocessing is fitted on training data; the code released with [1]_ fits it on training and
    test data together. Behind it both sides are whitened and rotated until every column depends
    on one of the other side, which leaves mutual information as it is. Log-SNR is drawn as in [1]_,
    but for the part where even a perfect score carries no information.

    Parameters
    ----------
    {parameters}
    variant : {"c", "c-sigma", "j", "j-sigma"}, default="c"
        "c" diffuses one side, the lower-dimensional one, with and without the other ([1]_,
        equation 19); discrete columns may condition. "j" diffuses both sides, together and one
        given the other, which have to be continuous; it takes three denoisers in place of two.
        With "-sigma" the difference is outside the square: every density is compared with a
        normal, and the divergences are subtracted. Errors of training then have either sign.
    sigma : float, default=1.0
        Standard deviation of that normal, used by the sigma variants only. The sides are white, so
        that 1 is the closest one.
    t_eps : float, default=1e-3
        Where the diffusion starts, of a time from 0 to 1. A smaller one raises the ceiling, and
        the network has to learn a longer range.
    n_nodes : int, default=32
        Stratified log-SNR nodes per evaluated sample; the noise is common to all denoisers.
    ema_decay : float, default=0.98
        Of the moving average of the weights, which warms up.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MMGMutualInfo : Starts from the linear-Gaussian model, and has no ceiling.

    References
    ----------
    .. [1] Franzese, Bounoua & Michiardi, "MINDE: Mutual information neural diffusion estimation",
       ICLR 2024.

    Examples
    --------
    >>> from sklearn_mmg import MINDEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = MINDEMutualInfo(n_steps=60, cv=2, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = {
        "batch_size": [Interval(Integral, 3, None, closed="left")],  # a row for every denoiser
        "variant": [StrOptions({"c", "c-sigma", "j", "j-sigma"})],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "t_eps": [Interval(Real, 0, 1, closed="neither")],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
    }

    depth: int = 3
    n_steps: int = 600
    batch_size: int = 2048
    learning_rate: float = 4e-3
    variant: str = "c"
    sigma: float = 1.0
    t_eps: float = 1e-3
    n_nodes: int = 32
    ema_decay: float = 0.98

    @classmethod
    def from_paper(cls, variant="c", *, n_dims, **parameters):
        """The training of the comparison in the MMG paper (its tables 2 and 3).

        It takes 20 minutes on a CPU core for a few columns. With 100,000 samples it gave 1.01 nats,
        with a standard error of 0.015, for normals in 3 and 3 columns that share 1.02.

        What has no parameter stays as it is here: learning rates fall along a cosine, where the
        paper halves them on a plateau, layers are gated and sides are whitened.

        Parameters
        ----------
        variant : {"c", "c-sigma", "j", "j-sigma"}, default="c"
        n_dims : int
            Total dimension of both sides; decides width, batch size, learning rate and steps.
        **parameters : dict
            Parameters that differ from the paper's, such as ``n_steps`` for a trial.

        Returns
        -------
        estimator : MINDEMutualInfo

        Examples
        --------
        >>> from sklearn_mmg import MINDEMutualInfo
        >>> MINDEMutualInfo.from_paper("j", n_dims=6).n_steps
        390000
        """
        shared = {
            "preprocessing": "standardize",
            "depth": 3,
            "ema_decay": 0.999,
            "cv": 0.1,
            "early_stopping": False,
            "n_nodes": 10,
        }
        return cls(variant=variant, **(training_of_paper(n_dims) | shared | parameters))

    @property
    def _models_both_sides(self):
        return self.variant.startswith("j")

    def _settings(self):
        return replace(super()._settings(), ema_decay=self.ema_decay)

    def _new_model(self):
        return ScoreDifference(
            variant=self.variant,
            sigma=self.sigma,
            t_eps=self.t_eps,
            n_nodes=self.n_nodes,
            width=self.width,
            depth=self.depth,
            **self._model_parameters(),
        )
