"""A pair of columns that lies around a circle."""

from numbers import Real

import numpy as np
from scipy.integrate import quad
from scipy.special import i0e, logsumexp
from scipy.stats import rice
from sklearn.utils._param_validation import Interval

from sklearn_mmg._validation import validate_params
from sklearn_mmg.datasets._base import Blocks, JointDistribution


class Ring(JointDistribution):
    """Cosine and sine of a uniform angle, both plus normal noise.

    The two columns are dependent but not correlated. Their density depends on the distance r from
    the origin alone and is ``rice(r) / (2 π r)`` with the density of the Rice distribution; that
    of one column is a mean of normals over the angle, for which the trapezoidal rule is exact to
    rounding because the integrand is periodic. The mutual information is twice the entropy of a
    column less the joint one, each a one-dimensional integral by adaptive quadrature, to 1e-8
    nats.

    Parameters
    ----------
    noise : float, default=0.1
        Standard deviation of the noise; the circle has radius one.

    Attributes
    ----------
    dim_x, dim_y : int
    mutual_information : float
        In nats.

    See Also
    --------
    JointStudent : Another dependence without correlation.
    spiral : A map that winds any columns.

    Examples
    --------
    >>> from sklearn_mmg.datasets import Ring
    >>> round(Ring(noise=0.1).mutual_information, 3)
    0.679
    """

    dim_x = dim_y = 1

    @validate_params(
        {"noise": [Interval(Real, 0, None, closed="neither")]}, prefer_skip_nested_validation=True
    )
    def __init__(self, noise: float = 0.1) -> None:
        self.noise = noise
        # Half a circle: six nodes to an arc as long as the noise reach the last digit.
        n_angles = 16 + int(np.ceil(6 * np.pi / noise))
        self._centres = np.cos((np.arange(n_angles) + 0.5) * np.pi / n_angles)
        self.mutual_information = 2 * self._entropy_of_column() - self._joint_entropy()

    def _entropy_of_column(self) -> float:
        def integrand(x: float) -> float:
            log_density = self._log_column(np.array([[x]])).item()
            return -np.exp(log_density) * log_density

        return 2 * quad(integrand, 0, 1 + 10 * self.noise, points=[1], epsabs=1e-10, limit=200)[0]

    def _joint_entropy(self) -> float:
        def integrand(r: float) -> float:
            density = rice.pdf(r, 1 / self.noise, scale=self.noise)
            return -float(density * self._log_joint(np.asarray(r)))

        high = 1 + 10 * self.noise
        return quad(integrand, 0, high, points=[1], epsabs=1e-10, limit=200)[0]

    def _sample(self, n_samples: int, rng: np.random.RandomState) -> Blocks:
        angle = rng.uniform(0, 2 * np.pi, size=(n_samples, 1))
        noise = self.noise * rng.standard_normal((n_samples, 2))
        return np.cos(angle) + noise[:, :1], np.sin(angle) + noise[:, 1:]

    def _log_joint(self, r: np.ndarray) -> np.ndarray:
        variance = self.noise**2
        bessel = np.log(i0e(r / variance))
        return bessel - (r - 1) ** 2 / (2 * variance) - np.log(2 * np.pi * variance)

    def _log_column(self, x: np.ndarray) -> np.ndarray:
        square = ((x - self._centres) / self.noise) ** 2
        norm = np.log(len(self._centres) * self.noise * np.sqrt(2 * np.pi))
        return logsumexp(-0.5 * square, axis=1) - norm

    def _pointwise_mi(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        joint = self._log_joint(np.hypot(X, y))[:, 0]
        return joint - self._log_column(X) - self._log_column(y)
