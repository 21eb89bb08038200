"""Columns, prepared once for all pairs that they are part of."""

import zlib
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import ndtri
from sklearn.utils import check_random_state

from sklearn_mmg._atoms import TieSpreader, atom_codes, find_atoms, has_levels_only
from sklearn_mmg._tables import levels_and_codes
from sklearn_mmg.diffusion.basis import SPLINE_RANGE, smooth_basis
from sklearn_mmg.diffusion.histogram import Binned, bin_linearly
from sklearn_mmg.diffusion.spline import N_CONDITION_SPLINES
from sklearn_mmg.preprocessing import SmoothGaussianizer

MIN_ROWS_FOR_RANK_TEST = 20  # of fewer, some share an order by chance
TAIL_ROWS = 2  # on either side of a condition, which would have too much leverage


class Column:
    """One column, and what every pair that it is part of can share.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Numbers, or integer codes of a discrete column.
    discrete : bool
    seed : int
        Of the noise that spreads ties.
    """

    def __init__(self, values: np.ndarray, discrete: bool, seed: int) -> None:
        self.values = values
        self.discrete = discrete
        self.seed = seed
        atoms = np.empty(0) if discrete else find_atoms(values)
        if discrete or (len(atoms) and has_levels_only(values, atoms)):
            levels, self.codes = levels_and_codes(values)
            self.n_codes = len(levels)
            self.free = np.zeros(len(values), dtype=bool)
        else:
            self.codes, self.n_codes = atom_codes(values, atoms), len(atoms) + 1
            self.free = self.codes == 0
        self.n_free = int(self.free.sum())
        self._margins: dict[str, np.ndarray] = {}
        self._folds: np.ndarray | None = None

    @cached_property
    def digest(self) -> int:
        """A number that goes by the values alone."""
        return zlib.crc32(self.values.tobytes())

    @cached_property
    def constant(self) -> bool:
        return bool(np.all(self.values == self.values[0]))

    @cached_property
    def order(self) -> np.ndarray | None:
        """Order of the free samples; None if two of them are equal, or if there are few."""
        values = self.values[self.free]
        order = np.argsort(values, kind="stable")
        enough = len(order) >= MIN_ROWS_FOR_RANK_TEST
        return order if enough and (np.diff(values[order]) > 0).all() else None

    def folds(self, splits: "Splits") -> np.ndarray:
        """Part of every sample."""
        if self._folds is None:
            self._folds = splits.folds(self.codes)
        return self._folds

    def shares_order(self, other: "Column") -> bool:
        """Whether `other` has the same free samples in exactly this order, or in reverse."""
        if self.order is None or not np.array_equal(self.free, other.free):
            return False
        steps = np.diff(other.values[other.free][self.order])
        return bool((steps > 0).all() or (steps < 0).all())

    def margin(self, rows: np.ndarray, kind: str) -> np.ndarray:
        """The given rows on a normal scale.

        Parameters
        ----------
        rows : ndarray of bool of shape (n,)
        kind : {"exact", "smooth", "condition"}
            ``"exact"`` goes by ranks: whatever the column, nothing in its margin can be taken for
            dependence. ``"smooth"`` follows the values by a spline, without the roughness of
            ranks, which hides strong dependence. ``"condition"`` is smooth too, and its ties are
            spread by other noise than those of a target.
        """
        if rows is not self.free:
            return self._normal(rows, kind)
        if kind not in self._margins:
            self._margins[kind] = self._normal(rows, kind)
        return self._margins[kind]

    def _normal(self, rows: np.ndarray, kind: str) -> np.ndarray:
        # Noise that goes by the values treats equal columns alike, wherever they stand.
        rng = np.random.default_rng([self.seed, int(kind == "condition"), self.digest])
        values = self.values[rows]
        if self.order is None:  # there may be ties
            values = TieSpreader(values)(values, rng)
        if kind == "exact":
            scores = np.empty(len(values))
            scores[np.argsort(values, kind="stable")] = normal_scores(len(values))
            return scores
        scores = SmoothGaussianizer().fit_transform(values[:, None])[:, 0]
        return (scores - scores.mean()) / scores.std()

    @cached_property
    def condition(self) -> "Condition":
        """The free rows as a condition."""
        return Condition(self.margin(self.free, "condition"))


class Condition:
    """Functions of a normal column that conditions."""

    def __init__(self, scores: np.ndarray) -> None:
        self.basis = smooth_basis(scores, N_CONDITION_SPLINES)
        # The second function is almost the condition itself, which is unbounded.
        self.design = np.column_stack([np.ones(len(scores)), scores, self.basis[:, 2:]])
        limit = -ndtri(min(TAIL_ROWS / len(scores), 0.25))
        self.scores = np.clip(scores, -limit, limit)
        self._cells: dict[int, Binned] = {}

    def cells(self, n_cells: int) -> Binned:
        """Places in a grid of so many points."""
        if n_cells not in self._cells:
            self._cells[n_cells] = bin_linearly(self.scores, SPLINE_RANGE, n_cells)
        return self._cells[n_cells]

    def nearest_cells(self, n_cells: int) -> np.ndarray:
        """Nearest points of a grid."""
        binned = self.cells(n_cells)
        return binned.cell + (binned.fraction >= 0.5)


class Splits:
    """How samples are split: at random, but with all classes and atoms of a column in each part.

    One permutation serves all columns, so that the parts of a pair do not depend on which of the
    two is the target, and a column costs one sort.

    Parameters
    ----------
    n_samples, n_folds : int
    rng : RandomState
    """

    def __init__(self, n_samples: int, n_folds: int, rng: np.random.RandomState) -> None:
        self.n_folds = n_folds
        self.shuffled = rng.permutation(n_samples)

    def folds(self, codes: np.ndarray) -> np.ndarray:
        """Part of every sample; parts have equal shares of each code."""
        small = codes.astype(np.int16 if codes.max() < 2**15 else np.int32)  # sorted by radix
        ordered = self.shuffled[np.argsort(small[self.shuffled], kind="stable")]
        folds = np.empty(len(codes), dtype=int)
        folds[ordered] = np.arange(len(codes)) % self.n_folds
        return folds


def draw_splits(
    n_samples: int, n_folds: int, random_state: int | np.random.RandomState | None
) -> tuple[Splits, int]:
    """Splits of so many samples, and the seed of the noise that spreads ties.

    There is one seed for all columns: equal columns get equal scores.
    """
    if n_samples < n_folds:
        raise ValueError(
            f"Cannot have number of splits cv={n_folds} greater than n_samples={n_samples}."
        )
    rng = check_random_state(random_state)
    seed = int(rng.randint(2**31 - 1))
    return Splits(n_samples, n_folds, rng), seed


@lru_cache
def normal_scores(n: int) -> np.ndarray:
    """What the ranks of `n` samples are on the normal scale, in order, with variance one."""
    scores = ndtri((np.arange(n) + 0.5) / n)
    return scores / scores.std()
