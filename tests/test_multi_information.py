"""Total correlation, O-information and their kin."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.utils import check_random_state

from sklearn_mmg import (
    FMMIMutualInfo,
    GaussianMutualInfo,
    KSGMutualInfo,
    MMGMutualInfo,
    MultiInformation,
)

QUICK = MMGMutualInfo(n_steps=40, width=16, depth=2, cv=2, n_nodes=8, random_state=0)
GROUPS = {"a": [0, 1], "b": [2], "c": [3, 4], "d": [5]}


def entropy(covariance, columns):
    return 0.5 * np.linalg.slogdet(covariance[np.ix_(columns, columns)])[1]


def truths(covariance, groups):
    """By determinants: entropies but for constants that cancel."""
    everything = [j for group in groups for j in group]
    joint = entropy(covariance, everything)
    rests = [[j for j in everything if j not in group] for group in groups]
    total = sum(entropy(covariance, group) for group in groups) - joint
    dual = joint - sum(joint - entropy(covariance, rest) for rest in rests)
    return total, dual, total - dual, total + dual


def normal_sample(n, seed=0):
    mixing = np.random.default_rng(3).normal(size=(6, 8))
    covariance = mixing @ mixing.T
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(np.zeros(6), covariance, size=n, method="cholesky"), covariance


def of(estimator):
    names = "total_correlation", "dual_total_correlation", "o_information", "s_information"
    values = np.array([getattr(estimator, f"{name}_") for name in names])
    return values, np.array([getattr(estimator, f"{name}_se_") for name in names])


def test_normal_groups_and_gradients():
    X, covariance = normal_sample(4000)
    groups = list(GROUPS.values())
    estimator = MultiInformation(GROUPS, estimator=GaussianMutualInfo(), gradients=True).fit(X)
    values, errors = of(estimator)
    assert np.all(np.abs(values - truths(covariance, groups)) < 3 * errors)
    assert np.all(errors < 0.1)
    assert list(estimator.groups_) == list(GROUPS)
    # What a group adds to the O-information of the others.
    whole = truths(covariance, groups)[2]
    added = [whole - truths(covariance, [g for g in groups if g is not left])[2] for left in groups]
    assert np.all(np.abs(estimator.gradients_ - added) < 3 * estimator.gradients_se_)


def test_default_estimator_knows_bijections():
    X, covariance = normal_sample(800)
    groups = {"a": [0, 1], "b": [2], "c": [3, 4, 5]}
    estimator = MultiInformation(groups, estimator=QUICK).fit(np.sign(X) * X**2)
    values, errors = of(estimator)
    assert np.all(np.abs(values - truths(covariance, groups.values())) < 3 * errors + 0.05)


def test_signs_of_redundancy_and_synergy():
    rng = np.random.default_rng(0)
    x, y = rng.choice([-1, 1], size=(2, 1000))
    synergy = pd.DataFrame({"x": x, "y": y, "xor": x * y}).astype("category")
    estimator = MultiInformation(estimator=QUICK).fit(synergy)
    assert abs(estimator.o_information_ + np.log(2)) < 3 * estimator.o_information_se_ + 0.02
    assert estimator.groups_.keys() == {"x", "y", "xor"}
    common = rng.normal(size=(1000, 1))
    redundancy = common + rng.normal(size=(1000, 3))
    assert MultiInformation(estimator=GaussianMutualInfo()).fit(redundancy).o_information_ > 0.1


def test_two_groups_have_their_mutual_information():
    X, _ = normal_sample(500)
    two = MultiInformation({"a": [0, 1, 2], "b": [3, 4, 5]}, estimator=KSGMutualInfo())
    values, errors = of(two.fit(X))
    alone = KSGMutualInfo().fit(X[:, :3], X[:, 3:])
    assert np.allclose(values, alone.mutual_info_ * np.array([1, 1, 0, 2]))
    assert np.allclose(errors, alone.mutual_info_se_ * np.array([1, 1, 0, 2]))


def test_independent_columns_share_nothing():
    X = np.random.default_rng(0).normal(size=(1000, 4))
    values, errors = of(MultiInformation(estimator=GaussianMutualInfo()).fit(X))
    assert np.all(np.abs(values) < 4 * errors)


def test_groups_that_determine_each_other_are_refused():
    X = np.random.default_rng(0).normal(size=(200, 3))
    X[:, 2] = X[:, 0] + X[:, 1]
    with pytest.raises(ValueError, match="The mutual information of 0 and 1, 2 is infinite"):
        MultiInformation(estimator=GaussianMutualInfo()).fit(X)


def test_caveats_name_their_groups():
    X = np.random.default_rng(0).normal(size=(60, 40))
    few_steps = MMGMutualInfo(n_steps=1, width=4, depth=1, cv=2, n_nodes=2, random_state=0)
    with pytest.warns(UserWarning, match="Of many and 39: .* directions of variance"):
        MultiInformation({"many": range(39)}, estimator=few_steps).fit(X)


def test_default_estimator_has_the_seed():
    X = np.random.default_rng(0).normal(size=(40, 2)) @ [[1, 0.5], [0, 1]]
    default = MultiInformation(random_state=0).fit(X)
    alone = MMGMutualInfo(random_state=check_random_state(0).randint(2**31 - 1))
    assert default.total_correlation_ == alone.fit(X[:, :1], X[:, 1:]).mutual_info_


def test_parallel_estimates_are_the_same():
    X, _ = normal_sample(300)
    with joblib.parallel_config(backend="threading"):
        one, two = (
            MultiInformation(GROUPS, estimator=GaussianMutualInfo(), n_jobs=n_jobs).fit(X)
            for n_jobs in (1, 2)
        )
    assert np.array_equal(of(one), of(two))


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"feature_groups": {"a": range(6)}}, "makes 1 group of columns, where 2 are needed"),
        ({"feature_groups": {"a": [0, 1], "b": [1]}}, "Group 'b' of feature_groups shares"),
        ({"feature_groups": {"a": [7]}}, "Features are indices below 6"),
        ({"estimator": FMMIMutualInfo()}, "FMMIMutualInfo has no pointwise_mi, which is added up"),
        ({"estimator": FMMIMutualInfo}, "The 'estimator' parameter of MultiInformation must be"),
    ],
)
def test_errors(parameters, message):
    X, _ = normal_sample(50)
    with pytest.raises(ValueError, match=message):
        MultiInformation(**parameters).fit(X)
