"""The optimizer, the stack of networks, and the choice of weights."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg._core.network import initialise
from sklearn_mmg._core.soap import SOAP
from sklearn_mmg._core.stack import Stack, StackedRows
from sklearn_mmg.datasets import JointNormal, load_task
from sklearn_mmg.diffusion.checkpoints import (
    Learned,
    best_scale,
    choose_direct,
    choose_linear,
    evidence,
    tolerance,
)
from sklearn_mmg.diffusion.denoiser import Denoiser
from sklearn_mmg.diffusion.draws import draw_noise
from sklearn_mmg.diffusion.fold_training import default_steps
from sklearn_mmg.diffusion.views import ONE_SIDE


class TestSOAP:
    @staticmethod
    def slow(matrix, gradients, lr=1e-2, beta=0.95, decay=0.2, every=10):
        """One matrix in double precision, term by term as in algorithm 3 of the paper."""
        w = matrix.copy()
        left, right = gradients[0] @ gradients[0].T, gradients[0].T @ gradients[0]
        q_left, q_right = np.linalg.eigh(left)[1], np.linalg.eigh(right)[1]
        m, v = np.zeros_like(w), np.zeros_like(w)
        for t, g in enumerate(gradients, start=1):
            left = beta * left + (1 - beta) * g @ g.T
            right = beta * right + (1 - beta) * g.T @ g
            m = beta * m + (1 - beta) * g
            v = beta * v + (1 - beta) * (q_left.T @ g @ q_right) ** 2
            rotated = q_left.T @ m @ q_right / (1 - beta**t)
            step = rotated / (np.sqrt(v / (1 - beta**t)) + 1e-8)
            w = w * (1 - lr * decay) - lr * q_left @ step @ q_right.T
            if t % every == 0:
                q_left = np.linalg.qr(left @ q_left)[0]
                q_right = np.linalg.qr(right @ q_right)[0]
        return w

    def test_against_a_slow_reference(self, rng):
        # Square, because the null space of a first gradient has no basis of its own.
        start = rng.normal(size=(2, 3, 3))
        gradients = rng.normal(size=(25, 2, 3, 3)) * np.array([1.0, 10.0, 0.1])
        parameter = nn.Parameter(torch.tensor(start))
        optimizer = SOAP([parameter])
        for g in gradients:
            parameter.grad = torch.tensor(g)
            optimizer.step()
        for k in range(2):
            expected = self.slow(start[k], gradients[:, k])
            np.testing.assert_allclose(parameter.detach().numpy()[k], expected, atol=1e-8)

    def test_vectors_are_left_to_adam(self, rng):
        start = torch.tensor(rng.normal(size=4))
        ours, theirs = (nn.Parameter(start.clone()) for _ in range(2))
        optimizers = SOAP([ours]), torch.optim.Adam([theirs], lr=1e-2, betas=(0.95, 0.95))
        for _ in range(5):
            g = torch.tensor(rng.normal(size=4))
            for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
                parameter.grad = g.clone()
                optimizer.step()
        torch.testing.assert_close(ours, theirs)

    def test_closure(self):
        parameter = nn.Parameter(torch.ones(3, 2))
        optimizer = SOAP([parameter], weight_decay=0.0)

        def closure():
            optimizer.zero_grad()
            loss = (parameter**2).sum()
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(80)]
        assert losses[-1] < 0.5 * losses[0]


def two_views(variances, n_conditions, shares, **parameters):
    sizes = len(variances[0]), n_conditions
    return Denoiser(ONE_SIDE.views, sizes, variances, shares, radial=True, **parameters)


def denoisers(n=3, **parameters):
    parameters = dict(width=8, depth=1, embedding=4, support=(-5.0, 5.0)) | parameters
    return [
        initialise(
            two_views([[0.5 + 0.1 * k, 0.8], [1, 1]], 3, (0.75, 0.25), **parameters),
            torch.Generator().manual_seed(k),
        )
        for k in range(n)
    ]


def batch(n_members=3, n=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    widths = {"values": 5, "residuals": 4}
    rows = {k: torch.randn(n_members, n, w, generator=generator) for k, w in widths.items()}
    quantiles = torch.linspace(-5, 5, 101).repeat(n_members, 1)
    return rows | draw_noise(n, generator, quantiles, 2)


class TestStack:
    def test_losses_are_those_of_the_members(self):
        members = denoisers()
        for member in members:  # the last layer starts at zero
            nn.init.normal_(member.network.last.weight, generator=torch.Generator().manual_seed(9))
        rows = batch()
        together = Stack(members)(**rows)
        for k, member in enumerate(members):
            alone = member(**{name: a[k] for name, a in rows.items()})
            torch.testing.assert_close(together[k], alone, rtol=1e-5, atol=1e-5)

    def test_members_do_not_interact(self):
        """The steps of one member are the same whatever the others learn."""
        rows, results = batch(), []
        for order in ([0, 1, 2], [0, 2, 1]):
            stack = Stack([denoisers()[k] for k in order])
            optimizer = torch.optim.Adam(stack.parameters())
            for _ in range(12):
                optimizer.zero_grad()
                stack(**{name: a[order] for name, a in rows.items()}).mean().backward()
                optimizer.step()
            results.append(stack.member(0).state_dict())
        for name, values in results[0].items():
            torch.testing.assert_close(values, results[1][name], rtol=1e-4, atol=1e-5)

    def test_member_is_a_module_of_its_own(self):
        members = denoisers()
        stack = Stack(members)
        for k, member in enumerate(members):
            copy = stack.member(k)
            for (name, a), (other, b) in zip(
                [*member.named_parameters(), *member.named_buffers()],
                [*copy.named_parameters(), *copy.named_buffers()],
                strict=True,
            ):
                assert name == other
                torch.testing.assert_close(a, b)

    def test_rows_are_the_members_own(self):
        blocks = [{"a": torch.full((n, 1), float(k + 1))} for k, n in enumerate((5, 9, 2))]
        rows = StackedRows(blocks)
        drawn = rows.draw(200, torch.Generator().manual_seed(0))["a"]
        assert drawn.shape == (3, 200, 1)
        for k in range(3):  # zeros fill up the shorter ones and are never drawn
            assert set(drawn[k].unique().tolist()) == {k + 1.0}


def test_masked_components_count_for_nothing():
    network = {"width": 8, "depth": 1, "embedding": 4}
    plain = two_views([[0.6] * 2] * 2, 3, (1, 0), **network)
    filled = two_views([[0.6] * 3] * 2, 3, (1, 0), mask=[1, 1, 0], **network)
    rows = {name: a[0] for name, a in batch().items()}
    more = dict(rows, noise=nn.functional.pad(rows["noise"], (0, 1), value=3.0))
    for name, starts in (("values", (0, 2, 5)), ("residuals", (0, 2, 4))):
        first, second = (rows[name][:, a:b] for a, b in pairwise(starts))
        more[name] = nn.functional.pad(first, (0, 1), value=3.0)
        more[name] = torch.cat([more[name], second], dim=1)
    more["residuals"] = nn.functional.pad(more["residuals"], (0, 1), value=3.0)
    for module in (plain, filled):  # a correction of one everywhere
        initialise(module, torch.Generator().manual_seed(0))
        nn.init.ones_(module.network.last.bias)
    torch.testing.assert_close(plain(**rows), filled(**more))


def learned(gain, square, noise=0.0, n=400, seed=0):
    """Values with the given means of the conditional denoiser, and none of the other."""
    rng = np.random.default_rng(seed)
    values = np.zeros((2, 2, n))
    spread = rng.normal(size=n)
    values[0, 0] = gain + noise * (spread - spread.mean())
    values[1, 0] = square
    return Learned(*values)


class TestCheckpoints:
    def test_evidence_in_standard_errors(self):
        looks = [learned(0.1, 0.2, noise=1.0), learned(-0.1, 0.2, noise=1.0)]
        assert evidence(looks) == pytest.approx([0.1 * 20 / learned(0, 0, 1.0).gain[0].std(), 0.0])

    def test_best_scale_shrinks_and_never_stretches(self):
        scale, bound = best_scale(learned(0.2, 0.4))
        np.testing.assert_allclose(scale, [0.5, 0.0])
        assert bound == pytest.approx(0.2**2 / 0.4)
        scale, bound = best_scale(learned(0.2, 0.1))
        np.testing.assert_allclose(scale, [1.0, 0.0])
        assert bound == pytest.approx(0.3)
        assert best_scale(learned(-0.2, 0.1))[1] == 0

    def test_direct_takes_the_best_bound(self):
        looks = [learned(0.1, 0.1), learned(0.3, 0.4), learned(0.4, 1.2)]
        assert choose_direct(looks)[0] == 1

    def test_linear_goes_on_while_later_weights_gain_more_than_their_error(self):
        looks = [learned(0.1, 0.1), learned(0.2, 0.25), learned(0.3, 0.4)]
        assert choose_linear(looks, tolerance=0.3) == 2

    def test_linear_stays_where_the_rest_is_noise(self):
        looks = [learned(0.2, 0.2), learned(0.201, 0.25, 1.0, seed=1), learned(0.21, 0.3, 1.0)]
        assert choose_linear(looks, tolerance=0.3) == 0
        nothing = [learned(0.001, 0.01, 1.0, seed=1), learned(0.002, 0.02, 1.0, seed=2)]
        assert choose_linear(nothing, tolerance=0.3) is None

    def test_linear_is_kept_near_its_bound(self):
        looks = [learned(0.2, 0.2), learned(0.5, 2.0)]
        assert choose_linear(looks, tolerance=0.3) == 0
        assert choose_linear(looks, tolerance=0.4) == 1

    def test_tolerance_falls_with_samples_and_grows_with_columns(self):
        assert tolerance(1000, 1) > tolerance(10_000, 1) > tolerance(100_000, 1)
        assert tolerance(1000, 3) == pytest.approx(3 * tolerance(1000, 1))


def test_steps_follow_the_samples():
    steps = [default_steps(n) for n in (50, 200, 1000, 10_000, 100_000, 1_000_000)]
    assert steps == sorted(steps)
    assert steps[3] == 1200 and steps[0] == 50 and steps[-1] == steps[-2] == 4000


class TestTraining:
    def test_normals_end_at_the_first_look(self):
        X, y = JointNormal.sparse(2).sample(2000, random_state=0)
        fitted = MMGMutualInfo(random_state=0).fit(X, y)
        assert 100 <= fitted.n_iter_ < 150
        for pair in fitted.models_:
            assert pair.linear_ is None and pair.direct_ is None

    def test_margin_that_is_gaussian_is_not_trained(self):
        """A rotated normal is a normal, but not given the other side."""
        X, y = load_task("spiral-multinormal-sparse-3-3-2-2.0").sample(2000, random_state=0)
        fitted = MMGMutualInfo(n_steps=120, width=32, random_state=0).fit(X, y)
        assert all(pair.margin_known_ for pair in fitted.models_)
        X, y = load_task("student-identity-2-2-2").sample(2000, random_state=0)
        fitted = MMGMutualInfo(n_steps=120, width=32, random_state=0).fit(X, y)
        assert not any(pair.margin_known_ for pair in fitted.models_)

    def test_folds_of_different_width(self):
        """A category that one fold lacks leaves it a column less."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(300, 2))
        rare = np.where(np.arange(300) < 2, "rare", rng.choice(["a", "b"], size=300))
        y = np.column_stack([x[:, 0] + rng.normal(size=300), rare]).astype(object)
        y[:, 0] = y[:, 0].astype(float)
        splits = [(np.arange(2, 300), np.arange(2)), (np.arange(200), np.arange(200, 300))]
        fitted = MMGMutualInfo(
            denoise="X", discrete_target=[False, True], cv=splits, n_steps=60, random_state=0
        ).fit(x, y)
        assert np.isfinite(fitted.mutual_info_)
        assert np.isfinite(fitted.pointwise_mi(x, y)).all()
