"""Densities over log-SNR from which training and evaluation draw.

A sampler is a small parameter object, so that a grid search reaches its fields; its
``distribution`` method returns the frozen density for one data set.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from sklearn_mmg._documentation import DocumentedEstimator

ANY_REAL = [Interval(Real, None, None, closed="neither")]
POSITIVE_REAL = [Interval(Real, 0, None, closed="neither")]


@dataclass(frozen=True)
class LogSNRDistribution:
    """A density over log-SNR, tabulated so that any shape has an inverse.

    Attributes
    ----------
    grid : ndarray of shape (n_grid,)
        Increasing log-SNR values; the support is from the first to the last.
    density : ndarray of shape (n_grid,)
        Normalised density at ``grid``.
    cdf : ndarray of shape (n_grid,)
        Its cumulative integral, from 0 to 1.
    """

    grid: np.ndarray
    density: np.ndarray
    cdf: np.ndarray

    @classmethod
    def from_shape(
        cls, shape: Callable[[np.ndarray], np.ndarray], low: float, high: float, n_grid: int = 2049
    ) -> Self:
        """Normalise the callable ``shape`` over ``[low, high]``."""
        grid = np.linspace(low, high, n_grid)
        values = shape(grid)
        cells = 0.5 * (values[1:] + values[:-1]) * np.diff(grid)
        cdf = np.concatenate([[0.0], np.cumsum(cells)])
        return cls(grid, values / cdf[-1], cdf / cdf[-1])

    def between(self, low: float | None, high: float | None) -> Self:
        """The same density where log-SNR is between `low` and `high`; None leaves an end as it is.

        Raises
        ------
        ValueError
            If nothing of the support is left.
        """
        if low is None and high is None:
            return self
        first, last = float(self.grid[0]), float(self.grid[-1])
        low, high = first if low is None else low, last if high is None else high
        if max(low, first) >= min(high, last):
            raise ValueError(
                f"No log-SNR is left between {low:g} and {high:g}: the sampler has those from "
                f"{first:g} to {last:g}. Change the limits or the sampler."
            )
        return self.from_shape(self.pdf, max(low, first), min(high, last))

    def ppf(self, u: Sequence[float] | np.ndarray) -> np.ndarray:
        """Quantiles of the uniform values ``u``."""
        return np.asarray(np.interp(u, self.cdf, self.grid))

    def quantiles(self) -> np.ndarray:
        """Evenly spaced ones, between which training batches are drawn."""
        return self.ppf(np.linspace(0, 1, 4097))

    def pdf(self, logsnr: Sequence[float] | np.ndarray) -> np.ndarray:
        """Density at ``logsnr``, which must lie in the support."""
        return np.asarray(np.interp(logsnr, self.grid, self.density))


class LogSNRSampler(DocumentedEstimator, metaclass=ABCMeta):
    """Base class of the parameter objects; a subclass implements ``distribution``.

    One that ``adapts`` also implements ``adapt``: a pilot is then trained first.
    """

    adapts: ClassVar[bool] = False

    @abstractmethod
    def distribution(self, residual_variance: ArrayLike = (1.0,)) -> LogSNRDistribution:
        """Return the :class:`LogSNRDistribution` for one data set."""

    def adapt(
        self, logsnr: np.ndarray, mmse_conditional: np.ndarray, n_dims: int
    ) -> "LogSNRSampler":
        """Return the sampler that a pilot's conditional error curve asks for: the same one.

        Only samplers that train a pilot change by it. Others are returned as they are, so that all
        are called alike.

        Parameters
        ----------
        logsnr : ndarray of shape (n_nodes,)
            Increasing nodes.
        mmse_conditional : ndarray of shape (n_nodes,)
            Conditional error in noise units, rising from 0 to `n_dims`.
        n_dims : int
            Dimension of the denoised side.

        Returns
        -------
        LogSNRSampler
            The object itself.

        See Also
        --------
        AdaptiveLogisticSampler.adapt : One that changes.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import ResidualScaleSampler
        >>> sampler = ResidualScaleSampler()
        >>> sampler.adapt(np.linspace(-3, 6, 10), np.linspace(0, 1, 10), n_dims=1) is sampler
        True
        """
        return self


def _logistic_shape(loc: float, scale: float) -> Callable[[np.ndarray], np.ndarray]:
    def shape(grid: np.ndarray) -> np.ndarray:
        tail = np.exp(-np.abs(grid - loc) / scale)
        return tail / (1 + tail) ** 2

    return shape


class LogisticSampler(LogSNRSampler):
    """Truncated logistic density over log-SNR, the sampler of the MMG paper.

    Its window is the same for all data: for the paper's numbers, and for denoisers that were
    trained on such a window. :class:`~sklearn_mmg.MMGMutualInfo` takes another one by default.

    Parameters
    ----------
    loc : float, default=2.0
        Centre, in log-SNR. The default is the paper's.
    scale : float, default=3.0
        Scale of the logistic density. The default is the paper's.
    clip : float, default=4.0
        The support is ``loc ± clip * scale``; the paper's value makes it ``[-10, 14]``. A fixed
        support caps large mutual information: see :class:`ResidualScaleSampler`.

    See Also
    --------
    ResidualScaleSampler : The default, whose window follows the data.
    AdaptiveLogisticSampler : The same density, placed by a first training.

    References
    ----------
    Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025, section 4.

    Examples
    --------
    >>> from sklearn_mmg import LogisticSampler
    >>> LogisticSampler().distribution().ppf([0.0, 0.5, 1.0]).round(6)
    array([-10.,   2.,  14.])
    """

    _parameter_constraints = {"loc": ANY_REAL, "scale": POSITIVE_REAL, "clip": POSITIVE_REAL}

    def __init__(self, loc: float = 2.0, scale: float = 3.0, clip: float = 4.0) -> None:
        self.loc = loc
        self.scale = scale
        self.clip = clip

    def distribution(self, residual_variance: ArrayLike | None = None) -> LogSNRDistribution:
        """Return the density; `residual_variance` is accepted and not used.

        It depends on the parameters alone, not on the data.

        Parameters
        ----------
        residual_variance : array-like, default=None
            Not used, present so that all samplers are called alike.

        Returns
        -------
        LogSNRDistribution
            With ``ppf``, the quantiles, and ``grid``, which spans the support.

        See Also
        --------
        ResidualScaleSampler.distribution : A density that follows the data.

        Examples
        --------
        >>> from sklearn_mmg import LogisticSampler
        >>> LogisticSampler(loc=0.0, scale=1.0).distribution().ppf([0.0, 1.0]).round(6)
        array([-4.,  4.])
        """
        self._validate_params()
        half = self.clip * self.scale
        return LogSNRDistribution.from_shape(
            _logistic_shape(self.loc, self.scale), self.loc - half, self.loc + half
        )


class AdaptiveLogisticSampler(LogisticSampler):
    """Two-stage sampler of the MMG paper: a pilot model says where the logistic goes.

    A pilot model is trained with the starting density. Where its conditional error, in noise
    units, crosses half the dimension is the new location; the distance to where it crosses a
    quarter of the dimension gives the new scale, exact when that error is a logistic curve. The
    final model is trained with the new density, at twice the cost.

    Parameters
    ----------
    loc : float, default=2.0
        Centre of the pilot's density, in log-SNR.
    scale : float, default=3.0
        Scale of the pilot's density.
    clip : float, default=4.0
        Half-width of the support in scales, for the pilot and after.

    See Also
    --------
    LogisticSampler : What it starts from, at half the cost.
    ResidualScaleSampler : Follows the data without a first training.

    References
    ----------
    Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import AdaptiveLogisticSampler
    >>> logsnr = np.linspace(-10, 14, 481)
    >>> error = 3 / (1 + np.exp(-(logsnr - 4.0) / 1.5))  # three dimensions
    >>> adapted = AdaptiveLogisticSampler().adapt(logsnr, error, n_dims=3)
    >>> round(adapted.loc, 2), round(adapted.scale, 2)
    (4.0, 1.5)
    """

    adapts = True

    def adapt(
        self, logsnr: np.ndarray, mmse_conditional: np.ndarray, n_dims: int
    ) -> LogisticSampler:
        """Return the logistic sampler that fits a pilot's conditional error curve.

        The median of a logistic density is where its distribution function is one half, and its
        scale follows from the quartile.

        Parameters
        ----------
        logsnr : ndarray of shape (n_nodes,)
            Increasing nodes.
        mmse_conditional : ndarray of shape (n_nodes,)
            Conditional error in noise units, rising from 0 to `n_dims`.
        n_dims : int
            Dimension of the denoised side.

        Returns
        -------
        LogisticSampler
            With the new location and scale, and the same clip.

        See Also
        --------
        distribution : The density of a sampler.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import AdaptiveLogisticSampler
        >>> logsnr = np.linspace(-10, 14, 481)
        >>> error = 1 / (1 + np.exp(-(logsnr - 5.0) / 2.0))  # one dimension
        >>> adapted = AdaptiveLogisticSampler().adapt(logsnr, error, n_dims=1)
        >>> round(adapted.loc, 2), round(adapted.scale, 2)
        (5.0, 2.0)
        """
        fraction = np.maximum.accumulate(np.asarray(mmse_conditional) / n_dims)
        half, quarter = np.interp([0.5, 0.25], fraction, logsnr)
        # A logistic curve passes 1/4 log(3) scales below its centre; the floor keeps a curve
        # that jumps between two nodes from giving a density of no width.
        scale = max((half - quarter) / np.log(3.0), 0.5)
        return LogisticSampler(loc=float(half), scale=float(scale), clip=self.clip)


class ResidualScaleSampler(LogSNRSampler):
    """Smooth box over log-SNR whose upper end follows the residual scale (the default).

    The gap between the two errors lives between the log-SNR at which the widest component of
    the denoised side emerges from the noise (about 0 after whitening) and the one at which its
    residual given the other side does, ``-log(residual variance)``. A fixed window cuts that
    range off when the dependence is strong: with ``[-10, 14]`` a perfect denoiser still
    measures 13.5 nats for 14.5. The edges are logistic: sharp features of a density, such as the
    ends of a uniform, leave a tail in the integrand that a hard cut would lose.

    Parameters
    ----------
    low : float, default=-3.0
        Lower edge of the box, in log-SNR: below it unit-variance data carry no gap.
    high : float, default=6.0
        Upper edge, in log-SNR above ``-log(residual variance)`` of the narrowest component.
    width : float, default=1.0
        Width of the logistic edges.
    clip : float, default=4.0
        The support reaches `clip` edge widths beyond the box.

    See Also
    --------
    LogisticSampler : A window that does not depend on the data.
    AdaptiveLogisticSampler : A window from a first training.

    Examples
    --------
    >>> from sklearn_mmg import ResidualScaleSampler
    >>> narrow = ResidualScaleSampler().distribution([1e-6])
    >>> wide = ResidualScaleSampler().distribution([1.0])
    >>> bool(narrow.grid[-1] > wide.grid[-1])
    True
    """

    _parameter_constraints = {
        "low": ANY_REAL,
        "high": ANY_REAL,
        "width": POSITIVE_REAL,
        "clip": POSITIVE_REAL,
    }

    def __init__(
        self, low: float = -3.0, high: float = 6.0, width: float = 1.0, clip: float = 4.0
    ) -> None:
        self.low = low
        self.high = high
        self.width = width
        self.clip = clip

    def distribution(self, residual_variance: ArrayLike = (1.0,)) -> LogSNRDistribution:
        """Return the density for one data set.

        The smallest of the variances decides how far up the box reaches.

        Parameters
        ----------
        residual_variance : array-like of shape (n_dims,), default=(1.0,)
            Variance of each whitened component given the other side.

        Returns
        -------
        LogSNRDistribution
            With ``ppf``, the quantiles, and ``grid``, which spans the support.

        See Also
        --------
        LogisticSampler.distribution : A density that does not depend on the data.

        Examples
        --------
        >>> from sklearn_mmg import ResidualScaleSampler
        >>> density = ResidualScaleSampler().distribution([0.5, 1e-3])
        >>> bool(density.ppf(0.0) < -3 and density.ppf(1.0) > 6 - (-6.9))  # log(1e-3) = -6.9
        True
        """
        self._validate_params()
        high = self.high - min(0.0, float(np.log(np.min(residual_variance))))
        if high <= self.low:
            raise ValueError(f"low ({self.low}) must be below high ({self.high}).")

        def shape(grid: np.ndarray) -> np.ndarray:
            rise = 1 / (1 + np.exp(-(grid - self.low) / self.width))
            fall = 1 / (1 + np.exp((grid - high) / self.width))
            return rise * fall

        margin = self.clip * self.width
        return LogSNRDistribution.from_shape(shape, self.low - margin, high + margin)


# The public ones by name, for the message of an error, and what is derived from their base.
SAMPLER_CONSTRAINTS = [
    LogisticSampler,
    AdaptiveLogisticSampler,
    ResidualScaleSampler,
    LogSNRSampler,
    None,
]
