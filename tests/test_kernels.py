"""Pure functions against slow references and against theory."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import expit, logsumexp
from scipy.stats import norm

from sklearn_mmg import (
    AdaptiveLogisticSampler,
    LogisticSampler,
    ResidualScaleSampler,
    SmoothGaussianizer,
)
from sklearn_mmg._core.preconditioning import (
    LinearPreconditioner,
    gaussian_direct,
    gaussian_orthogonal,
)
from sklearn_mmg.diffusion import channel, quadrature


def slow_gaussian_denoiser(z, m, s2, lam):
    """Posterior mean and variance of x ~ N(m, s2) given z, one scalar at a time."""
    a, b = np.sqrt(expit(lam)), np.sqrt(expit(-lam))
    precision = 1 / s2 + a**2 / b**2
    return (m / s2 + a * z / b**2) / precision, 1 / precision


def tensors(*arrays):
    return [torch.as_tensor(a, dtype=torch.float64) for a in arrays]


def test_residual_coordinates_match_slow_reference(rng):
    x, m, s2, lam, eps = (
        rng.normal(size=(6, 2)),
        rng.normal(size=(6, 2)),
        np.array([0.3, 0.01]),
        rng.uniform(-4, 8, size=6),
        rng.normal(size=(6, 2)),
    )
    u, t, w, tau = channel.residual_coordinates(*tensors(x - m, s2, lam, eps))
    for i in range(6):
        a, b = np.sqrt(expit(lam[i])), np.sqrt(expit(-lam[i]))
        for j in range(2):
            z = a * x[i, j] + b * eps[i, j]
            x_hat, variance = slow_gaussian_denoiser(z, m[i, j], s2[j], lam[i])
            assert tau[i, j] == pytest.approx(np.sqrt(variance))
            assert t[i, j] == pytest.approx((x[i, j] - x_hat) / np.sqrt(variance))
            assert w[i, j] == pytest.approx(np.exp(lam[i]) * variance)
            assert u[i, j] == pytest.approx((z - a * m[i, j]) / np.sqrt(a**2 * s2[j] + b**2))


def test_noise_coordinates_measure_the_error_in_noise_units(rng):
    x, eps, f = rng.normal(size=(3, 5, 2))
    lam = rng.uniform(-4, 8, size=5)
    z, t, w, tau = channel.noise_coordinates(*tensors(x, np.nan, lam, eps))
    a, b = np.sqrt(expit(lam))[:, None], np.sqrt(expit(-lam))[:, None]
    x_hat = (z.numpy() - b * f) / a
    error = np.exp(lam) * ((x - x_hat) ** 2).sum(axis=1)
    np.testing.assert_allclose((w.numpy() * (t.numpy() - f) ** 2).sum(axis=1), error)
    np.testing.assert_allclose(x_hat, z.numpy() / a + tau.numpy() * f)


def test_what_a_gaussian_denoiser_misses_is_tau_times_the_target(rng):
    x, m, eps = rng.normal(size=(3, 5, 1))
    lam = rng.uniform(-4, 8, size=5)
    _, t, _, tau = channel.residual_coordinates(*tensors(x - m, np.array([0.2]), lam, eps))
    for i in range(5):
        z = np.sqrt(expit(lam[i])) * x[i, 0] + np.sqrt(expit(-lam[i])) * eps[i, 0]
        expected = x[i, 0] - slow_gaussian_denoiser(z, m[i, 0], 0.2, lam[i])[0]
        assert (tau * t)[i, 0] == pytest.approx(expected)


@pytest.mark.parametrize("s2", [0.9, 0.3, 0.02, 1.7])
def test_closed_forms_are_the_integrals_over_log_snr(s2):
    """Both closed forms against quadrature over log-SNR with the noise averaged exactly."""
    x, m = 0.8, 0.5

    def squares(lam):
        # A Gaussian denoiser is linear in the noise: two noise values give mean and variance.
        a, b = np.sqrt(expit(lam)), np.sqrt(expit(-lam))
        x_hat = [
            [slow_gaussian_denoiser(a * x + b * e, *model, lam)[0] for e in (0.0, 1.0)]
            for model in ((m, s2), (0.0, 1.0))
        ]
        (c0, c1), (u0, u1) = x_hat
        error = [(x - h0) ** 2 + (h1 - h0) ** 2 for h0, h1 in x_hat]
        orthogonal = (c0 - u0) ** 2 + ((c1 - u1) - (c0 - u0)) ** 2
        return np.exp(lam) * (error[1] - error[0]) / 2, np.exp(lam) * orthogonal / 2

    direct, orthogonal = (quad(lambda lam, k=k: squares(lam)[k], -30, 30)[0] for k in range(2))
    columns = np.array([[x]]), np.array([[m]]), np.array([s2])
    assert gaussian_direct(*columns)[0] == pytest.approx(direct, abs=1e-6)
    assert gaussian_orthogonal(*columns)[0] == pytest.approx(orthogonal, abs=1e-6)


class Mixture:
    """x | y = k is N(mean_k, sd_k**2), in all of mean 0 and variance 1: everything is exact."""

    weight = np.array([0.35, 0.65])
    mean = np.array([-0.65, 0.35])  # weight @ mean = 0
    sd = np.array([0.6, 1.0]) * np.sqrt((1 - weight @ mean**2) / (weight @ [0.36, 1.0]))

    def sample(self, n, rng):
        y = (rng.uniform(size=n) < self.weight[1]).astype(int)
        return rng.normal(self.mean[y], self.sd[y]), y

    def pointwise_mi(self, x, y):
        log_p = norm.logpdf(x[:, None], self.mean, self.sd)
        return log_p[np.arange(len(x)), y] - logsumexp(log_p + np.log(self.weight), axis=1)

    def denoise(self, z, y, lam):
        a, b = np.sqrt(expit(lam)), np.sqrt(expit(-lam))
        each, _ = slow_gaussian_denoiser(z[:, None], self.mean, self.sd**2, lam[:, None])
        scale = np.sqrt(a[:, None] ** 2 * self.sd**2 + b[:, None] ** 2)
        log_p = norm.logpdf(z[:, None], a[:, None] * self.mean, scale) + np.log(self.weight)
        posterior = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True))
        return each[np.arange(len(z)), y], (posterior * each).sum(axis=1)


def test_all_forms_agree_with_the_mutual_information_of_a_mixture(rng):
    """Sections 1 and 3 of the theory, with the exact denoisers of a Gaussian mixture."""
    mixture = Mixture()
    n = 200_000
    x, y = mixture.sample(n, rng)
    truth = mixture.pointwise_mi(x, y)
    low, high = -12.0, 16.0
    lam = low + (high - low) * (rng.permutation(n) + rng.uniform(size=n)) / n
    eps = rng.normal(size=n)
    z = np.sqrt(expit(lam)) * x + np.sqrt(expit(-lam)) * eps
    x_c, x_u = mixture.denoise(z, y, lam)

    # The linear model of x given the code of y knows the class means and one common variance.
    model_mean, model_variance = mixture.mean[y], mixture.weight @ mixture.sd**2
    columns = x[:, None], model_mean[:, None], np.array([model_variance])
    x_t, m_t, s2_t, lam_t, eps_t = tensors(*columns, lam, eps[:, None])
    views = [
        channel.residual_coordinates(r, s2, lam_t, eps_t)
        for r, s2 in ((x_t - m_t, s2_t), (x_t, torch.ones(1)))
    ]
    u, t, w, tau = (torch.stack(values) for values in zip(*views, strict=True))
    f = (torch.as_tensor(np.stack([x_c, x_u]))[:, :, None] - (x_t - tau * t)) / tau
    denoised = quadrature.Denoised(u, t, w, tau, f)
    weight = 0.5 * (high - low)

    added = {
        name: weight * value.numpy()
        for name, value in quadrature.forms(denoised, lam_t, (1, -1)).items()
    }
    closed = gaussian_direct(*columns), gaussian_orthogonal(*columns)
    direct, orthogonal = closed[0] + added["direct"], closed[1] + added["orthogonal"]
    linear = 0.5 * sum(closed) + added["linear"]
    errors = quadrature.errors(denoised, lam_t, (1, -1))
    gap = weight * (errors["mmse"][1] - errors["mmse"][0]).numpy()
    squared = weight * np.exp(lam) * (x_c - x_u) ** 2
    np.testing.assert_allclose(weight * errors["gap"].numpy(), squared, atol=1e-9)
    plain = weight * np.exp(lam) * ((x - x_u) ** 2 - (x - x_c) ** 2)
    np.testing.assert_allclose(gap, plain, atol=1e-9)
    for estimate in (direct, orthogonal, linear, plain):
        error = estimate - truth
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(n)
    # The preconditioned form has far less Monte Carlo noise than the plain one.
    assert (direct - truth).std() < 0.6 * (plain - truth).std()


def test_any_denoiser_gives_a_lower_bound_of_each_density(rng):
    """The held-out bracket is largest at the exact denoiser: early stopping is safe."""
    t, w = tensors(rng.normal(size=(50_000, 1)), np.full((50_000, 1), 0.7))
    signal = 0.6 * t + 0.8 * torch.as_tensor(rng.normal(size=(50_000, 1)))
    best = channel.bracket(t, w, 0.6 * signal).mean()
    for scale in (0.3, 0.5, 0.7, 1.2):
        assert channel.bracket(t, w, scale * signal).mean() < best


def test_preconditioner_finds_canonical_correlations_and_drops_repeats(rng):
    n = 4000
    x = rng.normal(size=(n, 3))
    y = np.column_stack([x[:, 0] + rng.normal(size=n), rng.normal(size=n)])
    repeated = np.column_stack([x, x[:, 0], np.ones(n)]) * [1, 10, 0.1, 3, 1] + 5
    basis = LinearPreconditioner().fit(repeated, y)
    white = basis.transform(repeated, y)
    assert white.x.shape == (n, 3)
    np.testing.assert_allclose(white.x.T @ white.x / n, np.eye(3), atol=1e-8)
    cross = white.x.T @ white.y / n
    np.testing.assert_allclose(cross, np.eye(3, 2) * basis.rho_, atol=1e-8)
    assert basis.rho_[0] == pytest.approx(np.sqrt(0.5), abs=4 / np.sqrt(n))
    np.testing.assert_allclose(basis.residual_variance_[:2], 1 - basis.rho_**2)


def test_preconditioner_keeps_digits_near_one(rng):
    x = rng.normal(size=(5000, 1))
    y = x + 1e-7 * rng.normal(size=(5000, 1))
    basis = LinearPreconditioner().fit(x, y)
    mutual_information = -0.5 * np.log(basis.residual_variance_[0])
    assert mutual_information == pytest.approx(7 * np.log(10), abs=0.05)
    assert not basis.deterministic_
    assert LinearPreconditioner().fit(x, 3 * x + 1).deterministic_


@pytest.mark.parametrize(
    "distribution",
    [
        LogisticSampler().distribution(),
        AdaptiveLogisticSampler(loc=1, scale=0.5).distribution(),
        ResidualScaleSampler().distribution([1.0, 1e-5]),
    ],
    ids=["logistic", "adaptive", "residual-scale"],
)
def test_sampler_density_cdf_and_quantiles_agree(distribution):
    low = distribution.grid[0]
    for p in (0.01, 0.3, 0.5, 0.99, 1.0):
        q = distribution.ppf(p)
        grid = np.linspace(low, q, 20_001)
        assert np.trapezoid(distribution.pdf(grid), grid) == pytest.approx(p, abs=1e-4)


def test_logistic_sampler_is_the_truncated_logistic():
    distribution = LogisticSampler(loc=2, scale=3, clip=4).distribution()
    assert tuple(distribution.grid[[0, -1]]) == (-10, 14)
    p = np.linspace(0.05, 0.95, 7)
    tail = expit(-4)
    expected = 2 + 3 * np.log((tail + p * (1 - 2 * tail)) / (1 - tail - p * (1 - 2 * tail)))
    np.testing.assert_allclose(distribution.ppf(p), expected, atol=1e-3)


def test_only_the_adaptive_sampler_follows_a_pilot():
    logsnr = np.linspace(-10, 14, 481)
    error = 2 * expit((logsnr - 4) / 1.5)
    for sampler in (LogisticSampler(), ResidualScaleSampler()):
        assert not sampler.adapts
        assert sampler.adapt(logsnr, error, n_dims=2) is sampler
    sampler = AdaptiveLogisticSampler()
    assert sampler.adapts
    assert sampler.adapt(logsnr, error, n_dims=2).loc == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("margin", ["normal", "cauchy", "uniform", "bimodal"])
def test_gaussianizer_is_increasing_and_normal_on_new_data(margin, rng):
    def draw(n):
        return {
            "normal": lambda: rng.normal(size=n),
            "cauchy": lambda: rng.standard_cauchy(size=n),
            "uniform": lambda: rng.uniform(size=n),
            "bimodal": lambda: rng.normal(size=n) + 5 * (rng.uniform(size=n) < 0.7),
        }[margin]()[:, None]

    transformer = SmoothGaussianizer().fit(draw(5000))
    new = draw(5000)
    z = transformer.transform(new)[:, 0]
    order = np.argsort(new[:, 0])
    assert np.all(np.diff(z[order]) > 0)
    # Kolmogorov distance: both samples contribute 1.36 / sqrt(n) at the 5 % level.
    distance = np.abs(norm.cdf(np.sort(z)) - (np.arange(5000) + 0.5) / 5000).max()
    assert distance < 2.5 * 1.36 / np.sqrt(5000)
    assert np.abs(z).max() < 20


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_a_gap_stays_no_gap(shift):
    """Clusters, wherever their share puts the gap among the knots, fill the normal scale."""
    rng = np.random.default_rng(0)
    n, share = 2000, norm.cdf(shift)

    def draw(n):
        return ((rng.random(n) > share) + 0.05 * rng.normal(size=n))[:, None]

    transformer = SmoothGaussianizer().fit(draw(n))
    levels = norm.cdf(transformer.transform(draw(20_000))[:, 0])
    # The gap is where the sample has it, some 1.1 % from its place.
    near = np.mean(np.abs(levels - share) < 0.03)
    assert abs(near - 0.06) < 3 * np.sqrt(0.06 / n)
