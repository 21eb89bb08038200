"""Refits of an estimate, what is made of them, and their picture."""

import math

import numpy as np
import pandas as pd
import pytest
from budgets import NETWORK

from sklearn_mmg import (
    FMMIMutualInfo,
    GaussianMutualInfo,
    KSGMutualInfo,
    MMGMutualInfo,
    ReliabilityDisplay,
)
from sklearn_mmg.datasets import Ring
from sklearn_mmg.inspection import check_reliability, paired_difference
from sklearn_mmg.inspection._difference import PairedDifference
from sklearn_mmg.inspection._verdict import Refit, Reliability, judge, missing

N = 400


def cheap(**parameters):
    smallest = NETWORK | dict(n_steps=30, batch_size=256, random_state=0)
    return MMGMutualInfo(**(smallest | parameters))


def normal(n=N, seed=0):
    """Two columns, one of which is half of the variance of the target: log(2) / 2 nats."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, X[:, 0] + rng.normal(size=n)


@pytest.fixture(scope="module")
def stable():
    return check_reliability(cheap(), *normal(), random_state=0)


class TestRefits:
    def test_normals_are_stable(self, stable):
        assert stable.verdict == "stable" and stable.findings == () and stable.omitted == ()
        names = ["as it is", "half of", "a quarter of", "twice the steps, 60", "denoise='X'"]
        assert all(r.name.startswith(n) for r, n in zip(stable.refits, names, strict=True))
        assert [refit.n_samples for refit in stable.refits] == [N, N // 2, N // 4, N, N]
        first = stable.refits[0]
        assert first.interval[0] < math.log(2) / 2 < first.interval[1]
        assert first.change.difference == 0
        assert set(first.forms) == {"direct", "orthogonal", "linear"}

    def test_they_are_fits_of_their_own(self, stable):
        X, y = normal()
        first = cheap().fit(X, y)
        for refit, parameters in zip(
            stable.refits[3:], [{"n_steps": 60}, {"denoise": "X"}], strict=True
        ):
            other = cheap().set_params(**parameters).fit(X, y)
            assert refit.parameters == parameters
            assert refit.mutual_info == other.mutual_info_
            assert refit.standard_error == other.mutual_info_se_
            assert refit.interval == other.mutual_info_interval()
            assert refit.change == pytest.approx(paired_difference(other, first))

    def test_forms_are_those_of_the_fit(self):
        X, y = normal()
        y = y**3 + X[:, 1] ** 2
        found = {}
        for form in ("direct", "orthogonal", "linear"):
            result = check_reliability(cheap(form=form, cv=[(np.r_[:200], np.r_[200:N])]), X, y)
            found[form] = result.refits[0]
        for form, refit in found.items():
            assert refit.forms[form] == refit.mutual_info
            for other in ("direct", "orthogonal"):
                assert refit.forms[other] == pytest.approx(found[other].mutual_info)

    def test_changes_leave_the_error_of_the_sample_out(self):
        """Halves of a sample differ; what an unbiased estimator makes of the same ones does not."""
        changes = []
        for seed in range(60):
            result = check_reliability(GaussianMutualInfo(), *normal(seed=seed), random_state=seed)
            half = result.refits[1]
            changes.append((*half.change, half.mutual_info - result.refits[0].mutual_info))
        paired, errors, unpaired = np.array(changes).T
        assert paired.std() < 0.6 * unpaired.std()
        # Half of the second half of the samples is what the first lacks: of the same size.
        assert abs(paired.mean()) < 3 * errors.mean() / math.sqrt(60)

    def test_at_the_same_time(self):
        results = [
            check_reliability(KSGMutualInfo(), *normal(), random_state=0, n_jobs=n_jobs)
            for n_jobs in (None, 2)
        ]
        assert results[0] == results[1]

    def test_a_seed_is_given_to_what_has_none(self):
        estimator = KSGMutualInfo()
        values = [
            [r.mutual_info for r in check_reliability(estimator, *normal(), random_state=s).refits]
            for s in (0, 0, 1)
        ]
        assert values[0] == values[1] != values[2]
        assert estimator.random_state is None and not hasattr(estimator, "mutual_info_")

    def test_a_fitted_estimator_stays_as_it_is(self):
        estimator = GaussianMutualInfo().fit(*normal(seed=1))
        before = estimator.mutual_info_
        check_reliability(estimator, *normal(), random_state=0)
        assert estimator.mutual_info_ == before

    def test_whole_groups(self):
        seen = []

        class Watched(GaussianMutualInfo):
            def fit(self, X, y, groups=None):
                seen.append(np.asarray(groups))
                return super().fit(X, y, groups)

        groups = np.repeat(np.arange(40), 10)
        result = check_reliability(Watched(), *normal(), groups=groups, random_state=0)
        whole, half, quarter = seen
        assert (np.unique(half, return_counts=True)[1] == 10).all()
        assert len(set(half)) == 20 and len(set(quarter)) == 10 and not set(half) & set(quarter)
        assert len(whole) == N
        error = check_reliability(GaussianMutualInfo(), *normal(), random_state=0).refits[0]
        assert result.refits[0].standard_error != error.standard_error

    def test_without_values_of_single_samples(self):
        result = check_reliability(FMMIMutualInfo(n_steps=5, cv=2), *normal(200), random_state=0)
        first, *others = result.refits
        for refit in others:
            assert refit.change.difference == refit.mutual_info - first.mutual_info
            errors = refit.standard_error, first.standard_error
            assert refit.change.standard_error == math.hypot(*errors)

    def test_progress(self, capsys):
        check_reliability(GaussianMutualInfo(), *normal(), random_state=0, verbose=1)
        assert "3/3" in capsys.readouterr().err


class TestVerdicts:
    def test_rises_with_steps(self):
        ring = Ring(0.1)
        X, y = ring.sample(N, random_state=0)
        result = check_reliability(cheap(n_steps=10, width=64, batch_size=1024), X, y)
        assert result.verdict == "still rising"
        assert result.refits[0].mutual_info < ring.mutual_information - 0.1
        assert "set n_steps=20 or more" in str(result)

    def test_rises_with_samples(self):
        """What is infinite grows with the logarithm of the number of samples."""
        X = normal(2000)[0]
        result = check_reliability(KSGMutualInfo(), X[:, :1], X[:, 0] ** 2, random_state=0)
        assert result.verdict == "still rising"
        # Twice as many samples are twice as near to each other: log(2) nats more.
        assert -result.refits[1].change.difference == pytest.approx(math.log(2), abs=0.1)
        assert "use more samples, at least" in str(result)
        assert "nothing was trained" in str(result) and "no parameter denoise" in str(result)

    def test_infinite(self):
        X, _ = normal()
        result = check_reliability(cheap(), X, X[:, 0], random_state=0)
        assert result.verdict == "stable" and result.missing is None
        assert [refit.mutual_info for refit in result.refits] == [math.inf] * 3
        assert [refit.change for refit in result.refits] == [(0.0, 0.0)] * 3
        assert "inf nats" in str(result)
        with pytest.raises(ValueError, match="The estimate is infinite"):
            ReliabilityDisplay.from_result(result)

    def test_discrete_sides(self):
        rng = np.random.default_rng(0)
        classes = rng.integers(2, size=N)
        X = pd.DataFrame({"a": 3 * classes + rng.normal(size=N)})
        names = np.where(classes, "ill", "well")
        result = check_reliability(cheap(), X, names, random_state=0)
        assert result.refits[-1].name == "denoise='X'" and result.refits[0].forms
        assert all(0.4 < refit.mutual_info < 0.75 for refit in result.refits)
        assert result.verdict == "stable"
        X["b"] = rng.choice(["Bern", "Oslo"], size=N)
        (omitted,) = check_reliability(cheap(), X, names, random_state=0).omitted
        assert omitted == "the other side denoised, because X has both numbers and categories."
        places = np.array([f"place {i}" for i in rng.permutation(N) % 100])
        (omitted,) = check_reliability(cheap(), X[["a"]], places, random_state=0).omitted
        assert omitted == "the other side denoised, because y has 100 classes for 400 samples."

    def test_what_the_fit_warns_of(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(60, 30)), rng.normal(size=60)
        result = check_reliability(cheap(cv=[(np.r_[:40], np.r_[40:60])]), X, y, random_state=0)
        assert result.verdict == "unstable"
        assert "The fit itself warns: X has 30 directions of variance" in str(result)
        assert "cv has splits of all of them" in result.omitted[0]


def refit(value, change=0.0, error=0.001, n_samples=1000, **fields):
    change = PairedDifference(change, error)
    interval = value - 0.02, value + 0.02
    return Refit(
        name="it", n_samples=n_samples, mutual_info=value, standard_error=0.01,
        interval=interval, change=change, **fields,
    )  # fmt: skip


def verdict(*others, **fields):
    refits = refit(1.0, **fields), *others
    return Reliability(estimator="it", refits=refits, findings=judge(refits)).verdict


class TestRules:
    """What is material is 0.05 nats of an estimate of 1."""

    @pytest.mark.parametrize(
        ("half", "quarter", "expected"),
        [(-0.10, -0.12, 0.10), (-0.02, -0.24, 0.08), (0.02, 0.06, -0.02)],
    )
    def test_missing_is_the_steeper_slope(self, half, quarter, expected):
        parts = refit(1, half, n_samples=500), refit(1, quarter, n_samples=250)
        found = missing([refit(1.0), *parts])
        assert found.difference == pytest.approx(expected)
        assert verdict(*parts) == ("still rising" if expected > 0.05 else "stable")

    @pytest.mark.parametrize(
        ("value", "change", "error", "expected"),
        [
            (1.0, 0.06, 0.001, "still rising"),
            (1.0, 0.04, 0.001, "stable"),  # not material
            (3.0, 0.06, 0.001, "stable"),  # no 5 %
            (1.0, 0.06, 0.03, "stable"),  # chance
            (1.0, -0.06, 0.001, "unstable"),
            (1.0, -0.06, 0.03, "stable"),
        ],
    )
    def test_steps(self, value, change, error, expected):
        refits = refit(value), refit(value, change, error, parameters={"n_steps": 100})
        found = Reliability(estimator="it", refits=refits, findings=judge(refits))
        assert found.verdict == expected

    def test_fewer_samples_that_give_more(self):
        assert verdict(refit(1.1, 0.1, n_samples=500)) == "unstable"
        assert verdict(refit(1.1, 0.1, n_samples=500), doubt=(0, 0.1)) == "stable"

    @pytest.mark.parametrize("sign", [1, -1])
    def test_other_side(self, sign):
        side = dict(parameters={"denoise": "X"})
        value, change = 1 + 0.2 * sign, 0.2 * sign
        assert verdict(refit(value, change, **side)) == "unstable"
        assert verdict(refit(value, change, caveats=("It is bad.",), **side)) == "stable"
        towards, away = ((0.2, 0), (0, 0.2)) if sign > 0 else ((0, 0.2), (0.2, 0))
        assert verdict(refit(value, change, doubt=towards, **side)) == "stable"
        assert verdict(refit(value, change, doubt=away, **side)) == "unstable"
        assert verdict(refit(value, change, **side), doubt=away) == "stable"

    def test_what_warns_is_marked(self):
        good, bad = refit(1.0, n_samples=500), refit(1.0, n_samples=250, caveats=("It is bad.",))
        found = Reliability(estimator="it", refits=(refit(1.0), good, bad), findings=())
        marked = [line.endswith(", warns") for line in str(found).splitlines()[4:6]]
        assert marked == [False, True]

    def test_which_side_to_denoise(self):
        side = refit(1.2, 0.2, parameters={"denoise": "X"}, forms={"direct": 1.1, "linear": 1.2})
        remedies = [
            judge([refit(1.0, forms={"direct": low, "linear": 1.0}), side])[0].remedy
            for low in (0.7, 0.95)
        ]
        assert remedies[0].startswith("set denoise='X'") and "denoise" not in remedies[1]

    def test_infinite_and_finite(self):
        half = refit(math.inf, math.inf, 0.0, n_samples=500)
        assert verdict(half) == "unstable"
        refits = refit(math.inf), refit(1.0, -math.inf, 0.0, n_samples=500)
        assert judge(refits)[0].verdict == "unstable" and missing(refits) is None

    def test_rising_is_said_first(self):
        others = (
            refit(1.2, 0.2, parameters={"denoise": "X"}),
            refit(1.1, 0.1, parameters={"n_steps": 8}),
        )
        assert verdict(*others) == "still rising"


class TestDisplay:
    def test_an_estimator_is_no_result(self):
        with pytest.raises(TypeError, match="with X and y to from_estimator"):
            ReliabilityDisplay.from_result(cheap())

    def test_what_is_drawn(self, stable):
        display = ReliabilityDisplay.from_result(stable)
        ax = display.ax_
        assert display.figure_ is ax.figure
        assert ax.get_title() == "MMGMutualInfo: stable"
        points, *_ = ax.containers[0]
        np.testing.assert_array_equal(points.get_xdata(), [r.mutual_info for r in stable.refits])
        (bars,) = ax.containers[0][2]
        ends = [segment[:, 0] for segment in bars.get_segments()]
        np.testing.assert_allclose(ends, [refit.interval for refit in stable.refits])
        band = ax.patches[0]
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx(
            stable.refits[0].interval
        )
        labels = [text.get_text() for text in ax.get_yticklabels()]
        assert labels[1] == "half of the samples\n(200 samples)"

    def test_from_estimator(self):
        import matplotlib.pyplot as plt

        ax = plt.figure().add_subplot()
        display = ReliabilityDisplay.from_estimator(
            GaussianMutualInfo(), *normal(), ax=ax, random_state=0
        )
        assert display.ax_ is ax
        expected = check_reliability(GaussianMutualInfo(), *normal(), random_state=0)
        assert display.result == expected


def test_mistakes_are_explained():
    X, y = normal()
    with pytest.raises(ValueError, match="The 'estimator' parameter of check_reliability"):
        check_reliability(None, X, y)
    with pytest.raises(ValueError, match="The 'n_jobs' parameter of check_reliability"):
        check_reliability(GaussianMutualInfo(), X, y, n_jobs=0.5)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_reliability(GaussianMutualInfo(), X, y[:-1])
    with pytest.raises(ValueError, match="5 samples, a quarter of the samples, cannot be fitted"):
        check_reliability(GaussianMutualInfo(), X[:20], y[:20], random_state=0)
    with pytest.raises(ValueError, match="0 samples, a quarter of the samples, cannot be fitted"):
        check_reliability(GaussianMutualInfo(), X, y, groups=np.arange(N) % 3, random_state=0)
