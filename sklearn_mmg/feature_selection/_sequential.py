"""Selection of columns one after the other, by conditional mutual information."""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from tqdm.auto import tqdm

from sklearn_mmg._estimate import normal_interval, standard_error
from sklearn_mmg._summary import Quantity
from sklearn_mmg.feature_selection._gains import nested_masks
from sklearn_mmg.feature_selection._search import Search, Step
from sklearn_mmg.feature_selection._selector import (
    MutualInfoSelector,
    n_to_select,
    seeded_clone,
)
from sklearn_mmg.feature_selection._subset import SubsetMutualInfo

# Greatest shares of the samples that choose: the others decide where "auto" ends.
CHOOSING_FOR_AUTO, CHOOSING_FOR_NUMBER = 0.5, 0.8


class SequentialMutualInfoSelector(MutualInfoSelector):
    """Select columns one after the other by what each tells beyond those selected before.

    One network, a :class:`SubsetMutualInfo`, knows the conditional mutual information of every
    column given any others, so that a copy of a selected column has no value left, and a column
    that tells something only together with others has. The samples are split in two: a part
    chooses, and the others, which did not choose, say what the choice is worth.

    Forward selection takes the column that adds most. Where its gain is in doubt it tries the one
    that has most evidence by correlations of low-degree functions, beyond what those of the
    selected columns tell, and by its gain together; and then looks ahead: what a column adds to
    random sets of those that are left, on average, shows one that tells something only together
    with others, as both columns of an exclusive or do. If all of these are in doubt "auto" ends; a
    fixed number of columns is taken by the evidence.

    Parameters
    ----------
    estimator : SubsetMutualInfo, default=None
        Unfitted; None is one with default parameters. Groups of columns are selected together.
    n_features_to_select : "auto", int or float, default="auto"
        Number of columns, or of groups of them, or a fraction of these. "auto" ends where nothing
        that is left adds anything (forward), or before what is removed would be missed (backward).
    direction : {"forward", "backward", "floating"}, default="forward"
        "floating" is forward selection that takes back a column if the others then tell more than
        the best set of their number so far [1]_.
    alpha : float, default=0.05
        Level at which "auto" decides, on the samples that did not choose, and corrected for all
        columns among which the choice was. A gain has a one-sided paired t-test and the likelihood
        ratio of all samples, over the selected columns alone and over the same columns with values
        of other samples in the new one; or correlations of what low-degree functions of the
        selected columns leave of the target and of the new column, if the former are positive at
        this level. Forward selection divides it by six: it tries three columns, by two tests.
    tol : float, default=0.0
        "auto" also ends where all columns that are left add less than so many nats together.
    max_samples : int, default=1000
        Samples that choose, at most; the time of a selection grows with it. They are no more than
        half of all, because the others decide where "auto" ends, and than 80 % for a fixed number.
    random_state : int, RandomState instance or None, default=None
        Of the split of the samples and of the orders that look ahead, and of the `estimator` if
        that has none.
    verbose : int, default=0
        With 1 or more, a progress bar over the steps.

    Attributes
    ----------
    estimator_ : SubsetMutualInfo
        Fitted.
    support_ : ndarray of bool of shape (n_features_in_,)
        The selected columns.
    ranking_ : ndarray of int of shape (n_features_in_,)
        1 for the first selected column. Those that were not selected follow in the order in which
        they were removed, the last one first, and by what correlations say of them beyond the
        selected ones.
    scores_ : ndarray of shape (n_features_in_,)
        What a column added when it was chosen, or what was lost when it was removed, in nats, and
        of the one at which "auto" ended what it would have been; zero for the others.
    pvalues_ : ndarray of shape (n_features_in_,)
        Of the tests of these; 1 for the others.
    path_ : list
        Names of the groups in the order of selection; with "floating" of those that are left.
    rejected_ : int, str or None
        Name of the group at which "auto" ended: the best of those that were left, or with
        "backward" the first that would have been missed.
    mutual_information_path_ : ndarray of shape (len(path_) + 1,)
        Mutual information of the target with the first columns of the path, from none of them, on
        samples that did not choose.
    mutual_information_path_se_ : ndarray of shape (len(path_) + 1,)
        Standard errors.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.

    See Also
    --------
    SubsetMutualInfo : The values, of any subset.

    References
    ----------
    .. [1] Pudil, Novovicova and Kittler, "Floating Search Methods in Feature Selection", 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
    >>> rng = np.random.default_rng(0)
    >>> X = rng.choice([-1, 1], size=(1000, 4))
    >>> y = X[:, 1] * X[:, 3] > 0
    >>> subsets = SubsetMutualInfo(cv=0.3)  # one split for three
    >>> SequentialMutualInfoSelector(subsets, random_state=0).fit(X, y).get_support()
    array([False,  True, False,  True])
    """

    # Groups that a meta-estimator routes are asked for: they keep samples on one side of a split.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "estimator": [SubsetMutualInfo, None],
        "n_features_to_select": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "direction": [StrOptions({"forward", "backward", "floating"})],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_samples": [Interval(Integral, 10, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: SubsetMutualInfo | None = None,
        *,
        n_features_to_select: str | int | float = "auto",
        direction: str = "forward",
        alpha: float = 0.05,
        tol: float = 0.0,
        max_samples: int = 1000,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_features_to_select = n_features_to_select
        self.direction = direction
        self.alpha = alpha
        self.tol = tol
        self.max_samples = max_samples
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit the network and select.

        One network is trained for all subsets, so that a step of the selection only evaluates it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The columns to select from.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The target.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group are never on both sides of a split.

        Returns
        -------
        object
            The fitted selector.

        See Also
        --------
        SubsetMutualInfo.fit : Trains the same network, and selects nothing.
        sklearn_mmg.SelectionPathDisplay : The path as a picture.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SequentialMutualInfoSelector, SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(500, 3))
        >>> y = 2 * X[:, 2] + X[:, 0] + rng.normal(size=500)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3)
        >>> SequentialMutualInfoSelector(subsets, random_state=0).fit(X, y).path_
        [2, 0]
        """
        rng = check_random_state(self.random_state)
        estimator: SubsetMutualInfo = seeded_clone(self.estimator or SubsetMutualInfo(), rng)
        self.estimator_: SubsetMutualInfo = estimator.fit(X, y, groups)
        self._store_columns(X, y)
        wanted = self.n_features_to_select
        share = CHOOSING_FOR_AUTO if isinstance(wanted, str) else CHOOSING_FOR_NUMBER
        search = Search(estimator, self.alpha, self.tol, self.max_samples, share, rng)
        walk = {"forward": search.forward, "backward": search.backward, "floating": search.floating}
        steps = []
        n_groups = len(estimator.groups_)
        n_wanted = None if isinstance(wanted, str) else n_to_select(wanted, n_groups)
        with tqdm(total=n_wanted, disable=not self.verbose, unit="step") as bar:
            for step in walk[self.direction](n_wanted):
                steps.append(step)
                bar.update()
        self._store(search, steps)
        return self

    def _store(self, search: Search, steps: list[Step]) -> None:
        groups = list(self.estimator_.groups_.items())
        order, rest = search.chosen, search.rest(steps)
        self.path_ = [groups[i][0] for i in order]
        values = search.reported(nested_masks(order, np.zeros(len(groups), dtype=bool)))
        self.mutual_information_path_ = values.mean(axis=1)
        clusters = search.clusters
        self.mutual_information_path_se_ = np.array([standard_error(v, clusters) for v in values])
        self.support_ = np.zeros(self.n_features_in_, dtype=bool)
        self.ranking_ = np.zeros(self.n_features_in_, dtype=int)
        self.scores_ = np.zeros(self.n_features_in_)
        self.pvalues_ = np.ones(self.n_features_in_)
        self.rejected_ = None
        if search.rejected is not None:
            self.rejected_ = groups[search.rejected.group][0]
            steps = [*steps, search.rejected]
        last = {step.group: step for step in steps}
        for place, i in enumerate([*order, *rest]):
            columns = groups[i][1]
            self.ranking_[columns] = place + 1
            self.support_[columns] = place < len(order)
            if i in last:
                self.scores_[columns] = last[i].gain
                self.pvalues_[columns] = last[i].p_value

    def _quantities(self) -> Iterator[Quantity]:
        value, error = self.mutual_information_path_[-1], self.mutual_information_path_se_[-1]
        interval = normal_interval(float(value), float(error), 0.95)
        yield Quantity("mutual information of the selected", float(value), float(error), interval)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
