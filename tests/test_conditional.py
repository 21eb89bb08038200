"""Mutual information of two blocks where some columns are given."""

import inspect
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from budgets import MUTUAL_INFO_ESTIMATORS, smallest, tiny
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_mmg import GaussianMutualInfo, KSGMutualInfo, MMGMutualInfo
from sklearn_mmg._core.conditioning import ConditionalPreconditioner
from sklearn_mmg._core.gaussian import unbiased_mutual_info

CONDITIONAL = [
    item for item in MUTUAL_INFO_ESTIMATORS if "given" in inspect.signature(item).parameters
]
N = 600
COVARIANCE = np.cov(np.random.default_rng(0).normal(size=(6, 12)))


def normal_truth(x, y, z):
    def log_determinant(*groups):
        i = [*itertools.chain(*groups)]
        return np.linalg.slogdet(COVARIANCE[np.ix_(i, i)])[1]

    return 0.5 * (
        log_determinant(x, z)
        + log_determinant(y, z)
        - log_determinant(z)
        - log_determinant(x, y, z)
    )


X_COLUMNS, GIVEN, Y_COLUMNS = [0, 1], [2, 3], [4, 5]
TRUTH = normal_truth(X_COLUMNS, Y_COLUMNS, GIVEN)


def normal_sample(n, seed=0):
    """X with the given columns last, and y."""
    rng = np.random.default_rng(seed)
    sample = rng.multivariate_normal(np.zeros(6), COVARIANCE, size=n, method="cholesky")
    return sample[:, X_COLUMNS + GIVEN], sample[:, Y_COLUMNS]


def confounded(n, rng):
    z = rng.normal(size=(n, 1))
    return np.hstack([z + 0.1 * rng.normal(size=(n, 1)), z]), z + 0.1 * rng.normal(size=(n, 1))


@pytest.mark.parametrize("estimator_class", CONDITIONAL)
class TestEveryEstimator:
    def test_names_indices_and_masks_are_the_same(self, estimator_class):
        X, y = normal_sample(200)
        frame = pd.DataFrame(X, columns=list("abcd"))
        by_index = smallest(estimator_class, given=[2, 3]).fit(X, y)
        for data, given in ((X, [False, False, True, True]), (frame, ["c", "d"])):
            other = smallest(estimator_class, given=given).fit(data, y)
            assert other.mutual_info_ == by_index.mutual_info_
        one = [smallest(estimator_class, given=g).fit(frame, y).mutual_info_ for g in ("c", 2, [2])]
        assert one[0] == one[1] == one[2]

    def test_confounder_takes_the_dependence(self, estimator_class):
        X, y = confounded(1000, np.random.default_rng(0))
        without = smallest(estimator_class).fit(X[:, :1], y)
        given = smallest(estimator_class, given=1).fit(X, y)
        assert without.mutual_info_ > 1.0
        assert abs(given.mutual_info_) < 0.06
        assert abs(given.mutual_info(X, y)) < 0.06

    def test_units_and_shifts_of_columns_do_not_matter(self, estimator_class):
        X, y = normal_sample(200)
        first = smallest(estimator_class, given=[2, 3]).fit(X, y)
        other = smallest(estimator_class, given=[2, 3]).fit(1024.0 * X, 0.25 * y)
        assert other.mutual_info_ == pytest.approx(first.mutual_info_, abs=1e-6)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ([0, 1, 2, 3], "given has all 4 columns of X"),
            ([7], r"given must be indices of the 4 columns of X. Got \[7\]"),
            (["a"], "given holds names.*X is no data frame"),
            ([True], r"given has shape \(1,\), expected \(4,\)"),
        ],
    )
    def test_mistakes_are_explained(self, estimator_class, given, message):
        with pytest.raises(ValueError, match=message):
            smallest(estimator_class, given=given).fit(*normal_sample(200))

    def test_grid_and_clone(self, estimator_class):
        estimator = clone(smallest(estimator_class, given=[2]))
        assert estimator.given == [2]
        if hasattr(estimator, "score") and not estimator._lacks:
            search = GridSearchCV(estimator, {"given": [None, [2, 3]]}, cv=2)
            search.fit(*normal_sample(100))
            assert np.isfinite(search.best_score_)


class TestGaussianPart:
    def test_value_of_a_normal_sample(self):
        X, y = normal_sample(4000)
        gaussian = GaussianMutualInfo(given=GIVEN).fit(X, y)
        assert gaussian.mutual_info_ == pytest.approx(TRUTH, abs=3 * gaussian.mutual_info_se_)
        mmg = tiny(given=GIVEN, cv=2).fit(X, y)
        assert mmg.mutual_info_ == pytest.approx(TRUTH, abs=3 * mmg.mutual_info_se_)

    def test_bias_is_taken_off(self):
        """Of many small samples the mean is the truth."""
        given = np.array([False, False, True, True])
        values = []
        for seed in range(300):
            X, y = normal_sample(30, seed)
            values.append(unbiased_mutual_info(X[:, :2], np.hstack([y, X[:, 2:]]), given))
        assert np.mean(values) == pytest.approx(TRUTH, abs=3 * np.std(values) / math.sqrt(300))

    def test_coordinates_are_those_of_residuals(self):
        X, y = normal_sample(500)
        basis = ConditionalPreconditioner(np.array([False, False, True, True]))
        white = basis.fit_transform(X[:, :2], np.hstack([y, X[:, 2:]]))
        for block in (white.x, white.y, white.given):
            assert block.T @ block / 500 == pytest.approx(np.eye(2), abs=1e-9)
        assert white.given.T @ np.hstack([white.x, white.y]) / 500 == pytest.approx(0, abs=1e-9)
        assert white.x.T @ white.y / 500 == pytest.approx(np.diag(basis.rho_), abs=1e-9)

    def test_column_that_is_given_away_has_nothing_to_tell(self):
        rng = np.random.default_rng(0)
        z, y = rng.normal(size=(2, 300, 1))
        X = np.hstack([3 * z + 2, z])
        assert GaussianMutualInfo(given=1).fit(X, z + y).mutual_info_ == 0
        assert tiny(given=1).fit(X, z + y).mutual_info_ == 0

    def test_one_side_that_follows_from_the_rest_is_infinite(self):
        rng = np.random.default_rng(0)
        x, z = rng.normal(size=(2, 300, 1))
        for estimator in (GaussianMutualInfo(given=1), tiny(given=1)):
            with pytest.warns(UserWarning, match="infinite"):
                estimator.fit(np.hstack([x, z]), x + z)
            assert estimator.mutual_info_ == math.inf


class TestKindsOfColumns:
    """Each is log(2) to every sample, and nothing without the given column."""

    @staticmethod
    def fit(x, y, z, **parameters):
        X = pd.DataFrame({"x": x, "z": z})
        defaults = dict(n_steps=300, cv=2, given="z", random_state=0)
        return MMGMutualInfo(**(defaults | parameters)).fit(X, y)

    def test_exclusive_or_of_signs(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(2, 2000))
        z = np.sign(x * y) * np.abs(rng.normal(size=2000))
        assert self.fit(x, y, z, width=32).mutual_info_ == pytest.approx(math.log(2), abs=0.1)

    def test_exclusive_or_of_classes(self):
        rng = np.random.default_rng(0)
        x, y = rng.choice(["a", "b"], size=(2, N))
        mmg = self.fit(x, y, x == y, n_steps=80)
        assert mmg.mutual_info_ == pytest.approx(math.log(2), abs=0.02)
        low, high = mmg.mutual_info_interval()
        assert low <= math.log(2) <= high
        curves = mmg.mmse_curves_
        area = 0.5 * np.trapezoid(curves.gap, curves.logsnr)
        assert area == pytest.approx(math.log(2), abs=0.1)

    def test_class_decides_the_correlation(self):
        rng = np.random.default_rng(0)
        x, e = rng.normal(size=(2, 3000))
        z = rng.choice(["follows", "goes against"], size=3000)
        y = 0.8 * np.where(z == "follows", x, -x) + 0.6 * e
        mmg = self.fit(x, y, z, n_steps=200, width=32)
        assert mmg.mutual_info_ == pytest.approx(-math.log(0.6), abs=3 * mmg.mutual_info_se_ + 0.03)

    def test_column_with_heavy_levels(self):
        """Half of y is zero, decided by the sign of x if z says so."""
        rng = np.random.default_rng(0)
        x, e = rng.normal(size=(2, 2000))
        z = rng.integers(2, size=2000)
        y = np.where((x > 0) ^ (z == 1), e, 0.0)
        settings = dict(denoise="y", discrete_features=["z"], width=32, n_steps=200)
        mmg = self.fit(x, y, z, **settings)
        assert mmg.mutual_info_ == pytest.approx(math.log(2), abs=0.1)

    def test_neighbours_of_categories(self):
        rng = np.random.default_rng(0)
        x, y = rng.choice(["a", "b"], size=(2, N))
        ksg = KSGMutualInfo(given="z").fit(pd.DataFrame({"x": x, "z": x == y}), y)
        assert ksg.algorithm_ == "conditional"
        assert ksg.mutual_info_ == pytest.approx(math.log(2), abs=0.02)


def test_neighbours_of_a_normal_sample():
    X, y = normal_sample(2000)
    ksg = KSGMutualInfo(given=[1, 2, 3], random_state=0).fit(X, y[:, :1])
    truth = normal_truth([0], [4], [1, 2, 3])
    assert ksg.mutual_info_ == pytest.approx(truth, abs=0.1)


def test_neighbours_have_one_algorithm():
    with pytest.raises(ValueError, match="algorithm='ksg2' takes no given columns"):
        KSGMutualInfo(given=2, algorithm="ksg2").fit(*normal_sample(100))


def test_chain_rule():
    """What x tells beyond z is what both tell less what z tells."""
    X, y = normal_sample(3000)
    settings = dict(n_steps=60, width=16, depth=1, cv=2, random_state=0)
    both, alone = (MMGMutualInfo(**settings).fit(data, y) for data in (X, X[:, GIVEN]))
    given = MMGMutualInfo(given=GIVEN, **settings).fit(X, y)
    difference = both.mutual_info_ - alone.mutual_info_
    error = math.hypot(both.mutual_info_se_, alone.mutual_info_se_)
    assert given.mutual_info_ == pytest.approx(difference, abs=3 * error)
    # The variance that y has by z is none of the noise of the conditional estimate.
    assert given.mutual_info_se_ < both.mutual_info_se_
