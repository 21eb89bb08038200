"""Selection of columns by the p-value or the rank of their mutual information."""

from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.feature_selection import (
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from sklearn_mmg._estimate import standard_error
from sklearn_mmg._warnings import warn
from sklearn_mmg.feature_selection._gains import added_test
from sklearn_mmg.feature_selection._selector import MutualInfoSelector, seeded_clone
from sklearn_mmg.feature_selection._subset import SubsetMutualInfo
from sklearn_mmg.feature_selection._tests import MMGTest, mutual_info_test

# What selects, given scores and p-values, and its parameter.
MODES = {
    "fdr": (SelectFdr, "alpha"),
    "fpr": (SelectFpr, "alpha"),
    "fwe": (SelectFwe, "alpha"),
    "k_best": (SelectKBest, "k"),
    "percentile": (SelectPercentile, "percentile"),
}


class SelectByMutualInfo(MutualInfoSelector):
    """Select columns by the significance, or the rank, of their mutual information.

    Every column is scored by itself, or given all others: ``I(y; x_j | x_rest)``. The columns that
    tell something of the target even given all others are its Markov blanket, if there are no
    copies; of two columns that tell the same neither does. For a selection that keeps one of them
    see :class:`SequentialMutualInfoSelector`.

    Parameters
    ----------
    estimator : MMGTest or SubsetMutualInfo, default=None
        What scores the columns: :class:`MMGTest` each by itself, with a permutation test, and
        :class:`SubsetMutualInfo` each given all others, or each group given all others, by the
        paired differences of samples that did not train the network. None is ``MMGTest()``, which
        is faster.
    mode : {"fdr", "fpr", "fwe", "k_best", "percentile"}, default="fdr"
        As in :class:`sklearn.feature_selection.GenericUnivariateSelect`: the first three go by
        p-values, with control of the false discovery rate, the false positive rate or the
        family-wise error, and the others by scores.
    param : float or int, default=0.05
        Level, number or percentage, by the mode.
    random_state : int, RandomState instance or None, default=None
        Of the `estimator`, if that has none.

    Attributes
    ----------
    estimator_ : MMGTest or SubsetMutualInfo
        Fitted, if it can be.
    support_ : ndarray of bool of shape (n_features_in_,)
        The selected columns.
    scores_ : ndarray of shape (n_features_in_,)
        In nats.
    standard_errors_ : ndarray of shape (n_features_in_,)
        Of the scores.
    pvalues_ : ndarray of shape (n_features_in_,)
        Of mutual information that is zero.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.

    See Also
    --------
    SequentialMutualInfoSelector : One column after the other.
    mutual_info_test : The scores and p-values of columns by themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import SelectByMutualInfo, SubsetMutualInfo
    >>> rng = np.random.default_rng(0)
    >>> cause = rng.normal(size=1000)
    >>> X = np.column_stack([cause, cause + rng.normal(size=1000), rng.normal(size=1000)])
    >>> y = cause + 0.5 * rng.normal(size=1000)
    >>> SelectByMutualInfo(random_state=0).fit(X, y).get_support()
    array([ True,  True, False])
    >>> given_the_others = SubsetMutualInfo(n_steps=20, cv=0.3)  # quick
    >>> SelectByMutualInfo(given_the_others, random_state=0).fit(X, y).get_support()
    array([ True, False, False])
    """

    _parameter_constraints = {
        "estimator": [MMGTest, SubsetMutualInfo, None],
        "mode": [StrOptions(set(MODES))],
        "param": [Real],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: MMGTest | SubsetMutualInfo | None = None,
        *,
        mode: str = "fdr",
        param: float = 0.05,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.mode = mode
        self.param = param
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Score the columns and select.

        The scores are computed once: what is selected goes by `mode` and `param`.

        Parameters
        ----------
        X : array-like, or with MMGTest sparse matrix, of shape (n_samples, n_features)
            The columns to select from.
        y : array-like of shape (n_samples,), or with SubsetMutualInfo (n_samples, n_targets)
            The target.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group are never on both sides of a split. Only with SubsetMutualInfo.

        Returns
        -------
        object
            The fitted selector.

        See Also
        --------
        sklearn_mmg.mutual_info_test : The scores and p-values alone.
        SequentialMutualInfoSelector.fit : Selects one column after the other.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SelectByMutualInfo
        >>> X = np.random.default_rng(0).normal(size=(300, 3))
        >>> SelectByMutualInfo(random_state=0).fit(X, X[:, 0] ** 2).get_support()
        array([ True, False, False])
        """
        rng = check_random_state(self.random_state)
        estimator = seeded_clone(self.estimator or MMGTest(), rng)
        self._store_columns(X, y)
        if isinstance(estimator, SubsetMutualInfo):
            self._score_given_the_others(estimator.fit(X, y, groups))
        elif groups is not None:
            raise ValueError("groups are for SubsetMutualInfo: MMGTest permutes single samples.")
        else:
            self._score_alone(estimator, X, y)
        self.estimator_ = estimator
        scores = self.scores_, self.pvalues_
        select, name = MODES[self.mode]
        selector = select(lambda *_: scores, **{name: self.param})
        # The scores are there, so that all that counts is how many columns the data have.
        selector.fit(np.zeros((2, self.n_features_in_)), [0, 1])
        self.support_ = np.asarray(selector.get_support())
        return self

    def _score_alone(self, estimator: MMGTest, X: ArrayLike, y: ArrayLike) -> None:
        result = mutual_info_test(X, y, **estimator.get_params(deep=False))
        self.scores_, self.pvalues_ = result
        self.standard_errors_ = result.standard_errors
        least = 1 / (estimator.n_permutations + 1)
        if self.mode == "fwe" and least > self.param / self.n_features_in_:
            warn(
                f"No p-value of {estimator.n_permutations} permutations is below {least:.2g}, and "
                f"of {self.n_features_in_} columns only those below "
                f"{self.param / self.n_features_in_:.2g} are selected. Set n_permutations to "
                f"{int(np.ceil(self.n_features_in_ / self.param))} or more."
            )

    def _score_given_the_others(self, estimator: SubsetMutualInfo) -> None:
        seen = estimator._seen_groups
        masks = np.ones((len(seen) + 1, len(estimator.groups_)), dtype=bool)
        masks[np.arange(len(seen)), seen] = False
        *without, everything = estimator._pointwise(masks)
        clusters = estimator._clusters
        self.scores_ = np.zeros(self.n_features_in_)
        self.standard_errors_ = np.zeros(self.n_features_in_)
        self.pvalues_ = np.ones(self.n_features_in_)
        groups = list(estimator.groups_.values())
        for group, values in zip(seen, without, strict=True):
            gains, columns = everything - values, groups[group]

            def over_others(group: int = group) -> np.ndarray:
                return everything - estimator._pointwise(masks[-1:], permuted=group)[0]

            found = added_test(gains, over_others, clusters)
            self.scores_[columns], self.pvalues_[columns] = found
            self.standard_errors_[columns] = standard_error(gains, clusters)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        conditional = isinstance(self.estimator, SubsetMutualInfo)
        tags.target_tags.multi_output = conditional
        tags.input_tags.sparse = not conditional
        return tags
