"""Mutual information of all pairs of columns, its scales and its picture."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from sklearn_mmg import (
    MutualInfoMatrixDisplay,
    mutual_info_matrix,
    mutual_info_mmg,
    mutual_info_to_correlation,
    uncertainty_coefficient,
)
from sklearn_mmg.feature_selection import _matrix


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    a, b, e = rng.normal(size=(3, 600))
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "sum": a + b + 0.3 * e,
            "count": rng.poisson(np.exp(a / 2)),
            "coin": rng.integers(0, 2, 600),
            "name": rng.choice(["u", "v", "w"], 600),
            "constant": 1.0,
        }
    )


def test_matrix_is_symmetric_and_blind_to_the_order_of_columns(table):
    matrix = mutual_info_matrix(table, random_state=0)
    np.testing.assert_array_equal(matrix, matrix.T)
    order = [4, 2, 6, 0, 5, 1, 3]
    again = mutual_info_matrix(table.iloc[:, order], random_state=0)
    np.testing.assert_array_equal(again, matrix[np.ix_(order, order)])
    np.testing.assert_array_equal(mutual_info_matrix(table, random_state=0, n_jobs=2), matrix)


def test_entries_are_those_of_column_scores(table):
    matrix = mutual_info_matrix(table, random_state=0)
    scores = mutual_info_mmg(table.drop(columns="a"), table["a"], random_state=0)
    # Up to which of a pair is denoised, and to how samples are split.
    np.testing.assert_allclose(matrix[0, 1:], scores, atol=0.05)
    assert matrix[0, 2] > 0.2
    assert matrix[0, 3] > 0.05
    assert matrix[0, 1] < 0.02
    assert (matrix[6] == 0).all()


def test_diagonal_is_the_entropy(table):
    diagonal = np.diag(mutual_info_matrix(table, random_state=0))
    assert np.isinf(diagonal[:3]).all()
    for j, name in ((4, "coin"), (5, "name")):
        assert diagonal[j] == pytest.approx(entropy(table[name].value_counts()))
    assert diagonal[6] == 0


def test_two_blocks(table):
    left, right = table[["a", "coin"]], table[["sum", "name", "a"]]
    matrix = mutual_info_matrix(left, right, random_state=0)
    assert matrix.shape == (2, 3)
    assert matrix[0, 0] > 0.2
    # The same column on both sides.
    assert np.isinf(matrix[0, 2])


def test_tiles_change_nothing(table, monkeypatch):
    whole = mutual_info_matrix(table, random_state=0)
    monkeypatch.setattr(_matrix, "TILE", 2)
    np.testing.assert_array_equal(mutual_info_matrix(table, random_state=0), whole)


def test_scales():
    correlation = np.array([0.0, 0.3, 0.9])
    information = -0.5 * np.log1p(-(correlation**2))
    np.testing.assert_allclose(mutual_info_to_correlation(information), correlation)
    assert mutual_info_to_correlation(np.inf) == 1
    assert mutual_info_to_correlation(-0.01) == 0
    y = ["u", "v"] * 10
    assert uncertainty_coefficient(np.log(2) / 2, y) == pytest.approx(0.5)
    np.testing.assert_array_equal(uncertainty_coefficient([0, 9.0], y), [0, 1])
    with pytest.raises(ValueError, match="no entropy"):
        uncertainty_coefficient(0.1, [1, 1])


def test_scale_parameter(table):
    nats = mutual_info_matrix(table, random_state=0)
    scaled = mutual_info_matrix(table, random_state=0, scale="correlation")
    np.testing.assert_array_equal(scaled, mutual_info_to_correlation(nats))
    assert scaled.max() == 1


def test_bad_calls(table):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        mutual_info_matrix(table, table.iloc[:10])
    with pytest.raises(ValueError, match="cv=7 greater than n_samples=5"):
        mutual_info_matrix(table.iloc[:5], cv=7)
    with pytest.raises(ValueError, match="The 'scale' parameter of mutual_info_matrix"):
        mutual_info_matrix(table, scale="bits")


def test_display_orders_what_belongs_together(table):
    display = MutualInfoMatrixDisplay.from_data(table, random_state=0)
    labels = [t.get_text() for t in display.ax_.get_yticklabels()]
    assert sorted(labels) == sorted(table.columns)
    assert labels == [t.get_text() for t in display.ax_.get_xticklabels()]
    assert abs(labels.index("b") - labels.index("sum")) == 1
    # Every cell says its number, in the order that is shown.
    texts = [t.get_text() for t in display.ax_.texts]
    assert len(texts) == 49
    matrix = np.asarray(display.matrix)
    i, j = display.order_[0], display.order_[1]
    assert texts[1] == ("∞" if np.isinf(matrix[i, j]) else f"{matrix[i, j]:.2f}")
    plain = MutualInfoMatrixDisplay(matrix).plot(cluster=False)
    assert plain.order_.tolist() == list(range(7))


def test_display_of_two_blocks(table):
    display = MutualInfoMatrixDisplay.from_data(
        table[["a", "b", "coin"]], table[["sum", "name"]], random_state=0
    )
    assert display.matrix.shape == (3, 2)
    assert {t.get_text() for t in display.ax_.get_xticklabels()} == {"sum", "name"}
