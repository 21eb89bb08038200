"""Information that more than two groups of columns share."""

import warnings
from collections.abc import Iterable, Mapping
from itertools import combinations
from numbers import Integral
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import validate_data
from tqdm.auto import tqdm

from sklearn_mmg._documentation import DocumentedEstimator
from sklearn_mmg._estimate import Estimate, combination, normal_interval
from sklearn_mmg._feature_groups import Features, columns_by_group
from sklearn_mmg._summary import SummaryMixin
from sklearn_mmg._tables import read_table
from sklearn_mmg.base import BaseMutualInfo, all_or_nothing
from sklearn_mmg.mmg._mutual_info import MMGMutualInfo

Weights = dict["Term", float]


class Term(NamedTuple):
    """The mutual information of two sets of groups, by their numbers."""

    one: frozenset[int]
    other: frozenset[int]

    @classmethod
    def of(cls, one: set[int], other: set[int]) -> Self:
        """The same for both orders of the sides: the one with the first group is the first."""
        return cls(*sorted((frozenset(one), frozenset(other)), key=min))


class MultiInformation(SummaryMixin, DocumentedEstimator):
    """Total correlation, O-information and their kin, of any number of groups of columns.

    The total correlation [1]_ is what the groups tell of each other altogether, and the dual total
    correlation [2]_ what is shared by at least two of them. Their difference, the O-information
    [3]_, is positive where the groups tell the same (redundancy), and negative where some of them
    tell only together (synergy); their sum is the S-information. Of two groups the first two are
    the mutual information. Of three the O-information is the interaction information with the sign
    of redundancy, ``I(x; y) - I(x; y | z)``: positive for a common cause, negative for XOR. The
    convention of McGill [4]_ is the opposite one.

    All of them are sums of mutual information, each estimated by itself, and added up sample by
    sample: ``TC = sum_i I(x_i; x_1, ..., x_(i-1))`` and ``TC + DTC = sum_i I(x_i; all others)``,
    ``2 N - 2`` estimates for `N` groups. One network for all of them [5]_ would have to learn what
    the estimator of mutual information knows in closed form.

    Parameters
    ----------
    feature_groups : dict of str to columns, default=None
        Columns of a group, by the name of the group: indices or names. Columns in none of them are
        groups of their own. None means that all are.
    estimator : estimator of mutual information, default=None
        Any of this package with pointwise values. None is :class:`~sklearn_mmg.MMGMutualInfo`,
        with the `random_state`; :class:`~sklearn_mmg.GaussianMutualInfo` gives the quantities of
        the covariance at once.
    gradients : bool, default=False
        Whether to estimate the gradients of the O-information as well, which takes the mutual
        information of every group with all but one of the others.
    random_state : int, RandomState instance or None, default=None
        Of the default estimator.
    n_jobs : int, default=None
        Estimates of mutual information at the same time, by joblib.
    verbose : int, default=0
        With 1 or more, a progress bar over them.

    Attributes
    ----------
    total_correlation_, dual_total_correlation_ : float
        In nats. Slightly negative values are noise around zero.
    o_information_, s_information_ : float
        Their difference and their sum.
    total_correlation_se_, dual_total_correlation_se_, o_information_se_, s_information_se_ : float
        Standard errors, by the spread of sums of pointwise values, and what the estimator adds.
    gradients_, gradients_se_ : ndarray of shape (n_groups,)
        What every group adds to the O-information of the others [6]_, in the order of ``groups_``,
        and standard errors. Only with ``gradients=True``.
    groups_ : dict of str or int to ndarray
        Columns of every group, in the order of their first columns.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.

    See Also
    --------
    MMGMutualInfo : Of two blocks, also given a third.

    References
    ----------
    .. [1] Watanabe, "Information Theoretical Analysis of Multivariate Correlation", 1960.
    .. [2] Han, "Nonnegative Entropy Measures of Multivariate Symmetric Correlations", 1978.
    .. [3] Rosas, Mediano, Gastpar and Jensen, "Quantifying high-order interdependencies via
       multivariate extensions of the mutual information", Physical Review E 100, 2019.
    .. [4] McGill, "Multivariate information transmission", Psychometrika 19, 1954.
    .. [5] Bounoua, Franzese and Michiardi, "Score-based O-Information Estimation", ICML 2024.
    .. [6] Scagliarini et al., "Gradients of O-information: Low-order descriptors of high-order
       dependencies", Physical Review Research 5, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import GaussianMutualInfo, MultiInformation
    >>> rng = np.random.default_rng(0)
    >>> common = rng.normal(size=(1000, 1))
    >>> X = common + rng.normal(size=(1000, 3))
    >>> shared = MultiInformation(estimator=GaussianMutualInfo()).fit(X)
    >>> bool(shared.o_information_ > 0)  # redundancy
    True
    """

    # Groups that a meta-estimator routes are asked for: they keep samples on one side of a split.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "feature_groups": [Mapping, None],
        "estimator": [BaseMutualInfo, None],
        "gradients": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    n_features_in_: int  # of what scikit-learn stores when it validates
    o_information_: float  # of what `fit` stores by name
    o_information_se_: float

    def __init__(
        self,
        feature_groups: Mapping[str, Features] | None = None,
        *,
        estimator: BaseMutualInfo | None = None,
        gradients: bool = False,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.feature_groups = feature_groups
        self.estimator = estimator
        self.gradients = gradients
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None, groups: ArrayLike | None = None) -> Self:
        """Estimate what the groups of columns share.

        The estimator is fitted ``2 N - 2`` times for `N` groups of columns, and more often for
        gradients.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Columns of all groups. Discrete ones are told by their type in a data frame.
        y : None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group, as of one patient, are never on both sides of a split, and count
            as one in the standard errors.

        Returns
        -------
        object
            The fitted estimator.

        Raises
        ------
        ValueError
            For fewer than two groups of columns, for an estimator without pointwise values, for
            groups that determine each other, so that the quantities are infinite, and for what the
            estimator of mutual information does not take.

        See Also
        --------
        sklearn_mmg.MMGMutualInfo.fit : Two groups.
        summary : All quantities in words, with intervals.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import GaussianMutualInfo, MultiInformation
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(2, 1000))
        >>> X = np.column_stack([a, b, a + b + rng.normal(size=1000)])
        >>> shared = MultiInformation(estimator=GaussianMutualInfo()).fit(X)
        >>> bool(shared.o_information_ < 0)  # synergy
        True
        """
        with all_or_nothing(self):
            names = read_table(X, "X", estimator=self, min_samples=2).names
            validate_data(self, X, skip_check_array=True)  # pyright: ignore[reportArgumentType]  # no str
            self.groups_ = columns_by_group(self.feature_groups, self.n_features_in_, names)
            n = len(self.groups_)
            if n < 2:
                raise ValueError(
                    f"X with {self.n_features_in_} feature(s) makes 1 group of columns, where 2 "
                    "are needed at least."
                )
            quantities = _quantities(n)
            of_groups = [_gradient(i, n) for i in range(n)] if self.gradients else []
            terms = sorted(set().union(*quantities.values(), *of_groups), key=_order)
            estimates = self._estimates(terms, X, groups)
            for name, weights in quantities.items():
                value, error = _sum(weights, estimates)
                setattr(self, f"{name}_", value)
                setattr(self, f"{name}_se_", error)
            if self.gradients:
                sums = [_sum(weights, estimates) for weights in of_groups]
                self.gradients_, self.gradients_se_ = np.array(sums).T
        return self

    def _fitted_on(self) -> str:
        return f"{self.n_features_in_} columns in {len(self.groups_)} groups"

    def _notes(self) -> Iterable[str]:
        low, high = normal_interval(self.o_information_, self.o_information_se_, 0.95)
        if low > 0:
            yield "O-information above 0: the groups tell mostly the same (redundancy)."
        elif high < 0:
            yield "O-information below 0: some groups tell only together (synergy)."
        else:
            yield "O-information: neither redundancy nor synergy is beyond its error."

    def _estimates(
        self, terms: list[Term], X: ArrayLike, groups: ArrayLike | None
    ) -> dict[Term, Estimate]:
        """What the estimator of mutual information makes of every term."""
        estimator = self._new_estimator()
        labels, columns = list(self.groups_), list(self.groups_.values())
        tasks = tqdm(terms, disable=not self.verbose, unit="estimate")
        sides = (
            [_safe_indexing(X, np.concatenate([columns[i] for i in sorted(s)]), axis=1) for s in t]
            for t in tasks
        )
        found: list[Estimate] = Parallel(n_jobs=self.n_jobs)(  # pyright: ignore[reportAssignmentType]  # inferred from joblib
            delayed(_fitted)(clone(estimator), *both, groups) for both in sides
        )
        caveats = []
        for term, estimate in zip(terms, found, strict=True):
            names = [", ".join(str(labels[i]) for i in sorted(side)) for side in term]
            of_term = f"{names[0]} and {names[1]}"
            if np.isinf(estimate.mutual_info):
                raise ValueError(
                    f"The mutual information of {of_term} is infinite, and so is the total "
                    "correlation: one determines the other. Leave out columns that are functions "
                    "of others."
                )
            caveats += [f"Of {of_term}: {caveat}" for caveat in estimate.caveats]
        self._warn_of(caveats)
        return dict(zip(terms, found, strict=True))

    def _new_estimator(self) -> BaseMutualInfo:
        if self.estimator is None:
            # One seed: all estimates have the same folds.
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            return MMGMutualInfo(random_state=seed)
        if reason := self.estimator._lacks.get("pointwise_mi"):
            name = type(self.estimator).__name__
            raise ValueError(f"estimator {name} has no pointwise_mi, which is added up: {reason}")
        return self.estimator


def _fitted(
    estimator: BaseMutualInfo, one: ArrayLike, other: ArrayLike, groups: ArrayLike | None
) -> Estimate:
    """Estimate of two blocks; what it warns of is in its caveats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimator.fit(one, other, groups)._estimate


def _order(term: Term) -> tuple[list[int], list[int]]:
    return sorted(term.one), sorted(term.other)


def _sum(weights: Weights, estimates: Mapping[Term, Estimate]) -> tuple[float, float]:
    if not weights:  # the O-information of two groups
        return 0.0, 0.0
    return combination([estimates[term] for term in weights], list(weights.values()))


def _quantities(n: int) -> dict[str, Weights]:
    """The quantities as sums of mutual information, for `n` groups."""
    total: Weights = {Term.of({i}, set(range(i))): 1.0 for i in range(1, n)}
    both: Weights = {}
    for i in range(n):
        term = Term.of({i}, set(range(n)) - {i})
        both[term] = both.get(term, 0.0) + 1.0
    return {
        "total_correlation": total,
        "dual_total_correlation": _added(both, total, -1.0),
        "o_information": _added({t: 2 * weight for t, weight in total.items()}, both, -1.0),
        "s_information": both,
    }


def _gradient(i: int, n: int) -> Weights:
    """The O-information of all `n` groups less that of all but group `i`."""
    others = set(range(n)) - {i}
    gradient: Weights = {Term.of({i}, others): 2.0 - n}
    if n > 2:
        for left in combinations(sorted(others), n - 2):
            gradient[Term.of({i}, set(left))] = 1.0
    return gradient


def _added(weights: Weights, more: Weights, sign: float) -> Weights:
    """Weights of ``weights + sign * more``, without those that are zero."""
    added = {t: weights.get(t, 0.0) + sign * more.get(t, 0.0) for t in weights | more}
    return {term: weight for term, weight in added.items() if weight}
