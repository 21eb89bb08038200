"""Walks through subsets of columns: some samples choose, and the others report."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from sklearn_mmg._core.folds import held_out_samples
from sklearn_mmg._estimate import standard_error
from sklearn_mmg.feature_selection._gains import (
    added_in_order,
    added_test,
    gain_test,
    nested_masks,
    random_orders,
)
from sklearn_mmg.feature_selection._screen import correlation_test, screen
from sklearn_mmg.feature_selection._subset import SubsetMutualInfo

LOOK_AHEAD_ORDERS = 4
# Noisy copies of a choosing sample. All subsets share them, so that few are enough to choose by.
CHOOSING_NODES = 2
# Nats of evidence, beyond those of the best of many groups by chance.
MORE_THAN_CHANCE = 8.0
# Groups with most evidence whose gains are compared.
N_COMPARED = 16
# Of many groups, the share of those left that a step of backward selection removes.
SHARE_REMOVED, ONE_BY_ONE = 0.1, 20


class Step(NamedTuple):
    """A group that was chosen or removed, and what held-out samples that did not choose it say."""

    group: int
    added: bool
    gain: float
    p_value: float


class Search:
    """Walks through subsets: some samples choose, and the others report.

    Parameters
    ----------
    estimator : SubsetMutualInfo
        Fitted.
    alpha, tol : float
    max_samples : int
    share : float
        Of the samples, of which no more choose.
    rng : RandomState

    Attributes
    ----------
    chosen : list of int
        Selected groups, in order.
    rejected : Step or None
        What "auto" ended at.
    """

    def __init__(
        self,
        estimator: SubsetMutualInfo,
        alpha: float,
        tol: float,
        max_samples: int,
        share: float,
        rng: np.random.RandomState,
    ) -> None:
        self.alpha, self.tol, self.rng = alpha, tol, rng
        self.estimator = estimator
        self.seen = estimator._seen_groups
        self.chosen: list[int] = []
        self.rejected: Step | None = None
        self.exhausted = False  # whether a look ahead found nothing
        held_out = held_out_samples(estimator._splits)
        n = len(held_out)
        clusters = estimator._clusters
        units = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        share = min(max_samples / n, share)
        chooses = rng.permutation(units.max() + 1) < share * (units.max() + 1)
        self.choosers = np.flatnonzero(chooses[units])
        self.reporters = np.flatnonzero(~chooses[units])
        self.clusters = None if clusters is None else clusters[self.reporters]
        self.held_out = held_out

    def choosing(self, masks: np.ndarray) -> np.ndarray:
        """Pointwise values of the samples that choose."""
        return self.estimator._pointwise(masks, rows=self.choosers, n_nodes=CHOOSING_NODES)

    def reported(self, masks: np.ndarray, permuted: int | None = None) -> np.ndarray:
        """Pointwise values of the others."""
        return self.estimator._pointwise(masks, rows=self.reporters, permuted=permuted)

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

    def evidence(self, outcomes: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """What correlations say of every group beyond the chosen ones, in nats.

        Those of low-degree functions are seen in few samples, in which what a network says of weak
        columns is noise. Where what they say is no more than chance, a copy of a chosen column is
        worth more than noise: such groups come in the order of what they tell alone.
        """
        group = self.estimator._group_of_code
        beyond = screen(columns, group, outcomes, self.rng, self.chosen)
        chance = np.log(len(beyond)) + MORE_THAN_CHANCE
        scores = np.where(beyond > chance, beyond, chance * (1 - 1 / (1 + self.alone)))
        scores[self.chosen] = -np.inf
        return scores

    def gains(self, left: Sequence[int]) -> np.ndarray:
        """What each of some groups adds to the chosen ones, by every sample that chooses."""
        subsets = [self.chosen, *([*self.chosen, i] for i in left)]
        values = self.choosing(self.masks(subsets))
        return values[1:] - values[0]

    def most_evident(self, left: Sequence[int], gains: np.ndarray, only_seen: bool) -> int:
        """The group with most evidence of both: of correlations, and of the network's gains.

        The latter are a likelihood ratio of all samples that choose, as far as it is no chance.
        """
        scores = self.evidence(*self.of_choosers)
        if only_seen:
            scores[np.setdiff1d(np.arange(len(scores)), left)] = -np.inf
        best = np.argsort(-scores, kind="stable")[:N_COMPARED]
        for i, gain in zip(left, gains, strict=True):
            if i in best:
                scores[i] += len(gain) * max(float(gain.mean()) - standard_error(gain), 0.0)
        return int(np.argmax(scores))

    @cached_property
    def alone(self) -> np.ndarray:
        """What correlations say of every group by itself, of the samples that choose."""
        outcomes, columns = self.of_choosers
        return screen(columns, self.estimator._group_of_code, outcomes, self.rng)

    @cached_property
    def of_choosers(self) -> tuple[np.ndarray, np.ndarray]:
        """What the samples that choose are correlated by; it is the same in every step."""
        return self.on_normal_scale(self.choosers)

    @cached_property
    def of_reporters(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of the samples that report."""
        return self.on_normal_scale(self.reporters)

    def on_normal_scale(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The target and the columns of some samples, as :func:`screen` takes them."""
        estimator, target = self.estimator, self.estimator.sides_.target
        outcomes, columns = (block[self.held_out[samples]] for block in estimator._blocks)
        n = len(samples)
        normal = QuantileTransformer(n_quantiles=n, output_distribution="normal", subsample=n)
        if target.kind == "discrete":
            outcomes = np.eye(target.n_dims + 1)[outcomes]
        else:
            outcomes = normal.fit_transform(outcomes)
        return outcomes, normal.fit_transform(columns)

    def left(self) -> list[int]:
        """Groups that networks saw and that are not chosen."""
        return [int(i) for i in self.seen if i not in self.chosen]

    def test(self, gains: np.ndarray) -> tuple[float, float]:
        """:func:`gain_test` of the samples that report."""
        return gain_test(gains, self.clusters)

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
                self.rejected = Step(groups[0], False, gain, p_value)
                break
            self.chosen = kept
            for group in groups:
                yield Step(group, False, gain / len(groups), p_value)
        self._order_chosen()
        while len(self.chosen) < (n_wanted or 0):
            left = self.left()
            self.chosen.append(self.most_evident(left, self.gains(left), only_seen=False))

    def rest(self, steps: list[Step]) -> list[int]:
        """What was not selected, the most worth first."""
        removed = [step.group for step in reversed(steps) if not step.added]
        removed = [g for g in dict.fromkeys(removed) if g not in self.chosen]
        # No value is reported of these, so that all samples may say in which order they come.
        evidence = self.evidence(*self.on_normal_scale(np.arange(len(self.held_out))))
        left = np.argsort(-evidence, kind="stable")[: len(evidence) - len(self.chosen)]
        return [*removed, *(i for i in left.tolist() if i not in removed)]

    def _goes_on(self, n_wanted: int | None) -> bool:
        left = self.left()
        if n_wanted is not None:
            return len(self.chosen) < n_wanted
        if not left or not self.tol:
            return bool(left)
        return self.gained(self.chosen, [*self.chosen, *left]).mean() > self.tol

    def _next(self, n_wanted: int | None) -> Step | None:
        """The group that adds most, or else one that is wanted all the same."""
        left = self.left()
        level = self.alpha / self._n_tests
        doubtful: list[Step] = []
        for step in self._proposals(left, n_wanted):
            if step.p_value < level:
                return step
            doubtful.append(step)
        self.exhausted = True
        if n_wanted is None:
            self.rejected = min(doubtful, key=attrgetter("p_value"))
            return None
        return doubtful[min(1, len(doubtful) - 1)]  # the most evident

    def _proposals(self, left: list[int], n_wanted: int | None) -> Iterator[Step]:
        """By what networks say, if they saw any, by correlations as well, and by looking ahead.

        Yields
        ------
        step : Step
            To a group of those that are not chosen.
        """
        gains = self.gains(left)
        if left:
            yield self._step(left[int(np.argmax(gains.mean(axis=1)))])
        # What no network saw has no gain.
        yield self._step(self.most_evident(left, gains, only_seen=n_wanted is None))
        if left and not self.exhausted:
            yield self._look_ahead(left)

    def _step(self, group: int) -> Step:
        """To a group, with what samples that did not choose it say."""
        gain, of_gains = self._added(group, self.masks([self.chosen]))
        outcomes, columns = self.of_reporters
        of_codes = self.estimator._group_of_code
        of_correlations = correlation_test(
            columns, of_codes, outcomes, self.chosen, group, self.clusters
        )
        # Correlations have more power than gains, but may be of what functions of low degree
        # leave of the chosen groups: the gain has to be positive at the level of a single test.
        of_correlations = max(of_correlations, of_gains / self._n_tests)
        return Step(group, True, gain, min(1.0, 2 * min(of_gains, of_correlations)))

    def _added(self, group: int, fewer: np.ndarray) -> tuple[float, float]:
        """What a group adds to some masks on average, and a p-value of that."""
        more = fewer | self.masks([[group]])
        without, with_it = (
            self.reported(np.concatenate([fewer, more])).reshape(2, len(fewer), -1).mean(axis=1)
        )

        def over_others() -> np.ndarray:
            return with_it - self.reported(more, permuted=group).mean(axis=0)

        return added_test(with_it - without, over_others, self.clusters)

    @property
    def _n_tests(self) -> int:
        """Three steps are tried, each to what looks best among all that are left."""
        return 3 * max(len(self.left()), 1)

    def _look_ahead(self, left: list[int]) -> Step:
        """The group that adds most to random sets of the others."""
        orders = random_orders(len(left), LOOK_AHEAD_ORDERS, self.rng)
        orders = [np.array(left)[order] for order in orders]
        known = self.masks([self.chosen])[0]
        added = np.mean([added_in_order(order, known, self.choosing) for order in orders], axis=0)
        best = left[int(np.argmax(added.mean(axis=1)[left]))]
        # The samples that report are asked for the two sets alone between which it makes the step.
        places = [int(np.flatnonzero(order == best)[0]) for order in orders]
        before = [nested_masks(o, known)[at] for o, at in zip(orders, places, strict=True)]
        return Step(best, True, *self._added(best, np.array(before)))

    def _order_chosen(self) -> None:
        """Order what backward selection leaves by forward gains, so that there is a path."""
        groups, self.chosen = self.chosen, []
        while groups:
            levels = self.levels([[*self.chosen, i] for i in groups])
            self.chosen.append(groups.pop(int(np.argmax(levels))))
