"""Closed-form denoisers of a column given another.

At a fixed log-SNR the best denoiser that is linear in given features is a ridge regression. The
features are products of a smooth function of the innovation and one of the condition, and the
channel noise is integrated exactly: averaged over the noise, products of features are functions of
the residual alone, which are tabulated once for all data. Samples enter through a two-dimensional
histogram. Features are ordered from the smoothest to the finest, so that one Cholesky factor holds
the ridge regressions on the first few of them, however many.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import expit

from sklearn_mmg.diffusion.basis import SPLINE_RANGE, smooth_basis
from sklearn_mmg.diffusion.histogram import Binned, bin_linearly, coarsened, histogram

RESIDUAL_RANGE = 5.0  # standard deviations
N_NOISE = 101  # nodes of the noise average at full noise: finer than the finest spline
MIN_NOISE = 25
RIDGE = 1.0  # in units of samples
GROWTH = 1.35  # ratio of the numbers of features of neighbouring candidates
FEW_FEATURES = 32  # solved at once for all nodes, though not as triangles
NODES_PER_BAND = 4  # Gauss-Legendre, in log-SNR
N_SPLINES = 40  # of the innovation
N_CONDITION_SPLINES = 24


class Path(NamedTuple):
    """Sums over held-out samples for the ridge regressions on the first features, in nats.

    The direct form of the identity is ``2 linear - quadratic``.
    """

    linear: np.ndarray  # (n_candidates,)
    quadratic: np.ndarray
    n_features: np.ndarray  # of all candidates


@dataclass(frozen=True)
class Features:
    """Products of function `i` of the innovation and `k` of the condition, smoothest first.

    Those with ``(i + 1) (k + 1) <= max_product``.
    """

    n_functions: int
    n_condition: int
    max_product: int

    @cached_property
    def indices(self) -> tuple[np.ndarray, np.ndarray]:
        """``i`` and ``k`` of the features."""
        i, k = np.indices((self.n_functions, self.n_condition)).reshape(2, -1)
        product = (i + 1) * (k + 1)
        kept = np.flatnonzero(product <= self.max_product)
        order = kept[np.lexsort((k[kept], product[kept]))]
        return i[order], k[order]

    @property
    def products(self) -> np.ndarray:
        """What orders the features."""
        i, k = self.indices
        return (i + 1) * (k + 1)

    @cached_property
    def groups(self) -> list[tuple[np.ndarray, int]]:
        """Functions of the condition by octave, and how many of the innovation go with them.

        Few groups make large products of matrices.
        """
        octave = np.frexp(np.arange(self.n_condition))[1]
        groups = [np.flatnonzero(octave == number) for number in np.unique(octave)]
        return [
            (group, min(self.max_product // (group[0] + 1), self.n_functions)) for group in groups
        ]


@dataclass(frozen=True)
class Band:
    """A range of log-SNR, relative to the residual scale, and what it takes to resolve it.

    At low log-SNR the noise blurs all but the smoothest functions of the residual: fewer
    functions and a coarser grid do.
    """

    low: float
    high: float
    n_nodes: int
    features: Features
    n_grid: int  # of the residual
    n_cells: int  # of the condition

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log-SNR weight times ``sigmoid(lam)`` / 2, signal and noise amplitudes."""
        position, weight = np.polynomial.legendre.leggauss(self.n_nodes)
        half = 0.5 * (self.high - self.low)
        a2 = expit(self.low + half * (position + 1))
        return 0.5 * half * weight * a2, np.sqrt(a2), np.sqrt(1 - a2)

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Noise averages on the grid of residuals, given the residual.

        Returns
        -------
        gram : ndarray of shape (n_nodes, n_functions, n_functions, n_grid), single precision
            Of products of two functions of the innovation.
        moment : ndarray of shape (n_nodes, n_functions, n_grid)
            Of products of a function and the denoiser's target.
        """
        n_functions = self.features.n_functions
        residual = np.linspace(-RESIDUAL_RANGE, RESIDUAL_RANGE, self.n_grid)[:, None]
        shape = (self.n_nodes, n_functions, n_functions, self.n_grid)
        gram, moment = np.empty(shape, dtype=np.float32), np.empty(shape[:2] + shape[3:])
        for node, (a, b) in enumerate(zip(*self.nodes[1:], strict=True)):
            noise = np.linspace(-5.5, 5.5, max(MIN_NOISE, math.ceil(b * N_NOISE)))
            weight = np.exp(-0.5 * noise**2)
            weight /= weight.sum()
            innovation, target = a * residual + b * noise, b * residual - a * noise
            f = smooth_basis(innovation.ravel(), N_SPLINES, n_functions)
            f = f.astype(np.float32).reshape(self.n_grid, len(noise), -1)
            weighted = f * weight[:, None].astype(np.float32)
            gram[node] = np.matmul(f.transpose(0, 2, 1), weighted).transpose(1, 2, 0)
            moment[node] = np.matmul(target[:, None], weighted)[:, 0].T
        return gram, moment

    @cached_property
    def cell_basis(self) -> np.ndarray:
        """Functions of the condition at the centres of its cells."""
        centres = np.linspace(-SPLINE_RANGE, SPLINE_RANGE, self.n_cells)
        return smooth_basis(centres, N_CONDITION_SPLINES, self.features.n_condition)

    @cached_property
    def blocks(self) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
        """Parts of the Gram matrix, between two groups of functions of the condition.

        Returns
        -------
        factors : list of (ndarray, ndarray)
            Products of functions of the innovation on the grid of residuals, and of functions of
            the condition at the cells.
        index : ndarray of int of shape (n_features, n_features)
            Where an entry of the matrix is found in the concatenated products of both.
        """
        i, k = self.features.indices
        place = np.full((self.features.n_functions, self.features.n_condition), -1)
        place[i, k] = np.arange(len(i))
        gram, basis = self.tables[0], self.cell_basis
        factors, start = [], 0
        index = np.empty((len(i), len(i)), dtype=int)
        for p, (left, n) in enumerate(self.features.groups):
            for right, m in self.features.groups[p:]:
                table = np.ascontiguousarray(gram[:, :n, :m]).reshape(-1, self.n_grid)
                products = basis[:, left, None] * basis[:, None, right]
                factors.append((table, products.reshape(self.n_cells, -1).astype(np.float32)))
                shape = (n, m, len(left), len(right))
                rows = place[:n, None, left, None] + np.zeros(shape, dtype=int)
                columns = place[None, :m, None, right] + np.zeros(shape, dtype=int)
                used = ((rows >= 0) & (columns >= 0)).ravel()
                rows, columns = rows.ravel()[used], columns.ravel()[used]
                index[rows, columns] = index[columns, rows] = start + np.flatnonzero(used)
                start += used.size
        return factors, index

    def gram(self, density: np.ndarray, n_features: int) -> np.ndarray:
        """Gram matrix of the first features at every node, of a histogram of shares."""
        factors, index = self.blocks
        density = density.astype(np.float32)
        values = [(table @ (density @ p)).reshape(self.n_nodes, -1) for table, p in factors]
        index = index[:n_features, :n_features]
        return np.concatenate(values, axis=1).take(index, axis=1).astype(float)

    def moment(self, density: np.ndarray, n_features: int) -> np.ndarray:
        """Moments of the first features and the target at every node."""
        i, k = (index[:n_features] for index in self.features.indices)
        table = self.tables[1].reshape(-1, self.n_grid)
        moments = table @ (density @ self.cell_basis)
        return moments.reshape(self.n_nodes, self.features.n_functions, -1)[:, i, k]

    def fit(self, train: np.ndarray, test: np.ndarray, n_features: int) -> list[np.ndarray]:
        """Running sums over features of what the denoisers of a histogram explain of another."""
        weight, *_ = self.nodes
        n_train, n_test = train.sum(), test.sum()
        train, test = train / n_train, test / n_test
        forms = ridge_path(
            self.gram(train, n_features),
            self.moment(train, n_features),
            self.moment(test, n_features),
            RIDGE / n_train,
        )
        return [n_test * weight @ form for form in forms]


@dataclass(frozen=True)
class Resolution:
    """Bands of log-SNR, from the lowest to the highest, which has all features."""

    bands: tuple[Band, ...]

    @property
    def n_grid(self) -> int:
        return self.bands[-1].n_grid

    @property
    def n_cells(self) -> int:
        return self.bands[-1].n_cells

    @cached_property
    def ends(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """Numbers of features of the candidates, and for every band how many of them it has."""
        products = self.bands[-1].features.products
        ends = _thinned(np.flatnonzero(np.diff(products, append=np.inf)) + 1)
        limits = products[ends - 1]
        return ends, [
            np.searchsorted(band.features.products, limits, side="right") for band in self.bands
        ]

    def fit(self, train: np.ndarray, test: np.ndarray, most: int) -> Path:
        """Path of the denoisers of a histogram, evaluated on another.

        Parameters
        ----------
        train, test : ndarray of shape (n_grid, n_cells)
            Numbers of samples.
        most : int
            Largest number of features.

        Returns
        -------
        path : Path
        """
        ends, places = self.ends
        n_candidates = max(1, np.searchsorted(ends, most, side="right"))
        linear, quadratic = np.zeros((2, n_candidates))
        for band, place in zip(self.bands, places, strict=True):
            place = place[:n_candidates]
            counts = (coarsened(c, band.n_grid) for c in (train, test))
            sums = band.fit(*counts, n_features=place[-1])
            linear += sums[0][place - 1]
            quadratic += sums[1][place - 1]
        return Path(linear, quadratic, ends[:n_candidates])


# Of three bands of log-SNR, which end at 0, 4 and `high`: functions of the innovation and points
# of the residual. Each grid is every second or fourth point of the finest.
RESOLUTIONS: tuple[dict[str, Any], ...] = (
    dict(functions=(8, 14, 18), grids=(53, 105, 105), n_condition=10, max_product=18, n_cells=65),
    dict(functions=(10, 18, 24), grids=(53, 105, 105), n_condition=16, max_product=40, n_cells=65),
    dict(
        functions=(10, 24, 40),
        grids=(79, 157, 313),
        n_condition=24,
        max_product=90,
        n_cells=129,
        high=10.0,
    ),
)


@lru_cache
def resolution(level: int) -> Resolution:
    """Coarse, medium or fine: 0, 1 or 2."""
    return _resolution(**RESOLUTIONS[level])


def _resolution(
    functions: Sequence[int],
    grids: Sequence[int],
    n_condition: int,
    max_product: int,
    n_cells: int,
    high: float = 8.0,
) -> Resolution:
    ranges = ((-6.0, 0.0), (0.0, 4.0), (4.0, high))
    return Resolution(
        tuple(
            Band(*ends, NODES_PER_BAND, Features(n, n_condition, max_product), n_grid, n_cells)
            for ends, n, n_grid in zip(ranges, functions, grids, strict=True)
        )
    )


@lru_cache
def cell_basis() -> tuple[int, np.ndarray]:
    """Number of cells of a condition, and all its functions at their centres."""
    n_cells = resolution(0).n_cells
    return n_cells, smooth_basis(
        np.linspace(-SPLINE_RANGE, SPLINE_RANGE, n_cells), N_CONDITION_SPLINES
    )


def ridge_path(
    gram: np.ndarray,
    train_moment: np.ndarray,
    test_moment: np.ndarray,
    penalty: float | np.ndarray,
    test_gram: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regressions on the first 1, 2, ... features, at every node.

    With ``L`` the Cholesky factor the coefficients of the first d features are
    ``L_d^-T z_d``, where ``z = L^-1 moment``, and ``L_d`` and ``z_d`` are leading parts of ``L``
    and ``z``. So what they explain of other moments are running sums.

    Parameters
    ----------
    gram : ndarray of shape (..., n_nodes, n_features, n_features)
        Changed in place.
    train_moment, test_moment : ndarray of shape (..., n_nodes, n_features)
    penalty : float or ndarray
    test_gram : ndarray of the shape of `gram`, default=None
        The training matrix stands in for it by default, which will do where no test sample has
        much leverage.

    Returns
    -------
    linear, quadratic : ndarray of shape (..., n_nodes, n_features)
        Mean of target times prediction on test data, and of the squared prediction.
    """
    diagonal = np.arange(gram.shape[-1])
    gram[..., diagonal, diagonal] += penalty
    lower = np.linalg.cholesky(gram)
    train, test = np.moveaxis(_solve(lower, np.stack([train_moment, test_moment], axis=-1)), -1, 0)
    linear = np.cumsum(train * test, axis=-1)
    if test_gram is None:
        return linear, np.cumsum(train**2, axis=-1)
    whitened = np.swapaxes(_solve(lower, np.swapaxes(_solve(lower, test_gram), -1, -2)), -1, -2)
    products = whitened * train[..., :, None] * train[..., None, :]
    sums = np.cumsum(np.cumsum(products, axis=-1), axis=-2)
    return linear, np.diagonal(sums, axis1=-2, axis2=-1)


def _solve(lower: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    """Solution with triangular matrices."""
    if lower.shape[-1] <= FEW_FEATURES:
        return np.linalg.solve(lower, rhs)
    return np.stack(
        [
            solve_triangular(factor, side, lower=True, check_finite=False)
            for factor, side in zip(lower, rhs, strict=True)
        ]
    )


def shape_path(
    level: int, residual: np.ndarray, train: np.ndarray, cells: Binned, most: int
) -> Path:
    """Denoisers of standardised residuals given a continuous condition.

    Parameters
    ----------
    level : int
        Of the :func:`resolution`.
    residual : ndarray of shape (n,)
    train : ndarray of bool of shape (n,)
        Rows to fit on; the others are evaluated.
    cells : Binned
        The condition.
    most : int
        Largest number of features.
    """
    r = resolution(level)
    binned = bin_linearly(residual, RESIDUAL_RANGE, r.n_grid)
    counts = (histogram(binned, cells, r.n_grid, r.n_cells, rows) for rows in (train, ~train))
    return r.fit(*counts, most=most)


def class_shape_path(
    residual: np.ndarray, train: np.ndarray, codes: np.ndarray, n_classes: int, own: bool, most: int
) -> Path:
    """Denoisers of standardised residuals given a class.

    Parameters
    ----------
    residual : ndarray of shape (n,)
    train : ndarray of bool of shape (n,)
        Rows to fit on; the others are evaluated.
    codes : ndarray of int of shape (n,)
    n_classes : int
    own : bool
        Whether every class has a denoiser of its own; otherwise all share one.
    most : int
        Largest number of features of a denoiser.

    Returns
    -------
    path : Path
        By the number of features of all denoisers together.
    """
    r = resolution(0)
    binned = bin_linearly(residual, RESIDUAL_RANGE, r.n_grid)
    if not own:
        codes, n_classes = np.zeros_like(codes), 1
    cells = Binned(codes, np.zeros(len(codes)))
    train, test = (
        histogram(binned, cells, r.n_grid, n_classes + 1, rows)[:, :n_classes]
        for rows in (train, ~train)
    )
    # A class without a sample on either side adds nothing.
    used = (train.sum(axis=0) > 0) & (test.sum(axis=0) > 0)
    train, test = train[:, used], test[:, used]
    n_train, n_test = train.sum(axis=0), test.sum(axis=0)
    ends = _thinned(np.arange(1, min(most, r.bands[-1].features.n_functions) + 1))
    forms = np.zeros((2, len(ends)))
    for band in r.bands:
        weight, *_ = band.nodes
        gram, moment = band.tables
        own_density = coarsened(train, band.n_grid) / n_train
        other_density = coarsened(test, band.n_grid) / n_test
        place = np.minimum(ends, band.features.n_functions) - 1
        sums = ridge_path(
            _by_class(gram, own_density.astype(np.float32)),
            _by_class(moment, own_density),
            _by_class(moment, other_density),
            RIDGE / n_train[:, None, None],
            _by_class(gram, other_density.astype(np.float32)),
        )
        forms += [np.einsum("c,q,cqj->j", n_test, weight, form[..., place]) for form in sums]
    return Path(*forms, n_features=ends * max(1, int(used.sum())))


def _by_class(table: np.ndarray, density: np.ndarray) -> np.ndarray:
    """What a table on the grid of residuals averages to, in double precision, classes first."""
    return np.moveaxis(table @ density, -1, 0).astype(float)


def _thinned(ends: np.ndarray) -> np.ndarray:
    """A few of the numbers `ends`, each larger than the one before by `GROWTH`."""
    chosen, last = [], 0
    for end in ends:
        if end >= GROWTH * last or end == ends[-1]:
            chosen.append(end)
            last = end
    return np.array(chosen)
