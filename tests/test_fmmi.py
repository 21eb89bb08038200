"""Flow matching: its closed forms, its divergence, and the estimator."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from sklearn_mmg import FMMIMutualInfo
from sklearn_mmg._core.network import initialise
from sklearn_mmg._core.preconditioning import LinearPreconditioner
from sklearn_mmg.baselines._fmmi import (
    FlowMatching,
    FlowModel,
    _independent,
    angular_weight,
    draw_times,
    logsnr_at,
    pair_rotation,
)
from sklearn_mmg.datasets import CategoricalNormal, JointNormal, load_task
from sklearn_mmg.diffusion.channel import residual_coordinates

VARIANTS = ["joint", "conditional"]
TINY = {"n_steps": 5, "batch_size": 512, "width": 8, "depth": 1, "cv": 2, "random_state": 0}
QUICK = TINY | {"n_steps": 200, "width": 32, "depth": 2}
VARIANCE = torch.tensor([0.05, 0.4, 1.9], dtype=torch.float64)


def gaussian_flow(t, s2):
    """``V``, the slope of the velocity and ``tau``, as Bayes' rule for normal variables has them.

    The slope is the covariance of ``z_1 - z_0`` and ``z_t`` over the variance of ``z_t``.
    """
    variance = (1 - t) ** 2 + t**2 * s2
    slope = (t * s2 - (1 - t)) / variance
    return variance, slope, math.sqrt(1 + s2 - slope**2 * variance)


def random_flow(n_condition, variance=VARIANCE):
    """A flow whose output does not start at zero."""
    flow = FlowMatching(variance.numpy(), n_condition, width=16, depth=1)
    del flow.network.last.starts_at_zero
    return initialise(flow, torch.Generator().manual_seed(0)).double()


def random_rows(rng, n, n_dims, n_condition):
    """Residual, start, condition and quantile of n rows."""
    widths = (n_dims, n_dims, n_condition)
    blocks = [torch.as_tensor(rng.normal(size=(n, width))) for width in widths]
    return *blocks, torch.as_tensor(rng.uniform(size=n))


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_gaussian_velocity_is_the_regression(t, rng):
    """The coordinates of the network leave nothing to regress on, and undo to ``z_1 - z_0``."""
    n, m, s2 = 100_000, 0.7, 0.3
    start, residual = rng.normal(size=(2, n))
    residual *= math.sqrt(s2)
    z = (1 - t) * start + t * (m + residual)
    velocity = m + residual - start
    slope, intercept = np.polyfit(z, velocity, 1)
    variance, expected, tau = gaussian_flow(t, s2)
    error = 4 * tau / math.sqrt(variance * n)
    assert slope == pytest.approx(expected, abs=error)
    assert intercept == pytest.approx(m - expected * t * m, abs=2 * error)

    u, target, _, _ = residual_coordinates(
        torch.as_tensor(residual[:, None]),
        torch.tensor([s2]),
        torch.full((n,), 2 * math.log(t / (1 - t))),
        torch.as_tensor(start[:, None]),
    )
    np.testing.assert_allclose(u[:, 0], (z - t * m) / math.sqrt(variance), atol=1e-5)
    gaussian = m + expected * (z - t * m)
    np.testing.assert_allclose(target[:, 0], (velocity - gaussian) / tau, atol=1e-5)


@pytest.mark.parametrize("both", [True, False])
def test_gaussian_divergence_integrates_to_the_gaussian_answer(both):
    task = JointNormal.sparse(3, 2, correlations=(0.9, 0.5))
    white = LinearPreconditioner()
    X, y = task.sample(20_000, random_state=0)
    sources, residual, condition = FlowModel(
        both=both, width=8, depth=1, transformers=None, settings=None
    )._ends(white.fit(X, y).transform(X, y))
    assert condition.shape[1] == (0 if both else 2)
    assert sources.shape[1] == (2 if both else 1)
    divergence = sum(
        quad(lambda t, s2=s2: gaussian_flow(t, s2)[1], 0, 1)[0] for s2 in (residual**2).mean(axis=0)
    )
    error = 3 * task.pointwise_mi(X, y).std() / math.sqrt(20_000)
    assert -divergence == pytest.approx(task.mutual_information, abs=error)


def test_pair_rotation():
    rotation = pair_rotation(3, 2)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(5), atol=1e-12)
    correlation = np.eye(5)
    correlation[[0, 1, 3, 4], [3, 4, 0, 1]] = [0.9, 0.5, 0.9, 0.5]
    expected = np.diag([1.9, 1.5, 1, 0.1, 0.5])
    np.testing.assert_allclose(rotation.T @ correlation @ rotation, expected, atol=1e-12)


def test_times_and_weights_integrate_every_angle():
    """The mean weight is the length of the path of an angle, and no weight is large."""
    quantile = (torch.arange(30_000, dtype=torch.float64) + 0.5) / 30_000
    weight = angular_weight(logsnr_at(quantile, VARIANCE), VARIANCE)
    np.testing.assert_allclose(weight.mean(dim=0), math.pi / 2, rtol=1e-3)
    assert weight.max() <= 3 * math.pi / 2 + 1e-9


@pytest.mark.parametrize("n_condition", [0, 2])
def test_exact_divergence_is_that_of_the_velocity(n_condition, rng):
    """Trace of the Jacobian of ``tau F`` by ``z_t``, over the density that t was drawn from."""
    flow = random_flow(n_condition)
    residual, start, condition, quantile = random_rows(rng, 5, 3, n_condition)
    values = flow.divergence(residual, start, condition, quantile).tolist()
    logsnr = logsnr_at(quantile, VARIANCE)
    expected = []
    for t, *row in zip(torch.sigmoid(logsnr / 2), residual, start, condition, logsnr, strict=True):
        variance, _, tau = (
            torch.tensor(column)
            for column in zip(
                *(gaussian_flow(t.item(), s2) for s2 in VARIANCE.tolist()), strict=True
            )
        )
        z = (1 - t) * row[1] + t * row[0]
        jacobian = torch.autograd.functional.jacobian(
            partial(scaled_correction, flow, *row[2:], tau, variance.sqrt()), z
        )
        density = (2 / math.pi) * (VARIANCE.sqrt() / variance).mean()
        expected.append((jacobian.trace() / density).item())
    assert values == pytest.approx(expected, rel=1e-5)


def scaled_correction(flow, condition, logsnr, tau, scale, z):
    """``tau F`` of one row as a function of where it is."""
    return tau * flow.correction((z / scale)[None], condition[None], logsnr[None])[0]


def test_probed_divergence_has_the_exact_one_as_its_mean(rng):
    flow = random_flow(1)
    rows = random_rows(rng, 1, 3, 1)
    exact = flow.divergence(*rows).item()
    n = 20_000
    probe = torch.as_tensor(rng.choice([-1.0, 1.0], size=(n, 3)))
    rows = [a.expand(n, *a.shape[1:]) for a in rows]
    values = flow.divergence(*rows, probe).detach()
    assert values.std() > 0.01
    assert values.mean().item() == pytest.approx(exact, abs=4 * values.std().item() / math.sqrt(n))


def test_loss_is_weighted_regression_and_zero_at_first(rng):
    """Every row starts from the sources of the rows before it, one each."""
    residual, _, condition, quantile = random_rows(rng, 6, 3, 2)
    sources = torch.as_tensor(rng.normal(size=(6, 2, 3)))
    flow = random_flow(2)
    logsnr = logsnr_at(quantile, VARIANCE)
    start = torch.stack([sources[i - 1, 0] + sources[i - 2, 1] for i in range(6)])
    u, target, _, _ = residual_coordinates(residual, VARIANCE, logsnr, start)
    f = flow.correction(u, condition, logsnr)
    gain = ((target - f) ** 2 - target**2) * angular_weight(logsnr, VARIANCE)
    torch.testing.assert_close(flow(residual, condition, sources, quantile), gain.mean(dim=1))
    torch.nn.init.zeros_(flow.network.last.weight)
    torch.nn.init.zeros_(flow.network.last.bias)
    assert not flow(residual, condition, sources, quantile).any()


def test_starts_are_made_of_other_samples(rng):
    sources = np.stack([np.arange(50.0), 100 * np.arange(50.0)], axis=1)[:, :, None]
    high, low = np.divmod(
        np.concatenate([_independent(sources, rng) for _ in range(200)])[:, 0], 100
    )
    own = np.tile(np.arange(50), 200)
    assert not (low == own).any()
    assert not (high == own).any()
    assert set(low) == set(high) == set(range(50))
    # Two draws of 49 agree by chance one time in 49.
    assert abs((low == high).mean() - 1 / 49) < 4 * math.sqrt(1 / 49 / len(own))


def test_times_are_stratified():
    quantile = draw_times(2000, torch.Generator().manual_seed(0))["quantile"]
    assert sorted((quantile * 2000).long().tolist()) == list(range(2000))
    assert abs(np.corrcoef(np.arange(2000), quantile)[0, 1]) < 4 / math.sqrt(2000)


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_adds_what_the_gaussian_answer_lacks(variant):
    """Uncorrelated columns with a common scale: the Gaussian answer is zero."""
    task = load_task("student-identity-1-1-1")
    X, y = task.sample(2000, random_state=0)
    fitted = FMMIMutualInfo(variant=variant, **QUICK).fit(X, y)
    for model in fitted.models_:
        assert -0.5 * np.log(model.basis_.residual_variance_).sum() < 0.01
    error = 3 * task.pointwise_mi(X, y).std() / math.sqrt(2000) + 0.04  # for a short training
    assert task.mutual_information > 2 * error
    assert abs(fitted.mutual_info_ - task.mutual_information) < error


@pytest.mark.parametrize("variant", VARIANTS)
def test_many_columns_do_not_bias_the_gaussian_part(variant):
    """Its closed form is too high, and its held-out value too low, by about 20 * 20 / n."""
    task = JointNormal.sparse(20, correlations=(0.8, 0.5))
    X, y = task.sample(2000, random_state=1)
    fitted = FMMIMutualInfo(variant=variant, preprocessing="standardize", **TINY).fit(X, y)
    assert 5 * fitted.mutual_info_se_ < 20 * 20 / 2000
    assert abs(fitted.mutual_info_ - task.mutual_information) < 3 * fitted.mutual_info_se_


def test_probes_take_over_with_many_columns(monkeypatch):
    """The same mean over the samples, with noise of their own."""
    X, y = load_task("student-identity-3-3-2").sample(4000, random_state=5)
    fitted = FMMIMutualInfo(variant="conditional", **QUICK).fit(X, y)
    (model,) = fitted.models_[:1]
    exact = model.pointwise(X, y, "cpu")
    monkeypatch.setattr("sklearn_mmg.baselines._fmmi.MAX_EXACT", 2)
    noise = model.pointwise(X, y, "cpu") - exact
    assert noise.std() > 0.01
    assert abs(noise.mean()) < 4 * noise.std() / math.sqrt(4000)


@pytest.mark.parametrize("variant", VARIANTS)
def test_standard_error_is_the_scatter_on_normal_data(variant):
    task = JointNormal.sparse(correlations=(0.75,))
    fits = [
        FMMIMutualInfo(variant=variant, **TINY).fit(*task.sample(500, random_state=seed))
        for seed in range(12)
    ]
    scatter = np.std([fitted.mutual_info_ for fitted in fits], ddof=1)
    reported = np.sqrt(np.mean([fitted.mutual_info_se_**2 for fitted in fits]))
    assert 1 / 1.5 < reported / scatter < 1.5  # a scatter of 12 has a standard error of 0.21


@pytest.mark.parametrize("swap", [False, True], ids=["y", "X"])
def test_discrete_condition(swap):
    task = CategoricalNormal([-1.5, 0.0, 2.0])
    X, y = task.sample(2000, random_state=4)
    kinds = {"discrete_features": True} if swap else {"discrete_target": True}
    fitted = FMMIMutualInfo(variant="conditional", **QUICK, **kinds)
    fitted.fit(*((y, X) if swap else (X, y)))
    error = 3 * task.pointwise_mi(X, y).std() / math.sqrt(2000) + 0.03  # for a short training
    assert task.mutual_information > 5 * error
    assert abs(fitted.mutual_info_ - task.mutual_information) < error


def test_joint_variant_refuses_discrete_columns(rng):
    X, labels = rng.normal(size=(60, 2)), np.arange(60) % 2
    estimator = FMMIMutualInfo(variant="joint", **TINY)
    message = "variant='joint' of FMMIMutualInfo models both sides together"
    with pytest.raises(ValueError, match=message):
        estimator.set_params(discrete_target=True).fit(X, labels)
    with pytest.raises(ValueError, match=message):
        estimator.set_params(discrete_target=False, discrete_features=[1]).fit(X, labels)


def test_no_value_of_a_single_sample(rng):
    X, y = rng.normal(size=(2, 60, 1))
    fitted = FMMIMutualInfo(**TINY).fit(X, y)
    for name in ("pointwise_mi", "pointwise_mi_", "score"):
        assert not hasattr(fitted, name)
    with pytest.raises(AttributeError, match="has no attribute 'pointwise_mi'") as caught:
        fitted.pointwise_mi(X, y)
    assert "a divergence, not a logarithm" in str(caught.value.__cause__)
    with pytest.raises(ValueError, match="a minimum of 2 is required by FMMIMutualInfo: indep"):
        fitted.mutual_info(X[:1], y[:1])
    assert math.isfinite(fitted.mutual_info(X[:2], y[:2]))
