"""Pictures of what columns tell of a target, and of their selection."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._core.folds import held_out_samples
from sklearn_mmg._feature_groups import Features, column_index
from sklearn_mmg._tables import read_table, require_one_column
from sklearn_mmg._units import in_units
from sklearn_mmg.plotting._axes import MOST_CLASSES, axes_or_new, places_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sklearn_mmg.feature_selection import SequentialMutualInfoSelector, SubsetMutualInfo
    from sklearn_mmg.feature_selection._subset import ShapleyValues

BAND = 1.96  # standard errors


def _label(name: object) -> str:
    """What a picture calls a column, or a group of them."""
    return f"column {name}" if isinstance(name, Integral) else str(name)


class SelectionPathDisplay:
    """Mutual information of the target with ever more selected columns.

    The curve is flat where columns add nothing; steps that take two columns, such as an exclusive
    or, stay at zero until the second one.

    Parameters
    ----------
    names : list of str
        Of the selected columns, in order.
    mutual_information, standard_errors : ndarray of shape (len(names) + 1,)
        From no column to all of these, in nats.
    whole : float, default=None
        Mutual information with all columns.
    rejected : tuple of (str, float, float), default=None
        Name, gain in nats and p-value of the column at which the selection ended.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    SequentialMutualInfoSelector : Selects the columns.
    ColumnInformationDisplay : Gains beside Shapley values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import SelectionPathDisplay
    >>> from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
    >>> X = np.random.default_rng(0).choice([-1, 1], size=(500, 3))
    >>> selector = SequentialMutualInfoSelector(SubsetMutualInfo(cv=0.3), random_state=0)
    >>> selector = selector.fit(X, X[:, 0] * X[:, 2])
    >>> display = SelectionPathDisplay.from_estimator(selector)
    >>> [label.get_text() for label in display.ax_.get_xticklabels()][0]
    'nothing'
    """

    def __init__(
        self,
        names: list[str],
        mutual_information: np.ndarray,
        standard_errors: np.ndarray,
        whole: float | None = None,
        rejected: tuple[str, float, float] | None = None,
    ) -> None:
        self.names = names
        self.mutual_information = mutual_information
        self.standard_errors = standard_errors
        self.whole = whole
        self.rejected = rejected

    @classmethod
    def from_estimator(
        cls, selector: SequentialMutualInfoSelector, *, ax: Axes | None = None, units: str = "nats"
    ) -> Self:
        """Draw the path of a fitted selector.

        The column at which the selection ended is drawn too, where a test ended it.

        Parameters
        ----------
        selector : SequentialMutualInfoSelector
            Fitted.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        SelectionPathDisplay
            Drawn already.

        See Also
        --------
        plot : Draws it again.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SelectionPathDisplay
        >>> from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3)
        >>> selector = SequentialMutualInfoSelector(subsets, random_state=0)
        >>> selector = selector.fit(X, X[:, 0] + X[:, 2] ** 3)
        >>> display = SelectionPathDisplay.from_estimator(selector)
        >>> display.ax_.get_xticklabels()[0].get_text()
        'nothing'
        """
        check_is_fitted(selector)
        rejected = None
        if selector.direction != "backward" and selector.rejected_ is not None:
            j = selector.estimator_.groups_[selector.rejected_][0]
            gain, p_value = float(selector.scores_[j]), float(selector.pvalues_[j])
            rejected = _label(selector.rejected_), gain, p_value
        display = cls(
            [_label(name) for name in selector.path_],
            selector.mutual_information_path_,
            selector.mutual_information_path_se_,
            selector.estimator_.mutual_info_,
            rejected,
        )
        return display.plot(ax=ax, units=units)

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
        SelectionPathDisplay
            The display itself, with ``figure_`` and ``ax_``.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import SelectionPathDisplay
        >>> display = SelectionPathDisplay(["age", "dose"], [0.0, 0.3, 0.5], [0.0, 0.02, 0.02])
        >>> [label.get_text() for label in display.plot().ax_.get_xticklabels()]
        ['nothing', 'age', 'dose']
        """
        n = len(self.names)
        self.ax_ = ax = axes_or_new(ax, (max(5.0, 2.5 + 0.45 * n), 4.5))
        self.figure_ = ax.figure
        per_nat = in_units(units)
        values, errors = (
            per_nat * np.asarray(a) for a in (self.mutual_information, self.standard_errors)
        )
        places = np.arange(n + 1)
        low, high = values - BAND * errors, values + BAND * errors
        ax.fill_between(places, low, high, color="C0", alpha=0.2, label="95 % interval")
        ax.plot(places, values, "o-", color="C0", label="selected")
        labels = ["nothing", *self.names]
        if self.rejected is not None:
            name, gain, p_value = self.rejected
            ends = [values[-1], values[-1] + per_nat * gain]
            told = f"ends here: the next has p = {p_value:.2g}"
            ax.plot([n, n + 1], ends, ":", color="0.5")
            ax.plot(n + 1, ends[1], "o", color="0.5", markerfacecolor="white", label=told)
            labels.append(name)
        if self.whole is not None and np.isfinite(self.whole):
            ax.axhline(
                per_nat * self.whole, color="C1", linestyle="--", linewidth=1, label="all columns"
            )
        ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
        ax.set(
            ylabel=f"mutual information ({units})", title="What the selected columns tell together"
        )
        ax.set_ylim(bottom=min(0.0, float(low.min())))
        ax.legend(loc="lower right")
        return self


class ColumnInformationDisplay:
    """What columns added when they were selected, beside their Shapley values.

    A column that is redundant with one before it adds little and has a share of what both tell; one
    that tells something only with others adds little when it is the first of them.

    Parameters
    ----------
    names : list of str
        Of the columns, or of groups of them, from top to bottom.
    gains : ndarray of shape (n_columns,)
        In nats; NaN for a column that was not selected.
    shares, standard_errors : ndarray of shape (n_columns,)
        Shapley values, in nats.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    SelectionPathDisplay : The sums of the gains.
    SubsetMutualInfo.information_shapley : The shares.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import ColumnInformationDisplay
    >>> from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
    >>> X = np.random.default_rng(0).choice([-1, 1], size=(500, 3))
    >>> selector = SequentialMutualInfoSelector(SubsetMutualInfo(cv=0.3), random_state=0)
    >>> selector = selector.fit(X, X[:, 0] * X[:, 2])
    >>> display = ColumnInformationDisplay.from_estimator(selector, random_state=0)
    >>> display.ax_.get_xlabel()
    'nats'
    """

    def __init__(
        self,
        names: list[str],
        gains: np.ndarray,
        shares: np.ndarray,
        standard_errors: np.ndarray,
    ) -> None:
        self.names = names
        self.gains = gains
        self.shares = shares
        self.standard_errors = standard_errors

    @classmethod
    def from_estimator(
        cls,
        selector: SequentialMutualInfoSelector,
        *,
        n_columns: int = 20,
        n_permutations: int = 16,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
        units: str = "nats",
    ) -> Self:
        """Compute Shapley values and draw them.

        The shares take an evaluation of the network for every column and order, the gains are those
        of the selection.

        Parameters
        ----------
        selector : SequentialMutualInfoSelector
            Fitted.
        n_columns : int, default=20
            How many of them, or of groups, by the ranking.
        n_permutations : int, default=16
            Orders behind the Shapley values.
        random_state : int, RandomState instance or None, default=None
            Of these.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        ColumnInformationDisplay
            Drawn already.

        See Also
        --------
        plot : Draws it again.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import ColumnInformationDisplay
        >>> from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, n_nodes=4)
        >>> selector = SequentialMutualInfoSelector(subsets, random_state=0)
        >>> selector = selector.fit(X, X[:, 0] + X[:, 2] ** 3)
        >>> display = ColumnInformationDisplay.from_estimator(selector, n_permutations=2)
        >>> len(display.names)
        3
        """
        check_is_fitted(selector)
        shapley: ShapleyValues = selector.estimator_.information_shapley(
            n_permutations=n_permutations, random_state=random_state
        )
        groups = selector.estimator_.groups_
        first = np.array([columns[0] for columns in groups.values()])
        order = np.argsort(selector.ranking_[first], kind="stable")[:n_columns]
        names = list(groups)
        gains = np.full(len(names), np.nan)
        path = [names.index(name) for name in selector.path_]
        gains[path] = np.diff(selector.mutual_information_path_)
        display = cls(
            [_label(names[i]) for i in order],
            gains[order],
            shapley.values[order],
            shapley.standard_errors[order],
        )
        return display.plot(ax=ax, units=units)

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
        ColumnInformationDisplay
            The display itself, with ``figure_`` and ``ax_``.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import ColumnInformationDisplay
        >>> gains, shares, errors = np.array([[0.3, 0.2], [0.25, 0.25], [0.02, 0.02]])
        >>> display = ColumnInformationDisplay(["age", "dose"], gains, shares, errors)
        >>> display.plot(units="bits").ax_.get_xlabel()
        'bits'
        """
        n = len(self.names)
        self.ax_ = ax = axes_or_new(ax, (6.5, 1.5 + 0.32 * n))
        self.figure_ = ax.figure
        places = np.arange(n)
        per_nat = in_units(units)
        errors = BAND * per_nat * np.asarray(self.standard_errors)
        ax.barh(
            places,
            per_nat * np.asarray(self.shares),
            xerr=errors,
            color="C0",
            alpha=0.5,
            error_kw={"ecolor": "C0", "capsize": 2},
            label="Shapley value, 95 % interval",
        )
        ax.plot(
            per_nat * np.asarray(self.gains), places, "D", color="C1", label="gain when selected"
        )
        ax.axvline(0.0, color="0.5", linewidth=0.8)
        ax.set_yticks(places, self.names)
        ax.invert_yaxis()
        ax.set(xlabel=units, title="What every column tells of the target")
        ax.legend(loc="lower right")
        return self


class PointwiseContributionDisplay:
    """What a column adds, sample by sample, to what others tell of the target.

    Samples above zero are those that the column makes likelier.

    Parameters
    ----------
    name : str
        Of the column.
    values : ndarray of shape (n_samples,)
        Of the column; names of classes, if it is discrete.
    contributions : ndarray of shape (n_samples,)
        In nats.
    target : ndarray of shape (n_samples,)
        By which samples are coloured: numbers, or names of classes.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    PointwiseInformationDisplay : All columns together, with any estimator.
    SubsetMutualInfo.pointwise_mi : The values, of any subset.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import PointwiseContributionDisplay, SubsetMutualInfo
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> y = X[:, 0] + rng.normal(size=500)
    >>> subsets = SubsetMutualInfo(n_steps=50, random_state=0).fit(X, y)
    >>> display = PointwiseContributionDisplay.from_estimator(subsets, X, y, 0)
    >>> display.ax_.get_xlabel()
    'column 0'
    """

    def __init__(
        self,
        name: str,
        values: np.ndarray,
        contributions: np.ndarray,
        target: np.ndarray,
    ) -> None:
        self.name = name
        self.values = values
        self.contributions = contributions
        self.target = target

    @classmethod
    def from_estimator(
        cls,
        subsets: SubsetMutualInfo,
        X: ArrayLike,
        y: ArrayLike,
        feature: int | str,
        *,
        given: Features | None = None,
        ax: Axes | None = None,
        units: str = "nats",
    ) -> Self:
        """Draw the contributions of a column to the fitted sample.

        Every sample is evaluated by a network that did not see it.

        Parameters
        ----------
        subsets : SubsetMutualInfo
            Fitted.
        X : array-like or data frame of shape (n_samples, n_features)
            The columns that it is fitted on.
        y : array-like of shape (n_samples,)
            The target that it is fitted on.
        feature : int or str
            A column, by index or name.
        given : int, str or list of them, default=None
            What is known already; None is all other columns.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        PointwiseContributionDisplay
            Drawn already.

        Raises
        ------
        ValueError
            If `X` has another number of samples than the fitted one, or `y` several columns.

        See Also
        --------
        plot : Draws it again.
        SubsetMutualInfo.conditional_mutual_info : The mean of what is drawn.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import PointwiseContributionDisplay, SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(300, 2))
        >>> y = X[:, 0] + rng.normal(size=300)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> display = PointwiseContributionDisplay.from_estimator(subsets, X, y, 0, given=[])
        >>> display.contributions.shape  # of the samples that are held out
        (90,)
        """
        check_is_fitted(subsets)
        table = read_table(X, "X")
        columns, target = table.values, read_table(y, "y").values
        n_fitted = len(subsets._blocks[0])
        if not len(columns) == len(target) == n_fitted:
            raise ValueError(
                f"X and y must be those of fit, which had {n_fitted} samples. Got "
                f"{len(columns)} and {len(target)}."
            )
        require_one_column(target)
        own = subsets._mask(feature)
        known = ~own if given is None else subsets._mask(given) & ~own
        both, fewer = subsets._pointwise(np.array([known | own, known]))
        rows = held_out_samples(subsets._splits)
        j = column_index(feature, subsets.n_features_in_, subsets._names)
        values = columns[rows, j] if table.discrete[j] else columns[rows, j].astype(float)
        display = cls(_label(feature), values, both - fewer, np.asarray(y).reshape(n_fitted)[rows])
        return display.plot(ax=ax, units=units)

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
        PointwiseContributionDisplay
            The display itself, with ``figure_`` and ``ax_``.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import PointwiseContributionDisplay
        >>> dose = np.linspace(0.0, 1.0, 5)
        >>> display = PointwiseContributionDisplay("dose", dose, dose - 0.3, dose**2)
        >>> display.plot().ax_.get_xlabel()
        'dose'
        """
        self.ax_ = ax = axes_or_new(ax, (7.0, 4.5))
        self.figure_ = ax.figure
        places = places_of(self.values, ax)
        values = in_units(units) * np.asarray(self.contributions)
        target = np.asarray(self.target)
        style = {"s": 8, "alpha": 0.6, "linewidths": 0}
        classes = np.unique(target)
        if len(classes) <= MOST_CLASSES:
            for label in classes:
                of_class = target == label
                ax.scatter(places[of_class], values[of_class], label=label, **style)
            ax.legend(title="target", markerscale=2)
        elif target.dtype.kind in "OUSb":
            ax.scatter(places, values, **style)
        else:
            points = ax.scatter(places, values, c=target.astype(float), **style)
            ax.figure.colorbar(points, ax=ax, label="target")
        mean = float(np.mean(values))
        ax.axhline(0.0, color="0.5", linewidth=0.8)
        ax.axhline(mean, color="black", linestyle="--", linewidth=1)
        ax.set(
            xlabel=self.name,
            ylabel=f"contribution ({units})",
            title=f"What {self.name} adds to every sample: {mean:.3f} {units} on average",
        )
        return self
