"""A critic that is trained on one part of the data and read on another."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_mmg._core.model import Held, Model, Run
from sklearn_mmg._core.partial import PartialPreconditioner
from sklearn_mmg._core.preconditioning import Whitened, gaussian_direct, gaussian_orthogonal
from sklearn_mmg._core.training import (
    Columns,
    TensorRows,
    as_tensor,
    n_validation_rows,
    on_device,
    slices,
)
from sklearn_mmg.baselines._critics import (
    CRITICS,
    Bound,
    Critic,
    GaussianStart,
    InfoNCE,
    PairScores,
    linear_form,
    log_mean_exp_others,
    without_diagonal,
)

N_REFERENCE = 3000  # held-out samples whose pairs stand for independent ones
EVALUATION_ROWS = 1024  # each with so many pairs
# A batch with a larger share of the training rows has its own rows among the others too often.
MAX_BATCH_SHARE = 0.25
# Where the closed form is so close to the logarithm of their number, in nats, no independent pair
# looks like a joint one: a critic has nothing to learn from.
HEADROOM = 3.0


class CriticTraining(nn.Module):
    """Loss per row of a batch of joint samples; a held-out one is relative to that of the start."""

    def __init__(self, critic: Critic, bound: Bound) -> None:
        super().__init__()
        self.critic = critic
        self.bound = bound

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        loss = self.bound.loss(self.critic(x, y), x, y)
        if self.training:
            return loss
        return loss - self.bound.loss_of_start(self.critic.start(x, y), x, y)


class CriticModel(Model[CriticTraining]):
    """A critic, its bound, and the held-out samples that stand for independent pairs.

    Parameters
    ----------
    bound : Bound
        Of :mod:`sklearn_mmg.baselines._critics`.
    kind : {"separable", "bilinear", "joint"}
    form : {"linear", "bound"}
        Of the values.
    start_columns : sequence of two ndarrays of bool
        Columns of `x` and of `y` whose linear-Gaussian model the critic starts from.
    width, depth : int
        Size of the critic.
    **parameters : those of :class:`Model`
    """

    is_closed_form_ = False
    reading_: InfoNCE | None = None

    basis_: PartialPreconditioner

    def __init__(
        self,
        *,
        bound: Bound,
        kind: str,
        form: str,
        start_columns: Sequence[np.ndarray],
        width: int,
        depth: int,
        **parameters: Any,
    ) -> None:
        super().__init__(**parameters)
        self.bound = bound
        self.kind = kind
        self.form = form
        self.start_columns = start_columns
        self.width = width
        self.depth = depth

    def _fit_basis(self, x: np.ndarray, y: np.ndarray) -> tuple[PartialPreconditioner, Whitened]:
        basis = PartialPreconditioner(self.start_columns)
        return basis, basis.fit_transform(x, y)

    def _train(self, white: Whitened, rng: np.random.Generator, run: Run) -> None:
        gaussian = -0.5 * np.log(self.basis_.residual_variance_).sum()
        ceiling = math.log(min(len(white.x), N_REFERENCE))
        self.is_closed_form_ = self.form == "linear" and gaussian > max(0.0, ceiling - HEADROOM)
        if self.is_closed_form_:
            return
        size = white.x.shape[1], white.y.shape[1], self.width, self.depth
        start = GaussianStart(self.basis_.rho_, self.basis_.residual_variance_)
        self.bound.prepare(start, *size)
        s = self.settings
        n_rows = len(white.x) - n_validation_rows(len(white.x), s.validation_fraction)
        batch_size = max(2, min(s.batch_size, int(MAX_BATCH_SHARE * n_rows)))
        self._learn(
            CriticTraining(Critic(start, CRITICS[self.kind](*size)), self.bound),
            {"x": white.x, "y": white.y},
            rng,
            run,
            fixed=partial(whole_batches, batch_size=batch_size),
            settings=replace(s, batch_size=batch_size),
        )

    def _hold_out(self, white: Whitened, device: str) -> Held:
        """Pointwise values of held-out samples, and the variance of the term they share.

        The first of them become the independent pairs of all later evaluations.
        """
        if self.is_closed_form_:
            return Held(self._pointwise(white, device))
        self.reference_ = white.x[:N_REFERENCE], white.y[:N_REFERENCE]
        with self._networks(device) as (critic, bound):
            blocks = self._tensors(*self.reference_, device)
            scores = critic(*blocks).double().cpu()
            joint = critic.joint(*blocks).double().cpu()
        self.log_all_ = {
            clip: float(log_mean_exp_others(scores.clamp(-clip, clip))[1])
            for clip in {bound.clip, math.inf}
        }
        shift = 0.0
        if self.form == "linear":
            self.reading_ = bound = InfoNCE(len(scores))
            self.gap_ = shift = linear_form(scores, joint)
        shared = _shared_variance(scores.clamp(-bound.clip, bound.clip), bound.independent_mean)
        return Held(shift + self._values(white, device, bound, own=True), shared)

    def _pointwise(self, white: Whitened, device: str) -> np.ndarray:
        if self.is_closed_form_:
            model = self._gaussian(white)
            return 0.5 * (gaussian_direct(*model) + gaussian_orthogonal(*model))
        if self.reading_ is not None:
            return self.gap_ + self._values(white, device, self.reading_)
        return self._values(white, device, self.module_.bound)

    def _score(self, white: Whitened, device: str) -> np.ndarray:
        """The bound, or what a lower bound makes of the scores if the values are not one."""
        if self.is_closed_form_:
            return gaussian_direct(*self._gaussian(white))
        bound = self.module_.bound
        return self._values(white, device, bound.lower_bound or bound)

    def _gaussian(self, white: Whitened) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``x``, its mean and its variance in the linear-Gaussian model."""
        variance = self.basis_.residual_variance_
        return white.x[:, : len(variance)], white.mean[:, : len(variance)], variance

    def _values(self, white: Whitened, device: str, bound: Bound, own: bool = False) -> np.ndarray:
        """Of a bound; with `own` the first of the samples are the reference itself."""
        values = []
        with self._networks(device) as (critic, _):
            x_reference, y_reference = self._tensors(*self.reference_, device)
            bound.to(device)
            for part in slices(len(white.x), EVALUATION_ROWS):
                x, y = self._tensors(white.x[part], white.y[part], device)
                first = part.start if own else math.inf
                pairs = PairScores(
                    critic.joint(x, y).double(),
                    _log_mean_exp(critic(x, y_reference), bound.clip, first),
                    _log_mean_exp(critic(x_reference, y).T, bound.clip, first)
                    if bound.independent_mean == "sides"
                    else None,
                    self.log_all_[bound.clip],
                )
                values.append(bound.value(pairs, x, y).cpu())
        return torch.cat(values).numpy()

    @contextlib.contextmanager
    def _networks(self, device: str) -> Iterator[tuple[Critic, Bound]]:
        """The trained critic and bound, on the device for as long as they are used."""
        with torch.inference_mode(), on_device(self.module_, device) as module:
            yield module.critic, module.bound

    @staticmethod
    def _tensors(x: np.ndarray, y: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
        return as_tensor(x, device), as_tensor(y, device)


def whole_batches(columns: Columns, batch_size: int) -> TensorRows:
    """Validation rows in whole batches: a bound depends on the number of pairs."""
    n_rows = len(columns["x"])
    n_kept = max(n_rows // batch_size * batch_size, min(batch_size, n_rows))
    return TensorRows(**{name: tensor[:n_kept] for name, tensor in columns.items()})


def _log_mean_exp(scores: Tensor, clip: float, first: float) -> Tensor:
    """Per row, without the pair of row i and column ``first + i``."""
    scores = scores.double().clamp(-clip, clip)
    index = torch.arange(len(scores), device=scores.device)
    if first < scores.shape[1]:
        index = index[index + first < scores.shape[1]]
        scores[index, index + first] = -math.inf
    return scores.logsumexp(1) - torch.isfinite(scores).sum(1).log()


def _shared_variance(scores: Tensor, independent_mean: str | None) -> float:
    """Variance of the mean over independent pairs, by its influence function.

    A sample has a share in it as an ``x`` and as a ``y``; with a mean per row as a ``y`` only.
    """
    if independent_mean is None:
        return 0.0
    others = without_diagonal(scores)
    if independent_mean == "all":
        relative = (others - log_mean_exp_others(scores)[1]).exp()
        influence = relative.mean(0) + relative.mean(1)
    else:
        influence = others.softmax(1).sum(0)
        if independent_mean == "sides":
            influence = 0.5 * (influence + others.softmax(0).sum(1))
    return float(influence.var()) / len(influence)
