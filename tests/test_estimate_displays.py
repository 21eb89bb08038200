"""Pictures of estimates: what they show is what the estimators say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from budgets import smallest, tiny
from sklearn.exceptions import NotFittedError

from sklearn_mmg import (
    EstimateComparisonDisplay,
    FMMIMutualInfo,
    GaussianMutualInfo,
    InfoNCEMutualInfo,
    KSGMutualInfo,
    MMGEntropy,
    PointwiseInformationDisplay,
    TrainingHistoryDisplay,
)
from sklearn_mmg.plotting._axes import BLUE, VERMILION

N = 300


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N, 2)), columns=["a", "b"])
    X["city"] = rng.choice(["Bern", "Oslo"], size=N)
    return X, X["a"] + rng.normal(size=N)


@pytest.fixture(scope="module")
def fitted(data):
    return GaussianMutualInfo().fit(data[0][["a", "b"]], data[1])


class TestPointwise:
    def test_area_is_the_estimate(self, fitted):
        ax = PointwiseInformationDisplay.from_estimator(fitted).ax_
        curve = ax.lines[0]
        values = curve.get_ydata()
        assert (np.diff(values) <= 0).all()
        assert values.mean() == pytest.approx(fitted.mutual_info_)
        assert ax.get_xlim() == (0, 100)
        assert 0 < curve.get_xdata()[0] < curve.get_xdata()[-1] < 100
        told = 100 * np.mean(fitted.pointwise_mi_ >= 0)
        first, second = (text.get_text() for text in ax.get_legend().get_texts())
        assert first == f"{told:.0f} % likelier together"
        assert second == f"{100 - told:.0f} % less likely"
        assert f"{fitted.mutual_info_:.3f} nats" in ax.get_title()

    def test_samples_are_at_the_values_of_the_column(self, fitted, data):
        X, _ = data
        display = PointwiseInformationDisplay.from_estimator(fitted, X, feature="a")
        likelier, less = (points.get_offsets() for points in display.ax_.collections)
        told = fitted.pointwise_mi_ >= 0
        for points, of_sign in ((likelier, told), (less, ~told)):
            np.testing.assert_array_equal(points[:, 0], X["a"][of_sign])
            np.testing.assert_array_equal(points[:, 1], fitted.pointwise_mi_[of_sign])
        assert display.ax_.get_xlabel() == "a"

    def test_held_out_samples_are_those_that_are_drawn(self, data):
        X, y = data
        half = tiny(cv=0.4).fit(X[["a"]], y)
        display = PointwiseInformationDisplay.from_estimator(half, X, feature="a")
        assert len(display.column) == len(half.pointwise_mi_) == 0.4 * N
        np.testing.assert_array_equal(display.column, X["a"].to_numpy()[half._estimate.samples])

    def test_levels_have_places_of_their_own(self, fitted, data):
        ax = PointwiseInformationDisplay.from_estimator(fitted, data[0], feature="city").ax_
        assert [text.get_text() for text in ax.get_xticklabels()] == ["Bern", "Oslo"]
        points = np.concatenate([c.get_offsets()[:, 0] for c in ax.collections])
        found = np.bincount(np.round(points).astype(int))
        assert found.tolist() == [np.sum(data[0]["city"] == city) for city in ("Bern", "Oslo")]

    def test_errors(self, fitted, data):
        draw = PointwiseInformationDisplay.from_estimator
        with pytest.raises(NotFittedError):
            draw(GaussianMutualInfo())
        with pytest.raises(ValueError, match="FMMIMutualInfo has no pointwise values: "):
            draw(smallest(FMMIMutualInfo).fit(data[0][["a", "b"]], data[1]))
        with pytest.raises(ValueError, match="X and feature go together"):
            draw(fitted, data[0])
        with pytest.raises(ValueError, match=r"samples of fit, which were 300\. Got 10"):
            draw(fitted, data[0][:10], feature="a")
        with pytest.raises(ValueError, match="'c' is neither a column"):
            draw(fitted, data[0], feature="c")
        with pytest.warns(UserWarning, match="infinite"):
            copy = tiny().fit(data[0][["a"]], data[0]["a"] ** 3)
        with pytest.raises(ValueError, match="The estimate is infinite"):
            draw(copy)


class TestComparison:
    def test_intervals_and_truth(self, fitted, data):
        X, y = data
        ksg = KSGMutualInfo(random_state=0).fit(X[["a", "b"]], y)
        figure, ax = plt.subplots()
        display = EstimateComparisonDisplay.from_estimators(
            {"normal": fitted, "nearest": ksg}, truth=0.347, confidence=0.9, ax=ax
        )
        assert display.figure_ is figure
        assert [text.get_text() for text in ax.get_yticklabels()] == ["normal", "nearest"]
        ends = [segment[:, 0] for segment in ax.collections[0].get_segments()]
        np.testing.assert_allclose(ends, [e.mutual_info_interval(0.9) for e in (fitted, ksg)])
        points, truth = ax.lines
        assert points.get_xdata().tolist() == [fitted.mutual_info_, ksg.mutual_info_]
        assert points.get_color() == BLUE
        assert (set(truth.get_xdata()), truth.get_color()) == ({0.347}, VERMILION)
        told = [text.get_text() for text in ax.get_legend().get_texts()]
        assert told == ["estimate, 90 % interval", "truth"]

    def test_infinite_estimate_is_said(self, fitted):
        display = EstimateComparisonDisplay(["a", "b"], [0.5, np.inf], [[0.4, 0.6], [np.inf] * 2])
        ax = display.plot().ax_
        assert [text.get_text() for text in ax.texts] == ["infinite →"]
        assert ax.texts[0].xy[1] == 1
        assert len(ax.lines[0].get_xdata()) == 1

    def test_errors(self, fitted):
        with pytest.raises(ValueError, match="nothing to compare"):
            EstimateComparisonDisplay.from_estimators([])
        with pytest.raises(TypeError, match=r"must be a sequence or a dict .* put it in a list"):
            EstimateComparisonDisplay.from_estimators(fitted)
        with pytest.raises(NotFittedError):
            EstimateComparisonDisplay.from_estimators([fitted, GaussianMutualInfo()])


class TestTraining:
    def test_losses_of_every_network(self, data):
        X, y = data
        critic = smallest(InfoNCEMutualInfo, cv=2, n_steps=50).fit(X[["a", "b"]], y)
        ax = TrainingHistoryDisplay.from_estimator(critic).ax_
        lines = {line.get_label(): line for line in ax.lines[:-1]}  # the last is at zero
        assert set(lines) == {
            f"{loss}, network {k}" for loss in ("training", "held-out rows") for k in (1, 2)
        }
        for k, rows in enumerate(critic.history_):
            line = lines[f"held-out rows, network {k + 1}"]
            assert line.get_ydata().tolist() == [row["valid_loss"] for row in rows]
            assert line.get_xdata().tolist() == [20, 40, 50]  # the last ten are no epoch
            assert line.get_linestyle() == "--"
        assert ax.get_xlabel() == "step"

    def test_density_is_per_column(self, data):
        entropy = smallest(MMGEntropy, n_steps=20).fit(data[0][["a", "b"]])
        ax = TrainingHistoryDisplay.from_estimator(entropy).ax_
        assert ax.get_ylabel() == "loss (nats per column)"
        assert ax.get_title() == "Training"

    def test_errors(self, fitted, data):
        with pytest.raises(NotFittedError):
            TrainingHistoryDisplay.from_estimator(tiny())
        with pytest.raises(ValueError, match="GaussianMutualInfo has no history_"):
            TrainingHistoryDisplay.from_estimator(fitted)
        constant = tiny().fit(data[0][["a"]], np.ones(N))
        with pytest.raises(ValueError, match="no losses to draw"):
            TrainingHistoryDisplay.from_estimator(constant)
