"""Kernels of the column scores against slow references."""

import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.stats import norm

from sklearn_mmg._core.preconditioning import gaussian_orthogonal
from sklearn_mmg.diffusion.basis import bspline_basis, smooth_basis
from sklearn_mmg.diffusion.evidence import most_evident, simplest
from sklearn_mmg.diffusion.histogram import bin_linearly, coarsened, histogram
from sklearn_mmg.diffusion.residual_model import (
    N_MEAN_TERMS,
    spline_log_variances,
    spline_means,
)
from sklearn_mmg.diffusion.spline import (
    RESIDUAL_RANGE,
    RIDGE,
    cell_basis,
    resolution,
    ridge_path,
    shape_path,
)
from sklearn_mmg.diffusion.table import table_mutual_information


def test_bspline_basis_matches_scipy(rng):
    v = rng.normal(scale=2, size=500)
    h = 6.4 / 9
    knots = -3.2 + h * np.arange(-3, 13)
    clipped = np.clip(v, -3.2, 3.2 - 1e-9)
    expected = BSpline.design_matrix(clipped, knots, 3).toarray()
    np.testing.assert_allclose(bspline_basis(v, 12), expected, atol=1e-12)


def test_smooth_basis_is_orthonormal_and_starts_like_the_hermite_polynomials():
    grid = np.linspace(-8, 8, 20001)
    weight = norm.pdf(grid) * (grid[1] - grid[0])
    basis = smooth_basis(grid, 24)
    np.testing.assert_allclose(basis.T @ (weight[:, None] * basis), np.eye(24), atol=1e-3)
    hermite = np.column_stack([np.ones_like(grid), grid, (grid**2 - 1) / np.sqrt(2)])
    overlap = np.abs((hermite * weight[:, None]).T @ basis[:, :3])
    np.testing.assert_allclose(np.diag(overlap), 1, atol=0.01)
    # Ever finer: the Dirichlet energy grows.
    energy = ((np.gradient(basis, grid, axis=0) ** 2) * weight[:, None]).sum(axis=0)
    assert (np.diff(energy) > -1e-9).all()


def test_bins_and_histogram_keep_totals_and_means(rng):
    values, other = rng.normal(size=(2, 400))
    first, second = bin_linearly(values, 5.0, 41), bin_linearly(other, 3.2, 17)
    counts = histogram(first, second, 41, 17, np.ones(400, dtype=bool))
    assert counts.sum() == pytest.approx(400)
    # Linear shares keep the mean of what is inside the grid.
    grid = np.linspace(-5, 5, 41)
    assert counts.sum(axis=1) @ grid / 400 == pytest.approx(values.mean())
    half = np.arange(400) < 200
    parts = [histogram(first, second, 41, 17, rows) for rows in (half, ~half)]
    np.testing.assert_allclose(sum(parts), counts)


def test_ridge_path_holds_the_ridge_regressions_on_the_first_features(rng):
    n_features = 40
    a = rng.normal(size=(2, 90, n_features))
    gram = np.einsum("qni,qnj->qij", a, a) / 90
    train, test = rng.normal(size=(2, 2, n_features))
    other = np.einsum("qni,qnj->qij", a[:, :40], a[:, :40]) / 40
    linear, quadratic = ridge_path(gram.copy(), train, test, 0.3)
    _, on_test = ridge_path(gram.copy(), train, test, 0.3, other)
    for node in range(2):
        for k in (1, 7, n_features):
            penalised = gram[node, :k, :k] + 0.3 * np.eye(k)
            c = np.linalg.solve(penalised, train[node, :k])
            assert linear[node, k - 1] == pytest.approx(c @ test[node, :k])
            assert quadratic[node, k - 1] == pytest.approx(c @ penalised @ c)
            assert on_test[node, k - 1] == pytest.approx(c @ other[node, :k, :k] @ c)


def test_noise_is_integrated_as_many_draws_would(rng):
    """The tables of one node against a regression on drawn noise."""
    band = resolution(0).bands[1]
    n = 300
    r, c = rng.normal(size=(2, n))
    binned = bin_linearly(r, RESIDUAL_RANGE, band.n_grid)
    cells = bin_linearly(c, 3.2, band.n_cells)
    counts = histogram(binned, cells, band.n_grid, band.n_cells, np.ones(n, dtype=bool))
    node, draws = 1, 4000
    _, a, b = (values[node] for values in band.nodes)
    noise = rng.normal(size=(draws, n))
    u, t = a * r + b * noise, b * r - a * noise
    i, k = band.features.indices
    condition = smooth_basis(c, 24, band.features.n_condition)
    moment = np.zeros(len(i))
    for row in range(n):
        f = smooth_basis(u[:, row], 40, band.features.n_functions)
        moment += (f * t[:, [row]]).mean(axis=0)[i] * condition[row, k] / n
    error = band.moment(counts / n, len(i))[node] - moment
    scale = np.abs(condition[:, k]).max(axis=0)
    # Of the draws, and of the grid on which samples and cells lie.
    assert (np.abs(error) < 5 / np.sqrt(n * draws) * 3 * scale + 0.01).all()


def test_gram_is_the_covariance_of_features(rng):
    """A sample at the centre of one cell: its features are products."""
    band = resolution(0).bands[0]
    density = np.zeros((band.n_grid, band.n_cells))
    density[20, 30] = 1.0
    i, k = band.features.indices
    gram = band.gram(density, len(i))
    condition = band.cell_basis[30]
    expected = band.tables[0][:, i[:, None], i[None], 20] * np.outer(condition[k], condition[k])
    np.testing.assert_allclose(gram, expected, rtol=1e-4, atol=1e-4)
    assert RIDGE > 0


def test_spline_means_match_least_squares(rng):
    n = 400
    x = rng.normal(size=n)
    basis = smooth_basis(x, 24)
    design = np.column_stack([np.ones(n), x, basis[:, 2:]])
    y = np.sin(2 * x) + 0.5 * rng.normal(size=n)
    folds = rng.integers(0, 2, size=n)
    parts = [np.flatnonzero(folds == f) for f in (0, 1)]
    evidence, coefficients = spline_means(design, y, parts)
    assert evidence[0] == 0
    expected = 0.0
    for part, fitted in zip(parts, coefficients, strict=True):
        train = np.setdiff1d(np.arange(n), part)
        j = 4
        k = N_MEAN_TERMS[j]
        a = design[train][:, :k]
        penalty = np.diag([1e-9 * len(train)] * 2 + [1.0] * (k - 2))
        c = np.linalg.solve(a.T @ a + penalty, a.T @ y[train])
        np.testing.assert_allclose(fitted[:k, j], c)
        variance = np.square(y[train] - a @ c).sum() / (len(train) - k)
        left = np.square(y[part] - design[part][:, :k] @ c) / variance
        expected += 0.5 * (y[part] ** 2 - left - np.log(variance)).sum()
    assert evidence[4] == pytest.approx(expected)


def test_log_variance_follows_the_data(rng):
    n_cells, basis = cell_basis()
    centres = np.linspace(-3.2, 3.2, n_cells)
    weights = 2000 * norm.pdf(centres)
    fitted = spline_log_variances(basis, weights, weights * np.exp(centres), 1.0)
    inside = np.abs(centres) < 2
    log_variance = basis[:, : len(fitted[2])] @ fitted[2]
    np.testing.assert_allclose(log_variance[inside], centres[inside], atol=0.1)
    np.testing.assert_allclose(basis[:, :1] @ fitted[0], 0, atol=1e-6)


def test_denoisers_of_independent_normals_find_nothing(rng):
    """The quadrature over noise must not invent structure that is finer than its nodes."""
    n = 100_000
    r, c = rng.normal(size=(2, n))
    train = rng.random(n) < 0.5
    cells = bin_linearly(c, 3.2, resolution(2).n_cells)
    path = shape_path(2, r, train, cells, 1000)
    assert (2 * path.linear - path.quadratic)[-1] < 0
    # A standard deviation of about sqrt(features) / n.
    assert abs(path.linear[-1]) / n < 4 * np.sqrt(path.n_features[-1]) / n


def test_orthogonal_form_of_tiny_variances_is_finite():
    values = gaussian_orthogonal(np.ones((1, 1)), np.ones((1, 1)), np.full((1, 1), 1e-30))
    # Half of -log(s2), as for a residual of zero, up to the spread of the margin.
    assert values[0] == pytest.approx(0.5 * np.log(1e30), abs=1.5)


def test_table_is_symmetric_and_unbiased_where_the_plug_in_is_not(rng):
    """Independent columns of eight classes: the plug-in is 49 / (2 n) too high."""
    n, repeats = 400, 60
    values = []
    for _ in range(repeats):
        x, y = rng.integers(0, 8, size=(2, n))
        folds = rng.integers(0, 2, size=n)
        linear, *_ = table_mutual_information(x, y, 8, 8, folds)
        assert linear == pytest.approx(table_mutual_information(y, x, 8, 8, folds)[0])
        values.append(linear / n)
    assert abs(np.mean(values)) < 0.2 * 49 / (2 * n)


def test_table_finds_the_plug_in_where_samples_are_many(rng):
    x = rng.integers(0, 3, size=60_000)
    y = (x + (rng.random(60_000) < 0.3)) % 3
    joint = np.bincount(3 * x + y, minlength=9).reshape(3, 3) / 60_000
    truth = (
        joint
        * np.log(
            joint / np.outer(joint.sum(1), joint.sum(0)), where=joint > 0, out=np.zeros((3, 3))
        )
    ).sum()
    linear, _, squares = table_mutual_information(x, y, 3, 3, np.arange(60_000) % 2)
    assert linear / 60_000 == pytest.approx(truth, abs=1e-3)
    assert squares > 0


def test_evidence_decides_and_the_linear_form_is_read_later():
    linear = np.array([10.0, 20.0, 24.0, 24.1])
    direct = np.array([9.0, 18.0, 15.0, 4.0])
    chosen, certain = most_evident(linear, direct, np.array([4, 16, 64, 256]))
    assert chosen == 2  # still more features would not be worth their noise
    assert certain == 24 - 2 * 9 / 8
    # Without much evidence the direct form has the last word, and without any there is nothing.
    assert most_evident(linear / 5, direct / 5, np.array([4, 16, 64, 256]))[0] == 1
    assert most_evident(linear, direct - 17.5, np.array([4, 16, 64, 256])) == (None, 0.0)
    assert simplest(np.array([0.0, 0.9, 0.5])) == 0
    assert simplest(np.array([0.0, 0.9, 1.5])) == 2


def test_coarser_grid_keeps_totals_and_means(rng):
    counts = rng.random((41, 3))
    coarse = coarsened(counts, 11)
    assert coarse.shape == (11, 3)
    np.testing.assert_allclose(coarse.sum(axis=0), counts.sum(axis=0))
    grid = np.linspace(-5, 5, 41)
    np.testing.assert_allclose(np.linspace(-5, 5, 11) @ coarse, grid @ counts)
