"""Denoising a block of several discrete columns."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Self

import numpy as np
import torch

from sklearn_mmg._core.logistic import HeldOutLogistic, log_margin
from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.training import (
    EVALUATION_ROWS,
    TensorRows,
    as_tensor,
    on_device,
    slices,
    train,
    train_validation_rows,
)
from sklearn_mmg.diffusion.any_order import ABSENT, AnyOrderDenoiser, draw_hidden, draw_orders
from sklearn_mmg.diffusion.categorical import DiscreteModel, ScaledCondition, best_trust, tempered
from sklearn_mmg.diffusion.checkpoints import EVIDENCE, standardised
from sklearn_mmg.diffusion.draws import VALIDATION_DRAWS
from sklearn_mmg.diffusion.terms import DenoisingSettings, PointwiseTerms
from sklearn_mmg.preprocessing import Transformer

JUDGES = 4000  # held-out samples that tell how far to trust the network
CHUNK = 2**21  # probabilities that are held at once
# Powers of a likelihood ratio below which more of what it says is noise than is not, and above
# which it is not too certain, but not certain enough: training has more to learn.
MOSTLY_NOISE, UNDERCONFIDENT = 0.5, 1.0


class Trust(NamedTuple):
    """What held-out samples say of a network."""

    alone: float  # power of what it adds, without what conditions, to the closed form
    given: float  # and of the likelihood ratio with and without it
    certain: bool  # whether what conditions tells anything beyond doubt


class Steps(NamedTuple):
    """What is said of one column after another, each given those that were read before it."""

    base: np.ndarray  # log-probabilities of shape (n, n_steps, n_levels): of the closed form
    alone: np.ndarray  # of the network without what conditions
    given: np.ndarray  # and with it
    code: np.ndarray  # (n, n_steps): the level that there is

    def of_code(self, values: np.ndarray) -> np.ndarray:
        """Sums over the steps of what `values` say of the level that there is."""
        return np.take_along_axis(values, self.code[:, :, None], axis=2).sum(axis=(1, 2))

    def trusted(self, trust: Trust) -> tuple[np.ndarray, np.ndarray]:
        """`alone` as far as it is trusted beyond `base`, and `given` beyond that."""
        alone = tempered(self.base, self.alone, trust.alone)
        return alone, tempered(alone, self.given, trust.given)

    def judge(self) -> Trust:
        """How far held-out samples, these, trust both."""
        of_alone = best_trust(self.base, self.alone, self.code)
        alone = tempered(self.base, self.alone, of_alone)
        of_given = best_trust(alone, self.given, self.code)
        gain = self.of_code(tempered(alone, self.given, of_given) - alone)
        certain = bool(standardised(gain[None])[0] >= EVIDENCE)
        return Trust(of_alone, of_given, certain)

    def terms(self, trust: Trust) -> PointwiseTerms:
        """All forms of what the level that there is gains by what conditions, summed."""
        alone, given = self.trusted(trust)
        gain = given - alone
        direct = linear = self.of_code(gain)
        if trust.certain:  # without the squared error of training
            of_given = self._gain(self.given, given, trust.given)
            linear = of_given - self._gain(self.alone, alone, trust.alone)
        # Averaged over the level that the model itself expects.
        orthogonal = (np.exp(given) * gain).sum(axis=(1, 2))
        densities = self.of_code(given - self.base) + self.of_code(alone - self.base)
        return PointwiseTerms(direct, orthogonal, linear, densities, np.zeros_like(direct))

    def _gain(self, log_p: np.ndarray, trusted: np.ndarray, trust: float) -> np.ndarray:
        """Gain over `base` of a network that is as certain as it says, or as it is `trusted`.

        Of one that is too certain, half by the level that there is and half by those that it
        expects: errors of training that average out lower the first by a divergence, which is of
        second order, and raise the other by as much.
        """
        if not MOSTLY_NOISE < trust < UNDERCONFIDENT:
            return self.of_code(trusted - self.base)
        gain = log_p - self.base
        return 0.5 * (self.of_code(gain) + (np.exp(log_p) * gain).sum(axis=(1, 2)))


class CategoricalVectorPair(DiscreteModel[AnyOrderDenoiser]):
    """Denoisers of several discrete columns, conditional on ``y`` and not, in any order.

    One network tells the levels of the columns that are hidden from those that are not, with and
    without ``y``, so that no combination of levels is a class of its own: new ones are as good as
    any. The chain rule in the order in which columns are read gives two log-likelihoods, whose
    difference is the pointwise mutual information, for every order the same if the probabilities
    are right. The mean over some orders is taken. They are the same for both, and so are most of
    their errors.

    Logistic regressions of every single column come first, as in
    :class:`~sklearn_mmg.diffusion.categorical.CategoricalPair`; without ``y`` they are the margins.

    Parameters
    ----------
    settings : DenoisingSettings
    transformer : transformer or None
        Unfitted preprocessing of `y`.
    n_continuous : int
        Number of leading columns of `y` that are numbers; the others are one-hot codes.
    n_levels : list of int
        Levels of every column.
    given : ndarray of bool of shape (n_columns of `y`,)
        Which columns of `y` are given: they are seen without the others as well.
    n_nodes : int
        Columns that are read per sample; two orders are read to the end in any case.

    Attributes
    ----------
    columns_ : ndarray of int
        The columns with more than one level.
    trust_ : Trust
    """

    def __init__(
        self,
        *,
        settings: DenoisingSettings,
        transformer: Transformer | None,
        n_continuous: int,
        n_levels: Sequence[int],
        given: np.ndarray,
        n_nodes: int,
    ) -> None:
        self.settings = settings
        self.scaler = ScaledCondition(transformer, n_continuous)
        self.n_levels = n_levels
        self.given = given
        self.n_nodes = n_nodes

    def fit(self, codes: np.ndarray, y: np.ndarray, run: Run) -> Self:
        """Fit on integer `codes` of shape (n, d) and `y` of shape (n, d_y)."""
        self.columns_ = np.flatnonzero(np.array(self.n_levels) > 1)
        if len(self.columns_) == 0:
            return self
        rng = np.random.default_rng(run.seed)
        # A row is seen in two passes.
        s = replace(self.settings, batch_size=self.settings.batch_size // 2)
        condition = self.scaler.fit_transform(y)
        self.n_samples_, self.n_columns_ = condition.shape
        self.seed_ = int(rng.integers(2**31))
        codes = codes[:, self.columns_]
        base = self._fit_regressions(codes, condition, rng)
        train_rows, valid_rows = (
            self._rows(codes[index], base[index], condition[index], run.device)
            for index in train_validation_rows(len(codes), s.validation_fraction, rng)
        )
        self.net_ = train(
            AnyOrderDenoiser(
                len(self.columns_),
                max(self.n_levels),
                self.given,
                width=s.width,
                depth=s.depth,
                gated=s.gated,
            ),
            train_rows,
            self._with_hidden(valid_rows) if s.validation_fraction else None,
            s,
            draw=partial(draw_hidden, n_columns=len(self.columns_)),
            seed=int(rng.integers(2**31)),
            device=run.device,
            label=run.label,
        )
        return self

    def _fit_regressions(
        self, codes: np.ndarray, condition: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Log-probabilities of training samples, by regressions that did not see them."""
        self.passes_ = self.given, np.ones_like(self.given)
        self.logistics_ = []
        base = self._no_levels(len(codes))
        for i, j in enumerate(self.columns_.tolist()):
            margin = log_margin(codes[:, i], self.n_levels[j])
            self.logistics_.append([HeldOutLogistic(margin) for _ in self.passes_])
            for k, (seen, logistic) in enumerate(
                zip(self.passes_, self.logistics_[i], strict=True)
            ):
                seed = int(rng.integers(2**31))
                base[:, k, i, : len(margin)] = logistic.fit(condition[:, seen], codes[:, i], seed)
        return base

    def _base(self, condition: np.ndarray) -> np.ndarray:
        """Those of other samples, of shape (n, 2, d, n_levels)."""
        base = self._no_levels(len(condition))
        for i, logistics in enumerate(self.logistics_):
            for k, (seen, logistic) in enumerate(zip(self.passes_, logistics, strict=True)):
                log_p = logistic.log_probability(condition[:, seen])
                base[:, k, i, : log_p.shape[1]] = log_p
        return base

    def _no_levels(self, n: int) -> np.ndarray:
        return np.full((n, 2, len(self.columns_), max(self.n_levels)), ABSENT)

    def _with_hidden(self, rows: TensorRows) -> TensorRows:
        """Every row several times, each with other columns hidden, once and for all."""
        n = -(-VALIDATION_DRAWS // len(rows)) * len(rows)
        repeated, _ = rows[torch.arange(n) % len(rows)]
        generator = torch.Generator(repeated["code"].device).manual_seed(self.seed_)
        return TensorRows(**repeated, **draw_hidden(n, generator, len(self.columns_)))

    def hold_out(self, codes: np.ndarray, y: np.ndarray, device: str) -> Held:
        """Terms of held-out samples, which also tell how far to trust the network.

        Each half of them tells it for the other. There are no error curves: columns are hidden one
        by one, and go through no channel.
        """
        terms = PointwiseTerms.full(len(codes), 0.0)
        self.trust_ = Trust(1.0, 1.0, False)
        if self.net_ is None:
            return Held(terms)
        rng = np.random.default_rng(self.seed_)
        known = rng.permutation(_without_new_levels(codes))
        halves = known[::2], known[1::2]
        judges = [
            self._steps(codes[rows], y[rows], device, 2, rng)
            for rows in (half[: JUDGES // 2] for half in halves)
        ]
        self.trust_ = Steps(*map(np.concatenate, zip(*judges, strict=True))).judge()
        for half, others in zip(halves, judges[::-1], strict=True):
            self._fill(terms, half, codes, y, device, others.judge())
        return Held(terms)

    def pointwise(self, codes: np.ndarray, y: np.ndarray, device: str) -> PointwiseTerms:
        """Terms of later samples."""
        terms = PointwiseTerms.full(len(codes), 0.0)
        if self.net_ is not None:
            self._fill(terms, _without_new_levels(codes), codes, y, device, self.trust_)
        return terms

    def _fill(
        self,
        terms: PointwiseTerms,
        rows: np.ndarray,
        codes: np.ndarray,
        y: np.ndarray,
        device: str,
        trust: Trust,
    ) -> None:
        """Set the terms of some samples."""
        rng = np.random.default_rng(self.seed_)
        d = len(self.columns_)
        n_orders = 2 * max(1, min(self.n_nodes // d, math.factorial(d)) // 2)
        size = CHUNK // (n_orders * d * max(self.n_levels))
        for part in slices(len(rows), min(max(size, 1), EVALUATION_ROWS)):
            chunk = rows[part]
            steps = self._steps(codes[chunk], y[chunk], device, n_orders, rng)
            for term, of_orders in zip(terms, steps.terms(trust), strict=True):
                term[chunk] = of_orders / n_orders

    @torch.no_grad()
    def _steps(
        self,
        codes: np.ndarray,
        y: np.ndarray,
        device: str,
        n_orders: int,
        rng: np.random.Generator,
    ) -> Steps:
        """All columns in some orders, of every sample its own."""
        codes, condition = codes[:, self.columns_], self.scaler.transform(y)
        base, rows = self._base(condition), np.arange(len(codes))
        tensors = as_tensor(base, device), as_tensor(condition, device)
        code = torch.as_tensor(codes, dtype=torch.int64, device=device)
        places = draw_orders(len(codes), codes.shape[1], n_orders, rng)
        assert self.net_ is not None
        steps = []
        with on_device(self.net_.module_, device) as denoiser:
            for place, step in itertools.product(places, range(codes.shape[1])):
                column = (place == step).argmax(axis=1)
                hidden = as_tensor(place >= step, device)
                log_p = denoiser.log_probability(code, hidden, *tensors)[:, rows, column]
                alone, given = log_p.cpu().double().numpy()
                steps.append((base[rows, 0, column], alone, given, codes[rows, column]))
        return Steps(*(np.stack(parts, axis=1) for parts in zip(*steps, strict=True)))


def _without_new_levels(codes: np.ndarray) -> np.ndarray:
    """Samples all of whose levels were seen in fit: others tell nothing."""
    return np.flatnonzero((codes >= 0).all(axis=1))
