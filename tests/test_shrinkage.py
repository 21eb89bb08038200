"""Linear predictions from more directions than samples can tell."""

import warnings

import numpy as np
import pytest
from budgets import tiny
from scipy.linalg import svd
from sklearn.linear_model import Ridge

from sklearn_mmg._core.preconditioning import LinearPreconditioner
from sklearn_mmg._core.shrinkage import ShrunkenPreconditioner, ridge


def wide(n, d, seed, n_targets=1):
    """Targets half of whose variance is a column each: 0.347 nats apiece."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, d))
    return y[:, :n_targets] + rng.normal(size=(n, n_targets)), y


@pytest.mark.parametrize("d", [60, 200])
def test_held_out_predictions_are_those_of_refitted_regressions(d):
    x, y = wide(120, d, 0)
    x = (x[:, 0] - x.mean()) / x.std()
    scores, scale, _ = svd(y - y.mean(axis=0), full_matrices=False)
    keep = scale > 1e-8
    fit = ridge(x, scores[:, keep], scale[keep])
    z = scores[:, keep].T @ x
    # In columns of the strength that the fit gives them the penalty is one.
    factors = fit.coefficient / z
    strength = factors / (1 - factors)
    columns = scores[:, keep] * np.sqrt(strength)
    for i in (0, 17, 63):
        rest = np.delete(np.arange(120), i)
        refitted = Ridge(alpha=1.0).fit(columns[rest], x[rest]).predict(columns[[i]])[0]
        assert fit.held_out[i] == pytest.approx(refitted, abs=1e-6)


@pytest.mark.parametrize("d", [150, 400, 900])
def test_noise_is_found_in_any_number_of_directions(d):
    noises, variances = [], []
    for seed in range(8):
        basis = ShrunkenPreconditioner()
        x, y = wide(600, d, seed)
        basis.fit_transform(x, y)
        total = x.var()
        noises.append(basis.noise_[0] * total)
        new_x, new_y = wide(600, d, seed + 100)
        residual = basis.transform(new_x, new_y).residual
        variances.append((residual**2).mean() / basis.residual_variance_[0])
        assert basis.noise_[0] < basis.residual_variance_[0] < 1
    assert np.mean(noises) == pytest.approx(1, abs=4 * np.std(noises) / np.sqrt(8))
    assert np.mean(variances) == pytest.approx(1, abs=0.08)


def test_what_is_seen_of_training_samples_is_what_is_seen_of_new_ones():
    x, y = wide(600, 300, 1)
    basis = ShrunkenPreconditioner()
    white = basis.fit_transform(x, y)
    new = basis.transform(*wide(2000, 300, 2))
    assert white.residual.var() == pytest.approx(new.residual.var(), rel=0.15)
    assert white.y.shape[1] == new.y.shape[1] == 1 + 150


def test_with_many_samples_as_least_squares():
    x, y = wide(4000, 5, 3, n_targets=2)
    shrunken, plain = ShrunkenPreconditioner(), LinearPreconditioner()
    white = shrunken.fit_transform(x, y)
    plain.fit(x, y)
    assert np.log(shrunken.residual_variance_).sum() == pytest.approx(
        np.log(plain.residual_variance_).sum(), abs=0.01
    )
    assert shrunken.unlearned(white).mean() == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize(("n_targets", "d", "truth"), [(1, 300, 0.3466), (3, 450, 1.0397)])
def test_wide_side(n_targets, d, truth):
    x, y = wide(900, d, 4, n_targets)
    with pytest.warns(UserWarning, match="X has .* shrunk as far as the samples demand"):
        mmg = tiny(cv=3).fit(y, x)
    assert mmg.mutual_info_ == pytest.approx(truth, abs=3 * mmg.mutual_info_se_)
    low, high = mmg.mutual_info_interval()
    assert low < mmg.pointwise_mi_.mean() - mmg.correction_ < truth < high < 1.4 * truth


@pytest.mark.parametrize(("n", "d"), [(900, 300), (60, 500)])
def test_wide_side_that_tells_nothing(n, d):
    rng = np.random.default_rng(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mmg = tiny(cv=3).fit(rng.normal(size=(n, d)), rng.normal(size=n))
    assert abs(mmg.mutual_info_) < 0.01 + 0.3 * mmg.mutual_info_se_
    # What chance makes of so many columns may hide, and little else.
    assert mmg.mutual_info_se_ < 0.05 + np.sqrt(2 * d) / (2 * n)
    assert mmg.mutual_info_interval()[0] == 0
