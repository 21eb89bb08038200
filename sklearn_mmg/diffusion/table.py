"""Mutual information of two discrete columns."""

import numpy as np

from sklearn_mmg.diffusion.evidence import most_evident

# Pseudo-counts of independence, in all, as a share of the samples: as many as held-out evidence
# prefers.
PSEUDO_SHARES = 2.0 ** np.arange(-14, 5)


def table_mutual_information(
    x: np.ndarray, y: np.ndarray, n_x: int, n_y: int, folds: np.ndarray
) -> tuple[float, float, float]:
    """Held-out mutual information of integer codes, summed over samples, in nats.

    The softmax denoisers of a one-hot code are exact given class probabilities, so that nothing
    is left to integrate. Joint probabilities are training counts with pseudo-counts spread as the
    product of the margins; at the limit of many nothing is left of the dependence. The linear form
    is the mean of the log-ratio at the held-out cells, which estimation error lowers, and at the
    trained probabilities, which it raises.

    Parameters
    ----------
    x, y : ndarray of int of shape (n,)
        The order of the two does not matter.
    n_x, n_y : int
        Numbers of classes.
    folds : ndarray of int of shape (n,)
        Part of every sample.

    Returns
    -------
    linear, direct : float
        Both forms.
    squares : float
        Squared deviations of the log-ratios from their mean.
    """
    n_folds = int(folds.max()) + 1
    flat = (folds * n_x + x) * n_y + y
    tables = np.bincount(flat, minlength=n_folds * n_x * n_y).reshape(n_folds, n_x, n_y)
    tables = tables[:, tables.any(axis=(0, 2))][:, :, tables.any(axis=(0, 1))].astype(float)
    total = tables.sum(axis=0)
    direct, linear, squares = np.zeros((3, len(PSEUDO_SHARES)))
    for test in tables:
        train = total - test
        # Half a count for a class that is in no training sample.
        margins = [np.maximum(train.sum(axis=axis), 0.5) for axis in (1, 0)]
        independent = np.outer(*(margin / margin.sum() for margin in margins))
        for i, share in enumerate(PSEUDO_SHARES):
            joint = train / train.sum() + share * independent
            joint /= joint.sum()
            log_ratio = np.log(joint / independent)
            evidence = (test * log_ratio).sum()
            direct[i] += evidence
            squares[i] += (test * log_ratio**2).sum()
            linear[i] += 0.5 * (evidence + test.sum() * (joint * log_ratio).sum())
    # From many pseudo-counts to few: ever more flexible.
    chosen, _ = most_evident(linear[::-1], direct[::-1], int((total > 0).sum()))
    if chosen is None:
        return 0.0, 0.0, 0.0
    chosen = len(direct) - 1 - chosen
    return linear[chosen], direct.max(), squares[chosen] - direct[chosen] ** 2 / len(x)
