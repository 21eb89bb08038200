"""Kullback-Leibler divergence of two samples."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mmg import MMGDivergence

QUICK = dict(n_steps=20, batch_size=128, width=16, depth=1, n_nodes=8, cv=2, random_state=0)


def two_normals(n_dims, n, seed):
    """Samples of two normals, and the divergence of the second from the first."""
    rng = np.random.default_rng(seed)
    shift, scale = np.full(n_dims, 1 / np.sqrt(n_dims)), np.linspace(0.7, 1.3, n_dims)
    q, p = rng.normal(size=(n, n_dims)), shift + scale * rng.normal(size=(n, n_dims))
    truth = 0.5 * (scale**2 + shift**2 - 1 - 2 * np.log(scale)).sum()
    return np.vstack([q, p]), np.repeat(["q", "p"], n), truth


@pytest.mark.parametrize("n_dims", [1, 5, 20])
def test_normals(n_dims):
    X, y, truth = two_normals(n_dims, 1500, n_dims)
    y = np.where(y == "p", "z", "a")  # the divergence is that of the last label
    divergence = MMGDivergence(**QUICK).fit(X, y)
    assert abs(divergence.divergence_ - truth) < 2.5 * divergence.divergence_se_ + 0.02
    assert divergence.classes_.tolist() == ["a", "z"]
    assert not any(d.adds_ for model in divergence.models_ for d in model.densities_)


def test_both_directions():
    X, y, truth = two_normals(2, 6000, 0)
    of_q = MMGDivergence(**QUICK).fit(X, y)  # "q" is the last label
    scale, shift = np.array([0.7, 1.3]), 1 / np.sqrt(2)
    other = 0.5 * ((1 + shift**2) / scale**2 - 1 + 2 * np.log(scale)).sum()
    assert abs(of_q.divergence_ - other) < 2.5 * of_q.divergence_se_ + 0.02
    assert abs(other - truth) > 2 * abs(of_q.divergence_ - other)


def test_standard_error_is_that_of_repeated_samples():
    estimates = []
    for seed in range(12):
        X, y, _ = two_normals(3, 200, seed)
        y = y == "p"
        estimates.append(MMGDivergence(**QUICK).fit(X, y))
    spread = np.std([e.divergence_ for e in estimates], ddof=1)
    errors = np.mean([e.divergence_se_ for e in estimates])
    # Of twelve values: chi-squared quantiles of 0.1 and 99.9 percent.
    low, high = np.sqrt(stats.chi2(11).ppf([0.001, 0.999]) / 11)
    assert low < spread / errors < high


def test_what_gaussians_do_not_know():
    rng = np.random.default_rng(0)
    sign = rng.choice([-1, 1], size=(2000, 1))
    p = 0.96 * sign + 0.28 * rng.normal(size=(2000, 1))  # of unit variance
    q = rng.normal(size=(2000, 1))
    X, y = np.vstack([q, p]), np.repeat([0, 1], 2000)
    divergence = MMGDivergence(**QUICK | dict(n_steps=200, width=32, depth=2)).fit(X, y)
    x = np.linspace(-6, 6, 4001)
    density = 0.5 * (stats.norm(0.96, 0.28).pdf(x) + stats.norm(-0.96, 0.28).pdf(x))
    truth = (density * (np.log(density) - stats.norm.logpdf(x))).sum() * (x[1] - x[0])
    # Of Gaussians with these moments it would be zero; few steps leave some of it.
    assert 0.7 * truth < divergence.divergence_ < truth + 2.5 * divergence.divergence_se_
    # The ratio of the densities in the middle and at a mode.
    middle, mode = divergence.score_samples([[0.0], [0.96]])
    assert middle < 0 < mode


def test_equal_distributions_and_ties():
    rng = np.random.default_rng(0)
    X, y = rng.poisson(3, size=(2000, 2)), rng.integers(2, size=2000)
    divergence = MMGDivergence(**QUICK).fit(X, y)
    assert abs(divergence.divergence_) < 3 * divergence.divergence_se_ + 0.01
    low, high = divergence.divergence_interval()
    assert 0 <= low <= high


def test_score_prefers_what_fits():
    X, y, _ = two_normals(3, 500, 0)
    divergence = MMGDivergence(**QUICK).fit(X, y)
    later, labels, _ = two_normals(3, 500, 1)
    swapped = np.where(labels == "p", "q", "p")
    assert divergence.score(later, labels) > divergence.score(later, swapped) + 0.1
    with pytest.raises(ValueError, match="y has the label 'r', which was not in fit"):
        divergence.score(later, np.where(labels == "p", "r", "q"))


def test_unusable_labels():
    X = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(ValueError, match="compares two classes of samples, but y has 3"):
        MMGDivergence().fit(X, np.arange(60) % 3)
    with pytest.raises(ValueError, match="Unknown label type"):
        MMGDivergence().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="fewer than 2 training samples in a fold"):
        MMGDivergence().fit(X, np.arange(60) == 0)
    with pytest.raises(ValueError, match="which holds both samples, one below the other"):
        MMGDivergence().fit(X, X)
