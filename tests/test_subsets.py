"""SubsetMutualInfo: any subset of columns from one training."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_selection import SelectFromModel

from sklearn_mmg import SubsetMutualInfo

N = 600
FAST = dict(n_steps=60, width=16, depth=1, cv=2, n_nodes=4, random_state=0)


def gaussian_truth(covariance, subset):
    """Of the last variable with some others, from log-determinants."""
    last = len(covariance) - 1

    def log_det(i):
        return np.linalg.slogdet(covariance[np.ix_(i, i)])[1] if i else 0.0

    both = [*subset, last]
    return 0.5 * (log_det(list(subset)) + np.log(covariance[last, last]) - log_det(both))


@pytest.fixture(scope="module")
def normal():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(6, 6))
    covariance = mix @ mix.T
    sample = rng.multivariate_normal(np.zeros(6), covariance, size=3000)
    return sample[:, :5], sample[:, 5], covariance


@pytest.fixture(scope="module")
def fitted(normal):
    X, y, _ = normal
    return SubsetMutualInfo(**FAST).fit(X, y)


@pytest.fixture(scope="module")
def exclusive():
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0], size=(N, 5))
    return X, X[:, 1] * X[:, 3] > 0


@pytest.fixture(scope="module")
def of_exclusive(exclusive):
    return SubsetMutualInfo(**(FAST | {"n_steps": 200})).fit(*exclusive)


@pytest.mark.parametrize("subset", [(), (0,), (3,), (0, 1), (1, 2, 4), (0, 1, 2, 3), range(5)])
def test_known_values_of_every_subset(fitted, normal, subset):
    truth = gaussian_truth(normal[2], list(subset))
    value, error = fitted.mutual_info(features=list(subset), return_se=True)
    assert value == pytest.approx(truth, abs=3 * error + 0.005)


def test_conditional_mutual_information(fitted, normal):
    truth = gaussian_truth(normal[2], [0, 1, 4]) - gaussian_truth(normal[2], [0, 1])
    value, error = fitted.conditional_mutual_info(features=4, given=[0, 1], return_se=True)
    assert value == pytest.approx(truth, abs=3 * error + 0.005)
    # The chain rule holds to the digit: both are differences of the same values.
    chain = fitted.mutual_info(features=[0, 1]) + value
    assert fitted.mutual_info(features=[0, 1, 4]) == pytest.approx(chain, abs=1e-12)
    assert fitted.conditional_mutual_info(features=[0], given=[0, 1]) == 0.0


def test_differences_have_the_error_of_paired_values(fitted):
    value, error = fitted.conditional_mutual_info(features=[2], given=[0, 1, 3], return_se=True)
    both, fewer = (fitted.pointwise_mi(features=s) for s in ([0, 1, 2, 3], [0, 1, 3]))
    assert value == pytest.approx((both - fewer).mean())
    assert error == pytest.approx((both - fewer).std(ddof=1) / np.sqrt(len(both)))


def test_the_whole_is_the_estimate(fitted):
    np.testing.assert_array_equal(fitted.pointwise_mi(), fitted.pointwise_mi_)
    assert fitted.mutual_info() == fitted.mutual_info_
    assert fitted.mutual_info(features=range(5), return_se=True)[1] == fitted.mutual_info_se_


def test_exclusive_or_is_seen_only_together(of_exclusive):
    alone, other = (of_exclusive.mutual_info(features=j) for j in (1, 3))
    assert max(abs(alone), abs(other)) < 0.02
    together, error = of_exclusive.mutual_info(features=[1, 3], return_se=True)
    assert np.log(2) - 0.1 < together <= np.log(2) + 0.02 + 3 * error
    assert of_exclusive.conditional_mutual_info(features=1, given=[0, 2]) < 0.02
    assert of_exclusive.conditional_mutual_info(features=1, given=[0, 3]) > 0.5


def test_fitted_sample_is_held_out(exclusive):
    """A target of coin flips is learned by heart by what trained on it, and by nothing else."""
    X = np.random.default_rng(0).normal(size=(300, 8))
    y = np.random.default_rng(1).integers(2, size=300)
    subsets = SubsetMutualInfo(n_steps=200, cv=2, early_stopping=False, random_state=0).fit(X, y)
    assert subsets.mutual_info() < 0.05
    assert subsets.mutual_info(X, y) > subsets.mutual_info() + 0.08


def test_new_data_agree_with_held_out_data(normal, fitted):
    rng = np.random.default_rng(5)
    new = rng.multivariate_normal(np.zeros(6), normal[2], size=2000)
    for features in (None, [0, 2]):
        here, error = fitted.mutual_info(features=features, return_se=True)
        there, other = fitted.mutual_info(new[:, :5], new[:, 5], features=features, return_se=True)
        assert here == pytest.approx(there, abs=4 * np.hypot(error, other))


def test_shapley_values_sum_to_the_whole(of_exclusive):
    shares = of_exclusive.information_shapley(n_permutations=4, random_state=0)
    assert shares.values.sum() == pytest.approx(of_exclusive.mutual_info_, abs=1e-9)
    np.testing.assert_allclose(shares.pointwise.mean(axis=1), shares.values)
    # Both columns of an exclusive or have half of it; which comes first is a coin flip, undone by
    # the reverse orders.
    half = of_exclusive.mutual_info_ / 2
    np.testing.assert_allclose(shares.values[[1, 3]], half, atol=0.03)
    np.testing.assert_allclose(shares.values[[0, 2, 4]], 0, atol=0.03)
    assert (shares.standard_errors[[1, 3]] > 0).all()


def test_importances_select(exclusive):
    selector = SelectFromModel(SubsetMutualInfo(**(FAST | {"n_steps": 200})), threshold=0.1)
    assert selector.fit(*exclusive).get_support().tolist() == [False, True, False, True, False]
    importances = selector.estimator_.feature_importances_
    assert importances.shape == (5,)
    assert (importances >= 0).all()


def test_names_and_groups_of_columns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 4)), columns=list("abcd"))
    frame["city"] = rng.choice(["Bern", "Oslo", "Rome"], size=N)
    y = frame["a"] + frame["b"] + (frame["city"] == "Oslo") + 0.5 * rng.normal(size=N)
    subsets = SubsetMutualInfo(**FAST, feature_groups={"ab": ["a", "b"]}).fit(frame, y)
    assert list(subsets.groups_) == ["ab", "c", "d", "city"]
    np.testing.assert_array_equal(subsets.groups_["ab"], [0, 1])
    both = subsets.mutual_info(features="ab")
    assert both > 0.4
    assert subsets.mutual_info(features=["a"]) == both == subsets.mutual_info(features=0)
    assert subsets.mutual_info(features=["city", "ab"]) > both + 0.05
    assert abs(subsets.mutual_info(features=["c", "d"])) < 0.05
    mask = np.array([True, False, False, False, True])
    assert subsets.mutual_info(features=mask) == subsets.mutual_info(features=["ab", "city"])
    share = subsets.feature_importances_
    assert share.shape == (5,)
    assert share[0] == share[1] > share[2]


def test_target_of_several_columns(normal):
    X, y, covariance = normal
    subsets = SubsetMutualInfo(**FAST).fit(X[:, :3], np.column_stack([X[:, 3:], y]))

    def log_det(i):
        return np.linalg.slogdet(covariance[np.ix_(i, i)])[1]

    for subset in ([0], [1, 2], [0, 1, 2]):
        rest = [3, 4, 5]
        truth = 0.5 * (log_det(subset) + log_det(rest) - log_det([*subset, *rest]))
        value, error = subsets.mutual_info(features=subset, return_se=True)
        assert value == pytest.approx(truth, abs=3 * error + 0.01)
    assert subsets.mutual_info(features=[]) == 0.0


@pytest.mark.parametrize("kind", ["classes", "levels", "counts", "strings"])
def test_kinds_of_targets(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    rate = np.exp(X[:, 0])
    y = {
        "classes": (X[:, 0] + 0.5 * rng.normal(size=N) > 0).astype(int),
        "levels": np.clip(np.round(2 * X[:, 0] + rng.normal(size=N)), -3, 3),
        "counts": rng.poisson(5 * rate),
        "strings": np.where(X[:, 0] + 0.5 * rng.normal(size=N) > 0, "yes", "no"),
    }[kind]
    subsets = SubsetMutualInfo(**FAST).fit(X, y)
    assert subsets.mutual_info(features=[0]) > 0.2
    assert abs(subsets.mutual_info(features=[1, 2])) < 0.05


def test_column_that_determines_the_target_leaves_the_others_of_interest():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = X[:, 0] ** 3
    X[:, 1] += X[:, 0]
    with pytest.warns(UserWarning, match="the mutual information is infinite"):
        subsets = SubsetMutualInfo(**FAST).fit(X, y)
    assert subsets.mutual_info() == subsets.mutual_info_ == np.inf
    one, error = subsets.mutual_info(features=[1], return_se=True)
    assert one == pytest.approx(np.log(2) / 2, abs=3 * error + 0.01)
    assert 2 < subsets.mutual_info(features=[0]) < np.inf


def test_wide_data_are_screened():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 200))
    y = np.sign(X[:, 50] * X[:, 150])
    subsets = SubsetMutualInfo(**FAST, max_groups=8).fit(X, y)
    assert all(len(model.kept_) == 8 for model in subsets.models_)
    assert set(np.argsort(-subsets.screened_)[:2]) == {50, 150}
    unseen = int(np.argmin(subsets.screened_))
    assert abs(subsets.mutual_info(features=unseen)) < 1e-12


def test_constant_columns_tell_nothing(normal):
    X, y, _ = normal
    X = np.column_stack([X[:N], np.ones(N)])
    subsets = SubsetMutualInfo(**FAST).fit(X, y[:N])
    assert abs(subsets.mutual_info(features=5)) < 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        constant = SubsetMutualInfo(**FAST).fit(X, np.ones(N))
    assert constant.mutual_info_ == constant.mutual_info(features=[0]) == 0


def test_seeds_and_pickling(exclusive):
    X, y = exclusive
    first = SubsetMutualInfo(**FAST).fit(X, y)
    again = pickle.loads(pickle.dumps(clone(first).fit(X, y)))
    np.testing.assert_array_equal(
        first.pointwise_mi(features=[1, 3]), again.pointwise_mi(features=[1, 3])
    )


def test_samples_of_a_group_count_as_one(normal):
    X, y, _ = normal
    X, y = np.repeat(X[:300], 4, axis=0), np.repeat(y[:300], 4)
    X = X + 1e-3 * np.random.default_rng(0).normal(size=X.shape)
    subsets = SubsetMutualInfo(**FAST).fit(X, y, groups=np.repeat(np.arange(300), 4))
    values = subsets.pointwise_mi(features=[0, 1])
    error = subsets.mutual_info(features=[0, 1], return_se=True)[1]
    assert error > 1.8 * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (7, "indices below 5"),
        ([0.5], "indices below 5"),
        ("a", "X has no column names"),
        (np.ones(3, dtype=bool), r"A mask of features has shape \(5,\)"),
    ],
)
def test_subsets_that_are_none(fitted, features, message):
    with pytest.raises(ValueError, match=message):
        fitted.mutual_info(features=features)


def test_errors(normal, fitted):
    X, y, _ = normal
    with pytest.raises(ValueError, match="y is needed with X"):
        fitted.mutual_info(X)
    with pytest.raises(ValueError, match="X is needed with y"):
        fitted.pointwise_mi(y=y)
    for wanted in (0, 2.5):
        with pytest.raises(
            ValueError, match=r"n_permutations must be an int .* Got " + str(wanted)
        ):
            fitted.information_shapley(n_permutations=wanted)
    for groups, message in (
        ({"a": [0, 1], "b": [1]}, "Group 'b' of feature_groups shares columns"),
        ({"a": []}, "Group 'a' of feature_groups has no columns"),
        ({"a": [9]}, "indices below 5"),
    ):
        with pytest.raises(ValueError, match=message):
            SubsetMutualInfo(**FAST, feature_groups=groups).fit(X, y)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame.iloc[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"(?s)NaN.*column 'c'.*Imputer"):
        SubsetMutualInfo(**FAST).fit(frame, y)
