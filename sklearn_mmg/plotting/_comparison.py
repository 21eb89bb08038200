"""Pictures of several estimates beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._units import in_units
from sklearn_mmg.plotting._axes import BLUE, VERMILION, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sklearn_mmg.base import BaseMutualInfo


class EstimateComparisonDisplay:
    """Estimates of mutual information with their intervals, one below the other.

    Estimates from the same samples go up and down together: intervals that overlap do not say that
    the difference is chance; :func:`~sklearn_mmg.inspection.paired_difference` says it.

    Parameters
    ----------
    names : sequence of str
        Of the estimates, from top to bottom.
    estimates : array-like of shape (n_estimates,)
        In nats. One that is infinite is an arrow at the right end.
    intervals : array-like of shape (n_estimates, 2)
        Lower and upper ends, in nats.
    truth : float, default=None
        What is known to be right, in nats.
    confidence : float, default=0.95
        Coverage of the intervals, for the label.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    ReliabilityDisplay : Refits of one estimator.

    Examples
    --------
    >>> from sklearn_mmg import EstimateComparisonDisplay, GaussianMutualInfo, KSGMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> task = JointNormal.sparse(3, correlations=(0.8,))
    >>> X, y = task.sample(500, random_state=0)
    >>> fitted = [GaussianMutualInfo().fit(X, y), KSGMutualInfo(random_state=0).fit(X, y)]
    >>> display = EstimateComparisonDisplay.from_estimators(fitted, truth=task.mutual_information)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['GaussianMutualInfo', 'KSGMutualInfo']
    """

    def __init__(
        self,
        names: Sequence[str],
        estimates: ArrayLike,
        intervals: ArrayLike,
        truth: float | None = None,
        confidence: float = 0.95,
    ) -> None:
        self.names = names
        self.estimates = estimates
        self.intervals = intervals
        self.truth = truth
        self.confidence = confidence

    @classmethod
    def from_estimators(
        cls,
        estimators: Sequence[BaseMutualInfo] | Mapping[str, BaseMutualInfo],
        *,
        truth: float | None = None,
        confidence: float = 0.95,
        ax: Axes | None = None,
        units: str = "nats",
    ) -> Self:
        """Draw what fitted estimators found.

        They should be of the same samples: differences of estimates from other samples are mostly
        those of the samples.

        Parameters
        ----------
        estimators : sequence or dict of estimators of mutual information
            Fitted; the keys of a dict are their names, which otherwise are those of the classes.
        truth : float, default=None
            What is known to be right, in nats: a line.
        confidence : float, default=0.95
            Coverage of the intervals, between 0 and 1.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values, that of `truth` too, are always in nats.

        Returns
        -------
        EstimateComparisonDisplay
            Drawn already.

        Raises
        ------
        TypeError
            If there is one that is not in a list.
        ValueError
            If there are no estimators.

        See Also
        --------
        plot : Draws it again.
        sklearn_mmg.inspection.paired_difference : Whether two of them differ beyond chance.

        Examples
        --------
        >>> from sklearn_mmg import EstimateComparisonDisplay, GaussianMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> names = {"normal": GaussianMutualInfo().fit(X, y)}
        >>> display = EstimateComparisonDisplay.from_estimators(names, confidence=0.9)
        >>> display.ax_.get_yticklabels()[0].get_text()
        'normal'
        """
        if isinstance(estimators, BaseEstimator):
            raise TypeError(
                "estimators must be a sequence or a dict of fitted estimators. Got "
                f"{estimators!r} instead: put it in a list."
            )
        pairs = (
            list(estimators.items())
            if isinstance(estimators, Mapping)
            else [(type(estimator).__name__, estimator) for estimator in estimators]
        )
        if not pairs:
            raise ValueError("estimators is empty: there is nothing to compare.")
        for _, estimator in pairs:
            check_is_fitted(estimator)
        display = cls(
            [name for name, _ in pairs],
            [estimator.mutual_info_ for _, estimator in pairs],
            [estimator.mutual_info_interval(confidence) for _, estimator in pairs],
            truth,
            confidence,
        )
        return display.plot(ax=ax, units=units)

    def plot(self, *, ax: Axes | None = None, units: str = "nats") -> Self:
        """Draw the display.

        For other axes or units, or after a change of what the display holds:
        :meth:`from_estimators` has drawn it once.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        EstimateComparisonDisplay
            The display itself, with ``figure_`` and ``ax_``.

        See Also
        --------
        from_estimators : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import EstimateComparisonDisplay, GaussianMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> names = {"normal": GaussianMutualInfo().fit(X, y)}
        >>> display = EstimateComparisonDisplay.from_estimators(names, confidence=0.9)
        >>> display.plot(ax=display.ax_, units="bits").ax_.get_xlabel()
        'mutual information (bits)'
        """
        per_nat, n = in_units(units), len(self.names)
        self.ax_ = ax = axes_or_new(ax, (7.0, 1.2 + 0.4 * n))
        self.figure_ = ax.figure
        values = per_nat * np.asarray(self.estimates, dtype=float)
        low, high = per_nat * np.asarray(self.intervals, dtype=float).T
        places, finite = np.arange(n), np.isfinite(values)
        label = f"estimate, {100 * self.confidence:g} % interval"
        # An estimate below zero is below its interval, which is not.
        ax.hlines(places[finite], low[finite], high[finite], color=BLUE, label=label)
        ax.plot(values[finite], places[finite], "o", color=BLUE)
        for place in places[~finite]:
            ax.annotate(
                "infinite →",
                (1.0, place),
                xycoords=ax.get_yaxis_transform(),
                ha="right",
                va="center",
                color=BLUE,
            )
        if self.truth is not None:
            ax.axvline(per_nat * self.truth, color=VERMILION, linestyle="--", label="truth")
        ax.set_yticks(places, list(self.names))
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_xlabel(f"mutual information ({units})")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
        return self
