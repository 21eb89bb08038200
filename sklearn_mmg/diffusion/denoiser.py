"""Torch modules that denoise, and the losses they are trained on."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sklearn_mmg._core.network import ResidualNetwork
from sklearn_mmg.diffusion.channel import residual_coordinates
from sklearn_mmg.diffusion.views import View


class Denoised(NamedTuple):
    """Samples in every view, in the coordinates of :mod:`~sklearn_mmg.diffusion.channel`.

    Each of shape (n_views, n_samples, n_dims), of a single view (n_samples, n_dims); ``w`` and
    ``tau`` are zero for what is not noised.
    """

    u: Tensor
    t: Tensor
    w: Tensor
    tau: Tensor
    f: Tensor


class OfView(NamedTuple):
    """What a view is made of, for every view or for the view of every row; ones and zeros."""

    noised: Tensor  # (n, n_dims)
    clean: Tensor  # (n, n_columns)
    present: Tensor  # (n, n_groups): noised or clean
    flags: Tensor  # by which the network tells views apart
    variances: Tensor  # (n, n_dims), of the Gaussian model


class Denoiser(nn.Module):
    """Denoisers of several views of groups of columns in one network.

    In each view the noised columns have a Gaussian model, and the network adds what that leaves.

    Parameters
    ----------
    views : sequence of View
    sizes : sequence of int
        Columns of every group. The groups that some view noises come first; their columns are the
        ``n_dims`` that go through the channel.
    variances : array-like of shape (n_views, n_dims)
        Residual variance of every column under the Gaussian model of a view.
    shares : sequence of float
        Fractions of every training batch that are seen in each view; 0 where its Gaussian model is
        exact.
    mask : array-like of shape (n_dims,), default=None
        0 for columns that only fill up the shape, 1 for the others.
    coordinates : callable
        :func:`~sklearn_mmg.diffusion.channel.residual_coordinates` of the Gaussian model, or
        :func:`~sklearn_mmg.diffusion.channel.noise_coordinates` for plain noise prediction.
    radial : bool, default=False
        Whether the network sees the squared norm of every group, and products that are linear in
        it. A rotation by the squared norm, or a scale that all columns share, takes a network of
        the columns alone many times the steps.
    **network : parameters of :class:`ResidualNetwork`.
    """

    table: Tensor
    radius_scale: Tensor

    def __init__(
        self,
        views: Sequence[View],
        sizes: Sequence[int],
        variances: ArrayLike | Tensor,
        shares: Sequence[float],
        *,
        mask: ArrayLike | Tensor | None = None,
        coordinates: Callable = residual_coordinates,
        radial: bool = False,
        **network: Any,
    ) -> None:
        super().__init__()
        self.sizes, self.shares = tuple(sizes), tuple(shares)
        self.coordinates, self.radial = coordinates, radial
        variances = torch.as_tensor(variances, dtype=torch.float32)
        self.n_dims, n_columns, n_groups = variances.shape[1], sum(sizes), len(sizes)
        group = torch.arange(n_groups).repeat_interleave(torch.tensor(self.sizes))
        noised, clean = (
            torch.tensor([getattr(view, name) for view in views], dtype=torch.float32)
            for name in View._fields
        )
        flags = torch.cat([noised, clean], dim=1)
        # Nothing is told apart by what all views have in common.
        flags = flags[:, (flags != flags[0]).any(dim=0)]
        through = noised[:, group[: self.n_dims]]
        if mask is not None:
            through = through * torch.as_tensor(mask, dtype=torch.float32)
        parts = OfView(through, clean[:, group], noised + clean, flags, variances)
        # One table, because rows look up all of it at once.
        self.register_buffer("table", torch.cat(parts, dim=1))
        self.widths = [part.shape[1] for part in parts]
        self.register_buffer("radius_scale", torch.tensor(self.sizes).div(2).sqrt())
        n_inputs = n_columns + flags.shape[1]
        if radial:
            n_inputs += n_groups * (1 + n_columns)
        self.network = ResidualNetwork(n_inputs, self.n_dims, **network)

    def of_view(self, view: Tensor) -> OfView:
        """What the views of given indices are made of."""
        return OfView(*self.table[view].split(self.widths, dim=1))

    def correction(self, u: Tensor, values: Tensor, logsnr: Tensor, of: OfView) -> Tensor:
        """``F``: what the network adds to every row in its view."""
        u = nn.functional.pad(of.noised * u, (0, values.shape[1] - u.shape[1]))
        seen = u + of.clean * values
        inputs = [seen, of.flags]
        if self.radial:
            groups = seen.split(self.sizes, dim=1)
            # The squared norm of every group, standardised for a white normal: as it is, bounded.
            excess = torch.cat([(g * g).mean(dim=1, keepdim=True) for g in groups], dim=1) - 1
            radius = excess * self.radius_scale
            bounded = (of.present * torch.tanh(radius / 2)).split(1, dim=1)
            inputs += [of.present * radius, *(0.5 * g * b for g in groups for b in bounded)]
        return self.network(torch.cat(inputs, dim=1), logsnr)

    def forward(
        self,
        values: Tensor,
        residuals: Tensor,
        logsnr: Tensor,
        noise: Tensor,
        weight: Tensor | None = None,
    ) -> Tensor:
        """Loss per noisy sample: minus the bracket, so that zero is the Gaussian answer.

        Every row is seen with its noise and with the opposite one. The target is odd in the noise
        but for the signal: what a network gains from the noise alone, most of the variance of its
        gradient, cancels. The first rows are seen in the first view, and so on.

        Parameters
        ----------
        values : tensor of shape (n, n_columns)
        residuals : tensor of shape (n, n_views * n_dims)
            What the Gaussian model of each view leaves of the columns that go through the channel.
        logsnr : tensor of shape (n,)
        noise : tensor of shape (n, n_dims)
        weight : tensor of shape (n,), default=None
        """
        view = self._views(len(values), values.device)
        rows = torch.arange(len(values), device=values.device)
        residual = residuals.unflatten(1, (len(self.shares), -1))[rows, view]
        view, values, residual, logsnr = (
            torch.cat([a, a]) for a in (view, values, residual, logsnr)
        )
        noise, of = torch.cat([noise, -noise]), self.of_view(view)
        u, t, w, _ = self.coordinates(residual, of.variances, logsnr, noise)
        f = self.correction(u, values, logsnr, of)
        loss = (of.noised * w * ((f - t) ** 2 - t**2)).sum(dim=1)
        return loss if weight is None else loss * torch.cat([weight, weight])

    def _views(self, n: int, device: torch.device) -> Tensor:
        """View of every row of a batch; filled in where it is, without waiting for a GPU."""
        starts = [n - round(sum(self.shares[v:]) * n) for v in range(len(self.shares))]
        counts = [end - start for start, end in zip(starts, [*starts[1:], n], strict=True)]
        return torch.cat([torch.full((c,), v, device=device) for v, c in enumerate(counts)])

    @torch.no_grad()
    def denoise(
        self, values: Tensor, residuals: Tensor, logsnr: Tensor, noise: Tensor, n_learned: int
    ) -> Denoised:
        """Every row in all views, with the same noise; only the first `n_learned` are corrected."""
        n, n_views = len(values), len(self.shares)
        view = torch.arange(n_views, device=values.device).repeat_interleave(n)
        residual = residuals.unflatten(1, (n_views, -1)).transpose(0, 1).flatten(0, 1)
        of = self.of_view(view)
        logsnr, noise = logsnr.repeat(n_views), noise.repeat(n_views, 1)
        u, t, w, tau = self.coordinates(residual, of.variances, logsnr, noise)
        f, m = torch.zeros_like(u), n * n_learned
        of_learned = OfView(*(part[:m] for part in of))
        f[:m] = self.correction(u[:m], values.repeat(n_learned, 1), logsnr[:m], of_learned)
        terms = u, t, of.noised * w, of.noised * tau, f
        return Denoised(*(a.unflatten(0, (n_views, n)) for a in terms))


class CategoricalDenoiser(nn.Module):
    """Denoiser of a one-hot code; only its class probabilities need learning.

    For a code ``e_k`` in the channel the posterior mean is exactly
    ``softmax(log pi(y) + (a / b**2) z)``. The network therefore learns ``log pi(y)`` once, for
    every log-SNR, and only what a given linear model leaves over.
    """

    def __init__(self, n_classes: int, n_condition: int, **network: Any) -> None:
        super().__init__()
        self.network = ResidualNetwork(n_condition, n_classes, **network)

    def log_probability(self, base: Tensor, condition: Tensor) -> Tensor:
        return torch.log_softmax(base + self.network(condition), dim=1)

    def forward(self, code: Tensor, base: Tensor, condition: Tensor) -> Tensor:
        """Loss per row: minus the gain in log-probability over the linear model `base`."""
        gain = self.log_probability(base, condition) - base
        return -gain.gather(1, code[:, None])[:, 0]
