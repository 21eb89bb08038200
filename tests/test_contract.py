"""What every estimator of mutual information promises, those that are added later included."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from budgets import MUTUAL_INFO_ESTIMATORS, smallest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from sklearn_mmg import GaussianMutualInfo, KSGMutualInfo
from sklearn_mmg._core.cross_fitted import ConditionalMutualInfo, CrossFittedMutualInfo
from sklearn_mmg._estimate import standard_error
from sklearn_mmg.estimator_checks import (
    CHECKS,
    N_SAMPLES,
    check_mutual_info_estimator,
    normal_blocks,
)

N = N_SAMPLES


DATA, OTHER = normal_blocks(0), normal_blocks(1)


@pytest.fixture(scope="module", params=MUTUAL_INFO_ESTIMATORS, ids=lambda e: e.__name__)
def fitted(request):
    return smallest(request.param).fit(*DATA)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_published_checks(fitted, check):
    check(fitted)


class Forgetful(GaussianMutualInfo):
    def mutual_info(self, X, y):
        return 0.0


class Wrong(GaussianMutualInfo):
    def _fit(self, X, y, groups):
        estimate = super()._fit(X, y, groups)
        return replace(estimate, pointwise=estimate.pointwise + 0.5)


def test_published_checks_find_a_broken_promise():
    """An estimator that forgets its later data, and one that is wrong."""
    check_mutual_info_estimator(GaussianMutualInfo())
    for broken in (Forgetful(), Wrong()):
        with pytest.raises(AssertionError):
            check_mutual_info_estimator(broken)


def test_missing_pointwise_values_are_explained(fitted):
    if not hasattr(fitted, "pointwise_mi"):
        with pytest.raises(AttributeError, match="has no attribute 'pointwise_mi'") as error:
            _ = fitted.pointwise_mi
        assert f"{type(fitted).__name__} has no pointwise" in str(error.value.__cause__)


def test_missing_score_is_explained(fitted):
    if not hasattr(fitted, "score"):
        with pytest.raises(AttributeError, match="has no attribute 'score'") as error:
            _ = fitted.score
        assert f"{type(fitted).__name__} has no score" in str(error.value.__cause__)


def test_grid_search(fitted):
    if not hasattr(fitted, "score") or "random_state" not in fitted.get_params():
        pytest.skip("nothing to search by, or over")
    estimator, split = smallest(type(fitted)), [(np.arange(100), np.arange(100, N))]
    search = GridSearchCV(estimator, {"random_state": [0, 1]}, cv=split, refit=False).fit(*DATA)
    assert math.isfinite(search.best_score_)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_stored_estimator_is_small(fitted):
    """Nothing of the training but its result is kept."""
    assert len(pickle.dumps(fitted)) < 400_000


def test_feature_names(fitted):
    X = pd.DataFrame(DATA[0], columns=["a", "b", "c"])
    named = smallest(type(fitted)).fit(X, DATA[1])
    assert list(named.feature_names_in_) == ["a", "b", "c"]
    assert named.mutual_info_ == pytest.approx(fitted.mutual_info_)
    with pytest.raises(ValueError, match="feature names should match"):
        named.mutual_info(X[["b", "a", "c"]], DATA[1])


X, Y = DATA
BAD_DATA = {
    "nan": (np.where(X > 1, np.nan, X), Y, "Input X contains NaN"),
    "infinity": (X, np.where(Y > 1, np.inf, Y), "Input y contains infinity"),
    "word": (X, np.where(Y[0] == Y, "word", Y.astype(object)), "could not convert string to float"),
    "1d_X": (X[:, 0], Y, "Expected 2D array, got 1D array instead"),
    "unequal_lengths": (X, Y[:-1], "inconsistent numbers of samples"),
    "single_sample": (X[:1], Y[:1], r"1 sample\(s\).* a minimum of 2 is required"),
    "no_y": (X, None, "y.* None"),
}


@pytest.mark.parametrize(("bad_X", "bad_y", "message"), BAD_DATA.values(), ids=BAD_DATA.keys())
def test_bad_data_leave_nothing_behind(fitted, bad_X, bad_y, message):
    estimator = smallest(type(fitted))
    with pytest.raises(ValueError, match=message):
        estimator.fit(bad_X, bad_y)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        estimator.mutual_info(X, Y)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match=message):
        fitted.fit(bad_X, bad_y)
    assert vars(fitted) == before


def test_progress(fitted, capsys):
    if "verbose" not in fitted.get_params():
        pytest.skip("too fast to need it")
    smallest(type(fitted), verbose=1).fit(*DATA)
    assert "fold 1/1" in capsys.readouterr().err


def test_discrete_side(fitted):
    """More columns than classes: the cheaper side is the discrete one."""
    if "discrete_target" not in fitted.get_params():
        pytest.skip("takes continuous columns only")
    rng = np.random.default_rng(4)
    classes = np.array(["a", "b"])[rng.integers(2, size=N)]
    columns = rng.normal(size=(N, 3)) + (classes == "b")[:, None]
    by_y = smallest(type(fitted), discrete_target=True).fit(columns, classes)
    assert math.isfinite(by_y.mutual_info(columns, classes))
    codes = (classes == "b")[:, None].astype(int)
    by_x = smallest(type(fitted), discrete_features=True).fit(codes, columns)
    assert math.isfinite(by_x.mutual_info(codes, columns))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        smallest(type(fitted), discrete_target=True).fit(*DATA)
    both = smallest(type(fitted), discrete_target=True, discrete_features=True)
    if isinstance(fitted, ConditionalMutualInfo):
        with pytest.raises(ValueError, match="both are discrete"):
            both.fit(codes, classes)
    else:
        assert math.isfinite(both.fit(codes, classes).mutual_info_)


def trained(fitted):
    if not isinstance(fitted, CrossFittedMutualInfo):
        pytest.skip("trains nothing")
    return type(fitted)


def test_monotone_copy_is_infinite(fitted):
    estimator = smallest(trained(fitted))
    copy = np.exp(DATA[0][:, :1])
    with pytest.warns(UserWarning, match="the mutual information is infinite") as caught:
        estimator.fit(DATA[0], copy)
    assert caught[0].filename == __file__  # the line of the user, not one of the package
    assert estimator.mutual_info_ == estimator.mutual_info(DATA[0], copy) == math.inf
    assert estimator.mutual_info_interval() == (math.inf, math.inf)
    if not estimator._trains_on_relations:  # there is nothing to learn
        assert estimator.models_ == []
        assert estimator.net_ is None


def test_columns_may_stay_as_they_are(fitted):
    estimator = smallest(trained(fitted), preprocessing=None).fit(*DATA)
    assert math.isfinite(estimator.mutual_info(*OTHER))


def test_same_minimum_of_samples(fitted):
    X, y = (block[:7] for block in DATA)
    with pytest.raises(ValueError, match="n_samples=7 is too few for cv=3: every fold needs 6"):
        smallest(trained(fitted), cv=3).fit(X, y)
    X, y = (block[:9] for block in DATA)
    assert math.isfinite(smallest(type(fitted), cv=3).fit(X, y).mutual_info_)


@pytest.mark.parametrize("estimator", [GaussianMutualInfo(), KSGMutualInfo(random_state=0)])
def test_groups_count_as_one(estimator):
    """Also where nothing is split, and nothing but the standard error changes."""
    groups = np.arange(N) // 5
    alone, grouped = (clone(estimator).fit(*DATA, groups=g) for g in (None, groups))
    np.testing.assert_array_equal(alone.pointwise_mi_, grouped.pointwise_mi_)
    assert alone.mutual_info_se_ == standard_error(alone.pointwise_mi_)
    assert grouped.mutual_info_se_ == standard_error(alone.pointwise_mi_, groups)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(estimator).fit(*DATA, groups=groups[:-1])
