"""What every distribution with known mutual information offers."""

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval

from sklearn_mmg._validation import validate_params

Blocks = tuple[np.ndarray, np.ndarray]  # of shape (n_samples, dim_x) and (n_samples, dim_y)


class Bijection(Protocol):
    """A transformer of scikit-learn that can be inverted."""

    def transform(self, X: np.ndarray, /) -> np.ndarray: ...

    def inverse_transform(self, X: np.ndarray, /) -> np.ndarray: ...


class JointDistribution(ABC):
    """Distribution of two blocks of columns that knows its own mutual information.

    A subclass sets the attributes in ``__init__`` and implements ``_sample`` and
    ``_pointwise_mi``. All values are in nats.

    Attributes
    ----------
    dim_x, dim_y : int
        Columns of the two blocks.
    mutual_information : float
        Exact, or to the accuracy that the class states.
    mutual_information_se : float
        Standard error of that value; zero unless it is from a Monte Carlo integral.
    discrete_features : bool or ndarray of bool of shape (dim_x,)
        Which columns of ``X`` are discrete, as :class:`~sklearn_mmg.MMGMutualInfo` takes it.
    discrete_target : bool
        Whether ``y`` is discrete.

    See Also
    --------
    load_task : Ready-made distributions, by name.
    JointNormal : The simplest one.
    sklearn_mmg.benchmark.run_benchmark : Runs estimators on any of them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg.datasets import JointDistribution
    >>> class SameCoin(JointDistribution):
    ...     dim_x = dim_y = 1
    ...     mutual_information = np.log(2)
    ...     discrete_features = discrete_target = True
    ...
    ...     def _sample(self, n_samples, rng):
    ...         coin = rng.randint(2, size=(n_samples, 1)).astype(float)
    ...         return coin, coin
    ...
    ...     def _pointwise_mi(self, X, y):
    ...         return np.where(X == y, np.log(2), -np.inf)[:, 0]
    >>> X, y = SameCoin().sample(4, random_state=0)
    >>> SameCoin().pointwise_mi(X, y).round(3)
    array([0.693, 0.693, 0.693, 0.693])
    """

    dim_x: int
    dim_y: int
    mutual_information: float
    mutual_information_se: float = 0.0
    discrete_features: bool | np.ndarray = False
    discrete_target: bool = False

    def __repr__(self) -> str:
        truth = f"{self.mutual_information:.3f} nats"
        return f"<{type(self).__name__}: {self.dim_x} + {self.dim_y} columns, {truth}>"

    @abstractmethod
    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        """Both blocks."""

    @abstractmethod
    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """log p(x, y) / p(x) p(y) of every row, from checked two-dimensional blocks."""

    @validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(
        self, n_samples: int = 100, random_state: int | np.random.RandomState | None = None
    ) -> Blocks:
        """Draw independent samples.

        The same seed gives the same samples, and a longer sample need not begin with a shorter one.

        Parameters
        ----------
        n_samples : int, default=100
            How many.
        random_state : int, RandomState instance or None, default=None
            Seed, or generator that goes on from where it is.

        Returns
        -------
        X : ndarray of shape (n_samples, dim_x)
            One block.
        y : ndarray of shape (n_samples, dim_y)
            The other block.

        See Also
        --------
        pointwise_mi : True values of these samples.

        Examples
        --------
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse(3, 2).sample(4, random_state=0)
        >>> X.shape, y.shape
        ((4, 3), (4, 2))
        """
        return self._sample(n_samples, check_random_state(random_state))

    def pointwise_mi(self, X: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Pointwise mutual information of given samples, from the true densities.

        Its mean over a sample is the estimate that a perfect model would make, and its standard
        deviation over ``sqrt(n_samples)`` the standard error that no estimator can be rid of.

        Parameters
        ----------
        X : array-like of shape (n_samples, dim_x)
            One block.
        y : array-like of shape (n_samples, dim_y) or (n_samples,)
            The other block.

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats; infinite or NaN outside the support.

        See Also
        --------
        sample : Draws the samples.
        sklearn_mmg.MMGMutualInfo.pointwise_mi : An estimate of the same values.

        Examples
        --------
        >>> from sklearn_mmg.datasets import JointNormal
        >>> normal = JointNormal.sparse()  # 0.413 nats
        >>> values = normal.pointwise_mi(*normal.sample(1000, random_state=0))
        >>> bool(abs(values.mean() - normal.mutual_information) < 3 * values.std() / 1000**0.5)
        True
        """
        x_block, y_block = _numbers(X, "X"), _numbers(y, "y", ensure_2d=False)
        y_block = y_block.reshape(-1, 1) if y_block.ndim == 1 else y_block
        check_consistent_length(x_block, y_block)
        for name, block, dim in (("X", x_block, self.dim_x), ("y", y_block, self.dim_y)):
            if block.shape[1] != dim:
                raise ValueError(
                    f"{name} has {block.shape[1]} features, but {type(self).__name__} has {dim}."
                )
        return self._pointwise_mi(x_block, y_block)

    def mapped(
        self, x_map: Bijection | None = None, y_map: Bijection | None = None
    ) -> "MappedDistribution":
        """Distribution of ``(x_map(X), y_map(y))`` for invertible maps of the two blocks.

        Estimators are not invariant as the truth is: a map makes a hard task of an easy one with
        the same mutual information.

        Parameters
        ----------
        x_map, y_map : transformer, default=None
            With ``transform`` and ``inverse_transform``, such as a
            :class:`sklearn.preprocessing.FunctionTransformer`; None leaves the block as it is.

        Returns
        -------
        MappedDistribution
            With the same mutual information.

        See Also
        --------
        MappedDistribution : The class of the result.
        half_cube : A map that makes tails heavier.
        spiral : A map that mixes columns.

        Examples
        --------
        >>> from sklearn_mmg.datasets import JointNormal, half_cube
        >>> normal = JointNormal.sparse()
        >>> normal.mapped(half_cube()).mutual_information == normal.mutual_information
        True
        """
        return MappedDistribution(self, x_map, y_map)


def _numbers(a: ArrayLike, name: str, *, ensure_2d: bool = True) -> np.ndarray:
    return check_array(
        a,
        dtype=np.float64,  # pyright: ignore[reportArgumentType]  # inferred from a default
        input_name=name,
        ensure_2d=ensure_2d,
    )


class MappedDistribution(JointDistribution):
    """A distribution whose blocks go through invertible maps.

    Mutual information, pointwise too, does not change under a bijection of either block.

    Parameters
    ----------
    base : JointDistribution
        What is mapped.
    x_map, y_map : transformer, default=None
        With ``transform`` and ``inverse_transform``; None leaves the block as it is.

    See Also
    --------
    JointDistribution.mapped : A shorter way to write it.
    half_cube : One of the maps.

    Examples
    --------
    >>> from sklearn_mmg.datasets import JointNormal, MappedDistribution, half_cube
    >>> distribution = MappedDistribution(JointNormal.sparse(), half_cube(), half_cube())
    >>> X, y = distribution.sample(4, random_state=0)
    >>> distribution.pointwise_mi(X, y).round(2)
    array([1.59, 0.36, 0.22, 0.59])
    """

    def __init__(
        self,
        base: JointDistribution,
        x_map: Bijection | None = None,
        y_map: Bijection | None = None,
    ) -> None:
        self.base = base
        self.x_map = x_map
        self.y_map = y_map
        X, y = self.sample(1, random_state=0)
        self.dim_x, self.dim_y = X.shape[1], y.shape[1]
        self.mutual_information = base.mutual_information
        self.mutual_information_se = base.mutual_information_se
        self.discrete_features = base.discrete_features
        self.discrete_target = base.discrete_target

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        X, y = self.base._sample(n_samples, rng)
        X = X if self.x_map is None else self.x_map.transform(X)
        return X, y if self.y_map is None else self.y_map.transform(y)

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        X = X if self.x_map is None else self.x_map.inverse_transform(X)
        y = y if self.y_map is None else self.y_map.inverse_transform(y)
        return self.base._pointwise_mi(X, y)
