"""The mutual information of every distribution by a route other than the one it takes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ks_2samp, multivariate_normal, multivariate_t, poisson, rice

from sklearn_mmg.datasets import (
    AdditiveUniform,
    CategoricalNormal,
    JointNormal,
    JointNormalMixture,
    JointStudent,
    OverlappingUniforms,
    Ring,
    ThreeNormals,
    WithNoiseColumns,
    ZeroInflated,
    ZeroInflatedPoisson,
    load_task,
)


@pytest.mark.parametrize(
    ("strength", "nats"), [(200, 9.90), (650, 12.26), (1100, 13.31), (1550, 14.00), (2000, 14.51)]
)
def test_published_strong_dependence(strength, nats):
    task = load_task(f"multinormal-sparse-3-3-2-{strength}.0")
    assert task.mutual_information == pytest.approx(nats, abs=0.005)


@pytest.mark.parametrize("nats", [2, 5, 10, 15])
def test_strong_dependence_as_named(nats):
    for prefix in ("", "half_cube-", "spiral-"):
        task = load_task(f"{prefix}multinormal-sparse-3-3-{nats}-nats")
        assert task.mutual_information == pytest.approx(nats, abs=1e-9)


@pytest.mark.parametrize("d", [5, 25])
def test_independent_blocks(d):
    task = load_task(f"independent-normal-{d}-{d}")
    assert task.mutual_information == 0
    np.testing.assert_array_equal(task.pointwise_mi(*task.sample(100, random_state=0)), 0)


def test_student_against_scipy():
    ours, n = JointStudent(3, dof=2), 20_000
    theirs = {d: multivariate_t(np.zeros(d), df=2) for d in (3, 6)}
    both = theirs[6].rvs(n, random_state=1)
    X, y = both[:, :3], both[:, 3:]
    values = theirs[6].logpdf(both) - theirs[3].logpdf(X) - theirs[3].logpdf(y)
    np.testing.assert_allclose(ours.pointwise_mi(X, y), values, atol=1e-9)
    assert ks_2samp(values, ours.pointwise_mi(*ours.sample(n, random_state=0))).pvalue > 1e-3


def test_categorical_normal():
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    # Of two classes: log 2 less the mean logistic loss of the best rule.
    loss = weights @ np.logaddexp(0, -2 * (nodes + 1)) / np.sqrt(2 * np.pi)
    value = CategoricalNormal([-1, 1]).mutual_information
    assert value == pytest.approx(np.log(2) - loss, abs=1e-8)
    assert CategoricalNormal([0.5, 0.5, 0.5]).mutual_information == pytest.approx(0, abs=1e-10)
    assert CategoricalNormal([0, 40, 99]).mutual_information == pytest.approx(np.log(3), abs=1e-9)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_overlapping_uniforms(m):
    task = OverlappingUniforms(m)
    # Entropy of y, whose density is constant on units, less the one of y given x.
    density = np.convolve(np.full(m, 1 / m), [0.5, 0.5])
    truth = -(density @ np.log(density)) - np.log(2)
    assert task.mutual_information == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("p", [0.0, 0.15, 0.6])
def test_zero_inflated_poisson(p):
    k = np.arange(60)
    marginal = p * (k == 0) + (1 - p) * 0.5 ** (k + 1)

    def integrand(x):
        pmf = p * (k == 0) + (1 - p) * poisson.pmf(k, x)
        ratio = np.divide(pmf, marginal, where=pmf > 0, out=np.ones(60))
        return np.exp(-x) * pmf @ np.log(ratio)

    truth = quad(integrand, 0, 30, epsabs=1e-10)[0]
    assert ZeroInflatedPoisson(p).mutual_information == pytest.approx(truth, abs=1e-8)


def test_published_value_of_zero_inflated_poisson_holds_without_inflation():
    k = np.arange(1, 60)
    published = 2 * np.log(2) - np.euler_gamma - (np.log(k) * 0.5**k).sum()
    assert ZeroInflatedPoisson(0).mutual_information == pytest.approx(published, abs=1e-12)
    assert ZeroInflatedPoisson(0.15).mutual_information < 0.85 * published - 0.02


def test_zero_inflated():
    base = JointNormal.sparse(2)
    none, some, all_ = (ZeroInflated(base, p) for p in (0, 0.25, 1))
    assert none.mutual_information == base.mutual_information
    assert some.mutual_information == pytest.approx(0.75 * base.mutual_information)
    assert all_.mutual_information == 0
    X, y = some.sample(20_000, random_state=0)
    zero = (y == 0).all(axis=1)
    assert zero.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 20_000))
    np.testing.assert_array_equal(zero, (y == 0).any(axis=1))
    # The rows that are left have the distribution of the base.
    correlation = np.corrcoef(X[~zero, 0], y[~zero, 0])[0, 1]
    assert correlation == pytest.approx(0.75, abs=4 * (1 - 0.75**2) / np.sqrt(15_000))


def information_on_grid(density, high, n=1201):
    """Mutual information of a density of two columns, with the margins from the same grid."""
    nodes, step = np.linspace(-high, high, n, retstep=True)
    joint = density(*np.meshgrid(nodes, nodes)) * step**2
    assert joint.sum() == pytest.approx(1, abs=1e-9)
    margins = joint.sum(axis=0) * joint.sum(axis=1)[:, None]
    ratio = np.divide(joint, margins, where=joint > 0, out=np.ones_like(joint))
    return (joint * np.log(ratio)).sum()


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_ring(noise):
    def density(x, y):
        r = np.hypot(x, y)
        return rice.pdf(r, 1 / noise, scale=noise) / (2 * np.pi * np.maximum(r, 1e-9))

    truth = information_on_grid(density, 1 + 8 * noise, n=1200)  # no node at the origin
    assert Ring(noise).mutual_information == pytest.approx(truth, abs=1e-6)


def test_ring_radius_has_a_rice_distribution():
    X, y = Ring(0.2).sample(200_000, random_state=0)
    theirs = rice.rvs(5, scale=0.2, size=200_000, random_state=1)
    assert ks_2samp(np.hypot(X, y)[:, 0], theirs).pvalue > 1e-3
    assert abs(np.corrcoef(X[:, 0], y[:, 0])[0, 1]) < 4 / np.sqrt(200_000)


def test_mixture_of_one_is_normal():
    normal = JointNormal.dense(2)
    mixture = JointNormalMixture([[3.0, 0.0, 0.0, -1.0]], [normal.covariance], dim_x=2)
    X, y = normal.sample(100, random_state=0)
    moved = mixture.pointwise_mi(X + np.array([3, 0]), y - np.array([0, 1]))
    np.testing.assert_allclose(moved, normal.pointwise_mi(X, y), atol=1e-10)
    error = abs(mixture.mutual_information - normal.mutual_information)
    assert error < 4.5 * mixture.mutual_information_se < 2e-3


def test_mixture_of_two_columns():
    task = load_task("mixture-cross-1-1")

    def density(x, y):
        components = [[[1, r], [r, 1]] for r in (0.95, -0.95)]
        return np.mean([multivariate_normal.pdf(np.dstack([x, y]), cov=c) for c in components], 0)

    assert task.mutual_information == pytest.approx(information_on_grid(density, 8), abs=1e-7)
    assert task.mutual_information_se == 0


def test_mixture_of_distant_components():
    """Both blocks tell the component, so that the values within and between add up."""
    normal, means = JointNormal.dense(2), np.array([[0.0] * 4, [60.0] * 4, [-60, 0, 0, 60]])
    weights = np.array([0.5, 0.3, 0.2])
    task = JointNormalMixture(means, [normal.covariance] * 3, dim_x=2, weights=weights)
    truth = normal.mutual_information - weights @ np.log(weights)
    assert abs(task.mutual_information - truth) < 4.5 * task.mutual_information_se < 2e-3
    X, _ = task.sample(20_000, random_state=0)
    shares = [(np.abs(X[:, 0] - m) < 30).mean() for m in means[:, 0]]
    np.testing.assert_allclose(shares, weights, atol=4 * 0.5 / np.sqrt(20_000))


def test_noise_columns():
    base = OverlappingUniforms()
    task = WithNoiseColumns(base, 2)
    X, y = task.sample(20_000, random_state=0)
    noise = np.hstack([X[:, 1:], y[:, 1:]])
    np.testing.assert_allclose(np.cov(noise.T), np.eye(4), atol=4 / np.sqrt(20_000))
    values = base.pointwise_mi(X[:, :1], y[:, :1])
    np.testing.assert_array_equal(task.pointwise_mi(X, y), values)
    assert task.discrete_features.tolist() == [True, False, False]


def test_values_outside_the_support():
    outside = {
        AdditiveUniform(0.1): (0.5, 0.7),
        CategoricalNormal([0, 1]): (0.5, 0.5),
        OverlappingUniforms(5): (4, 1.5),
        ZeroInflatedPoisson(): (1.0, -1),
    }
    for distribution, (x, y) in outside.items():
        assert distribution.pointwise_mi([[x]], [[y]]) == [-np.inf]


# Three variables


def test_common_cause_is_redundant():
    three = ThreeNormals.common_cause(0.8)
    assert three.conditional_mutual_information == pytest.approx(0, abs=1e-12)
    assert three.interaction_information == pytest.approx(-np.log1p(-(0.8**4)) / 2)
    assert three.mutual_information_xz == pytest.approx(-np.log(0.36) / 2)


def test_collider_is_synergistic():
    three = ThreeNormals.collider(0.6)
    assert three.mutual_information_xy == 0
    partial = -0.36 / 0.64
    assert three.interaction_information == pytest.approx(np.log1p(-(partial**2)) / 2)


def test_interaction_is_symmetric_and_is_that_of_the_sample():
    root = np.random.default_rng(0).normal(size=(3, 3))
    three = ThreeNormals(root @ root.T)
    for order in ([1, 0, 2], [2, 1, 0], [1, 2, 0]):
        other = ThreeNormals(three.covariance[np.ix_(order, order)])
        assert other.interaction_information == pytest.approx(three.interaction_information)
    X, y, z = three.sample(200_000, random_state=0)
    assert X.shape == y.shape == z.shape == (200_000, 1)
    of_sample = ThreeNormals(np.cov(np.hstack([X, y, z]).T))
    for name in ("mutual_information_xy", "mutual_information_yz", "interaction_information"):
        assert getattr(of_sample, name) == pytest.approx(getattr(three, name), abs=0.01)
