"""What a fit finds, whatever the estimator."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from sklearn.utils.validation import check_consistent_length


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Held-out values, and what their spread does not show.

    Attributes
    ----------
    pointwise : ndarray of shape (n_samples,)
        Values in the order of the samples, whose mean is the estimate, in nats.
    held_out : ndarray of int of shape (n_samples,), default=None
        Which of the fitted samples the values are of; None for all of them.
    influence : ndarray of shape (n_samples,), default=None
        Values whose spread is the sampling error; None for those of `pointwise`.
    clusters : ndarray of int of shape (n_samples,), default=None
        Samples that are not independent of each other have one number.
    hidden_variance : float, default=0.0
        Of the estimate, beyond that spread.
    alternatives : tuple of float, default=()
        Other values of the estimate that an interval has to hold.
    diagnostics : dict of str to object
        Further fitted attributes by name.
    caveats : tuple of str, default=()
        What a user is warned of.
    """

    pointwise: np.ndarray
    held_out: np.ndarray | None = None
    influence: np.ndarray | None = None
    clusters: np.ndarray | None = None
    hidden_variance: float = 0.0
    alternatives: tuple[float, ...] = ()
    diagnostics: dict[str, object] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    @classmethod
    def infinite(cls, n_samples: int, reason: str, **diagnostics: object) -> Self:
        """That of samples of which one side determines the other, for a `reason`."""
        return cls(
            pointwise=np.full(n_samples, math.inf),
            influence=np.zeros(n_samples),
            diagnostics=diagnostics,
            caveats=(f"{reason}: the mutual information is infinite.",),
        )

    def with_caveats(self, caveats: Iterable[str]) -> Self:
        """The same estimate, with more to warn of."""
        return replace(self, caveats=(*self.caveats, *caveats))

    @property
    def mutual_info(self) -> float:
        """The estimate, in nats."""
        return float(self.pointwise.mean())

    @property
    def spread_of(self) -> np.ndarray:
        """Values whose spread is the sampling error."""
        return self.pointwise if self.influence is None else self.influence

    @property
    def samples(self) -> np.ndarray:
        """Which samples the values are of."""
        return np.arange(len(self.pointwise)) if self.held_out is None else self.held_out

    @property
    def standard_error(self) -> float:
        """Of the estimate, in nats."""
        sampling = standard_error(self.spread_of, self.clusters)
        return float(math.hypot(sampling, math.sqrt(self.hidden_variance)))


def standard_error(values: np.ndarray, clusters: np.ndarray | None = None) -> float:
    """Standard error of a mean; of samples in clusters only their sums are independent.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    clusters : ndarray of int of shape (n_samples,), default=None
    """
    n = len(values)
    if clusters is not None:
        clusters = np.unique(clusters, return_inverse=True)[1]
        values = np.bincount(clusters, weights=values - values.mean())
    k = len(values)
    if k < 2:
        return math.inf
    return float(values.std(ddof=1) * math.sqrt(k) / n)


def common_samples(estimates: Sequence[Estimate]) -> list[np.ndarray]:
    """Places, in each of the estimates, of the samples that all of them hold out."""
    common = reduce(np.intersect1d, [e.samples for e in estimates])
    return [np.searchsorted(e.samples, common) for e in estimates]


def combination(estimates: Sequence[Estimate], weights: Sequence[float]) -> tuple[float, float]:
    """A weighted sum of estimates on the samples that all hold out, and its standard error.

    Their pointwise values go up and down together, with the samples.

    Parameters
    ----------
    estimates : sequence of Estimate
        Finite, with samples numbered in the same way. Groups are those of the first.
    weights : sequence of float
    """
    places = common_samples(estimates)
    value, influence, hidden = 0.0, np.zeros(len(places[0])), 0.0
    for estimate, place, weight in zip(estimates, places, weights, strict=True):
        value += weight * float(estimate.pointwise[place].mean())
        influence += weight * estimate.spread_of[place]
        hidden += weight**2 * estimate.hidden_variance
    clusters = estimates[0].clusters
    clusters = None if clusters is None else clusters[places[0]]
    return value, math.hypot(standard_error(influence, clusters), math.sqrt(hidden))


def half_width(standard_error: float, confidence: float) -> float:
    """Half the length of a normal interval; an error for what is no coverage of one."""
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise ValueError(
            "The 'confidence' parameter must be a float in the range (0.0, 1.0). "
            f"Got {confidence!r} instead."
        )
    return float(norm.ppf(0.5 + confidence / 2) * standard_error)


def normal_interval(value: float, standard_error: float, confidence: float) -> tuple[float, float]:
    """Normal confidence interval of a value."""
    half = half_width(standard_error, confidence)
    return value - half, value + half


def clusters_of(groups: ArrayLike | None, X: np.ndarray) -> np.ndarray | None:
    """Numbers of the groups of the samples of `X`, or None without groups."""
    if groups is None:
        return None
    check_consistent_length(X, groups)
    return np.unique(np.asarray(groups), return_inverse=True)[1]
