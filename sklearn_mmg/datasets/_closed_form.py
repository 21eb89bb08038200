"""Distributions with a closed form of the mutual information."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve
from scipy.special import digamma, gammaln
from sklearn.utils._param_validation import Interval

from sklearn_mmg._validation import validate_params
from sklearn_mmg.datasets._base import Blocks, JointDistribution


class JointNormal(JointDistribution):
    """Jointly normal blocks with mean zero.

    The mutual information is half of ``log|C_x| + log|C_y| - log|C|``.

    Parameters
    ----------
    covariance : array-like of shape (dim_x + dim_y, dim_x + dim_y)
        Positive definite.
    dim_x : int
        The first columns are the block ``X``.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.

    Raises
    ------
    ValueError
        If the covariance is not positive definite.

    See Also
    --------
    JointNormalMixture : A mixture of them.
    JointStudent : Heavy tails, and dependence without correlation.
    load_task : Ready-made distributions, by name.

    Examples
    --------
    >>> from sklearn_mmg.datasets import JointNormal
    >>> distribution = JointNormal([[1.0, 0.75], [0.75, 1.0]], dim_x=1)
    >>> round(distribution.mutual_information, 3)
    0.413
    >>> X, y = distribution.sample(5, random_state=0)
    >>> X.shape
    (5, 1)
    """

    def __init__(self, covariance: ArrayLike, dim_x: int) -> None:
        self.covariance = np.asarray(covariance, dtype=np.float64)
        self.dim_x = dim_x
        self.dim_y = len(self.covariance) - dim_x
        try:
            self._root = np.linalg.cholesky(self.covariance)
        except np.linalg.LinAlgError as error:
            raise ValueError("The covariance matrix is not positive definite.") from error
        # The lower right block of the root is the root of the covariance of y given x.
        conditional = 2 * np.log(np.diag(self._root)[dim_x:]).sum()
        marginal = np.linalg.slogdet(self.covariance[dim_x:, dim_x:])[1]
        self.mutual_information = float(0.5 * (marginal - conditional))

    @classmethod
    def sparse(
        cls, dim_x: int = 1, dim_y: int | None = None, *, correlations: Sequence[float] = (0.75,)
    ) -> Self:
        """Unit normals of which only the first pairs are correlated.

        The truth is as simple as can be, and further columns are noise: for tests of an estimator,
        and of what irrelevant columns cost it.

        Parameters
        ----------
        dim_x : int, default=1
            Columns of `X`.
        dim_y : int, default=None
            None takes `dim_x`.
        correlations : sequence of float, default=(0.75,)
            Of column i of `X` with column i of `y`; all others are independent.

        Returns
        -------
        JointNormal
            Its mutual information is the sum of ``-log(1 - correlation**2)/2``.

        Raises
        ------
        ValueError
            If there are more correlations than columns, or one is not between -1 and 1.

        See Also
        --------
        JointNormal.dense : All columns are correlated with all others.
        WithNoiseColumns : Further columns for any distribution.

        Examples
        --------
        >>> from sklearn_mmg.datasets import JointNormal
        >>> normal = JointNormal.sparse(3, correlations=(0.8, 0.8))
        >>> round(normal.mutual_information, 3)
        1.022
        """
        dim_y = dim_x if dim_y is None else dim_y
        if len(correlations) > min(dim_x, dim_y):
            raise ValueError(
                f"{len(correlations)} correlations were given for {dim_x} + {dim_y} columns."
            )
        if not all(-1 < c < 1 for c in correlations):
            raise ValueError(
                f"correlations must be between -1 and 1, without the ends. Got {correlations}."
            )
        covariance = np.eye(dim_x + dim_y)
        pairs = np.arange(len(correlations))
        covariance[pairs, dim_x + pairs] = covariance[dim_x + pairs, pairs] = correlations
        return cls(covariance, dim_x)

    @classmethod
    def dense(cls, n_dims: int = 1, *, correlation: float = 0.5) -> Self:
        """Two blocks of `n_dims` unit normals, any two of them with the same correlation.

        Every column of one block tells a little of every column of the other: dependence that no
        single pair of columns shows.

        Parameters
        ----------
        n_dims : int, default=1
            Columns of each block.
        correlation : float, default=0.5
            Of any two of all columns.

        Returns
        -------
        JointNormal
            With `n_dims` columns on either side.

        See Also
        --------
        JointNormal.sparse : Only pairs of columns are correlated.

        Examples
        --------
        >>> from sklearn_mmg.datasets import JointNormal
        >>> round(JointNormal.dense(5, correlation=0.5).mutual_information, 3)
        0.593
        """
        covariance = np.full((2 * n_dims, 2 * n_dims), float(correlation))
        np.fill_diagonal(covariance, 1.0)
        return cls(covariance, n_dims)

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        columns = rng.standard_normal((n_samples, len(self.covariance))) @ self._root.T
        return columns[:, : self.dim_x], columns[:, self.dim_x :]

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        # From the density of y given x: that of the joint vector loses digits at strong dependence.
        d = self.dim_x
        regression = cho_solve(cho_factor(self.covariance[:d, :d]), self.covariance[:d, d:])
        residual = np.linalg.solve(self._root[d:, d:], (y - X @ regression).T)
        white = np.linalg.solve(np.linalg.cholesky(self.covariance[d:, d:]), y.T)
        return self.mutual_information + 0.5 * ((white**2).sum(0) - (residual**2).sum(0))


class JointStudent(JointDistribution):
    """Two blocks of a multivariate t with identity dispersion: dependent, not correlated.

    The mutual information follows from the entropies of t distributions (Czyż et al. 2023).

    Parameters
    ----------
    n_dims : int, default=1
        Columns of each block.
    dof : float, default=1
        Degrees of freedom; fewer mean heavier tails and more dependence.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.

    See Also
    --------
    JointNormal : Without heavy tails.
    Ring : Another dependence without correlation.

    Examples
    --------
    >>> from sklearn_mmg.datasets import JointStudent
    >>> round(JointStudent(n_dims=5, dof=2).mutual_information, 3)
    0.448
    """

    @validate_params(
        {
            "n_dims": [Interval(Integral, 1, None, closed="left")],
            "dof": [Interval(Real, 0, None, closed="neither")],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(self, n_dims: int = 1, dof: float = 1) -> None:
        self.dim_x = self.dim_y = n_dims
        self.dof = dof
        self.mutual_information = float(2 * self._entropy(n_dims) - self._entropy(2 * n_dims))

    def _log_norm(self, d: int) -> float:
        half = self.dof / 2
        return gammaln(half + d / 2) - gammaln(half) - d / 2 * np.log(self.dof * np.pi)

    def _entropy(self, d: int) -> float:
        total = (self.dof + d) / 2
        return total * (digamma(total) - digamma(self.dof / 2)) - self._log_norm(d)

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        scale = np.sqrt(rng.chisquare(self.dof, size=(n_samples, 1)) / self.dof)
        columns = rng.standard_normal((n_samples, 2 * self.dim_x)) / scale
        return columns[:, : self.dim_x], columns[:, self.dim_x :]

    def _log_density(self, columns: np.ndarray) -> np.ndarray:
        d = columns.shape[1]
        square = (columns**2).sum(axis=1)
        return self._log_norm(d) - (self.dof + d) / 2 * np.log1p(square / self.dof)

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        joint = self._log_density(np.hstack([X, y]))
        return joint - self._log_density(X) - self._log_density(y)


class AdditiveUniform(JointDistribution):
    """A uniform column, and the same plus uniform noise.

    The mutual information is the entropy of a trapezoid less that of the noise.

    Parameters
    ----------
    noise : float, default=0.1
        The noise is uniform in ``[-noise, noise]``.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.

    See Also
    --------
    OverlappingUniforms : With a discrete column.
    JointNormal : Densities without edges.

    Examples
    --------
    >>> from sklearn_mmg.datasets import AdditiveUniform
    >>> round(AdditiveUniform(noise=0.1).mutual_information, 3)
    1.709
    """

    dim_x = dim_y = 1

    @validate_params(
        {"noise": [Interval(Real, 0, None, closed="neither")]}, prefer_skip_nested_validation=True
    )
    def __init__(self, noise: float = 0.1) -> None:
        self.noise = noise
        self.mutual_information = float(
            1 / (4 * noise) if noise > 0.5 else noise - np.log(2 * noise)
        )

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        X = rng.uniform(size=(n_samples, 1))
        return X, X + rng.uniform(-self.noise, self.noise, size=(n_samples, 1))

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        sources = np.minimum(1, y + self.noise) - np.maximum(0, y - self.noise)
        inside = (np.abs(y - X) <= self.noise * (1 + 1e-12)) & (X >= 0) & (X <= 1)
        return np.where(inside, -np.log(np.where(inside, sources, 1)), -np.inf)[:, 0]
