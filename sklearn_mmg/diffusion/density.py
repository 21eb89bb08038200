"""The density of a block of continuous columns, in their own coordinates."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.training import (
    RowLossNet,
    StopTraining,
    TensorRows,
    TrainingSettings,
    as_tensor,
    train,
    train_validation_rows,
)
from sklearn_mmg.diffusion.checkpoints import EVIDENCE, PILOT_STEPS, standardised
from sklearn_mmg.diffusion.denoiser import Denoised, Denoiser
from sklearn_mmg.diffusion.draws import draw_noise, with_fixed_noise
from sklearn_mmg.diffusion.fold_training import default_steps
from sklearn_mmg.diffusion.log_snr import ResidualScaleSampler
from sklearn_mmg.diffusion.quadrature import (
    Integrands,
    forms,
    gain_and_square,
    integrate_sample,
)
from sklearn_mmg.diffusion.views import ALONE
from sklearn_mmg.diffusion.white import WhiteCoordinates
from sklearn_mmg.preprocessing import Transformer

JUDGED_NODES = 16
# Fewer show nothing with certainty that a Gaussian does not have.
LEAST_SAMPLES = 50


class PilotEvidence(Callback):
    """Ends a training that has not learned anything that is certain after its first steps.

    Parameters
    ----------
    evidence : callable
        Of a denoiser, in standard errors.
    """

    def __init__(self, evidence: Callable[[Denoiser], float]) -> None:
        self.evidence = evidence

    def on_batch_end(self, net: RowLossNet[Denoiser], training: bool = True, **kwargs) -> None:
        if training and net.n_steps_ == PILOT_STEPS and self.evidence(net.average_) < EVIDENCE:
            raise StopTraining


class DiffusionDensity:
    """A Gaussian of white coordinates, and what a denoiser adds to its log-density.

    Minus a log-density is half the area under the error of a denoiser, less that of a Gaussian
    whose area is known: of the best denoiser it is exact, and of any other too low on average.

    Parameters
    ----------
    scaler : SmoothGaussianizer, StandardScaler or None
        Unfitted preprocessing of single columns.
    settings : TrainingSettings
        None for the number of steps is one that follows that of the samples.
    network : dict
        Parameters of :class:`~sklearn_mmg._core.network.ResidualNetwork`.
    n_nodes : int
        Log-SNR nodes per evaluated sample, two of which share a noise of either sign.

    Attributes
    ----------
    net_ : skorch net or None
        None where the preprocessing makes a single column normal, and for few samples.
    adds_ : bool
        Whether held-out samples show that the network knows more than the Gaussian.
    validation_rows_ : ndarray of int
        Samples that had no part in the steps of the training.
    """

    basis_ = None  # there is nothing else to predict the block from
    deterministic_ = False
    net_: RowLossNet[Denoiser] | None = None
    adds_: bool = False
    validation_rows_ = np.array([], dtype=int)

    def __init__(
        self,
        *,
        scaler: Transformer | None,
        settings: TrainingSettings,
        network: dict[str, Any],
        n_nodes: int,
    ) -> None:
        self.scaler = scaler
        self.settings = settings
        self.network = network
        self.n_nodes = n_nodes

    def fit(self, x: np.ndarray, y: object, run: Run) -> Self:
        """Fit on `x` of shape (n, d); `y` is ignored."""
        rng = np.random.default_rng(run.seed)
        self.seed_ = int(rng.integers(2**31))
        self.coordinates_ = WhiteCoordinates(self.scaler)
        white = self.coordinates_.fit_transform(x)
        if len(x) >= LEAST_SAMPLES and not self.coordinates_.normal_:
            self._train(white, rng, run)
        return self

    def _train(self, white: np.ndarray, rng: np.random.Generator, run: Run) -> None:
        s = self.settings
        n, n_dims = white.shape
        self.distribution_ = ResidualScaleSampler().distribution()
        denoiser = Denoiser(
            ALONE.views,
            [n_dims],
            np.ones((1, n_dims)),
            [1.0],
            radial=True,
            **self.network,
            support=(self.distribution_.grid[0], self.distribution_.grid[-1]),
        )
        quantiles = as_tensor(self.distribution_.quantiles(), run.device)
        draw = partial(draw_noise, quantiles=quantiles, n_dims=n_dims)
        rows = {name: as_tensor(a, run.device) for name, a in self._signals(white).items()}
        training, judges = train_validation_rows(n, s.validation_fraction, rng)
        judged, watch = None, []
        if len(judges):
            columns = {name: a[judges] for name, a in rows.items()}
            judged = with_fixed_noise(columns, draw, self.distribution_, 1, self.seed_)
            evidence = partial(self._evidence, white[judges], run.device)
            watch = [("evidence", PilotEvidence(evidence))]
        self.net_ = train(
            denoiser,
            TensorRows(**{name: a[training] for name, a in rows.items()}),
            judged,
            # Of every row there are two noisy samples.
            replace(s, n_steps=s.n_steps or default_steps(n), batch_size=s.batch_size // 2),
            draw=draw,
            watch=watch,
            seed=int(rng.integers(2**31)),
            device=run.device,
            label=run.label,
        )
        # Far from the samples what is no evidence would be worse than nothing.
        self.adds_ = not len(judges) or evidence(self.net_.module_) >= EVIDENCE
        self.validation_rows_ = judges

    def _evidence(self, white: np.ndarray, device: str, denoiser: Denoiser) -> float:
        """What `denoiser` takes off the error of the Gaussian one, in standard errors."""
        gain = self._integrate(denoiser, gain_and_square, white, JUDGED_NODES, device)["gain"]
        return float(standardised(gain)[0])

    @staticmethod
    def _signals(white: np.ndarray) -> dict[str, np.ndarray]:
        return {"values": white, "residuals": white}

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [] if self.net_ is None else [self.net_]

    def hold_out(self, x: np.ndarray, y: object, device: str) -> Held:
        """Log-densities of held-out samples."""
        return Held(self.pointwise(x, y, device))

    def pointwise(self, x: np.ndarray, y: object, device: str) -> np.ndarray:
        """Log-densities of other samples, in nats; `y` is ignored."""
        white = self.coordinates_.transform(x)
        return self.coordinates_.log_density(x, white) + self._learned(white, device)

    def _learned(self, white: np.ndarray, device: str) -> np.ndarray | float:
        """What the denoiser adds to the log-density of the Gaussian."""
        if self.net_ is None or not self.adds_:
            return 0.0

        def integrands(d: Denoised, logsnr: Tensor) -> dict[str, Tensor]:
            return forms(d, logsnr, ALONE.signs)

        of_sample = self._integrate(self.net_.module_, integrands, white, self.n_nodes, device)
        return of_sample["direct"]

    def _integrate(
        self,
        denoiser: Denoiser,
        integrands: Integrands,
        white: np.ndarray,
        n_nodes: int,
        device: str,
    ) -> dict[str, np.ndarray]:
        return integrate_sample(
            denoiser,
            integrands,
            self._signals(white),
            self.distribution_,
            n_nodes=n_nodes,
            n_learned=1,
            seed=self.seed_,
            device=device,
        ).of_samples
