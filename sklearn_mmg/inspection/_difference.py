"""The difference of two estimates from the same samples."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._estimate import Estimate, combination, common_samples, normal_interval
from sklearn_mmg.base import BaseMutualInfo

DIFFERENCE = 1.0, -1.0  # weights of the first estimate and of the second


class PairedDifference(NamedTuple):
    """A difference of two estimates, in nats, and its standard error."""

    difference: float
    standard_error: float

    @property
    def pvalue(self) -> float:
        """Two-sided p-value of no difference, by the normal distribution."""
        if self.standard_error == 0:
            return float(self.difference == 0)
        return float(2 * norm.sf(abs(self.difference) / self.standard_error))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval.

        Parameters
        ----------
        confidence : float, default=0.95
            Coverage, between 0 and 1.

        Returns
        -------
        low, high : float
            In nats.
        """
        return normal_interval(self.difference, self.standard_error, confidence)


def paired_difference(first: BaseMutualInfo, second: BaseMutualInfo) -> PairedDifference:
    """How much more mutual information one estimate has than another of the same samples.

    The pointwise values of both go up and down together, with the samples: their differences tell
    far more than two separate standard errors, which ``sqrt(se1**2 + se2**2)`` would combine.

    Parameters
    ----------
    first, second : fitted estimators
        With ``pointwise_mi_``: of the same samples, in the same order, with other columns, other
        parameters, or by another method. Where they hold out other samples the difference is that
        of the ones that both do.

    Returns
    -------
    PairedDifference
        ``difference``, first less second, and ``standard_error``; with methods ``interval`` and
        ``pvalue``. What training may have missed is in neither estimate, and not in the error.

    Raises
    ------
    ValueError
        If an estimate has no pointwise values, is infinite, or is of other numbers of samples or
        other groups.

    See Also
    --------
    check_reliability : Compares an estimate with refits of itself.
    permutation_test : Whether a dependence is beyond chance.
    sklearn_mmg.EstimateComparisonDisplay : Estimates beside each other.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import GaussianMutualInfo
    >>> from sklearn_mmg.inspection import paired_difference
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> y = X @ [1.0, 0.3] + rng.normal(size=1000)
    >>> both, one = GaussianMutualInfo().fit(X, y), GaussianMutualInfo().fit(X[:, :1], y)
    >>> low, high = paired_difference(both, one).interval()
    >>> bool(low > 0)
    True
    """
    estimates = [_estimate_of(estimator) for estimator in (first, second)]
    n_samples = first._n_samples, second._n_samples
    if n_samples[0] != n_samples[1]:
        raise ValueError(
            f"The estimates are of {n_samples[0]} and of {n_samples[1]} samples: a paired "
            "difference needs the same ones, in the same order."
        )
    places = common_samples(estimates)
    if len(places[0]) < 2:
        raise ValueError("The estimates hold out no samples in common. Use the same cv.")
    clusters = [
        None if e.clusters is None else e.clusters[place]
        for e, place in zip(estimates, places, strict=True)
    ]
    if not _same_clusters(*clusters):
        raise ValueError("The estimates have other groups of samples. Fit both with the same.")
    return PairedDifference(*combination(estimates, DIFFERENCE))


def _estimate_of(estimator: BaseMutualInfo) -> Estimate:
    check_is_fitted(estimator)
    name = type(estimator).__name__
    if reason := estimator._lacks.get("pointwise_mi"):
        raise ValueError(f"{name} has no pointwise_mi, and no paired difference: {reason}")
    if np.isinf(estimator.mutual_info_):
        raise ValueError(f"The estimate of {name} is infinite: there is no difference.")
    return estimator._estimate


def _same_clusters(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    """Whether samples are grouped in the same way, whatever the groups are called."""
    if first is None or second is None:
        return first is second
    pairs = np.unique(np.column_stack([first, second]), axis=0)
    return len(pairs) == len(np.unique(first)) == len(np.unique(second))
