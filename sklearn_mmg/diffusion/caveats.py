"""What to say of an estimate that the denoisers, or the data, make doubtful."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sklearn_mmg._core.sides import Sides
from sklearn_mmg._estimate import Estimate
from sklearn_mmg._plausibility import regression_bound
from sklearn_mmg._tables import ColumnReader
from sklearn_mmg._warnings import warn

# Less than this, in nats, is no reason to warn of an estimate.
NEGLIGIBLE = 0.05
# What the second half of a training may add without a warning, in nats: of 99 estimates from 1,000
# samples that were not too low by 0.05 none had added more.
LARGE_RISE = 0.08
# With fewer samples per column class probabilities show only part of what there is.
SAMPLES_PER_COLUMN = 4
# What a regression proves must exceed the estimate by so much, in nats.
REGRESSION_MARGIN = 0.5


def disagreement(
    estimate: Estimate, forms: Sequence[float], cross_term_se: float, sides: Sides
) -> str | None:
    """What to say if the forms of an estimate contradict each other.

    Parameters
    ----------
    estimate : Estimate
    forms : list of float
        Forms of it, in nats.
    cross_term_se : float
    sides : Sides

    Returns
    -------
    caveat : str or None
    """
    value, error = estimate.mutual_info, estimate.standard_error
    negative = value < -max(2 * error, NEGLIGIBLE)
    contradictory = max(forms) - min(forms) > max(2 * cross_term_se, NEGLIGIBLE)
    vague = error > max(abs(value), NEGLIGIBLE) and contradictory
    if not (negative or vague):
        return None
    return (
        f"The estimate, {value:.3f} nats with a standard error of {error:.3f}, is not to be "
        f"relied on: forms of it that agree for good denoisers range from {min(forms):.3f} to "
        f"{max(forms):.3f}. The denoisers of {sides.denoised} were not learned well. Try "
        f"denoise={sides.other!r}, more samples, or fewer columns."
    )


def of_rise(estimate: Estimate, rise: float, n_steps: int) -> Iterator[str]:
    """What to say if the last half of a training still added much."""
    if rise > LARGE_RISE:
        yield (
            f"The estimate, {estimate.mutual_info:.2f} nats, may be too low: the second half of "
            f"the training still added {rise:.2f} nats to it. Use more samples, or more steps, "
            f"such as n_steps={2 * n_steps}."
        )


def of_regression(
    estimate: Estimate,
    blocks: Sequence[np.ndarray],
    readers: Sequence[ColumnReader],
    rng: np.random.Generator,
) -> Iterator[str]:
    """What to say if a plain regression of numbers on numbers proves more than an estimate.

    Parameters
    ----------
    estimate : Estimate
    blocks : sequence of two ndarrays of n_samples rows
    readers : sequence of two ColumnReader
        That know which columns are discrete, and how columns are called.
    rng : numpy Generator

    Yields
    ------
    caveat : str
    """
    limit = estimate.mutual_info + 2 * estimate.standard_error + REGRESSION_MARGIN
    if any(reader.discrete_.any() for reader in readers):
        return
    for i in (1, 0):
        bound, j = regression_bound(blocks[i], blocks[1 - i], rng)
        if bound > limit:
            yield (
                f"Nearest neighbours in {'yX'[i]} predict {readers[i].label(j)} so well "
                f"that the mutual information is at least {bound:.1f} nats, more than the "
                f"estimate of {estimate.mutual_info:.1f}. If one side is a function of the other "
                "it is infinite, and the estimate a lower limit that grows with the number of "
                "samples."
            )
            return


def of_wide_classes(models: Sequence[Any], side: str) -> Iterator[str]:
    """What to say if class probabilities given many columns are learned from few samples.

    Parameters
    ----------
    models : list
        Fitted denoisers of all folds; those of classes know numbers of columns and samples.
    side : {"X", "y"}
        The side of the columns.

    Yields
    ------
    caveat : str
    """
    classes = [model for model in models if getattr(model, "n_columns_", None)]
    if not classes or classes[0].n_columns_ * SAMPLES_PER_COLUMN <= classes[0].n_samples_:
        return
    yield (
        f"{side} has {classes[0].n_columns_} columns for {classes[0].n_samples_} training samples. "
        "Class probabilities are shrunk to their margin as far as held-out samples demand: what "
        "that hides is missing from the estimate and its interval, which are lower limits. Use "
        f"more samples, or reduce {side} first: with PCA, or with a discriminant on other data."
    )


def warn_of_new(sides: Sides, target: np.ndarray, condition: np.ndarray) -> None:
    """Warn of categories in later data that were not seen in fit.

    Parameters
    ----------
    sides : Sides
        Fitted.
    target : ndarray of n_samples rows
        What is denoised: codes, -1 where new, of a discrete side.
    condition : ndarray of shape (n_samples, n_columns)
        The columns of the other side.
    """
    outcome = "class" if sides.target.n_columns == 1 else "level"
    if sides.target.kind == "discrete" and (new := (np.c_[target] < 0).any(axis=1).sum()):
        warn(
            f"{new} of {len(target)} samples have a {outcome} of {sides.denoised} that was not "
            "seen in fit, and count as if it were independent of the other side. Folds that are "
            "stratified by class have all of them."
        )
    if new := sides.condition.n_new(condition):
        warn(
            f"{new} of {len(target)} samples have a category of {sides.other} that was not seen in "
            "fit, which tells nothing about the other side."
        )
