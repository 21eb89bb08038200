"""Pictures of the training of networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._core.training import STEPS_PER_EPOCH
from sklearn_mmg._units import in_units
from sklearn_mmg.plotting._axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sklearn_mmg._core.cross_fitted import CrossFitted

LOSSES = {"train_loss": ("-", "training"), "valid_loss": ("--", "held-out rows")}


class TrainingHistoryDisplay:
    """Losses of the training of networks against its steps, one line per training.

    Losses of :class:`~sklearn_mmg.MMGMutualInfo` are relative to the closed form that a training
    starts from: below 0 there is something that the closed form does not have. Those of a lower
    bound are its negative. A held-out loss that rises while that of training falls is overfitting,
    which the reading of earlier weights undoes; one that still falls at the end asks for more
    steps.

    Parameters
    ----------
    history : list of list of dict
        ``history_`` of a fitted estimator: a row per 20 steps, for every training.
    n_steps : int
        Most steps that a training took; the last row may be of fewer than 20.
    of : {"", " per column"}, default=""
        What the losses are of, for the label.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    MMSECurveDisplay : What the denoisers learned.
    ReliabilityDisplay : Whether more steps would change the estimate.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import MMGMutualInfo, TrainingHistoryDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 1))
    >>> y = X[:, 0] + rng.normal(size=300)
    >>> mmg = MMGMutualInfo(n_steps=60, cv=0.3, random_state=0).fit(X, y)
    >>> TrainingHistoryDisplay.from_estimator(mmg).ax_.get_ylabel()
    'loss (nats)'
    """

    def __init__(
        self, history: Sequence[Sequence[dict[str, float]]], n_steps: int, of: str = ""
    ) -> None:
        self.history = history
        self.n_steps = n_steps
        self.of = of

    @classmethod
    def from_estimator(
        cls, estimator: CrossFitted, *, ax: Axes | None = None, units: str = "nats"
    ) -> Self:
        """Draw the losses of a fitted estimator.

        Every fold has a training, and a line of its own.

        Parameters
        ----------
        estimator : estimator that trains networks
            Fitted, with ``history_``.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        TrainingHistoryDisplay
            Drawn already.

        Raises
        ------
        ValueError
            If the estimator trains no networks, or this fit needed none.

        See Also
        --------
        plot : Draws it again.

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo, TrainingHistoryDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(300, random_state=0)
        >>> mmg = MMGMutualInfo(n_steps=40, cv=0.3, random_state=0).fit(X, y)
        >>> TrainingHistoryDisplay.from_estimator(mmg).ax_.get_ylabel()
        'loss (nats)'
        """
        from sklearn_mmg.mmg._densities import CrossFittedDensities

        check_is_fitted(estimator)
        if not hasattr(estimator, "history_"):
            raise ValueError(f"{type(estimator).__name__} has no history_: it trains no networks.")
        of = " per column" if isinstance(estimator, CrossFittedDensities) else ""
        return cls(estimator.history_, estimator.n_iter_, of).plot(ax=ax, units=units)

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
        TrainingHistoryDisplay
            The display itself, with ``figure_`` and ``ax_``.

        Raises
        ------
        ValueError
            If there are no losses.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import TrainingHistoryDisplay
        >>> training = [{"epoch": 1, "train_loss": 0.0}, {"epoch": 2, "train_loss": -0.2}]
        >>> TrainingHistoryDisplay([training], n_steps=40).plot(units="bits").ax_.get_ylabel()
        'loss (bits)'
        """
        per_nat = in_units(units)
        losses = [
            (k, name, np.array([[r["epoch"], r[name]] for r in rows if name in r]).reshape(-1, 2).T)
            for k, rows in enumerate(self.history)
            for name in LOSSES
        ]
        losses = [(k, name, drawn) for k, name, drawn in losses if drawn.size]
        if not losses:
            raise ValueError("There are no losses to draw: no network was needed, or trained long.")
        self.ax_ = ax = axes_or_new(ax, (6.5, 4.0))
        self.figure_ = ax.figure
        n = len(self.history)
        for k, name, (epochs, values) in losses:
            style, label = LOSSES[name]
            ax.plot(
                np.minimum(epochs * STEPS_PER_EPOCH, self.n_steps),
                per_nat * values,
                style,
                color=_colour(k, n),
                marker="." if len(values) < 3 else None,
                label=f"{label}, network {k + 1}" if n > 1 else label,
            )
        ax.axhline(0.0, color="0.5", linewidth=0.8)
        ax.set_xlabel("step")
        ax.set_ylabel(f"loss ({units}{self.of})")
        ax.set_title(f"Training of {n} networks" if n > 1 else "Training")
        if len(losses) <= 10:
            ax.legend(fontsize="small")
        return self


def _colour(k: int, n: int) -> tuple[float, float, float, float]:
    """One of `n` colours that differ in lightness, the lightest still seen on white."""
    from matplotlib import colormaps

    return colormaps["viridis"](0.85 * k / max(n - 1, 1))
