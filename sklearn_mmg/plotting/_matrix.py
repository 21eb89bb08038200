"""Pictures of the mutual information of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist, squareform

from sklearn_mmg._units import in_units
from sklearn_mmg.plotting._axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ANNOTATED = 14  # columns of a matrix with numbers in its cells


class MutualInfoMatrixDisplay:
    """Heat map of the mutual information of all pairs of columns.

    Colours are on the scale of a correlation, :func:`~sklearn_mmg.mutual_info_to_correlation`, on
    which what is infinite is 1. Columns that share much stand beside each other.

    Parameters
    ----------
    matrix : ndarray of shape (n_features, n_targets)
        As :func:`~sklearn_mmg.mutual_info_matrix` returns it, in nats.
    names : sequence of str, default=None
        Of the features; their numbers by default.
    target_names : sequence of str, default=None
        Of the targets, for a matrix of two blocks. The default is a matrix of one block, which is
        symmetric.

    Attributes
    ----------
    order_ : ndarray of int of shape (n_features,)
        Features from top to bottom.
    target_order_ : ndarray of int of shape (n_targets,)
        Targets from left to right.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    mutual_info_matrix : The numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_mmg import MutualInfoMatrixDisplay
    >>> X = load_iris(as_frame=True).data
    >>> display = MutualInfoMatrixDisplay.from_data(X, random_state=0)
    >>> display.ax_.get_xticklabels()[0].get_text() in X.columns
    True
    """

    def __init__(
        self,
        matrix: ArrayLike,
        names: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
    ) -> None:
        self.matrix = matrix
        self.names = names
        self.target_names = target_names

    @classmethod
    def from_data(
        cls,
        X: ArrayLike,
        Y: ArrayLike | None = None,
        *,
        ax: Axes | None = None,
        units: str = "nats",
        **parameters: Any,
    ) -> Self:
        """Compute the matrix and draw it.

        All pairs are estimated, which takes minutes for hundreds of columns: compute the matrix
        first where it is needed more than once, and give it to the constructor.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            One block; a data frame names its columns.
        Y : array-like or data frame of shape (n_samples, n_targets), default=None
            Another.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.
        **parameters : dict
            For :func:`~sklearn_mmg.mutual_info_matrix`.

        Returns
        -------
        MutualInfoMatrixDisplay
            Drawn already.

        See Also
        --------
        plot : Draws it again, in the given order of the columns if asked.
        sklearn_mmg.mutual_info_matrix : The numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MutualInfoMatrixDisplay
        >>> X = np.random.default_rng(0).normal(size=(300, 2))
        >>> MutualInfoMatrixDisplay.from_data(X, random_state=0).matrix.shape
        (2, 2)
        """
        from sklearn_mmg.feature_selection import mutual_info_matrix

        matrix = mutual_info_matrix(X, Y, **parameters)
        target_names = None if Y is None else _names(Y, matrix.shape[1])
        return cls(matrix, _names(X, len(matrix)), target_names).plot(ax=ax, units=units)

    def plot(self, *, ax: Axes | None = None, units: str = "nats", cluster: bool = True) -> Self:
        """Draw the display.

        For other axes or units, or after a change of what the display holds: :meth:`from_data` has
        drawn it once.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.
        cluster : bool, default=True
            Whether columns are ordered by what they share; otherwise they stay as they are.

        Returns
        -------
        MutualInfoMatrixDisplay
            The display itself, with ``figure_`` and ``ax_``.

        See Also
        --------
        from_data : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import MutualInfoMatrixDisplay
        >>> matrix = [[1.0, 0.1, 0.8], [0.1, 1.0, 0.2], [0.8, 0.2, 1.0]]
        >>> display = MutualInfoMatrixDisplay(matrix, ["a", "b", "c"]).plot(cluster=False)
        >>> display.order_
        array([0, 1, 2])
        """
        from sklearn_mmg.feature_selection import mutual_info_to_correlation

        per_nat = in_units(units)
        matrix = np.asarray(self.matrix, dtype=float)
        strength = mutual_info_to_correlation(matrix)
        symmetric = self.target_names is None
        self.order_ = _cluster_order(strength, symmetric) if cluster else np.arange(len(matrix))
        self.target_order_ = self.order_
        if not symmetric:
            n_targets = matrix.shape[1]
            self.target_order_ = (
                _cluster_order(strength.T, False) if cluster else np.arange(n_targets)
            )
        height, width = (2.5 + 0.45 * min(n, 40) for n in matrix.shape)
        ax = axes_or_new(ax, (width, height))
        self.ax_, self.figure_ = ax, ax.figure
        shown = np.ix_(self.order_, self.target_order_)
        image = ax.imshow(strength[shown], vmin=0, vmax=1, cmap="viridis")
        ax.figure.colorbar(image, ax=ax, label="√(1 − exp(−2 I))", shrink=0.8)
        self._label_axes(ax, matrix.shape, symmetric)
        if max(matrix.shape) <= MOST_ANNOTATED:
            for i, j in np.ndindex(matrix.shape):
                value = matrix[shown][i, j]
                text = "∞" if np.isinf(value) else f"{per_nat * value:.2f}"
                colour = "black" if strength[shown][i, j] > 0.6 else "white"
                ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=8)
        ax.set_title(f"Mutual information of pairs, in {units}")
        return self

    def _label_axes(self, ax: Axes, shape: tuple[int, ...], symmetric: bool) -> None:
        names = np.array(_names(None, shape[0]) if self.names is None else self.names)
        targets = names if symmetric else np.array(self.target_names)
        ax.set_yticks(range(shape[0]), names[self.order_])
        ax.set_xticks(range(shape[1]), targets[self.target_order_], rotation=45, ha="right")


def _names(data: ArrayLike | None, n_columns: int) -> list[str]:
    """Names of the columns of a data frame, and otherwise their numbers."""
    return [str(c) for c in getattr(data, "columns", range(n_columns))]


def _cluster_order(strength: np.ndarray, symmetric: bool) -> np.ndarray:
    """Rows so that those alike are neighbours."""
    if len(strength) < 3:
        return np.arange(len(strength))
    distance = squareform(1 - strength, checks=False) if symmetric else pdist(strength)
    return leaves_list(linkage(distance, method="average", optimal_ordering=True))
