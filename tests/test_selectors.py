"""Selectors by significance, and by criteria of pairs."""

import numpy as np
import pandas as pd
import pytest
from budgets import NETWORK
from sklearn.datasets import load_breast_cancer, make_friedman1
from sklearn.feature_selection import mutual_info_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mmg import (
    MMGTest,
    PairwiseMutualInfoSelector,
    SelectByMutualInfo,
    SubsetMutualInfo,
    mutual_info_mmg,
    mutual_info_test,
)

N = 800
CRITERIA = ("mim", "mrmr", "jmi", "cmim")


@pytest.fixture(scope="module")
def chain():
    """A cause of the target, what follows from it, and another one; two that tell nothing."""
    rng = np.random.default_rng(0)
    cause, other, *noise = rng.normal(size=(4, N))
    follows = cause + 0.5 * rng.normal(size=N)
    X = np.column_stack([cause, follows, other, *noise])
    return X, cause + 0.8 * other + 0.5 * rng.normal(size=N)


def alone(**parameters):
    return SelectByMutualInfo(MMGTest(n_permutations=199), random_state=0, **parameters)


@pytest.fixture(scope="module")
def by_itself(chain):
    return alone().fit(*chain)


@pytest.fixture(scope="module")
def conditional(chain):
    return SelectByMutualInfo(SubsetMutualInfo(**NETWORK), random_state=0).fit(*chain)


def test_alone_and_given_the_others(by_itself, conditional):
    assert by_itself.get_support().tolist() == [True, True, True, False, False]
    # What follows from the cause tells nothing that the cause does not.
    assert conditional.get_support().tolist() == [True, False, True, False, False]
    for selector in (by_itself, conditional):
        chosen = selector.get_support()
        assert (selector.pvalues_[chosen] < 0.02).all()
        assert (selector.scores_[chosen] > 3 * selector.standard_errors_[chosen]).all()
        assert selector.n_features_in_ == 5


def test_scores_given_the_others_are_conditional_mutual_information(conditional):
    subsets = conditional.estimator_
    for j in range(5):
        others = [i for i in range(5) if i != j]
        known = subsets.conditional_mutual_info(features=[j], given=others, return_se=True)
        assert (conditional.scores_[j], conditional.standard_errors_[j]) == pytest.approx(known)


def test_scores_alone_are_those_of_the_test(chain, by_itself):
    seed = by_itself.estimator_.random_state
    result = mutual_info_test(*chain, n_permutations=199, random_state=seed)
    np.testing.assert_array_equal(by_itself.scores_, result.scores)
    np.testing.assert_array_equal(by_itself.pvalues_, result.pvalues)


@pytest.mark.parametrize(
    ("mode", "param", "n"),
    [("k_best", 2, 2), ("percentile", 40, 2), ("fwe", 0.1, 3), ("fpr", 0.02, 3)],
)
def test_modes(chain, mode, param, n):
    selector = alone(mode=mode, param=param).fit(*chain)
    assert selector.get_support().sum() == n
    assert not selector.get_support()[3:].any()


def test_too_few_permutations_are_said(chain):
    X, y = chain
    wide = np.hstack([X] * 10)
    with pytest.warns(UserWarning, match="Set n_permutations to 1000 or more"):
        assert not alone(mode="fwe").fit(wide, y).get_support().any()


def test_groups_of_columns_and_of_samples(chain):
    X, y = chain
    frame = pd.DataFrame(X, columns=list("abcde"))
    subsets = SubsetMutualInfo(**NETWORK, feature_groups={"pair": ["a", "d"]})
    samples = np.arange(N) // 2
    selector = SelectByMutualInfo(subsets, random_state=0).set_output(transform="pandas")
    selected = selector.fit(frame, y, groups=samples).transform(frame)
    assert list(selected.columns) == ["a", "c", "d"]
    assert selector.pvalues_[0] == selector.pvalues_[3]


def test_wide_data_have_columns_that_no_network_saw(chain):
    X, y = chain
    wide = np.hstack([X, np.random.default_rng(1).normal(size=(N, 30))])
    selector = SelectByMutualInfo(SubsetMutualInfo(**NETWORK, max_groups=6), random_state=0)
    selector.fit(wide, y)
    assert set(np.flatnonzero(selector.get_support())) == {0, 2}
    unseen = selector.pvalues_ == 1
    assert unseen.sum() > 10
    assert (selector.scores_[unseen] <= 0).all()


def test_errors_of_significance(chain):
    X, y = chain
    with pytest.raises(ValueError, match="'mode' parameter of SelectByMutualInfo"):
        alone(mode="best").fit(X, y)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        SelectByMutualInfo(Ridge()).fit(X, y)
    with pytest.raises(ValueError, match="groups are for SubsetMutualInfo"):
        alone().fit(X, y, groups=np.arange(N))
    with pytest.raises(ValueError, match="'k' parameter"):
        alone(mode="k_best").fit(X, y)


def pairwise(criterion, n=2, **parameters):
    return PairwiseMutualInfoSelector(
        criterion, n_features_to_select=n, random_state=0, **parameters
    )


@pytest.mark.parametrize("scores", ["mmg", "ksg"])
def test_redundancy_is_penalised(chain, scores):
    X, y = chain
    assert pairwise("mim", scores=scores).fit(X, y).path_ == [0, 1]
    for criterion in ("mrmr", "jmi", "cmim"):
        assert pairwise(criterion, scores=scores).fit(X, y).path_ == [0, 2]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_criterion_is_its_formula(chain, criterion):
    """The second column by hand, from the scores of a pair and of the pair within every class."""
    X, y = chain
    classes = np.where(y > 0, "high", "low")
    selector = pairwise(criterion).fit(X, classes)
    first, second = selector.path_
    seed = np.random.RandomState(0).randint(2**31 - 1)
    relevance = mutual_info_mmg(X, classes, random_state=seed)
    np.testing.assert_allclose(selector.relevance_, relevance)
    shared = mutual_info_mmg(X[:, [second]], X[:, first], random_state=seed)[0]
    within = sum(
        (classes == c).mean()
        * mutual_info_mmg(
            X[classes == c][:, [second]], X[classes == c][:, first], random_state=seed
        )[0]
        for c in ("high", "low")
    )
    penalty = {"mim": 0, "mrmr": shared, "jmi": shared - within, "cmim": shared - within}[criterion]
    assert selector.scores_[second] == pytest.approx(relevance[second] - penalty)
    assert selector.scores_[first] == relevance[first]


def test_mean_and_greatest_penalty_differ(chain):
    X, y = chain
    fits = {criterion: pairwise(criterion, n=5).fit(X, y) for criterion in CRITERIA}
    last = fits["cmim"].path_[-1]
    assert fits["cmim"].scores_[last] <= fits["jmi"].scores_[last]
    for selector in fits.values():
        assert sorted(selector.ranking_) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("criterion", ["mrmr", "jmi", "cmim"])
def test_copies_are_never_the_second(criterion):
    X, y = make_friedman1(300, n_features=6, random_state=0)
    X = np.column_stack([X[:, 3], X])
    selector = pairwise(criterion).fit(X, y)
    assert not np.isnan(selector.scores_).any()
    assert selector.path_[0] == 0
    assert selector.path_[1] != 4


def test_neighbours_are_those_of_scikit_learn():
    X, y = make_friedman1(300, n_features=6, random_state=0)
    selector = pairwise("mim", scores="ksg").fit(X, y)
    seed = np.random.RandomState(0).randint(2**31 - 1)
    theirs = mutual_info_regression(X, y, random_state=seed)
    np.testing.assert_allclose(selector.relevance_, theirs)
    # Labels are classes, whether they are numbers or not.
    X, y = load_breast_cancer(return_X_y=True)
    numbers, words = (
        pairwise("mim", scores="ksg").fit(X, labels) for labels in (y, np.where(y, "yes", "no"))
    )
    np.testing.assert_allclose(numbers.relevance_, words.relevance_)


def test_names_mixed_columns_and_output():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    frame["city"] = rng.choice(["Bern", "Oslo", "Rome"], size=300)
    y = frame["b"] + 2 * (frame["city"] == "Oslo") + 0.3 * rng.normal(size=300)
    for scores in ("mmg", "ksg"):
        selector = pairwise("jmi", scores=scores).set_output(transform="pandas")
        assert set(selector.fit_transform(frame, y).columns) == {"b", "city"}
        assert set(selector.path_) == {"b", "city"}
        assert list(selector.get_feature_names_out()) == ["b", "city"]


def test_rare_classes_tell_nothing_of_a_pair():
    X, _ = make_friedman1(120, n_features=5, random_state=0)
    classes = np.repeat(["a", "b", "c"], [100, 15, 5])
    selector = pairwise("jmi", n=4).fit(X, classes)
    assert np.isfinite(selector.scores_).all()


def test_in_a_grid_search():
    X, y = make_friedman1(200, n_features=8, random_state=0)
    pipeline = make_pipeline(pairwise("mim"), Ridge())
    grid = {"pairwisemutualinfoselector__criterion": ["mim", "cmim"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_errors_of_pairs(chain):
    X, y = chain
    with pytest.raises(ValueError, match="'criterion' parameter"):
        pairwise("best").fit(X, y)
    with pytest.raises(ValueError, match=r"n_features_to_select=6 must be at most .*: 5\."):
        pairwise("mim", n=6).fit(X, y)
    with pytest.raises(ValueError, match="y should be a 1d array"):
        pairwise("mim").fit(X, X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        pairwise("mim").fit(X, y[1:])


@parametrize_with_checks(
    [
        SelectByMutualInfo(MMGTest(n_permutations=19), random_state=0),
        PairwiseMutualInfoSelector("jmi", random_state=0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    """Beside those of all, where a network selects, and the criterion is the default one."""
    check(estimator)
