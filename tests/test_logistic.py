"""The logistic regression that class probabilities start from."""

import warnings

import numpy as np
import pytest
from budgets import tiny
from scipy.special import log_softmax

from sklearn_mmg._core.logistic import HeldOutLogistic

LOG_PRIOR = np.log(np.full(3, 1 / 3))


def shifted_classes(n, d, shift, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=n)
    x = rng.normal(size=(n, d))
    x[:, :3] += shift * np.eye(3)[codes]
    exact = log_softmax(shift * x[:, :3], axis=1)
    return x, codes, exact


def gain(log_p, codes):
    return (log_p - LOG_PRIOR)[np.arange(len(codes)), codes].mean()


def test_the_margin_is_kept_where_nothing_can_be_learned():
    logistic = HeldOutLogistic(LOG_PRIOR)
    logistic.fit(*shifted_classes(400, 40, 0.0, 0)[:2], 0)
    x, codes, _ = shifted_classes(4000, 40, 0.0, 1)
    assert gain(logistic.log_probability(x), codes) > -0.01  # a fixed penalty of 1 loses 0.1
    assert logistic.inverse_penalty_ <= 1e-2


def test_penalty_follows_the_number_of_columns():
    """With many columns for the samples it must be strong, with few it must not shrink at all."""
    penalties, gains = [], []
    for d in (3, 300):
        x, codes, exact = shifted_classes(1200, d, 2.0, 1)
        logistic = HeldOutLogistic(LOG_PRIOR)
        logistic.fit(x[:600], codes[:600], 0)
        gains.append(gain(logistic.log_probability(x[600:]), codes[600:]))
        penalties.append(logistic.inverse_penalty_)
    assert penalties[0] > 10 * penalties[1]
    assert gains[0] == pytest.approx(gain(exact, codes), abs=0.06)
    assert gains[1] > 0.25  # with the default penalty of 1 a loss


def test_training_samples_get_probabilities_that_did_not_see_them():
    x, codes, _ = shifted_classes(600, 200, 1.5, 2)
    logistic = HeldOutLogistic(LOG_PRIOR)
    held_out = gain(logistic.fit(x, codes, 0), codes)
    new = shifted_classes(2000, 200, 1.5, 3)
    assert held_out == pytest.approx(gain(logistic.log_probability(new[0]), new[1]), abs=0.06)
    assert gain(logistic.log_probability(x), codes) > held_out + 0.1


@pytest.mark.parametrize("codes", [np.zeros(20, int), np.r_[np.zeros(19, int), 2], np.arange(3)])
def test_classes_that_are_rare_or_missing(codes):
    x = np.random.default_rng(4).normal(size=(len(codes), 2))
    logistic = HeldOutLogistic(LOG_PRIOR)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(logistic.fit(x, codes, 0)).all()
    log_p = logistic.log_probability(x)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)


class TestTwoDiscreteSides:
    def test_counts_with_a_common_part(self):
        """(a + c, b + c) of Poisson(1) each: 0.1411 nats."""
        a, b, c = np.random.default_rng(5).poisson(1.0, size=(3, 2000))
        mmg = tiny(cv=3, discrete_features=True, discrete_target=True)
        assert mmg.fit((a + c)[:, None], b + c).mutual_info_ == pytest.approx(0.1411, abs=0.04)

    def test_many_independent_levels(self):
        x, y = np.random.default_rng(6).integers(50, size=(2, 2000))
        mmg = tiny(cv=3, discrete_features=True, discrete_target=True)
        assert abs(mmg.fit(x[:, None], y).mutual_info_) < 0.01


@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_classes_keep_finite_logarithms(n_classes):
    """Far outside the data a probability underflows, and its logarithm must not."""
    codes = np.arange(120) % n_classes
    x = 3.0 * codes[:, None] + 0.01 * np.arange(120)[:, None] / 120
    model = HeldOutLogistic(np.log(np.full(n_classes, 1 / n_classes)))
    model.fit(x, codes, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_p = model.log_probability(np.array([[-1e5], [0.0], [1e5]]))
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)
