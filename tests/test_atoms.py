"""Ties: the mutual information of counts, ratings, rounded, censored and zero-inflated columns."""

import math

import numpy as np
import pytest
from budgets import tiny
from scipy.stats import norm, poisson
from sklearn.datasets import load_iris

from sklearn_mmg import DoEMutualInfo, MINDEMutualInfo, MMGMutualInfo
from sklearn_mmg._atoms import TieSpreader, atom_codes, find_atoms
from sklearn_mmg._core.sides import Block, Sides

N = 1000
QUICK = dict(n_steps=20, batch_size=512, width=16, depth=1, cv=2, n_nodes=8, random_state=0)


def columns_with_ties(rng, n=N):
    normal = rng.normal(size=n)
    return {
        "coin": rng.integers(2, size=n),
        "five_levels": rng.integers(5, size=n),
        "twenty_levels": rng.integers(20, size=n),
        "fifty_levels": rng.integers(50, size=n),
        "poisson": rng.poisson(1.0, size=n),
        "zeros": np.where(rng.random(n) < 0.8, 0.0, rng.exponential(size=n)),
        "clipped": normal.clip(-1, 1),
        "censored": np.minimum(normal, np.quantile(normal, 0.95)),
        "rounded": np.round(normal, 1),
    }


NAMES = columns_with_ties(np.random.default_rng(0)).keys()
DECLARABLE = ("coin", "five_levels", "twenty_levels", "poisson")


@pytest.mark.parametrize(
    ("name", "side"), [*((name, "y") for name in NAMES), ("coin", "X"), ("zeros", "X")]
)
def test_independent_columns(name, side):
    """Denoised, a column with ties has no more to tell than any other."""
    rng = np.random.default_rng(1)
    column = columns_with_ties(rng)[name].astype(float)
    other = rng.normal(size=N)
    x, y = (column, other) if side == "X" else (other, column)
    mmg = MMGMutualInfo(**QUICK, denoise=side).fit(x[:, None], y)
    assert abs(mmg.mutual_info_) < 0.01 + 3 * mmg.mutual_info_se_ < 0.1
    assert mmg.mutual_info_interval(0.999)[0] == 0


@pytest.mark.parametrize("name", DECLARABLE)
def test_independent_columns_declared_discrete(name):
    rng = np.random.default_rng(1)
    column = columns_with_ties(rng)[name]
    mmg = MMGMutualInfo(**QUICK, discrete_target=True).fit(rng.normal(size=(N, 1)), column)
    assert abs(mmg.mutual_info_) < 0.01 + 3 * mmg.mutual_info_se_ < 0.1


@pytest.mark.parametrize("estimator_class", [DoEMutualInfo, MINDEMutualInfo])
def test_baselines_that_denoise_a_column_with_ties(estimator_class):
    rng = np.random.default_rng(2)
    estimator = estimator_class(n_steps=40, batch_size=256, width=16, cv=2, random_state=0)
    estimator.fit(rng.normal(size=(600, 2)), rng.poisson(1.0, size=600))
    assert abs(estimator.mutual_info_) < 0.15


def dependent(rng, n=2000):
    """``{name: (x, y, exact pointwise values)}``."""
    z = rng.normal(size=n)
    rate = np.exp(0.6 * z)
    counts = rng.poisson(rate)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    mixture = [
        np.average(poisson.pmf(c, np.exp(0.6 * nodes)), weights=weights)
        for c in range(counts.max() + 1)
    ]
    sd = math.sqrt(1 - 0.75**2)
    noisy = 0.75 * z + sd * rng.normal(size=n)

    def of_cells(low, high):
        """Log-ratio of the probabilities of a cell given z and without it."""
        given = norm.cdf((high - 0.75 * z) / sd) - norm.cdf((low - 0.75 * z) / sd)
        return np.log(given) - np.log(norm.cdf(high) - norm.cdf(low))

    codes = np.round(noisy / 0.5)
    cuts = np.array([-np.inf, -0.8, 0.0, 0.8, np.inf])
    grade = np.digitize(noisy, cuts[1:-1])
    clipped = noisy.clip(-1, 1)
    inside = norm.logpdf(noisy, 0.75 * z, sd) - norm.logpdf(noisy)
    ends = np.where(noisy < 0, of_cells(-np.inf, -1.0), of_cells(1.0, np.inf))
    return {
        "poisson": (z, counts, np.log(poisson.pmf(counts, rate)) - np.log(mixture)[counts]),
        "rounded": (z, codes * 0.5, of_cells((codes - 0.5) * 0.5, (codes + 0.5) * 0.5)),
        "ordinal": (z, grade, of_cells(cuts[grade], cuts[grade + 1])),
        "clipped": (z, clipped, np.where(np.abs(noisy) < 1, inside, ends)),
    }


@pytest.mark.parametrize("denoise", ["X", "y"])
@pytest.mark.parametrize("name", ["poisson", "rounded", "ordinal", "clipped"])
def test_dependent_columns(name, denoise):
    """Against the mean of the exact pointwise values of the same sample."""
    z, y, exact = dependent(np.random.default_rng(3))[name]
    mmg = MMGMutualInfo(**QUICK, denoise=denoise).fit(z[:, None], y)
    assert mmg.mutual_info_ == pytest.approx(exact.mean(), abs=0.04)


def test_zero_inflated_column_whose_rest_is_a_copy_is_infinite():
    rng = np.random.default_rng(4)
    x = np.where(rng.random(400) < 0.5, 0.0, rng.exponential(size=400))
    with pytest.warns(UserWarning, match="the mutual information is infinite"):
        mmg = tiny(preprocessing="standardize").fit(x[:, None], -x)
    assert mmg.mutual_info_ == np.inf


def test_iris_is_not_above_the_entropy_of_the_species():
    X, y = load_iris(return_X_y=True)
    for discrete_target in (True, "auto"):
        mmg = MMGMutualInfo(**QUICK, discrete_target=discrete_target).fit(X[:, [3]], y)
        assert 0.7 < mmg.mutual_info_ < math.log(3) + 2 * mmg.mutual_info_se_
        assert mmg.mutual_info_interval()[1] <= math.log(3) + 1e-9


def test_curves_and_pointwise_values_of_a_column_with_atoms():
    rng = np.random.default_rng(5)
    z = rng.normal(size=N)
    y = np.where(rng.random(N) < norm.cdf(z), 0.0, z + rng.normal(size=N))
    mmg = MMGMutualInfo(**QUICK).fit(z[:, None], y)
    assert mmg.pointwise_mi_.mean() == pytest.approx(mmg.mutual_info_)
    new = mmg.pointwise_mi(z[:50, None], np.r_[np.zeros(25), np.ones(25)])
    assert np.isfinite(new).all()
    curves = MMGMutualInfo(**QUICK, denoise="y").fit(z[:, None], y).mmse_curves_
    assert np.isfinite(curves.gap).all()


class TestSides:
    """Which side is denoised, and as what."""

    rng = np.random.default_rng(6)
    CONTINUOUS = rng.normal(size=(400, 1))
    TWO = rng.normal(size=(400, 2))
    CODES = rng.integers(3, size=(400, 1)).astype(float)
    TEN = rng.integers(10, size=(400, 1)).astype(float)
    MANY = rng.integers(100, size=(400, 1)).astype(float)

    @pytest.mark.parametrize(
        ("X", "y", "discrete", "denoised"),
        [
            (CONTINUOUS, TWO, (False, False), "X"),
            (CONTINUOUS, CODES, (False, True), "y"),
            (CONTINUOUS, CODES, (False, False), "y"),
            (CONTINUOUS, TEN, (False, True), "X"),
            (TWO, TEN, (False, True), "y"),
            (CONTINUOUS, MANY, (False, True), "X"),
            (TWO, MANY, (False, True), "X"),
            (TWO, CODES, ((True, False), True), "y"),
        ],
    )
    def test_auto(self, X, y, discrete, denoised):
        masks = [np.broadcast_to(m, b.shape[1]) for m, b in zip(discrete, (X, y), strict=True)]
        if any(masks[0]):
            X = np.hstack([self.CODES, X[:, 1:]])
        assert Sides(X, y, masks, "auto", 0, split_atoms=True).denoised == denoised

    def test_column_with_little_but_levels_is_discrete(self):
        y = self.CODES.copy()
        y[:4, 0] = [0.1, 0.2, 0.3, 7]  # rare, and still outcomes
        mask = np.zeros(1, dtype=bool)
        sides = Sides(self.TWO, y, (np.zeros(2, dtype=bool), mask), "y", 0, split_atoms=True)
        assert sides.target.kind == "discrete"
        assert sides.target.n_levels_ == [7]
        codes, _ = sides.encode(self.TWO[:2], np.array([[2.0], [99.0]]))
        assert codes[0] >= 0
        assert codes[1] == -1

    def test_ties_are_spread_where_no_atoms_are_kept(self):
        block = Block(self.CODES, np.zeros(1, dtype=bool))
        spread = block.as_target(self.CODES, 0)
        assert len(np.unique(spread)) == len(spread)
        # Each within its half of the gap: the level can still be read off.
        np.testing.assert_array_equal(np.floor(spread + 0.5), self.CODES)
        np.testing.assert_array_equal(spread, block.as_target(self.CODES, 0))

    def test_columns_without_ties_stay(self):
        block = Block(self.TWO, np.zeros(2, dtype=bool), keep_atoms=True)
        np.testing.assert_array_equal(block.as_target(self.TWO, 0), self.TWO)


def test_atoms_stand_out():
    rng = np.random.default_rng(7)
    assert find_atoms(rng.normal(size=500)).tolist() == []
    assert find_atoms(np.r_[np.zeros(50), rng.normal(size=450)]).tolist() == [0]
    assert find_atoms(rng.integers(4, size=500)).tolist() == [0, 1, 2, 3]
    assert find_atoms(rng.integers(40, size=4000)).tolist() == []  # a grid
    codes = atom_codes(np.array([3.0, 0.0, 1.0]), np.array([0.0, 1.0]))
    assert codes.tolist() == [0, 1, 2]


def test_spread_keeps_the_order_of_levels():
    rng = np.random.default_rng(8)
    values = np.array([0.0, 0.0, 1.0, 5.0, 5.0])
    for _ in range(20):
        spread = TieSpreader(values)(values, rng)
        assert spread[2] == 1
        assert (spread[:2] < 0.5).all() and (spread[3:] > 3).all()


def test_any_number_of_discrete_columns():
    """The combinations of 40 columns of ten levels have no numbers that a computer could hold."""
    rng = np.random.default_rng(9)
    table = rng.integers(10, size=(300, 40))
    mmg = tiny(discrete_features=True, discrete_target=True, cv=3).fit(table, table[:, 0] > 4)
    assert 0.1 < mmg.mutual_info_ < math.log(2)
