"""Selection by criteria made of the mutual information of pairs of columns."""

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from tqdm.auto import tqdm

from sklearn_mmg._atoms import is_discrete_column
from sklearn_mmg._tables import read_block, require_one_column
from sklearn_mmg.feature_selection._columns import PARAMETER_CONSTRAINTS, Columns, column_scores
from sklearn_mmg.feature_selection._prepared import Column, draw_splits
from sklearn_mmg.feature_selection._selector import MutualInfoSelector, n_to_select

# Of a continuous target given which pairs are compared: levels, and samples of each.
MOST_LEVELS, SAMPLES_PER_LEVEL = 8, 100
LEAST_SAMPLES = 10  # of a class; fewer tell nothing of a pair

Scores = Callable[[np.ndarray, np.ndarray, np.ndarray, bool], np.ndarray]


class PairwiseMutualInfoSelector(MutualInfoSelector):
    """Select columns by a classical criterion of relevance and redundancy.

    Forward selection by what a column tells of the target, less what it shares with those selected
    before, all from pairs of columns [1]_:

    - ``"mim"``: ``I(x; y)``, the relevance alone;
    - ``"mrmr"``: less the mean of ``I(x; s)`` over the selected columns `s` [2]_;
    - ``"jmi"``: less the mean of ``I(x; s) - I(x; s | y)``;
    - ``"cmim"``: less the greatest of these, which is the least ``I(x; y | s)`` [3]_.

    No pair sees what takes three columns, and a mean over pairs is no conditional mutual
    information: :class:`SequentialMutualInfoSelector` has it, and takes longer.

    Parameters
    ----------
    criterion : {"mrmr", "jmi", "cmim", "mim"}, default="mrmr"
        What is maximised, as above.
    n_features_to_select : int or float, default=0.5
        Number of columns, or a fraction of them.
    scores : {"mmg", "ksg"}, default="mmg"
        Mutual information of a pair by :func:`~sklearn_mmg.mutual_info_mmg`, or by the nearest
        neighbours of scikit-learn's ``mutual_info_classif`` and ``mutual_info_regression``.
    discrete_features, discrete_target : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Columns of `X`, and whether `y` is one, whose values have no order, as in
        :func:`~sklearn_mmg.mutual_info_mmg`.
    random_state : int, RandomState instance or None, default=None
        Seeds the scores.
    n_jobs : int, default=None
        Columns scored in parallel.
    verbose : int, default=0
        With 1 or more, a progress bar over the selected columns.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features_in_,)
        The selected columns.
    ranking_ : ndarray of int of shape (n_features_in_,)
        1 for the first selected column. Those that were not selected follow by the criterion.
    scores_ : ndarray of shape (n_features_in_,)
        The criterion when a column was selected, or in the end, in nats.
    relevance_ : ndarray of shape (n_features_in_,)
        Mutual information with the target, in nats.
    path_ : list
        The selected columns, by name or index, in order.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.

    See Also
    --------
    SequentialMutualInfoSelector : Conditional mutual information, of any number of columns.
    SelectByMutualInfo : By p-values, each column by itself or given all others.
    mutual_info_mmg : The scores of ``"mim"``.

    Notes
    -----
    What two columns share given the target is the mean over its classes. A continuous target is cut
    into up to eight classes of equal size.

    References
    ----------
    .. [1] Brown et al., "Conditional Likelihood Maximisation", JMLR 13, 2012.
    .. [2] Peng, Long and Ding, "Feature Selection Based on Mutual Information", 2005.
    .. [3] Fleuret, "Fast Binary Feature Selection with Conditional Mutual Information", 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import PairwiseMutualInfoSelector
    >>> rng = np.random.default_rng(0)
    >>> strong, weak, noise = rng.normal(size=(3, 500))
    >>> X = np.column_stack([strong, strong + 0.1 * noise, weak])
    >>> y = 2 * strong + weak
    >>> selector = PairwiseMutualInfoSelector("mrmr", n_features_to_select=2, random_state=0)
    >>> selector.fit(X, y).path_
    [0, 2]
    """

    _parameter_constraints = {
        "criterion": [StrOptions({"mim", "mrmr", "jmi", "cmim"})],
        "n_features_to_select": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "scores": [StrOptions({"mmg", "ksg"})],
        "discrete_features": PARAMETER_CONSTRAINTS["discrete_features"],
        "discrete_target": PARAMETER_CONSTRAINTS["discrete_target"],
        "random_state": ["random_state"],
        "n_jobs": PARAMETER_CONSTRAINTS["n_jobs"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        criterion: str = "mrmr",
        *,
        n_features_to_select: int | float = 0.5,
        scores: str = "mmg",
        discrete_features: str | bool | ArrayLike = "auto",
        discrete_target: str | bool = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.criterion = criterion
        self.n_features_to_select = n_features_to_select
        self.scores = scores
        self.discrete_features = discrete_features
        self.discrete_target = discrete_target
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Score the columns and select.

        Every selected column is paired with all others, unless the criterion is "mim": a step then
        costs about as much as scores of all columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The columns to select from.
        y : array-like of shape (n_samples,)
            The target.

        Returns
        -------
        object
            The fitted selector.

        See Also
        --------
        SequentialMutualInfoSelector.fit : Sees more than pairs.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import PairwiseMutualInfoSelector
        >>> X = np.random.default_rng(0).normal(size=(300, 3))
        >>> selector = PairwiseMutualInfoSelector(n_features_to_select=1, random_state=0)
        >>> selector.fit(X, X[:, 1] ** 2).path_
        [1]
        """
        self._store_columns(X, y)
        x, discrete, _ = read_block(X, self.discrete_features, "X")
        target, target_discrete, _ = read_block(y, self.discrete_target, "y")
        check_consistent_length(x, target)
        require_one_column(target)
        n_wanted = n_to_select(self.n_features_to_select, x.shape[1])
        has_classes = bool(target_discrete[0]) or is_discrete_column(target)
        target = target[:, 0]
        scores = self._new_scores()
        self.relevance_ = scores(x, discrete, target, has_classes)
        classes = target if has_classes else _levels(target)
        shared = partial(self._shared, scores, x, discrete, classes)
        self._select(n_wanted, shared)
        return self

    def _new_scores(self) -> Scores:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        of_pairs = {"mmg": _by_denoising, "ksg": _by_neighbours}[self.scores]
        return partial(of_pairs, seed=seed, n_jobs=self.n_jobs)

    def _shared(
        self, scores: Scores, x: np.ndarray, discrete: np.ndarray, classes: np.ndarray, j: int
    ) -> np.ndarray:
        """What every column shares with column `j` that the criterion takes off its relevance."""
        values = np.ascontiguousarray(x[:, j])
        shared = scores(x, discrete, values, bool(discrete[j]))
        if self.criterion == "mrmr":
            return shared
        within = np.zeros(len(shared))
        for label in np.unique(classes):
            rows = classes == label
            if rows.sum() >= LEAST_SAMPLES:
                of_class = scores(x[rows], discrete, values[rows], bool(discrete[j]))
                # Few samples that happen to be in the same order are no copies of each other.
                within += rows.mean() * np.where(np.isinf(of_class), shared, of_class)
        # A copy of the column has nothing left to tell.
        copies = np.isinf(shared) & np.isinf(within)
        return np.where(copies, self.relevance_, shared - np.where(copies, 0.0, within))

    def _select(self, n_wanted: int, shared: Callable[[int], np.ndarray]) -> None:
        chosen: list[int] = []
        summary = np.max if self.criterion == "cmim" else np.mean
        penalties: list[np.ndarray] = []
        criterion = self.relevance_
        self.scores_ = self.relevance_.copy()
        left = np.arange(self.n_features_in_)
        for _ in tqdm(range(n_wanted), disable=not self.verbose, unit="column"):
            best = int(left[np.argmax(criterion[left])])
            chosen.append(best)
            self.scores_[best] = criterion[best]
            left = left[left != best]
            if self.criterion != "mim" and len(left):
                penalties.append(shared(best))
                criterion = self.relevance_ - summary(penalties, axis=0)
        self.scores_[left] = criterion[left]
        order = [*chosen, *left[np.argsort(-criterion[left], kind="stable")]]
        self.ranking_ = np.argsort(order) + 1
        self.support_ = self.ranking_ <= n_wanted
        labels = getattr(self, "feature_names_in_", range(self.n_features_in_))
        self.path_ = [labels[j] for j in chosen]


def _levels(target: np.ndarray) -> np.ndarray:
    """Classes of equal size of a continuous target, in order."""
    n_levels = int(np.clip(len(target) // SAMPLES_PER_LEVEL, 2, MOST_LEVELS))
    edges = np.quantile(target, np.arange(1, n_levels) / n_levels)
    return np.searchsorted(edges, target)


def _by_denoising(
    x: np.ndarray,
    discrete: np.ndarray,
    target: np.ndarray,
    has_classes: bool,
    *,
    seed: int,
    n_jobs: int | None,
) -> np.ndarray:
    splits, noise_seed = draw_splits(len(target), 2, seed)
    labels = [str(j) for j in range(x.shape[1])]
    column = Column(target, has_classes, noise_seed)
    data = Columns(np.asfortranarray(x), discrete, labels, column, splits, noise_seed)
    return np.maximum(column_scores(data, n_jobs, 0)[0], 0.0)


def _by_neighbours(
    x: np.ndarray,
    discrete: np.ndarray,
    target: np.ndarray,
    has_classes: bool,
    *,
    seed: int,
    n_jobs: int | None,
) -> np.ndarray:
    scores = mutual_info_classif if has_classes else mutual_info_regression
    # pyright takes the types of scikit-learn's functions from their defaults.
    return scores(x, target, discrete_features=discrete, random_state=seed, n_jobs=n_jobs)  # pyright: ignore[reportArgumentType]
