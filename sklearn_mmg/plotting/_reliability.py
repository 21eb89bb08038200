"""Pictures of refits of an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_mmg._units import in_units
from sklearn_mmg.plotting._axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sklearn_mmg.base import BaseMutualInfo
    from sklearn_mmg.inspection._verdict import Reliability

COLOURS = {"stable": "C2", "still rising": "C1", "unstable": "C3"}


class ReliabilityDisplay:
    """An estimate, its interval, and what refits make of it.

    Points are estimates with 95 % intervals, in order: as it is, with fewer samples, and by other
    parameters. The band is the interval of the first. Refits that share samples differ by less
    than their intervals: the verdict, in the title, is from changes on common samples.

    Parameters
    ----------
    result : Reliability
        Of :func:`~sklearn_mmg.inspection.check_reliability`.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn_mmg.inspection.check_reliability : The refits, and the verdict.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import GaussianMutualInfo, ReliabilityDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> y = X[:, 0] + rng.normal(size=500)
    >>> display = ReliabilityDisplay.from_estimator(GaussianMutualInfo(), X, y, random_state=0)
    >>> display.ax_.get_title()
    'GaussianMutualInfo: stable'
    """

    def __init__(self, result: Reliability) -> None:
        self.result = result

    @classmethod
    def from_result(
        cls, result: Reliability, *, ax: Axes | None = None, units: str = "nats"
    ) -> Self:
        """Draw a result.

        The refits are done: for a result that was printed, or kept, before.

        Parameters
        ----------
        result : Reliability
            Of :func:`~sklearn_mmg.inspection.check_reliability`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        ReliabilityDisplay
            Drawn already.

        Raises
        ------
        TypeError
            If `result` is an estimator.

        See Also
        --------
        from_estimator : Refits as well.
        plot : Draws it again.

        Examples
        --------
        >>> from sklearn_mmg import GaussianMutualInfo, ReliabilityDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> from sklearn_mmg.inspection import check_reliability
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> result = check_reliability(GaussianMutualInfo(), X, y, random_state=0)
        >>> ReliabilityDisplay.from_result(result).ax_.get_title()
        'GaussianMutualInfo: stable'
        """
        if isinstance(result, BaseEstimator):
            raise TypeError(
                f"result must be what check_reliability returns. Got {result!r} instead: pass it "
                "with X and y to from_estimator."
            )
        return cls(result).plot(ax=ax, units=units)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMutualInfo,
        X: ArrayLike,
        y: ArrayLike,
        *,
        ax: Axes | None = None,
        units: str = "nats",
        **parameters: Any,
    ) -> Self:
        """Refit an estimator, and draw what comes out.

        It takes as long as five fits, as :func:`~sklearn_mmg.inspection.check_reliability` does.

        Parameters
        ----------
        estimator : estimator of mutual information
            Fitted or not.
        X : array-like of shape (n_samples, n_features)
            One block.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.
        **parameters : dict
            For :func:`~sklearn_mmg.inspection.check_reliability`.

        Returns
        -------
        ReliabilityDisplay
            Drawn already.

        See Also
        --------
        from_result : Draws refits that are done.
        plot : Draws it again.

        Examples
        --------
        >>> from sklearn_mmg import GaussianMutualInfo, ReliabilityDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> display = ReliabilityDisplay.from_estimator(GaussianMutualInfo(), X, y, random_state=0)
        >>> display.ax_.get_title()
        'GaussianMutualInfo: stable'
        """
        from sklearn_mmg.inspection import check_reliability

        return cls.from_result(check_reliability(estimator, X, y, **parameters), ax=ax, units=units)

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
        ReliabilityDisplay
            The display itself, with ``figure_`` and ``ax_``.

        Raises
        ------
        ValueError
            If the estimate is infinite.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import GaussianMutualInfo, ReliabilityDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> from sklearn_mmg.inspection import check_reliability
        >>> X, y = JointNormal.sparse().sample(500, random_state=0)
        >>> result = check_reliability(GaussianMutualInfo(), X, y, random_state=0)
        >>> display = ReliabilityDisplay.from_result(result)
        >>> display.plot(ax=display.ax_, units="bits").ax_.get_xlabel()
        'mutual information (bits)'
        """
        refits = self.result.refits
        values = np.array([refit.mutual_info for refit in refits])
        if np.isinf(values[0]):
            raise ValueError("The estimate is infinite: there is nothing to draw.")
        self.ax_ = ax = axes_or_new(ax, (7.0, 0.9 + 0.5 * len(refits)))
        self.figure_ = ax.figure
        values = values * in_units(units)
        places = np.arange(len(refits))
        low, high = np.array([refit.interval for refit in refits]).T * in_units(units)
        colour = COLOURS[self.result.verdict]
        ax.axvspan(low[0], high[0], color="0.9", zorder=0)
        ax.axvline(values[0], color="0.6", linewidth=0.8)
        shown = np.isfinite(values)
        errors = np.abs([values - low, high - values])[:, shown]
        ax.errorbar(values[shown], places[shown], xerr=errors, fmt="o", capsize=3, color=colour)
        names = [f"{refit.name}\n({refit.n_samples:,} samples)" for refit in refits]
        ax.set_yticks(places, names)
        ax.set_ylim(len(refits) - 0.5, -0.5)
        ax.set_xlabel(f"mutual information ({units})")
        ax.set_title(f"{self.result.estimator}: {self.result.verdict}")
        return self
