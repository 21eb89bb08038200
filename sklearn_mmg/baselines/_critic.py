"""Lower bounds that a critic of joint against independent pairs gives."""

import math
from abc import abstractmethod

from sklearn.utils._param_validation import StrOptions

from sklearn_mmg.baselines._trained import (
    SHARED_DOCS,
    TrainedMutualInfo,
    estimator_with_parameters,
)

SHARED_DOCS["{critic}"] = """critic : {"separable", "joint", "bilinear"}, default="separable"
        How pairs are scored: by an inner product of two codes, which scores all pairs of a batch
        for the price of its rows; by one network of both sides, more flexible and slower; by
        ``x W y``, which sees linear dependence only."""


@estimator_with_parameters
class CriticMutualInfo(TrainedMutualInfo):
    """A subclass adds its bound."""

    _parameter_constraints = TrainedMutualInfo._parameter_constraints | {
        "critic": [StrOptions({"separable", "joint", "bilinear"})]
    }
    _clip = math.inf  # of the scores of independent pairs

    critic: str = "separable"

    @abstractmethod
    def _bound(self):
        """Objective and value, of :mod:`sklearn_mmg.neural.critics`."""

    def _new_model(self):
        from sklearn_mmg.neural.critic_model import CriticModel

        return CriticModel(
            self._bound(),
            self.critic,
            self._clip,
            self._transformers(),
            self._settings(),
            self.width,
            self.depth,
        )

    def score(self, X, y):
        """Held-out bound on other data, in nats: safe to maximise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        score : float
        """
        return self.mutual_info(X, y)
