"""Denoising the one-hot code of a discrete block where some columns are given."""

from typing import Self

import numpy as np

from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.training import RowLossNet
from sklearn_mmg.diffusion.categorical import CategoricalPair
from sklearn_mmg.diffusion.terms import ErrorCurves, PointwiseTerms


class GivenCategoricalPair:
    """Denoisers of a code that see all columns, and that see the given ones.

    By the chain rule ``I(x; y | z) = I(x; y, z) - I(x; z)``, sample by sample. What the two have in
    common, the margin of the classes, cancels.

    Parameters
    ----------
    of_all, of_given : CategoricalPair
        Unfitted.
    given : ndarray of bool of shape (n_columns of `y`,)
        Which columns are given.
    """

    deterministic_ = False
    trivial_ = False
    basis_ = None
    doubt_ = None

    def __init__(
        self, *, of_all: CategoricalPair, of_given: CategoricalPair, given: np.ndarray
    ) -> None:
        self.of_all = of_all
        self.of_given = of_given
        self.given = given

    def fit(self, codes: np.ndarray, y: np.ndarray, run: Run) -> Self:
        """Fit on integer `codes` of shape (n,) and `y` of shape (n, d_y)."""
        self.of_all.fit(codes, y, run)
        self.of_given.fit(codes, y[:, self.given], run._replace(label=f"{run.label}, given"))
        return self

    def continuous_part(self, codes: np.ndarray, y: np.ndarray) -> None:
        """There is none."""

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [*self.of_all.nets_, *self.of_given.nets_]

    @property
    def n_columns_(self) -> int | None:
        """Columns that condition; None where there is one class."""
        return getattr(self.of_all, "n_columns_", None)

    @property
    def n_samples_(self) -> int:
        """Training samples."""
        return self.of_all.n_samples_

    def hold_out(self, codes: np.ndarray, y: np.ndarray, device: str) -> Held:
        """Terms of held-out samples, and the error curves."""
        both = self.of_all.hold_out(codes, y, device)
        fewer = self.of_given.hold_out(codes, y[:, self.given], device)
        curves = None
        if both.curves is not None and fewer.curves is not None:
            curves = ErrorCurves(
                both.curves.logsnr,
                fewer.curves.mmse_conditional,
                both.curves.mmse_conditional,
                # Of the best denoisers squares of successive differences add up.
                both.curves.orthogonal_gap - fewer.curves.orthogonal_gap,
                both.curves.density,
            )
        return Held(_difference(both.values, fewer.values), curves=curves)

    def pointwise(self, codes: np.ndarray, y: np.ndarray, device: str) -> PointwiseTerms:
        """Terms of later samples."""
        return _difference(
            self.of_all.pointwise(codes, y, device),
            self.of_given.pointwise(codes, y[:, self.given], device),
        )


def _difference(both: PointwiseTerms, fewer: PointwiseTerms) -> PointwiseTerms:
    terms = [a - b for a, b in zip(both, fewer, strict=True)]
    # Each of the two densities is safe to maximise, and so is the sum.
    return PointwiseTerms(*terms)._replace(log_densities=both.log_densities + fewer.log_densities)
