"""The contract that every mutual information estimator shares."""

import contextlib
import math
from abc import ABCMeta, abstractmethod
from numbers import Real

import numpy as np
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from sklearn_mmg._columns import ColumnReader, read_table
from sklearn_mmg._plausibility import entropy_bound
from sklearn_mmg._warnings import warn

LINEAR_RELATION = "Some combination of columns of one side is a linear function of the other side"


def without_density(estimator):
    raise AttributeError(
        f"{type(estimator).__name__} has no score: it fits no density, so that there is nothing "
        "that other data could be scored by."
    )


class BaseMutualInfo(BaseEstimator, metaclass=ABCMeta):
    """Base class of estimators of the mutual information between two blocks of columns.

    A subclass sets, in ``fit``, ``mutual_info_`` and ``mutual_info_se_``, and implements
    ``pointwise_mi`` and, if it has a model of the data, ``score``. All values are in nats.
    """

    # What a fit may add: other values that an interval has to hold, and the most that it may.
    _alternatives = ()
    _entropy_bound = np.inf

    @abstractmethod
    def fit(self, X, y):
        """Fit the estimator and estimate the mutual information of the sample."""

    @abstractmethod
    def pointwise_mi(self, X, y):
        """Pointwise mutual information of every sample."""

    @available_if(without_density)
    def score(self, X, y):
        """What is safe to maximise, in nats; only a subclass that overrides this has it."""

    def mutual_info(self, X, y):
        """Estimate the mutual information of other data, without training.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        mutual_info : float
            Mean of :meth:`pointwise_mi`, in nats.
        """
        return float(self.pointwise_mi(X, y).mean())

    def mutual_info_interval(self, confidence=0.95):
        """Confidence interval of ``mutual_info_``.

        It is a normal interval from ``mutual_info_se_``, cut at zero and at the entropy of a
        discrete side, and covers what that standard error covers. It takes samples, or groups of
        them, to be independent. Where the denoisers of
        :class:`~sklearn_mmg.MMGMutualInfo` find more than their closed form has, it is longer: at
        the lower end by a share of what the estimate exceeds its held-out bound by, and at the
        upper end also by one of what the second half of the training added. Over 200 samples of
        the 40 benchmark tasks, of 1,000 to 10,000, such intervals held the truth in 92 to 95 of
        100; most of the others miss a dependence that no held-out sample shows, which leaves the
        estimate low and the interval with it. Nor does it cover directions of wide data that are
        dropped, with a warning. Where a linear prediction from wide data is shrunk it begins at
        what held-out samples show, and ends above what the best prediction would show if the data
        were normal.

        Parameters
        ----------
        confidence : float, default=0.95
            Coverage, between 0 and 1.

        Returns
        -------
        low, high : float
            In nats.
        """
        check_is_fitted(self)
        if not isinstance(confidence, Real) or not 0 < confidence < 1:
            raise ValueError(
                "The 'confidence' parameter must be a float in the range (0.0, 1.0). "
                f"Got {confidence!r} instead."
            )
        if np.isinf(self.mutual_info_):
            return self.mutual_info_, self.mutual_info_
        half = norm.ppf(0.5 + confidence / 2) * self.mutual_info_se_
        values = self.mutual_info_, *self._alternatives
        limits = np.clip([min(values) - half, max(values) + half], 0.0, self._entropy_bound)
        return float(limits[0]), float(limits[1])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    @contextlib.contextmanager
    def _all_or_nothing(self):
        """Give back every attribute if the block fails or is interrupted.

        Validation already stores what it learns of the data: without this a failed fit would look
        like a finished one, and spoil an earlier one.
        """
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _store_infinite(self, n, reason):
        """Results of `n` samples of which one side determines the other, with a warning."""
        warn(f"{reason}: the mutual information is infinite.")
        self.mutual_info_, self.mutual_info_se_ = math.inf, 0.0
        self.pointwise_mi_ = np.full(n, math.inf)

    def _warn_of_impossible(self):
        """Warn if the estimate exceeds the entropy of a discrete side beyond its error."""
        if self.mutual_info_ > self._entropy_bound + 2 * self.mutual_info_se_:
            warn(
                f"The estimate, {self.mutual_info_:.3f} nats with a standard error of "
                f"{self.mutual_info_se_:.3f}, exceeds the entropy of a discrete side of the "
                f"sample, {self._entropy_bound:.3f} nats, which mutual information cannot. "
                "Use more samples, fewer columns, or another estimator."
            )

    def _warn_of_dropped(self, models, sides="Xy"):
        """Warn of directions that the linear models of some folds leave out.

        `models` have them as ``basis_``, if any, for the sides in the given order.
        """
        for i, side in enumerate(sides):
            bases = [
                m.basis_ for m in models if getattr(getattr(m, "basis_", None), "dropped_", ())
            ]
            worst = max(
                bases, key=lambda b: b.dropped_[i].n_directions - b.dropped_[i].n_kept, default=None
            )
            if worst is None or worst.dropped_[i].n_directions == worst.dropped_[i].n_kept:
                continue
            n_directions, n_kept, share = worst.dropped_[i]
            hidden = "What the others tell is missing from the estimate and its interval."
            if worst.shrinks and i == 1:
                hidden = (
                    "A linear prediction from all of them is shrunk as far as the samples demand. "
                    "The estimate adds what that hides, where the samples tell it, for normal "
                    "data; the interval begins at what held-out samples show."
                )
            warn(
                f"{side} has {n_directions} directions of variance, for {worst.n_samples_} "
                f"training samples: only the widest {n_kept} are used, which hold {share:.0%} of "
                f"the variance. {hidden} Use more samples, or reduce {side} first: with PCA, or "
                "with PLS on other data."
            )

    @property
    def _declared_discrete(self):
        """What the parameters say of either side; False where nothing discrete is taken."""
        return getattr(self, "discrete_features", False), getattr(self, "discrete_target", False)

    @property
    def _may_be_new(self):
        """The sides, of "Xy", in which later data may have categories that were not fitted."""
        return ""

    @property
    def _masks(self):
        """Which columns of either side are discrete."""
        return [reader.discrete_ for reader in self._readers]

    def _validate_blocks(self, X, y, *, reset):
        """Check both blocks; returns numbers of shape (n, n_features) and (n, n_targets).

        Discrete columns become codes from 0.
        """
        if not reset:
            check_is_fitted(self)
        table = read_table(X, "X", estimator=self, min_samples=2 if reset else 1)
        validate_data(self, X, y, reset=reset, skip_check_array=True)
        tables = table, read_table(y, "y", estimator=self)
        check_consistent_length(*(t.values for t in tables))
        n_targets = tables[1].values.shape[1]
        if reset:
            self._readers = self._fit_readers(tables)
            self.n_targets_in_ = n_targets
            self._alternatives = ()
        elif n_targets != self.n_targets_in_:
            raise ValueError(
                f"y has {n_targets} columns, but {type(self).__name__} was fitted with "
                f"{self.n_targets_in_}."
            )
        blocks = [
            reader.transform(t, allow_unknown=not reset and reader.side in self._may_be_new)
            for reader, t in zip(self._readers, tables, strict=True)
        ]
        if reset:
            self._entropy_bound = entropy_bound(blocks, self._masks)
        return blocks

    def _fit_readers(self, tables):
        names = "discrete_features", "discrete_target"
        return [
            ColumnReader(side, f", or see {name}" if hasattr(self, name) else "").fit(t, discrete)
            for side, name, t, discrete in zip(
                "Xy", names, tables, self._declared_discrete, strict=True
            )
        ]
