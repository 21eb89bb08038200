"""Which groups of columns a network is shown, where there are many."""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln
from scipy.stats import chi2, f

# Rows behind the scores of pairs, and columns of which pairs are formed, to bound their cost.
PAIR_ROWS, PAIR_GROUPS = 2000, 1000
# Nats of evidence, beyond what the best of many groups that tell nothing has by chance, from which
# a group is certain to tell something; and how much of a group that has none a network sees then.
CERTAIN, LEAST_SCALE = 12.0, 0.1
# By fewer samples a function of known groups is not fitted.
SAMPLES_PER_FUNCTION = 5
# By fewer a covariance of products is not estimated. A smaller variance is rounding.
SAMPLES_PER_PRODUCT, LEAST_VARIANCE = 10, 1e-3


def screen(
    x: np.ndarray,
    group: np.ndarray,
    target: np.ndarray,
    rng: np.random.Generator | np.random.RandomState,
    known: Sequence[int] = (),
) -> np.ndarray:
    """How much every group tells of a target, alone or together with one other.

    Low-degree functions of the columns, and products of two of them, are correlated with functions
    of the target. A group is scored by its own correlations, or by those with its best partner at
    the price of having looked at all partners: both columns of an exclusive or have a high score,
    though neither tells anything alone. What takes three columns is not seen.

    Parameters
    ----------
    x : ndarray of shape (n, n_columns)
        Standardised columns.
    group : ndarray of int of shape (n_columns,)
        Of which group each is.
    target : ndarray of shape (n, n_dims)
        Columns of the target, or one-hot codes of its classes.
    rng : numpy Generator
        Of the rows behind the scores of pairs.
    known : sequence of int, default=()
        Groups of which what low-degree functions tell, and products of two of these, is taken off
        the target by least squares: copies of them tell nothing more. The first ones count most,
        where there are too many for the samples.

    Returns
    -------
    scores : ndarray of shape (n_groups,)
        Minus the logarithm of a p-value.
    """
    functions, of = _functions(x, group)
    outcomes, _ = _functions(target, np.zeros(target.shape[1], dtype=int))
    explaining = _explaining(functions, of, known)
    outcomes = outcomes - explaining @ np.linalg.lstsq(explaining, outcomes, rcond=None)[0]
    n_groups = group.max() + 1
    alone = _alone_scores(functions, of, outcomes, n_groups)
    best = np.argsort(-alone, kind="stable")[:PAIR_GROUPS]
    rows = rng.permutation(len(x))[:PAIR_ROWS]
    kept = np.isin(of, best)
    pairs = _pair_scores(functions[np.ix_(rows, kept)], of[kept], outcomes[rows], n_groups)
    return np.maximum(alone, pairs)


def correlation_test(
    x: np.ndarray,
    group: np.ndarray,
    target: np.ndarray,
    known: Sequence[int],
    tested: int,
    clusters: np.ndarray | None = None,
) -> float:
    """A p-value of a group that tells nothing beyond the known ones, by what they leave.

    What functions of the known groups tell is taken off those of the target and of the tested group
    alike, so that one of the two regressions has to be right, not both [1]_. What is left of both
    is uncorrelated, if the group tells nothing.

    Parameters
    ----------
    x, group, target, known
        As in :func:`screen`.
    tested : int
        A group.
    clusters : ndarray of shape (n,), default=None
        Which samples count as one.

    Returns
    -------
    p_value : float
        By Hotelling's test; 1 where there are too few samples for it.

    References
    ----------
    .. [1] Shah and Peters, "The Hardness of Conditional Independence Testing and the Generalised
       Covariance Measure", 2020.
    """
    used = np.isin(group, [*known, tested])
    functions, of = _functions(x[:, used], group[used])
    outcomes, _ = _functions(target, np.zeros(target.shape[1], dtype=int))
    explaining = np.hstack([np.ones((len(x), 1)), _explaining(functions, of, known)])
    both = np.hstack([outcomes, functions[:, of == tested]])
    left, _, rank, _ = np.linalg.lstsq(explaining, both, rcond=1e-6)
    left = both - explaining @ left
    of_target, of_tested = left[:, : outcomes.shape[1]], left[:, outcomes.shape[1] :]
    products = (of_target[:, :, None] * of_tested[:, None, :]).reshape(len(x), -1)
    if clusters is not None:
        clusters = np.unique(clusters, return_inverse=True)[1]
        sums = [np.bincount(clusters, weights=column) for column in products.T]
        products = np.column_stack(sums) if sums else products[: clusters.max() + 1]
    n, scale = len(products), np.maximum(products.std(axis=0), LEAST_VARIANCE)
    products = products / scale
    # Few samples make up most of a product with a rare value: its mean is not normal yet.
    n_effective = n / np.maximum((products**4).mean(axis=0), 1.0)
    products = products[:, (scale > LEAST_VARIANCE) & (n_effective > SAMPLES_PER_PRODUCT)]
    if n <= SAMPLES_PER_PRODUCT * products.shape[1] or not products.shape[1]:
        return 1.0
    variance, axes = np.linalg.eigh(np.cov(products, rowvar=False).reshape(2 * [len(products.T)]))
    # Codes that sum to one, of the target and of the group, leave as many directions empty.
    seen = variance > LEAST_VARIANCE * variance[-1]
    k, n_free = int(seen.sum()), n - int(rank)
    statistic = n * ((products.mean(axis=0) @ axes[:, seen]) ** 2 / variance[seen]).sum()
    return float(f.sf(statistic * (n_free - k) / (k * (n_free - 1)), k, n_free - k))


def keep(
    x: np.ndarray,
    group: np.ndarray,
    target: np.ndarray,
    limits: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Which groups are shown to a network, and what they are known to tell.

    Half of them tell most, and the others most beyond these: of many columns that repeat each other
    there is no room for all.

    Parameters
    ----------
    x, group, target
        As in :func:`screen`.
    limits : tuple of two int
        Groups that are kept, and of those that are certain to tell something.
    rng : numpy Generator
        Of the rows behind the scores of pairs.

    Returns
    -------
    scores : ndarray of shape (n_groups,)
        By :func:`screen`; of the second half beyond the first one, if that is more.
    kept : ndarray of int of shape (limit,)
    """
    scores = screen(x, group, target, rng)
    n_certain = int((_certainty(scores) >= 1).sum())
    limit = max(limits[0], min(n_certain, limits[1]))
    if limit >= len(scores):
        return scores, np.arange(len(scores))
    first = np.argsort(-scores, kind="stable")[: -(-limit // 2)]
    beyond = screen(x, group, target, rng, first.tolist())
    beyond[first] = np.inf
    kept = np.argsort(-beyond, kind="stable")[:limit]
    others = np.setdiff1d(kept, first)
    scores[others] = np.maximum(scores[others], beyond[others])
    return scores, np.sort(kept)


def input_scales(scores: np.ndarray) -> np.ndarray:
    """How large groups enter a network, for their scores by :func:`screen`.

    Steps of an optimiser that knows no scale change the output of a network in proportion to that
    of its inputs: what is small is learned slowly, and noise in it as well. Where some groups are
    certain to tell something, the others are small. Where none is, any may do so with two others.
    """
    certainty = _certainty(scores)
    if certainty.max() < 1:
        return np.ones(len(scores))
    return np.clip(certainty, LEAST_SCALE, 1.0)


def _certainty(scores: np.ndarray) -> np.ndarray:
    """Evidence beyond that of the best of many by chance; 1 is that of what is certain."""
    return (scores - np.log(len(scores))) / CERTAIN


def _functions(columns: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and the squares of those with more than two values, standardised."""
    several = np.array([len(np.unique(c[:50])) > 2 for c in columns.T], dtype=bool)
    functions = np.hstack([columns, columns[:, several] ** 2])
    functions = functions - functions.mean(axis=0)
    scale = functions.std(axis=0)
    varies = scale > 1e-9
    of = np.concatenate([group, group[several]])
    return (functions[:, varies] / scale[varies]).astype(np.float32), of[varies]


def _explaining(functions: np.ndarray, of: np.ndarray, known: Sequence[int]) -> np.ndarray:
    """Functions of known groups, and products of two of them, as many as samples can tell."""
    alone = np.hstack([functions[:, :0], *(functions[:, of == i] for i in known)])
    i, j = np.triu_indices(alone.shape[1], 1)
    explaining = np.hstack([alone, alone[:, i] * alone[:, j]])
    return explaining[:, : max(1, len(functions) // SAMPLES_PER_FUNCTION)]


def _evidence(statistic: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Minus the log p-value of sums of squares, also where it is beyond double precision."""
    half, shape = np.maximum(statistic, 1.0) / 2, degrees / 2
    far = half - (shape - 1) * np.log(half) + gammaln(shape)
    evidence = -chi2.logsf(statistic, degrees)
    return np.where(np.isfinite(evidence), evidence, far)


def _alone_scores(
    functions: np.ndarray, of: np.ndarray, outcomes: np.ndarray, n_groups: int
) -> np.ndarray:
    """Minus the log p-value of the correlations of every group."""
    z = functions.T @ outcomes
    z /= np.sqrt((functions**2).T @ outcomes**2) + np.finfo(float).tiny
    degrees = np.bincount(of, minlength=n_groups) * outcomes.shape[1]
    return _evidence(np.bincount(of, (z**2).sum(axis=1), n_groups), np.maximum(degrees, 1))


def _pair_scores(
    functions: np.ndarray, of: np.ndarray, outcomes: np.ndarray, n_groups: int
) -> np.ndarray:
    """Minus the log p-value of the best partner of every group, corrected for their number."""
    order = np.argsort(of, kind="stable")
    functions, of = functions[:, order], of[order]
    groups, starts = np.unique(of, return_index=True)
    scores = np.zeros(n_groups)
    if len(groups) < 2:
        return scores
    statistic = np.zeros((len(groups), len(groups)))
    for outcome in outcomes.T:
        z = functions.T @ (outcome[:, None] * functions)
        z /= np.sqrt((functions**2).T @ (outcome[:, None] * functions) ** 2) + 1e-9
        statistic += np.add.reduceat(np.add.reduceat(z**2, starts, axis=0), starts, axis=1)
    sizes = np.diff([*starts, len(of)])
    degrees = np.outer(sizes, sizes) * outcomes.shape[1]
    pairs = _evidence(statistic, degrees)
    np.fill_diagonal(pairs, 0.0)
    scores[groups] = np.maximum(pairs.max(axis=1) - np.log(len(groups)), 0.0)
    return scores
