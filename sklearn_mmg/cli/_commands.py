"""What every command computes: a function for each, by its name."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_mmg._estimate import normal_interval
from sklearn_mmg._units import in_units
from sklearn_mmg._wording import enumerated
from sklearn_mmg.cli._columns import Data

if TYPE_CHECKING:
    from sklearn_mmg import MMGMutualInfo

MOST_PAIRED = 25  # columns, the target included
MOST_NAMES = 6  # in a sentence
MANY_COLUMNS = 20  # of which one that tells nothing has a p-value below .05 on average


@dataclass
class Together:
    """What all columns tell of a target, and pairs of them of each other.

    Attributes
    ----------
    estimator : MMGMutualInfo
        Fitted.
    names : list of str
        Of the target and columns of the matrix.
    matrix : ndarray of shape (len(names), len(names))
        Mutual information in nats.
    units : {"nats", "bits"}
    """

    estimator: MMGMutualInfo
    names: list[str]
    matrix: np.ndarray
    units: str

    @property
    def n_columns(self) -> int:
        return self.estimator.n_features_in_

    @property
    def estimate(self) -> dict[str, float]:
        mmg = self.estimator
        interval = mmg.mutual_info_interval()
        return estimated(mmg.mutual_info_, mmg.mutual_info_se_, interval, self.units)


@dataclass
class Result:
    """What a command found.

    Attributes
    ----------
    data : Data
    title : str
        Of the table.
    rows : list of dict
        The table, in nats or bits.
    units : {"nats", "bits"}
    summary : dict
        Other results by name.
    sentences : list of str
        What the table does not say, for readers.
    distrust : list of str
        What speaks against believing it.
    together : Together or None
        For a report.
    """

    data: Data
    title: str
    rows: list[dict[str, Any]]
    units: str
    summary: dict[str, Any] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)
    distrust: list[str] = field(default_factory=list)
    together: Together | None = None


def run_of(options: Namespace) -> dict[str, Any]:
    """How a command computes."""
    return {"random_state": options.seed, "n_jobs": options.jobs, "verbose": not options.quiet}


def units_of(options: Namespace) -> str:
    return "bits" if options.bits else "nats"


def estimated(
    value: float, error: float, interval: tuple[float, float] | None, units: str
) -> dict[str, float]:
    """Fields of an estimate in nats, whose interval is the normal one if none is given."""
    if interval is None:
        ends = (value, value) if math.isinf(value) else normal_interval(value, error, 0.95)
        interval = max(ends[0], 0.0), max(ends[1], 0.0)
    names = "mutual_info", "standard_error", "interval_low", "interval_high"
    values = value, error, *interval
    return {name: in_units(units) * float(v) for name, v in zip(names, values, strict=True)}


def scores(options: Namespace) -> Result:
    from sklearn_mmg.feature_selection import mutual_info_test

    if options.report:
        refuse_report(options.report)
    data = Data(options)
    x, (target,) = one_target(data)
    found = mutual_info_test(
        data.frame[x],
        data.frame[[target]],  # with its name
        **run_of(options),
    )
    units = units_of(options)
    of_columns = zip(x, found.scores, found.standard_errors, found.pvalues, strict=True)
    rows = [
        {"column": name, **estimated(value, error, None, units), "p_value": float(p)}
        for name, value, error, p in sorted(of_columns, key=lambda column: -column[1])
    ]
    result = Result(data, f"What each column tells of {target!r}", rows, units)
    if weak := [row["column"] for row in rows if not row["mutual_info"] and row["p_value"] < 0.01]:
        result.distrust.append(
            f"{listed(weak)}: p-values say that there is something, too weak for a score from so "
            "many samples. It may be above the interval."
        )
    if len(x) >= MANY_COLUMNS:
        result.distrust.append(
            f"A p-value is that of one column: of {len(x)} that tell nothing, some "
            f"{0.05 * len(x):.0f} would have one below 0.05."
        )
    if options.report:
        add_together(result, x, target)
    return result


def add_together(result: Result, x: list[str], target: str) -> None:
    """What all columns tell together, and pairs of those that tell most."""
    from sklearn_mmg import MMGMutualInfo
    from sklearn_mmg.feature_selection import mutual_info_matrix

    frame, options = result.data.frame, result.data.options
    run = run_of(options)
    names = [target, *(row["column"] for row in result.rows[: MOST_PAIRED - 1])]
    matrix = mutual_info_matrix(frame[names], **run)
    mmg = MMGMutualInfo(**run).fit(frame[x], frame[target])
    together = result.together = Together(mmg, names, matrix, result.units)
    row = result.summary["all_columns"] = together.estimate
    result.sentences.append(
        f"All {len(x)} columns together tell {row['mutual_info']:.3f} {result.units}, "
        f"95 % interval {row['interval_low']:.3f} to {row['interval_high']:.3f}."
    )


def refuse_report(path: str) -> None:
    """Say before anything is computed what would keep a report from being written."""
    if not Path(path).absolute().parent.is_dir():
        raise ValueError(f"--report: there is no folder {str(Path(path).parent)!r}.")
    if find_spec("matplotlib") is None:
        raise ImportError(
            "--report needs the package matplotlib: python -m pip install 'sklearn-mmg[cli]'"
        )


def one_target(data: Data) -> tuple[list[str], list[str]]:
    """Columns to score, and the target, of which the data are then."""
    known = list(data.frame.columns)
    target = data.options.target
    y = [target] if target in known else data.names("target")
    if len(y) != 1:
        raise ValueError(f"--target: {len(y)} columns, where one is needed. See `mi` for several.")
    return sides(data, y)


def sides(data: Data, y: list[str], z: list[str] | None = None) -> tuple[list[str], list[str]]:
    """The columns of both sides, which have none in common; the data are then of these."""
    z = z or []
    x = data.names("x") or data.others([*y, *z])
    if common := [name for name in [*x, *y] if [*x, *y, *z].count(name) > 1]:
        raise ValueError(f"Column {common[0]!r} is on two sides: leave it out of one of them.")
    if not x:
        raise ValueError("There is no column but the target: nothing is left to tell of it.")
    data.keep([*x, *z, *y], targets=y)
    return x, y


def mi(options: Namespace) -> Result:
    from sklearn_mmg import MMGMutualInfo
    from sklearn_mmg.feature_selection import mutual_info_to_correlation, uncertainty_coefficient

    data = Data(options)
    z = data.names("given")
    x, y = sides(data, data.names("y"), z)
    mmg = MMGMutualInfo(given=z or None, **run_of(options)).fit(data.frame[x + z], data.frame[y])
    units = units_of(options)
    value, error = mmg.mutual_info_, mmg.mutual_info_se_
    row = {"x": x, "y": y, "given": z}
    row |= estimated(value, error, mmg.mutual_info_interval(), units)
    beyond = f", beyond {listed(z)}" if z else ""
    title = f"What {listed(x)} and {listed(y)} tell of each other{beyond}"
    correlation = mutual_info_to_correlation(value)
    sentence = f"As much as two normal columns with a correlation of {correlation:.2f}."
    if len(y) == 1 and not z and data.is_discrete(y[0]):
        share = uncertainty_coefficient(value, data.frame[y[0]].astype(str))
        sentence = f"{share:.0%} of the entropy of {y[0]!r}."
    return Result(data, title, [row], units, sentences=[sentence])


def listed(names: list[str]) -> str:
    return enumerated([*map(repr, names)], MOST_NAMES)


def pairs(options: Namespace) -> Result:
    from sklearn_mmg.feature_selection import mutual_info_matrix, mutual_info_to_correlation

    data = Data(options)
    x = data.names("x") or list(data.frame.columns)
    if len(x) < 2:
        raise ValueError(f"--x: {len(x)} column, and a pair has two.")
    data.keep(x)
    matrix = mutual_info_matrix(data.frame[x], **run_of(options))
    units = units_of(options)
    rows = [
        {
            "x": x[i],
            "y": x[j],
            "mutual_info": in_units(units) * float(matrix[i, j]),
            "correlation": float(mutual_info_to_correlation(matrix[i, j])),
        }
        for i in range(len(x))
        for j in range(i + 1, len(x))
    ]
    rows.sort(key=lambda row: -row["mutual_info"])
    sentence = "`correlation` is that of two normal columns which tell as much of each other."
    return Result(data, "What pairs of columns tell", rows, units, sentences=[sentence])


def select(options: Namespace) -> Result:
    from sklearn_mmg.feature_selection import SequentialMutualInfoSelector, SubsetMutualInfo

    data = Data(options)
    x, (target,) = one_target(data)
    wanted = options.n_features
    if wanted is not None and not 1 <= wanted <= len(x):
        raise ValueError(f"--n-features: {wanted} is not between 1 and {len(x)}.")
    selector = SequentialMutualInfoSelector(
        SubsetMutualInfo(n_jobs=options.jobs, verbose=not options.quiet),
        n_features_to_select="auto" if wanted is None else wanted,
        random_state=options.seed,
        verbose=not options.quiet,
    ).fit(data.frame[x], data.frame[target])
    units = units_of(options)
    result = Result(data, f"Columns that tell of {target!r}", [], units)
    path = selector.mutual_information_path_, selector.mutual_information_path_se_
    chosen = map(str, selector.path_)
    for name, value, error in zip(chosen, *(p[1:] for p in path), strict=True):
        j = x.index(str(name))
        row = {"column": name, "gain": in_units(units) * float(selector.scores_[j])}
        row |= estimated(value, error, None, units)
        result.rows.append(row | {"p_value": float(selector.pvalues_[j])})
    whole = in_units(units) * selector.estimator_.mutual_info_
    result.summary["all_columns"] = whole
    result.sentences += [
        "`gain` is what a column adds to those above it, `mutual info` what they tell together.",
        f"All {len(x)} columns together tell {whole:.3f} {units}. The table is of samples that did "
        "not choose.",
    ]
    if not result.rows:
        result.sentences.insert(0, f"No column tells anything of {target!r}.")
    if selector.rejected_ is not None:
        p = selector.pvalues_[x.index(str(selector.rejected_))]
        result.summary["rejected"] = {"column": selector.rejected_, "p_value": float(p)}
        result.sentences.append(
            f"It ends before {selector.rejected_!r}, which may add nothing (p = {p:.2g})."
        )
    return result


def check(options: Namespace) -> Result:
    from sklearn_mmg import MMGMutualInfo
    from sklearn_mmg.inspection import check_reliability

    data = Data(options)
    x, y = sides(data, data.names("y"))
    found = check_reliability(
        MMGMutualInfo(random_state=options.seed),
        data.frame[x],
        data.frame[y],
        **run_of(options),
    )
    units = units_of(options)
    rows = []
    for refit in found.refits:
        row = {"refit": refit.name, "n_samples": refit.n_samples}
        row |= estimated(refit.mutual_info, refit.standard_error, refit.interval, units)
        rows.append(row | {"change": in_units(units) * float(refit.change.difference)})
    title = f"{found.verdict}: what {listed(x)} and {listed(y)} tell of each other, estimated again"
    result = Result(data, title, rows, units, summary={"verdict": found.verdict})
    for finding in found.findings:
        remedy = f" What to do: {finding.remedy}" if finding.remedy else ""
        result.distrust.append(finding.reason + remedy)
    result.sentences += [f"Left out: {reason}" for reason in found.omitted]
    return result


COMMANDS = {"scores": scores, "mi": mi, "pairs": pairs, "select": select, "check": check}
