"""Columns that carry nothing."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

from sklearn_mmg._validation import validate_params
from sklearn_mmg.datasets._base import Blocks, JointDistribution


class WithNoiseColumns(JointDistribution):
    """A distribution with independent uniform columns behind both blocks.

    The noise, of mean zero and variance one, changes neither the mutual information nor the
    pointwise values. Uniform, because at 500 columns a normal one would take three times as long
    to draw.

    Parameters
    ----------
    base : JointDistribution
        With continuous ``y``.
    n_columns : int
        To add to each block.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.

    See Also
    --------
    JointNormal.sparse : Normals of which only a few are correlated.
    MappedDistribution : Other changes of a distribution.

    Examples
    --------
    >>> from sklearn_mmg.datasets import JointNormal, WithNoiseColumns
    >>> distribution = WithNoiseColumns(JointNormal.sparse(), n_columns=99)
    >>> distribution.dim_x, distribution.dim_y, round(distribution.mutual_information, 3)
    (100, 100, 0.413)
    """

    @validate_params(
        {"base": [JointDistribution], "n_columns": [Interval(Integral, 0, None, closed="left")]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, base: JointDistribution, n_columns: int) -> None:
        self.base = base
        self.n_columns = n_columns
        self.dim_x, self.dim_y = base.dim_x + n_columns, base.dim_y + n_columns
        self.mutual_information = base.mutual_information
        self.mutual_information_se = base.mutual_information_se
        self.discrete_features = np.zeros(self.dim_x, dtype=bool)
        self.discrete_features[: base.dim_x] = base.discrete_features

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        X, y = self.base._sample(n_samples, rng)
        return self._add_noise(X, rng), self._add_noise(y, rng)

    def _add_noise(self, block: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Noise of the final shape first: to append columns would copy all of them."""
        shape = len(block), block.shape[1] + self.n_columns
        columns = rng.uniform(-np.sqrt(3), np.sqrt(3), size=shape)
        columns[:, : block.shape[1]] = block
        return columns

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.base._pointwise_mi(X[:, : self.base.dim_x], y[:, : self.base.dim_y])
