"""Denoisers of a target given any subset of groups of columns, on top of a closed form."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_mmg._core.network import ResidualNetwork
from sklearn_mmg.diffusion.channel import bracket, residual_coordinates
from sklearn_mmg.diffusion.denoiser import Denoised

# Relative to the unit variance of the columns. Copies of a column, and codes that sum to one,
# leave their share to each other; a stronger dependence than 18 nats is told as 18.
RIDGE_OF_COPIES = 1e-8
# Classes that a column tells apart without a spread would have infinite log-odds.
RIDGE_OF_CLASSES = 1e-3


class ClosedForm(Protocol):
    """A model of the target given any subset of columns, without training."""

    def parts(self, mask: Tensor) -> dict[str, Tensor]:
        """Its parameters for every row of `mask`, of shape (n_masks, n_columns)."""
        ...


class LinearGaussian:
    """Linear-Gaussian model of a continuous target given any subset of columns.

    Parameters
    ----------
    target : ndarray of shape (n, n_dims)
        White.
    x : ndarray of shape (n, n_columns)
        Standardised columns.
    """

    def __init__(self, target: np.ndarray, x: np.ndarray) -> None:
        n = len(x)
        self.covariance = torch.as_tensor(x.T @ x / n + RIDGE_OF_COPIES * np.eye(x.shape[1]))
        self.cross = torch.as_tensor(x.T @ target / n)
        self.n_dims = target.shape[1]

    def parts(self, mask: Tensor) -> dict[str, Tensor]:
        """Slopes, axes of the residual and variances along them, for every row of `mask`.

        Parameters
        ----------
        mask : tensor of shape (n_masks, n_columns)
            1 for the columns that are seen.

        Returns
        -------
        parts : dict
            ``slope`` of shape (n_masks, n_columns, n_dims), ``axes`` of shape (n_masks, n_dims,
            n_dims) and ``variance`` of shape (n_masks, n_dims).
        """
        slope = _masked_solve(self.covariance, self.cross, mask)
        explained = self.cross.T @ slope
        left = torch.eye(self.n_dims, dtype=slope.dtype) - 0.5 * (explained + explained.mT)
        variance, axes = torch.linalg.eigh(left)
        return {"slope": slope, "axes": axes, "variance": variance.clamp(min=RIDGE_OF_COPIES)}


class DiscriminantAnalysis:
    """Linear discriminant analysis of a discrete target given any subset of columns.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
    x : ndarray of shape (n, n_columns)
        Standardised columns.
    n_classes : int
    """

    def __init__(self, codes: np.ndarray, x: np.ndarray, n_classes: int) -> None:
        counts = np.bincount(codes, minlength=n_classes)
        sums = np.stack([x[codes == k].sum(axis=0) for k in range(n_classes)])
        # Half a sample in the middle: a class of few is not taken for one of no spread.
        means = sums / (counts + 0.5)[:, None]
        within = x - means[codes]
        ridge = RIDGE_OF_CLASSES * np.eye(x.shape[1])
        self.covariance = torch.as_tensor(within.T @ within / len(x) + ridge)
        self.means = torch.as_tensor(means)

    def parts(self, mask: Tensor) -> dict[str, Tensor]:
        """``slope``, (n_masks, n_columns, n_classes), and ``offset``, of the log-odds."""
        slope = _masked_solve(self.covariance, self.means.T, mask)
        offset = -0.5 * torch.einsum("kp,mpk->mk", self.means, slope)
        return {"slope": slope, "offset": offset}


def _masked_solve(covariance: Tensor, cross: Tensor, mask: Tensor) -> Tensor:
    """Regression coefficients on the columns of every mask, zero for the others."""
    mask = mask.to(covariance.dtype)
    seen = mask[:, :, None] * covariance * mask[:, None, :] + torch.diag_embed(1 - mask)
    factor = torch.linalg.cholesky(seen)
    return torch.cholesky_solve(mask[:, :, None] * cross, factor)


class Inputs(NamedTuple):
    """What a masked network sees."""

    group: Tensor  # (n_columns,): of which group every column is
    scale: Tensor  # (n_groups,): of what a column and its mask are for the network


class MaskedColumns(nn.Module):
    """The columns that a mask leaves, as they are and as a network sees them."""

    group: Tensor
    scale: Tensor

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.register_buffer("group", inputs.group)
        self.register_buffer("scale", inputs.scale.float())
        self.n_inputs = len(inputs.group) + len(inputs.scale)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The columns that are seen, and what enters the network.

        Parameters
        ----------
        x : tensor of shape (n_masks, n, n_columns), or the same rows without the first axis
        mask : tensor of shape (n_masks, n_groups)

        Returns
        -------
        seen : tensor of shape (n_masks, n, n_columns)
        inputs : tensor of shape (n_masks, n, n_inputs)
        """
        seen = by_mask(x, mask) * mask[:, None, self.group]
        of_mask = (mask * self.scale)[:, None].expand(-1, seen.shape[1], -1)
        return seen, torch.cat([seen * self.scale[self.group], of_mask], dim=2)


def by_mask(rows: Tensor, mask: Tensor) -> Tensor:
    """Rows with an axis for the masks in front: the next few are those of the next mask."""
    return rows.reshape(len(mask), -1, rows.shape[-1])


class MaskedClassifier(nn.Module):
    """Class probabilities given a subset of columns, beyond those of a closed form."""

    log_prior: Tensor

    def __init__(self, inputs: Inputs, log_prior: np.ndarray, **network: Any) -> None:
        super().__init__()
        self.register_buffer("log_prior", torch.as_tensor(log_prior, dtype=torch.float32))
        self.columns = MaskedColumns(inputs)
        self.network = ResidualNetwork(self.columns.n_inputs, len(log_prior), **network)

    def log_odds(
        self, x: Tensor, mask: Tensor, slope: Tensor, offset: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the closed form, and the network on top, add to the log-probabilities.

        Both are of shape (n_masks, n, n_classes); `x` is as in :class:`MaskedColumns`.
        """
        seen, inputs = self.columns(x, mask)
        any_seen = mask.amax(dim=1)[:, None, None]
        return seen @ slope + offset[:, None], any_seen * self.network(inputs)

    def forward(
        self, code: Tensor, x: Tensor, mask: Tensor, slope: Tensor, offset: Tensor
    ) -> Tensor:
        """Loss per row: minus the gain in log-probability over the closed form."""
        start, added = self.log_odds(x, mask, slope, offset)
        base = torch.log_softmax(self.log_prior + start, dim=2)
        gain = torch.log_softmax(self.log_prior + start + added, dim=2) - base
        return -gain.flatten(0, 1).gather(1, code.reshape(-1, 1))[:, 0]


class MaskedDenoiser(nn.Module):
    """Denoiser of a continuous target given a subset of columns, beyond the Gaussian one.

    Parameters
    ----------
    inputs : Inputs
    n_dims : int
        Columns of the target.
    margin_known : bool
        Whether the Gaussian denoiser is exact where no column is seen.
    **network : parameters of :class:`ResidualNetwork`
    """

    def __init__(self, inputs: Inputs, n_dims: int, *, margin_known: bool, **network: Any) -> None:
        super().__init__()
        self.columns = MaskedColumns(inputs)
        self.margin_known = margin_known
        self.network = ResidualNetwork(n_dims + self.columns.n_inputs, n_dims, **network)

    def denoise(
        self,
        target: Tensor,
        x: Tensor,
        mask: Tensor,
        slope: Tensor,
        axes: Tensor,
        variance: Tensor,
        logsnr: Tensor,
        noise: Tensor,
    ) -> Denoised:
        """Every row given the columns that its mask leaves, along the axes of its residual.

        `target`, `x`, `logsnr` and `noise` have an axis for the masks or none, as in
        :class:`MaskedColumns`; what is returned has it.
        """
        seen, inputs = self.columns(x, mask)
        residual = by_mask(target, mask) - seen @ slope
        along, noise = residual @ axes, by_mask(noise, mask) @ axes
        logsnr = logsnr.reshape(len(mask), -1)
        u, t, w, tau = residual_coordinates(along, variance[:, None], logsnr, noise)
        # The network sees the same coordinates in every row.
        f = self.network(torch.cat([u @ axes.mT, inputs], dim=2), logsnr)
        if self.margin_known:
            f = mask.amax(dim=1)[:, None, None] * f
        return Denoised(u, t, w, tau, f @ axes)

    def forward(self, logsnr: Tensor, noise: Tensor, **rows: Tensor) -> Tensor:
        """Loss per noisy row, with its noise and with the opposite one: minus the bracket."""
        twice = {name: torch.cat([a, a]) for name, a in rows.items()}
        noise, logsnr = torch.cat([noise, -noise]), torch.cat([logsnr, logsnr])
        d = self.denoise(**twice, logsnr=logsnr, noise=noise)
        return -bracket(d.t, d.w, d.f).flatten()


def draw_masks(n: int, n_groups: int, generator: torch.Generator) -> Tensor:
    """Masks of groups.

    A third of them have a number of groups that is log-uniform, because selections are small, and
    the others one that is uniform, from none to all.

    Parameters
    ----------
    n : int
        Masks.
    n_groups : int
    generator : torch.Generator

    Returns
    -------
    masks : tensor of shape (n, n_groups)
    """
    options = {"generator": generator, "device": generator.device}
    kind, size = torch.rand(2, n, **options)
    few = (n_groups + 1) ** size - 0.5
    size = torch.where(kind < 1 / 3, few, size * (n_groups + 1) - 0.5).round()
    place = torch.rand(n, n_groups, **options).argsort(dim=1).argsort(dim=1)
    return (place < size[:, None]).float()
