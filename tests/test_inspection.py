"""Tests by permutations, and differences of estimates of the same samples."""

import math

import numpy as np
import pandas as pd
import pytest
from budgets import tiny
from scipy.stats import kstest

from sklearn_mmg import FMMIMutualInfo, GaussianMutualInfo, KSGMutualInfo
from sklearn_mmg.inspection import paired_difference, permutation_test

N = 200


def dependent(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, X @ [1.0, 0.5] + rng.normal(size=n)


class TestPermutations:
    @staticmethod
    def p_values(make, estimator, n_repetitions, **parameters):
        found = []
        for seed in range(n_repetitions):
            X, y, groups = make(np.random.default_rng(seed))
            test = permutation_test(estimator, X, y, groups=groups, random_state=seed, **parameters)
            found.append(test.pvalue)
        return np.array(found)

    @pytest.mark.parametrize("refit", [True, False])
    def test_uniform_where_there_is_nothing(self, refit):
        def make(rng):
            return rng.normal(size=(40, 1)), rng.normal(size=40), None

        p = self.p_values(make, GaussianMutualInfo(), 60, n_permutations=39, refit=refit)
        # Discrete, in steps of a fortieth, which the test of a continuous one does not mind.
        assert kstest(p, "uniform").pvalue > 0.01

    @pytest.mark.parametrize("categories", [False, True])
    def test_what_is_given_takes_the_dependence(self, categories):
        def make(rng):
            z = rng.normal(size=(200, 1))
            z = 3.0 * (z > 0) if categories else z
            sides = z + rng.normal(size=(200, 2))
            X = pd.DataFrame({"x": sides[:, 0], "z": z[:, 0]})
            if categories:
                X["z"] = X["z"].astype(str)
            return X, sides[:, 1], None

        estimator = KSGMutualInfo(given="z", n_neighbors=10, random_state=0)
        p = self.p_values(make, estimator, 40, n_permutations=19)
        assert (p <= 0.1).mean() < 0.1 + 3 * math.sqrt(0.1 * 0.9 / 40)
        X, y, _ = make(np.random.default_rng(0))
        parameters = dict(n_permutations=19, random_state=0)
        alone = KSGMutualInfo(n_neighbors=10, random_state=0)
        assert permutation_test(alone, X[["x"]], y, **parameters).pvalue == 0.05
        y = y + 2 * X["x"]
        assert permutation_test(estimator, X, y, **parameters).pvalue == 0.05

    def test_groups_are_exchanged_as_a_whole(self):
        """Two random walks look dependent, unless stretches of them are exchanged."""

        def make(rng):
            walks = rng.normal(size=(20, 10, 2)).cumsum(axis=1).reshape(200, 2)
            return walks[:, :1], walks[:, 1], np.repeat(np.arange(20), 10)

        p = self.p_values(make, GaussianMutualInfo(), 60, n_permutations=19)
        assert (p <= 0.1).mean() < 0.1 + 3 * math.sqrt(0.1 * 0.9 / 60)

        def without(rng):
            return (*make(rng)[:2], None)

        p = self.p_values(without, GaussianMutualInfo(), 60, n_permutations=19)
        assert (p <= 0.1).mean() > 0.3

    def test_trained_once(self):
        X, y = dependent(N)
        test = permutation_test(tiny(), X, y, n_permutations=19, random_state=0)
        assert test.pvalue == 0.05
        assert test.mutual_info > 0.2 > test.permuted.max()
        assert test.permuted.shape == (19,)
        again = permutation_test(tiny(), X, y, n_permutations=19, random_state=0, n_jobs=2)
        assert (again.permuted == test.permuted).all()

    def test_estimator_stays_unfitted(self):
        estimator = GaussianMutualInfo()
        permutation_test(estimator, *dependent(N), n_permutations=1)
        assert not hasattr(estimator, "mutual_info_")

    def test_progress(self, capsys):
        permutation_test(GaussianMutualInfo(), *dependent(N), n_permutations=3, verbose=1)
        assert "3/3" in capsys.readouterr().err

    def test_mistakes_are_explained(self):
        X, y = dependent(N)
        uneven = np.arange(N) // 7
        with pytest.raises(ValueError, match="Groups of 4 to 7 samples cannot be exchanged"):
            permutation_test(GaussianMutualInfo(), X, y, groups=uneven)
        with pytest.raises(ValueError, match="leave out groups or given"):
            permutation_test(GaussianMutualInfo(given=0), X, y, groups=np.arange(N) // 10)
        with pytest.raises(ValueError, match="'n_permutations' parameter of permutation_test"):
            permutation_test(GaussianMutualInfo(), X, y, n_permutations=0)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            permutation_test(GaussianMutualInfo(), X, y[:-1])


class TestPairedDifference:
    def test_error_of_the_difference(self):
        """Of many samples the spread is the standard error, and a fraction of the unpaired one."""
        found, unpaired = [], []
        for seed in range(200):
            X, y = dependent(N, seed)
            both, one = GaussianMutualInfo().fit(X, y), GaussianMutualInfo().fit(X[:, :1], y)
            found.append(paired_difference(both, one))
            unpaired.append(math.hypot(both.mutual_info_se_, one.mutual_info_se_))
        differences, errors = np.array(found).T
        # 2.25 is the variance of y, of which 1.25 is left by one column and 1 by both.
        truth = 0.5 * math.log(1.25)
        assert differences.mean() == pytest.approx(truth, abs=3 * differences.std() / 200**0.5)
        assert errors.mean() == pytest.approx(differences.std(), rel=0.2)
        assert errors.mean() < 0.75 * np.mean(unpaired)
        covered = [low < truth < high for low, high in (d.interval() for d in found)]
        assert np.mean(covered) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)

    def test_same_estimate_has_no_difference(self):
        mmg = tiny().fit(*dependent(N))
        same = paired_difference(mmg, mmg)
        assert same.difference == 0 and same.pvalue == pytest.approx(1.0)

    def test_samples_that_both_hold_out(self):
        X, y = dependent(N)
        held_out = np.r_[0:60], np.r_[30:90]
        first, second = (tiny(cv=[(np.r_[100:200], part)]).fit(X, y) for part in held_out)
        found = paired_difference(first, second)
        expected = first.pointwise_mi_[30:].mean() - second.pointwise_mi_[:30].mean()
        assert found.difference == pytest.approx(expected)
        apart = tiny(cv=[(np.r_[100:200], np.r_[60:100])]).fit(X, y)
        with pytest.raises(ValueError, match="no samples in common"):
            paired_difference(first, apart)

    def test_groups_count_as_one(self):
        X, y = dependent(N)
        groups = np.arange(N) // 20
        first, second = (GaussianMutualInfo().fit(a, y, groups) for a in (X, X[:, :1]))
        renamed = GaussianMutualInfo().fit(X[:, :1], y, 100 - groups)
        error = paired_difference(first, second).standard_error
        assert error == paired_difference(first, renamed).standard_error
        alone = [GaussianMutualInfo().fit(a, y) for a in (X, X[:, :1])]
        assert error != paired_difference(*alone).standard_error
        with pytest.raises(ValueError, match="other groups"):
            paired_difference(first, alone[1])

    def test_mistakes_are_explained(self):
        X, y = dependent(N)
        first = GaussianMutualInfo().fit(X, y)
        with pytest.raises(ValueError, match="of 200 and of 150 samples"):
            paired_difference(first, GaussianMutualInfo().fit(X[:150], y[:150]))
        with pytest.warns(UserWarning, match="infinite"):
            infinite = GaussianMutualInfo().fit(X, X[:, 0])
        with pytest.raises(ValueError, match="is infinite"):
            paired_difference(first, infinite)
        fmmi = FMMIMutualInfo(n_steps=5, cv=0.5).fit(X, y)
        with pytest.raises(ValueError, match="FMMIMutualInfo has no pointwise_mi"):
            paired_difference(first, fmmi)
        with pytest.raises(ValueError, match="'confidence' parameter"):
            paired_difference(first, first).interval(2)
