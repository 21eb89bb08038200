"""Denoising a continuous block."""

from typing import Any, Self

import numpy as np
from sklearn.base import clone
from torch import Tensor

from sklearn_mmg._core.conditioning import ConditionalPreconditioner
from sklearn_mmg._core.gaussian import unbiased_mutual_info
from sklearn_mmg._core.model import Held, Model, Run
from sklearn_mmg._core.preconditioning import (
    Basis,
    LinearPreconditioner,
    PassThrough,
    Whitened,
    gaussian_direct,
    gaussian_orthogonal,
)
from sklearn_mmg._core.shrinkage import ShrunkenPreconditioner
from sklearn_mmg._core.stack import Stack
from sklearn_mmg.diffusion import quadrature
from sklearn_mmg.diffusion.checkpoints import Doubt
from sklearn_mmg.diffusion.denoiser import Denoised, Denoiser
from sklearn_mmg.diffusion.log_snr import LogSNRDistribution, LogSNRSampler
from sklearn_mmg.diffusion.terms import DenoisingSettings, ErrorCurves, PointwiseTerms
from sklearn_mmg.diffusion.views import ONE_SIDE, ONE_SIDE_GIVEN, Contrast

# With fewer for each direction of the condition least squares fits noise: 0.347 nats from 333
# columns and 1333 samples come out at 0.42.
MANY_SAMPLES = 10
# With fewer for each column the closed form of all samples is no better than held-out ones are.
CLOSED_FORM_SAMPLES = 3
CURVE_ROWS = 2000  # samples behind the error curves of the closed form, which are for looking at


class ContinuousPair(Model[Stack[Denoiser]]):
    """Denoisers of a continuous block ``x``, conditional on ``y`` and not.

    Both also see the columns of ``y`` that are given.

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
    given : ndarray of bool of shape (n_columns of `y`,)
        Which columns are given.
    **parameters : those of :class:`Model`

    Attributes
    ----------
    distribution_ : LogSNRDistribution
    linear_, direct_ : Denoiser or None
        What the linear form is read from, and the others; None for the closed form alone.
    scale_ : ndarray of shape (2,)
        Multiples of the conditional and of the unconditional correction of `direct_`.
    margin_known_ : bool
        Whether the unconditional denoiser is that of the Gaussian.
    doubt_ : Doubt
        How far the linear form may be from the truth.
    """

    doubt_ = Doubt()

    settings: DenoisingSettings
    distribution_: LogSNRDistribution
    linear_: Denoiser | None
    direct_: Denoiser | None
    scale_: np.ndarray
    margin_known_: bool
    untrained_: Denoiser
    white_: Whitened

    def __init__(
        self,
        *,
        precondition: bool,
        normal_margin: bool,
        sampler: LogSNRSampler,
        n_nodes: int,
        given: np.ndarray,
        **parameters: Any,
    ) -> None:
        super().__init__(**parameters)
        self.given = given
        self.precondition = precondition
        self.normal_margin = normal_margin
        self.sampler = sampler
        self.n_nodes = n_nodes

    def continuous_part(self, x: np.ndarray, y: np.ndarray) -> tuple[Self, Whitened] | None:
        """What is to be trained, and held-out samples in its coordinates; None if all is known."""
        return None if self.known_ is not None else (self, self._white(x, y))

    def _constant(self, n_samples: int) -> PointwiseTerms:
        known = self.known_
        assert known is not None
        return PointwiseTerms.full(n_samples, known)

    def _pointwise(self, white: Whitened, device: str) -> PointwiseTerms:
        return self._hold_out(white, device).values

    def _hold_out(self, white: Whitened, device: str) -> Held:
        """Terms of every sample, and the error curves."""
        learned, curves = self._integrate(self.direct_, self.scale_, white, device)
        linear = learned["linear"]
        if self.linear_ is not self.direct_ or not np.all(self.scale_ == 1):
            linear = self._integrate(self.linear_, np.ones(2), white, device)[0]["linear"]
        variance = self.basis_.residual_variance_
        direct = gaussian_direct(white.x, white.mean, variance)
        orthogonal = gaussian_orthogonal(white.x, white.mean, variance)
        unlearned = self.basis_.unlearned(white)
        terms = PointwiseTerms(
            direct + learned["direct"],
            orthogonal + learned["orthogonal"],
            # One closed form loses the training error of the Gaussian part and the other gains
            # it; their mean does neither.
            0.5 * (direct + orthogonal) + linear + unlearned,
            direct + learned["log_densities"],
            unlearned,
        )
        return Held(terms, curves=curves)

    def closed_form(self, x: np.ndarray, y: np.ndarray) -> float | None:
        """Mutual information of a whole sample in nats, if its Gaussian part is all there is.

        It needs no other samples to be read on: of fewer a linear model in many columns knows less.
        None without a Gaussian part, or with too few samples for its columns.
        """
        if not self.precondition or self.known_ is not None:
            return None
        blocks = [
            block if t is None else clone(t).fit_transform(block)  # pyright: ignore[reportAttributeAccessIssue]  # of the same type
            for t, block in zip(self.transformers, (x, y), strict=True)
        ]
        if len(x) < CLOSED_FORM_SAMPLES * sum(block.shape[1] for block in blocks):
            return None
        x, y = (np.asarray(block, dtype=float) for block in blocks)
        return unbiased_mutual_info(x, y, self.given)

    def _fit_basis(self, x: np.ndarray, y: np.ndarray) -> tuple[Basis, Whitened]:
        if self.given.any():
            basis: Basis = ConditionalPreconditioner(self.given)
            return basis, basis.fit_transform(x, y)
        basis = LinearPreconditioner() if self.precondition else PassThrough()
        white = basis.fit_transform(x, y)
        dropped = basis.dropped_
        few = bool(dropped) and dropped[1].n_directions > len(x) // MANY_SAMPLES
        if few and white.x.shape[1] > 0:
            basis = ShrunkenPreconditioner()
            white = basis.fit_transform(x, y)
        return basis, white

    def _train(self, white: Whitened, rng: np.random.Generator, run: Run) -> None:
        self.sizes_ = tuple(a.shape[1] for a in self._groups(white))
        alone = self.sizes_[0] == 1 and not self.given.any()
        self.margin_known_ = self.normal_margin and self.precondition and alone
        self.white_ = white  # until all folds are trained

    @property
    def contrast(self) -> Contrast:
        """What the views of the denoisers make up."""
        return ONE_SIDE_GIVEN if self.given.any() else ONE_SIDE

    def _groups(self, white: Whitened) -> tuple[np.ndarray, ...]:
        """The groups of columns that a denoiser sees."""
        return white[:2] if not self.given.any() else (white.x, white.y, white.given)

    def signals(self, white: Whitened, *sizes: int) -> dict[str, np.ndarray]:
        """Arrays that a denoiser is trained on, filled up with columns of zeros."""
        groups = zip(self._groups(white), sizes, strict=True)
        residual = _widened(white.residual, sizes[0])
        return {
            "values": np.hstack([_widened(group, size) for group, size in groups]),
            "residuals": np.hstack([residual, _widened(white.x, sizes[0])]),
        }

    @property
    def is_closed_form_(self) -> bool:
        """Whether a network was trained and is not read, because it has nothing to add."""
        return self.known_ is None and self.linear_ is None

    @property
    def variances(self) -> np.ndarray:
        """Of the residuals in every view."""
        variance = self.basis_.residual_variance_
        return np.stack([variance, np.ones_like(variance)])

    @property
    def n_learned(self) -> int:
        """Views that the network corrects: the unconditional one may be known."""
        return 1 if self.margin_known_ else 2

    def _integrate(
        self, denoiser: Denoiser | None, scale: np.ndarray, white: Whitened, device: str
    ) -> tuple[dict[str, np.ndarray], ErrorCurves]:
        """Integrals over log-SNR of what the network adds, and the error curves."""
        n = len(white.x)
        if denoiser is None:  # it adds nothing: some samples will do for the curves
            denoiser, scale = self.untrained_, np.zeros(2)
            white = type(white)(*(a[:CURVE_ROWS] for a in white))

        def integrands(d: Denoised, logsnr: Tensor) -> dict[str, Tensor]:
            scaled = d._replace(f=d.f.new_tensor(scale)[:, None, None] * d.f)
            return {
                name: value
                for of in (quadrature.forms, quadrature.errors)
                for name, value in of(scaled, logsnr, self.contrast.signs).items()
            }

        values, at_nodes = quadrature.integrate_sample(
            denoiser,
            integrands,
            self.signals(white, *denoiser.sizes),
            self.distribution_,
            n_nodes=self.n_nodes,
            n_learned=self.n_learned,
            seed=self.seed_,
            device=device,
        )
        if len(white.x) < n:
            values = {name: np.zeros(n) for name in values}
        return values, quadrature.error_curves(at_nodes, self.distribution_)

    def error_curves(self, white: Whitened, device: str) -> ErrorCurves:
        """Of the weights for the linear form."""
        return self._integrate(self.linear_, np.ones(2), white, device)[1]


def _widened(a: np.ndarray, width: int) -> np.ndarray:
    return np.pad(a, ((0, 0), (0, width - a.shape[1])))
