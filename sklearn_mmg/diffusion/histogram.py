"""Samples as two-dimensional histograms on grids."""

from typing import NamedTuple

import numpy as np


class Binned(NamedTuple):
    """Position on a grid: the point below, and the share of the point above."""

    cell: np.ndarray
    fraction: np.ndarray


def bin_linearly(values: np.ndarray, limit: float, n_points: int) -> Binned:
    """Place values on a grid from ``-limit`` to `limit`; those beyond go to its ends."""
    position = (np.clip(values, -limit, limit) + limit) * ((n_points - 1) / (2 * limit))
    cell = np.minimum(position.astype(np.intp), n_points - 2)
    return Binned(cell, position - cell)


def histogram(
    first: Binned, second: Binned, n_first: int, n_second: int, rows: np.ndarray
) -> np.ndarray:
    """Numbers of samples around the points of a grid, each shared by its four neighbours."""
    f, g = first.fraction[rows], second.fraction[rows]
    base = first.cell[rows] * n_second + second.cell[rows]
    counts = np.zeros(n_first * n_second)
    for step, weight in (
        (0, (1 - f) * (1 - g)),
        (1, (1 - f) * g),
        (n_second, f * (1 - g)),
        (n_second + 1, f * g),
    ):
        counts += np.bincount(base + step, weight, len(counts))
    return counts.reshape(n_first, n_second)


def coarsened(counts: np.ndarray, n_grid: int) -> np.ndarray:
    """The same samples on every second, fourth, ... point of the grid of residuals."""
    while len(counts) > n_grid:
        coarse = counts[::2].copy()
        between = 0.5 * counts[1::2]
        coarse[:-1] += between
        coarse[1:] += between
        counts = coarse
    return counts
