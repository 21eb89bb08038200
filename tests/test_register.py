"""Seven themes over all estimators and their variants, those that are added later included."""

import math
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from budgets import MUTUAL_INFO_ESTIMATORS, smallest

from sklearn_mmg._core.cross_fitted import CrossFittedMutualInfo
from sklearn_mmg._core.preconditioning import gaussian_orthogonal
from sklearn_mmg.baselines._critic import CriticMutualInfo
from sklearn_mmg.datasets import JointNormal, JointNormalMixture

RHO = 0.8
NORMAL = JointNormal.sparse(2, correlations=(RHO,))
# No linear dependence, and 0.408 nats: nothing but training finds it.
CROSS = JointNormalMixture(
    np.zeros((2, 2)), [[[1.0, 0.9], [0.9, 1.0]], [[1.0, -0.9], [-0.9, 1.0]]], dim_x=1
)
SHORT = {"n_steps": 20, "batch_size": 128, "width": 16, "depth": 1, "learning_rate": 1e-2}
LONGER = SHORT | {"n_steps": 60, "width": 32}


def orthogonal(X, y):
    """What the squared difference of exact denoisers gives for a sample of NORMAL."""
    return gaussian_orthogonal(X[:, :1], RHO * y[:, :1], 1 - RHO**2)


@dataclass(frozen=True)
class Expected:
    """What an estimator may miss of the truth, in nats, beyond a standard error or three."""

    known: float = 0.1
    independent: float = 0.05
    strong: float | None = None  # None where strong dependence may be missed
    infinite: tuple = ("monotone", "linear")  # relations that are seen to be
    seeds: bool = True  # whether they matter to continuous columns
    gain: float | None = 0.0  # of the score by training; None where CROSS is beyond the model
    order: float = 0.6  # correlation with the true pointwise values
    pointwise: Callable = NORMAL.pointwise_mi
    spread: float = 1.4  # of the standard error, as a factor
    alone: bool = False  # whether a value is the same whatever other samples come with it
    budget: dict = field(default_factory=dict)  # where a training starts from nothing


ANY_LINEAR = "monotone", "linear", "combination"
# Of an estimator that starts from the linear-Gaussian answer.
CLOSED_FORM = Expected(0.02, 0.02, strong=0.02, order=0.95, alone=True, infinite=ANY_LINEAR)
CRITIC = replace(CLOSED_FORM, gain=0.1)
UNTRAINED = Expected(infinite=())
EXPECTED = {
    "DonskerVaradhanMutualInfo": CRITIC,
    "MINEMutualInfo": CRITIC,
    "NWJMutualInfo": CRITIC,
    "InfoNCEMutualInfo": CRITIC,
    "InfoNCEAnchorMutualInfo": CRITIC,
    "SMILEMutualInfo": CRITIC,
    "FLOMutualInfo": CRITIC,
    "MMGMutualInfo": replace(CLOSED_FORM, strong=0.1, gain=0.05, alone=False),
    "GaussianMutualInfo": replace(CLOSED_FORM, infinite=("linear", "combination")),
    "KSGMutualInfo": replace(UNTRAINED, known=0.06, independent=0.02, seeds=False, order=0.5),
    "FMMIMutualInfo": replace(CLOSED_FORM, strong=0.1),
    "MIMEMutualInfo": replace(CLOSED_FORM, gain=0.03, spread=1.2),
    "DoEMutualInfo": replace(CLOSED_FORM, strong=0.0, gain=0.1),
    "MIENFMutualInfo": replace(CLOSED_FORM, strong=0.0, gain=None),
    "MINDEMutualInfo": Expected(
        0.1,
        0.02,
        gain=0.05,
        order=0.7,
        pointwise=orthogonal,
        infinite=ANY_LINEAR,
        budget=SHORT | {"n_steps": 150, "batch_size": 512, "width": 64, "depth": 2},
    ),
    "PublishedMMGMutualInfo": Expected(
        0.15, gain=1.0, spread=4.0, budget=LONGER | {"n_steps": 150, "batch_size": 256}
    ),
}
AS_ACCURATE = {
    "FMMIMutualInfo": [{"variant": "joint"}],
    "MIMEMutualInfo": [{"reference": "vector"}],
    "DoEMutualInfo": [{"base": "logistic"}],
}
SLOWER = {
    "MMGMutualInfo": [{"form": "direct"}, {"form": "orthogonal"}],
    "MINDEMutualInfo": [{"variant": v} for v in ("c-sigma", "j", "j-sigma")],
    "PublishedMMGMutualInfo": [{"variant": v} for v in ("MMG-adaptive", "MMG-orthogonal")],
}
PUBLISHED_CRITIC = {"gaussian_start": False, "form": "bound"}


class Case(NamedTuple):
    estimator: type
    variant: dict

    @property
    def expected(self):
        if self.variant == PUBLISHED_CRITIC:
            return replace(CRITIC, infinite=("monotone", "linear"))  # it has no linear model
        default = Expected() if self.trains else UNTRAINED
        return EXPECTED.get(self.estimator.__name__, default)

    @property
    def trains(self):
        return issubclass(self.estimator, CrossFittedMutualInfo)

    def new(self, budget=None, **parameters):
        """Unfitted, with what is set of it only if it trains."""
        if not self.trains:
            return smallest(self.estimator, **self.variant)
        budget = self.expected.budget or budget or SHORT
        return self.estimator(**(budget | {"random_state": 0} | self.variant | parameters))

    def smallest(self, **parameters):
        return smallest(self.estimator, **self.variant, **(parameters if self.trains else {}))


def cases(*tables):
    """Every estimator as it is by default, and its variants of the tables."""
    for estimator in MUTUAL_INFO_ESTIMATORS:
        variants = [{}, *(v for table in tables for v in table.get(estimator.__name__, []))]
        if SLOWER in tables and issubclass(estimator, CriticMutualInfo):
            variants.append(PUBLISHED_CRITIC)
        yield from (Case(estimator, variant) for variant in variants)


def name(case):
    return "-".join([case.estimator.__name__, *map(str, case.variant.values())])


every_variant = pytest.mark.parametrize("case", [*cases(AS_ACCURATE, SLOWER)], ids=name)
trained_variants = pytest.mark.parametrize(
    "case", [case for case in cases(AS_ACCURATE, SLOWER) if case.trains], ids=name
)
accurate_variants = pytest.mark.parametrize("case", [*cases(AS_ACCURATE)], ids=name)


def halves_out_of_order(n):
    """Two folds, out of order, and a fifth of the samples that neither holds out."""
    first, second, never = np.split(
        np.random.default_rng(0).permutation(n), [2 * n // 5, 4 * n // 5]
    )
    return [(np.r_[second, never], first), (np.r_[first, never], second)]


def sorted_sample(case, n):
    """From the least to the most telling pair."""
    X, y = NORMAL.sample(n, random_state=1)
    order = np.argsort(case.expected.pointwise(X, y))
    return X[order], y[order]


class Fit(NamedTuple):
    case: Case
    estimator: object
    held_out: tuple  # the samples that the estimate is of

    def slack(self):
        return self.estimator.mutual_info_se_ + self.case.expected.known


@pytest.fixture(scope="module", params=[*cases(AS_ACCURATE)], ids=name)
def fit(request):
    case, n = request.param, 1500
    X, y = sorted_sample(case, n)
    splits = halves_out_of_order(n)
    held_out = np.sort(np.concatenate([test for _, test in splits])) if case.trains else slice(n)
    return Fit(case, case.new(cv=splits).fit(X, y), (X[held_out], y[held_out]))


def test_known_value(fit):
    truth = NORMAL.pointwise_mi(*fit.held_out)
    # The mean of the true values has the same sampling error as the estimate.
    assert abs(fit.estimator.mutual_info_ - truth.mean()) < fit.slack()
    oracle, spread = truth.std() / math.sqrt(len(truth)), fit.case.expected.spread
    assert oracle / spread < fit.estimator.mutual_info_se_ < spread * oracle


def test_held_out_values_are_in_the_order_of_the_samples(fit):
    if not hasattr(fit.estimator, "pointwise_mi_"):
        pytest.skip("has no values of samples")
    values, truth = fit.estimator.pointwise_mi_, fit.case.expected.pointwise(*fit.held_out)
    assert values.shape == truth.shape
    assert np.corrcoef(values, truth)[0, 1] > fit.case.expected.order
    assert fit.estimator.mutual_info_ == pytest.approx(values.mean())


LATER = NORMAL.sample(500, random_state=2)


def test_later_data(fit):
    estimate, truth = fit.estimator.mutual_info(*LATER), fit.case.expected.pointwise(*LATER).mean()
    assert abs(estimate - truth) < fit.slack()
    if not hasattr(fit.estimator, "pointwise_mi"):
        return
    expected = fit.case.expected
    values = fit.estimator.pointwise_mi(*LATER)
    assert estimate == pytest.approx(values.mean())
    assert np.corrcoef(values, expected.pointwise(*LATER))[0, 1] > expected.order
    if expected.alone:
        alone = fit.estimator.pointwise_mi(*(block[100:101] for block in LATER))
        np.testing.assert_allclose(alone, values[100:101], rtol=1e-5)


@accurate_variants
def test_training_raises_the_score(case):
    if not case.trains or "score" in case.estimator._lacks or case.expected.gain is None:
        pytest.skip("no score, or none that CROSS could raise")
    X, y = CROSS.sample(1000, random_state=2)
    untrained, trained = (
        case.new(LONGER, cv=0.2, **steps).fit(X[:700], y[:700]).score(X[700:], y[700:])
        for steps in ({"n_steps": 1}, {})
    )
    assert trained > untrained + case.expected.gain


@accurate_variants
def test_independent_sides(case):
    X, y = np.random.default_rng(3).normal(size=(2, 2000, 2))
    fitted = case.new(LONGER, cv=0.5).fit(X, y)
    assert abs(fitted.mutual_info_) < 3 * fitted.mutual_info_se_ + case.expected.independent


@accurate_variants
def test_strong_dependence(case):
    """17 nats in each of two components: a residual of which single precision keeps nothing."""
    X, noise = np.random.default_rng(4).normal(size=(2, 1000, 2))
    y = (X + 3e-8 * noise) @ np.array([[0.8, 0.6], [-0.6, 0.8]])  # no column is a copy
    truth = math.log1p(3e-8**-2)
    fitted = case.new(preprocessing="standardize", cv=2).fit(X, y)
    if case.expected.strong is None:
        assert 1 < fitted.mutual_info_ < truth
    else:
        # The linear model fits a matrix of four to 500 samples.
        slack = case.expected.strong + 4 / (2 * 500)
        assert abs(fitted.mutual_info_ - truth) < 3 * fitted.mutual_info_se_ + slack


@trained_variants
@pytest.mark.parametrize("side", ["X", "y"])
def test_constant_side_tells_nothing(case, side):
    X, y = np.random.default_rng(5).normal(size=(100, 2)), np.ones(100)
    blocks = (X, y) if side == "y" else (y[:, None], X)
    fitted = case.smallest().fit(*blocks)
    assert fitted.mutual_info_ == fitted.mutual_info(*blocks) == fitted.n_iter_ == 0
    if hasattr(fitted, "score"):
        assert fitted.score(*blocks) == 0
    if hasattr(fitted, "pointwise_mi"):
        assert not fitted.pointwise_mi(*blocks).any()


RNG = np.random.default_rng(6)
NUMBERS, OTHERS = RNG.normal(size=(100, 2)), RNG.normal(size=100)
COPIES = {
    "monotone": np.exp(2 * NUMBERS[:, 0]),
    "linear": NUMBERS @ [2.0, -1.0] + 1,
    # The sums are equal, and no column is determined by the other side.
    "combination": np.column_stack([NUMBERS.sum(axis=1) - OTHERS, OTHERS]),
}


@every_variant
@pytest.mark.parametrize("relation", COPIES)
def test_copy_tells_everything(case, relation):
    if relation not in case.expected.infinite:
        pytest.skip("finite")
    y = COPIES[relation]
    parameters = {} if relation == "monotone" else {"preprocessing": "standardize"}
    with pytest.warns(UserWarning, match="the mutual information is infinite") as caught:
        fitted = case.smallest(**parameters).fit(NUMBERS, y)
    assert caught[0].filename == __file__  # the line of the user, not one of the package
    assert fitted.mutual_info_ == fitted.mutual_info(NUMBERS, y) == math.inf
    if hasattr(fitted, "score"):
        assert fitted.score(NUMBERS, y) == math.inf


def generator_states():
    return {
        "random": pickle.dumps(random.getstate()),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def values(fitted, X, y):
    """All that an estimator says of its sample and of another."""
    methods = "pointwise_mi", "score", "mutual_info"
    said = [getattr(fitted, method)(X, y) for method in methods if hasattr(fitted, method)]
    fit = getattr(fitted, "pointwise_mi_", ()), fitted.mutual_info_, fitted.mutual_info_se_
    return np.concatenate([np.ravel(value) for value in (*fit, *said)])


@every_variant
def test_seeds_and_pickling(case):
    X, y = CROSS.sample(400, random_state=5)
    fitted, later = (X[:300], y[:300]), (X[300:], y[300:])
    # Stopped early, a training that finds nothing would leave no network to be repeated; after five
    # steps MINDE, which begins at zero, has learned too little for seeds to differ.
    estimator = case.smallest(early_stopping=False, n_steps=10)
    before = generator_states()
    first = estimator.fit(*fitted)
    expected = values(first, *later)
    stored = pickle.dumps(first)
    np.testing.assert_array_equal(values(estimator.fit(*fitted), *later), expected)
    assert generator_states() == before
    np.testing.assert_array_equal(values(pickle.loads(stored), *later), expected)
    if case.expected.seeds and "random_state" in estimator.get_params():
        other = estimator.set_params(random_state=1).fit(*fitted)
        assert abs(values(other, *later) - expected).max() > 1e-3
