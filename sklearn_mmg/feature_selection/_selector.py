"""What all selectors of columns have in common."""

from collections.abc import Iterable
from numbers import Integral
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_mmg._documentation import DocumentedEstimator
from sklearn_mmg._summary import SummaryMixin
from sklearn_mmg._wording import enumerated

MOST_NAMES = 20  # that a summary lists
Scorer = TypeVar("Scorer", bound=BaseEstimator)


class MutualInfoSelector(SummaryMixin, SelectorMixin, DocumentedEstimator):
    """Base of the selectors: ``fit`` sets ``support_``."""

    support_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray

    def _store_columns(self, X: ArrayLike, y: ArrayLike) -> None:
        """Store the number of columns, and their names if they have any."""
        validate_data(self, X, y, skip_check_array=True)  # pyright: ignore[reportArgumentType]  # no str

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.support_

    def _notes(self) -> Iterable[str]:
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
        chosen = [str(name) for name in names[self.support_]]
        yield (
            f"Selected are {len(chosen):,}: {enumerated(chosen, MOST_NAMES)}."
            if chosen
            else "None is selected."
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def n_to_select(wanted: int | float, n: int) -> int:
    """Number out of `n` columns, or groups of them, that a number or a fraction asks for."""
    if not isinstance(wanted, Integral):
        return max(1, int(wanted * n))
    if int(wanted) > n:
        raise ValueError(
            f"n_features_to_select={wanted} must be at most the number of columns, or of groups of "
            f"them: {n}."
        )
    return int(wanted)


def seeded_clone(estimator: Scorer, rng: np.random.RandomState) -> Scorer:
    """An unfitted copy, seeded by `rng` if it has no seed of its own."""
    copy: Scorer = clone(estimator)  # pyright: ignore[reportAssignmentType]  # of the same type
    if copy.get_params(deep=False)["random_state"] is None:
        copy.set_params(random_state=int(rng.randint(2**31 - 1)))
    return copy
