"""Lower bounds that a critic of joint against independent pairs gives."""

from abc import abstractmethod

from sklearn.utils._param_validation import StrOptions

from sklearn_mmg._blocks import Block
from sklearn_mmg.baselines._trained import (
    SHARED_DOCS,
    MixedMutualInfo,
    estimator_with_parameters,
)
from sklearn_mmg.preprocessing import make_transformer

SHARED_DOCS["{critic}"] = """critic : {"separable", "joint", "bilinear"}, default="separable"
        How pairs are scored, those of different samples of a batch standing for independent ones:
        by an inner product of two codes, which scores all of them for the price of the rows; by
        one network of both sides, more flexible and slower; by ``x W y``, which sees linear
        dependence only."""


@estimator_with_parameters
class CriticMutualInfo(MixedMutualInfo):
    """A subclass adds its bound. A critic sees a discrete column as its one-hot code."""

    _parameter_constraints = MixedMutualInfo._parameter_constraints | {
        "critic": [StrOptions({"separable", "joint", "bilinear"})]
    }

    critic: str = "separable"

    @abstractmethod
    def _bound(self):
        """Objective and value, of :mod:`sklearn_mmg.neural.critics`."""

    def _fit_encoding(self, X, y, seed):
        self.blocks_ = [Block(*side) for side in zip((X, y), self._masks, strict=True)]

    def _encode(self, X, y):
        return [
            block.as_condition(columns) for block, columns in zip(self.blocks_, (X, y), strict=True)
        ]

    def _transformers(self):
        return [
            make_transformer(self.preprocessing, block.n_continuous, block.n_discrete)
            for block in self.blocks_
        ]

    def _new_model(self):
        from sklearn_mmg.neural.critic_model import CriticModel

        return CriticModel(
            self._bound(),
            self.critic,
            self._transformers(),
            self._settings(),
            self.width,
            self.depth,
        )
