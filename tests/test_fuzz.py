"""Column scores of whatever table there may be: a number, infinity with a warning, or an error."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from sklearn_mmg import mutual_info_matrix, mutual_info_mmg, mutual_info_test

COLUMNS = {
    "normal": lambda rng, z: z,
    "coin": lambda rng, z: (z > 0).astype(float),
    "counts": lambda rng, z: rng.poisson(1, len(z)).astype(float),
    "constant": lambda rng, z: np.full(len(z), 7.0),
    "few that differ": lambda rng, z: np.where(np.arange(len(z)) < 3, 1 + np.abs(z), 0.0),
    "heavy tails": lambda rng, z: np.exp(5 * z),
    "huge": lambda rng, z: z * 1e300,
    "tiny": lambda rng, z: z * 1e-300,
    "subnormal": lambda rng, z: z * 5e-321,
    "far from zero": lambda rng, z: z + 1e12,
    "rounded": lambda rng, z: np.round(z, 1),
    "clipped": lambda rng, z: np.clip(z, -0.5, 0.5),
    "zeros": lambda rng, z: np.where(np.abs(z) < 1.5, 0.0, z),
    "three scales": lambda rng, z: rng.choice([1e-300, 1e300, 0.0], len(z)),
    "whole range": lambda rng, z: 1.7e308 * np.tanh(z),
    "levels": lambda rng, z: rng.integers(0, 30, len(z)).astype(float),
}


@st.composite
def tables(draw):
    """Table, target, and whether either is declared discrete."""
    n = draw(st.sampled_from([2, 3, 4, 5, 7, 10, 15, 20, 30, 60, 120]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=2, max_size=4))
    columns = [COLUMNS[kind](rng, rng.normal(size=n)) for kind in kinds]
    if draw(st.booleans()):  # repeated rows, as after a bootstrap
        rows = rng.integers(0, n, n)
        columns = [column[rows] for column in columns]
    X, y = np.column_stack(columns[1:]), columns[0]
    if draw(st.booleans()):  # of which a column is a function
        y = X[:, 0]
    discrete = draw(st.booleans()), draw(st.booleans())
    if discrete[1]:
        y = np.unique(y, return_inverse=True)[1]
    return X, y, {"discrete_features": discrete[0], "discrete_target": discrete[1]}


def few_levels(column):
    return 3 * len(np.unique(column)) <= len(column)


def sample_entropy(column):
    return entropy(np.unique(column, return_counts=True)[1])


def check(table):
    X, y, declared = table
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scores = mutual_info_mmg(X, y, random_state=0, **declared)
        reversed_order = mutual_info_mmg(X[:, ::-1], y, random_state=0, **declared)
    assert not any(issubclass(w.category, RuntimeWarning) for w in caught)
    assert not np.isnan(scores).any()
    assert (scores >= 0).all()
    np.testing.assert_array_equal(scores, reversed_order[::-1])
    if np.isinf(scores).any():
        assert any("infinite" in str(w.message) for w in caught)
    for score, column in zip(scores, X.T, strict=True):
        if len(np.unique(column)) == 1 or len(np.unique(y)) == 1:
            assert score == 0
        for side, discrete in ((column, declared["discrete_features"]), (y, False)):
            if np.isfinite(score) and (discrete or len(np.unique(side)) <= 12) and few_levels(side):
                # Its standard error, of samples of which a third share a level.
                assert score <= sample_entropy(side) + 3 / np.sqrt(len(y))


def check_tests_and_pairs(table):
    X, y, declared = table
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = mutual_info_test(X, y, n_permutations=9, random_state=0, **declared)
        matrix = mutual_info_matrix(
            X, random_state=0, discrete_features=declared["discrete_features"]
        )
    assert ((result.pvalues > 0) & (result.pvalues <= 1)).all()
    assert (np.isfinite(result.standard_errors) & (result.standard_errors >= 0)).all()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert not np.isnan(matrix).any()


QUICK = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@QUICK
@given(tables())
def test_scores_of_any_table(table):
    check(table)


@settings(QUICK, max_examples=50)
@given(tables())
def test_tests_and_pairs_of_any_table(table):
    check_tests_and_pairs(table)


@pytest.mark.slow
@settings(QUICK, max_examples=10_000, derandomize=False)
@given(tables())
def test_scores_of_ten_thousand_tables(table):
    check(table)
