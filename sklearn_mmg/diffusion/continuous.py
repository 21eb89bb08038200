"""Denoising a continuous block."""

import numpy as np
import torch
from sklearn.base import clone

from sklearn_mmg._core.gaussian import unbiased_mutual_info
from sklearn_mmg._core.model import Held, Model
from sklearn_mmg._core.preconditioning import (
    LinearPreconditioner,
    PassThrough,
    gaussian_direct,
    gaussian_orthogonal,
)
from sklearn_mmg._core.shrinkage import ShrunkenPreconditioner
from sklearn_mmg._core.training import as_tensor, on_device, slices
from sklearn_mmg.diffusion import channel
from sklearn_mmg.diffusion.checkpoints import Doubt, Learned
from sklearn_mmg.diffusion.terms import ErrorCurves, PointwiseTerms

# With fewer for each direction of the condition least squares fits noise: 0.347 nats from 333
# columns and 1333 samples come out at 0.42.
MANY_SAMPLES = 10
# With fewer for each column the closed form of all samples is no better than held-out ones are.
CLOSED_FORM_SAMPLES = 3
CURVE_ROWS = 2000  # samples behind the error curves of the closed form, which are for looking at


class ContinuousPair(Model):
    """Denoisers of a continuous block ``x``, conditional on ``y`` and not.

    ``fit`` finds the coordinates; :func:`~sklearn_mmg.diffusion.fold_training.train_together`
    trains what they leave, for all folds at once, and sets the attributes.

    Parameters
    ----------
    precondition : bool
        Gaussian preconditioning, or the data as they are and plain noise prediction.
    normal_margin : bool
        Whether preprocessing makes a single column standard normal, so that its unconditional
        denoiser is exact without a network.
    sampler : log-SNR sampler
    n_nodes : int
        Log-SNR nodes per evaluated sample, two of which share a noise of either sign.
    **parameters : those of :class:`Model`

    Attributes
    ----------
    distribution_ : LogSNRDistribution
    linear_, direct_ : ContinuousDenoiser or None
        What the linear form is read from, and the others; None for the closed form alone.
    scale_ : ndarray of shape (2,)
        Multiples of the conditional and of the unconditional correction of `direct_`.
    margin_known_ : bool
        Whether the unconditional denoiser is that of the Gaussian.
    doubt_ : Doubt
        How far the linear form may be from the truth.
    """

    doubt_ = Doubt()

    def __init__(self, *, precondition, normal_margin, sampler, n_nodes, **parameters):
        super().__init__(**parameters)
        self.precondition = precondition
        self.normal_margin = normal_margin
        self.sampler = sampler
        self.n_nodes = n_nodes

    def continuous_part(self, x, y):
        """What is to be trained, and held-out samples in its coordinates; None if all is known."""
        return None if self.known_ is not None else (self, self._white(x, y))

    def _constant(self, n_samples):
        return PointwiseTerms.full(n_samples, self.known_)

    def _pointwise(self, white, device):
        return self._hold_out(white, device).values

    def _hold_out(self, white, device):
        """Terms of every sample, and the error curves."""
        sums, curves = self.integrate(self.direct_, self.scale_, white, device)
        learned = sums["linear"]
        if self.linear_ is not self.direct_ or not np.all(self.scale_ == 1):
            learned = self.integrate(self.linear_, np.ones(2), white, device)[0]["linear"]
        direct = orthogonal = np.zeros(len(white.x))
        if self.precondition:
            variance = self.basis_.residual_variance_
            direct = gaussian_direct(white.x, white.mean, variance)
            orthogonal = gaussian_orthogonal(white.x, white.mean, variance)
        unlearned = self.basis_.unlearned(white)
        terms = PointwiseTerms(
            direct + sums["conditional"] - sums["unconditional"],
            orthogonal + sums["orthogonal"],
            # One closed form loses the training error of the Gaussian part and the other gains
            # it; their mean does neither.
            0.5 * (direct + orthogonal) + learned + unlearned,
            direct + sums["conditional"] + sums["unconditional"],
            unlearned,
        )
        return Held(terms, curves=curves)

    def closed_form(self, x, y):
        """Mutual information of a whole sample in nats, if its Gaussian part is all there is.

        It needs no other samples to be read on: of fewer a linear model in many columns knows less.
        None without a Gaussian part, or with too few samples for its columns.
        """
        if not self.precondition or self.known_ is not None:
            return None
        blocks = [
            block if t is None else clone(t).fit_transform(block)
            for t, block in zip(self.transformers, (x, y), strict=True)
        ]
        if len(x) < CLOSED_FORM_SAMPLES * sum(block.shape[1] for block in blocks):
            return None
        return unbiased_mutual_info(*(np.asarray(block, dtype=float) for block in blocks))

    def _fit_basis(self, x, y):
        basis = LinearPreconditioner() if self.precondition else PassThrough()
        white = basis.fit_transform(x, y)
        few = self.precondition and basis.dropped_[1].n_directions > len(x) // MANY_SAMPLES
        if few and white.x.shape[1] > 0:
            basis = ShrunkenPreconditioner()
            white = basis.fit_transform(x, y)
        return basis, white

    def _train(self, white, rng, run):
        self.n_dims_, self.n_conditions_ = white.x.shape[1], white.y.shape[1]
        self.margin_known_ = self.normal_margin and self.precondition and self.n_dims_ == 1
        self.white_ = white  # until all folds are trained

    def signals(self, white, n_dims, n_conditions):
        """Arrays that a denoiser is trained on, filled up with columns of zeros."""
        widths = {"target": n_dims, "residual": n_dims, "condition": n_conditions}
        arrays = {"target": white.x, "residual": white.residual, "condition": white.y}
        return {name: _widened(a, widths[name]) for name, a in arrays.items()}

    def learned(self, denoiser, rows, logsnr, noise):
        """Gains and squares of samples at given nodes, shape (n_nodes, n_samples).

        `rows` are tensors of :meth:`signals`; at every node the noise is taken with both signs.
        """
        gain, square = np.zeros((2, 2, logsnr.shape[1]))
        for node, eps in zip(logsnr, noise, strict=True):
            weight = 0.25 / len(logsnr) / self.distribution_.pdf(node)
            lam = as_tensor(node, eps.device)
            for signed in (eps, -eps):
                sides = self._sides(denoiser, rows, lam, signed)
                for side, (_, t, w, _, f) in enumerate(sides):
                    gain[side] += weight * _row_sums(w * t * f)
                    square[side] += weight * _row_sums(w * f**2)
        return Learned(gain, square)

    @torch.no_grad()
    def _sides(self, denoiser, rows, logsnr, noise):
        """``u, t, w, tau, F`` of the conditional and of the unconditional denoiser."""
        target, residual, condition = (rows[k] for k in ("target", "residual", "condition"))
        one = torch.ones_like(logsnr)[:, None]
        conditional = denoiser.coordinates(residual, logsnr, noise, denoiser.variance)
        unconditional = denoiser.coordinates(target, logsnr, noise, torch.ones_like(target))
        if self.margin_known_:
            f_c = denoiser.correction(conditional[0], logsnr, condition, one)
            f_u = torch.zeros_like(target)
        else:
            f_c, f_u = denoiser.correction(
                torch.cat([conditional[0], unconditional[0]]),
                logsnr.repeat(2),
                condition.repeat(2, 1),
                torch.cat([one, torch.zeros_like(one)]),
            ).chunk(2)
        return (*conditional, f_c), (*unconditional, f_u)

    def integrate(self, denoiser, scale, white, device):
        """Integrals over log-SNR of what the network adds, by stratified importance sampling."""
        names = "conditional", "unconditional", "orthogonal", "linear"
        sums = {name: np.zeros(len(white.x)) for name in names}
        if denoiser is None:  # it adds nothing: some samples will do for the curves
            denoiser, scale = self.untrained_, np.zeros(2)
            white = type(white)(*(a[:CURVE_ROWS] for a in white))
        rng = np.random.default_rng(self.seed_)
        n, k = len(white.x), max(1, self.n_nodes // 2)
        errors = np.zeros((3, k))
        with on_device(denoiser, device):
            signals = self.signals(white, *denoiser.widths)
            mean = _widened(white.mean, denoiser.widths[0])
            for chunk in slices(n):
                rows = {name: as_tensor(a[chunk], device) for name, a in signals.items()}
                rows["mean"] = as_tensor(mean[chunk], device)
                size = len(rows["mean"])
                for node in range(k):
                    logsnr = self.distribution_.ppf((node + rng.uniform(size=size)) / k)
                    weight = 0.25 / k / self.distribution_.pdf(logsnr)
                    noise = as_tensor(rng.standard_normal(rows["mean"].shape), device)
                    for signed in (noise, -noise):
                        terms, row_errors = self._integrands(
                            denoiser, scale, rows, as_tensor(logsnr, device), signed
                        )
                        for name, values in terms.items():
                            sums[name][chunk] += weight * values.cpu().double().numpy()
                        errors[:, node] += [0.5 * float(e.double().sum()) for e in row_errors]
        conditional, unconditional, gap = errors / n
        logsnr = self.distribution_.ppf((np.arange(k) + 0.5) / k)
        density = self.distribution_.pdf(logsnr)
        return sums, ErrorCurves(logsnr, unconditional, conditional, gap, density)

    @torch.no_grad()
    def _integrands(self, denoiser, scale, rows, logsnr, noise):
        """Each form, and the errors, with the same noise in both denoisers."""
        conditional, unconditional = self._sides(denoiser, rows, logsnr, noise)
        _, t_c, w_c, tau_c, f_c = conditional
        _, t_u, w_u, tau_u, f_u = unconditional
        f_c, f_u = scale[0] * f_c, scale[1] * f_u
        difference0 = torch.zeros_like(noise)
        if self.precondition:
            difference0 = channel.gaussian_difference(
                rows["target"], rows["mean"], denoiser.variance, logsnr, noise
            )
        difference = denoiser.mask * (tau_c * f_c - tau_u * f_u)
        terms = {
            "conditional": channel.bracket(t_c, w_c, f_c),
            "unconditional": channel.bracket(t_u, w_u, f_u),
            "orthogonal": channel.orthogonal_excess(logsnr, difference0, difference),
            "linear": (w_c * t_c * f_c - w_u * t_u * f_u).sum(dim=1),
        }
        errors = (
            (w_c * (t_c - f_c) ** 2).sum(dim=1),
            (w_u * (t_u - f_u) ** 2).sum(dim=1),
            torch.exp(logsnr) * ((difference0 + difference) ** 2).sum(dim=1),
        )
        return terms, errors


def _widened(a, width):
    return np.pad(a, ((0, 0), (0, width - a.shape[1])))


def _row_sums(values):
    return values.sum(dim=1).cpu().double().numpy()
