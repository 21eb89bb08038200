"""Entropy and densities of continuous columns."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import MMGEntropy, SmoothGaussianizer

QUICK = dict(n_steps=150, batch_size=256, width=32, depth=2, n_nodes=8, cv=2, random_state=0)


def ring(n, rng, noise=0.1):
    """A circle with normal noise of its radius, and its entropy."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + noise * rng.normal(size=n)
    radii = 1 + noise * np.random.default_rng(9).normal(size=100_000)
    entropy = stats.norm(scale=noise).entropy() + np.log(2 * np.pi) + np.log(radii).mean()
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), entropy


@pytest.mark.parametrize(
    "distribution",
    [
        stats.norm(3, 0.01),
        stats.uniform(-1, 3),
        stats.t(3),
        stats.expon(scale=100),
        stats.beta(2, 5),
    ],
    ids=lambda d: d.dist.name,
)
def test_single_columns(distribution):
    X = distribution.rvs(size=(4000, 1), random_state=1)
    entropy = MMGEntropy(random_state=0).fit(X)
    # A density of a few dozen knots from thousands of samples: about one nat per knot and sample.
    slack = 0.02
    assert abs(entropy.entropy_ - distribution.entropy()) < 2.5 * entropy.entropy_se_ + slack
    # Nothing is left to learn, or, of a normal column, to be found in the pilot.
    assert entropy.net_ is None or entropy.n_iter_ == 100


def test_normal_columns_are_exact_and_train_nothing_for_long():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6))
    X = rng.normal(size=(3000, 6)) @ mixing
    truth = 3 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(mixing)[1]
    entropy = MMGEntropy(preprocessing="standardize", **QUICK).fit(X)
    assert abs(entropy.entropy_ - truth) < 2.5 * entropy.entropy_se_
    assert entropy.n_iter_ == 100  # the pilot
    assert np.isclose(entropy.entropy_se_, np.sqrt(3 / 3000), rtol=0.1)  # of chi-squared halves


def test_the_likelier_preprocessing_is_taken():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(8, 8))
    mixing[0] = mixing[1] + 0.05 * mixing[0]  # of small volume
    normal = rng.normal(size=(2000, 8)) @ mixing
    entropy = MMGEntropy(**QUICK | dict(n_steps=20)).fit(normal)
    assert [type(m.chosen_.coordinates_.scaler) for m in entropy.models_] == [StandardScaler] * 2
    truth = 4 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(mixing)[1]
    # Of moments there are 44 numbers to learn, from a thousand samples: half a nat for each.
    assert abs(entropy.entropy_ - truth - 22 / 1000) < 2.5 * entropy.entropy_se_
    skewed = MMGEntropy(**QUICK | dict(n_steps=20)).fit(rng.exponential(size=(2000, 2)))
    assert [type(m.chosen_.coordinates_.scaler) for m in skewed.models_] == [SmoothGaussianizer] * 2
    assert abs(skewed.entropy_ - 2) < 2.5 * skewed.entropy_se_ + 0.04


def test_the_network_has_the_last_word():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0, 0], [4, 4, -4], [-4, 4, 4]])
    X = centres[rng.integers(3, size=1500)] + 0.7 * rng.normal(size=(1500, 3))
    log_densities = logsumexp([stats.norm(c, 0.7).logpdf(X).sum(axis=1) for c in centres], axis=0)
    truth = np.log(3) - log_densities.mean()
    entropy = MMGEntropy(**QUICK | dict(cv=0.5)).fit(X)
    ((model,), (first, other)) = entropy.models_, entropy.models_[0].densities
    # Single columns are closer to normal, but what is between clusters is learned without that.
    assert isinstance(first.scaler, SmoothGaussianizer) and model.chosen_ is other
    assert first.adds_ and 0 < entropy.entropy_ - truth < 0.5
    rough = MMGEntropy(preprocessing="gaussianize", **QUICK | dict(cv=0.5)).fit(X)
    assert rough.entropy_ - entropy.entropy_ > 2.5 * np.hypot(
        rough.entropy_se_, entropy.entropy_se_
    )


@pytest.fixture(scope="module")
def of_ring():
    """A fitted ring, its sample, and the truth."""
    X, truth = ring(3000, np.random.default_rng(0))
    return MMGEntropy(**QUICK | dict(n_steps=300, n_nodes=128)).fit(X), X, truth


def test_what_a_gaussian_does_not_know(of_ring):
    entropy, X, truth = of_ring
    gaussian = 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * np.cov(X.T)))
    assert gaussian - truth > 0.8
    assert -2.5 * entropy.entropy_se_ < entropy.entropy_ - truth < 0.25
    low, high = entropy.entropy_interval(0.9)
    assert low < entropy.entropy_ < high
    assert entropy.score_samples([[1.0, 0.0]]) > entropy.score_samples([[0.0, 0.0]]) + 2


def test_density_of_later_data(of_ring):
    entropy, _, truth = of_ring
    later, _ = ring(2000, np.random.default_rng(1))
    log_densities = entropy.score_samples(later)
    assert entropy.score(later) == log_densities.mean()
    # No density is better than the true one, and this one not much worse.
    assert abs(entropy.score(later) + truth) < 0.1


def test_more_columns_than_kernels_can_take():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 8)) @ rng.normal(size=(8, 8))
    entropy = MMGEntropy(**QUICK | dict(n_steps=20)).fit(X[:1000])
    bandwidth = {"bandwidth": np.geomspace(0.2, 2, 8)}
    kernels = GridSearchCV(KernelDensity(), bandwidth, cv=3).fit(X[:1000]).best_estimator_
    assert entropy.score(X[1000:]) > kernels.score_samples(X[1000:]).mean() + 0.5


def test_density_sums_to_one(of_ring):
    entropy = of_ring[0]
    grid = np.linspace(-2, 2, 81)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    total = np.exp(entropy.score_samples(points)).sum() * (grid[1] - grid[0]) ** 2
    assert abs(total - 1) < 0.2


def test_units_shift_the_entropy():
    X, _ = ring(600, np.random.default_rng(0))
    estimator = MMGEntropy(**QUICK | dict(n_steps=40))
    entropy = clone(estimator).fit(X)
    scaled = clone(estimator).fit(X * [10.0, 0.1] + 5)
    moved = clone(estimator).fit(X * 1000)
    assert abs(scaled.entropy_ - entropy.entropy_) < 1e-3
    assert abs(moved.entropy_ - entropy.entropy_ - 2 * np.log(1000)) < 1e-3


def test_whole_numbers_have_the_entropy_of_classes():
    X = stats.poisson(4).rvs(size=(4000, 1), random_state=0)
    with pytest.warns(UserWarning, match="Column 0 of X has values that many samples share"):
        entropy = MMGEntropy(random_state=0).fit(X)
    assert "Column 0 of X has values" in str(entropy.summary())
    assert abs(entropy.entropy_ - stats.poisson(4).entropy()) < 3 * entropy.entropy_se_ + 0.05


def test_groups_count_once():
    X = np.random.default_rng(0).normal(size=(300, 1))
    alone = MMGEntropy(random_state=0).fit(X)
    again = np.repeat(X, 4, axis=0) + 1e-3 * np.random.default_rng(1).normal(size=(1200, 1))
    grouped = MMGEntropy(random_state=0).fit(again, groups=np.repeat(np.arange(300), 4))
    naive = MMGEntropy(random_state=0).fit(again)
    assert 0.8 < grouped.entropy_se_ / alone.entropy_se_ < 1.25
    assert naive.entropy_se_ < 0.7 * grouped.entropy_se_


@pytest.mark.parametrize(
    "X, message",
    [
        (np.column_stack([np.arange(50.0), np.ones(50)]), "Column 1 of X is constant"),
        (np.array([["a"], ["b"]] * 20, dtype=object), "Column 0 of X is discrete"),
        (np.arange(60.0).reshape(30, 2), "vary in 1 directions only"),
        (np.full((20, 1), np.nan), "Input X contains NaN"),
    ],
)
def test_what_has_no_density(X, message):
    estimator = MMGEntropy(preprocessing="standardize")
    with pytest.raises(ValueError, match=message):
        estimator.fit(X)
    assert not hasattr(estimator, "n_features_in_")


def test_slopes_of_the_gaussianizer():
    X = np.random.default_rng(0).standard_t(2, size=(1000, 2))
    gaussianizer = SmoothGaussianizer().fit(X)
    points = np.quantile(X, np.linspace(0.003, 0.997, 50), axis=0)
    step = 1e-6
    up, down = (gaussianizer.transform(points + sign * step) for sign in (1, -1))
    slopes = (up - down) / (2 * step)
    assert np.allclose(np.exp(gaussianizer.log_derivative(points)), slopes, rtol=1e-3, atol=1e-6)
