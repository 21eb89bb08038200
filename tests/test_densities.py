"""Densities of both sides as modules: untrained they are the closed forms."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import logistic, multivariate_normal, norm

from sklearn_mmg._core.network import initialise
from sklearn_mmg._core.preconditioning import LinearPreconditioner
from sklearn_mmg.baselines._doe import LOGISTIC_SCALE, LocationScale
from sklearn_mmg.baselines._mienf import CorrelatedFlows, spline_flow

DENSITIES = {
    "doe": partial(LocationScale, base="gaussian", width=8, depth=1),
    "doe-logistic": partial(LocationScale, base="logistic", width=8, depth=1),
    "mienf": partial(CorrelatedFlows, width=8, depth=1),
}


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def normal_data(rng):
    """Three and two columns, correlated within and between the sides."""
    columns = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)) + 3
    return columns[:, :3], columns[:, 3:]


def untrained(name, x, y):
    """Module, its coordinates, and the tensors of a sample."""
    basis = LinearPreconditioner().fit(x, y)
    white = basis.transform(x, y)
    module = initialise(DENSITIES[name](basis), seeded()).double()
    signals = (white.x, white.y, white.residual / np.sqrt(basis.residual_variance_))
    return module, basis, [torch.as_tensor(a) for a in signals]


@pytest.mark.parametrize("name", ["doe", "mienf"])
def test_untrained_ratio_is_that_of_normal_densities(name, normal_data):
    x, y = normal_data
    both = np.hstack([x, y])
    expected = sum(
        sign * multivariate_normal(a.mean(0), np.cov(a.T, bias=True)).logpdf(a)
        for sign, a in ((1, both), (-1, x), (-1, y))
    )
    module, _, signals = untrained(name, x, y)
    pointwise, score = module.log_ratios(*signals)
    np.testing.assert_allclose(pointwise.detach(), expected, atol=1e-5)
    np.testing.assert_allclose(score.detach(), expected, atol=1e-5)


def test_untrained_logistic_densities(normal_data):
    module, basis, signals = untrained("doe-logistic", *normal_data)
    x, y, _ = (a.numpy() for a in signals)
    scale = np.sqrt(basis.residual_variance_)
    mean = np.column_stack([basis.rho_ * y, np.zeros(len(y))])
    conditional = logistic.logpdf(x, mean, LOGISTIC_SCALE * scale).sum(1)
    margin = logistic.logpdf(x, 0, LOGISTIC_SCALE).sum(1)
    pointwise, score = module.log_ratios(*signals)
    np.testing.assert_allclose(pointwise.detach(), conditional - margin, atol=1e-5)
    expected = conditional + margin - 2 * norm.logpdf(x).sum(1)
    np.testing.assert_allclose(score.detach(), expected, atol=1e-5)


def test_logistic_scale_has_the_largest_likelihood():
    def slope(z):
        return norm.pdf(z) * z / LOGISTIC_SCALE * np.tanh(z / (2 * LOGISTIC_SCALE))

    assert quad(slope, -12, 12, epsabs=1e-12, limit=200)[0] == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("name", DENSITIES)
def test_loss_starts_at_zero_and_moves(name, normal_data):
    module, _, signals = untrained(name, *normal_data)
    loss = module(*signals)
    assert loss.shape == (300,)
    torch.testing.assert_close(loss, torch.zeros_like(loss), atol=1e-5, rtol=0)
    loss.sum().backward()
    moved = [p for p in module.parameters() if p.grad is not None and p.grad.any()]
    with torch.no_grad():
        for p in moved:
            p -= 1e-4 * p.grad / p.grad.norm()
    assert module(*signals).sum() < loss.sum()


def test_extreme_log_scales_stay_finite(normal_data):
    module, _, signals = untrained("doe", *normal_data)
    for extreme in (-1e4, 1e4):
        torch.nn.init.constant_(module.margin, extreme)
        torch.nn.init.constant_(module.network.last.bias, extreme)
        assert torch.isfinite(module.float()(*(a.float() for a in signals))).all()


@pytest.mark.parametrize("n_dims", [1, 2, 4])
def test_flow_starts_as_the_identity(n_dims):
    flow = initialise(spline_flow(n_dims, 8, 2), seeded())
    x = torch.linspace(-8, 8, 33)[:, None].repeat(1, n_dims)  # the splines end at 5
    z, log_determinant = flow().call_and_ladj(x)
    torch.testing.assert_close(z, x, atol=1e-5, rtol=0)
    torch.testing.assert_close(log_determinant, torch.zeros(33), atol=1e-5, rtol=0)


def test_score_of_flows_is_a_change_of_variables(normal_data):
    """With the Jacobian by automatic differentiation and the normal density of scipy."""
    module, _, (x, y, residual) = untrained("mienf", *normal_data)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=seeded())
    correlation = torch.tanh(module.fisher + module.change).detach().numpy()
    covariance = np.eye(5)
    covariance[[0, 1], [3, 4]] = covariance[[3, 4], [0, 1]] = correlation
    pointwise, score = module.log_ratios(x, y, residual)
    for i in range(5):
        z, log_determinant = [], 0.0
        for flow, row in ((module.flow_x, x[i]), (module.flow_y, y[i])):
            jacobian = torch.autograd.functional.jacobian(flow(), row)
            log_determinant += torch.linalg.slogdet(jacobian).logabsdet.item()
            z.append(flow()(row).detach().numpy())
        joint = multivariate_normal(np.zeros(5), covariance).logpdf(np.concatenate(z))
        margins = sum(norm.logpdf(side).sum() for side in z)
        gaussian = norm.logpdf(x[i]).sum() + norm.logpdf(y[i]).sum()
        assert pointwise[i].item() == pytest.approx(joint - margins)
        assert score[i].item() == pytest.approx(joint + log_determinant - gaussian)
