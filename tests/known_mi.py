"""Samplers whose mutual information is known in closed form."""

import numpy as np
from scipy.special import digamma, gammaln


def correlated_normals(n, rng, correlation=0.75, n_dims=1, n_pairs=1):
    """`n_pairs` pairs of correlated columns among `n_dims` on each side."""
    x, y = rng.normal(size=(2, n, n_dims))
    pairs = slice(n_pairs)
    y[:, pairs] = correlation * x[:, pairs] + np.sqrt(1 - correlation**2) * y[:, pairs]
    return x, y, -0.5 * n_pairs * np.log1p(-(correlation**2))


def student(n, rng, dof=1, n_dims=1):
    """Multivariate t with identity dispersion: dependence without correlation."""
    scale = np.sqrt(rng.chisquare(dof, size=(n, 1)) / dof)
    z = rng.normal(size=(n, 2 * n_dims)) / scale

    def entropy(d):
        total = dof + d
        log_norm = gammaln(total / 2) - gammaln(dof / 2) - d / 2 * np.log(dof * np.pi)
        return -log_norm + total / 2 * (digamma(total / 2) - digamma(dof / 2))

    return z[:, :n_dims], z[:, n_dims:], 2 * entropy(n_dims) - entropy(2 * n_dims)


def additive_uniform(n, rng, noise=0.1):
    """A uniform column plus uniform noise in ``[-noise, noise]``."""
    x = rng.uniform(size=(n, 1))
    y = x + rng.uniform(-noise, noise, size=(n, 1))
    mutual_information = 1 / (4 * noise) if noise > 0.5 else noise - np.log(2 * noise)
    return x, y, mutual_information
