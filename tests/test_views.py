"""The denoiser of views: what it sees, tells apart, and leaves to the Gaussian model."""

import numpy as np
import pytest
import torch

from sklearn_mmg._core.network import initialise
from sklearn_mmg._core.preconditioning import LinearPreconditioner
from sklearn_mmg.diffusion.channel import noise_coordinates, residual_coordinates
from sklearn_mmg.diffusion.denoiser import Denoiser
from sklearn_mmg.diffusion.views import BOTH_SIDES, ONE_SIDE, Contrast, View

CONTRASTS = {
    "one side": ONE_SIDE,
    "both sides": BOTH_SIDES,
    # x given y and z, and given z: what conditional mutual information is made of.
    "given": Contrast(
        (1, -1),
        (
            View((True, False, False), (False, True, True)),
            View((True, False, False), (False, False, True)),
        ),
    ),
}
SIZES = {"one side": (2, 1), "both sides": (2, 1), "given": (2, 1, 1)}


@pytest.fixture(params=CONTRASTS)
def name(request):
    return request.param


def new_denoiser(name, zero=False, **parameters):
    contrast, sizes = CONTRASTS[name], SIZES[name]
    n_views = len(contrast.views)
    n_dims = 3 if name == "both sides" else 2
    variances = torch.ones(n_views, n_dims)
    denoiser = Denoiser(
        contrast.views,
        sizes,
        variances,
        [1 / n_views] * n_views,
        **dict(width=8, depth=1, embedding=4) | parameters,
    )
    initialise(denoiser, torch.Generator().manual_seed(0))
    if not zero:  # the last layer starts at zero
        torch.nn.init.normal_(
            denoiser.network.last.weight, generator=torch.Generator().manual_seed(1)
        )
    return denoiser


def new_rows(denoiser, n=9):
    generator = torch.Generator().manual_seed(2)
    n_views, n_dims = len(denoiser.shares), denoiser.n_dims
    return {
        "values": torch.randn(n, sum(denoiser.sizes), generator=generator),
        "residuals": torch.randn(n, n_views * n_dims, generator=generator),
        "logsnr": torch.linspace(-2, 2, n),
        "noise": torch.randn(n, n_dims, generator=generator),
    }


# Columns that are noised, and that are clean, in every view.
SEES = {
    "one side": [([1, 1], [0, 0, 1]), ([1, 1], [0, 0, 0])],
    "both sides": [
        ([1, 1, 0], [0, 0, 1]),
        ([0, 0, 1], [1, 1, 0]),
        ([1, 1, 1], [0, 0, 0]),
    ],
    "given": [([1, 1], [0, 0, 1, 1]), ([1, 1], [0, 0, 0, 1])],
}


@pytest.mark.parametrize("radial", [False, True])
def test_views_see_only_what_they_may(name, radial):
    denoiser = new_denoiser(name, radial=radial)
    rows = new_rows(denoiser, 1)
    n_views = len(denoiser.shares)
    rows["values"].requires_grad_()
    rows["noise"].requires_grad_()
    for v, (noised, clean) in enumerate(SEES[name]):
        f = denoiser.correction(
            rows["noise"], rows["values"], rows["logsnr"], denoiser.of_view(torch.tensor([v]))
        )
        gradients = torch.autograd.grad(f.sum(), (rows["noise"], rows["values"]))
        assert (gradients[0][0] != 0).tolist() == [bool(n) for n in noised]
        assert (gradients[1][0] != 0).tolist() == [bool(c) for c in clean]
    denoised = denoiser.denoise(**{key: a.detach() for key, a in rows.items()}, n_learned=n_views)
    for v, (noised, _) in enumerate(SEES[name]):
        for weight in (denoised.w, denoised.tau):
            assert (weight[v, 0] != 0).tolist() == [bool(n) for n in noised]


def test_views_are_told_apart(name):
    """Also where all columns are zero; and nothing is told that all views have in common."""
    denoiser = new_denoiser(name)
    n_views, n_dims = len(denoiser.shares), denoiser.n_dims
    zeros = torch.zeros(n_views, n_dims), torch.zeros(n_views, sum(denoiser.sizes))
    views = denoiser.of_view(torch.arange(n_views))
    f = denoiser.correction(*zeros, torch.zeros(n_views), views)
    assert len({tuple(row) for row in f.tolist()}) == n_views
    assert views.flags.shape[1] == (4 if name == "both sides" else 1)


@pytest.mark.parametrize("coordinates", [residual_coordinates, noise_coordinates])
def test_untrained_loss_is_zero(name, coordinates):
    denoiser = new_denoiser(name, zero=True, coordinates=coordinates)
    rows = new_rows(denoiser)
    loss = denoiser(**rows, weight=torch.ones(9))
    assert loss.shape == (18,)  # with noise of either sign
    assert not loss.any()


def test_loss_is_minus_the_bracket_of_the_view(name):
    """A batch is the first rows in the first view, and so on, with noise of either sign."""
    denoiser = new_denoiser(name, radial=True)
    rows = new_rows(denoiser, 12)
    n_views = len(denoiser.shares)
    loss = denoiser(**rows).detach().unflatten(0, (2, n_views, -1))
    for sign, losses in zip((1, -1), loss, strict=True):
        d = denoiser.denoise(**rows | {"noise": sign * rows["noise"]}, n_learned=n_views)
        bracket = (d.w * (2 * d.t * d.f - d.f**2)).sum(dim=-1).unflatten(1, (n_views, -1))
        for v in range(n_views):
            torch.testing.assert_close(losses[v], -bracket[v, v], rtol=1e-4, atol=1e-5)


def test_a_view_that_is_known_is_not_corrected():
    denoiser = new_denoiser("one side")
    rows = new_rows(denoiser)
    both, first = (denoiser.denoise(**rows, n_learned=n) for n in (2, 1))
    torch.testing.assert_close(first.f[0], both.f[0])
    assert both.f[1].any() and not first.f[1].any()


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.65, 0.35), (0.5, 0.5)])
def test_shares_of_a_batch(shares):
    denoiser = new_denoiser("one side")
    denoiser.shares = shares
    view = denoiser._views(512, "cpu")
    assert view.diff().min() >= 0
    assert (view == 0).sum() == round(shares[0] * 512)


@pytest.mark.parametrize("nats", [1.0, 15.0])
def test_residuals_given_z_have_coordinates_in_which_both_views_are_diagonal(nats, rng):
    """``I(x; y | z)`` of normals: the canonical correlations of what z leaves, exact at 15 nats."""
    n = 4000
    z = rng.normal(size=(n, 2))
    share = -np.expm1(-2 * nats / 2)  # of the variance of two columns that y tells
    common = rng.normal(size=(n, 2))
    noise = np.sqrt(1 - share) * rng.normal(size=(n, 2))
    mixed = rng.normal(size=(2, 2))
    x = (np.sqrt(share) * common + noise) @ mixed + z @ rng.normal(size=(2, 2))
    y = np.column_stack([common, z[:, :1]]) @ rng.normal(size=(3, 3)) + 3 * z[:, 1:]
    design = np.column_stack([np.ones(n), z])
    left = [a - design @ np.linalg.lstsq(design, a, rcond=None)[0] for a in (x, y)]
    basis = LinearPreconditioner()
    white = basis.fit_transform(*left)
    for residual, variance in ((white.x, 1.0), (white.residual, basis.residual_variance_)):
        covariance = residual.T @ residual / n
        np.testing.assert_allclose(covariance, variance * np.eye(2), atol=1e-12)
    estimate = -0.5 * np.log(basis.residual_variance_).sum()
    assert estimate == pytest.approx(nats, abs=3 * np.sqrt(2 / n))
