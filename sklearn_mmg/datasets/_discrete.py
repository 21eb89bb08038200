"""Pairs of which one side, or both, is discrete or has an atom."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from scipy.integrate import quad
from scipy.special import digamma, gammaln, log_softmax, xlogy
from sklearn.utils._param_validation import Interval

from sklearn_mmg._validation import validate_params
from sklearn_mmg.datasets._base import Blocks, JointDistribution


class CategoricalNormal(JointDistribution):
    """Equally frequent classes, and a unit normal around the mean of the class.

    The block ``X`` is the normal, ``y`` the class ``0, 1, ...``. The mutual information is the
    mean over the classes of a one-dimensional integral of the pointwise values, by adaptive
    quadrature to 1e-10 nats.

    Parameters
    ----------
    means : sequence of float
        Of the normal column, one per class.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.
    discrete_target : bool

    See Also
    --------
    OverlappingUniforms : A discrete column and a uniform one.
    ZeroInflatedPoisson : A count, and the mean that it is drawn with.

    Examples
    --------
    >>> from sklearn_mmg.datasets import CategoricalNormal
    >>> round(CategoricalNormal([-1.0, 1.0]).mutual_information, 3)
    0.337
    """

    dim_x = dim_y = 1
    discrete_target = True

    def __init__(self, means: Sequence[float]) -> None:
        self.means = np.asarray(means, dtype=np.float64)
        self.mutual_information = np.mean([self._information(k) for k in range(len(means))]).item()

    def _information(self, k: int) -> float:
        """Kullback-Leibler divergence of the density of class k from that of all."""

        def integrand(x: float) -> float:
            density = np.exp(-0.5 * (x - self.means[k]) ** 2) / np.sqrt(2 * np.pi)
            return density * self._pointwise_mi(np.array([[x]]), np.array([[k]])).item()

        low, high = self.means[k] - 12, self.means[k] + 12
        return quad(integrand, low, high, epsabs=1e-11, limit=200)[0]

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        label = rng.randint(len(self.means), size=(n_samples, 1))
        return self.means[label] + rng.standard_normal((n_samples, 1)), label.astype(np.float64)

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        log_posterior = log_softmax(-0.5 * (X - self.means) ** 2, axis=1)
        is_class = y == np.arange(len(self.means))
        return np.log(len(self.means)) + np.where(is_class, log_posterior, -np.inf).max(axis=1)


class OverlappingUniforms(JointDistribution):
    """A discrete uniform column, and a continuous one that is uniform on ``[X, X + 2]``.

    The block ``X`` has the values ``0, ..., m - 1``. Its mutual information with ``y`` is
    ``log m - (m - 1)/m log 2``: all of ``X`` but for the coin between two neighbours (Gao et al.,
    "Estimating Mutual Information for Discrete-Continuous Mixtures", NeurIPS 2017).

    Parameters
    ----------
    n_values : int, default=5
        The m of the formula; 5 is the choice of the paper.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.
    discrete_features : bool

    See Also
    --------
    CategoricalNormal : Classes whose normals overlap.
    AdditiveUniform : Two continuous columns.

    Examples
    --------
    >>> from sklearn_mmg.datasets import OverlappingUniforms
    >>> round(OverlappingUniforms(n_values=5).mutual_information, 3)
    1.055
    """

    dim_x = dim_y = 1
    discrete_features = True

    @validate_params(
        {"n_values": [Interval(Integral, 1, None, closed="left")]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, n_values: int = 5) -> None:
        self.n_values = n_values
        self.mutual_information = float(np.log(n_values) - (1 - 1 / n_values) * np.log(2))

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        X = rng.randint(self.n_values, size=(n_samples, 1)).astype(np.float64)
        return X, X + rng.uniform(0, 2, size=(n_samples, 1))

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        # Only the first and the last unit of y have one value of X to come from.
        n_sources = np.where((y < 1) | (y >= self.n_values), 1, 2)
        inside = (y >= X) & (y <= X + 2) & np.isin(X, np.arange(self.n_values))
        return np.where(inside, np.log(self.n_values / n_sources), -np.inf)[:, 0]


class ZeroInflatedPoisson(JointDistribution):
    """An exponential column, and a count that is Poisson with that mean, or zero.

    The block ``X`` is exponential with mean one; ``y`` is zero with the given probability,
    whatever ``X`` is, and Poisson with mean ``X`` otherwise.

    The count k is the sum of a probability ``p 1[k = 0] + (1 - p) 2**-(k + 1)``. The mutual
    information is a sum over k of integrals over x that have closed forms, elementary for k = 0
    and by the mean logarithm of a gamma variable for k > 0; the sum is exact to rounding.

    Gao et al., "Estimating Mutual Information for Discrete-Continuous Mixtures" (NeurIPS 2017),
    from whom the pair is, state ``(1 - p)(2 log 2 - γ - sum_k log(k) 2**-k)`` instead. That is
    the information of an observer who can tell an added zero from one of the Poisson variable;
    for ``p = 0`` the two agree, otherwise theirs is larger.

    Parameters
    ----------
    probability : float, default=0.15
        Of an added zero; 0.15 is the choice of the paper.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.
    discrete_target : bool

    See Also
    --------
    ZeroInflated : Added zeros of any continuous distribution.
    CategoricalNormal : Classes and a normal column.

    Examples
    --------
    >>> from sklearn_mmg.datasets import ZeroInflatedPoisson
    >>> round(ZeroInflatedPoisson(probability=0.15).mutual_information, 3)  # not 0.256
    0.23
    """

    dim_x = dim_y = 1
    discrete_target = True

    @validate_params(
        {"probability": [Interval(Real, 0, 1, closed="left")]}, prefer_skip_nested_validation=True
    )
    def __init__(self, probability: float = 0.15) -> None:
        self.probability = probability
        self.mutual_information = float(self._of_zero() + self._of_positive().sum())

    def _of_zero(self) -> float:
        """Integral over u = exp(-x), uniform, of v log(v/p0) for v = p + (1 - p) u."""
        p = self.probability
        p0 = (1 + p) / 2
        upper, lower = -np.log(p0) / 2 - 1 / 4, xlogy(p**2, p / p0) / 2 - p**2 / 4
        return (upper - lower) / (1 - p)

    def _of_positive(self) -> np.ndarray:
        """The term of every positive count that has any probability; x given k is gamma."""
        k = np.arange(1, 100)
        mean_log_ratio = k * digamma(k + 1) - gammaln(k + 1) + np.log(2) - (k + 1) / 2
        return (1 - self.probability) * 0.5 ** (k + 1) * mean_log_ratio

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        X = rng.standard_exponential((n_samples, 1))
        count = rng.poisson(X)
        return X, np.where(rng.uniform(size=X.shape) < self.probability, 0.0, count)

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        p = self.probability
        with np.errstate(invalid="ignore", divide="ignore"):
            positive = xlogy(y, X) - X - gammaln(y + 1) + (y + 1) * np.log(2)
        zero = np.log(p + (1 - p) * np.exp(-X)) - np.log((1 + p) / 2)
        inside = (X >= 0) & (y >= 0) & (y == np.floor(y))
        return np.where(inside, np.where(y == 0, zero, positive), -np.inf)[:, 0]


class ZeroInflated(JointDistribution):
    """A continuous distribution of which some rows of ``y`` are replaced by zeros.

    The zeros come whatever ``X`` is. They are visible, because a continuous ``y`` has no zeros of
    its own, so that the mutual information is that of the other rows times their share: mixed
    columns, neither discrete nor continuous, with a closed form.

    Parameters
    ----------
    base : JointDistribution
        With continuous ``y``.
    probability : float, default=0.3
        Of a row of zeros.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.

    Raises
    ------
    ValueError
        If ``y`` is discrete: then it may have zeros of its own.

    See Also
    --------
    ZeroInflatedPoisson : Of counts, which have zeros of their own.
    MappedDistribution : Other changes of a distribution.

    Examples
    --------
    >>> from sklearn_mmg.datasets import JointNormal, ZeroInflated
    >>> distribution = ZeroInflated(JointNormal.sparse(), probability=0.3)
    >>> round(distribution.mutual_information, 3)  # 0.7 times 0.413
    0.289
    """

    @validate_params(
        {"base": [JointDistribution], "probability": [Interval(Real, 0, 1, closed="both")]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, base: JointDistribution, probability: float = 0.3) -> None:
        if base.discrete_target:
            raise ValueError(
                f"y must be continuous, but that of {type(base).__name__} is discrete."
            )
        self.base = base
        self.probability = probability
        self.dim_x, self.dim_y = base.dim_x, base.dim_y
        self.mutual_information = (1 - probability) * base.mutual_information
        self.mutual_information_se = (1 - probability) * base.mutual_information_se
        self.discrete_features = base.discrete_features

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        X, y = self.base._sample(n_samples, rng)
        return X, np.where(rng.uniform(size=(n_samples, 1)) < self.probability, 0.0, y)

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where((y == 0).all(axis=1), 0.0, self.base._pointwise_mi(X, y))
