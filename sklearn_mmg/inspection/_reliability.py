"""Whether an estimate stays what it is when it is made from less, by more, or the other way."""

import math
import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length
from tqdm.auto import tqdm

from sklearn_mmg._core.cross_fitted import CrossFittedMutualInfo
from sklearn_mmg._core.folds import Splitter
from sklearn_mmg._core.sides import Sides
from sklearn_mmg._estimate import Estimate, combination, common_samples
from sklearn_mmg._validation import validate_params
from sklearn_mmg.base import BaseMutualInfo
from sklearn_mmg.diffusion.mmse_gap import MMSEGapMutualInfo
from sklearn_mmg.inspection._difference import DIFFERENCE, PairedDifference
from sklearn_mmg.inspection._permutation import _unfitted
from sklearn_mmg.inspection._verdict import Refit, Reliability, judge

# Fewer samples in common, as of held-out fractions, do not tell the error of their mean. What both
# estimates have in common is then not taken off, nor where nothing is known of single samples.
MIN_COMMON_SAMPLES = 30


class _Plan(NamedTuple):
    """A fit to make: some samples, or other parameters."""

    name: str
    rows: np.ndarray
    parameters: dict[str, Any]


class _Reading(NamedTuple):
    """What is kept of a fit."""

    estimate: Estimate  # whose samples have the numbers that they have among all
    interval: tuple[float, float]
    forms: dict[str, float]
    caveats: tuple[str, ...]
    paired: bool  # whether it has values of single samples


@validate_params(
    {
        "estimator": [BaseMutualInfo],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def check_reliability(
    estimator: BaseMutualInfo,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Reliability:
    """Refit an estimator in other ways, and say whether its estimate is to be believed.

    The interval of an estimate knows the error of the sample, and little of what training missed.
    That shows in refits: to half of the samples and to a quarter, which share none, with twice the
    steps, and with the other side denoised. Each is compared with the estimate on the samples that
    both evaluate, where most of the error of the sample cancels (see :func:`paired_difference`).

    A change counts if it is material, and beyond chance. *Material* is more than 0.05 nats and 5 %
    of the estimate: two estimates that close answer most questions alike, and an interval from some
    thousands of samples is about as long. *Beyond chance* is more than 2.5 standard errors, which
    each of four comparisons exceeds by chance once in eighty times.

    - **"still rising"**: more samples, or twice the steps, would raise it so much. Of samples it is
      the bias that is left if it falls as ``1 / n``: all that the second half of them added, or a
      third of what the last three quarters did, whichever is more. A learning curve may be flat at
      its beginning or at its end.
    - **"unstable"**: a refit contradicts it in another way, also if either is anywhere between its
      forms (direct, orthogonal, linear) or in what its own interval takes for possible beyond the
      error of the sample; or the fit itself ends in a warning. A refit of the other side that ends
      in one proves nothing.
    - **"stable"**: neither. What no sample of this size shows, no refit does.

    Parameters
    ----------
    estimator : estimator of mutual information
        Fitted or not: clones of it are fitted.
    X : array-like of shape (n_samples, n_features)
        One block.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        The other block.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group depend on each other: halves and quarters are of whole groups.
    random_state : int, RandomState instance or None, default=None
        Draws the samples, and the seed of all fits if the estimator has no integer.
    n_jobs : int, default=None
        Refits at the same time, by joblib.
    verbose : int, default=0
        With 1 or more, a progress bar.

    Returns
    -------
    Reliability
        With ``verdict``, ``refits``, ``findings`` and what more samples would add, ``missing``, in
        nats. Printed it says what was found, and what to do.

    Raises
    ------
    ValueError
        If a quarter of the samples, or of the groups, is too few to fit.

    See Also
    --------
    sklearn_mmg.ReliabilityDisplay : The refits as a picture.
    paired_difference : The comparison of two estimates of the same samples.

    Notes
    -----
    It takes as long as five fits: two of all samples, one with twice the steps, and two of parts.
    What an estimator has no parameter for is left out, and said in ``omitted``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import KSGMutualInfo
    >>> from sklearn_mmg.inspection import check_reliability
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2000, 1))
    >>> y = x + rng.normal(size=(2000, 1))
    >>> check_reliability(KSGMutualInfo(), x, y, random_state=0).verdict
    'stable'
    >>> check_reliability(KSGMutualInfo(), x, x**2, random_state=0).verdict  # it is infinite
    'still rising'
    """
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    estimator = _seeded(estimator, rng)
    with tqdm(total=1, disable=not verbose, unit="fit") as bar:
        original = _fitted(estimator, X, y, groups)
        as_it_is = _Plan("as it is", np.arange(original._n_samples), {})
        plans, omitted = _plans(original, X, y, groups, rng)
        bar.total = 1 + len(plans)
        bar.update()
        readings = [_read(original, as_it_is.rows)]
        fits = (delayed(_refit)(estimator, X, y, groups, plan) for plan in plans)
        for reading in Parallel(n_jobs=n_jobs, return_as="generator")(fits):
            readings.append(reading)  # pyright: ignore[reportArgumentType]  # inferred from joblib
            bar.update()
    refits = tuple(
        _compared(plan, reading, readings[0])
        for plan, reading in zip([as_it_is, *plans], readings, strict=True)
    )
    return Reliability(
        estimator=type(estimator).__name__,
        refits=refits,
        findings=judge(refits),
        omitted=tuple(omitted),
    )


def _seeded(estimator: BaseMutualInfo, rng: np.random.RandomState) -> BaseMutualInfo:
    """An unfitted clone; all fits have the same folds if its splitter allows it."""
    copied = _unfitted(estimator)
    seed = copied.get_params().get("random_state", 0)
    if not isinstance(seed, Integral):
        copied.set_params(random_state=int(rng.randint(2**31 - 1)))
    return copied


def _plans(
    original: BaseMutualInfo,
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None,
    rng: np.random.RandomState,
) -> tuple[list[_Plan], list[str]]:
    """Refits to make, and why others are not."""
    everything = np.arange(original._n_samples)
    plans, omitted = [], []
    cv = getattr(original, "cv", 2)
    if isinstance(cv, Real | Splitter):
        names = "half of the samples", "a quarter of the samples"
        parts = _parts(original._n_samples, groups, rng)
        plans += [_Plan(name, rows, {}) for name, rows in zip(names, parts, strict=True)]
    else:
        omitted.append("parts of the samples, because cv has splits of all of them.")
    n_steps = _most_steps(original)
    if n_steps:
        plans.append(_Plan(f"twice the steps, {2 * n_steps}", everything, {"n_steps": 2 * n_steps}))
    else:
        omitted.append("twice the steps, because nothing was trained in steps.")
    side, obstacle = _other_side(original, X, y)
    if obstacle:
        omitted.append(f"the other side denoised, because {obstacle}.")
    else:
        plans.append(_Plan(f"denoise={side!r}", everything, {"denoise": side}))
    return plans, omitted


def _parts(
    n_samples: int, groups: ArrayLike | None, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Half of the samples, and a quarter of them, which shares none with it; of whole groups."""
    labels = np.arange(n_samples) if groups is None else np.unique(groups, return_inverse=True)[1]
    order = rng.permutation(labels.max() + 1)
    half, quarter = np.split(order[: len(order) // 2 + len(order) // 4], [len(order) // 2])
    return np.flatnonzero(np.isin(labels, half)), np.flatnonzero(np.isin(labels, quarter))


def _most_steps(original: BaseMutualInfo) -> int:
    """Most steps of its trainings, as far as these were not ended early; 0 without any."""
    if not isinstance(original, CrossFittedMutualInfo):
        return 0
    return max((int(net.max_steps) for m in original.models_ for net in m.nets_), default=0)


def _other_side(original: BaseMutualInfo, X: ArrayLike, y: ArrayLike) -> tuple[str, str]:
    """The side that was not denoised, and what keeps it from being so."""
    if not isinstance(original, MMSEGapMutualInfo):
        return "", f"{type(original).__name__} has no parameter denoise"
    if not original.models_:
        return "", "none was needed"
    side = original.sides_.other
    x_block, y_block = original._validate_blocks(X, y, reset=False)
    sides = Sides(
        x_block, y_block, original._masks, side, seed=0, split_atoms=True, given=original._given
    )
    block = sides.target
    if block.kind == "mixed":
        return "", f"{side} has both numbers and categories"
    if block.kind == "discrete" and block.has_rare_classes:
        return "", f"{side} has {block.n_dims + 1} classes for {block.n_samples_} samples"
    return side, ""


def _refit(
    estimator: BaseMutualInfo, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None, plan: _Plan
) -> _Reading:
    X, y = _safe_indexing(X, plan.rows), _safe_indexing(y, plan.rows)
    groups = None if groups is None else _safe_indexing(groups, plan.rows)
    try:
        return _read(_fitted(estimator, X, y, groups, **plan.parameters), plan.rows)
    except ValueError as error:
        raise ValueError(
            f"{len(plan.rows)} samples, {plan.name}, cannot be fitted: {error}"
        ) from error


def _fitted(
    estimator: BaseMutualInfo,
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None,
    **parameters: object,
) -> BaseMutualInfo:
    """A clone with other parameters, fitted; what it warns of is kept with the estimate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return _unfitted(estimator).set_params(**parameters).fit(X, y, groups)


def _read(fitted: BaseMutualInfo, rows: np.ndarray) -> _Reading:
    estimate = fitted._estimate
    return _Reading(
        replace(estimate, held_out=rows[estimate.samples]),
        fitted.mutual_info_interval(),
        _forms(fitted),
        (*estimate.caveats, *fitted._impossible()),
        "pointwise_mi" not in fitted._lacks,
    )


def _forms(fitted: BaseMutualInfo) -> dict[str, float]:
    """The forms of the gap that a fit knows: the one that is read, and those that it is made of."""
    if not isinstance(fitted, MMSEGapMutualInfo) or math.isinf(fitted.mutual_info_):
        return {}
    value, cross_term = fitted.mutual_info_, fitted.cross_term_
    direct = value + cross_term if fitted.form == "orthogonal" else value - fitted.correction_
    return {"direct": direct, "orthogonal": direct - cross_term, fitted.form: value}


def _compared(plan: _Plan, reading: _Reading, first: _Reading) -> Refit:
    """What is shown of a fit, beside the first."""
    estimate = reading.estimate
    value = estimate.mutual_info
    doubt = 0.0, 0.0
    if math.isfinite(value):
        possible = value, *reading.forms.values(), *estimate.alternatives
        doubt = value - min(possible), max(possible) - value
    return Refit(
        name=plan.name,
        parameters=plan.parameters,
        n_samples=len(plan.rows),
        mutual_info=value,
        standard_error=estimate.standard_error,
        interval=reading.interval,
        forms=reading.forms,
        doubt=doubt,
        caveats=reading.caveats,
        change=_change(reading, first),
    )


def _change(reading: _Reading, first: _Reading) -> PairedDifference:
    estimates = reading.estimate, first.estimate
    values = [estimate.mutual_info for estimate in estimates]
    if any(map(math.isinf, values)):
        return PairedDifference(0.0 if values[0] == values[1] else values[0] - values[1], 0.0)
    if reading.paired and len(common_samples(estimates)[0]) >= MIN_COMMON_SAMPLES:
        # Groups, and copies of a row, are those that all samples show.
        less, error = combination(estimates[::-1], DIFFERENCE)
        return PairedDifference(-less, error)
    errors = [estimate.standard_error for estimate in estimates]
    return PairedDifference(values[0] - values[1], math.hypot(*errors))
