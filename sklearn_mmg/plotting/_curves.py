"""Pictures of error curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._units import in_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sklearn_mmg.base import BaseMutualInfo
    from sklearn_mmg.diffusion.terms import ErrorCurves


class MMSECurveDisplay:
    """The two error curves, their gap and the sampling density over log-SNR.

    The area between the error curves is twice the mutual information.

    Parameters
    ----------
    curves : ErrorCurves
        ``mmse_curves_`` of a fitted :class:`~sklearn_mmg.MMGMutualInfo`.
    mutual_info : float
        Estimate for the title, in nats.
    standard_error : float
        Its standard error.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (3,)

    See Also
    --------
    ReliabilityDisplay : Whether the estimate is to be believed.
    TrainingHistoryDisplay : Losses of the training.
    mutual_info_from_denoisers : Curves of other denoisers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import MMGMutualInfo, MMSECurveDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 1))
    >>> y = X[:, 0] + rng.normal(size=300)
    >>> mmg = MMGMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
    >>> MMSECurveDisplay.from_estimator(mmg).axes_[2].get_xlabel()
    'log-SNR'
    """

    def __init__(self, *, curves: ErrorCurves, mutual_info: float, standard_error: float) -> None:
        self.curves = curves
        self.mutual_info = mutual_info
        self.standard_error = standard_error

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMutualInfo,
        *,
        axes: Sequence[Axes] | np.ndarray | None = None,
        units: str = "nats",
    ) -> Self:
        """Draw the curves of a fitted estimator.

        Curves that touch everywhere are those of independent sides. A gap that reaches the end of
        the axis is cut off there, and the estimate is too low.

        Parameters
        ----------
        estimator : MMGMutualInfo
            Fitted estimator.
        axes : sequence of three matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        MMSECurveDisplay
            Drawn already.

        Raises
        ------
        ValueError
            If the estimator has no curves: another one than :class:`MMGMutualInfo`, or one whose
            denoisers have none.

        See Also
        --------
        plot : Draws it again.
        sklearn_mmg.ResidualScaleSampler : Sets where the axis ends.

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo, MMSECurveDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(300, random_state=0)
        >>> mmg = MMGMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> display = MMSECurveDisplay.from_estimator(mmg)
        >>> display.axes_.shape
        (3,)
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "mmse_curves_"):
            raise ValueError(
                "Only a fitted MMGMutualInfo has error curves. "
                f"Got {type(estimator).__name__} instead."
            )
        curves: ErrorCurves | None = getattr(estimator, "mmse_curves_", None)
        if curves is None:
            raise ValueError(
                "This estimator has no curves: one side is constant or determines the other, or "
                "several discrete columns were denoised."
            )
        display = cls(
            curves=curves,
            mutual_info=estimator.mutual_info_,
            standard_error=estimator.mutual_info_se_,
        )
        return display.plot(axes=axes, units=units)

    def plot(self, *, axes: Sequence[Axes] | np.ndarray | None = None, units: str = "nats") -> Self:
        """Draw the display.

        For other axes or units, or after a change of what the display holds: :meth:`from_estimator`
        has drawn it once.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, default=None
            Where to draw; None makes a figure.
        units : {"nats", "bits"}, default="nats"
            Of what is drawn; values are always in nats.

        Returns
        -------
        MMSECurveDisplay
            The display itself, with ``figure_`` and ``axes_``.

        See Also
        --------
        from_estimator : Computes what is drawn, and draws it.

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo, MMSECurveDisplay
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(300, random_state=0)
        >>> mmg = MMGMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> display = MMSECurveDisplay.from_estimator(mmg)
        >>> display.plot(axes=display.axes_, units="bits").axes_ is not None
        True
        """
        per_nat = in_units(units)
        area = "half the shaded area" if units == "nats" else "half the shaded area / log(2)"
        if axes is None:
            import matplotlib.pyplot as plt

            _, drawn = plt.subplots(
                3, 1, figsize=(7, 7), sharex=True, height_ratios=(3, 2, 1), layout="constrained"
            )
            axes = np.asarray(drawn)
        errors, gaps, density = self.axes_ = axes
        self.figure_ = errors.figure
        c = self.curves

        errors.plot(c.logsnr, c.mmse_unconditional, label="unconditional", color="C0")
        errors.plot(c.logsnr, c.mmse_conditional, label="conditional", color="C1")
        errors.fill_between(
            c.logsnr, c.mmse_conditional, c.mmse_unconditional, color="0.85", label="gap"
        )
        errors.set_ylabel("denoising error\n(noise units)")
        errors.set_title(
            f"Mutual information {per_nat * self.mutual_info:.3f} ± "
            f"{per_nat * self.standard_error:.3f} {units}: {area}"
        )
        errors.legend()

        gaps.axhline(0.0, color="0.7", linewidth=0.8)
        gaps.plot(c.logsnr, c.gap, label="gap of errors", color="C2")
        gaps.plot(c.logsnr, c.orthogonal_gap, "--", label="squared difference", color="C3")
        gaps.set_ylabel("integrand")
        gaps.legend()

        density.fill_between(c.logsnr, c.density, color="C4", alpha=0.4)
        density.set_ylim(bottom=0)
        density.set_ylabel("sampling\ndensity")
        density.set_xlabel("log-SNR")
        return self
