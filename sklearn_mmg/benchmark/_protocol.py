"""What the benchmark asks of an estimator, this package's own or not."""

from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import clone


class Estimator(Protocol):
    """What every estimator has; an interval, or values of other data, some of them only."""

    mutual_info_: float

    def fit(self, X: np.ndarray, y: np.ndarray, /) -> object: ...

    def get_params(self, deep: bool = True) -> dict[str, Any]: ...

    def set_params(self, **params: Any) -> Self: ...


def copied(estimator: Estimator) -> Estimator:
    """Unfitted, with the same parameters."""
    return clone(estimator)  # pyright: ignore[reportReturnType]  # of the same type
