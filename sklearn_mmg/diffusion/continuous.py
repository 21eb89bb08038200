"""Denoising a continuous block."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch

from sklearn_mmg.diffusion import integrands
from sklearn_mmg.diffusion.denoiser import ContinuousDenoiser
from sklearn_mmg.diffusion.terms import EVALUATION_ROWS, ErrorCurves, PointwiseTerms
from sklearn_mmg.linear.canonical import CanonicalModel
from sklearn_mmg.linear.preconditioning import (
    LinearPreconditioner,
    PassThrough,
    gaussian_direct,
    gaussian_orthogonal,
)
from sklearn_mmg.linear.shrinkage import ShrunkenPreconditioner
from sklearn_mmg.neural.training import TensorRows, as_tensor, train, train_validation_rows

# With fewer for each direction of the condition least squares fits noise: 0.347 nats from 333
# columns and 1333 samples come out at 0.42.
MANY_SAMPLES = 10
VALIDATION_DRAWS = 4096  # least number of fixed noise draws behind the early-stopping bound


def stratified(n, generator):
    """A uniform draw from each of `n` strata, in random order, on the generator's device."""
    options = {"generator": generator, "device": generator.device}
    return (torch.randperm(n, **options) + torch.rand(n, **options)) / n


def draw_noise(n, generator, quantiles, n_dims):
    """Fresh stratified log-SNR and noise for one training batch, on the generator's device."""
    # In random order, because the rows that see the condition come first.
    u = stratified(n, generator)
    position = u.clamp(max=1 - 1e-6) * (len(quantiles) - 1)
    cell = position.long()
    logsnr = torch.lerp(quantiles[cell], quantiles[cell + 1], position - cell)
    noise = torch.randn(n, n_dims, generator=generator, device=generator.device)
    return {"logsnr": logsnr, "noise": noise, "weight": torch.ones_like(logsnr)}


class ContinuousPair(CanonicalModel):
    """Denoisers of a continuous block ``x``, conditional on ``y`` and not.

    Parameters
    ----------
    settings : DenoisingSettings
    transformers : tuple of transformers or None
        Unfitted preprocessing of `x` and of `y`.
    precondition : bool
        Gaussian preconditioning, or the data as they are and plain noise prediction.
    normal_margin : bool
        Whether preprocessing makes a single column standard normal, so that its unconditional
        denoiser is exact without a network.
    sampler : log-SNR sampler
    n_nodes : int
        Log-SNR nodes per evaluated sample.
    """

    def __init__(self, settings, transformers, precondition, normal_margin, sampler, n_nodes):
        super().__init__(transformers, settings)
        self.precondition = precondition
        self.normal_margin = normal_margin
        self.sampler = sampler
        self.n_nodes = n_nodes

    def evaluate(self, x, y, device):
        """Terms of every sample, and the error curves, of data that did not train this pair."""
        if self.known_ is not None:
            return PointwiseTerms.full(len(x), self.known_), None
        white = self._white(x, y)
        sums, curves = self._integrate(white, np.random.default_rng(self.seed_), device)
        direct = orthogonal = np.zeros(len(x))
        if self.precondition:
            variance = self.basis_.residual_variance_
            direct = gaussian_direct(white.x, white.mean, variance)
            orthogonal = gaussian_orthogonal(white.x, white.mean, variance)
        unlearned = self.basis_.unlearned(white)
        return PointwiseTerms(
            direct + sums["conditional"] - sums["unconditional"],
            orthogonal + sums["orthogonal"],
            # One closed form loses the training error of the Gaussian part and the other gains
            # it; their mean does neither.
            0.5 * (direct + orthogonal) + sums["linear"] + unlearned,
            direct + sums["conditional"] + sums["unconditional"],
            unlearned,
        ), curves

    def _fit_basis(self, x, y):
        basis = LinearPreconditioner() if self.precondition else PassThrough()
        white = basis.fit_transform(x, y)
        few = self.precondition and basis.dropped_[1].n_directions > len(x) // MANY_SAMPLES
        if few and white.x.shape[1] > 0:
            basis = ShrunkenPreconditioner()
            white = basis.fit_transform(x, y)
        return basis, white

    def _train(self, white, rng, device, label):
        self.n_dims_ = white.x.shape[1]
        self.exact_margin_ = self.normal_margin and self.precondition and self.n_dims_ == 1
        rows = train_validation_rows(len(white.x), self.settings.validation_fraction, rng)
        sampler = self.sampler
        if hasattr(sampler, "adapt"):
            self._train_once(sampler.distribution(), white, rows, rng, device, f"{label}, pilot")
            _, curves = self._integrate(white, rng, device)
            sampler = sampler.adapt(curves.logsnr, curves.mmse_conditional, self.n_dims_)
        distribution = sampler.distribution(self.basis_.residual_variance_)
        self._train_once(distribution, white, rows, rng, device, label)

    def _train_once(self, distribution, white, rows, rng, device, label):
        # With more directions than samples can tell only what held-out ones gain is kept.
        tolerance = 0.0 if self.basis_.shrinks else self.settings.tolerance
        s = replace(self.settings, tolerance=tolerance)
        self.distribution_ = distribution
        denoiser = ContinuousDenoiser(
            self.n_dims_,
            white.y.shape[1],
            self.basis_.residual_variance_,
            self.precondition,
            unconditional=0.0 if self.exact_margin_ else s.unconditional_probability,
            width=s.width,
            depth=s.depth,
            gated=s.gated,
            embedding=s.embedding_size,
            support=(distribution.grid[0], distribution.grid[-1]),
        )
        signals = {"target": white.x, "residual": white.residual, "condition": white.y}
        train_rows, valid_rows = (
            TensorRows(**{name: as_tensor(a[index], device) for name, a in signals.items()})
            for index in rows
        )
        quantiles = as_tensor(distribution.ppf(np.linspace(0, 1, 4097)), device)
        self.net_ = train(
            denoiser,
            train_rows,
            self._with_fixed_noise(valid_rows, rng, device) if len(valid_rows) else None,
            s,
            draw=partial(draw_noise, quantiles=quantiles, n_dims=self.n_dims_),
            seed=int(rng.integers(2**31)),
            device=device,
            label=label,
        )

    def _with_fixed_noise(self, rows, rng, device):
        """Repeat validation rows and give each its log-SNR and noise, once and for all."""
        repeats = int(np.ceil(VALIDATION_DRAWS / len(rows)))
        n = repeats * len(rows)
        order = rng.permutation(n)
        logsnr = self.distribution_.ppf((rng.permutation(n) + 0.5) / n)
        # The bound is half an integral, or the sum of two, each a mean over half the rows.
        share = 0.5 if self.exact_margin_ else 1.0
        return TensorRows(
            **{name: a.repeat(repeats, 1)[order] for name, a in rows.tensors.items()},
            logsnr=as_tensor(logsnr, device),
            noise=as_tensor(rng.standard_normal((n, self.n_dims_)), device),
            weight=as_tensor(share / self.distribution_.pdf(logsnr), device),
        )

    def _integrate(self, white, rng, device):
        """Integrals over log-SNR of what the network adds, by stratified importance sampling."""
        n, k = len(white.x), self.n_nodes
        sums = {
            name: np.zeros(n) for name in ("conditional", "unconditional", "orthogonal", "linear")
        }
        errors = np.zeros((3, k))
        denoiser = self.net_.module_.to(device)
        for start in range(0, n, EVALUATION_ROWS):
            chunk = slice(start, start + EVALUATION_ROWS)
            signals = [
                as_tensor(a[chunk], device) for a in (white.x, white.mean, white.residual, white.y)
            ]
            for node in range(k):
                logsnr = self.distribution_.ppf((node + rng.uniform(size=len(signals[0]))) / k)
                noise = rng.standard_normal(signals[0].shape)
                terms, row_errors = self._integrands(
                    denoiser, *signals, as_tensor(logsnr, device), as_tensor(noise, device)
                )
                weight = 0.5 / k / self.distribution_.pdf(logsnr)
                for name, values in terms.items():
                    sums[name][chunk] += weight * values.cpu().double().numpy()
                errors[:, node] += [float(e.double().sum()) for e in row_errors]
        denoiser.cpu()
        conditional, unconditional, gap = errors / n
        logsnr = self.distribution_.ppf((np.arange(k) + 0.5) / k)
        density = self.distribution_.pdf(logsnr)
        return sums, ErrorCurves(logsnr, unconditional, conditional, gap, density)

    @torch.no_grad()
    def _integrands(self, denoiser, x, mean, residual, y, logsnr, noise):
        """Each form, and the errors, with the same noise in both denoisers."""
        u_c, t_c, w_c, tau_c = denoiser.coordinates(residual, logsnr, noise, denoiser.variance)
        u_u, t_u, w_u, tau_u = denoiser.coordinates(x, logsnr, noise, torch.ones_like(x))
        present = torch.ones_like(logsnr)[:, None]
        if self.exact_margin_:
            f_c = denoiser.correction(u_c, logsnr, y, present)
            f_u = torch.zeros_like(x)
        else:
            f_c, f_u = denoiser.correction(
                torch.cat([u_c, u_u]),
                logsnr.repeat(2),
                y.repeat(2, 1),
                torch.cat([present, torch.zeros_like(present)]),
            ).chunk(2)
        difference0 = torch.zeros_like(x)
        if self.precondition:
            difference0 = integrands.gaussian_difference(x, mean, denoiser.variance, logsnr, noise)
        difference = tau_c * f_c - tau_u * f_u
        terms = {
            "conditional": integrands.bracket(t_c, w_c, f_c),
            "unconditional": integrands.bracket(t_u, w_u, f_u),
            "orthogonal": integrands.orthogonal_excess(logsnr, difference0, difference),
            "linear": (w_c * t_c * f_c - w_u * t_u * f_u).sum(dim=1),
        }
        errors = (
            (w_c * (t_c - f_c) ** 2).sum(dim=1),
            (w_u * (t_u - f_u) ** 2).sum(dim=1),
            torch.exp(logsnr) * ((difference0 + difference) ** 2).sum(dim=1),
        )
        return terms, errors
