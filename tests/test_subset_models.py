"""What is known in closed form given any subset of columns, the masks, and the screen."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from sklearn_mmg.diffusion.subsets import (
    DiscriminantAnalysis,
    Inputs,
    LinearGaussian,
    MaskedColumns,
    draw_masks,
)
from sklearn_mmg.feature_selection._screen import (
    _evidence,
    correlation_test,
    input_scales,
    keep,
    screen,
)
from sklearn_mmg.feature_selection._subset_classes import best_trust

N = 2000
SUBSETS = [[], [0], [1, 3], [0, 1, 2, 3]]
MASKS = torch.tensor([[float(j in subset) for j in range(4)] for subset in SUBSETS])


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4)) @ rng.normal(size=(4, 4))
    return StandardScaler().fit_transform(x)


def test_linear_gaussian_is_the_regression_on_every_subset(columns):
    rng = np.random.default_rng(1)
    y = columns @ rng.normal(size=(4, 2)) + rng.normal(size=(N, 2))
    y -= y.mean(axis=0)
    y @= np.linalg.inv(np.linalg.cholesky(np.cov(y.T, bias=True))).T  # white
    parts = LinearGaussian(y, columns).parts(MASKS)
    for k, subset in enumerate(SUBSETS):
        slope = parts["slope"][k].numpy()
        assert not np.delete(slope, subset, axis=0).any()
        residual = y
        if subset:
            regression = LinearRegression().fit(columns[:, subset], y)
            np.testing.assert_allclose(slope[subset], regression.coef_.T, atol=1e-6)
            residual = y - regression.predict(columns[:, subset])
        axes, variance = parts["axes"][k].numpy(), parts["variance"][k].numpy()
        along = np.cov((residual @ axes).T, bias=True)
        np.testing.assert_allclose(along, np.diag(variance), atol=1e-6)


def test_copies_share_and_change_no_prediction(columns):
    y = StandardScaler().fit_transform(
        columns[:, :1] + np.random.default_rng(1).normal(size=(N, 1))
    )
    copied = np.repeat(columns[:, :1], 3, axis=1)
    once, thrice = (
        LinearGaussian(y, x).parts(torch.ones(1, x.shape[1])) for x in (copied[:, :1], copied)
    )
    slope = thrice["slope"][0, :, 0]
    np.testing.assert_allclose(slope, np.full(3, once["slope"][0, 0, 0] / 3), rtol=1e-3)
    np.testing.assert_allclose(thrice["variance"], once["variance"], rtol=1e-6)


def test_discriminant_analysis_is_that_of_scikit_learn_on_every_subset(columns):
    codes = np.digitize(columns[:, 0] + np.random.default_rng(1).normal(size=N), [-0.5, 1])
    analysis = DiscriminantAnalysis(codes, columns, 3)
    parts = analysis.parts(MASKS)
    prior = np.log(np.bincount(codes) / N)
    for k, subset in enumerate(SUBSETS[1:], start=1):
        odds = columns @ parts["slope"][k].numpy() + parts["offset"][k].numpy()
        expected = LinearDiscriminantAnalysis(solver="lsqr").fit(columns[:, subset], codes)
        # Ours has a ridge of a thousandth and half a sample in the middle of every class.
        np.testing.assert_allclose(
            log_softmax(prior + odds, axis=1),
            expected.predict_log_proba(columns[:, subset]),
            rtol=0.01,
            atol=0.02,
        )
    assert not parts["slope"][0].any()
    assert not parts["offset"][0].any()


def test_masks_are_of_all_sizes():
    """Of ten groups each number is in 2/33 of the masks or more, and each group in half of them."""
    masks = draw_masks(20_000, 10, torch.Generator().manual_seed(0))
    assert masks.shape == (20_000, 10)
    sizes = np.bincount(masks.sum(dim=1).int().numpy(), minlength=11) / len(masks)
    share = 2 / 33
    assert (sizes > share - 4 * np.sqrt(share / len(masks))).all()
    assert sizes[1:4].sum() > 1 / 3  # selections are small
    spread = masks.mean(dim=0) - masks.mean()
    assert spread.abs().max() < 4 * 0.5 / np.sqrt(len(masks))


@pytest.mark.parametrize("kind", ["alone", "square", "product", "exclusive or", "codes"])
def test_screen_keeps_what_one_or_two_columns_tell(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 60))
    group = np.arange(60)
    noise = rng.normal(size=1000)
    y, told = {
        "alone": (0.3 * x[:, 7] + noise, [7]),
        "square": (0.5 * x[:, 7] ** 2 + noise, [7]),
        "product": (x[:, 7] * x[:, 20] + noise, [7, 20]),
        "exclusive or": (np.sign(x[:, 7] * x[:, 20]), [7, 20]),
        "codes": (x[:, 7] + noise, [7]),
    }[kind]
    target = y[:, None]
    if kind == "codes":
        x[:, 7:10] = np.eye(3)[np.digitize(x[:, 7], [-0.5, 0.5])]  # three columns are one group
        group = np.concatenate([np.arange(8), [7, 7], np.arange(8, 58)])
        y = x[:, 7] - x[:, 9] + noise
        target = y[:, None]
    scores = screen(StandardScaler().fit_transform(x), group, target, rng)
    assert scores.shape == (group.max() + 1,)
    assert set(np.argsort(-scores)[: len(told)]) == set(told)


def test_screen_of_noise_is_small():
    """Scores are minus log p-values: none of 60 should pass a level of 1e-5 twice over."""
    rng = np.random.default_rng(0)
    x = StandardScaler().fit_transform(rng.standard_t(5, size=(1000, 60)))
    scores = screen(x, np.arange(60), rng.normal(size=(1000, 1)), rng)
    assert (scores < -np.log(1e-5)).all()


def test_screen_beyond_known_groups():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 20))
    x[:, 5] = x[:, 3]
    target = (x[:, 3] ** 2 + x[:, 3] * x[:, 4] + 0.3 * x[:, 7] + rng.normal(size=1000))[:, None]
    group = np.arange(20)
    assert set(np.argsort(-screen(x, group, target, rng))[:3]) == {3, 4, 5}
    beyond = screen(x, group, target, rng, known=[3, 4])
    assert np.argmax(beyond) == 7
    assert beyond[[3, 4, 5]].max() < beyond[7] / 2


def test_columns_that_repeat_each_other_do_not_fill_the_network():
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(1000, 1))
    repeats = strong + 0.1 * rng.normal(size=(1000, 12))
    x = np.hstack([repeats, rng.normal(size=(1000, 12))])
    target = strong + 0.3 * x[:, [20]] + 0.5 * rng.normal(size=(1000, 1))
    group = np.arange(24)
    alone = screen(x, group, target, rng)
    assert np.argsort(-alone)[:12].max() < 12
    scores, kept = keep(x, group, target, (6, 6), rng)
    assert 20 in kept
    assert len(kept) == 6
    assert scores[20] > 2 * alone[20]  # it shows where the others are known
    assert keep(x, group, target, (24, 24), rng)[1].tolist() == list(range(24))


def test_groups_without_evidence_are_small_where_others_are_certain():
    scores = np.array([60.0, 16.0, 5.0, 1.0])
    scales = input_scales(scores)
    assert scales[:2].tolist() == [1, 1]
    assert scales[2] == pytest.approx((5 - np.log(4)) / 12)
    assert scales[3] == 0.1
    assert (input_scales(scores[2:]) == 1).all()


def test_network_sees_columns_at_their_scales():
    group = torch.tensor([0, 1, 1])
    columns = MaskedColumns(Inputs(group, torch.tensor([1.0, 0.5])))
    x, mask = torch.arange(12.0).reshape(4, 3), torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    seen, inputs = columns(x, mask)
    assert seen.tolist() == [[[0, 1, 2], [0, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
    assert inputs[0].tolist() == [[0, 0.5, 1, 0, 0.5], [0, 2, 2.5, 0, 0.5]]
    # The same rows for every mask.
    assert (columns(x.expand(2, 4, 3), mask)[0][1] == x).all()


def test_trust_is_what_probabilities_are_multiplied_by():
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(5000, 3))
    p = np.exp(log_softmax(0.5 * odds, axis=1))
    codes = (rng.uniform(size=(5000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    error = 1 / np.sqrt(5000 * odds.var(axis=1).mean() * 0.6)
    several = best_trust(np.zeros(3), np.stack([odds, -odds, 0 * odds]), codes)
    assert several[0] == pytest.approx(0.5, abs=4 * error)
    assert several[1:].tolist() == [0, 1]
    assert best_trust(np.zeros(3), odds[None, :0], codes[:0]) == 1


class TestCorrelationTest:
    """Of a group that tells nothing beyond the known ones."""

    @staticmethod
    def p_values(make, n_repetitions=200, **parameters):
        rng = np.random.default_rng(0)
        found = []
        for _ in range(n_repetitions):
            x, y = make(rng)
            group = np.arange(x.shape[1])
            found.append(correlation_test(x, group, y, tested=0, **parameters))
        return np.array(found)

    def test_is_uniform_of_independent_columns(self):
        p = self.p_values(lambda r: (r.normal(size=(400, 2)), r.normal(size=(400, 1))), known=[])
        # Eight standard errors of a share among 200 are left for heavy tails of the squares.
        assert abs((p < 0.5).mean() - 0.5) < 0.15 and (p < 0.01).mean() < 0.05

    def test_copy_of_a_known_column_tells_nothing(self):
        def make(rng):
            x = rng.normal(size=(2000, 1))
            return np.hstack([x + rng.normal(size=x.shape), x]), x**2 + rng.normal(size=x.shape)

        p = self.p_values(make, known=[1])
        assert (p < 0.01).mean() < 0.05
        assert np.median(self.p_values(make, 20, known=[])) < 1e-4

    def test_sees_what_is_left(self):
        def make(rng):
            x = rng.normal(size=(400, 2))
            return x, 5 * x[:, [1]] + x[:, [0]] + rng.normal(size=(400, 1))

        assert self.p_values(make, 20, known=[1]).max() < 1e-6

    def test_samples_of_a_cluster_count_as_one(self):
        clusters = np.repeat(np.arange(80), 10)

        def make(rng):
            return rng.normal(size=(80, 1))[clusters], rng.normal(size=(80, 1))[clusters]

        assert (self.p_values(make, known=[]) < 0.01).mean() > 0.2
        assert (self.p_values(make, known=[], clusters=clusters) < 0.01).mean() < 0.05

    def test_rare_values_prove_nothing(self):
        def make(rng):
            return (np.arange(400) < 4)[:, None] * 1.0, rng.normal(size=(400, 1))

        assert self.p_values(make, 20, known=[]).min() == 1.0


def test_all_that_are_certain_are_kept():
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=(1000, 30)), np.arange(30)
    target = x[:, :10].sum(axis=1, keepdims=True) + rng.normal(size=(1000, 1))
    kept = keep(x, group, target, (4, 20), rng)[1]
    assert set(range(10)) <= set(kept) and len(kept) < 15
    assert len(keep(x, group, target, (4, 8), rng)[1]) == 8
    assert len(keep(x, group, rng.normal(size=(1000, 1)), (4, 20), rng)[1]) == 4


def test_evidence_has_no_end():
    """Beyond the smallest p-value that a number can hold, and as before up to there."""
    statistic = np.array([700.0, 1400.0, 1480.0, 1600.0, 5000.0])
    for degrees in (1, 2, 40):
        evidence = _evidence(statistic, np.full(5, degrees))
        assert np.isfinite(evidence).all() and (np.diff(evidence) > 0).all()
        slopes = np.diff(evidence) / np.diff(statistic)
        assert slopes == pytest.approx(0.5, abs=0.03)
