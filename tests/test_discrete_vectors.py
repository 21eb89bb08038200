"""Blocks of several discrete columns, which are denoised in any order and not as one column."""

import itertools
import math

import numpy as np
import pytest
import torch
from budgets import tiny
from scipy.special import log_softmax, softmax, xlogy

from sklearn_mmg import MMGMutualInfo, MMSECurveDisplay
from sklearn_mmg._core.sides import Block, Sides
from sklearn_mmg._plausibility import entropy_bound
from sklearn_mmg.diffusion.any_order import (
    ABSENT,
    AnyOrderDenoiser,
    draw_hidden,
    draw_orders,
)
from sklearn_mmg.diffusion.categorical_vector import CategoricalVectorPair, Steps

QUICK = dict(width=16, depth=1, cv=2, batch_size=256, random_state=0)
DISCRETE = dict(discrete_features=True, discrete_target=True)
COINS = np.array(list(itertools.product(range(2), repeat=3)))


def information(joint):
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return (xlogy(joint, joint) - xlogy(joint, outer)).sum()


def draw(joint, n, seed):
    """Three binary columns on either side, and the true pointwise values."""
    cells = np.random.default_rng(seed).choice(joint.size, size=n, p=joint.ravel())
    rows, columns = np.unravel_index(cells, joint.shape)
    values = np.log(joint) - np.log(joint.sum(axis=1, keepdims=True)) - np.log(joint.sum(axis=0))
    return COINS[rows], COINS[columns], values[rows, columns]


def neighbours_in_agreement():
    """Probabilities of three coins of which each mostly follows the one before."""
    return 0.85 ** np.array([(c[1:] == c[:-1]).sum() for c in COINS]) * 0.15 ** np.array(
        [(c[1:] != c[:-1]).sum() for c in COINS]
    )


P = neighbours_in_agreement() / 2
FLIPPED = (COINS[:, None] != COINS[None]).sum(axis=2)
COPIES = P[:, None] * 0.1**FLIPPED * 0.9 ** (3 - FLIPPED)


class TestIdentity:
    """Of a network that knows the probabilities, the values are exact in every order."""

    class Known:
        """Conditional probabilities of the columns of a table, in place of a network."""

        def __init__(self, joint):
            self.joint = joint

        def __call__(self, code, hidden):
            log_p = np.full((len(code), 3, 2), np.nan)
            for row, (c, h) in enumerate(zip(code, hidden, strict=True)):
                agrees = ((c == COINS) | h).all(axis=1)
                for i, level in itertools.product(np.flatnonzero(h), range(2)):
                    log_p[row, i, level] = math.log(
                        self.joint[agrees & (COINS[:, i] == level)].sum() / self.joint[agrees].sum()
                    )
            return log_p

    def test_random_sets_of_hidden_columns(self):
        """The bound that is trained is the log-probability, on average over the sets."""
        p = np.random.default_rng(0).dirichlet(np.ones(8))
        known = self.Known(p)
        total = np.zeros(8)
        for size in (1, 2, 3):
            sets = list(itertools.combinations(range(3), size))
            for chosen in sets:
                hidden = np.zeros((8, 3), dtype=bool)
                hidden[:, chosen] = True
                log_p = known(COINS, hidden)[:, chosen]
                at_code = np.take_along_axis(log_p, COINS[:, chosen][:, :, None], axis=2)
                total += 3 / size * at_code.sum(axis=(1, 2)) / (3 * len(sets))
        np.testing.assert_allclose(total, np.log(p), rtol=1e-12)

    def test_loss_is_that_bound(self):
        """With logits that do not depend on what is seen it is that of independent columns."""
        denoiser = AnyOrderDenoiser(3, 2, np.zeros(1, dtype=bool), width=4, depth=1)
        for parameter in denoiser.parameters():
            torch.nn.init.zeros_(parameter)
        shift = torch.tensor([0.3, -0.2, 0.5, 0.1, -0.4, 0.0])
        denoiser.network.last.bias.data = shift
        base = torch.full((8, 2, 3, 2), math.log(0.5))
        expected = log_softmax(shift.reshape(3, 2).numpy(), axis=1) - math.log(0.5)
        expected = 2 * np.take_along_axis(expected[None], COINS[:, :, None], axis=2).sum(
            axis=(1, 2)
        )
        code, mean = torch.as_tensor(COINS), np.zeros(8)
        for size in (1, 2, 3):
            sets = list(itertools.combinations(range(3), size))
            for chosen in sets:
                hidden = torch.zeros(8, 3)
                hidden[:, chosen] = 1
                loss = denoiser(code, hidden, base, torch.zeros(8, 1)).detach().numpy()
                mean += loss / (3 * len(sets))
        np.testing.assert_allclose(-mean, expected, atol=1e-6)

    def test_hidden_columns_and_orders(self):
        hidden = draw_hidden(3000, torch.Generator().manual_seed(0), 3)["hidden"]
        sizes = hidden.sum(dim=1).long()
        assert torch.bincount(sizes).tolist() == [0, 1000, 1000, 1000]
        shares = hidden[sizes == 1].mean(dim=0).numpy()
        np.testing.assert_allclose(shares, 1 / 3, atol=4 * math.sqrt(2 / 9 / 1000))
        orders = draw_orders(5, 4, 6, np.random.default_rng(0))
        assert (np.sort(orders, axis=2) == np.arange(4)).all()
        assert (orders[::2] + orders[1::2] == 3).all()  # each before its opposite

    def test_nothing_that_is_hidden_is_seen(self):
        denoiser = AnyOrderDenoiser(3, 2, np.array([True, False]), width=8, depth=1)
        generator = torch.Generator().manual_seed(0)
        for parameter in denoiser.parameters():
            torch.nn.init.normal_(parameter, generator=generator)
        base = torch.zeros(8, 2, 3, 2)
        hidden = torch.tensor([[1.0, 0.0, 1.0]]).repeat(8, 1)

        def log_p(code, condition):
            return denoiser.log_probability(torch.as_tensor(code), hidden, base, condition)

        first = log_p(COINS, torch.ones(8, 2))
        swapped = log_p(COINS ^ np.array([1, 0, 1]), torch.ones(8, 2))
        torch.testing.assert_close(first, swapped)
        assert (first - log_p(COINS ^ np.array([0, 1, 0]), torch.ones(8, 2))).abs().max() > 0.1
        # What is given is seen in both passes, the rest in the second one.
        of_given, of_other = (log_p(COINS, torch.tensor([c] * 8)) for c in ([0.0, 1], [1.0, 0]))
        assert ((first - of_given).abs().amax(dim=(1, 2, 3)) > 1e-3).all()
        assert ((first - of_other).abs().amax(dim=(1, 2, 3)) > 1e-3).tolist() == [False, True]


class TestValues:
    def test_noisy_copies(self):
        x, y, exact = draw(COPIES, 2000, 0)
        mmg = MMGMutualInfo(n_steps=150, **DISCRETE, **QUICK).fit(x, y)
        assert isinstance(mmg.models_[0], CategoricalVectorPair)
        # Of the sample: what the network lacks is not hidden by chance.
        assert mmg.mutual_info_ == pytest.approx(exact.mean(), abs=0.03)
        assert np.corrcoef(mmg.pointwise_mi_, exact)[0, 1] > 0.95
        truth = information(COPIES)
        assert abs(mmg.mutual_info_ - truth) < 3 * mmg.mutual_info_se_ + 0.02
        assert abs(mmg.cross_term_) < 3 * mmg.cross_term_se_ + 0.01

        new_x, new_y, exact = draw(COPIES, 1000, 1)
        error = mmg.pointwise_mi(new_x, new_y) - exact
        assert abs(error.mean()) < 0.03 + 2 * error.std() / math.sqrt(1000)
        # No log-likelihood exceeds that of the truth: margins are the reference of both.
        margins = [np.log(0.5)] * 3
        best = exact.mean() + 2 * (np.log(P[new_x @ [4, 2, 1]]).mean() - sum(margins))
        spread = 2 * np.log(P[new_x @ [4, 2, 1]]).std() + exact.std()
        assert best - 0.1 < mmg.score(new_x, new_y) < best + 3 * spread / math.sqrt(1000)

    @pytest.mark.parametrize("n", [500, 2000])
    def test_dependence_within_the_blocks_is_none_between_them(self, n):
        x, y, _ = draw(P[:, None] * P, n, 2)
        mmg = MMGMutualInfo(**DISCRETE, **(QUICK | dict(n_steps=100))).fit(x, y)
        assert abs(mmg.mutual_info_) < 2 * mmg.mutual_info_se_ + 1e-3
        assert mmg.mutual_info_se_ < 0.02

    def test_given_columns(self):
        """Two exclusive ors are known to both sides once the other column is given."""
        rng = np.random.default_rng(3)
        x, z = rng.integers(2, size=(2, 800, 2))
        X, y = np.hstack([x, z]), x ^ z
        settings = dict(n_steps=100, **DISCRETE, **QUICK)
        given = MMGMutualInfo(given=[2, 3], **settings).fit(X, y)
        assert given.mutual_info_ == pytest.approx(2 * math.log(2), abs=0.1)
        assert isinstance(given.models_[0], CategoricalVectorPair)
        # The same columns have nothing to say of it by themselves.
        confounded = MMGMutualInfo(given=[2, 3], **settings).fit(np.hstack([z, z]), z)
        assert abs(confounded.mutual_info_) < 0.01

    def test_numbers_condition(self):
        rng = np.random.default_rng(4)
        x, y, _ = draw(COPIES, 1000, 4)
        noisy = y + rng.normal(size=y.shape)
        mmg = MMGMutualInfo(n_steps=40, discrete_features=True, denoise="X", **QUICK)
        mmg.fit(x, noisy)
        assert 0.1 < mmg.mutual_info_ < information(COPIES)


class TestBlock:
    CODES = np.array([[0, 0], [1, 2], [1, 1], [0, 2]] * 20, dtype=float)
    MASK = np.ones(2, dtype=bool)

    def test_free_dimensions(self):
        vector, crossed = (Block(self.CODES, self.MASK, crosses=c) for c in (False, True))
        assert vector.n_levels_ == [2, 3]
        assert vector.n_dims == 3  # one share of two levels is free, and two of three
        assert crossed.n_levels_ == [4]
        assert crossed.n_dims == 3
        ten = np.random.default_rng(0).integers(2, size=(300, 10)).astype(float)
        assert Block(ten, np.ones(10, dtype=bool)).difficulty == (1, 10, False)

    def test_codes(self):
        vector, crossed = (Block(self.CODES, self.MASK, crosses=c) for c in (False, True))
        new = np.array([[0, 1], [1, 3]], dtype=float)  # a combination, and a level
        assert vector.as_target(new, 0).tolist() == [[0, 1], [1, -1]]
        assert crossed.as_target(new, 0).tolist() == [-1, -1]

    def test_many_binary_columns_are_easier_than_several_numbers(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(500, 12)), rng.integers(2, size=(500, 11)).astype(float)
        masks = np.zeros(12, dtype=bool), np.ones(11, dtype=bool)
        assert Sides(X, y, masks, "auto", 0).denoised == "y"


def test_single_column_and_constant_ones():
    x, y, _ = draw(COPIES, 300, 5)
    one = tiny(**DISCRETE).fit(x, y[:, :1])
    assert not isinstance(one.models_[0], CategoricalVectorPair)
    constant = np.zeros((300, 1), dtype=int)
    with_constant = np.hstack([constant, x])
    mmg = tiny(denoise="X", **DISCRETE).fit(with_constant, y)
    assert mmg.models_[0].columns_.tolist() == [1, 2, 3]
    nothing = tiny(denoise="X", **DISCRETE).fit(np.hstack([constant, constant]), y)
    assert nothing.mutual_info_ == 0
    assert nothing.net_ is None


def test_columns_with_different_numbers_of_levels():
    rng = np.random.default_rng(6)
    x = np.column_stack([rng.integers(k, size=400) for k in (2, 7)])
    mmg = tiny(denoise="X", **DISCRETE).fit(x, x[:, ::-1])
    model = mmg.models_[0]
    base = model._base(np.zeros((1, 9)))
    assert (base[0, :, 0, 2:] == ABSENT).all()
    np.testing.assert_allclose(np.exp(base).sum(axis=3), 1, atol=1e-9)
    assert np.isfinite(mmg.pointwise_mi_).all()
    assert np.isfinite(mmg.cross_term_)


def test_new_combinations_and_new_levels(recwarn):
    x, y, _ = draw(COPIES, 400, 7)
    seen = (y.sum(axis=1) < 3) & (x.sum(axis=1) < 3)
    mmg = tiny(denoise="y", **DISCRETE).fit(x[seen], y[seen])
    recwarn.clear()
    values = mmg.pointwise_mi([[1, 1, 1]], [[1, 1, 1]])
    assert len(recwarn) == 0
    assert np.isfinite(values).all()
    assert values[0] != 0
    with pytest.warns(UserWarning, match="1 of 2 samples have a level of y that was not seen"):
        values = mmg.pointwise_mi([[1, 1, 0], [0, 0, 1]], [[1, 1, 5], [0, 0, 1]])
    assert values[0] == 0
    assert values[1] != 0


def test_no_curves():
    x, y, _ = draw(COPIES, 200, 8)
    mmg = tiny(**DISCRETE).fit(x, y)
    assert mmg.mmse_curves_ is None
    with pytest.raises(ValueError, match="several discrete columns were denoised"):
        MMSECurveDisplay.from_estimator(mmg)


def test_seed_decides():
    x, y, _ = draw(COPIES, 200, 9)
    first, second, other = (tiny(**DISCRETE, random_state=s).fit(x, y) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.pointwise_mi_, second.pointwise_mi_)
    assert first.mutual_info_ != other.mutual_info_
    np.testing.assert_array_equal(first.pointwise_mi(x, y), second.pointwise_mi(x, y))


def test_entropy_of_more_combinations_than_a_sample_has():
    """A sample that hardly repeats a row knows the entropy of each column only."""
    rng = np.random.default_rng(10)
    coins = rng.integers(2, size=(1000, 20)).astype(float)
    none, all_ = np.zeros(1, dtype=bool), np.ones(20, dtype=bool)
    bound = entropy_bound((rng.normal(size=(1000, 1)), coins), (none, all_))
    assert 20 * math.log(2) - 0.05 < bound.of_sample <= 20 * math.log(2)
    assert bound.upper_limit(0.975) >= bound.of_sample
    assert bound.upper_limit(0.975) == pytest.approx(20 * math.log(2))


def noisy_steps(noise, signal, n=20_000):
    """One column of four levels, whose probabilities are known but for noise, and their gain."""
    rng = np.random.default_rng(0)
    logits = signal * rng.normal(size=(n, 1, 4))
    p = softmax(logits, axis=2)
    code = (rng.random((n, 1, 1)) > np.cumsum(p, axis=2)).sum(axis=2).clip(max=3)
    base = np.full((n, 1, 4), -np.log(4.0))
    given = log_softmax(logits + noise * rng.normal(size=logits.shape), axis=2)
    return Steps(base, base, given, code), (p * (np.log(p) - base)).sum(axis=(1, 2))


def test_noise_in_the_probabilities_costs_the_linear_form_nothing():
    steps, truth = noisy_steps(noise=0.4, signal=0.5)
    trust = steps.judge()
    assert trust.certain and trust.given < 0.8
    difference = steps.terms(trust).linear - truth
    # The sample, and what is left of third order.
    assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(len(difference)) + 0.005
    assert steps.terms(trust).direct.mean() < truth.mean() - 0.03


@pytest.mark.parametrize("noise, signal", [(0.6, 0.0), (0.0, 0.8)], ids=["nothing", "no noise"])
def test_linear_form_is_the_direct_one(noise, signal):
    steps, truth = noisy_steps(noise, signal)
    trust = steps.judge()
    difference = steps.terms(trust).linear - truth
    assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(len(difference)) + 1e-4
    if not signal:
        assert not trust.certain and (steps.terms(trust).linear == steps.terms(trust).direct).all()
