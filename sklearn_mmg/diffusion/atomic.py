"""Denoising a single column some of whose values are outcomes of their own."""

from dataclasses import replace
from typing import Any, Self

import numpy as np

from sklearn_mmg._atoms import atom_codes
from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.preconditioning import Basis, Whitened
from sklearn_mmg._core.training import RowLossNet
from sklearn_mmg.diffusion.categorical import CategoricalPair
from sklearn_mmg.diffusion.categorical_given import GivenCategoricalPair
from sklearn_mmg.diffusion.checkpoints import Doubt
from sklearn_mmg.diffusion.continuous import ContinuousPair
from sklearn_mmg.diffusion.terms import ErrorCurves, PointwiseTerms

# With fewer training samples that are no atom, what they tell beyond that is left out.
MIN_SMOOTH_SAMPLES = 10


class AtomicPair:
    """Denoisers of the atom of a sample, and of the values that are no atom.

    With ``A`` the atom of ``x`` or "none", ``I(x; y) = I(A; y) + P(none) I(x; y | none)``. The
    first term is that of a discrete block, the second that of a continuous one on the samples
    without an atom, and pointwise values add up in the same way.

    Parameters
    ----------
    atoms : ndarray
        Increasing.
    categorical : CategoricalPair or GivenCategoricalPair
        Unfitted, of as many classes as there are atoms and one more.
    continuous : ContinuousPair
        Unfitted.
    """

    trivial_ = False
    basis_: Basis | None = None

    def __init__(
        self,
        *,
        atoms: np.ndarray,
        categorical: CategoricalPair | GivenCategoricalPair,
        continuous: ContinuousPair,
    ) -> None:
        self.atoms = atoms
        self.categorical = categorical
        self.continuous = continuous

    def fit(self, x: np.ndarray, y: np.ndarray, run: Run) -> Self:
        """Fit on `x` of shape (n, 1) and `y` of shape (n, d_y)."""
        codes = atom_codes(x[:, 0], self.atoms)
        smooth = codes == 0
        self.categorical.fit(codes, y, run._replace(label=f"{run.label}, atoms"))
        self.n_columns_, self.n_samples_ = self.categorical.n_columns_, len(x)
        self.has_smooth_part_ = bool(smooth.sum() >= MIN_SMOOTH_SAMPLES)
        if self.has_smooth_part_:
            self.continuous.fit(x[smooth], y[smooth], run)
            self.basis_ = self.continuous.basis_
        return self

    def continuous_part(
        self, x: np.ndarray, y: np.ndarray
    ) -> tuple[ContinuousPair, Whitened] | None:
        """The same of the values that are no atom, and of the samples that have them."""
        if not self.has_smooth_part_:
            return None
        smooth = atom_codes(x[:, 0], self.atoms) == 0
        return self.continuous.continuous_part(x[smooth], y[smooth])

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [*self.categorical.nets_, *(self.continuous.nets_ if self.has_smooth_part_ else ())]

    @property
    def doubt_(self) -> Doubt:
        """How far the linear form of the values that are no atom may be from the truth."""
        return self.continuous.doubt_

    @property
    def deterministic_(self) -> bool:
        """Whether the other side determines a value that is no atom."""
        return self.has_smooth_part_ and self.continuous.deterministic_

    def hold_out(self, x: np.ndarray, y: np.ndarray, device: str) -> Held:
        """Terms of held-out samples, and the error curves."""
        smooth, held, smooth_held = self._parts("hold_out", x, y, device)
        if smooth_held is None:
            return held
        curves = held.curves
        if smooth_held.curves is not None:
            curves = _sum_of_curves(smooth_held.curves, smooth.mean(), curves)
        return Held(_sum_of_terms(held.values, smooth_held.values, smooth), curves=curves)

    def pointwise(self, x: np.ndarray, y: np.ndarray, device: str) -> PointwiseTerms:
        """Terms of later samples."""
        smooth, terms, smooth_terms = self._parts("pointwise", x, y, device)
        return terms if smooth_terms is None else _sum_of_terms(terms, smooth_terms, smooth)

    def _parts(
        self, method: str, x: np.ndarray, y: np.ndarray, device: str
    ) -> tuple[np.ndarray, Any, Any]:
        """Which samples are no atom, what is found of all, and of those; None without them."""
        codes = atom_codes(x[:, 0], self.atoms)
        smooth = codes == 0
        of_atoms = getattr(self.categorical, method)(codes, y, device)
        if not self.has_smooth_part_ or not smooth.any():
            return smooth, of_atoms, None
        return smooth, of_atoms, getattr(self.continuous, method)(x[smooth], y[smooth], device)


def _sum_of_terms(
    terms: PointwiseTerms, smooth_terms: PointwiseTerms, smooth: np.ndarray
) -> PointwiseTerms:
    total = [values.copy() for values in terms]
    for values, smooth_values in zip(total, smooth_terms, strict=True):
        values[smooth] += smooth_values
    return PointwiseTerms(*total)


def _sum_of_curves(first: ErrorCurves, weight: float, second: ErrorCurves) -> ErrorCurves:
    """`weight` times the first curves plus the second, on the nodes of the first."""
    names = ("mmse_unconditional", "mmse_conditional", "orthogonal_gap")
    sums = {
        name: weight * getattr(first, name)
        + np.interp(first.logsnr, second.logsnr, getattr(second, name))
        for name in names
    }
    return replace(first, **sums)
