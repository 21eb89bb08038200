"""Samples whose mutual information is known."""

import numpy as np
from scipy.special import digamma, gammaln, ndtr
from sklearn.utils import check_random_state


def make_normal(
    n_samples=100, *, correlation=0.75, n_dims=1, n_pairs=1, dense=False, random_state=None
):
    """Jointly normal blocks.

    Parameters
    ----------
    n_samples : int, default=100
    correlation : float, default=0.75
        Of every dependent pair of columns.
    n_dims : int, default=1
        Columns of each block.
    n_pairs : int, default=1
        Pairs of correlated columns, one in either block; all others are independent.
    dense : bool, default=False
        Whether instead all ``2 n_dims`` columns have the same correlation.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X, y : ndarray of shape (n_samples, n_dims)
    mutual_information : float
        In nats, from the log-determinants of the three covariance matrices.

    Examples
    --------
    >>> from sklearn_mmg.datasets import make_normal
    >>> X, y, mutual_information = make_normal(5, random_state=0)
    >>> X.shape, round(mutual_information, 3)
    ((5, 1), 0.413)
    """
    rng = check_random_state(random_state)
    if dense:
        covariance = np.full((2 * n_dims, 2 * n_dims), float(correlation))
        np.fill_diagonal(covariance, 1.0)
    else:
        covariance = np.eye(2 * n_dims)
        pairs = np.arange(n_pairs)
        covariance[pairs, n_dims + pairs] = covariance[n_dims + pairs, pairs] = correlation
    columns = rng.standard_normal((n_samples, 2 * n_dims)) @ np.linalg.cholesky(covariance).T
    blocks = covariance[:n_dims, :n_dims], covariance[n_dims:, n_dims:], covariance
    x, y, both = (np.linalg.slogdet(c)[1] for c in blocks)
    return columns[:, :n_dims], columns[:, n_dims:], float(0.5 * (x + y - both))


def make_student(n_samples=100, *, dof=1, n_dims=1, random_state=None):
    """Blocks of a multivariate t with identity dispersion: dependent, not correlated.

    Parameters
    ----------
    n_samples : int, default=100
    dof : float, default=1
        Degrees of freedom; fewer mean heavier tails and more dependence.
    n_dims : int, default=1
        Columns of each block.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X, y : ndarray of shape (n_samples, n_dims)
    mutual_information : float
        In nats, from the entropies of t distributions.

    Examples
    --------
    >>> from sklearn_mmg.datasets import make_student
    >>> X, y, mutual_information = make_student(5, random_state=0)
    >>> round(mutual_information, 3)
    0.224
    """
    rng = check_random_state(random_state)
    scale = np.sqrt(rng.chisquare(dof, size=(n_samples, 1)) / dof)
    columns = rng.standard_normal((n_samples, 2 * n_dims)) / scale

    def entropy(d):
        total = dof + d
        log_norm = gammaln(total / 2) - gammaln(dof / 2) - d / 2 * np.log(dof * np.pi)
        return -log_norm + total / 2 * (digamma(total / 2) - digamma(dof / 2))

    mutual_information = float(2 * entropy(n_dims) - entropy(2 * n_dims))
    return columns[:, :n_dims], columns[:, n_dims:], mutual_information


def make_additive_uniform(n_samples=100, *, noise=0.1, random_state=None):
    """A uniform column, and the same plus uniform noise.

    Parameters
    ----------
    n_samples : int, default=100
    noise : float, default=0.1
        The noise is uniform in ``[-noise, noise]``.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X, y : ndarray of shape (n_samples, 1)
    mutual_information : float
        In nats, from the entropies of a trapezoid and a uniform.

    Examples
    --------
    >>> from sklearn_mmg.datasets import make_additive_uniform
    >>> X, y, mutual_information = make_additive_uniform(5, random_state=0)
    >>> round(mutual_information, 3)
    1.709
    """
    rng = check_random_state(random_state)
    x = rng.uniform(size=(n_samples, 1))
    y = x + rng.uniform(-noise, noise, size=(n_samples, 1))
    mutual_information = 1 / (4 * noise) if noise > 0.5 else noise - np.log(2 * noise)
    return x, y, float(mutual_information)


def half_cube(x):
    """Increasing map ``x sqrt|x|``: heavier tails, the same mutual information."""
    return x * np.sqrt(np.abs(x))


def wiggly(x):
    """Increasing map of a column by added sines of small slope."""
    return x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5)


def swiss_roll(x):
    """Roll a standard normal column up into a spiral in the plane."""
    t = 1.5 * np.pi * (1 + 2 * ndtr(x))
    return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21
