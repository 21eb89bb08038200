"""Critics and bounds: textbook values, and what every critic estimator has to do."""

import math
import pickle

import numpy as np
import pytest
import torch

from sklearn_mmg import (
    DonskerVaradhanMutualInfo,
    FLOMutualInfo,
    InfoNCEAnchorMutualInfo,
    InfoNCEMutualInfo,
    MINEMutualInfo,
    NWJMutualInfo,
    SMILEMutualInfo,
)
from sklearn_mmg._core.network import initialise
from sklearn_mmg.baselines._critic_model import CriticTraining
from sklearn_mmg.baselines._critics import (
    CRITICS,
    Critic,
    DonskerVaradhan,
    GaussianStart,
    InfoNCE,
    PairScores,
    linear_form,
    log_mean_exp_others,
)
from sklearn_mmg.baselines._donsker_varadhan import MINE
from sklearn_mmg.baselines._flo import FLO
from sklearn_mmg.baselines._infonce import InfoNCEAnchor
from sklearn_mmg.baselines._nwj import NWJ
from sklearn_mmg.baselines._smile import SMILE
from sklearn_mmg.datasets import CategoricalNormal, JointNormal

ESTIMATORS = [
    DonskerVaradhanMutualInfo,
    MINEMutualInfo,
    NWJMutualInfo,
    InfoNCEMutualInfo,
    InfoNCEAnchorMutualInfo,
    SMILEMutualInfo,
    FLOMutualInfo,
]
QUICK = {"n_steps": 200, "batch_size": 128, "width": 32, "depth": 1, "cv": 2, "random_state": 0}
PUBLISHED = QUICK | {"gaussian_start": False, "form": "bound", "learning_rate": 2e-3}
BOUNDS = [DonskerVaradhan(), NWJ(), InfoNCE(6), InfoNCEAnchor(5), SMILE(5.0)]


@pytest.fixture
def scores(rng):
    return torch.as_tensor(rng.normal(size=(6, 6)))


def pairs(scores):
    """Scores of joint and of independent pairs, as plain lists."""
    s = scores.tolist()
    n = len(s)
    return [s[i][i] for i in range(n)], [s[i][j] for i in range(n) for j in range(n) if i != j]


def read_pairs(scores):
    """What a bound reads from square scores."""
    log_row, log_all = log_mean_exp_others(scores)
    log_column, _ = log_mean_exp_others(scores.T)
    return PairScores(scores.diagonal(), log_row, log_column, float(log_all))


def textbook_losses(scores):
    """Minus the bounds as their papers write them, zero for equal scores."""
    joint, others = pairs(scores)
    n = len(joint)
    mean_exp = sum(map(math.exp, others)) / len(others)
    softmax = [
        math.exp(side[i][i]) / sum(map(math.exp, side[i]))
        for side in (scores.tolist(), scores.T.tolist())
        for i in range(n)
    ]
    anchor = [
        5 * (math.log(1 + sum(map(math.exp, kept))) - joint[i])
        + math.log(1 + sum(math.exp(t) for t in row[:i] + row[i + 1 :]))
        for i, row in enumerate(scores.tolist())
        for kept in [[t for j, t in enumerate(row) if j != (i + 1) % n]]
    ]
    shannon = -sum(math.log1p(math.exp(-t)) for t in joint) / n
    shannon -= sum(math.log1p(math.exp(t)) for t in others) / len(others)
    return {
        DonskerVaradhan: -(sum(joint) / n - math.log(mean_exp)),
        NWJ: -(sum(t + 1 for t in joint) / n - mean_exp),
        InfoNCE: -(sum(map(math.log, softmax)) / (2 * n) + math.log(n)),
        InfoNCEAnchor: sum(anchor) / (6 * n) - math.log(6),
        SMILE: -(shannon + 2 * math.log(2)),
    }


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: type(bound).__name__)
def test_loss_of_a_batch(bound, scores):
    loss = bound.loss(scores, None, None)
    assert loss.shape == (6,)
    assert loss.mean().item() == pytest.approx(textbook_losses(scores)[type(bound)])
    assert bound.loss(torch.zeros(6, 6), None, None).mean().item() == pytest.approx(0, abs=1e-6)


def test_gradient_of_mine(scores):
    """That of Donsker and Varadhan with the moving average in the denominator."""
    mine = MINE(rate=0.3).train()
    mine.log_average.fill_(0.5)
    scores.requires_grad_(True)
    (gradient,) = torch.autograd.grad(mine.loss(scores, None, None).mean(), scores)
    _, log_all = log_mean_exp_others(scores.detach())
    average = 0.7 * math.exp(0.5) + 0.3 * log_all.exp()
    expected = scores.detach().exp() / (30 * average)
    expected.fill_diagonal_(-1 / 6)
    torch.testing.assert_close(gradient, expected)
    assert mine.log_average.exp().item() == pytest.approx(average.item())

    held_out = mine.eval().loss(scores, None, None)
    torch.testing.assert_close(held_out, DonskerVaradhan().loss(scores, None, None))


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: type(bound).__name__)
def test_true_ratio_as_critic_gives_the_mutual_information(bound):
    """All bounds but InfoNCE, which lacks a little for few candidates, are tight."""
    task = JointNormal.sparse(correlations=(0.75,))
    X, y = task.sample(1500, random_state=0)
    i, j = np.divmod(np.arange(1500 * 1500), 1500)
    scores = torch.as_tensor(task.pointwise_mi(X[i], y[j])).view(1500, 1500)
    if isinstance(bound, InfoNCE):
        bound = InfoNCE(1500)
    values = bound.value(read_pairs(scores), None, None)
    error = 3 * task.pointwise_mi(X, y).std() / math.sqrt(1500)
    assert values.mean().item() == pytest.approx(task.mutual_information, abs=error)


def normal_pairs(n, seed):
    """A normal sample in canonical coordinates, its start, and its problem."""
    task = JointNormal.sparse(3, 2, correlations=(0.9, -0.5))
    X, y = task.sample(n, random_state=seed)
    blocks = [torch.as_tensor(a, dtype=torch.float32) for a in (X, y)]
    return task, *blocks, GaussianStart([0.9, -0.5], [1 - 0.9**2, 1 - 0.5**2])


def test_start_is_the_log_ratio_of_a_normal():
    task, x, y, start = normal_pairs(6, seed=0)
    i, j = np.divmod(np.arange(36), 6)
    expected = task.pointwise_mi(x.numpy()[i], y.numpy()[j]).reshape(6, 6)
    critic = Critic(start, CRITICS["separable"](3, 2, 8, 1))
    initialise(critic, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(critic(x, y).detach(), expected, atol=1e-5)
    np.testing.assert_allclose(critic.joint(x, y).detach(), expected.diagonal(), atol=1e-5)
    assert not GaussianStart([], [])(x, y).any()


def test_held_out_loss_is_relative_to_the_start():
    _, x, y, start = normal_pairs(50, seed=1)
    for bound in BOUNDS:  # a tangent may be worse than the start
        training = CriticTraining(Critic(start, CRITICS["separable"](3, 2, 8, 1)), bound)
        initialise(training, torch.Generator().manual_seed(0)).eval()
        assert not training(x, y).any()


def test_linear_form_has_no_squares_of_errors():
    """A wrong critic: its bound lacks what its own value has too much."""
    task, x, y, start = normal_pairs(3000, seed=2)
    noise = torch.randn(3000, 3000, generator=torch.Generator().manual_seed(0))
    scores = (start(x, y) + 0.7 * noise).double()
    strict = InfoNCE(3000).value(read_pairs(scores), None, None).mean().item()
    truth = task.pointwise_mi(x.numpy(), y.numpy()).mean()
    assert strict < truth - 0.2
    assert strict + linear_form(scores, scores.diagonal()) == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("kind", CRITICS)
def test_critic_starts_at_zero_and_moves(kind, rng):
    critic = initialise(CRITICS[kind](2, 3, 8, 1), torch.Generator().manual_seed(0))
    x, y = (
        torch.as_tensor(rng.normal(size=(n, d)), dtype=torch.float32) for n, d in ((4, 2), (5, 3))
    )
    scores = critic(x, y)
    assert scores.shape == (4, 5)
    assert not scores.any()
    (scores * torch.arange(20.0).view(4, 5)).sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in critic.parameters())


def test_joint_critic_scores_pairs_in_order(rng):
    critic = initialise(CRITICS["joint"](1, 1, 8, 1), torch.Generator().manual_seed(0))
    torch.nn.init.ones_(critic.network.last.weight)
    x, y = (torch.as_tensor(rng.normal(size=(3, 1)), dtype=torch.float32) for _ in "xy")
    scores = critic(x, y)
    for i in range(3):
        for j in range(3):
            torch.testing.assert_close(scores[i, j], critic(x[i : i + 1], y[j : j + 1])[0, 0])


@pytest.fixture(scope="module", params=ESTIMATORS)
def published(request):
    """Fitted to the first 2,000 samples, and the others with their true values."""
    task = JointNormal.sparse(2, correlations=(0.8,))
    X, y = task.sample(2200, random_state=1)
    later = X[2000:], y[2000:]
    return request.param(**PUBLISHED).fit(X[:2000], y[:2000]), task, later


def test_known_mutual_information_as_published(published):
    fitted, task, _ = published
    # A quick training of a lower bound keeps a few hundredths for itself.
    assert abs(fitted.mutual_info_ - task.mutual_information) < 3 * fitted.mutual_info_se_ + 0.05
    oracle = task.pointwise_mi(*task.sample(100_000, random_state=0)).std() / math.sqrt(2000)
    assert 0.7 * oracle < fitted.mutual_info_se_ < 2.5 * oracle


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_default_is_the_closed_form_where_there_is_no_more(estimator):
    """The learnt part of normal blocks is noise, and the linear form has no squares of it."""
    task = JointNormal.sparse(10, correlations=(0.8, 0.8))
    X, y = task.sample(3000, random_state=4)
    fitted = estimator(**(QUICK | {"n_steps": 80})).fit(X, y)
    oracle = task.pointwise_mi(X, y).mean()
    assert fitted.mutual_info_ == pytest.approx(oracle, abs=3 * fitted.mutual_info_se_)
    assert fitted.score(X[:1000], y[:1000]) < fitted.mutual_info_ + 0.02


def test_strong_dependence_is_left_to_the_closed_form():
    task = JointNormal.sparse(2, correlations=(0.9999, 0.999))  # 7.4 nats
    X, y = task.sample(2000, random_state=5)
    fitted = InfoNCEMutualInfo(**QUICK, preprocessing="standardize").fit(X, y)
    assert fitted.n_iter_ == 0
    assert fitted.net_ is None
    assert abs(fitted.mutual_info_ - task.mutual_information) < 3 * fitted.mutual_info_se_
    assert fitted.score(X, y) == pytest.approx(fitted.mutual_info_, abs=0.05)
    exact = InfoNCEMutualInfo(**QUICK)
    with pytest.warns(UserWarning, match="the mutual information is infinite"):
        assert math.isinf(exact.fit(X, 2 * X[:, :1] + 1).mutual_info_)


def test_columns_of_few_levels_have_no_normal_model(rng):
    """A coin that is copied: its entropy, and no infinite closed form."""
    X = rng.integers(2, size=(2000, 1)).astype(float)
    fitted = InfoNCEMutualInfo(**QUICK).fit(np.hstack([X, rng.normal(size=(2000, 1))]), X)
    assert fitted.mutual_info_ == pytest.approx(math.log(2), abs=0.02)


def test_joint_critic():
    task = JointNormal.sparse(correlations=(0.8,))
    X, y = task.sample(1500, random_state=2)
    fitted = InfoNCEMutualInfo(**(QUICK | {"batch_size": 64}), critic="joint").fit(X, y)
    assert abs(fitted.mutual_info_ - task.mutual_information) < 3 * fitted.mutual_info_se_ + 0.05


def test_bilinear_critic_reaches_its_own_optimum():
    """``w x y`` has no squares; over independent normals ``E exp w x y = (1 - w**2)**-0.5``."""
    X, y = JointNormal.sparse(correlations=(0.6,)).sample(3000, random_state=2)
    fitted = NWJMutualInfo(**(PUBLISHED | {"learning_rate": 0.05}), critic="bilinear").fit(X, y)
    w = np.linspace(0, 0.9, 1000)
    best = (0.6 * w + 1 - (1 - w**2) ** -0.5).max()  # 0.15 of 0.22 nats
    assert abs(fitted.mutual_info_ - best) < 3 * fitted.mutual_info_se_


def test_infonce_cannot_exceed_its_ceiling_and_says_so():
    task = JointNormal.sparse(2, correlations=(0.99, 0.99))  # 3.9 nats
    X, y = task.sample(1500, random_state=3)
    with pytest.warns(UserWarning, match=r"close to log\(8\) = 2.08.*Increase batch_size"):
        fitted = InfoNCEMutualInfo(**(PUBLISHED | {"batch_size": 8})).fit(X, y)
    assert 1.5 < fitted.mutual_info_ <= math.log(8)
    assert fitted.pointwise_mi_.max() <= math.log(8)


@pytest.fixture(scope="module")
def smiles():
    """Clipped late and early, and their sample."""
    sample = JointNormal.sparse(2, correlations=(0.95, 0.95)).sample(1500, random_state=4)
    fits = [SMILEMutualInfo(**PUBLISHED, clip=clip).fit(*sample) for clip in (20.0, 0.1)]
    return *fits, sample


def test_smile_clips_independent_pairs_only(smiles):
    loose, tight, _ = smiles
    assert all(abs(model.log_all_[0.1]) <= 0.1 for model in tight.models_)
    assert any(abs(model.log_all_[20.0]) > 0.1 for model in loose.models_)
    # The critics are the same, and so are the scores of joint pairs: one constant per fold.
    shift = tight.pointwise_mi_ - loose.pointwise_mi_
    assert len(np.unique(shift.round(6))) == 2


def test_values_of_new_data_as_published(published):
    fitted, task, later = published
    values = fitted.pointwise_mi(*later)
    assert fitted.mutual_info(*later) == pytest.approx(values.mean())
    no_bounds = InfoNCEAnchorMutualInfo, SMILEMutualInfo
    if not isinstance(fitted, no_bounds):
        assert fitted.score(*later) == pytest.approx(values.mean())
    assert np.corrcoef(values, task.pointwise_mi(*later))[0, 1] > 0.8
    # A sample has its value whatever comes with it.
    first = (block[:1] for block in later)
    np.testing.assert_allclose(fitted.pointwise_mi(*first), values[:1], rtol=1e-5)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.pointwise_mi(*later), values)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_too_few_samples(estimator, rng):
    X, y = rng.normal(size=(2, 8, 1))
    with pytest.raises(ValueError, match="n_samples=8 is too few for cv=3: every fold needs 6"):
        estimator(n_steps=20).fit(X, y)
    X, y = rng.normal(size=(2, 9, 1))
    assert math.isfinite(estimator(n_steps=20, random_state=0).fit(X, y).mutual_info_)


def classes_and_normal(n, seed):
    task = CategoricalNormal([-1.5, 0.0, 1.5])
    X, y = task.sample(n, random_state=seed)
    return task, X, np.array(["low", "middle", "high"])[np.ravel(y).astype(int)]


# A bound of pairs, one within groups, and one with a network of its own; all are in the contract.
@pytest.mark.parametrize("estimator", [InfoNCEMutualInfo, InfoNCEAnchorMutualInfo, FLOMutualInfo])
def test_discrete_target(estimator):
    task, X, y = classes_and_normal(2000, seed=7)
    fitted = estimator(**QUICK, discrete_target=True).fit(X, y)
    assert abs(fitted.mutual_info_ - task.mutual_information) < 3 * fitted.mutual_info_se_ + 0.03
    assert fitted.pointwise_mi(X[:3], y[:3]).shape == (3,)
    with pytest.raises(ValueError, match="Found unknown categories"):
        fitted.mutual_info(X[:3], np.array(["low", "none", "high"]))


def test_discrete_columns_on_either_side(rng):
    """Two columns of X matter together only; a third, continuous one not at all."""
    codes = rng.integers(2, size=(2000, 2))
    kept = rng.uniform(size=2000) < 0.8
    y = np.where(kept, codes[:, 0] ^ codes[:, 1], rng.integers(2, size=2000))
    X = np.column_stack([codes[:, 0], rng.normal(size=2000), codes[:, 1]])
    options = {"discrete_features": [0, 2], "discrete_target": True}
    fitted = InfoNCEMutualInfo(**QUICK, **options).fit(X, y)
    truth = math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1)
    assert abs(fitted.mutual_info_ - truth) < 3 * fitted.mutual_info_se_ + 0.03
    shifted = InfoNCEMutualInfo(**QUICK, **options).fit(X * [7, 1, -3], 5 - y)
    # Only the order of the codes can change, and with it how training goes.
    assert abs(shifted.mutual_info_ - fitted.mutual_info_) < 0.03


def test_score_of_the_anchor_is_a_bound():
    """A critic that exaggerates raises the mean log-ratio and lowers the bound."""
    X, y = JointNormal.sparse(correlations=(0.8,)).sample(2000, random_state=8)
    fitted = InfoNCEAnchorMutualInfo(**PUBLISHED).fit(X[:1500], y[:1500])
    before = fitted.mutual_info(X[1500:], y[1500:]), fitted.score(X[1500:], y[1500:])
    for model in fitted.models_:
        with torch.no_grad():
            for parameter in model.net_.module_.critic.correction.code_x.last.parameters():
                parameter *= 4
        model.hold_out(X[:1500], y[:1500], "cpu")
    after = fitted.mutual_info(X[1500:], y[1500:]), fitted.score(X[1500:], y[1500:])
    assert after[0] > before[0] + 0.1
    assert after[1] < before[1] - 0.1


def test_score_of_smile_is_not_clipped(smiles):
    loose, tight, sample = smiles
    assert abs(tight.mutual_info(*sample) - loose.mutual_info(*sample)) > 0.01
    assert tight.score(*sample) == pytest.approx(loose.score(*sample))


def test_anchor_fixes_the_scale_of_the_ratio():
    """Unlike InfoNCE, for which all scores may be shifted."""
    task = JointNormal.sparse(correlations=(0.8,))
    X, y = task.sample(4000, random_state=9)
    fitted = InfoNCEAnchorMutualInfo(**(PUBLISHED | {"n_steps": 600})).fit(X, y)
    difference = fitted.pointwise_mi_ - task.pointwise_mi(X, y)
    assert abs(difference.mean()) < 0.05
    scores = torch.zeros(6, 6)
    assert InfoNCE(6).loss(scores + 1, None, None).mean() == pytest.approx(0, abs=1e-6)
    assert InfoNCEAnchor(5).loss(scores + 1, None, None).mean() > 0.01


def test_loss_of_the_anchor_within_groups(scores):
    """Rows of different groups do not meet."""
    loss = InfoNCEAnchor(2).loss(scores, None, None)
    torch.testing.assert_close(loss[:3], InfoNCEAnchor(2).loss(scores[:3, :3], None, None))
    torch.testing.assert_close(loss[3:], InfoNCEAnchor(2).loss(scores[3:, 3:], None, None))


def test_flo_is_a_tangent(scores):
    """At the best ``u`` it is the log-ratio of the score to its row, elsewhere below."""
    bound = FLO()
    bound.start = GaussianStart([], [])
    log_row, _ = log_mean_exp_others(scores)
    best = scores.diagonal() - log_row
    x = torch.zeros(6, 1)
    for shift in (-1.0, 0.0, 0.5):
        bound.network = lambda rows, shift=shift: (shift - best)[:, None]
        value = bound.value(read_pairs(scores), x, x)
        torch.testing.assert_close(value, best - shift + 1 - math.exp(-shift))
        torch.testing.assert_close(bound.loss(scores, x, x), -value)
        assert (value <= best + 1e-12).all()
