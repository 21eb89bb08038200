"""Baselines without a network: against closed forms, slow textbook versions and scikit-learn."""

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import binomtest, multivariate_normal
from sklearn.base import clone
from sklearn.cross_decomposition import CCA
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from sklearn_mmg import GaussianMutualInfo, KSGMutualInfo
from sklearn_mmg._core.gaussian import _held_out_square
from sklearn_mmg.datasets import JointNormal, load_task


def normal(n_dims=1, correlations=(0.8,)):
    return JointNormal.sparse(n_dims, correlations=correlations)


def standard_error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


def assert_mean(values, expected, slack=0.0):
    """The mean over repeated samples, within four standard errors."""
    assert abs(np.mean(values) - expected) < 4 * standard_error(values) + slack


class TestGaussian:
    @pytest.mark.parametrize(
        "distribution, n_samples",
        [
            (JointNormal.sparse(2, 4, correlations=(0.9, 0.5)), 20),
            (JointNormal.dense(5), 30),
            (JointNormal.sparse(25, correlations=()), 200),
            (JointNormal.dense(25), 100),
        ],
    )
    def test_no_bias_in_small_samples(self, distribution, n_samples):
        """For the fitted sample and for other data; without the correction there is much."""
        fitted, other, plain, score = [], [], [], []
        for seed in range(100):
            X, y = distribution.sample(n_samples + 100, random_state=seed)
            gaussian = GaussianMutualInfo().fit(X[:n_samples], y[:n_samples])
            fitted.append(gaussian.mutual_info_)
            plain.append(-0.5 * np.log1p(-(gaussian.canonical_correlations_**2)).sum())
            other.append(gaussian.mutual_info(X[n_samples:], y[n_samples:]))
            score.append(gaussian.score(X[n_samples:], y[n_samples:]))
        truth = distribution.mutual_information
        assert_mean(fitted, truth)
        assert_mean(other, truth)
        assert np.mean(plain) > truth + 4 * standard_error(plain)
        assert np.mean(score) < truth - 2 * standard_error(score)

    def test_other_data_fit_worse_by_a_known_amount(self, rng):
        """Mean squared Mahalanobis distance from ten samples: 6.6 where three would be exact."""
        samples = rng.normal(size=(20_000, 10, 3))
        covariances = np.einsum(
            "sni,snj->sij", *[samples - samples.mean(axis=1, keepdims=True)] * 2
        )
        distance = rng.normal(size=(20_000, 3)) - samples.mean(axis=1)
        solved = np.linalg.solve(covariances / 10, distance[..., None])[..., 0]
        assert_mean((distance * solved).sum(axis=1), _held_out_square(10, 3))

    def test_estimate_is_the_log_determinants_less_their_bias(self):
        """Covariance matrices and a loop over the Wishart degrees of freedom."""
        X, y = JointNormal.sparse(3, 2, correlations=(0.7, 0.3)).sample(40, random_state=0)

        def log_determinant(columns):
            dims, bias = columns.shape[1], 0.0
            for i in range(dims):
                bias += digamma((39 - i) / 2) + np.log(2 / 39)
            return np.linalg.slogdet(np.cov(columns, rowvar=False).reshape(dims, dims))[1] - bias

        blocks = X, y, np.hstack([X, y])
        of_x, of_y, of_both = (log_determinant(columns) for columns in blocks)
        fitted = GaussianMutualInfo().fit(X, y)
        assert fitted.mutual_info_ == pytest.approx(0.5 * (of_x + of_y - of_both), rel=1e-10)

    def test_canonical_correlations_are_those_of_scikit_learn(self):
        X, y = normal(3, (0.9, 0.5)).sample(300, random_state=1)
        scores = CCA(n_components=3, tol=1e-12, max_iter=5000).fit_transform(X, y)
        expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(s.T for s in scores), strict=True)]
        fitted = GaussianMutualInfo().fit(X, y)
        np.testing.assert_allclose(fitted.canonical_correlations_, expected, atol=1e-6)

    def test_score_is_the_log_ratio_of_the_fitted_densities(self):
        X, y = normal(2, (0.8, 0.4)).sample(300, random_state=2)
        train, test = np.split(np.hstack([X, y]), [200])

        def log_density(columns):
            moments = train[:, columns].mean(axis=0), np.cov(train[:, columns].T, ddof=0)
            return multivariate_normal(*moments).logpdf(test[:, columns])

        expected = log_density([0, 1, 2, 3]) - log_density([0, 1]) - log_density([2, 3])
        fitted = GaussianMutualInfo().fit(train[:, :2], train[:, 2:])
        assert fitted.score(test[:, :2], test[:, 2:]) == pytest.approx(expected.mean())
        pointwise = fitted.pointwise_mi(test[:, :2], test[:, 2:])
        np.testing.assert_allclose(pointwise, expected + fitted.correction_)

    def test_pointwise_values_are_those_of_the_distribution(self):
        distribution = normal(2, (0.9, 0.5))
        X, y = distribution.sample(20_000, random_state=3)
        fitted = GaussianMutualInfo().fit(X, y)
        error = fitted.pointwise_mi_ - distribution.pointwise_mi(X, y)
        # Each of ten moments is off by a few n**-1/2 = 0.007, times squares of the columns.
        assert np.sqrt((error**2).mean()) < 0.03
        assert fitted.pointwise_mi_.mean() == pytest.approx(fitted.mutual_info_)

    @pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
    def test_invariance_under_affine_maps(self, rng, scale):
        X, y = normal(3, (0.9, 0.5)).sample(200, random_state=4)
        plain = GaussianMutualInfo().fit(X, y)
        X = (X @ rng.normal(size=(3, 3)) + 2) * [scale, 1, 1]
        mapped = GaussianMutualInfo().fit(X, 5 - y @ rng.normal(size=(3, 3)))
        np.testing.assert_allclose(mapped.pointwise_mi_, plain.pointwise_mi_, atol=1e-8)
        swapped = GaussianMutualInfo().fit(y, X)
        assert swapped.mutual_info_ == pytest.approx(plain.mutual_info_, abs=1e-8)

    def test_interval_covers_the_truth_at_its_nominal_rate(self):
        distribution, covered = normal(3, (0.8, 0.5)), 0
        for seed in range(300):
            X, y = distribution.sample(300, random_state=seed)
            low, high = GaussianMutualInfo().fit(X, y).mutual_info_interval(0.9)
            covered += low <= distribution.mutual_information <= high
        assert binomtest(covered, 300, 0.9).pvalue > 1e-3

    @pytest.mark.parametrize("noise", [1e-3, 1e-7])
    def test_strong_dependence_is_not_capped(self, rng, noise):
        X = rng.normal(size=(1000, 2))
        fitted = GaussianMutualInfo().fit(X, X + noise * rng.normal(size=X.shape))
        truth = np.log1p(noise**-2)  # of two columns
        assert abs(fitted.mutual_info_ - truth) < 4 * fitted.mutual_info_se_

    def test_it_sees_linear_dependence_only(self, rng):
        x = rng.normal(size=(5000, 1))
        fitted = GaussianMutualInfo().fit(x, x**2)
        assert abs(fitted.mutual_info_) < 4 * fitted.mutual_info_se_

    @pytest.mark.parametrize("constant", [0.1, 1e9])
    def test_constant_columns_count_for_nothing(self, constant):
        X, y = normal(2).sample(33, random_state=5)
        column = np.full((33, 1), constant)
        plain = GaussianMutualInfo().fit(X, y)
        padded = GaussianMutualInfo().fit(np.hstack([column, X]), np.hstack([y, column]))
        assert padded.mutual_info_ == pytest.approx(plain.mutual_info_, abs=1e-10)
        for side in (GaussianMutualInfo().fit(column, y), GaussianMutualInfo().fit(X, column)):
            assert side.mutual_info_interval() == pytest.approx((0, 0), abs=1e-14)
            assert side.canonical_correlations_.shape == (0,)

    def test_repeated_columns_count_once(self):
        X, y = normal(2).sample(30, random_state=6)
        plain = GaussianMutualInfo().fit(X, y)
        twice = GaussianMutualInfo().fit(np.hstack([X, 3 * X - 1]), y)
        np.testing.assert_allclose(twice.pointwise_mi_, plain.pointwise_mi_, atol=1e-10)

    def test_affine_function_is_infinite(self):
        X, y = normal(2).sample(50, random_state=7)
        with pytest.warns(UserWarning, match="the mutual information is infinite") as caught:
            fitted = GaussianMutualInfo().fit(X, 3 * X[:, 0] - X[:, 1] + 1)
        assert caught[0].filename == __file__  # the line of the user, not one of the package
        assert fitted.mutual_info_ == np.inf
        assert fitted.mutual_info_interval() == (np.inf, np.inf)
        assert fitted.mutual_info(X, y[:, 0]) == fitted.score(X, y[:, 0]) == np.inf

    def test_too_few_samples_for_the_columns(self):
        X, y = normal(5, ()).sample(13, random_state=8)
        assert np.isfinite(GaussianMutualInfo().fit(X, y).mutual_info_)
        for n_samples in (12, 5, 2):
            with pytest.raises(ValueError, match=rf"{n_samples} sample\(s\) while a minimum of"):
                GaussianMutualInfo().fit(X[:n_samples], y[:n_samples])
        message = r"a minimum of 13 is required by GaussianMutualInfo for 5 \+ 5 linearly"
        with pytest.raises(ValueError, match=message):
            GaussianMutualInfo().fit(X[:12], y[:12])

    def test_classes_are_no_numbers(self):
        with pytest.raises(ValueError, match="could not convert string to float"):
            GaussianMutualInfo().fit(np.ones((4, 1)), ["a", "b", "a", "b"])


def distances(block, i):
    """Maximum norm from sample i to all others, in a loop over all."""
    others = [j for j in range(len(block)) if j != i]
    return np.array(
        [max(abs(a - b) for a, b in zip(block[i], block[j], strict=True)) for j in others]
    )


def textbook(algorithm, x, y, k):
    """Local estimates from the formulas of the papers, sample by sample."""
    n, local = len(x), []
    for i in range(n):
        in_x, in_y = distances(x, i), distances(y, i)
        both = np.maximum(in_x, in_y)
        nearest = np.argsort(both)[:k]
        radius = both[nearest[-1]]
        if algorithm == "ksg1":  # eq. 8: numbers nearer than the k-th neighbour
            n_x, n_y = np.sum(in_x < radius), np.sum(in_y < radius)
            value = digamma(k) + digamma(n) - digamma(n_x + 1) - digamma(n_y + 1)
        elif algorithm == "ksg2":  # eq. 9: numbers in the box of the k neighbours
            n_x = np.sum(in_x <= in_x[nearest].max())
            n_y = np.sum(in_y <= in_y[nearest].max())
            value = digamma(k) - 1 / k + digamma(n) - digamma(n_x) - digamma(n_y)
        elif algorithm == "ross":  # eq. 2: the k-th neighbour within the class, then all within
            size = np.sum(in_y == 0) + 1
            n_neighbors = min(k, size - 1)
            radius = np.sort(in_x[in_y == 0])[n_neighbors - 1]
            value = digamma(n) - digamma(size) + digamma(n_neighbors)
            value -= digamma(np.sum(in_x <= radius))
        elif radius == 0:  # the program of Gao et al., at a repeated sample
            inside, n_x, n_y = (np.sum(d == 0) + 1 for d in (both, in_x, in_y))
            value = digamma(inside) + np.log(n) - digamma(n_x) - digamma(n_y)
        else:
            n_x, n_y = np.sum(in_x < radius) + 1, np.sum(in_y < radius) + 1
            value = digamma(k) + np.log(n) - digamma(n_x) - digamma(n_y)
        local.append(value)
    return np.array(local)


def unit_variance(block):
    return block / block.std(axis=0)


class TestTextbook:
    """The fast version against the slow one, for every sample."""

    @pytest.mark.parametrize("algorithm", ["ksg1", "ksg2", "gao"])
    @pytest.mark.parametrize("k", [1, 3, 10])
    @pytest.mark.parametrize("dims", [(1, 1), (2, 3), (10, 10)])
    def test_continuous(self, algorithm, k, dims):
        X, y = JointNormal.sparse(*dims).sample(60, random_state=0)
        X = 100 * X + 7
        fitted = KSGMutualInfo(n_neighbors=k, algorithm=algorithm, random_state=0).fit(X, y)
        expected = textbook(algorithm, unit_variance(X), unit_variance(y), k)
        np.testing.assert_allclose(fitted.pointwise_mi_, expected, atol=1e-10)
        assert fitted.mutual_info_ == pytest.approx(expected.mean(), abs=1e-10)
        assert fitted.algorithm_ == algorithm

    @pytest.mark.parametrize("k", [1, 3, 30])
    @pytest.mark.parametrize("n_dims", [1, 3])
    def test_ross(self, rng, k, n_dims):
        """Classes of two columns, the smallest with fewer samples than neighbours."""
        labels = np.repeat([[0.0, 0], [0, 1], [1, 0], [1, 1]], [2, 5, 23, 30], axis=0)
        X = labels[:, :1] + rng.normal(size=(60, n_dims))
        fitted = KSGMutualInfo(n_neighbors=k, discrete_target=True, random_state=0).fit(X, labels)
        expected = textbook("ross", unit_variance(X), labels, k)
        np.testing.assert_allclose(fitted.pointwise_mi_, expected, atol=1e-10)
        assert fitted.algorithm_ == "ross"
        swapped = KSGMutualInfo(n_neighbors=k, discrete_features=True, random_state=0)
        np.testing.assert_allclose(swapped.fit(labels, X).pointwise_mi_, expected, atol=1e-10)

    @pytest.mark.parametrize("k", [1, 3, 10])
    @pytest.mark.parametrize("n_dims", [1, 3])
    def test_gao_with_repeated_samples(self, rng, k, n_dims):
        """Zeros of one side, of the other, and of both at once."""
        x, y = rng.normal(size=(2, 80, n_dims))
        x[:40], y[20:60] = 0, 0
        fitted = KSGMutualInfo(n_neighbors=k, algorithm="gao").fit(x, y)
        expected = textbook("gao", unit_variance(x), unit_variance(y), k)
        np.testing.assert_allclose(fitted.pointwise_mi_, expected, atol=1e-10)

    def test_gao_with_columns_of_both_kinds(self, rng):
        """Two classes of a discrete column are at distance one, whatever their names."""
        labels = rng.choice([3.0, 7.0, 8.0], size=80)
        x, y = rng.normal(size=(80, 1)), rng.normal(size=(80, 2)) + labels[:, None]
        columns = np.column_stack([labels, x])
        fitted = KSGMutualInfo(discrete_features=[0]).fit(columns, y)
        codes = (labels[:, None] == [3, 7, 8]).astype(float)
        encoded = np.hstack([unit_variance(x), codes])
        expected = textbook("gao", encoded, unit_variance(y), 3)
        np.testing.assert_allclose(fitted.pointwise_mi_, expected, atol=1e-10)
        assert fitted.algorithm_ == "gao"

    def test_two_discrete_sides(self, rng):
        """The digamma of numbers of equal samples, in a loop."""
        a, b = rng.integers(0, 4, size=(2, 60))
        labels = np.array(["red", "green", "blue", "grey"])[np.where(b > 1, a, b)]
        fitted = KSGMutualInfo(discrete_features=True, discrete_target=True)
        fitted.fit(a[:, None], labels)
        expected = [
            digamma(sum((a == a[i]) & (labels == labels[i])))
            - digamma(sum(a == a[i]))
            - digamma(sum(labels == labels[i]))
            + np.log(60)
            for i in range(60)
        ]
        np.testing.assert_allclose(fitted.pointwise_mi_, expected, atol=1e-10)
        assert fitted.algorithm_ == "counts"


class TestScikitLearn:
    """One column a side is the same number, to rounding: even the noise is the same."""

    @pytest.mark.parametrize("n_neighbors", [1, 3, 7])
    @pytest.mark.parametrize("digits", [None, 1], ids=["plain", "ties"])
    @pytest.mark.parametrize("offset", [0, 1e5])
    def test_regression(self, n_neighbors, digits, offset):
        X, y = load_task("1v1-normal-0.75").sample(500, random_state=1)
        if digits is not None:
            X, y = X.round(digits), y.round(digits)
        parameters = {"n_neighbors": n_neighbors, "random_state": 5}
        expected = mutual_info_regression(X + offset, y[:, 0], **parameters)[0]
        ksg = KSGMutualInfo(**parameters).fit(X + offset, y)
        assert ksg.mutual_info_ == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("n_neighbors", [1, 3, 7])
    def test_classif(self, n_neighbors):
        X, y = load_task("categorical-normal-5-classes").sample(500, random_state=2)
        parameters = {"n_neighbors": n_neighbors, "random_state": 5}
        expected = mutual_info_classif(X, y[:, 0], **parameters)[0]
        ksg = KSGMutualInfo(**parameters, discrete_target=True).fit(X, y)
        assert ksg.mutual_info_ == pytest.approx(expected, abs=1e-12)
        swapped = KSGMutualInfo(**parameters, discrete_features=True).fit(y, X)
        assert swapped.mutual_info_ == pytest.approx(expected, abs=1e-12)


class TestKSG:
    @pytest.mark.parametrize(
        "task_id",
        [
            "categorical-normal-2-classes",
            "categorical-normal-5-classes",
            "overlapping-uniforms-5",
            "zero-inflated-poisson-0.15",
            "zero-inflated-0.3-1v1-normal-0.75",
        ],
    )
    @pytest.mark.parametrize("algorithm", ["auto", "gao"])
    def test_discrete_tasks(self, task_id, algorithm):
        """With the columns named as discrete, and left to the noise."""
        task = load_task(task_id)
        named = {
            "discrete_features": task.discrete_features,
            "discrete_target": task.discrete_target,
        }
        # What three neighbours cost at 2,000 samples; four times as much for zeros among others.
        slack = 0.03 if task_id.startswith("zero-inflated-0.3") else 0.015
        for kinds in (named, {}):
            estimates = []
            for seed in range(6):
                X, y = task.sample(2000, random_state=seed)
                ksg = KSGMutualInfo(algorithm=algorithm, random_state=0, **kinds).fit(X, y)
                estimates.append(ksg.mutual_info_)
            assert_mean(estimates, task.mutual_information, slack)

    def test_known_mutual_information(self):
        for task_id in ("1v1-normal-0.75", "swissroll_x-normal_cdf-1v1-normal-0.75"):
            task = load_task(task_id)
            for algorithm in ("ksg1", "ksg2"):
                estimates = [
                    KSGMutualInfo(algorithm=algorithm, random_state=0)
                    .fit(*task.sample(1000, random_state=seed))
                    .mutual_info_
                    for seed in range(8)
                ]
                assert_mean(estimates, task.mutual_information, slack=0.005)

    def test_independent_blocks_are_not_clipped_at_zero(self):
        distribution = normal(2, ())
        estimates = [
            KSGMutualInfo(random_state=0)
            .fit(*distribution.sample(200, random_state=s))
            .mutual_info_
            for s in range(60)
        ]
        assert_mean(estimates, 0.0)
        assert 15 <= np.sum(np.array(estimates) < 0) <= 45

    @pytest.mark.parametrize(
        "task_id, documented",
        [("multinormal-sparse-25-25-2-2.0", 0.11), ("multinormal-sparse-3-3-5-nats", 2.9)],
    )
    def test_documented_failures(self, task_id, documented):
        """Many columns and strong dependence, towards zero and far beyond the standard error."""
        task = load_task(task_id)
        ksg = KSGMutualInfo(random_state=0).fit(*task.sample(2000, random_state=0))
        assert ksg.mutual_info_ == pytest.approx(documented, abs=0.05)
        assert ksg.mutual_info_ + 10 * ksg.mutual_info_se_ < task.mutual_information

    def test_standard_error_is_as_far_off_as_documented(self):
        """The standard deviation of 150 estimates is itself known to 6 %."""
        distribution = normal(1, (0.75,))
        fits = [
            KSGMutualInfo(random_state=0).fit(*distribution.sample(200, random_state=seed))
            for seed in range(150)
        ]
        true = np.std([ksg.mutual_info_ for ksg in fits], ddof=1)
        assert 0.6 < np.mean([ksg.mutual_info_se_ for ksg in fits]) / true < 0.95

    def test_local_estimates_follow_the_true_pointwise_values(self):
        """In the order of the samples: as noisy as ten neighbours are."""
        distribution = normal(1, (0.9,))
        X, y = distribution.sample(2000, random_state=3)
        ksg = KSGMutualInfo(n_neighbors=10, random_state=0).fit(X, y)
        assert np.corrcoef(ksg.pointwise_mi_, distribution.pointwise_mi(X, y))[0, 1] > 0.8

    def test_other_data_speak_for_themselves(self):
        X, y = normal(2).sample(400, random_state=4)
        ksg = KSGMutualInfo(random_state=0).fit(X[:300], y[:300])
        own = KSGMutualInfo(random_state=0).fit(X[300:], y[300:])
        assert ksg.mutual_info(X[300:], y[300:]) == own.mutual_info_ != ksg.mutual_info_
        np.testing.assert_array_equal(ksg.pointwise_mi(X[300:], y[300:]), own.pointwise_mi_)
        np.testing.assert_array_equal(ksg.pointwise_mi(X[:300], y[:300]), ksg.pointwise_mi_)

    def test_there_is_no_score(self):
        X, y = normal().sample(50, random_state=5)
        ksg = KSGMutualInfo().fit(X, y)
        assert not hasattr(ksg, "score")
        with pytest.raises(AttributeError, match="'KSGMutualInfo' has no attribute") as caught:
            ksg.score(X, y)
        assert "fits no density" in str(caught.value.__cause__)

    def test_names_of_classes_do_not_matter(self):
        X, y = load_task("categorical-normal-5-classes").sample(300, random_state=6)
        ksg = KSGMutualInfo(discrete_target=True, random_state=0)
        names = np.array(["e", "a", "d", "b", "c"])[y[:, 0].astype(int)]
        assert clone(ksg).fit(X, names).mutual_info_ == clone(ksg).fit(X, y).mutual_info_

    def test_lonely_class_tells_nothing(self):
        X, y = load_task("categorical-normal-2-classes").sample(100, random_state=7)
        y[41] = 9
        ksg = KSGMutualInfo(discrete_target=True, random_state=0).fit(X, y)
        assert ksg.pointwise_mi_[41] == 0
        assert np.isfinite(ksg.pointwise_mi_).all()

    def test_threads_change_nothing(self):
        X, y = normal(3).sample(501, random_state=8)
        for algorithm in ("ksg1", "ksg2", "gao"):
            ksg = KSGMutualInfo(algorithm=algorithm, random_state=0)
            values = ksg.fit(X, y).pointwise_mi_
            np.testing.assert_array_equal(ksg.set_params(n_jobs=3).fit(X, y).pointwise_mi_, values)

    @pytest.mark.parametrize("algorithm", ["ksg1", "ksg2"])
    @pytest.mark.parametrize("kinds", [{"discrete_features": [0]}, {"discrete_target": True}])
    def test_discrete_columns_need_another_algorithm(self, algorithm, kinds):
        message = f"algorithm='{algorithm}' takes continuous columns only"
        with pytest.raises(ValueError, match=message):
            KSGMutualInfo(algorithm=algorithm, **kinds).fit(np.ones((9, 2)), np.ones(9, dtype=int))

    def test_fewer_samples_than_neighbours(self):
        X, y = normal().sample(20, random_state=9)
        ksg = KSGMutualInfo(n_neighbors=4).fit(X[:5], y[:5])
        assert np.isfinite(ksg.mutual_info_)
        message = "Expected n_neighbors < n_samples, but n_neighbors = 4, n_samples = 4"
        for method in (clone(ksg).fit, ksg.pointwise_mi):
            with pytest.raises(ValueError, match=message):
                method(X[:4], y[:4])

    def test_constant_and_repeated_columns(self):
        X, y = normal(2).sample(500, random_state=10)
        ksg = KSGMutualInfo(random_state=0)
        constant = clone(ksg).fit(np.full((500, 1), 0.1), y)
        # About the standard error of 500 independent samples, 0.03.
        assert abs(constant.mutual_info_) < 0.12
        plain, twice = clone(ksg).fit(X, y), clone(ksg).fit(np.hstack([X, 3 * X]), y)
        assert twice.mutual_info_ == pytest.approx(plain.mutual_info_, abs=1e-3)

    @pytest.mark.parametrize(
        "name, value",
        [
            ("n_neighbors", 0),
            ("n_neighbors", 2.5),
            ("algorithm", "ross"),
            ("discrete_features", "some"),
            ("discrete_target", "yes"),
            ("random_state", -1),
            ("n_jobs", 1.5),
        ],
    )
    def test_bad_parameter(self, name, value):
        ksg = KSGMutualInfo(**{name: value})
        with pytest.raises(ValueError, match=f"The '{name}' parameter of KSGMutualInfo must be"):
            ksg.fit(np.ones((9, 1)), np.ones(9))
