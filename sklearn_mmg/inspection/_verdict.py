"""What refits of an estimate say of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sklearn_mmg.inspection._difference import PairedDifference

STABLE, RISING, UNSTABLE = "stable", "still rising", "unstable"
# A change of less than this, in nats and as a share of the estimate, is not material. Two normal
# columns with a correlation of 0.6 and of 0.64 differ by so much; a second digit is what a user
# of a larger value reads.
MATERIAL_NATS, MATERIAL_SHARE = 0.05, 0.05
# Standard errors that are beyond chance: 5 % for any of four comparisons, on either side.
BEYOND_CHANCE = 2.5


class Finding(NamedTuple):
    """Why an estimate is not stable, and what to do if the reason does not say so."""

    verdict: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Refit:
    """An estimate, and how far it is from that of the estimator as it is.

    Attributes
    ----------
    name : str
        What is different.
    parameters : dict
        Parameters that are different, by name.
    n_samples : int
        Of the fit.
    mutual_info, standard_error : float
        In nats.
    interval : tuple of two float
        Of 95 %.
    forms : dict of str to float
        Forms of the estimate, by name, if the estimator has several.
    doubt : tuple of two float
        How far below and above the estimate its forms are, or what else it takes for possible
        beyond the error of the sample, in nats.
    caveats : tuple of str
        What the fit warned of.
    change : PairedDifference
        The estimate less that of the estimator as it is, on the samples that both evaluate.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    n_samples: int
    mutual_info: float
    standard_error: float
    interval: tuple[float, float]
    forms: dict[str, float] = field(default_factory=dict)
    doubt: tuple[float, float] = (0.0, 0.0)
    caveats: tuple[str, ...] = ()
    change: PairedDifference

    @property
    def spread(self) -> float:
        """How far the forms are from each other, in nats."""
        return max(self.forms.values()) - min(self.forms.values()) if self.forms else 0.0


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Refits of an estimate, and what they say of it; printed, what to do.

    Attributes
    ----------
    estimator : str
        Name of its class.
    refits : tuple of Refit
        The first is the estimate itself.
    findings : tuple of Finding
        Why it is not stable; ``verdict``, ``reason`` and ``remedy`` of each.
    omitted : tuple of str
        Refits that the estimator or the data do not allow, with the reason.
    """

    estimator: str
    refits: tuple[Refit, ...]
    findings: tuple[Finding, ...]
    omitted: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``"stable"``, ``"still rising"`` or ``"unstable"``; what rises is said first."""
        found = {finding.verdict for finding in self.findings}
        return next((verdict for verdict in (RISING, UNSTABLE) if verdict in found), STABLE)

    @property
    def missing(self) -> PairedDifference | None:
        """What more samples would add if the bias falls as ``1 / n``, in nats, and its error.

        The slope in ``1 / n`` is this by the number of samples, with the opposite sign. None if no
        part of the samples was fitted, or the estimate is infinite.
        """
        return missing(self.refits)

    def __str__(self) -> str:
        first = self.refits[0]
        low, high = first.interval
        lines = [
            f"{self.estimator}: {self.verdict}",
            f"{first.mutual_info:.3f} nats, 95 % interval {low:.3f} to {high:.3f}",
            "",
            f"{'refit':26}{'samples':>9}{'estimate':>10}{'change on common samples':>27}",
            *(
                f"{refit.name:26}{refit.n_samples:9}{refit.mutual_info:10.3f}"
                f"{f'{refit.change.difference:+.3f} ± {refit.change.standard_error:.3f}':>27}"
                f"{', warns' * bool(refit.caveats)}"
                for refit in self.refits[1:]
            ),
        ]
        if first.forms:
            forms = ", ".join(f"{name} {value:.3f}" for name, value in first.forms.items())
            lines += ["", f"Forms: {forms}"]
        if (more := self.missing) is not None:
            lines += [
                "",
                f"If the bias falls as 1 / n, more samples would add {more.difference:.3f} ± "
                f"{more.standard_error:.3f} nats.",
            ]
        for finding in self.findings:
            lines += ["", finding.reason]
            lines += [f"What to do: {finding.remedy}"] if finding.remedy else []
        if self.omitted:
            lines += ["", *(f"Left out: {reason}" for reason in self.omitted)]
        return "\n".join(lines)


def judge(refits: Sequence[Refit]) -> tuple[Finding, ...]:
    """What is found in refits, of which the first is the estimate itself."""
    first, *others = refits
    infinite = [refit for refit in others if math.isinf(refit.mutual_info)]
    if math.isinf(first.mutual_info):
        return tuple(_of_infinite(first, [refit for refit in others if refit not in infinite]))
    finite = [refit for refit in others if refit not in infinite]
    return (
        *_of_samples(refits),
        *(f for refit in finite if "n_steps" in refit.parameters for f in _of_steps(refit, first)),
        *(f for refit in finite if "denoise" in refit.parameters for f in _of_side(refit, first)),
        *_of_infinite(first, infinite),
        *(Finding(UNSTABLE, f"The fit itself warns: {text}") for text in first.caveats),
    )


def missing(refits: Sequence[Refit]) -> PairedDifference | None:
    """What more samples would add by the steeper slope that is beyond chance."""
    first, *others = refits
    slopes = [
        _bias(refit, first)
        for refit in others
        if refit.n_samples < first.n_samples and math.isfinite(refit.change.difference)
    ]
    if not slopes or math.isinf(first.mutual_info):
        return None
    certain = [s for s in slopes if abs(s.difference) > BEYOND_CHANCE * s.standard_error]
    return max(certain or slopes[:1], key=lambda slope: slope.difference)


def material(first: Refit) -> float:
    """What a change has to exceed to matter, in nats."""
    return max(MATERIAL_NATS, MATERIAL_SHARE * abs(first.mutual_info))


def _bias(part: Refit, first: Refit) -> PairedDifference:
    """What more samples would add to an estimate, by what it is with a part of them."""
    share = 1 / (first.n_samples / part.n_samples - 1)
    return PairedDifference(-share * part.change.difference, share * part.change.standard_error)


def _exceeds(change: PairedDifference, limit: float) -> bool:
    return change.difference > max(limit, BEYOND_CHANCE * change.standard_error)


def _contradicts(refit: Refit, first: Refit) -> bool:
    """Whether a change is beyond chance wherever in their doubt both estimates are."""
    half = BEYOND_CHANCE * refit.change.standard_error
    lowest = refit.change.difference - half - refit.doubt[0] - first.doubt[1]
    highest = refit.change.difference + half + refit.doubt[1] + first.doubt[0]
    return abs(refit.change.difference) > material(first) and (lowest > 0 or highest < 0)


def _of_samples(refits: Sequence[Refit]) -> Iterator[Finding]:
    first, *others = refits
    more = missing(refits)
    if more is None:
        return
    if _exceeds(more, material(first)):
        n_enough = first.n_samples * more.difference / material(first)
        yield Finding(
            RISING,
            f"It rises with the number of samples: more would add some {more.difference:.2f} nats.",
            f"use more samples, at least {float(f'{n_enough:.2g}'):,.0f} to leave "
            f"{material(first):.2f} nats, or reduce the dimension of the sides, such as by PCA.",
        )
    for part in others:
        if part.n_samples == first.n_samples or math.isinf(part.mutual_info):
            continue
        if -_bias(part, first).difference > material(first) and _contradicts(part, first):
            yield Finding(
                UNSTABLE,
                f"It falls with the number of samples: {part.name} gives "
                f"{part.change.difference:.2f} nats more.",
                "use more samples, or reduce the dimension of the sides, such as by PCA.",
            )


def _of_steps(refit: Refit, first: Refit) -> Iterator[Finding]:
    n_steps, change = refit.parameters["n_steps"], refit.change.difference
    if _exceeds(refit.change, material(first)):
        yield Finding(
            RISING,
            f"It rises with the steps: {n_steps} in place of {n_steps // 2} add {change:.2f} nats.",
            f"set n_steps={n_steps} or more, until twice as many add less than "
            f"{material(first):.2f} nats.",
        )
    elif change < 0 and _contradicts(refit, first):
        yield Finding(
            UNSTABLE,
            f"It falls with the steps: {n_steps} in place of {n_steps // 2} take "
            f"{-change:.2f} nats away.",
            f"use more samples, or n_steps={max(n_steps // 4, 1)}, and see whether they agree.",
        )


def _of_side(refit: Refit, first: Refit) -> Iterator[Finding]:
    # A refit that warns of itself contradicts nothing.
    if refit.caveats or not _contradicts(refit, first):
        return
    remedy = "use more samples, or reduce the dimension of the sides, such as by PCA."
    if refit.spread < first.spread:
        remedy = (
            f"set denoise={refit.parameters['denoise']!r}, of which the forms are nearer to each "
            f"other ({refit.spread:.2f} nats for {first.spread:.2f}), or {remedy}"
        )
    yield Finding(
        UNSTABLE,
        f"Both sides tell something else: {refit.name} changes it by "
        f"{refit.change.difference:+.2f} nats.",
        remedy,
    )


def _of_infinite(first: Refit, contrary: Sequence[Refit]) -> Iterator[Finding]:
    """Estimates of which one is infinite and the other is not."""
    for refit in contrary:
        yield Finding(
            UNSTABLE,
            f"The estimate is {first.mutual_info:.2f} nats, and with {refit.name} it is "
            f"{refit.mutual_info:.2f}.",
            "look for columns of one side that are functions of the other: of a few samples a "
            "relation may hold by chance, of all of them it makes the information infinite.",
        )
