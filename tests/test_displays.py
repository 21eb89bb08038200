"""Pictures of a selection: what they show is what the estimators say."""

import numpy as np
import pandas as pd
import pytest
from budgets import NETWORK

from sklearn_mmg import (
    ColumnInformationDisplay,
    PointwiseContributionDisplay,
    SelectionPathDisplay,
    SequentialMutualInfoSelector,
    SubsetMutualInfo,
)

N = 600


@pytest.fixture(scope="module")
def data():
    """Two columns of which only both tell something, one that does alone, and a city."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.choice([-1.0, 1.0], size=(N, 2)), columns=["a", "b"])
    frame["c"] = rng.normal(size=N)
    frame["noise"] = rng.normal(size=N)
    frame["city"] = rng.choice(["Bern", "Oslo", "Rome"], size=N)
    return frame, frame["a"] * frame["b"] + frame["c"] + 0.3 * rng.normal(size=N)


@pytest.fixture(scope="module")
def selector(data):
    return SequentialMutualInfoSelector(SubsetMutualInfo(**NETWORK), random_state=0).fit(*data)


def test_path(selector):
    display = SelectionPathDisplay.from_estimator(selector)
    ax = display.ax_
    selected = ax.lines[0]
    np.testing.assert_array_equal(selected.get_ydata(), selector.mutual_information_path_)
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels[: len(selector.path_) + 1] == ["nothing", *selector.path_]
    assert set(selector.path_) == {"a", "b", "c"}
    # The column at which it ended comes last, by itself.
    assert labels[-1] in {"noise", "city"}
    told = [t.get_text() for t in ax.get_legend().get_texts()]
    assert any(text.startswith("ends here: the next has p = ") for text in told)
    assert display.figure_ is ax.figure
    low, high = ax.collections[0].get_paths()[0].vertices[:, 1].min(), ax.get_ylim()[1]
    assert low <= 0 < selector.mutual_information_path_[-1] < high


def test_path_of_a_number_of_columns_ends_nowhere(data):
    chosen = SequentialMutualInfoSelector(
        SubsetMutualInfo(**NETWORK), n_features_to_select=1, random_state=0
    ).fit(*data)
    display = SelectionPathDisplay.from_estimator(chosen)
    assert display.rejected is None
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["nothing", *chosen.path_]


def test_gains_beside_shapley_values(selector):
    display = ColumnInformationDisplay.from_estimator(selector, n_columns=4, random_state=0)
    shapley = selector.estimator_.information_shapley(random_state=0)
    names = [t.get_text() for t in display.ax_.get_yticklabels()]
    assert names[:3] == selector.path_
    assert len(names) == 4
    of = dict(zip(selector.estimator_.groups_, shapley.values, strict=True))
    widths = [bar.get_width() for bar in display.ax_.patches]
    assert widths == pytest.approx([of[name] for name in names])
    gains = np.diff(selector.mutual_information_path_)
    np.testing.assert_array_equal(display.gains[:3], gains)
    assert np.isnan(display.gains[3])


@pytest.mark.parametrize("feature", ["a", "c", "city", 2])
def test_contributions_are_those_of_the_samples(selector, data, feature):
    subsets = selector.estimator_
    display = PointwiseContributionDisplay.from_estimator(subsets, *data, feature)
    points = display.ax_.collections[0].get_offsets()
    assert len(points) == N
    j = feature if isinstance(feature, int) else list(data[0]).index(feature)
    others = [i for i in range(5) if i != j]
    known = subsets.conditional_mutual_info(features=feature, given=others)
    assert points[:, 1].mean() == pytest.approx(known)
    if j == 2:
        np.testing.assert_array_equal(points[:, 0], data[0]["c"])
    else:  # beside the place of its level
        levels = np.unique(data[0].iloc[:, j], return_inverse=True)[1]
        assert np.abs(points[:, 0] - levels).max() < 0.5
    alone = PointwiseContributionDisplay.from_estimator(subsets, *data, feature, given=[])
    assert alone.contributions.mean() == pytest.approx(subsets.mutual_info(features=feature))


def test_classes_have_colours_of_their_own(data):
    X, y = data
    classes = np.where(y > 0, "high", "low")
    subsets = SubsetMutualInfo(**NETWORK, random_state=0).fit(X, classes)
    display = PointwiseContributionDisplay.from_estimator(subsets, X, classes, "c")
    labels = [t.get_text() for t in display.ax_.get_legend().get_texts()]
    assert labels == ["high", "low"]
    sizes = [len(points.get_offsets()) for points in display.ax_.collections]
    assert sizes == [(classes == "high").sum(), (classes == "low").sum()]


def test_errors(selector, data):
    X, y = data
    subsets = selector.estimator_
    with pytest.raises(ValueError, match="those of fit, which had 600 samples"):
        PointwiseContributionDisplay.from_estimator(subsets, X[:10], y[:10], "a")
    with pytest.raises(ValueError, match="'d' is neither a column"):
        PointwiseContributionDisplay.from_estimator(subsets, X, y, "d")
    with pytest.raises(ValueError, match="y should be a 1d array"):
        PointwiseContributionDisplay.from_estimator(subsets, X, X, "a")
