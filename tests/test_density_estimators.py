"""Estimators from densities of both sides: what they have to do, and where they fail."""

import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from scipy.stats import logistic, norm

from sklearn_mmg import DoEMutualInfo, MIENFMutualInfo
from sklearn_mmg.baselines._doe import LOGISTIC_SCALE
from sklearn_mmg.datasets import CategoricalNormal, JointNormal

QUICK = {"n_steps": 100, "batch_size": 256, "width": 32, "depth": 1, "cv": 2, "random_state": 0}
ESTIMATORS = {
    "doe": partial(DoEMutualInfo, **QUICK),
    "doe-logistic": partial(DoEMutualInfo, base="logistic", **QUICK),
    "mienf": partial(MIENFMutualInfo, **QUICK),
}
of_every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


def bent(n_samples):
    """Location and scale of ``x`` follow ``y`` in curves, and the true ``log p(x|y)``."""
    rng = np.random.default_rng(7)
    y = rng.normal(size=(n_samples, 1))
    location, scale = y**2, np.exp(0.5 * y)
    x = location + scale * rng.normal(size=(n_samples, 1))
    return x, y, norm.logpdf(x, location, scale)[:, 0]


def warped(n_samples, n_columns, seed):
    """Normal up to a bijection of either side, and the true pointwise values."""
    task = JointNormal.sparse(n_columns, correlations=n_columns * (0.8,))
    X, y = task.sample(n_samples, random_state=seed)
    truth = task.pointwise_mi(X, y)
    first = np.exp(0.4 * X[:, :1])
    return np.hstack([first, X[:, 1:] + X[:, :1] ** 2]), np.arctan(3 * y), truth


@of_every_estimator
def test_early_stopping_prevents_overfitting(estimator, rng):
    X, y = rng.normal(size=(2, 300, 3))
    free, stopped = (
        estimator(n_steps=120, learning_rate=0.01, early_stopping=early_stopping).fit(X, y)
        for early_stopping in (False, True)
    )
    # The linear model fits a matrix of nine to 150 samples of independent sides.
    assert abs(stopped.mutual_info_) < 3 * stopped.mutual_info_se_ + 9 / (2 * 150)
    assert abs(free.mutual_info_) > 2 * abs(stopped.mutual_info_)


def learned(fitted, x, y):
    """``log q(x|y)`` and ``log q(x)`` of the first fold, in the units of the data."""
    model = fitted.models_[0]
    pointwise, score = (getattr(model, name)(x, y, "cpu") for name in ("pointwise", "score"))
    scaler = model.transformers[0]
    gaussian = norm.logpdf(x, scaler.mean_, scaler.scale_)[:, 0]
    return gaussian + (score + pointwise) / 2, gaussian + (score - pointwise) / 2


def test_location_and_scale_are_learned():
    x, y, truth = bent(5000)
    fitted = ESTIMATORS["doe"](preprocessing="standardize", n_steps=300).fit(x[:3000], y[:3000])
    gap = truth[3000:] - learned(fitted, x[3000:], y[3000:])[0]
    # Its mean is a divergence, 0.6 for a linear model.
    assert gap.mean() < 3 * gap.std() / math.sqrt(2000) + 0.05


def test_margin_is_learned(rng):
    x, y = rng.lognormal(size=(2, 4000, 1))
    fitted = ESTIMATORS["doe-logistic"](preprocessing="standardize").fit(x[:2000], y[:2000])
    _, margin = learned(fitted, x[2000:], y[2000:])
    best = logistic.logpdf(x[2000:], *logistic.fit(x[:2000])).mean()
    untrained = logistic.logpdf(x[2000:], x.mean(), LOGISTIC_SCALE * x.std()).mean()
    assert untrained < best - 0.05
    assert margin.mean() == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("n_columns", [1, 2])
def test_flows_undo_a_warp(n_columns):
    X, y, truth = warped(2000, n_columns, seed=3)
    fold, truth = (np.arange(1000), np.arange(1000, 2000)), truth[1000:]
    linear, fitted = (
        ESTIMATORS["mienf"](preprocessing="standardize", n_steps=n_steps, cv=[fold]).fit(X, y)
        for n_steps in (1, 200)
    )
    assert linear.mutual_info_ < truth.mean() - 0.1 * n_columns
    gap = truth - fitted.pointwise_mi_
    # What the flows do not learn of 1,000 samples in so short a training.
    assert abs(gap.mean()) < 3 * gap.std() / math.sqrt(1000) + 0.05 * n_columns


@pytest.mark.parametrize("mean", [1.0, 2.0])
def test_family_of_doe_decides(mean):
    """Normal given the class, but not alone: the margin costs more than its entropy.

    The best two normal densities give ``log(1 + mean**2) / 2``, at a mean of 2 more than the
    entropy of the class.
    """
    task = CategoricalNormal([-mean, mean])
    X, y = task.sample(2000, random_state=4)
    estimator = partial(ESTIMATORS["doe"], preprocessing="standardize")
    fitted = estimator(discrete_target=True).fit(X, y)
    swapped = estimator(discrete_features=True).fit(y, X)
    target = 0.5 * math.log1p(mean**2)
    assert abs(fitted.mutual_info_ - target) < 3 * fitted.mutual_info_se_ + 0.01
    assert swapped.mutual_info_ == pytest.approx(fitted.mutual_info_, abs=1e-6)
    if mean == 1:
        assert abs(fitted.mutual_info_ - task.mutual_information) < 3 * fitted.mutual_info_se_
    else:
        assert fitted.mutual_info_ > math.log(2) + 0.05


@pytest.mark.parametrize("name", ESTIMATORS)
def test_score_rises_with_the_likelihood(name):
    X, y = warped(2000, 2, seed=8)[:2] if name == "mienf" else bent(2000)[:2]
    scores = [
        ESTIMATORS[name](n_steps=n_steps, preprocessing="standardize", cv=0.5)
        .fit(X[:1000], y[:1000])
        .score(X[1000:], y[1000:])
        for n_steps in (1, 100)
    ]
    assert scores[1] > scores[0] + 0.2


def test_without_zuko(monkeypatch, rng):
    program = (
        "import sys; sys.modules['zuko'] = None; import sklearn_mmg; "
        "print(sklearn_mmg.MIENFMutualInfo(width=8))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "MIENFMutualInfo(width=8)", done.stderr
    monkeypatch.setitem(sys.modules, "zuko.flows", None)
    X, y = rng.normal(size=(2, 50, 1))
    with pytest.raises(ImportError, match=r"needs the package zuko: .* 'sklearn-mmg\[flows\]'"):
        MIENFMutualInfo(n_steps=1).fit(X, y)
