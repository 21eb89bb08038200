"""SequentialMutualInfoSelector: columns one after the other."""

import numpy as np
import pandas as pd
import pytest
from budgets import NETWORK
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
from sklearn_mmg.feature_selection._gains import added_test, gain_test
from sklearn_mmg.feature_selection._search import Search

N = 800


def selector(**parameters):
    subsets = SubsetMutualInfo(**NETWORK)
    return SequentialMutualInfoSelector(subsets, random_state=0, **parameters)


@pytest.fixture(scope="module")
def data():
    """Two columns that tell something, of which one twice, and an exclusive or of two others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 7))
    bits = rng.choice([-1.0, 1.0], size=(N, 2))
    y = X[:, 0] + 0.6 * X[:, 2] + 1.5 * bits.prod(axis=1) + 0.3 * rng.normal(size=N)
    return np.column_stack([X, X[:, 0] + 1e-3 * rng.normal(size=N), bits]), y


@pytest.fixture(scope="module")
def forward(data):
    return selector().fit(*data)


@pytest.fixture(scope="module", params=["forward", "floating", "backward"])
def fitted(request, data, forward):
    if request.param == "forward":
        return forward
    return selector(direction=request.param).fit(*data)


def test_selects_what_tells_something_and_no_copy(fitted):
    support = set(np.flatnonzero(fitted.get_support()))
    assert len(support & {0, 7}) == 1  # one of the two copies
    assert support - {0, 7} == {2, 8, 9}


def test_path_is_that_of_the_ranking(fitted):
    ranking = fitted.ranking_
    assert sorted(ranking) == list(range(1, 11))
    assert fitted.path_ == list(np.argsort(ranking)[: len(fitted.path_)])
    path, errors = fitted.mutual_information_path_, fitted.mutual_information_path_se_
    assert len(path) == len(errors) == len(fitted.path_) + 1
    assert path[0] == errors[0] == 0
    assert (errors[1:] > 0).all()
    # What was selected tells as much as all columns do.
    assert path[-1] > fitted.estimator_.mutual_info_ - 4 * errors[-1]


def test_gains_are_those_of_the_path(forward):
    gains = np.diff(forward.mutual_information_path_)
    # Looked ahead to, one column of the exclusive or is worth what it adds to random others.
    last = [j for j in forward.path_ if j not in (8, 9)]
    for j in last:
        assert forward.scores_[j] == pytest.approx(gains[forward.path_.index(j)], abs=1e-9)
    assert (forward.pvalues_[forward.path_] < 0.05).all()
    others = np.setdiff1d(np.arange(10), forward.path_)
    # But for the one at which it ended.
    tried = others[forward.pvalues_[others] < 1]
    assert len(tried) <= 1
    assert (forward.pvalues_[tried] > 0.05 / (2 * len(others))).all()
    assert (forward.scores_[np.setdiff1d(others, tried)] == 0).all()


def test_path_is_reported_by_samples_that_did_not_choose(data):
    few = selector(max_samples=100, n_features_to_select=2).fit(*data)
    subsets = few.estimator_
    values = subsets.pointwise_mi(features=few.path_)
    reported = few.mutual_information_path_[-1]
    # The mean of 700 of 800 samples: not that of all, and near it.
    assert reported != values.mean()
    assert reported == pytest.approx(values.mean(), abs=3 * values.std() / np.sqrt(100 * 8))


@pytest.mark.parametrize("target", ["continuous", "classes"])
def test_no_signal_selects_nothing(target):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N, 8))
    y = rng.normal(size=N) if target == "continuous" else rng.integers(3, size=N)
    chosen = selector().fit(X, y)
    assert chosen.path_ == []
    assert chosen.mutual_information_path_.tolist() == [0]
    with pytest.warns(UserWarning, match="No features were selected"):
        assert chosen.transform(X).shape == (N, 0)


@pytest.mark.parametrize(("wanted", "n"), [(3, 3), (0.25, 2), (1.0, 10)])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_number_of_columns(data, wanted, n, direction):
    X, y = data[0][:200], data[1][:200]
    chosen = selector(n_features_to_select=wanted, direction=direction).fit(X, y)
    assert chosen.get_support().sum() == len(chosen.path_) == n
    assert chosen.transform(X).shape == (200, n)


def test_more_columns_than_are_beyond_doubt():
    """What has evidence beyond the selected columns, and then what tells most by itself."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8))
    X[:, 6] = X[:, 2]
    y = X[:, 2] + 0.25 * X[:, 4] + 0.5 * rng.normal(size=300)
    chosen = selector(n_features_to_select=3).fit(X, y)
    assert chosen.path_[0] in (2, 6)
    assert chosen.path_[1] == 4
    assert chosen.path_[2] in (2, 6)


def test_wide_data_are_ranked_to_the_end():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 60))
    y = X[:, 40] + 0.5 * rng.normal(size=300)
    subsets = SubsetMutualInfo(**NETWORK, max_groups=5)
    chosen = SequentialMutualInfoSelector(subsets, n_features_to_select=12, random_state=0)
    chosen.fit(X, y)
    assert chosen.path_[0] == 40
    assert chosen.get_support().sum() == 12
    assert sorted(chosen.ranking_) == list(range(1, 61))


def test_names_groups_and_output():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 4)), columns=list("abcd"))
    frame["city"] = rng.choice(["Bern", "Oslo", "Rome"], size=N)
    y = np.where(frame["c"] + 2 * (frame["city"] == "Oslo") > 0.5, "yes", "no")
    subsets = SubsetMutualInfo(**NETWORK, feature_groups={"pair": ["b", "c"]})
    chosen = SequentialMutualInfoSelector(subsets, random_state=0).set_output(transform="pandas")
    selected = chosen.fit_transform(frame, y)
    assert set(chosen.path_) == {"pair", "city"}
    assert list(selected.columns) == list(chosen.get_feature_names_out()) == ["b", "c", "city"]
    assert chosen.ranking_[1] == chosen.ranking_[2]


def test_nothing_is_added_to_certainty():
    """Two networks that are nearly certain differ by little, and alike in every sample."""
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0], size=(N, 6))
    chosen = selector().fit(X, X[:, 2] > 0)
    assert chosen.path_ == [2]
    # In a part of the samples alike, one of two nearly certain ones is the better one.
    rng = np.random.RandomState(0)
    search = Search(chosen.estimator_, 0.05, 0.0, 100, 0.5, rng)
    assert search.test(1e-5 + 1e-7 * rng.normal(size=500))[1] > 0.9
    assert search.test(0.1 + rng.normal(size=500))[1] > 0.001  # nor are few samples evidence
    assert search.test(0.1 + 0.1 * rng.normal(size=500))[1] < 1e-10


def test_tolerance_ends_a_selection(data):
    assert len(selector(tol=10).fit(*data).path_) == 0


def test_in_a_pipeline_and_a_grid_search(data):
    X = data[0][:300]
    y = X[:, 0] + X[:, 2] > 0  # what a linear model can make use of
    pipeline = make_pipeline(selector(n_features_to_select=2), LogisticRegression())
    grid = {
        "sequentialmutualinfoselector__n_features_to_select": [1, 3],
        "sequentialmutualinfoselector__estimator__n_steps": [20],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    chosen = search.best_estimator_[0]
    assert chosen.get_support().sum() in (1, 3)
    assert chosen.estimator_.n_iter_ <= 20
    assert search.best_score_ > 0.6


def test_errors(data):
    X, y = data[0][:100], data[1][:100]
    with pytest.raises(ValueError, match=r"n_features_to_select=11 must be at most .*: 10\."):
        selector(n_features_to_select=11).fit(X, y)
    with pytest.raises(ValueError, match="'direction' parameter"):
        selector(direction="sideways").fit(X, y)
    with pytest.raises(ValueError, match="'n_features_to_select' parameter"):
        selector(n_features_to_select=0).fit(X, y)


def test_seeds(data):
    X, y = data[0][:300], data[1][:300]
    first, again = (selector(n_features_to_select=3).fit(X, y) for _ in range(2))
    assert first.path_ == again.path_
    np.testing.assert_array_equal(first.mutual_information_path_, again.mutual_information_path_)


def test_what_a_column_says_has_to_matter():
    """A network that knows a larger set better, whatever is in it, does not make a gain."""
    rng = np.random.default_rng(0)
    better = 0.1 + 0.1 * rng.normal(size=200)
    asked = []

    def over_others():
        asked.append(True)
        return rng.normal(size=200)

    assert gain_test(better, None)[1] < 1e-6
    assert added_test(better, over_others, None)[1] > 0.01 and asked
    assert added_test(-better, over_others, None)[1] == gain_test(-better, None)[1]
    assert len(asked) == 1


def test_values_of_other_samples():
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0], size=(600, 3))
    y = X[:, 0] * X[:, 1] > 0
    estimator = SubsetMutualInfo(**NETWORK, random_state=0).fit(X, y)
    everything = np.ones((1, X.shape[1]), dtype=bool)
    values, others = (estimator._pointwise(everything, permuted=p).mean() for p in (None, 0))
    assert others < 0 < values
    nothing = ~everything
    assert not estimator._pointwise(nothing, permuted=0).any()


def test_a_copy_comes_before_noise():
    """Neither has anything to add; of a fixed number the copy at least tells the same again."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 8))
    X[:, 5] = X[:, 2] + 0.3 * rng.normal(size=N)
    y = X[:, 2] + rng.normal(size=N)
    fitted = selector(n_features_to_select=2).fit(X, y)
    assert set(fitted.path_) == {2, 5}
    auto = selector().fit(X, y)
    assert len(auto.path_) == 1
    second = np.flatnonzero(auto.ranking_ == 2)
    assert set(auto.path_) | set(second) == {2, 5}
