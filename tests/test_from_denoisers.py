"""Mutual information by denoisers from elsewhere, against exact ones and closed forms."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit, softmax
from scipy.stats import multivariate_normal

from sklearn_mmg import (
    AdaptiveLogisticSampler,
    LogisticSampler,
    MMSECurveDisplay,
    ResidualScaleSampler,
    mutual_info_from_denoisers,
)
from sklearn_mmg.datasets import JointNormalMixture
from sklearn_mmg.diffusion.log_snr import LogSNRDistribution

RHO = 0.8
TRUTH = -0.5 * np.log(1 - RHO**2)  # 0.511 nats
QUICK = {"n_nodes": 8, "random_state": 0}


def normals(n, rho=RHO, seed=0):
    """Columns of `x`, each with a correlation of its own with that of `y`."""
    rng = np.random.default_rng(seed)
    rho = np.atleast_1d(rho)
    y = rng.normal(size=(n, len(rho)))
    x = rho * y + np.sqrt(1 - rho**2) * rng.normal(size=(n, len(rho)))
    return (x[:, 0], y[:, 0]) if len(rho) == 1 else (x, y)


def levels(logsnr, z):
    """``a`` and ``b`` with the axes of `z`."""
    lam = logsnr.reshape(-1, *(1,) * (z.ndim - 1))
    return np.sqrt(expit(lam)), np.sqrt(expit(-lam))


def noise_of_normal(z, logsnr, mean=0.0, variance=1.0):
    """The exact noise prediction for ``N(mean, variance)``."""
    a, b = levels(logsnr, z)
    return b * (z - a * mean) / (a**2 * variance + b**2)


def given(rho=RHO):
    def conditional(z, logsnr, y):
        return noise_of_normal(z, logsnr, rho * y, 1 - np.square(rho))

    return conditional


def estimate(x, y, rho=RHO, **parameters):
    return mutual_info_from_denoisers(x, y, given(rho), noise_of_normal, **(QUICK | parameters))


@pytest.fixture(scope="module")
def known():
    return estimate(*normals(4000))


@pytest.mark.parametrize("form", ["direct", "orthogonal"])
def test_exact_denoisers_give_the_truth_in_both_forms(form):
    x, y = normals(4000)
    result = estimate(x, y, form=form)
    assert result.mutual_info == pytest.approx(TRUTH, abs=3 * result.standard_error)
    assert abs(result.cross_term) < 3 * result.cross_term_se
    assert result.mutual_info == getattr(result, form).mean() == result.pointwise.mean()
    # The spread of the log-ratio itself is the least that a standard error can be.
    density = multivariate_normal(cov=[[1, RHO], [RHO, 1]]), multivariate_normal()
    ratio = density[0].logpdf(np.c_[x, y]) - density[1].logpdf(x) - density[1].logpdf(y)
    least = ratio.std() / len(x) ** 0.5
    assert least < result.standard_error < 1.5 * least
    assert np.corrcoef(result.direct, ratio)[0, 1] > 0.8
    low, high = result.interval(0.95)
    assert (high - low) / 2 == pytest.approx(1.96 * result.standard_error, rel=1e-3)


def log_normal(residual, covariance):
    """Log-density of every row, each with a covariance, up to a constant."""
    whitened = np.linalg.solve(covariance, residual[..., None])[..., 0]
    return -0.5 * ((residual * whitened).sum(axis=-1) + np.linalg.slogdet(covariance)[1])


def noise_of_mixture(z, logsnr, log_weights, means, covariances):
    """The exact prediction for a mixture of normals, whose parts may differ between samples.

    Of shapes (n, n_components), (n, n_components, n_dims) and (n_components, n_dims, n_dims).
    """
    a, b = levels(logsnr, z)
    a2 = np.square(a)[:, None, None]
    of_z = a2 * covariances + np.square(b)[:, None, None] * np.eye(z.shape[1])
    residual = z[:, None] - a[:, None] * means
    share = softmax(log_weights + log_normal(residual, of_z), axis=1)
    gain = np.linalg.solve(of_z, np.broadcast_to(covariances, of_z.shape))
    parts = means + a[:, None] * np.einsum("nkd,nkde->nke", residual, gain)
    return (z - a * np.einsum("nk,nkd->nd", share, parts)) / b


def test_mixture_of_normals():
    """Two columns and two that tell of them: neither denoiser is linear."""
    means = np.array([[2.0, 0, 1, 0], [-1, 1, 0, 1], [0, -2, -1, -1]])
    covariances = np.stack([0.4 * np.eye(4) + 0.3 * (k % 2) + 0.1 for k in range(3)])
    mixture = JointNormalMixture(means, covariances, dim_x=2)
    x, y = mixture.sample(2000, random_state=0)
    of_x, of_y = slice(0, 2), slice(2, 4)
    gains = np.linalg.solve(covariances[:, of_y, of_y], covariances[:, of_y, of_x])
    left = covariances[:, of_x, of_x] - covariances[:, of_x, of_y] @ gains

    def unconditional(z, logsnr):
        return noise_of_mixture(z, logsnr, 0.0, means[:, of_x], covariances[:, of_x, of_x])

    def conditional(z, logsnr, y):
        residual = y[:, None] - means[:, of_y]
        log_weights = log_normal(residual, covariances[:, of_y, of_y])
        predicted = means[:, of_x] + np.einsum("nkd,kde->nke", residual, gains)
        return noise_of_mixture(z, logsnr, log_weights, predicted, left)

    result = mutual_info_from_denoisers(x, y, conditional, unconditional, **QUICK)
    # The sample mean of the log-ratio, of which only the noise of evaluation is left.
    ratio = mixture.pointwise_mi(x, y)
    for values in (result.direct, result.orthogonal):
        error = (values - ratio).std() / len(x) ** 0.5
        assert values.mean() == pytest.approx(ratio.mean(), abs=3 * error)
    assert abs(result.cross_term) < 3 * result.cross_term_se
    assert result.mutual_info > 10 * result.standard_error


@pytest.mark.parametrize("rho", [0.4, 0.95])
def test_wrong_denoiser_shows_as_disagreement_of_the_forms(rho):
    """The direct form loses the squared error of the conditional denoiser, the other has it."""
    x, y = normals(4000)
    result = estimate(x, y, rho)
    assert abs(result.cross_term) > 5 * result.cross_term_se
    # Half the integral of the squared error is the divergence of the true from the assumed normal.
    variance, assumed = 1 - RHO**2, 1 - rho**2
    shift = (RHO - rho) ** 2
    lost = 0.5 * (np.log(assumed / variance) + (variance + shift) / assumed - 1)
    assert result.direct.mean() == pytest.approx(TRUTH - lost, abs=3 * result.standard_error)
    blind = mutual_info_from_denoisers(
        x, y, lambda z, logsnr, y: noise_of_normal(z, logsnr), noise_of_normal, **QUICK
    )
    assert blind.mutual_info == blind.standard_error == blind.cross_term == 0


@pytest.mark.parametrize("level", [-1.0, 1.5])
def test_information_below_and_above_a_level(level):
    """``I(z; y)`` of the noisy sample, and the ``I(x; y | z)`` that is left to be told."""
    x, y = normals(4000)
    a2, b2 = expit(level), expit(-level)
    of_noisy = 0.5 * np.log((a2 + b2) / (a2 * (1 - RHO**2) + b2))
    below, above = estimate(x, y, max_logsnr=level), estimate(x, y, min_logsnr=level)
    assert below.mutual_info == pytest.approx(of_noisy, abs=3 * below.standard_error)
    assert above.mutual_info == pytest.approx(TRUTH - of_noisy, abs=3 * above.standard_error)
    for result in (below, above):
        assert abs(result.cross_term) < 3 * result.cross_term_se
        # It tells the level from its neighbours.
        assert result.standard_error < 0.05 * TRUTH
    assert below.curves.logsnr.max() < level < above.curves.logsnr.min()


@pytest.mark.parametrize("form", ["direct", "orthogonal"])
@pytest.mark.parametrize("shape", [(4,), (2, 2), (1, 2, 2)])
def test_contributions_of_independent_columns_are_their_own_information(form, shape):
    rho = np.array([0.9, 0.0, 0.6, 0.3])
    x, y = normals(3000, rho)
    x, y = x.reshape(-1, *shape), y.reshape(-1, *shape)
    result = estimate(x, y, rho.reshape(shape), form=form, per_column=True)
    assert result.contributions is not None
    assert result.contributions.shape == x.shape
    flat = result.contributions.reshape(len(x), -1)
    np.testing.assert_allclose(flat.sum(axis=1), result.pointwise, rtol=1e-4, atol=1e-4)
    truth, error = -0.5 * np.log(1 - rho**2), flat.std(axis=0) / len(x) ** 0.5
    assert (np.abs(flat.mean(axis=0) - truth) <= 3 * error + 1e-7).all()
    assert estimate(x, y, rho.reshape(shape)).contributions is None


def test_contributions_depend_on_the_coordinates():
    """The sum does not: what columns of other coordinates add is another division of it."""
    rho = np.array([0.9, 0.0])
    x, y = normals(3000, rho)
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)

    def turned(denoiser):
        return lambda z, logsnr, *told: denoiser(z @ turn.T, logsnr, *told) @ turn

    plain = estimate(x, y, rho, per_column=True)
    other = mutual_info_from_denoisers(
        x @ turn, y, turned(given(rho)), turned(noise_of_normal), per_column=True, **QUICK
    )
    difference = plain.pointwise - other.pointwise
    assert abs(difference.mean()) < 3 * difference.std() / len(x) ** 0.5
    first, second = other.contributions.mean(axis=0)
    assert first == pytest.approx(second, rel=0.2)
    assert plain.contributions.mean(axis=0)[1] < 0.1 * first


def of_prediction_of(kind):
    """The exact unconditional denoiser as a model of another kind, adapted as documented."""

    def adapted(z, logsnr):
        a, b = levels(logsnr, z)
        if kind == "variance exploding":

            def model(noisy, sigma):
                return noisy * sigma / (1 + sigma**2)

            return model(z / a, b / a)
        if kind == "denoised":

            def model(noisy, sigma):
                return noisy / (1 + sigma**2)

            return (z - a * model(z / a, b / a)) / b
        if kind == "score":
            return -b * -z
        if kind == "velocity":
            eps, x = noise_of_normal(z, logsnr), a * z
            return a * (a * eps - b * x) + b * z

        def flow(noisy, t):  # E[eps - x | noisy]
            return noisy * (2 * t - 1) / ((1 - t) ** 2 + t**2)

        t, s = b / (a + b), 1 / (a + b)
        return s * z + (1 - t) * flow(s * z, t)

    return adapted


@pytest.mark.parametrize(
    "kind", ["variance exploding", "denoised", "score", "velocity", "rectified flow"]
)
def test_other_parametrisations(known, kind):
    x, y = normals(4000)
    result = mutual_info_from_denoisers(x, y, given(), of_prediction_of(kind), **QUICK)
    # In single precision, and where there is next to no noise.
    np.testing.assert_allclose(result.direct, known.direct, rtol=1e-2, atol=1e-2)
    assert result.mutual_info == pytest.approx(known.mutual_info, abs=1e-4)


@pytest.mark.parametrize(
    "sampler", [LogisticSampler(1.0, 2.0), ResidualScaleSampler(), AdaptiveLogisticSampler()]
)
def test_samplers(sampler):
    result = estimate(*normals(4000), sampler=sampler)
    assert result.mutual_info == pytest.approx(TRUTH, abs=3 * result.standard_error + 0.002)


def test_adaptive_sampler_follows_the_error():
    """With a residual variance of 1e-4 the conditional error is halved at log-SNR 9.2."""
    rho = np.sqrt(1 - 1e-4)
    result = estimate(*normals(500, rho), rho, sampler=AdaptiveLogisticSampler(), n_nodes=32)
    middle = np.median(result.curves.logsnr)
    assert middle == pytest.approx(np.log(1e4), abs=1.0)


def test_conditions_of_any_kind_belong_to_their_samples():
    x, y = normals(200)
    expected = estimate(x, y, batch_size=70).direct

    def of_text(z, logsnr, texts):
        return given()(z, logsnr, np.array([float(text) for text in texts]))

    def of_frame(z, logsnr, frame):
        return given()(z, logsnr, frame["height"].to_numpy())

    def looked_up(z, logsnr, indices):
        return given()(z, logsnr, y[indices])

    texts = [repr(float(value)) for value in y]
    frame = pd.DataFrame({"height": y}, index=np.arange(200)[::-1])
    for conditional, told in ((of_text, texts), (of_frame, frame), (looked_up, np.arange(200))):
        result = mutual_info_from_denoisers(
            x, told, conditional, noise_of_normal, batch_size=70, **QUICK
        )
        np.testing.assert_allclose(result.direct, expected, rtol=1e-5, atol=1e-6)


def test_torch_model_and_arrays_that_are_changed_in_place():
    x, y = normals(200)

    @torch.no_grad()
    def unconditional(z, logsnr):
        assert z.dtype == logsnr.dtype == np.float32
        z, lam = torch.from_numpy(z), torch.from_numpy(logsnr)
        return z.mul_(torch.sigmoid(-lam).sqrt()).numpy()

    def conditional(z, logsnr, y):
        predicted = given()(z, logsnr, y)
        z[:], logsnr[:] = 0, 0
        return predicted

    result = mutual_info_from_denoisers(x, y, conditional, unconditional, **QUICK)
    np.testing.assert_allclose(result.direct, estimate(x, y).direct, rtol=1e-4, atol=1e-5)


def test_seeds_batches_and_calls(known):
    x, y = normals(4000)
    np.testing.assert_array_equal(estimate(x, y).direct, known.direct)
    assert (estimate(x, y, random_state=1).direct != known.direct).all()
    sizes = []

    def counted(z, logsnr):
        sizes.append(len(z))
        return noise_of_normal(z, logsnr)

    mutual_info_from_denoisers(x[:250], y[:250], given(), counted, batch_size=100, **QUICK)
    assert sizes == [100] * 16 + [50] * 8


def test_progress(capsys):
    estimate(*normals(100), verbose=1)
    assert "800/800" in capsys.readouterr().err
    estimate(*normals(100))
    assert capsys.readouterr().err == ""


def test_curves_are_drawn(known):
    curves = known.curves
    # Of the unconditional denoiser of a unit normal the error is that of the channel.
    np.testing.assert_allclose(curves.mmse_unconditional, expit(curves.logsnr), atol=0.1)
    assert 0.5 * np.mean(curves.gap / curves.density) == pytest.approx(known.mutual_info, rel=0.1)
    display = MMSECurveDisplay(
        curves=curves, mutual_info=known.mutual_info, standard_error=known.standard_error
    ).plot()
    assert display.axes_[0].lines[0].get_ydata() == pytest.approx(curves.mmse_unconditional)


def test_part_of_a_density():
    whole = LogisticSampler().distribution()
    part = whole.between(-1.0, None)
    assert part.ppf([0.0, 1.0]) == pytest.approx([-1.0, 14.0])
    # Normalised, and in proportion to the whole.
    assert np.trapezoid(part.density, part.grid) == pytest.approx(1.0)
    ratios = part.pdf([-0.5, 2.0, 8.0]) / whole.pdf([-0.5, 2.0, 8.0])
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)
    assert isinstance(part, LogSNRDistribution)
    assert whole.between(None, None) is whole
    assert whole.between(-99, 99).ppf([0.0, 1.0]) == pytest.approx([-10.0, 14.0])


def test_mistakes_are_explained():
    x, y = normals(100)

    def wrong(shape):
        return lambda z, logsnr, *told: np.zeros(shape)

    with pytest.raises(ValueError, match=r"unconditional denoiser must .* \(100,\). Got \(100, 1"):
        mutual_info_from_denoisers(x, y, given(), wrong((100, 1)))
    with pytest.raises(ValueError, match="The conditional denoiser must return an array of the"):
        mutual_info_from_denoisers(x, y, wrong(100 - 1), noise_of_normal)

    def breaks(z, logsnr):
        return np.where(logsnr > 10, np.nan, noise_of_normal(z, logsnr))

    with pytest.raises(ValueError, match=r"unconditional .* NaN or infinity .* log-SNR from 1\d\."):
        mutual_info_from_denoisers(x, y, given(), breaks, random_state=0)
    kept = mutual_info_from_denoisers(x, y, given(), breaks, max_logsnr=10, random_state=0)
    assert np.isfinite(kept.direct).all()

    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        estimate(x, y[:-1])
    with pytest.raises(ValueError, match="Input x contains NaN"):
        estimate(np.where(x > 1, np.nan, x), y)
    with pytest.raises(ValueError, match="No log-SNR is left between 20 and 30: the sampler has"):
        estimate(x, y, min_logsnr=20, max_logsnr=30)
    with pytest.raises(ValueError, match="No log-SNR is left between 2 and 1"):
        estimate(x, y, min_logsnr=2, max_logsnr=1)
    with pytest.raises(ValueError, match="'conditional' parameter of mutual_info_from_denoisers"):
        mutual_info_from_denoisers(x, y, None, noise_of_normal)
    with pytest.raises(ValueError, match="'form' parameter"):
        estimate(x, y, form="linear")
    with pytest.raises(ValueError, match=r"'sampler' parameter .*LogisticSampler.*Got 'logistic'"):
        estimate(x, y, sampler="logistic")
