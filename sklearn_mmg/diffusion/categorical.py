"""Denoising the one-hot code of a discrete block."""

from typing import Generic, Self

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize_scalar
from scipy.special import log_softmax
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import StandardScaler

from sklearn_mmg._core.logistic import HeldOutLogistic, log_margin
from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.network import AnyModule
from sklearn_mmg._core.training import (
    RowLossNet,
    TensorRows,
    as_tensor,
    on_device,
    slices,
    train,
    train_validation_rows,
)
from sklearn_mmg.diffusion.denoiser import CategoricalDenoiser
from sklearn_mmg.diffusion.terms import DenoisingSettings, ErrorCurves, PointwiseTerms
from sklearn_mmg.preprocessing import Transformer

MAX_TRUST = 1.5  # probabilities that are too timid are sharpened by no more
CURVE_ROWS = 2000  # samples behind an error curve, which is for looking at


class ScaledCondition:
    """What conditions, as regressions and networks take it: preprocessed, numbers standardised.

    Parameters
    ----------
    transformer : transformer or None
        Unfitted preprocessing.
    n_continuous : int
        Number of leading columns that are numbers; the others are one-hot codes.
    """

    def __init__(self, transformer: Transformer | None, n_continuous: int) -> None:
        self.transformer = transformer
        # One-hot codes stay: scaled, a rare category would hardly be penalised.
        self.scaler = ColumnTransformer(
            [("numbers", StandardScaler(), list(range(n_continuous)))], remainder="passthrough"
        )

    def fit_transform(self, y: np.ndarray) -> np.ndarray:
        """Fit on training samples of shape (n, d_y), and give them scaled."""
        if self.transformer is not None:
            self.transformer.fit(y)
        return np.asarray(self.scaler.fit_transform(self._preprocess(y)))

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Other samples, scaled."""
        return np.asarray(self.scaler.transform(self._preprocess(y)))

    def _preprocess(self, y: np.ndarray) -> np.ndarray:
        return y if self.transformer is None else self.transformer.transform(y)


def tempered(reference: np.ndarray, log_p: np.ndarray, trust: float) -> np.ndarray:
    """Log-probabilities between those of a reference and others: a power of their ratio."""
    return log_softmax(reference + trust * (log_p - reference), axis=-1)


def best_trust(reference: np.ndarray, log_p: np.ndarray, codes: np.ndarray) -> float:
    """The power of the likelihood ratio under which samples are most likely.

    Parameters
    ----------
    reference : ndarray of shape (..., n_levels)
    log_p : ndarray of the same shape
    codes : ndarray of int of shape (...)
    """
    if codes.size == 0:
        return 1.0

    def loss(trust: float) -> float:
        log_q = tempered(reference, log_p, trust)
        return -np.take_along_axis(log_q, codes[..., None], axis=-1).mean()

    found = minimize_scalar(loss, bounds=(0.0, MAX_TRUST), method="bounded")
    assert isinstance(found, OptimizeResult)
    return float(found.x)


class DiscreteModel(Generic[AnyModule]):
    """What models of a discrete block have in common, of one column or of several.

    A network learns what regressions, ``base``, leave of the levels of the block, ``code``, given
    what conditions.
    """

    deterministic_ = False
    net_: RowLossNet[AnyModule] | None = None
    trivial_ = False
    basis_ = None  # there is no linear-Gaussian model
    doubt_ = None  # nor a choice of weights

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [] if self.net_ is None else [self.net_]

    def continuous_part(self, codes: np.ndarray, y: np.ndarray) -> None:
        """There is none."""

    @staticmethod
    def _rows(
        codes: np.ndarray, base: np.ndarray, condition: np.ndarray, device: str
    ) -> TensorRows:
        """Samples as a network takes them."""
        return TensorRows(
            code=torch.as_tensor(codes, dtype=torch.int64, device=device),
            base=as_tensor(base, device),
            condition=as_tensor(condition, device),
        )


class CategoricalPair(DiscreteModel[CategoricalDenoiser]):
    """Denoisers of the one-hot code of a discrete block, conditional on ``y`` and not.

    The posterior mean of a code ``e_k`` in the channel is ``softmax(log pi + (a / b**2) z)``, so a
    denoiser is known for every log-SNR once the class probabilities ``pi`` are, and the integral
    of the gap between two such denoisers is the log-ratio of their probabilities.  What is
    trained is therefore ``pi(y)`` alone, and only the curves need quadrature.  A logistic
    regression comes first, penalised as held-out evidence prefers, and the network learns what it
    leaves over on samples that it did not see.

    Parameters
    ----------
    settings : DenoisingSettings
    transformer : transformer or None
        Unfitted preprocessing of `y`.
    n_continuous : int
        Number of leading columns of `y` that are numbers; the others are one-hot codes.
    n_classes : int
    n_nodes : int
        Log-SNR nodes of the error curves.
    """

    def __init__(
        self,
        *,
        settings: DenoisingSettings,
        transformer: Transformer | None,
        n_continuous: int,
        n_classes: int,
        n_nodes: int,
    ) -> None:
        self.settings = settings
        self.scaler = ScaledCondition(transformer, n_continuous)
        self.n_classes = n_classes
        self.n_nodes = n_nodes

    def fit(self, codes: np.ndarray, y: np.ndarray, run: Run) -> Self:
        """Fit on integer `codes` of shape (n,) and `y` of shape (n, d_y)."""
        if self.n_classes == 1:
            return self
        rng = np.random.default_rng(run.seed)
        s = self.settings
        condition = self.scaler.fit_transform(y)
        self.n_columns_, self.n_samples_ = condition.shape[1], len(codes)
        self.seed_ = int(rng.integers(2**31))
        self.log_prior_ = log_margin(codes, self.n_classes)
        self.logistic_ = HeldOutLogistic(self.log_prior_)
        base = self.logistic_.fit(condition, codes, int(rng.integers(2**31)))
        denoiser = CategoricalDenoiser(
            self.n_classes, condition.shape[1], width=s.width, depth=s.depth, gated=s.gated
        )
        train_rows, valid_rows = (
            self._rows(codes[index], base[index], condition[index], run.device)
            for index in train_validation_rows(len(codes), s.validation_fraction, rng, codes)
        )
        self.net_ = train(
            denoiser,
            train_rows,
            valid_rows if s.validation_fraction else None,
            s,
            seed=int(rng.integers(2**31)),
            device=run.device,
            label=run.label,
        )
        return self

    def hold_out(self, codes: np.ndarray, y: np.ndarray, device: str) -> Held:
        """Terms of held-out samples, which also tell how far to trust the network."""
        if self.net_ is None:
            return Held(PointwiseTerms.full(len(codes), 0.0))
        log_p = self._calibrated(codes, self._log_probability(y, device))
        shown = np.flatnonzero(codes >= 0)[:CURVE_ROWS]
        curves = self._curves(codes[shown], log_p[shown]) if len(shown) else None
        return Held(self._terms(codes, log_p), curves=curves)

    def pointwise(self, codes: np.ndarray, y: np.ndarray, device: str) -> PointwiseTerms:
        """Terms of later samples."""
        if self.net_ is None:
            return PointwiseTerms.full(len(codes), 0.0)
        log_p = self._log_probability(y, device)
        return self._terms(codes, tempered(self.log_prior_, log_p, self.trust_))

    def _terms(self, codes: np.ndarray, log_p: np.ndarray) -> PointwiseTerms:
        gain = log_p - self.log_prior_
        # A class that is new keeps its prior in both models, whatever that is: it tells nothing.
        direct = np.where(codes < 0, 0.0, gain[np.arange(len(codes)), codes])
        # The orthogonal form, averaged over the code that the model itself expects.
        orthogonal = (np.exp(log_p) * gain).sum(axis=1)
        # Penalties and early stopping pull probabilities towards the margin: that shrinks the
        # orthogonal form to first order and the direct form to second, so nothing is averaged.
        return PointwiseTerms(direct, orthogonal, direct, direct, np.zeros_like(direct))

    @torch.no_grad()
    def _log_probability(self, y: np.ndarray, device: str) -> np.ndarray:
        condition = self.scaler.transform(y)
        base = self.logistic_.log_probability(condition)
        assert self.net_ is not None
        with on_device(self.net_.module_, device) as denoiser:
            chunks = [
                denoiser.log_probability(
                    *(as_tensor(a[i], device) for a in (base, condition))
                ).cpu()
                for i in slices(len(y))
            ]
        return torch.cat(chunks).double().numpy()

    def _calibrated(self, codes: np.ndarray, log_p: np.ndarray) -> np.ndarray:
        """Log-probabilities, between those of the margin and those of the network.

        Held-out samples tell how far to go, each half of them for the other. Few validation
        samples cannot tell when to stop, and what the network then makes of noise would be taken
        off the mutual information.
        """
        half = np.random.default_rng(self.seed_).permutation(len(codes)) % 2 == 0
        calibrated = np.empty_like(log_p)
        for part in (half, ~half):
            trust = self._best_trust(codes[~part], log_p[~part])
            calibrated[part] = tempered(self.log_prior_, log_p[part], trust)
        self.trust_ = self._best_trust(codes, log_p)
        return calibrated

    def _best_trust(self, codes: np.ndarray, log_p: np.ndarray) -> float:
        """The power of the likelihood ratio that fits best."""
        known = codes >= 0
        return best_trust(self.log_prior_, log_p[known], codes[known])

    def _curves(
        self, codes: np.ndarray, log_p: np.ndarray, low: float = -8.0, high: float = 8.0
    ) -> ErrorCurves:
        """Errors of both softmax denoisers of the code, at evenly spaced nodes."""
        rng = np.random.default_rng(self.seed_)
        logsnr = np.linspace(low, high, self.n_nodes)
        code = np.eye(self.n_classes)[codes]
        errors = np.zeros((3, self.n_nodes))
        for k, lam in enumerate(logsnr):
            # (a / b**2) z with z = a e + b eps
            evidence = np.exp(lam) * code + np.exp(lam / 2) * rng.standard_normal(code.shape)
            conditional = np.exp(log_softmax(evidence + log_p, axis=1))
            unconditional = np.exp(log_softmax(evidence + self.log_prior_, axis=1))
            differences = (code - unconditional, code - conditional, conditional - unconditional)
            errors[:, k] = [np.exp(lam) * (d**2).sum(axis=1).mean() for d in differences]
        density = np.full(self.n_nodes, 1 / (high - low))
        return ErrorCurves(logsnr, *errors, density=density)
