"""P-values of independence, and the objects around them."""

import pickle

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.base import clone
from sklearn.feature_selection import GenericUnivariateSelect, SelectFdr, SelectFpr, SelectFwe
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_mmg import MMGTest, mutual_info_mmg, mutual_info_test
from sklearn_mmg.feature_selection._columns import read_columns
from sklearn_mmg.feature_selection._tests import (
    Functions,
    _pvalue,
    _statistics,
    independence_pvalues,
)

NULLS = {
    "normal": lambda z: z,
    "lognormal": np.exp,
    "cauchy": lambda z: np.tan(1.5 * np.tanh(z)),
    "counts": lambda z: np.round(np.exp(z / 2)),
    "coin": lambda z: (z > 0).astype(float),
    "zeros": lambda z: np.where(z > 0.5, z, 0.0),
}


@pytest.fixture
def dependent():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    return X, X[:, 1] ** 2 + X[:, 4] + 0.5 * rng.normal(size=200)


@pytest.mark.parametrize("kind", NULLS)
def test_pvalues_of_independent_columns_are_uniform(kind):
    pvalues = []
    for seed in range(8):
        rng = np.random.default_rng([seed, list(NULLS).index(kind)])
        X = NULLS[kind](rng.normal(size=(150, 25)))
        y = rng.poisson(2, 150) if seed % 2 else rng.normal(size=150)
        data = read_columns(X, y, "auto", "auto", 2, np.random.RandomState(seed))
        # Without the scores, which take most of the time of `mutual_info_test`.
        pvalues.extend(independence_pvalues(data, 199, np.random.RandomState(seed)))
    # At 1 %, for every kind; values are multiples of 1/200.
    assert kstest(np.array(pvalues) - 0.5 / 200, "uniform").pvalue > 0.01


POWER = {  # of samples with n = 200, and how many of 40 are to be found at 5 %
    "weak linear": (lambda x, e, rng: (x, 0.3 * x + e), 35),
    "square": (lambda x, e, rng: (x, x**2 + 1.5 * e), 38),
    "oscillation": (lambda x, e, rng: (x, np.sin(4 * x) + 0.7 * e), 38),
    "heteroscedastic": (lambda x, e, rng: (x, np.exp(0.5 * x) * e), 38),
    "ring": (
        lambda x, e, rng: (lambda t: (np.cos(t) + 0.2 * x, np.sin(t) + 0.2 * e))(
            rng.uniform(0, 2 * np.pi, len(x))
        ),
        38,
    ),
}


@pytest.mark.parametrize("kind", POWER)
def test_dependence_of_many_kinds_is_found(kind):
    make, expected = POWER[kind]
    rng = np.random.default_rng(3)
    n, found, null = 200, 0, None
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(199))]
    for _ in range(40):
        x, y = make(*rng.normal(size=(2, n)), rng)
        functions = Functions(x, False), Functions(y, False)
        if null is None:  # shared by all columns without ties
            null = _statistics(*functions, orders[1:])
        statistics = np.vstack([_statistics(*functions, orders[:1]), null])
        found += _pvalue(statistics) <= 0.05
    assert found >= expected


def test_functions_are_orthonormal_and_go_by_ranks(rng):
    x = rng.normal(size=300)
    functions = Functions(x, False)
    n_functions = functions.basis.shape[1]
    np.testing.assert_allclose(
        functions.basis.T @ functions.basis / 300, np.eye(n_functions), atol=1e-9
    )
    np.testing.assert_allclose(functions.basis.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_array_equal(functions.basis, Functions(np.exp(x), False).basis)
    codes = rng.integers(0, 4, 300)
    assert Functions(codes, True).basis.shape[1] == Functions(codes, False).basis.shape[1] == 3
    assert Functions(np.ones(300), False).basis.shape[1] == 0


def test_result_is_a_pair_with_standard_errors(dependent):
    result = mutual_info_test(*dependent, n_permutations=99, random_state=0)
    scores, pvalues = result
    np.testing.assert_array_equal(scores, mutual_info_mmg(*dependent, random_state=0))
    np.testing.assert_array_equal(result.scores, scores)
    assert (pvalues[[1, 4]] == 0.01).all()
    assert (pvalues[[0, 2, 3, 5]] > 0.01).all()
    assert (result.standard_errors > 0).all()
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.standard_errors, result.standard_errors)
    np.testing.assert_array_equal(again[1], pvalues)


def test_standard_error_is_that_of_repeated_samples():
    values, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(500, 1))
        y = x[:, 0] + rng.normal(size=500)
        result = mutual_info_test(x, y, n_permutations=1, random_state=seed)
        values.append(result.scores[0])
        errors.append(result.standard_errors[0])
    # The standard deviation of 40 values is known to a ninth; two of that.
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.3)
    covered = np.abs(np.array(values) - 0.5 * np.log(2)) < 1.96 * np.array(errors)
    assert covered.mean() > 0.85


def test_constant_columns_have_no_evidence(dependent):
    X, y = dependent
    X[:, 0] = 3.0
    result = mutual_info_test(X, y, n_permutations=19, random_state=0)
    assert result.scores[0] == 0
    assert result.pvalues[0] == 1
    assert (mutual_info_test(X, np.ones(200), n_permutations=19)[1] == 1).all()


@pytest.mark.parametrize(
    "selector",
    [
        SelectFdr(mutual_info_test),
        SelectFpr(MMGTest(random_state=0), alpha=0.01),
        SelectFwe(MMGTest(random_state=0)),
        GenericUnivariateSelect(MMGTest(random_state=0), mode="fdr", param=0.05),
        GenericUnivariateSelect(MMGTest(random_state=0), mode="k_best", param=2),
    ],
)
def test_selectors_that_need_pvalues(dependent, selector):
    X, y = dependent
    model = make_pipeline(clone(selector), LinearRegression()).fit(X, y)
    assert model[0].get_support()[[1, 4]].all()
    assert model[0].get_support().sum() <= 3


def test_grid_search_reaches_the_parameters(dependent):
    model = make_pipeline(SelectFdr(MMGTest(random_state=0)), LinearRegression())
    grid = {"selectfdr__score_func__n_permutations": [99, 199]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(*dependent)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_no_permutations_are_refused(dependent):
    with pytest.raises(ValueError, match="'n_permutations' parameter of mutual_info_test"):
        mutual_info_test(*dependent, n_permutations=0)


def test_names_do_not_give_their_null_distribution_to_numbers(rng):
    number = rng.normal(size=80)
    names = np.array([f"name {i}" for i in range(80)], dtype=object)
    X = np.column_stack([names, number.astype(object)])
    y = number + 0.1 * rng.normal(size=80)
    with pytest.warns(UserWarning, match="80 distinct values"):
        pvalues = mutual_info_test(X, y, discrete_features=[0], random_state=0).pvalues
    assert pvalues[1] == 0.001
