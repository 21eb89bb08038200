"""Every sample is evaluated by a model that it did not train."""

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.parallel import Parallel, delayed

from sklearn_mmg._atoms import is_discrete_column
from sklearn_mmg._core.model import FoldModel, Held, Run
from sklearn_mmg._estimate import clusters_of
from sklearn_mmg._warnings import warn

Split = tuple[np.ndarray, np.ndarray]  # indices of samples to train on, and to evaluate
AnyModel = TypeVar("AnyModel", bound=FoldModel)


@runtime_checkable
class Splitter(Protocol):
    """A splitter of scikit-learn."""

    def split(
        self, X: np.ndarray, y: np.ndarray | None, groups: ArrayLike | None
    ) -> Iterable[tuple[ArrayLike, ArrayLike]]: ...

    def get_n_splits(self) -> int: ...


# What an estimator takes as its parameter `cv`.
CrossValidation = int | float | Splitter | Iterable[tuple[ArrayLike, ArrayLike]]
CV_CONSTRAINTS = [
    Interval(Integral, 2, None, closed="left"),
    Interval(Real, 0, 1, closed="neither"),
    HasMethods(["split", "get_n_splits"]),  # a string has the first
    HasMethods(["__next__"]),  # a generator of splits
    "array-like",
]
# Of few levels rows repeat by themselves: only a column with more can tell copies.
MIN_LEVELS_OF_COPIES = 20
# This share of the pairs that agree in the most distinct column agree in all columns.
SHARE_OF_COPIES = 0.95
# Rows that are there more often, on average, are levels and no copies.
MAX_COPIES = 20
# With more copied rows than this share the sample is smaller than it looks.
MANY_COPIES = 0.05
# StratifiedGroupKFold goes through all groups in Python.
MAX_STRATIFIED_GROUPS = 1000


def make_splits(
    cv: CrossValidation,
    X: np.ndarray,
    y: np.ndarray,
    masks: Sequence[np.ndarray],
    groups: ArrayLike | None,
    seed: int,
) -> tuple[list[Split], np.ndarray | None]:
    """Splits into samples to train on and to evaluate.

    Parameters
    ----------
    cv : int, float, splitter or iterable
        Number of folds, fraction to hold out once, or whatever says how to split. The first two
        keep groups, or copies of a row, together, and have the shares of the classes of a
        discrete side in every part.
    X, y : ndarray of n_samples rows
    masks : sequence of two ndarrays of bool
        Declared discrete columns of either. A column with nothing but heavy levels is one in any
        case.
    groups : array-like of shape (n_samples,) or None
    seed : int

    Returns
    -------
    splits : list of (train, test)
    clusters : ndarray of shape (n_samples,) or None
        The group of every sample, or of which row it is a copy.
    """
    clusters = clusters_of(groups, X) if groups is not None else copied_rows(np.hstack([X, y]))
    if isinstance(cv, Splitter):
        target = y[:, 0] if y.shape[1] == 1 else y
        return _checked(cv.split(X, target, groups), len(X)), clusters
    if isinstance(cv, Iterable):
        return _checked(cv, len(X)), clusters
    classes = _classes(X, y, masks)
    if isinstance(cv, Integral):
        splitter, labels = _folds(int(cv), classes, clusters, seed)
    else:
        splitter, labels = _held_out_fraction(cv, len(X), classes, clusters, seed)
    splits = splitter.split(np.zeros(len(X)), labels, clusters)
    return [(np.asarray(train), np.asarray(test)) for train, test in splits], clusters


def _folds(
    n_splits: int, classes: np.ndarray | None, clusters: np.ndarray | None, seed: int
) -> tuple[Splitter, np.ndarray | None]:
    """Splitter, and the labels that it stratifies by."""
    labels = None if classes is None else _frequent(classes, n_splits)
    parameters = {"n_splits": n_splits, "shuffle": True, "random_state": seed}
    if clusters is None:
        return (KFold if labels is None else StratifiedKFold)(**parameters), labels
    if labels is None or clusters.max() >= MAX_STRATIFIED_GROUPS:
        return GroupKFold(**parameters), None
    return StratifiedGroupKFold(**parameters), labels


def _held_out_fraction(
    fraction: float,
    n: int,
    classes: np.ndarray | None,
    clusters: np.ndarray | None,
    seed: int,
) -> tuple[Splitter, np.ndarray | None]:
    parameters = {"n_splits": 1, "test_size": fraction, "random_state": seed}
    if clusters is not None:
        return GroupShuffleSplit(**parameters), None
    labels = None if classes is None else _frequent(classes, 2)
    smaller_part = n * min(fraction, 1 - fraction)
    if labels is None or smaller_part <= labels.max() + 1:
        return ShuffleSplit(**parameters), None
    return StratifiedShuffleSplit(**parameters), labels


def _classes(X: np.ndarray, y: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray | None:
    """Class of every sample by the side that is discrete, `y` if both are; None if neither is."""
    for columns, mask in ((y, masks[1]), (X, masks[0])):
        if mask.all() or is_discrete_column(columns):
            return np.unique(columns, axis=0, return_inverse=True)[1].ravel()
    return None


def _frequent(classes: np.ndarray, n_members: int) -> np.ndarray | None:
    """Classes, those with fewer members counted as the largest one; None if that leaves one."""
    counts = np.bincount(classes)
    labels = np.where(counts[classes] < n_members, counts.argmax(), classes)
    levels, labels = np.unique(labels, return_inverse=True)
    return labels if len(levels) > 1 else None


def copied_rows(rows: np.ndarray) -> np.ndarray | None:
    """Which samples are copies of each other, as after drawing with replacement.

    Rows of few levels agree by chance. Copies show in the most distinct column: samples that
    agree in it agree in all others.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_columns)

    Returns
    -------
    copies : ndarray of int of shape (n_samples,) or None
        Equal for copies; None if there are none. Many of them end in a warning.
    """
    n = len(rows)
    as_bytes = np.ascontiguousarray(rows + 0.0).view(f"V{rows.shape[1] * rows.itemsize}")
    order: dict[bytes, int] = {}
    copies = np.array([order.setdefault(row.tobytes(), len(order)) for row in as_bytes[:, 0]])
    n_rows = len(order)
    if n_rows == n or n_rows < max(MIN_LEVELS_OF_COPIES, n / MAX_COPIES):
        return None
    counts = max((np.unique(c, return_counts=True)[1] for c in rows.T), key=len)
    pairs = (counts * (counts - 1)).sum()
    repeats = np.bincount(copies)
    if len(counts) < MIN_LEVELS_OF_COPIES or (repeats * (repeats - 1)).sum() < (
        SHARE_OF_COPIES * pairs
    ):
        return None
    if n - n_rows > MANY_COPIES * n:
        warn(
            f"{n - n_rows} of the {n} samples are copies of others in all columns, as after "
            "drawing with replacement. Copies are kept on one side of every split of an integer or "
            "fractional cv, but add no information. Leave them out."
        )
    return copies


def _checked(splits: Iterable[tuple[ArrayLike, ArrayLike]], n: int) -> list[Split]:
    """Splits of a splitter as arrays of indices."""
    checked = []
    for split in splits:
        train, test = (np.arange(n)[part if part.size else []] for part in map(np.asarray, split))
        if len(train) < 2 or len(test) == 0:
            raise ValueError(
                f"A split of cv has {len(train)} training and {len(test)} test samples, where 2 "
                "and 1 are needed."
            )
        if np.intersect1d(train, test).size:
            raise ValueError("A split of cv evaluates samples that it trains on.")
        checked.append((train, test))
    if not checked:
        raise ValueError("cv gives no split. A generator gives its splits only once.")
    return checked


def gather(splits: Sequence[Split], parts: Sequence[np.ndarray]) -> np.ndarray:
    """Values of the held-out samples of every split, in the order of the samples.

    A sample that is held out more than once gets the mean of its values.
    """
    held_out = np.concatenate([test for _, test in splits])
    _, place, counts = np.unique(held_out, return_inverse=True, return_counts=True)
    return np.bincount(place, weights=np.concatenate(parts)) / counts


def held_out_samples(splits: Sequence[Split]) -> np.ndarray:
    """Increasing indices of the samples that some split holds out."""
    return np.unique(np.concatenate([test for _, test in splits]))


def fit_folds(
    models: Sequence[AnyModel],
    x: np.ndarray,
    y: np.ndarray,
    splits: Sequence[Split],
    *,
    rng: np.random.RandomState,
    device: str,
    n_jobs: int | None,
) -> list[AnyModel]:
    """Fitted, the model of every split.

    Parameters
    ----------
    models : list of FoldModel
        Unfitted, one for every split.
    x, y : ndarray of n_samples rows
    splits : list of (train, test)
    rng : RandomState
        Seeds of the fits.
    device : str
    n_jobs : int or None
    """
    runs = [
        Run(int(rng.randint(2**31 - 1)), device, f"fold {i + 1}/{len(splits)}")
        for i in range(len(splits))
    ]
    return Parallel(n_jobs=n_jobs)(  # pyright: ignore[reportReturnType]  # inferred from joblib
        delayed(_fitted)(model, x[train], y[train], run)
        for model, (train, _), run in zip(models, splits, runs, strict=True)
    )


def hold_out_folds(
    models: Sequence[AnyModel],
    x: np.ndarray,
    y: np.ndarray,
    splits: Sequence[Split],
    *,
    device: str,
    n_jobs: int | None,
) -> list[tuple[AnyModel, Held]]:
    """Every model, and what it makes of the samples that its split holds out."""
    return Parallel(n_jobs=n_jobs)(  # pyright: ignore[reportReturnType]  # inferred from joblib
        delayed(_held_out)(model, x[test], y[test], device)
        for model, (_, test) in zip(models, splits, strict=True)
    )


def _fitted(model: AnyModel, x: np.ndarray, y: np.ndarray, run: Run) -> AnyModel:
    return model.fit(x, y, run)


def _held_out(model: AnyModel, x: np.ndarray, y: np.ndarray, device: str) -> tuple[AnyModel, Held]:
    return model, model.hold_out(x, y, device)
