"""Pictures of pointwise values: which samples carry a dependence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._feature_groups import column_index
from sklearn_mmg._tables import read_table
from sklearn_mmg._units import in_units
from sklearn_mmg.plotting._axes import BLUE, VERMILION, axes_or_new, places_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sklearn_mmg.base import BaseMutualInfo


class PointwiseInformationDisplay:
    """Pointwise mutual information of every sample: which of them carry the dependence.

    Without a column the values are drawn from the largest to the smallest, and the area below them
    is the mutual information: blue where `y` is likelier with `x` than without it, orange where it
    is less likely. A dependence of all samples is a plateau, that of a few a peak. With a column
    every sample is a point over its value.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Pointwise values, in nats.
    column : ndarray of shape (n_samples,), default=None
        Values of a column of the same samples; names of classes, if it is discrete.
    name : str, default=None
        Of the column.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    PointwiseContributionDisplay : What one column adds to others, sample by sample.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import GaussianMutualInfo, PointwiseInformationDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> y = X[:, 0] + rng.normal(size=500)
    >>> estimator = GaussianMutualInfo().fit(X, y)
    >>> PointwiseInformationDisplay.from_estimator(estimator).ax_.get_ylabel()
    'pointwise mutual information (nats)'
    >>> PointwiseInformationDisplay.from_estimator(estimator, X, feature=0).ax_.get_xlabel()
    'column 0'
    """

    def __init__(
        self, values: np.ndarray, column: np.ndarray | None = None, name: str | None = None
    ) -> None:
        self.values = values
        self.column = column
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMutualInfo,
        X: ArrayLike | None = None,
        *,
        feature: int | str | None = None,
        ax: Axes | None = None,
        units: str = "nats",
    ) -> Self:
        """Draw the held-out values of a fitted estimator.

        Without a column it is the distribution of the values; over a column it shows which of its
        values carry the dependence.

        Parameters
        ----------
        estimator : estimator of mutual information
            Fitted, with ``pointwise_mi_``.
        X : array-like or data frame of shape (n_samples, n_features), default=None
            The columns that it is fitted on, or others of the same samples, in their order.
        feature : int or str, default=None
            Column of `X` over which values are drawn, by index or name.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        PointwiseInformationDisplay
            Drawn already.

        Raises
        ------
        ValueError
            If the estimator has no pointwise values, if they are infinite, if only one of `X` and
            `feature` is there, or if `X` has another number of samples than the fitted one.

        See Also
        --------
        plot : Draws it again.
        PointwiseContributionDisplay.from_estimator : What one column adds to others.

        Examples
        --------
        >>> from sklearn_mmg import GaussianMutualInfo, PointwiseInformationDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> fitted = GaussianMutualInfo().fit(X, y)
        >>> display = PointwiseInformationDisplay.from_estimator(fitted, X, feature=0)
        >>> display.ax_.get_xlabel()
        'column 0'
        """
        check_is_fitted(estimator)
        if reason := estimator._lacks.get("pointwise_mi"):
            raise ValueError(f"{type(estimator).__name__} has no pointwise values: {reason}")
        if (X is None) != (feature is None):
            raise ValueError("X and feature go together: the feature is a column of X.")
        if X is None or feature is None:
            return cls(estimator.pointwise_mi_).plot(ax=ax, units=units)
        table = read_table(X, "X")
        columns, n_fitted = table.values, estimator._n_samples
        if len(columns) != n_fitted:
            raise ValueError(
                f"X must have the samples of fit, which were {n_fitted}. Got {len(columns)}."
            )
        j = column_index(feature, columns.shape[1], table.names)
        column = columns[estimator._estimate.samples, j]
        column = column if table.discrete[j] else column.astype(float)
        name = f"column {j}" if table.names is None else str(table.names[j])
        return cls(estimator.pointwise_mi_, column, name).plot(ax=ax, units=units)

    def plot(self, *, ax: Axes | None = None, units: str = "nats") -> Self:
        """Draw the display.

        For other axes or units, or after a change of what the display holds: :meth:`from_estimator`
        has drawn it once.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        PointwiseInformationDisplay
            The display itself, with ``figure_`` and ``ax_``.

        Raises
        ------
        ValueError
            If the values are infinite.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import GaussianMutualInfo, PointwiseInformationDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> fitted = GaussianMutualInfo().fit(X, y)
        >>> display = PointwiseInformationDisplay.from_estimator(fitted, X, feature=0)
        >>> display.plot(ax=display.ax_, units="bits").ax_.get_ylabel()
        'pointwise mutual information (bits)'
        """
        values = in_units(units) * np.asarray(self.values)
        if not np.isfinite(values).all():
            raise ValueError("The estimate is infinite: there is nothing to draw.")
        self.ax_ = ax = axes_or_new(ax, (6.5, 4.0))
        self.figure_ = ax.figure
        mean = float(values.mean())
        if self.column is None:
            self._draw_sorted(ax, np.sort(values)[::-1])
        else:
            style = {"s": 8, "alpha": 0.5, "linewidths": 0}
            places = places_of(self.column, ax)
            for colour, of_sign in ((BLUE, values >= 0), (VERMILION, values < 0)):
                ax.scatter(places[of_sign], values[of_sign], color=colour, **style)
            ax.set_xlabel(str(self.name))
        ax.axhline(0.0, color="0.5", linewidth=0.8)
        ax.axhline(mean, color="black", linestyle="--", linewidth=1)
        ax.set_ylabel(f"pointwise mutual information ({units})")
        ax.set_title(f"Mutual information {mean:.3f} {units}: the mean of {len(values):,} samples")
        return self

    @staticmethod
    def _draw_sorted(ax: Axes, values: np.ndarray) -> None:
        shares = 100 * (np.arange(len(values)) + 0.5) / len(values)
        told = 100 * float(np.mean(values >= 0))
        for colour, part, label in (
            (BLUE, values.clip(min=0), f"{told:.0f} % likelier together"),
            (VERMILION, values.clip(max=0), f"{100 - told:.0f} % less likely"),
        ):
            ax.fill_between(shares, part, color=colour, alpha=0.4, linewidth=0, label=label)
        ax.plot(shares, values, color="0.2", linewidth=1)
        ax.set_xlim(0, 100)
        ax.set_xlabel("samples, from the most to the least telling (%)")
        ax.legend()
