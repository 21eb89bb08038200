"""Tables as people have them: counts, ratings, zeros, ties, few rows. No number is impossible."""

import functools
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy, norm, poisson, spearmanr
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.feature_selection import mutual_info_classif

from sklearn_mmg import mutual_info_matrix, mutual_info_mmg

N = 2000
GRID = np.linspace(-8, 8, 2001)
WEIGHT = norm.pdf(GRID) / norm.pdf(GRID).sum()


def table_entropy(values):
    return entropy(np.unique(values, return_counts=True)[1])


def tied_columns(rng):
    normal = rng.normal(size=N)
    return {
        "coin": rng.integers(0, 2, N),
        "five levels": rng.integers(0, 5, N),
        "ten levels": rng.integers(0, 10, N),
        "twenty levels": rng.integers(0, 20, N),
        "fifty levels": rng.integers(0, 50, N),
        "poisson": rng.poisson(1, N),
        "zeros": np.where(rng.random(N) < 0.8, 0, rng.exponential(size=N)),
        "clipped": np.clip(normal, -1, 1),
        "censored": np.minimum(normal, norm.ppf(0.95)),
    }


KINDS = list(tied_columns(np.random.default_rng(0)))


@pytest.mark.parametrize("kind", KINDS)
def test_independent_columns_with_ties(kind):
    """Of ties that a normal margin is assumed for, 0.3 to 3.5 nats would come."""
    rng = np.random.default_rng(KINDS.index(kind))
    column = tied_columns(rng)[kind]
    others = np.column_stack([*tied_columns(rng).values(), rng.normal(size=N)])
    few = len(np.unique(column)) <= 50
    for declared in (False, True) if few else (False,):
        as_y = mutual_info_mmg(others, column, discrete_target=declared, random_state=0)
        as_x = [
            mutual_info_mmg(column[:, None], y, discrete_features=declared, random_state=0)[0]
            for y in others.T[::3]  # undeclared ones are the `as_y` of other kinds
        ]
        # A score that is not zero has passed a test on other samples, and is then of their noise.
        assert max(*as_y, *as_x) < 0.01
        assert np.mean([*as_y, *as_x]) < 0.002


def discrete_truth(conditional):
    """Mutual information of a standard normal and a discrete column, given on the grid."""
    return entropy(WEIGHT @ conditional) - WEIGHT @ entropy(conditional, axis=1)


def dependent_columns(rng):
    """Pairs and their mutual information."""
    x, e = rng.normal(size=(2, N))
    r, s = 0.75, np.sqrt(1 - 0.75**2)
    y = r * x + s * e
    counts = np.arange(60)
    edges = np.arange(-9, 9.5) - 0.5
    cuts = norm.ppf([0.2, 0.5, 0.8])
    at_cuts = norm.cdf((cuts - r * GRID[:, None]) / s)
    ordinal = np.diff(np.hstack([np.zeros((len(GRID), 1)), at_cuts, np.ones((len(GRID), 1))]))
    rounded = np.diff(norm.cdf((edges - r * GRID[:, None]) / s), axis=1)
    common, a, b = rng.poisson(1, size=(3, N))
    angle = rng.uniform(0, 2 * np.pi, N)
    grid_angle = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    rates = 4 * np.exp(np.cos(grid_angle) - 1)
    spikes = poisson.pmf(counts, rates[:, None])
    return {
        "poisson": (
            x,
            rng.poisson(np.exp(0.6 * x)),
            discrete_truth(poisson.pmf(counts, np.exp(0.6 * GRID)[:, None])),
        ),
        "rounded": (x, np.round(y), discrete_truth(rounded)),
        "ordinal": (x, np.searchsorted(cuts, y), discrete_truth(ordinal)),
        "common part": (common + a, common + b, 0.1411),
        "spikes": (
            angle,
            rng.poisson(4 * np.exp(np.cos(angle) - 1)),
            entropy(spikes.mean(axis=0)) - entropy(spikes, axis=1).mean(),
        ),
    }


@pytest.mark.parametrize("kind", list(dependent_columns(np.random.default_rng(0))))
def test_dependent_columns_with_ties(kind):
    x, y, truth = dependent_columns(np.random.default_rng(7))[kind]
    values = [
        mutual_info_mmg(a[:, None], b, discrete_target=declared, random_state=0)[0]
        for a, b, declared in ((x, y, False), (x, y, True), (y, x, False))
    ]
    # Sampling alone has a standard error of sqrt(2 I / n), at most, about .02.
    np.testing.assert_allclose(values, truth, atol=3 * np.sqrt(2 * truth / N))
    # Declared or not, and either way round: the same up to how two sides with ties are split.
    np.testing.assert_allclose(values, values[0], atol=0.01)


@functools.cache
def declared_scores(load):
    return mutual_info_mmg(*load(return_X_y=True), discrete_target=True, random_state=0)


@pytest.mark.parametrize(
    "load", [load_iris, load_wine, load_breast_cancer, load_digits], ids=lambda f: f.__name__
)
def test_no_score_above_an_entropy(load):
    X, y = load(return_X_y=True)
    scores = declared_scores(load)
    undeclared = mutual_info_mmg(X, y, random_state=0)
    bounds = [min(table_entropy(column), table_entropy(y)) for column in X.T]
    assert (scores <= bounds).all()
    assert (undeclared <= np.array(bounds) + 0.02).all()
    if len(np.unique(y)) <= 4:
        np.testing.assert_allclose(undeclared, scores)


def test_digits_are_ranked_as_by_nearest_neighbours():
    X, y = load_digits(return_X_y=True)
    scores = declared_scores(load_digits)
    assert spearmanr(scores, mutual_info_classif(X, y, random_state=0))[0] > 0.9


def test_target_of_few_levels_in_many_rows_of_floats():
    """`s4` of diabetes has 66 levels in 442 rows."""
    data = load_diabetes().data
    scores = mutual_info_mmg(np.delete(data, 7, axis=1), data[:, 7], random_state=0)
    assert scores.max() < table_entropy(data[:, 7])
    matrix = mutual_info_matrix(data, random_state=0)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(matrix[7][[0, 1, 2, 3, 4, 5, 6, 8, 9]], scores, atol=0.1)


@pytest.mark.parametrize("n_different", range(1, 6))
def test_nearly_constant_columns(n_different):
    rng = np.random.default_rng(n_different)
    x = np.zeros((1000, 1))
    x[:n_different] = 1 + rng.exponential(size=(n_different, 1))
    for y in (rng.normal(size=1000), rng.random(1000) < 0.3):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            score = mutual_info_mmg(x, y, random_state=0)[0]
        assert 0 <= score <= table_entropy(x) + 0.01


def test_rare_values_and_a_class():
    """Ten non-zeros in 1,000: 149 nats with a normal margin."""
    rng = np.random.default_rng(0)
    x = np.zeros(1000)
    x[:10] = rng.exponential(size=10)
    y = rng.random(1000) < 0.5
    assert mutual_info_mmg(x[:, None], y, random_state=0)[0] < 0.02


@pytest.mark.parametrize("scale", [1e-300, 5e-320, 1e-8, 1e8, 1e300])
def test_scale_and_shift_do_not_matter(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    y = X[:, 0] + rng.normal(size=500)
    expected = mutual_info_mmg(X, y, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = mutual_info_mmg(X * scale, y, random_state=0)
        shifted = mutual_info_mmg(X + 1e9, y, random_state=0)
    # A subnormal column has some tens of thousands of levels left.
    np.testing.assert_allclose(scores, expected, atol=0.02 if scale < 1e-310 else 1e-6)
    np.testing.assert_allclose(shifted, expected, atol=1e-3)


def test_zero_inflated_copy_is_infinite_and_tied_copy_is_not():
    rng = np.random.default_rng(0)
    inflated = np.where(rng.random(500) < 0.3, 0, rng.normal(size=500))
    counts = rng.poisson(3, 500)
    with pytest.warns(UserWarning, match="Columns 0 of X order the samples exactly"):
        assert np.isinf(mutual_info_mmg(inflated[:, None], np.exp(inflated), random_state=0)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = mutual_info_mmg(counts[:, None], counts, random_state=0)[0]
    assert score == pytest.approx(table_entropy(counts), abs=0.1)


def test_few_rows_are_not_called_infinite():
    rng = np.random.default_rng(0)
    for n in (2, 5, 19):
        x = np.sort(rng.normal(size=n))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isfinite(mutual_info_mmg(x[:, None], np.arange(n) ** 2.0, random_state=0)[0])


def test_types_of_data_frames_that_have_no_common_one():
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.5
    table = pd.DataFrame(
        {
            "flag": pd.array(truth, dtype="boolean"),
            "count": pd.array(rng.integers(5, size=400), dtype="Int64"),
            "word": pd.Categorical(np.where(truth, "yes", "no")),
            "value": rng.normal(size=400),
        }
    )
    scores = mutual_info_mmg(table, truth, random_state=0)
    entropy = np.log(2)
    assert np.allclose(scores[[0, 2]], entropy, atol=0.02)
    assert scores[[1, 3]].max() < 0.02
    table.loc[3, "count"] = pd.NA
    with pytest.raises(ValueError, match="NaN, first in row 3 of column 'count'"):
        mutual_info_mmg(table, truth)
