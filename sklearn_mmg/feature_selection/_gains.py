"""What groups of columns add to others: orders, masks, and the test of a gain."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import t as student

from sklearn_mmg._estimate import standard_error

# Larger p-values are of no interest.
DOUBTFUL = 0.1


def gain_test(gains: np.ndarray, clusters: np.ndarray | None) -> tuple[float, float]:
    """Mean of what samples gain, and a p-value of one that is not positive.

    It is the larger one of two. That of the paired t-test is no longer valid where the differences
    vanish: two networks that are both nearly certain differ by little, and by the same in every
    sample. The likelihood ratio of all samples bounds the other one: under the model of the fewer
    columns it exceeds ``1 / p`` with probability ``p`` at most.

    Parameters
    ----------
    gains : ndarray of shape (n_samples,)
        Differences of pointwise values, of samples that did not choose what is tested.
    clusters : ndarray of shape (n_samples,) or None
        Which samples count as one.
    """
    mean, error = float(gains.mean()), standard_error(gains, clusters)
    n = len(gains) if clusters is None else len(np.unique(clusters))
    of_differences = float(student.sf(mean / error, n - 1)) if error > 0 else 1.0
    return mean, max(of_differences, float(np.exp(-max(n * mean, 0.0))))


def added_test(
    gains: np.ndarray, over_others: Callable[[], np.ndarray], clusters: np.ndarray | None
) -> tuple[float, float]:
    """:func:`gain_test` of a group that is added to a set.

    A network may know a set better that has one column more, whatever that column says: the same
    set with the values of other samples in it has to be worse, too.

    Parameters
    ----------
    gains : ndarray of shape (n_samples,)
        Over the set without the group.
    over_others : callable
        Gives the gains over the set with the group of other samples, if they are needed.
    clusters : ndarray of shape (n_samples,) or None
        Which samples count as one.
    """
    mean, p_value = gain_test(gains, clusters)
    if p_value < DOUBTFUL:
        p_value = max(p_value, gain_test(over_others(), clusters)[1])
    return mean, p_value


def random_orders(n: int, n_orders: int, rng: np.random.RandomState) -> list[np.ndarray]:
    """Random orders of `n`, every second one the reverse of the one before."""
    orders = [rng.permutation(n) for _ in range(-(-n_orders // 2))]
    return [order for pair in orders for order in (pair, pair[::-1])][:n_orders]


def nested_masks(order: Sequence[int] | np.ndarray, known: np.ndarray) -> np.ndarray:
    """The `known` groups, and with them ever more of an `order`: (len(order) + 1, n_groups)."""
    masks = np.repeat(known[None], len(order) + 1, axis=0)
    for i, group in enumerate(order):
        masks[i + 1 :, group] = True
    return masks


def added_in_order(
    order: np.ndarray, known: np.ndarray, values: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What every group adds to those before it, and to the `known` ones.

    Parameters
    ----------
    order : ndarray of int of shape (n_ordered,)
    known : ndarray of bool of shape (n_groups,)
    values : callable
        ``values(masks)`` gives pointwise values of shape (n_masks, n_samples).

    Returns
    -------
    added : ndarray of shape (n_groups, n_samples)
        Zero for what is not in `order`.
    """
    steps = np.diff(values(nested_masks(order, known)), axis=0)
    added = np.zeros((len(known), steps.shape[1]))
    added[order] = steps
    return added
