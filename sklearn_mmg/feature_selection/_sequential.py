"""Selection of columns one after the other, by conditional mutual information."""

from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from sklearn_mmg._core.folds import held_out_samples
from sklearn_mmg._estimate import standard_error
from sklearn_mmg.feature_selection._subset import (
    SubsetMutualInfo,
    added_in_order,
    nested_masks,
    random_orders,
)

LOOK_AHEAD_ORDERS = 8
# Noisy copies of a choosing sample. All subsets share them, so that few are enough to choose by.
CHOOSING_NODES = 4
# Of many groups, the share of those left that a step of backward selection removes.
SHARE_REMOVED, ONE_BY_ONE = 0.1, 20


class Step(NamedTuple):
    """A group that was chosen or removed, and what held-out samples that did not choose it say."""

    group: int
    added: bool
    gain: float
    p_value: float


class SequentialMutualInfoSelector(SelectorMixin, BaseEstimator):
    """Select columns one after the other by what each tells beyond those selected before.

    One network, a :class:`SubsetMutualInfo`, knows the conditional mutual information of every
    column given any others, so that a copy of a selected column has no value left, and a column
    that tells something only together with others has. The samples are split in two: a part
    chooses, and the others, which did not choose, say what the choice is worth.

    Forward selection takes the column that adds most. Where none adds anything by itself it looks
    ahead: what a column adds to random sets of those that are left, on average, shows one that
    tells something only together with others, as both columns of an exclusive or do.

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
        columns among which the choice was: by a one-sided paired t-test, and by the likelihood
        ratio of all samples. Forward selection halves it, as it may look ahead.
    tol : float, default=0.0
        "auto" also ends where all columns that are left add less than so many nats together.
    max_samples : int, default=1000
        Samples that choose, half of them at most; the time of a selection grows with it.
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
        they were removed, the last one first, or by what they add to the selected ones, and at
        last those that no network saw.
    scores_ : ndarray of shape (n_features_in_,)
        What a column added when it was chosen, or would have lost when it was removed, in nats;
        zero for the others.
    p_values_ : ndarray of shape (n_features_in_,)
        Of the tests of these; 1 for the others.
    path_ : list
        Names of the groups in the order of selection; with "floating" of those that are left.
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
    >>> from sklearn_mmg import SequentialMutualInfoSelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.choice([-1, 1], size=(1000, 4))
    >>> y = X[:, 1] * X[:, 3] > 0
    >>> SequentialMutualInfoSelector(random_state=0).fit(X, y).get_support()
    array([False,  True, False,  True])
    """

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
        self : object
            The fitted selector.
        """
        rng = check_random_state(self.random_state)
        estimator: SubsetMutualInfo = clone(self.estimator or SubsetMutualInfo())  # pyright: ignore[reportAssignmentType]  # of the same type
        if estimator.random_state is None:
            estimator.set_params(random_state=int(rng.randint(2**31 - 1)))
        self.estimator_: SubsetMutualInfo = estimator.fit(X, y, groups)
        self.n_features_in_ = estimator.n_features_in_
        names = getattr(self.estimator_, "feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names
        search = Search(estimator, self.alpha, self.tol, self.max_samples, rng)
        n_wanted = self._n_wanted(len(estimator.groups_))
        walk = {"forward": search.forward, "backward": search.backward, "floating": search.floating}
        steps = []
        with tqdm(total=n_wanted, disable=not self.verbose, unit="step") as bar:
            for step in walk[self.direction](n_wanted):
                steps.append(step)
                bar.update()
        self._store(search, steps)
        return self

    def _n_wanted(self, n_groups: int) -> int | None:
        wanted = self.n_features_to_select
        if isinstance(wanted, str):
            return None
        if not isinstance(wanted, Integral):
            return max(1, int(wanted * n_groups))
        if int(wanted) > n_groups:
            raise ValueError(
                f"n_features_to_select={wanted} must be at most the number of columns, or of "
                f"groups of them: {n_groups}."
            )
        return int(wanted)

    def _store(self, search: "Search", steps: list[Step]) -> None:
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
        self.p_values_ = np.ones(self.n_features_in_)
        last = {step.group: step for step in steps}
        for place, i in enumerate([*order, *rest]):
            columns = groups[i][1]
            self.ranking_[columns] = place + 1
            self.support_[columns] = place < len(order)
            if i in last:
                self.scores_[columns] = last[i].gain
                self.p_values_[columns] = last[i].p_value

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


class Search:
    """Walks through subsets: some samples choose, and the others report.

    Parameters
    ----------
    estimator : SubsetMutualInfo
        Fitted.
    alpha, tol : float
    max_samples : int
    rng : RandomState

    Attributes
    ----------
    chosen : list of int
        Selected groups, in order.
    """

    def __init__(
        self,
        estimator: SubsetMutualInfo,
        alpha: float,
        tol: float,
        max_samples: int,
        rng: np.random.RandomState,
    ) -> None:
        self.alpha, self.tol, self.rng = alpha, tol, rng
        self.estimator = estimator
        n_groups = len(estimator.groups_)
        # Groups that no network saw have no value in any subset.
        self.seen = np.unique(np.concatenate([m.kept_ for m in estimator.models_]))
        unseen = np.setdiff1d(np.arange(n_groups), self.seen)
        order = np.argsort(-estimator.screened_[unseen], kind="stable")
        self.unseen = unseen[order].tolist()
        self.chosen: list[int] = []
        self.exhausted = False  # whether a look ahead found nothing
        n = len(held_out_samples(estimator._splits))
        clusters = estimator._clusters
        units = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        share = min(max_samples / n, 0.5)
        chooses = rng.permutation(units.max() + 1) < share * (units.max() + 1)
        self.choosers = np.flatnonzero(chooses[units])
        self.reporters = np.flatnonzero(~chooses[units])
        self.clusters = None if clusters is None else clusters[self.reporters]

    def choosing(self, masks: np.ndarray) -> np.ndarray:
        """Pointwise values of the samples that choose."""
        return self.estimator._pointwise(masks, rows=self.choosers, n_nodes=CHOOSING_NODES)

    def reported(self, masks: np.ndarray) -> np.ndarray:
        """Pointwise values of the others."""
        return self.estimator._pointwise(masks, rows=self.reporters)

    def masks(self, subsets: Sequence[Sequence[int]]) -> np.ndarray:
        """One row for every subset of groups."""
        masks = np.zeros((len(subsets), len(self.estimator.groups_)), dtype=bool)
        for mask, groups in zip(masks, subsets, strict=True):
            mask[list(groups)] = True
        return masks

    def levels(self, subsets: Sequence[Sequence[int]]) -> np.ndarray:
        """Mutual information with every subset, by the samples that choose."""
        return self.choosing(self.masks(subsets)).mean(axis=1)

    def gained(self, fewer: Sequence[int], more: Sequence[int]) -> np.ndarray:
        """What a subset has beyond another one, by every sample that reports."""
        without, all_of_them = self.reported(self.masks([fewer, more]))
        return all_of_them - without

    def left(self) -> list[int]:
        """Groups that networks saw and that are not chosen."""
        return [int(i) for i in self.seen if i not in self.chosen]

    def test(self, gains: np.ndarray) -> tuple[float, float]:
        """Mean of the gains of the reporting samples, and a p-value of one that is not positive.

        It is the larger one of two. That of the paired t-test is no longer valid where the
        differences vanish: two networks that are both nearly certain differ by little, and by the
        same in every sample. The likelihood ratio of all samples bounds the other one: under the
        model of the fewer columns it exceeds ``1 / p`` with probability ``p`` at most.
        """
        mean, error = float(gains.mean()), standard_error(gains, self.clusters)
        n = len(gains) if self.clusters is None else len(np.unique(self.clusters))
        of_differences = float(student.sf(mean / error, n - 1)) if error > 0 else 1.0
        return mean, max(of_differences, float(np.exp(-max(n * mean, 0.0))))

    def forward(self, n_wanted: int | None) -> Iterator[Step]:
        """Add groups until there are enough, or until nothing is left to be gained."""
        while self._goes_on(n_wanted):
            step = self._next(n_wanted)
            if step is None:
                return
            self.chosen.append(step.group)
            yield step

    def floating(self, n_wanted: int | None) -> Iterator[Step]:
        """The same, and take back what the others make up for."""
        best: dict[int, float] = {}
        for step in self.forward(n_wanted):
            yield step
            best[len(self.chosen)] = float(self.levels([self.chosen])[0])
            while len(self.chosen) > 2:
                fewer = [[j for j in self.chosen if j != i] for i in self.chosen[:-1]]
                levels = self.levels(fewer)
                i = int(np.argmax(levels))
                if levels[i] <= best.get(len(fewer[i]), -np.inf):
                    break
                removed = self.chosen.pop(i)
                best[len(self.chosen)] = float(levels[i])
                yield Step(removed, False, 0.0, 1.0)

    def backward(self, n_wanted: int | None) -> Iterator[Step]:
        """Remove groups until few enough are left, or until the next one would be missed."""
        self.chosen = [int(i) for i in self.seen]
        while len(self.chosen) > (n_wanted or 0):
            fewer = [[j for j in self.chosen if j != i] for i in self.chosen]
            *levels, now = self.levels([*fewer, self.chosen])
            losses = now - np.array(levels)
            n = len(self.chosen)
            n_removed = max(1, int(SHARE_REMOVED * n)) if n > ONE_BY_ONE else 1
            n_removed = min(n_removed, n - (n_wanted or 0))
            order = np.argsort(losses, kind="stable")
            # Of several at once only those that nothing is lost with.
            free = max(1, int((losses[order] <= 0).sum()))
            groups = [self.chosen[k] for k in order[: min(n_removed, free)]]
            kept = [j for j in self.chosen if j not in groups]
            gain, p_value = self.test(self.gained(kept, self.chosen))
            if n_wanted is None and p_value < self.alpha / n:
                break
            self.chosen = kept
            for group in groups:
                yield Step(group, False, gain / len(groups), p_value)
        self._order_chosen()

    def rest(self, steps: list[Step]) -> list[int]:
        """What was not selected, the most worth first."""
        removed = [step.group for step in reversed(steps) if not step.added]
        removed = [g for g in dict.fromkeys(removed) if g not in self.chosen]
        left = [i for i in self.left() if i not in removed]
        if left:
            levels = self.levels([[*self.chosen, i] for i in left])
            left = [left[i] for i in np.argsort(-levels, kind="stable")]
        unseen = [i for i in self.unseen if i not in self.chosen]
        return [*removed, *left, *unseen]

    def _goes_on(self, n_wanted: int | None) -> bool:
        left = self.left()
        if n_wanted is not None:
            if len(self.chosen) < n_wanted and not left:
                self.chosen += self.unseen[: n_wanted - len(self.chosen)]
            return len(self.chosen) < n_wanted
        if not left or not self.tol:
            return bool(left)
        return self.gained(self.chosen, [*self.chosen, *left]).mean() > self.tol

    def _next(self, n_wanted: int | None) -> Step | None:
        """The group that adds most, or else one that does so together with others."""
        left = self.left()
        best = left[int(np.argmax(self.levels([[*self.chosen, i] for i in left])))]
        gain, p_value = self.test(self.gained(self.chosen, [*self.chosen, best]))
        step = Step(best, True, gain, p_value)
        # Two tests, of what looked best among all that are left.
        level = self.alpha / (2 * len(left))
        if p_value >= level and not self.exhausted:
            ahead = self._look_ahead(left)
            self.exhausted = ahead.p_value >= level
            if not self.exhausted:
                return ahead
        return None if n_wanted is None and p_value >= level else step

    def _look_ahead(self, left: list[int]) -> Step:
        """The group that adds most to random sets of the others."""
        orders = random_orders(len(left), LOOK_AHEAD_ORDERS, self.rng)
        orders = [np.array(left)[order] for order in orders]
        known = self.masks([self.chosen])[0]
        added = np.mean([added_in_order(order, known, self.choosing) for order in orders], axis=0)
        best = left[int(np.argmax(added.mean(axis=1)[left]))]
        # The samples that report are asked for the two sets alone between which it makes the step.
        places = [int(np.flatnonzero(order == best)[0]) for order in orders]
        steps = [nested_masks(o, known)[at : at + 2] for o, at in zip(orders, places, strict=True)]
        values = self.reported(np.concatenate(steps))
        gain, p_value = self.test((values[1::2] - values[::2]).mean(axis=0))
        return Step(best, True, gain, p_value)

    def _order_chosen(self) -> None:
        """Order what backward selection leaves by forward gains, so that there is a path."""
        groups, self.chosen = self.chosen, []
        while groups:
            levels = self.levels([[*self.chosen, i] for i in groups])
            self.chosen.append(groups.pop(int(np.argmax(levels))))
