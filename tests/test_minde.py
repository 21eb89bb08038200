"""MINDE: its diffusion, its formulas with exact scores, and what training makes of them."""

import math
import pickle
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklearn_mmg import MINDEMutualInfo
from sklearn_mmg._core.preconditioning import PassThrough, gaussian_orthogonal
from sklearn_mmg.baselines._minde import ScoreDifference, correction_of_normal, logsnr_of_time
from sklearn_mmg.datasets import CategoricalNormal, JointNormal, load_task
from sklearn_mmg.diffusion.denoiser import Denoiser
from sklearn_mmg.diffusion.draws import draw_noise, with_fixed_noise
from sklearn_mmg.diffusion.views import BOTH_SIDES, ONE_SIDE

VARIANTS = ["c", "c-sigma", "j", "j-sigma"]
QUICK = dict(n_steps=200, batch_size=512, learning_rate=8e-3, cv=2, n_nodes=16, random_state=0)


def beta(t):
    return 0.1 + 19.9 * t


def new_model(variant, sigma, t_eps, n_nodes, transformers):
    return ScoreDifference(
        variant=variant,
        sigma=sigma,
        t_eps=t_eps,
        n_nodes=n_nodes,
        width=8,
        depth=1,
        transformers=transformers,
        settings=None,
    )


class ExactNormal(Denoiser):
    """Exact denoisers of jointly normal columns with the given covariance."""

    def __init__(self, covariance, contrast, sizes):
        n_dims = sum(sizes) if contrast is BOTH_SIDES else sizes[0]
        n_views = len(contrast.views)
        super().__init__(
            contrast.views,
            sizes,
            np.ones((n_views, n_dims)),
            [1 / n_views] * n_views,
            width=1,
            depth=1,
        )
        self.covariance = torch.as_tensor(covariance)

    def correction(self, u, values, logsnr, of):
        f = torch.zeros_like(u, dtype=torch.float64)
        for view in range(len(self.shares)):
            noised, clean = (part[0] > 0 for part in self.of_view(torch.tensor([view]))[:2])
            rows = (of.noised.bool() == noised).all(1) & (of.clean.bool() == clean).all(1)
            f[rows[:, None] & noised] = self._correction(
                u[rows].double(), values[rows].double(), logsnr[rows].double(), noised, clean
            ).flatten()
        return f.to(u)

    def _correction(self, z, values, logsnr, noised, clean):
        """``(x_hat - a z) / b``, from the eigenvectors of the covariance given what is clean."""
        z = z[:, noised]
        noised = nn.functional.pad(noised, (0, len(clean) - len(noised)))
        c = self.covariance
        gain = c[noised][:, clean] @ torch.linalg.inv(c[clean][:, clean])
        mean = values[:, clean] @ gain.T
        variance, basis = torch.linalg.eigh(c[noised][:, noised] - gain @ c[clean][:, noised])
        a, b = (torch.sigmoid(s * logsnr).sqrt()[:, None] for s in (1, -1))
        shrunk = a * variance / (a**2 * variance + b**2) * ((z - a * mean) @ basis)
        return (mean + shrunk @ basis.T - a * z) / b


def exact(distribution, X, y, variant, sigma=1.0, t_eps=1e-3):
    """A model with exact scores in place of the network, and without preprocessing."""
    transformers = FunctionTransformer(), FunctionTransformer()
    model = new_model(variant, sigma, t_eps, 32, transformers)
    model.basis_ = PassThrough().fit(X, y)
    model.trivial_, model.deterministic_, model.seed_ = False, False, 0
    sizes = X.shape[1], y.shape[1]
    denoiser = ExactNormal(distribution.covariance, model.contrast, sizes)
    model.net_ = SimpleNamespace(module_=denoiser)
    return model


def standard_error(values):
    return float(values.std()) / math.sqrt(len(values))


@pytest.mark.parametrize("t", [1e-3, 0.02, 0.3, 1.0])
def test_logsnr_of_time(t):
    integral = quad(beta, 0, t)[0]
    sigma2 = 1 - math.exp(-integral)
    assert logsnr_of_time(t) == pytest.approx(math.log((1 - sigma2) / sigma2))
    # Time drawn from the paper's density beta / sigma**2 is uniform log-SNR.
    step = 1e-6 * t
    slope = (logsnr_of_time(t + step) - logsnr_of_time(t - step)) / (2 * step)
    assert slope == pytest.approx(-beta(t) / sigma2)


def test_range_of_logsnr():
    model = new_model("c", 1.0, 1e-3, 2, None)
    assert model.distribution.ppf([0.0, 1.0]) == pytest.approx([-10.05, 9.1155], abs=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_exact_scores_give_the_mutual_information(variant, sigma):
    distribution = JointNormal.dense(2, correlation=0.5)
    X, y = distribution.sample(3000, random_state=0)
    values, hidden, _ = exact(distribution, X, y, variant, sigma).hold_out(X, y, "cpu")
    truth = distribution.mutual_information
    assert values.mean() == pytest.approx(truth, abs=3 * standard_error(values))
    oracle = distribution.pointwise_mi(X, y).std() / math.sqrt(3000)
    assert 0.9 * oracle < math.sqrt(values.var() / 3000 + hidden) < 2 * oracle


def test_sigma_matters_to_its_own_variants_only():
    distribution = JointNormal.sparse(correlations=(0.75,))
    X, y = distribution.sample(200, random_state=0)
    for variant in VARIANTS:
        unit, wide = (
            exact(distribution, X, y, variant, s).pointwise(X, y, "cpu") for s in (1.0, 2.0)
        )
        assert np.allclose(unit, wide) == (not variant.endswith("sigma"))


def test_value_of_a_sample_is_the_orthogonal_form():
    """Known in closed form for a normal, where its noise averages out over copies."""
    distribution = JointNormal.sparse(correlations=(0.8,))
    X, y = np.repeat([[1.5], [-0.2]], 3000, axis=0), np.repeat([[0.3], [0.4]], 3000, axis=0)
    values = exact(distribution, X, y, "c").pointwise(X, y, "cpu").reshape(2, -1)
    truth = gaussian_orthogonal(X[::3000], 0.8 * y[::3000], 1 - 0.8**2)
    for copies, expected in zip(values, truth, strict=True):
        assert copies.mean() == pytest.approx(expected, abs=3 * standard_error(copies))


@pytest.mark.parametrize(("variant", "factor"), [("c", 1), ("j", 3)])
def test_score_of_the_exact_densities(variant, factor):
    """All log-densities are the mutual information where both margins are unit normals."""
    distribution = JointNormal.sparse(2, correlations=(0.8, 0.3))
    X, y = distribution.sample(3000, random_state=1)
    values = exact(distribution, X, y, variant).score(X, y, "cpu")
    truth = factor * distribution.mutual_information
    assert values.mean() == pytest.approx(truth, abs=3 * standard_error(values))


def test_first_time_caps_large_mutual_information():
    """14 nats in two directions, exact scores: at most half the last log-SNR in each."""
    variance = math.exp(-14)
    distribution = JointNormal.sparse(3, correlations=[math.sqrt(1 - variance)] * 2)
    assert distribution.mutual_information == pytest.approx(14)
    X, y = distribution.sample(2000, random_state=2)
    seen = {}
    for t_eps in (1e-3, 1e-5):
        values = exact(distribution, X, y, "c", t_eps=t_eps).pointwise(X, y, "cpu")
        last = logsnr_of_time(t_eps)
        closed_form = math.log1p(math.exp(last)) - math.log1p(variance * math.exp(last))
        assert values.mean() == pytest.approx(closed_form, abs=3 * standard_error(values))
        seen[t_eps] = values.mean()
    assert seen[1e-3] < 10.3 < seen[1e-5] < 14


def test_correction_of_a_normal(rng):
    z, logsnr = torch.as_tensor(rng.normal(size=(50, 1))), torch.linspace(-5, 5, 50).double()
    denoiser = ExactNormal(np.diag([2.5**2, 1.0]), ONE_SIDE, (1, 1))
    unconditional = denoiser.of_view(torch.ones(50, dtype=int))
    expected = denoiser.correction(z, torch.zeros(50, 2), logsnr, unconditional)
    torch.testing.assert_close(correction_of_normal(z, logsnr, 2.5), expected)


@pytest.mark.parametrize(("variant", "factor"), [("c", 1), ("j", 3)])
def test_validation_loss_is_the_sum_of_brackets_per_column(variant, factor):
    distribution = JointNormal.sparse(2, correlations=(0.8, 0.3))
    X, y = distribution.sample(2000, random_state=3)
    model = exact(distribution, X, y, variant)
    quantiles = torch.as_tensor(model.distribution.quantiles(), dtype=torch.float32)
    columns = {
        name: torch.as_tensor(a, dtype=torch.float32)
        for name, a in model._columns(model._white(X, y)).items()
    }
    draw = partial(draw_noise, quantiles=quantiles, n_dims=model.net_.module_.n_dims)
    n_views = len(model.contrast.views)
    rows = with_fixed_noise(columns, draw, model.distribution, n_views, model.seed_)
    loss = model.net_.module_(**rows.tensors)
    expected = -factor * distribution.mutual_information / 4
    error = standard_error(loss.numpy())
    assert loss.mean().item() == pytest.approx(expected, abs=3 * error)
    assert error < 0.1 * abs(expected)  # the comparison can fail


DISTRIBUTION = JointNormal.sparse(2, correlations=(0.8,))


@pytest.fixture(scope="module")
def sample():
    """What trains and what comes later."""
    X, y = DISTRIBUTION.sample(3000, random_state=4)
    return (X[:2000], y[:2000]), (X[2000:], y[2000:])


@pytest.fixture(scope="module", params=VARIANTS)
def fitted(request, sample):
    return MINDEMutualInfo(**QUICK, variant=request.param).fit(*sample[0])


def test_known_mutual_information(fitted, sample):
    exact = DISTRIBUTION.pointwise_mi(*sample[0])
    # A training of 200 steps on 1,000 samples is a few hundredths off on its own.
    error = 3 * fitted.mutual_info_se_ + 0.06
    assert fitted.mutual_info_ == pytest.approx(exact.mean(), abs=error)
    assert fitted.mutual_info_ == pytest.approx(fitted.pointwise_mi_.mean())
    oracle = exact.std() / math.sqrt(2000)
    assert 0.7 * oracle < fitted.mutual_info_se_ < 2 * oracle


def test_independent_sides(rng):
    X, y = rng.normal(size=(2, 2000, 2))
    inside, outside = (MINDEMutualInfo(**QUICK, variant=v).fit(X, y) for v in ("c", "c-sigma"))
    assert np.all(inside.pointwise_mi_ >= 0)
    assert inside.mutual_info_ < 0.05
    assert abs(outside.mutual_info_) < 3 * outside.mutual_info_se_ + 0.03


def test_discrete_side_conditions():
    distribution = CategoricalNormal([-1.0, 1.0])
    X, y = distribution.sample(2000, random_state=5)
    labels = np.array(["no", "yes"])[y[:, 0].astype(int)]
    fitted = MINDEMutualInfo(**QUICK, discrete_target=True).fit(X, labels)
    error = 3 * fitted.mutual_info_se_ + 0.03
    assert fitted.mutual_info_ == pytest.approx(distribution.mutual_information, abs=error)
    for variant in ("j", "j-sigma"):
        with pytest.raises(ValueError, match=f"variant='{variant}' of MINDE.* to be continuous"):
            MINDEMutualInfo(**QUICK, variant=variant, discrete_target=True).fit(X, labels)


def test_strong_dependence_stops_at_the_ceiling():
    X, y = JointNormal.sparse(correlations=(1 - 1e-8,)).sample(1000, random_state=0)  # 8.9 nats
    assert 1.5 < MINDEMutualInfo(**QUICK).fit(X, y).mutual_info_ < logsnr_of_time(1e-3) / 2


def test_values_and_score_of_new_data(fitted, sample):
    train, test = sample
    values = fitted.pointwise_mi(*test)
    assert fitted.mutual_info(*test) == pytest.approx(values.mean())
    error = 3 * math.hypot(fitted.mutual_info_se_, standard_error(DISTRIBUTION.pointwise_mi(*test)))
    assert values.mean() == pytest.approx(fitted.mutual_info_, abs=error)
    bad = clone(fitted).set_params(n_steps=20).fit(*train)
    assert fitted.score(*test) > bad.score(*test) + 0.05
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.pointwise_mi(*test), values)


def test_ema_decay_reaches_the_training(rng):
    X, y = rng.normal(size=(2, 60, 1))
    fitted = MINDEMutualInfo(n_steps=20, ema_decay=0.5, random_state=0).fit(X, y)
    assert fitted.net_.ema_decay == 0.5


@pytest.mark.parametrize(
    "parameters", [{"variant": "joint"}, {"sigma": 0}, {"t_eps": 1.0}, {"n_nodes": 1}], ids=str
)
def test_parameters_out_of_range(parameters, rng):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter of MINDEMutualInfo must be"):
        MINDEMutualInfo(**parameters).fit(*rng.normal(size=(2, 60, 1)))


def test_paper_settings():
    """Tables 2 and 3 of the comparison, by total dimension."""
    expected = {10: (64, 128, 1e-3, 390_000), 50: (128, 256, 2e-3, 290_000)}
    expected[51] = (256, 256, 2e-3, 290_000)
    for n_dims, (width, batch_size, rate, n_steps) in expected.items():
        minde = MINDEMutualInfo.from_paper("j", n_dims=n_dims, random_state=3)
        assert (minde.variant, minde.random_state) == ("j", 3)
        assert (minde.width, minde.batch_size) == (width, batch_size)
        assert (minde.learning_rate, minde.n_steps) == (rate, n_steps)
        assert (minde.ema_decay, minde.n_nodes, minde.cv) == (0.999, 10, 0.1)
        assert minde.preprocessing == "standardize" and not minde.early_stopping
    with pytest.raises(ValueError, match="n_dims must be an int"):
        MINDEMutualInfo.from_paper("c", n_dims=1)


@pytest.mark.slow  # 20 minutes on a core, each
@pytest.mark.parametrize("task_id", ["1v1-normal-0.75", "multinormal-sparse-3-3-2-2.0"])
def test_paper_recipe(task_id):
    task = load_task(task_id)
    X, y = task.sample(100_000, random_state=0)
    n_dims = X.shape[1] + y.shape[1]
    fitted = MINDEMutualInfo.from_paper("c", n_dims=n_dims, random_state=0).fit(X, y)
    assert fitted.n_iter_ == 390_000
    error = 3 * fitted.mutual_info_se_ + 0.02  # allowed to the training
    assert fitted.mutual_info_ == pytest.approx(task.mutual_information, abs=error)
