"""Estimators that model one side given the other."""

from sklearn_mmg._blocks import Sides
from sklearn_mmg.baselines._trained import MixedMutualInfo, estimator_with_parameters
from sklearn_mmg.preprocessing import make_transformer


@estimator_with_parameters
class ConditionalMutualInfo(MixedMutualInfo):
    """The models see the side to be modelled first, then the side that conditions.

    That is the continuous one, of two the lower-dimensional one, and `X` between equals. Discrete
    columns condition as one-hot codes; next to continuous ones of the modelled side they get
    uniform noise within their code, which leaves the mutual information unchanged.
    """

    @property
    def _models_both_sides(self):
        """Whether the model is one of both sides together: neither may then be discrete."""
        return False

    def _fit_encoding(self, X, y, seed):
        masks = self._masks
        if self._models_both_sides and any(mask.any() for mask in masks):
            raise ValueError(
                f"variant={self.variant!r} of {type(self).__name__} models both sides together, "
                "which have to be continuous. Use the conditional variant."
            )
        discrete_x, discrete_y = (mask.all() for mask in masks)
        if discrete_x and discrete_y:
            raise ValueError(
                f"{type(self).__name__} models a continuous side given the other, but both are "
                "discrete. Use MMGMutualInfo."
            )
        modelled = "X" if discrete_y or self._models_both_sides else "y" if discrete_x else "auto"
        self.sides_ = Sides(X, y, masks, modelled, seed)

    @property
    def _order_of_sides(self):
        return "Xy" if self.sides_.denoised == "X" else "yX"

    def _encode(self, X, y):
        return self.sides_.encode(X, y)

    def _transformers(self):
        condition = self.sides_.condition
        return (
            make_transformer(self.preprocessing),
            make_transformer(self.preprocessing, condition.n_continuous, condition.n_discrete),
        )
