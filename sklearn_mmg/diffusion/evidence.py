"""How much of a path of ever more flexible models held-out samples speak for."""

import numpy as np

# Nats in all samples together: less is chance, and more than the second leaves no doubt.
SOME_EVIDENCE, STRONG_EVIDENCE = 1.0, 6.0
N_DEVIATIONS = 2.0  # by which the linear form has to grow for a more flexible model


def most_evident(
    linear: np.ndarray, direct: np.ndarray, n_parameters: np.ndarray | int
) -> tuple[int | None, float]:
    """Which model of a path to read.

    The direct form, which overfitting lowers, decides whether there is anything. Where it leaves no
    doubt the linear form is read from a more flexible model: overfitting does not lower it, but
    makes it vary, and its standard deviation follows from how far it exceeds the direct form.

    Parameters
    ----------
    linear, direct : ndarray of shape (n_models,)
        Both forms, summed over held-out samples, from the simplest model to the most flexible.
    n_parameters : ndarray of shape (n_models,) or int

    Returns
    -------
    chosen : int or None
        None if no model has evidence.
    certain : float
        Its linear form, less two standard deviations.
    """
    best = int(np.argmax(direct))
    if direct[best] <= SOME_EVIDENCE:
        return None, 0.0
    chosen = best
    certain = linear - N_DEVIATIONS * np.maximum(linear - direct, 0) / np.sqrt(n_parameters)
    if direct[best] > max(STRONG_EVIDENCE, np.sqrt(np.max(n_parameters))):
        chosen += int(np.argmax(certain[best:]))
    return chosen, float(certain[chosen])


def simplest(evidence) -> int:
    """The best candidate, or the first if that is hardly worse."""
    best = int(np.argmax(evidence))
    return best if evidence[best] > evidence[0] + SOME_EVIDENCE else 0
