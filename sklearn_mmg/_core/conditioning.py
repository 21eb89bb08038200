"""The linear-Gaussian part of a problem in which some columns are given."""

from typing import Self

import numpy as np

from sklearn_mmg._core.preconditioning import Basis, LinearPreconditioner, Whitened, whiten

# Of the spread of a column: what is left of one that the given columns determine is rounding.
ROUNDING = 1e-9


class ConditionalPreconditioner(Basis):
    """Canonical coordinates of what the given columns leave of two blocks.

    In the linear-Gaussian model the residuals of `x` are ``N(0, 1)`` given the given columns, and
    ``N(rho_i y_i, 1 - rho_i**2)`` given these and the residuals of `y`, so that both denoisers have
    the coordinates that they have where nothing is given, and strong dependence stays exact.

    Parameters
    ----------
    given : ndarray of bool of shape (n_columns of `y`,)
        Which columns of `y` are given.
    samples_per_direction : int, default=4
        As in :class:`LinearPreconditioner`.

    Attributes
    ----------
    residual_variance_ : ndarray of shape (n_components_x,)
        Given all columns of `y`.
    dropped_ : tuple of three Dropped
        What was left out of `x`, of the others, and of the given columns.
    n_samples_ : int
    """

    def __init__(self, given: np.ndarray, samples_per_direction: int = 4) -> None:
        self.given = given
        self.samples_per_direction = samples_per_direction

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Fit on samples `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        given = y[:, self.given]
        self.mean_, basis, scores, dropped = whiten(given, self.samples_per_direction)
        self.basis_ = basis * np.sqrt(len(x))
        blocks = x, y[:, ~self.given]
        self.lines_ = [(a.mean(axis=0), scores.T @ a / np.sqrt(len(x))) for a in blocks]
        left = self._left(x, y, self._white(given))
        for a, block in zip(left, blocks, strict=True):
            a[:, a.std(axis=0) <= ROUNDING * block.std(axis=0)] = 0.0
        self.model_ = LinearPreconditioner(self.samples_per_direction).fit(*left)
        self.rho_ = self.model_.rho_
        self.residual_variance_ = self.model_.residual_variance_
        self.deterministic_ = self.model_.deterministic_
        self.dropped_ = (*self.model_.dropped_, dropped)
        self.n_samples_ = len(x)
        return self

    def transform(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """Whiten what is left of a sample, and the given columns."""
        given = self._white(y[:, self.given])
        return self.model_.transform(*self._left(x, y, given))._replace(given=given)

    def _white(self, given: np.ndarray) -> np.ndarray:
        return (given - self.mean_) @ self.basis_

    def _left(self, x: np.ndarray, y: np.ndarray, given: np.ndarray) -> list[np.ndarray]:
        """What linear predictions from the given columns leave of the others."""
        blocks = x, y[:, ~self.given]
        return [
            a - mean - given @ slopes for a, (mean, slopes) in zip(blocks, self.lines_, strict=True)
        ]
