"""Numbers that the data contradict, and data at the edge of what a computer can hold."""

import math
import re
import warnings

import numpy as np
import pytest
from budgets import MUTUAL_INFO_ESTIMATORS, smallest, tiny
from scipy.stats import entropy
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import (
    DoEMutualInfo,
    GaussianMutualInfo,
    KSGMutualInfo,
    MMGMutualInfo,
    MMSECurveDisplay,
)
from sklearn_mmg._plausibility import (
    UNBOUNDED,
    entropy_bound,
    linear_function,
    regression_bound,
)
from sklearn_mmg.datasets import list_tasks, load_task

N = 300
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
Y = X[:, 0] + RNG.normal(size=N)


def messages(caught):
    return [str(w.message) for w in caught]


@pytest.fixture
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestBounds:
    CLASSES = np.arange(N) % 3

    def test_entropy_of_a_discrete_side(self):
        none, both = np.zeros(1, dtype=bool), np.ones(2, dtype=bool)
        codes = self.CLASSES[:, None].astype(float)
        assert entropy_bound((X[:, :1], X[:, 1:2]), (none, none)) is UNBOUNDED
        pair = np.hstack([codes, codes > 1])
        for side, mask in ((codes, none), (pair, both)):
            bound = entropy_bound((X[:, :1], side), (none, mask))
            assert bound.of_sample == pytest.approx(math.log(3))

    def test_entropy_may_be_larger_than_that_of_the_sample(self):
        rng = np.random.default_rng(0)
        none = np.zeros(1, dtype=bool)
        for shares in ([0.5, 0.5], [0.1, 0.9], [0.2, 0.3, 0.5]):
            truth = entropy(shares)
            samples = rng.choice(len(shares), size=(400, 200, 1), p=shares).astype(float)
            bounds = [entropy_bound((s, X[:200, :1]), (none, none)) for s in samples]
            above = np.mean([bound.upper_limit(0.975) >= truth - 1e-12 for bound in bounds])
            assert above > 0.975 - 3 * math.sqrt(0.975 * 0.025 / 400)

    def test_interval_ends_at_the_entropy(self, no_warning):
        shifted = X + 10 * self.CLASSES[:, None]
        mmg = tiny().fit(shifted, self.CLASSES)
        assert mmg.mutual_info_interval()[1] == pytest.approx(math.log(3), abs=1e-6)

    def test_warning_above_the_entropy(self):
        estimator = KSGMutualInfo().fit(X, self.CLASSES > 0)
        estimator.mutual_info_, estimator.mutual_info_se_ = 0.8, 0.01
        (said,) = estimator._impossible()
        assert re.search(r"exceeds the entropy of a discrete side .* 0\.637", said)
        estimator.mutual_info_se_ = 0.2
        assert list(estimator._impossible()) == []


class TestDoubt:
    """Points on a circle have no density that a denoiser of two columns could learn."""

    def test_warning_and_wide_interval(self):
        angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 1000)
        counts = np.random.default_rng(2).poisson(np.exp(1 + np.cos(angle)))
        circle = np.column_stack([np.cos(angle), np.sin(angle)])
        parameters = dict(discrete_target=True, n_steps=60, batch_size=1024, cv=2, random_state=0)
        with pytest.warns(UserWarning, match=r"not to be relied on.*Try denoise='y'") as caught:
            mmg = MMGMutualInfo(denoise="X", early_stopping=False, **parameters).fit(circle, counts)
        assert caught[0].filename == __file__
        low, high = mmg.mutual_info_interval()
        assert low < 0.412 < high

        mmg = MMGMutualInfo(**parameters).fit(circle, counts)
        assert mmg.denoised_ == "y"
        assert mmg.mutual_info_ == pytest.approx(0.412, abs=3 * mmg.mutual_info_se_)

    def test_ordinary_noise_around_zero_is_no_reason(self, no_warning):
        rng = np.random.default_rng(3)
        for columns in (1, 3):
            tiny(cv=3).fit(rng.normal(size=(N, columns)), rng.normal(size=(N, columns)))


class TestDeterministicRelations:
    def test_sum_of_columns(self):
        with pytest.warns(UserWarning, match="Column 0 of y is a linear function of X") as caught:
            mmg = tiny().fit(X, X.sum(axis=1))
        assert caught[0].filename == __file__
        assert mmg.mutual_info_ == np.inf
        with pytest.warns(UserWarning, match="Column 1 of X is a linear function of y"):
            assert tiny().fit(X, np.column_stack([X[:, 1] + Y, Y])).mutual_info_ == np.inf

    def test_ranks_name_the_columns(self):
        with pytest.warns(
            UserWarning, match="Column 2 of X orders the samples exactly as column 0"
        ):
            tiny().fit(X, -np.exp(X[:, 2]))

    def test_square(self):
        x = X[:, :1]
        with pytest.warns(
            UserWarning, match=r"Nearest neighbours in X predict column 0 of y .*grow"
        ):
            assert np.isfinite(tiny().fit(x, x[:, 0] ** 2).mutual_info_)

    def test_few_samples_prove_nothing(self, no_warning):
        for n in (10, 20):
            assert np.isfinite(tiny(cv=0.2).fit(X[:n, :1], Y[:n]).mutual_info_)
        assert np.isfinite(tiny(cv=0.2).fit(X[:19, :1], X[:19, 0] ** 3).mutual_info_)

    def test_twenty_samples_prove_a_monotone_function(self):
        with pytest.warns(UserWarning, match="orders the samples exactly"):
            assert tiny(cv=0.2).fit(X[:20, :1], X[:20, 0] ** 3).mutual_info_ == np.inf

    def test_sum_of_counts_is_finite(self):
        counts = np.random.default_rng(4).poisson(2, size=(N, 2)).astype(float)
        assert linear_function(counts.sum(axis=1, keepdims=True), counts) is None
        assert np.isfinite(tiny().fit(counts, counts.sum(axis=1)).mutual_info_)

    def test_regression_of_a_column_that_cannot_be_made_normal(self):
        column = np.sinh(700 * X[:, :1] / np.abs(X[:, 0]).max())
        assert regression_bound(column, Y[:, None], np.random.default_rng(0)) == (0, 0)

    @pytest.mark.parametrize("n", [200, 1000])
    @pytest.mark.parametrize("name", list_tasks()[::4])
    def test_regression_proves_no_more_than_there_is(self, name, n):
        task = load_task(name)
        blocks = [np.reshape(b, (n, -1)) for b in task.sample(n, random_state=0)]
        for columns, others in (blocks, blocks[::-1]):
            bound, _ = regression_bound(columns, others, np.random.default_rng(0))
            assert bound < task.mutual_information + 0.2


class TestWideData:
    WIDE = np.random.default_rng(5).normal(size=(200, 100))
    TARGET = WIDE[:, 0] + np.random.default_rng(6).normal(size=200)

    @pytest.mark.parametrize("estimator_class", [MMGMutualInfo, DoEMutualInfo])
    @pytest.mark.parametrize("side", ["X", "y"])
    def test_warning_names_the_side_and_what_to_do(self, estimator_class, side):
        blocks = (self.WIDE, self.TARGET) if side == "X" else (self.TARGET[:, None], self.WIDE)
        with pytest.warns(
            UserWarning, match=f"{side} has 100 directions .*widest 33 .*PCA"
        ) as all_:
            smallest(estimator_class, cv=3).fit(*blocks)
        assert sum("directions" in m for m in messages(all_)) == 1  # once, not for every fold
        assert all_[0].filename == __file__

    def test_classes(self):
        with pytest.warns(UserWarning, match="X has 100 columns for .*lower limits.*PCA") as all_:
            mmg = tiny(cv=3).fit(self.WIDE, self.TARGET > 0)
        assert sum("lower limits" in m for m in messages(all_)) == 1
        assert -0.05 < mmg.mutual_info_ < 0.25

    def test_line_of_a_pipeline(self):
        with pytest.warns(UserWarning, match="directions") as caught:
            make_pipeline(StandardScaler(), tiny()).fit(self.WIDE, self.TARGET)
        assert caught[0].filename == __file__


SCALES = {
    "tiny": 1e-300,
    "subnormal": 1e-315,
    "huge": 1e300,
    "largest": 1e307,
}


@pytest.fixture(scope="module", params=MUTUAL_INFO_ESTIMATORS, ids=lambda e: e.__name__)
def usual(request):
    return smallest(request.param).fit(X, Y)


class TestExtremes:
    @pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES.keys())
    def test_units_do_not_matter(self, usual, scale):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            scaled = smallest(type(usual)).fit(X * scale, Y * scale)
            again = scaled.mutual_info(X * scale, Y * scale)
        assert scaled.mutual_info_ == pytest.approx(usual.mutual_info_, abs=0.02)
        assert again == pytest.approx(usual.mutual_info(X, Y), abs=0.02)

    @pytest.mark.parametrize("k", [1, 3])
    def test_nearly_constant_columns(self, usual, k):
        rare = np.r_[1 + RNG.exponential(size=k), np.zeros(N - k)]
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            for x, y in ((rare[:, None], Y), (X, rare)):
                estimate = smallest(type(usual)).fit(x, y).mutual_info_
                assert abs(estimate) < 0.6

    def test_heavy_tails(self, usual):
        column = X[:, 0] / np.abs(X[:, 0]).max()
        columns = np.sinh(700 * column), np.sign(Y) * 10.0 ** (300 * column)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            for column in columns:
                smallest(type(usual)).fit(column[:, None], Y)


def test_messages_of_parameters():
    with pytest.raises(ValueError, match=r"instance of .*\.LogisticSampler.*ResidualScale"):
        tiny(sampler="adaptive").fit(X, Y)
    with pytest.raises(ValueError, match=r"such as 'cpu' or 'cuda'\. Got 'gpu'"):
        tiny(device="gpu").fit(X, Y)


def test_no_curves_of_another_estimator():
    with pytest.raises(ValueError, match=r"Only a fitted MMGMutualInfo .* Got GaussianMutualInfo"):
        MMSECurveDisplay.from_estimator(GaussianMutualInfo().fit(X, Y))


def test_one_class_trains_nothing():
    mmg = tiny().fit(X, ["same"] * N)
    assert mmg.mutual_info_ == 0
    assert mmg.net_ is None
    assert (mmg.pointwise_mi(X, ["same"] * N) == 0).all()
