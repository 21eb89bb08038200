"""MMGMutualInfo against known mutual information and against its own invariances."""

import numpy as np
import pytest
from budgets import tiny
from sklearn.decomposition import PCA
from sklearn.preprocessing import QuantileTransformer

from sklearn_mmg import (
    LogisticSampler,
    MMGMutualInfo,
    PublishedMMGMutualInfo,
    ResidualScaleSampler,
)
from sklearn_mmg.baselines._published_mmg import VARIANTS
from sklearn_mmg.datasets import AdditiveUniform, JointNormal, JointStudent

QUICK = {"n_steps": 200, "batch_size": 512, "width": 32, "cv": 2, "random_state": 0}
# Of columns that are normal on a scale of their own: no network adds to their closed form, which is
# what a training of any length has to come back to.
NORMAL = QUICK | {"n_steps": 20, "width": 16, "depth": 1}


def normal(correlation=0.75, n_dims=1, n_pairs=1):
    return JointNormal.sparse(n_dims, correlations=[correlation] * n_pairs)


def draw(distribution, n_samples, seed):
    X, y = distribution.sample(n_samples, random_state=seed)
    return X, y, distribution.mutual_information


def estimate(x, y, **parameters):
    return MMGMutualInfo(**(QUICK | parameters)).fit(x, y)


def assert_close(fitted, truth, slack=0.0):
    """Within three of its own standard errors, plus the bias that is known and documented."""
    assert abs(fitted.mutual_info_ - truth) < 3 * fitted.mutual_info_se_ + slack


# The slack of a task is the bias of a quick training, the mean error over four other samples:
# Gaussian copulas have none, edges and heavy tails keep some.
@pytest.mark.parametrize(
    "distribution, slack, budget",
    [
        (normal(), 0.0, QUICK),
        (normal(0.9, n_dims=5, n_pairs=2), 0.0, NORMAL),
        (normal(0.0, n_dims=3), 0.002, NORMAL),
        (JointStudent(), 0.02, QUICK),
        (AdditiveUniform(0.1), 0.09, QUICK),
        (AdditiveUniform(0.75), 0.045, QUICK),
    ],
    ids=["normal", "normal-5d", "independent", "student", "uniform", "wide-uniform"],
)
def test_known_mutual_information(distribution, slack, budget):
    x, y, truth = draw(distribution, 5000, seed=1)
    fitted = estimate(x, y, **budget)
    assert_close(fitted, truth, slack)
    assert fitted.mutual_info_se_ < 0.06


@pytest.mark.slow
@pytest.mark.parametrize(
    "distribution, bar",
    [(normal(), 0.02), (JointStudent(), 0.04), (AdditiveUniform(), 0.04)],
)
def test_default_parameters_on_ten_thousand_samples(distribution, bar):
    x, y, truth = draw(distribution, 10_000, seed=1)
    fitted = MMGMutualInfo(random_state=0).fit(x, y)
    assert fitted.mutual_info_ == pytest.approx(truth, abs=bar)


def test_strong_dependence_is_not_capped():
    """The ten nats at which a fixed log-SNR window gives in, in one pair and in two."""
    for n_pairs in (1, 2):
        correlation = np.sqrt(-np.expm1(-20 / n_pairs))
        x, y, truth = draw(normal(correlation, n_dims=2, n_pairs=n_pairs), 5000, seed=2)
        assert truth == pytest.approx(10)
        assert estimate(x, y, **NORMAL).mutual_info_ == pytest.approx(truth, rel=0.02)


def test_invariance_under_increasing_maps_of_columns():
    x, y, _ = draw(normal(), 3000, seed=3)
    plain = estimate(x, y, **NORMAL)
    mapped = estimate(x * np.sqrt(np.abs(x)), np.exp(y), **NORMAL)
    assert mapped.mutual_info_ == pytest.approx(plain.mutual_info_, abs=0.01)


@pytest.mark.parametrize(
    "preprocessing",
    ["standardize", None, QuantileTransformer(output_distribution="normal"), PCA(whiten=True)],
    ids=["standardize", "none", "quantiles", "pca"],
)
def test_any_invertible_preprocessing_gives_the_same(preprocessing):
    x, y, truth = draw(normal(n_dims=2), 3000, seed=18)
    assert_close(estimate(x, y, **NORMAL, preprocessing=preprocessing), truth, slack=0.01)


def test_symmetry():
    x, y, _ = draw(JointStudent(), 2000, seed=4)
    forward, backward = (estimate(*sides, n_steps=100) for sides in ((x, y), (y, x)))
    assert forward.mutual_info_ == pytest.approx(
        backward.mutual_info_, abs=2 * forward.mutual_info_se_
    )


def test_denoising_either_side_gives_the_same():
    x, y, truth = draw(normal(n_dims=2), 3000, seed=5)
    for side in ("X", "y"):
        fitted = estimate(x, y[:, 0], **NORMAL, denoise=side)
        assert fitted.denoised_ == side
        assert_close(fitted, truth)
    assert estimate(x, y[:, 0], **NORMAL).denoised_ == "y"


def test_data_processing(rng):
    """Noise on one side lowers the mutual information; a function of it cannot raise it."""
    x, y, _ = draw(normal(0.9), 4000, seed=6)
    less = estimate(x, y + rng.normal(size=y.shape), **NORMAL)
    function = estimate(x, np.column_stack([y, np.sin(y)]))
    base = estimate(x, y, **NORMAL)
    assert less.mutual_info_ < base.mutual_info_ - 3 * less.mutual_info_se_
    assert function.mutual_info_ == pytest.approx(base.mutual_info_, abs=0.03)


def test_additivity_over_independent_pairs():
    x1, y1, mi1 = draw(normal(), 4000, seed=7)
    x2, y2, mi2 = draw(normal(0.9), 4000, seed=8)
    both = estimate(np.hstack([x1, np.exp(x2)]), np.hstack([y1, y2**3]), **NORMAL)
    assert_close(both, mi1 + mi2)
    parts = estimate(x1, y1, **NORMAL), estimate(np.exp(x2), y2**3, **NORMAL)
    assert both.mutual_info_ == pytest.approx(sum(p.mutual_info_ for p in parts), abs=0.02)


def test_interval_covers_the_truth_at_its_nominal_rate():
    """Forty Gaussian samples: the number of covering 80 % intervals is binomial."""
    covered = 0
    for seed in range(40):
        x, y, truth = draw(normal(), 500, seed=seed)
        fitted = tiny(cv=2, random_state=seed).fit(x, y)
        low, high = fitted.mutual_info_interval(0.8)
        covered += low <= truth <= high
    assert covered >= 24  # the 0.1 % quantile of Binomial(40, 0.8) is 24


def test_pointwise_values_of_new_data():
    x, y, truth = draw(normal(), 4000, seed=10)
    fitted = estimate(x[:3000], y[:3000], **NORMAL)
    values = fitted.pointwise_mi(x[3000:], y[3000:])
    assert values.shape == (1000,)
    assert fitted.mutual_info(x[3000:], y[3000:]) == pytest.approx(values.mean())
    assert fitted.pointwise_mi_.shape == (3000,)
    assert fitted.mutual_info_ == pytest.approx(fitted.pointwise_mi_.mean())
    # The exact log-ratio of a bivariate normal.
    a, b = x[3000:, 0], y[3000:, 0]
    exact = truth + (2 * 0.75 * a * b - 0.75**2 * (a**2 + b**2)) / (2 * (1 - 0.75**2))
    assert np.corrcoef(values, exact)[0, 1] > 0.98
    assert fitted.mutual_info(x[3000:], y[3000:]) == pytest.approx(exact.mean(), abs=0.02)


def test_score_is_the_bound_and_punishes_a_bad_sampler():
    """A sampler that misses the informative log-SNR trains worse, and its score says so."""
    x, y, truth = draw(JointStudent(), 4000, seed=11)
    good, bad = (
        estimate(x[:3000], y[:3000], n_steps=100, sampler=sampler)
        for sampler in (None, LogisticSampler(loc=-12.0, scale=0.5))
    )
    held_out = x[3000:], y[3000:]
    assert good.score(*held_out) > bad.score(*held_out) + 0.05
    direct = good.pointwise_mi(*held_out).mean() - good.correction_
    assert good.score(*held_out) == pytest.approx(direct)
    assert good.score(*held_out) < truth + 0.06  # two standard errors of 1000 samples


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_four_variants_of_the_paper(variant):
    """Plain noise prediction needs far more steps: the tolerance is that of a trial run."""
    x, y, truth = draw(normal(0.9), 2000, seed=12)
    budget = dict(n_steps=300, batch_size=256, width=32, learning_rate=6e-3, cv=0.3, random_state=0)
    fitted = PublishedMMGMutualInfo(variant=variant, **budget).fit(x, y)
    assert fitted.mutual_info_ == pytest.approx(truth, abs=0.25)
    window = fitted.models_[0].distribution_.grid
    if "adaptive" in variant:
        assert window[-1] - window[0] < 24
    else:
        assert tuple(window[[0, -1]]) == (-10, 14)


def test_paper_settings():
    """Tables 2 and 3 of the paper, by total dimension."""
    expected = {10: (64, 128, 1e-3, 390_000), 50: (128, 256, 2e-3, 290_000)}
    expected[51] = (256, 256, 2e-3, 290_000)
    for n_dims, (width, batch_size, rate, n_steps) in expected.items():
        mmg = PublishedMMGMutualInfo(variant="MMG-adaptive")
        mmg.n_features_in_, mmg.n_targets_in_ = n_dims - 1, 1
        denoising = mmg._denoising()
        settings = denoising["settings"]
        assert (settings.width, settings.embedding_size, settings.depth) == (width, width, 3)
        assert (settings.batch_size, settings.learning_rate) == (batch_size, rate)
        assert (settings.n_steps, settings.ema_decay) == (n_steps, 0.999)
        assert settings.unconditional_probability == 0.5 and denoising["n_nodes"] == 10
        assert denoising["sampler"].get_params() == {"loc": 2.0, "scale": 3.0, "clip": 4.0}
        assert not denoising["precondition"] and settings.lr_schedule == "plateau"
    assert PublishedMMGMutualInfo(variant="MMG-orthogonal").form == "orthogonal"
    assert PublishedMMGMutualInfo().form == "direct"


def test_paper_recipe_trains():
    x, y, _ = draw(normal(), 500, seed=13)
    mmg = PublishedMMGMutualInfo(n_steps=200, random_state=0).fit(x, y)
    assert np.isfinite(mmg.mutual_info_)
    assert mmg.n_iter_ == 200


def test_curves_integrate_to_the_direct_form():
    x, y, _ = draw(normal(0.9), 4000, seed=14)
    fitted = estimate(x, y, **NORMAL, sampler=ResidualScaleSampler(low=-8, high=10))
    curves = fitted.mmse_curves_
    area = 0.5 * np.trapezoid(curves.gap, curves.logsnr)
    assert area == pytest.approx(fitted.mutual_info_, abs=0.08)
    np.testing.assert_allclose(curves.gap, curves.mmse_unconditional - curves.mmse_conditional)
    assert np.all(np.diff(curves.logsnr) > 0)


def test_history_and_diagnostics():
    x, y, _ = draw(JointStudent(), 1000, seed=15)
    fitted = estimate(x, y, n_steps=60)
    assert len(fitted.history_) == 1
    assert "train_loss" in fitted.history_[0][0]
    assert fitted.n_iter_ == 60
    assert fitted.cross_term_se_ > 0
    assert abs(fitted.cross_term_) < 0.5


def test_early_stopping_keeps_the_closed_form_answer_where_training_only_hurts(rng):
    """Ten noise columns and 150 samples: the network overfits at once."""
    x, y = rng.normal(size=(2, 150, 10))
    stopped = estimate(x, y, form="direct")
    free = estimate(x, y, form="direct", early_stopping=False)
    assert stopped.mutual_info_ > free.mutual_info_ + 1
    assert stopped.n_iter_ < free.n_iter_


def test_linear_form_removes_the_bias_of_many_dimensions():
    """With 20 + 20 columns and 1000 samples the direct form is low and the orthogonal high."""
    x, y, truth = draw(normal(n_dims=20), 1000, seed=16)
    by_form = {
        form: estimate(x, y, **NORMAL, form=form) for form in ("linear", "direct", "orthogonal")
    }
    assert by_form["direct"].mutual_info_ < truth - 0.1
    assert by_form["orthogonal"].mutual_info_ > truth + 0.1
    assert by_form["linear"].mutual_info_ == pytest.approx(truth, abs=0.1)


class TestDiscrete:
    """Every combination of continuous, discrete and mixed blocks."""

    @staticmethod
    def shifted_normals(n, rng):
        """Three equally likely classes, 1.5 apart; the truth is a one-dimensional integral."""
        classes = rng.integers(0, 3, size=n)
        grid = np.linspace(-8, 12, 20_001)
        density = np.mean(
            [np.exp(-0.5 * (grid - 1.5 * k) ** 2) / np.sqrt(2 * np.pi) for k in range(3)], axis=0
        )
        entropy = -np.trapezoid(density * np.log(density), grid)
        return rng.normal(1.5 * classes), classes, entropy - 0.5 * np.log(2 * np.pi * np.e)

    @pytest.mark.parametrize("side", ["X", "y"])
    def test_discrete_target(self, side, rng):
        x, classes, truth = self.shifted_normals(4000, rng)
        labels = np.array(["a", "b", "c"])[classes]
        fitted = estimate(x[:, None], labels, discrete_target=True, denoise=side)
        assert_close(fitted, truth, slack=0.01)

    def test_discrete_features(self, rng):
        x, classes, truth = self.shifted_normals(4000, rng)
        fitted = estimate(classes[:, None], x, discrete_features=True)
        assert fitted.denoised_ == "X"
        assert_close(fitted, truth, slack=0.01)

    def test_two_discrete_blocks(self, rng):
        """A noisy exclusive-or: no single column knows anything."""
        a, b = rng.integers(0, 2, size=(2, 4000))
        flip = rng.uniform(size=4000) < 0.1
        truth = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
        fitted = estimate(
            np.column_stack([a, b]), a ^ b ^ flip, discrete_features=True, discrete_target=True
        )
        assert_close(fitted, truth, slack=0.01)

    def test_mixed_block(self, rng):
        x, classes, truth = self.shifted_normals(4000, rng)
        other, partner, extra = draw(normal(), 4000, seed=17)
        mixed = np.column_stack([other, classes])
        fitted = estimate(mixed, np.column_stack([partner, x]), discrete_features=[1])
        assert fitted.denoised_ == "y"
        assert_close(fitted, truth + extra, slack=0.03)

    def test_mixed_block_is_denoised_on_request(self, rng):
        x, classes, truth = self.shifted_normals(4000, rng)
        noise = rng.normal(size=4000)
        mixed = np.column_stack([noise, classes])
        fitted = estimate(mixed, x, discrete_features=[1], denoise="X", n_steps=400)
        assert_close(fitted, truth, slack=0.06)

    def test_more_classes_than_a_fold_has_seen(self, rng):
        """A class with one sample is missing in the fold that evaluates it."""
        classes = np.r_[rng.integers(0, 3, size=299), 9]
        x = rng.normal(classes)
        fitted = estimate(x[:, None], classes, discrete_target=True, denoise="y")
        assert np.isfinite(fitted.pointwise_mi_).all()


def test_standard_error_is_never_zero_where_something_may_be_missed():
    """Held-out evidence that finds nothing at all in many columns has no spread."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 60)), rng.normal(size=100)
    with pytest.warns(UserWarning, match="X has 60 directions of variance"):
        mmg = tiny().fit(X, y)
    # The standard deviation of what chance makes of 60 columns in the held-out third.
    assert mmg.mutual_info_se_ >= np.sqrt(2 * 60) / (2 * 30)
    assert tiny().fit(np.ones((100, 1)), y).mutual_info_se_ == 0
