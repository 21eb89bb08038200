"""Denoising a single column some of whose values are outcomes of their own."""

from dataclasses import replace

import numpy as np

from sklearn_mmg._atoms import atom_codes
from sklearn_mmg.diffusion.terms import PointwiseTerms

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
    categorical : CategoricalPair
        Unfitted, of as many classes as there are atoms and one more.
    continuous : ContinuousPair
        Unfitted.
    """

    def __init__(self, atoms, categorical, continuous):
        self.atoms = atoms
        self.categorical = categorical
        self.continuous = continuous

    def fit(self, x, y, seed, device, label):
        """Fit on `x` of shape (n, 1) and `y` of shape (n, d_y)."""
        codes = atom_codes(x[:, 0], self.atoms)
        smooth = codes == 0
        self.categorical.fit(codes, y, seed, device, f"{label}, atoms")
        self.n_columns_, self.n_samples_ = self.categorical.n_columns_, len(x)
        self.has_smooth_part_ = bool(smooth.sum() >= MIN_SMOOTH_SAMPLES)
        if self.has_smooth_part_:
            self.continuous.fit(x[smooth], y[smooth], seed, device, label)
            self.basis_ = self.continuous.basis_
        return self

    def continuous_part(self, x, y):
        """The same of the values that are no atom, and of the samples that have them."""
        if not self.has_smooth_part_:
            return None
        smooth = atom_codes(x[:, 0], self.atoms) == 0
        return self.continuous.continuous_part(x[smooth], y[smooth])

    @property
    def nets_(self):
        """What was trained."""
        return [*self.categorical.nets_, *(self.continuous.nets_ if self.has_smooth_part_ else ())]

    @property
    def doubt_(self):
        """How far the linear form of the values that are no atom may be from the truth."""
        return self.continuous.doubt_

    @property
    def deterministic_(self):
        """Whether the other side determines a value that is no atom."""
        return self.has_smooth_part_ and self.continuous.deterministic_

    def evaluate(self, x, y, device):
        """Terms of every sample, and the error curves, of data that did not train this pair."""
        codes = atom_codes(x[:, 0], self.atoms)
        smooth = codes == 0
        terms, curves = self.categorical.evaluate(codes, y, device)
        if not self.has_smooth_part_ or not smooth.any():
            return terms, curves
        smooth_terms, smooth_curves = self.continuous.evaluate(x[smooth], y[smooth], device)
        total = [values.copy() for values in terms]
        for values, smooth_values in zip(total, smooth_terms, strict=True):
            values[smooth] += smooth_values
        if smooth_curves is not None:
            curves = _sum_of_curves(smooth_curves, smooth.mean(), curves)
        return PointwiseTerms(*total), curves


def _sum_of_curves(first, weight, second):
    """`weight` times the first curves plus the second, on the nodes of the first."""
    names = ("mmse_unconditional", "mmse_conditional", "orthogonal_gap")
    sums = {
        name: weight * getattr(first, name)
        + np.interp(first.logsnr, second.logsnr, getattr(second, name))
        for name in names
    }
    return replace(first, **sums)
