"""The linear-Gaussian part of a problem some of whose columns are not normal."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from sklearn_mmg._core.gaussian import held_out_loss
from sklearn_mmg._core.preconditioning import Basis, Dropped, LinearPreconditioner, Whitened


class PartialPreconditioner(Basis):
    """The same coordinates of some columns of either side; the others follow as they are.

    There is no linear-Gaussian model, and ``rho_`` is empty, where either side has none that
    varies, and where on new samples it would be worse than independence: with too many columns.

    Parameters
    ----------
    columns : tuple of two ndarrays of bool
        Which columns of `x` and of `y` the linear-Gaussian model is of.
    """

    def __init__(self, columns: Sequence[np.ndarray]) -> None:
        self.columns = columns

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        self.n_samples_ = len(x)
        varies = [np.ptp(a, axis=0) > 0 for a in (x, y)]
        kept = [mask & moving for mask, moving in zip(self.columns, varies, strict=True)]
        self.model_ = self._model(*self._select(kept, x, y))
        self.kept_ = kept if self.model_ else [np.zeros_like(mask) for mask in kept]
        self.others_ = [moving & ~mask for moving, mask in zip(varies, self.kept_, strict=True)]
        return self

    @staticmethod
    def _model(x: np.ndarray, y: np.ndarray) -> LinearPreconditioner | None:
        if 0 in (x.shape[1], y.shape[1]):
            return None
        model = LinearPreconditioner().fit(x, y)
        if model.deterministic_:
            return model
        white = model.transform(x, y)
        n_free = len(x) - white.x.shape[1] - white.y.shape[1] - 2
        gain = -0.5 * np.log(model.residual_variance_).sum()
        return model if n_free > 0 and gain + held_out_loss(white) > 0 else None

    def transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        x_other, y_other = self._select(self.others_, x, y)
        if self.model_ is None:
            return Whitened(x_other, y_other, np.zeros_like(x_other))
        white = self.model_.transform(*self._select(self.kept_, x, y))
        return Whitened(
            np.hstack([white.x, x_other]),
            np.hstack([white.y, y_other]),
            np.hstack([white.mean, np.zeros_like(x_other)]),
        )

    @staticmethod
    def _select(
        masks: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return x[:, masks[0]], y[:, masks[1]]

    @property
    def rho_(self) -> np.ndarray:
        """Correlations of the leading columns."""
        return self.model_.rho_ if self.model_ else np.empty(0)

    @property
    def residual_variance_(self) -> np.ndarray:
        """What is left of the same columns of ``x``."""
        return self.model_.residual_variance_[: len(self.rho_)] if self.model_ else np.empty(0)

    @property
    def deterministic_(self) -> bool:
        return self.model_ is not None and self.model_.deterministic_

    @property
    def dropped_(self) -> tuple[Dropped, Dropped] | tuple[()]:
        return self.model_.dropped_ if self.model_ else ()
