"""Class probabilities given any subset of columns."""

import numpy as np
import torch
from scipy.special import log_softmax
from torch import Tensor

from sklearn_mmg._core.logistic import log_margin
from sklearn_mmg._core.training import as_tensor
from sklearn_mmg.diffusion.subsets import DiscriminantAnalysis, Inputs, MaskedClassifier
from sklearn_mmg.feature_selection._subset_model import SubsetModel, for_masks

MAX_TRUST = 1.5  # probabilities that are too timid are sharpened by no more
NEWTON_STEPS = 8


class ClassSubsets(SubsetModel[MaskedClassifier]):
    """Probabilities of the classes of a discrete target.

    The denoiser of a one-hot code is known for every log-SNR once they are, and the integral of the
    gap between two such denoisers is the log-ratio of their probabilities.

    Parameters
    ----------
    n_classes : int
    **parameters : those of :class:`SubsetModel`
    """

    target_name = "code"
    target_type = torch.int64

    def __init__(self, *, n_classes: int, **parameters) -> None:
        super().__init__(**parameters)
        self.n_classes = n_classes

    def _fit_target(self, target: np.ndarray) -> bool:
        self.log_prior_ = log_margin(target, self.n_classes)
        return len(np.unique(target)) > 1

    def _prepare_target(self, target: np.ndarray) -> np.ndarray:
        return target

    def _outcomes(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.eye(self.n_classes)[target], target

    def _new_module(
        self, target: np.ndarray, x: np.ndarray, training: np.ndarray, inputs: Inputs
    ) -> MaskedClassifier:
        # Of what judges helped to fit they would be too sure.
        self.closed_form_ = DiscriminantAnalysis(target[training], x[training], self.n_classes)
        return MaskedClassifier(inputs, self.log_prior_, **self.network)

    def _values(
        self, target: np.ndarray, x: np.ndarray, masks: Tensor, n_nodes: int | None
    ) -> np.ndarray:
        codes, (judged, judges) = target, self.judges_
        seen, judges = as_tensor(x, masks.device), as_tensor(judges, masks.device)
        known = codes >= 0  # a class that is new tells nothing
        parts = self._parts(masks)
        trust = best_trust(self.log_prior_, self._log_odds(judges, parts), judged)
        odds = trust[:, None, None] * self._log_odds(seen, parts)
        # Nothing that is seen tells nothing, without a rounding error.
        gain = log_softmax(self.log_prior_ + odds, axis=2) - log_softmax(self.log_prior_)
        values = np.zeros((len(masks), len(codes)))
        values[:, known] = gain[:, known, codes[known]]
        return values

    def _log_odds(self, x: Tensor, parts: dict[str, Tensor]) -> np.ndarray:
        start, added = self.module_.log_odds(for_masks(x, len(parts["mask"])), **parts)
        return (start + added).cpu().double().numpy()


def best_trust(log_prior: np.ndarray, odds: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The power of the likelihood ratio under which classes are most likely.

    By Newton's method: the logarithm of the likelihood is concave in it.

    Parameters
    ----------
    log_prior : ndarray of shape (n_classes,)
    odds : ndarray of shape (n_masks, n, n_classes)
        What is added to it for every sample, given the columns of a mask.
    codes : ndarray of int of shape (n,)

    Returns
    -------
    trust : ndarray of shape (n_masks,)
    """
    trust = np.ones(len(odds))
    if len(codes) == 0:
        return trust
    chosen = odds[:, np.arange(len(codes)), codes].mean(axis=1)
    for _ in range(NEWTON_STEPS):
        p = np.exp(log_softmax(log_prior + trust[:, None, None] * odds, axis=2))
        mean = (p * odds).sum(axis=2)
        curvature = ((p * odds**2).sum(axis=2) - mean**2).mean(axis=1)
        slope = chosen - mean.mean(axis=1)
        # Where the odds are all the same no trust is better than another.
        step = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 0)
        trust = np.clip(trust + step, 0.0, MAX_TRUST)
    return trust
