"""Which groups of columns a network is shown, where there are many."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

# Rows behind the scores of pairs, and columns of which pairs are formed, to bound their cost.
PAIR_ROWS, PAIR_GROUPS = 2000, 1000
# Nats of evidence, beyond what the best of many groups that tell nothing has by chance, from which
# a group is certain to tell something; and how much of a group that has none a network sees then.
CERTAIN, LEAST_SCALE = 12.0, 0.1
# By fewer samples a function of known groups is not fitted.
SAMPLES_PER_FUNCTION = 5


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
    outcomes = outcomes - _explained(functions, of, outcomes, known)
    n_groups = group.max() + 1
    alone = _alone_scores(functions, of, outcomes, n_groups)
    best = np.argsort(-alone, kind="stable")[:PAIR_GROUPS]
    rows = rng.permutation(len(x))[:PAIR_ROWS]
    kept = np.isin(of, best)
    pairs = _pair_scores(functions[np.ix_(rows, kept)], of[kept], outcomes[rows], n_groups)
    return np.maximum(alone, pairs)


def keep(
    x: np.ndarray, group: np.ndarray, target: np.ndarray, limit: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which groups are shown to a network, and what they are known to tell.

    Half of them tell most, and the others most beyond these: of many columns that repeat each other
    there is no room for all.

    Parameters
    ----------
    x, group, target
        As in :func:`screen`.
    limit : int
        Groups that are kept.
    rng : numpy Generator
        Of the rows behind the scores of pairs.

    Returns
    -------
    scores : ndarray of shape (n_groups,)
        By :func:`screen`; of the second half beyond the first one, if that is more.
    kept : ndarray of int of shape (limit,)
    """
    scores = screen(x, group, target, rng)
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
    evidence = scores - np.log(len(scores))
    if evidence.max() < CERTAIN:
        return np.ones(len(scores))
    return np.clip(evidence / CERTAIN, LEAST_SCALE, 1.0)


def _functions(columns: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and the squares of those with more than two values, standardised."""
    several = np.array([len(np.unique(c[:50])) > 2 for c in columns.T], dtype=bool)
    functions = np.hstack([columns, columns[:, several] ** 2])
    functions = functions - functions.mean(axis=0)
    scale = functions.std(axis=0)
    varies = scale > 1e-9
    of = np.concatenate([group, group[several]])
    return (functions[:, varies] / scale[varies]).astype(np.float32), of[varies]


def _explained(
    functions: np.ndarray, of: np.ndarray, outcomes: np.ndarray, known: Sequence[int]
) -> np.ndarray:
    """What functions of known groups tell of the outcomes."""
    if not len(known):
        return np.zeros_like(outcomes)
    alone = np.hstack([functions[:, of == i] for i in known])
    i, j = np.triu_indices(alone.shape[1], 1)
    explaining = np.hstack([alone, alone[:, i] * alone[:, j]])
    explaining = explaining[:, : max(1, len(outcomes) // SAMPLES_PER_FUNCTION)]
    return explaining @ np.linalg.lstsq(explaining, outcomes, rcond=None)[0]


def _alone_scores(
    functions: np.ndarray, of: np.ndarray, outcomes: np.ndarray, n_groups: int
) -> np.ndarray:
    """Minus the log p-value of the correlations of every group."""
    z = functions.T @ outcomes
    z /= np.sqrt((functions**2).T @ outcomes**2) + np.finfo(float).tiny
    degrees = np.bincount(of, minlength=n_groups) * outcomes.shape[1]
    return -chi2.logsf(np.bincount(of, (z**2).sum(axis=1), n_groups), np.maximum(degrees, 1))


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
    pairs = -chi2.logsf(statistic, degrees)
    np.fill_diagonal(pairs, 0.0)
    scores[groups] = np.maximum(pairs.max(axis=1) - np.log(len(groups)), 0.0)
    return scores
