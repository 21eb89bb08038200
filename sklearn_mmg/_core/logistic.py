"""Logistic regression that is penalised as held-out evidence prefers."""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

# From coefficients of almost zero to a weak prior.
INVERSE_PENALTIES = 10.0 ** np.arange(-3, 2.1, 0.5)
N_FOLDS = 4
MAX_ITERATIONS = 300
# Up to so many coefficients few Newton steps cost less than many gradient ones.
MAX_NEWTON_SIZE = 300


def log_margin(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Logarithms of the shares of classes, of shape (n_classes,).

    With half a count for every class: one that a split lacks keeps a probability.
    """
    counts = np.bincount(codes, minlength=n_classes) + 0.5
    return np.log(counts / counts.sum())


class HeldOutLogistic:
    """Multinomial logistic regression, from the margin of the classes to a weak penalty.

    Parameters
    ----------
    log_prior : ndarray of shape (n_classes,)
        What is left where held-out samples do not gain by a regression, and for a class that is
        in no training sample.

    Attributes
    ----------
    inverse_penalty_ : float
        0 for the margin itself.
    """

    def __init__(self, log_prior: np.ndarray) -> None:
        self.log_prior = log_prior

    def fit(self, x: np.ndarray, codes: np.ndarray, seed: int) -> np.ndarray:
        """Fit on `x` of shape (n, d) and integer `codes` of shape (n,).

        Returns
        -------
        log_p : ndarray of shape (n, n_classes)
            Log-probabilities of the training samples by regressions that did not see them: what
            comes next must not take overfitting for certainty.
        """
        self.inverse_penalty_, self.model_ = 0.0, None
        best_log_p = self.log_probability(x)
        counts = np.bincount(codes, minlength=len(self.log_prior))
        if (counts > 0).sum() < 2 or counts.max() < N_FOLDS or x.shape[1] == 0:
            return best_log_p
        with warnings.catch_warnings():
            # Classes with fewer samples than folds, and fits that stop early, are held out too.
            warnings.simplefilter("ignore", category=ConvergenceWarning)
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            splitter = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
            splits = list(splitter.split(x, codes))
            gains = [0.0]
            for inverse_penalty in INVERSE_PENALTIES:
                log_p = self._held_out(x, codes, splits, inverse_penalty)
                gains.append((log_p - self.log_prior)[np.arange(len(codes)), codes].sum())
                if gains[-1] >= max(gains):
                    best_log_p, self.inverse_penalty_ = log_p, float(inverse_penalty)
                elif len(gains) > 2 and max(gains[-2:]) < max(gains):
                    break  # twice below the best
            if self.inverse_penalty_:
                self.model_ = self._regression(self.inverse_penalty_, x).fit(x, codes)
        return best_log_p

    def _held_out(
        self,
        x: np.ndarray,
        codes: np.ndarray,
        splits: Sequence[tuple[np.ndarray, np.ndarray]],
        inverse_penalty: float,
    ) -> np.ndarray:
        log_p = np.empty((len(x), len(self.log_prior)))
        for train, test in splits:
            if np.ptp(codes[train]) == 0:
                log_p[test] = self.log_prior
                continue
            model = self._regression(inverse_penalty, x).fit(x[train], codes[train])
            log_p[test] = self._with_prior(model, x[test])
        return log_p

    def log_probability(self, x: np.ndarray) -> np.ndarray:
        """Log-probabilities of shape (n, n_classes)."""
        if self.model_ is None:
            return np.tile(self.log_prior, (len(x), 1))
        return self._with_prior(self.model_, x)

    def _with_prior(self, model: LogisticRegression, x: np.ndarray) -> np.ndarray:
        """Those of a regression; a class that it lacks keeps its prior."""
        log_p = np.tile(self.log_prior, (len(x), 1))
        known = model.classes_
        log_p[:, known] = np.log(np.exp(self.log_prior[known]).sum())
        # Not the logarithm of probabilities, which of separable classes may be zero.
        logits = model.decision_function(x)
        if logits.ndim == 1:
            logits = np.column_stack([np.zeros(len(x)), logits])
        log_p[:, known] += log_softmax(logits, axis=1)
        return log_p

    def _regression(self, inverse_penalty: float, x: np.ndarray) -> LogisticRegression:
        size = (x.shape[1] + 1) * len(self.log_prior)
        solver = "newton-cholesky" if size <= MAX_NEWTON_SIZE else "lbfgs"
        return LogisticRegression(C=inverse_penalty, solver=solver, max_iter=MAX_ITERATIONS)
