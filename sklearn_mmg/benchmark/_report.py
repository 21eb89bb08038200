"""Tables of a results folder, and the report that holds them."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from sklearn_mmg.benchmark._figures import draw_errors, draw_estimates
from sklearn_mmg.benchmark._results import Frame, load_results

NUMBERS = [
    *("truth", "estimate", "standard_error", "interval_low", "interval_high"),
    *("oracle_standard_error", "fit_seconds", "evaluation_seconds", "peak_memory_mib"),
]
COUNTS = ["n_samples", "n_test", "seed", "n_threads"]
WORDS = ["task", "estimator", "error"]
SETTING = ["n_samples", "method"]


def write_report(folder: str | os.PathLike) -> list[Path]:
    r"""Write tables, figures and a report of benchmark results.

    ``report.md`` shows everything. ``summary.csv`` has a row per estimator and sample size,
    ``details.csv`` one per task besides, ``table.csv`` the mean estimates to two decimals as
    tasks times estimators (Czyż et al., "Beyond Normal", NeurIPS 2023, compare estimators so),
    ``results.csv`` one per run. ``errors.png`` and ``estimates.png`` show the same tasks.

    Parameters
    ----------
    folder : str or path-like
        Holds the results of ``python -m sklearn_mmg.benchmark run``, in one or more ``*.jsonl``.

    Returns
    -------
    list of pathlib.Path
        The files written into the folder, the report first.

    Raises
    ------
    FileNotFoundError
        If the folder holds no results.
    ValueError
        If every run failed, or runs of one task disagree about its truth.

    See Also
    --------
    run_benchmark : Makes the results.
    load_results : The same results as a table.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_mmg.benchmark import write_report
    >>> run = {"task": "1v1-normal-0.75", "estimator": "mmg", "n_samples": 1000, "n_test": None,
    ...        "seed": 0, "truth": 0.413, "estimate": 0.421}
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "elsewhere.jsonl").write_text(json.dumps(run) + "\n")
    ...     [path.name for path in write_report(folder)][:2]
    ['report.md', 'summary.csv']
    """
    folder = Path(folder)
    runs = _load_runs(folder)
    cells = _per_task(runs)
    summary = _per_estimator(runs, cells)
    tables = {"summary": summary, "table": _rounded(cells), "details": cells, "results": runs}
    figures = {"errors": draw_errors(cells), "estimates": draw_estimates(runs, cells)}

    report = folder / "report.md"
    report.write_text(_report(runs, cells, summary), encoding="utf-8")
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=150)
    names = [*(f"{name}.csv" for name in tables), *(f"{name}.png" for name in figures)]
    return [report, *(folder / name for name in names)]


def _load_runs(folder: Path) -> Frame:
    """A row per run, with its errors; `error` is that of a failed run, in words."""
    import pandas as pd

    runs = pd.json_normalize(load_results(folder).to_dict("records"))
    known = COUNTS + WORDS + NUMBERS
    runs = runs.reindex(columns=[*known, *(name for name in runs if name not in known)])
    runs = runs.astype(dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(NUMBERS, float))
    runs["n_test"] = runs["n_test"].fillna(0).astype(int)
    _check_runs(runs, folder)
    signed = runs["estimate"] - runs["truth"]
    covered = runs["truth"].between(runs["interval_low"], runs["interval_high"]).astype(float)
    return runs.assign(
        method=_methods(runs),
        signed_error=signed,
        absolute_error=signed.abs(),
        covered=covered.where(runs[["interval_low", "interval_high"]].notna().all(axis=1)),
        failed=runs["estimate"].isna(),
    )


def _check_runs(runs: Frame, folder: Path) -> None:
    if runs["estimate"].isna().all():
        first = _code(runs["error"].iloc[0])
        raise ValueError(f"All {len(runs)} runs in {folder} failed, the first with {first}")
    for task, truths in runs.groupby("task")["truth"]:
        if not np.ptp(truths) < 1e-3:
            raise ValueError(f"Task {task!r} has more than one truth in {folder}, or none")


def _methods(runs: Frame) -> Frame:
    """Names of estimators; with the test samples where one name stands for several numbers."""
    n_tests = runs.groupby(["n_samples", "estimator"])["n_test"].transform("nunique")
    tests = runs["n_test"].map(lambda n: f" (test {n:,})" if n else " (no test)")
    return runs["estimator"].where(n_tests == 1, runs["estimator"] + tests)


def _per_task(runs: Frame) -> Frame:
    """A row per size, method and task; the mean of a column is over its runs that finished."""
    cells = runs.groupby([*SETTING, "task"], as_index=False).agg(
        estimator=("estimator", "first"),
        n_test=("n_test", "first"),
        truth=("truth", "first"),
        n_runs=("estimate", "count"),
        n_failures=("failed", "sum"),
        estimate=("estimate", "mean"),
        signed_error=("signed_error", "mean"),
        absolute_error=("absolute_error", "mean"),
        standard_deviation=("estimate", "std"),
        standard_error=("standard_error", "mean"),
        oracle_standard_error=("oracle_standard_error", "mean"),
        interval_low=("interval_low", "mean"),
        interval_high=("interval_high", "mean"),
        n_covered=("covered", "sum"),
        n_intervals=("covered", "count"),
        fit_seconds=("fit_seconds", "median"),
        evaluation_seconds=("evaluation_seconds", "median"),
        peak_memory_mib=("peak_memory_mib", "max"),
    )
    cells["n_covered"] = cells["n_covered"].astype(int)
    cells["truth"] = cells.groupby("task")["truth"].transform("first")
    return cells.sort_values(["n_samples", "truth", "task", "method"], ignore_index=True)


def _per_estimator(runs: Frame, cells: Frame) -> Frame:
    """A row per size and method."""
    import pandas as pd

    estimated = cells[cells["n_runs"] > 0]
    rows = []
    for (n_samples, method), group in runs.groupby(SETTING):
        same_size = estimated[estimated["n_samples"] == n_samples]
        common = set.intersection(*same_size.groupby("method")["task"].agg(set))
        own = same_size[same_size["method"] == method]
        rows.append(_summary_row(group, own, own[own["task"].isin(common)]))
    return pd.DataFrame(rows)


def _summary_row(runs: Frame, cells: Frame, common_cells: Frame) -> dict[str, Any]:
    coverage = runs["covered"].mean()
    n_intervals = runs["covered"].count()
    return {
        "n_samples": runs["n_samples"].iloc[0],
        "n_test": runs["n_test"].iloc[0],
        "estimator": runs["estimator"].iloc[0],
        "n_tasks": len(cells),
        "n_seeds": runs.loc[~runs["failed"], "seed"].nunique(),
        "n_failures": runs["failed"].sum(),
        "mae": cells["absolute_error"].mean(),
        "mae_standard_error": _standard_error_over_seeds(runs),
        "bias": cells["signed_error"].mean(),
        "n_tasks_within_0.1": (cells["absolute_error"] <= 0.1).sum(),
        "n_tasks_within_0.05": (cells["absolute_error"] <= 0.05).sum(),
        "n_intervals": n_intervals,
        "coverage": coverage,
        "coverage_standard_error": np.sqrt(coverage * (1 - coverage) / n_intervals),
        "median_fit_seconds": runs["fit_seconds"].median(),
        "peak_memory_mib": runs["peak_memory_mib"].max(),
        "n_common_tasks": len(common_cells),
        "mae_common_tasks": common_cells["absolute_error"].mean(),
    }


def _standard_error_over_seeds(runs: Frame) -> float:
    """Of the mean absolute error, from the tasks that every seed finished.

    Tasks are fixed, and one seed makes related samples of many: seeds are what is independent.
    """
    by_seed = runs.pivot_table(index="task", columns="seed", values="absolute_error").dropna()
    return by_seed.mean().sem()


def _rounded(cells: Frame) -> Frame:
    """Tasks times methods: the truth, then mean estimates, to two decimals."""
    index = ["n_samples", "truth", "task"]
    table = cells.pivot(index=index, columns="method", values="estimate")
    table = table.rename_axis(columns=None).reset_index().round(2)
    return table[["n_samples", "task", "truth", *table.columns[3:]]]


def _report(runs: Frame, cells: Frame, summary: Frame) -> str:
    """The text of the report."""
    parts = [
        "# Benchmark report",
        f"{len(runs)} runs of {runs['task'].nunique()} tasks, {runs['failed'].sum()} failed. "
        "Errors are estimate minus truth. All values are in nats.",
        "## Summary",
        _summary_text(summary),
        "- MAE: mean over tasks of the mean over seeds of the absolute error, ± its standard error"
        " over seeds. Estimators that ran on different tasks can only be compared by the last "
        "column (number of tasks that all estimators of the same size finished).\n"
        "- Test: separate samples that were evaluated; 0: what the estimator holds out itself.\n"
        "- Within: tasks whose mean absolute error is no larger.\n"
        "- Coverage: 95 % intervals that contain the truth, ± the binomial standard error "
        "(number of intervals).\n"
        "- Time is the median over runs, memory the maximum.",
        "![Mean error of every task and estimator](errors.png)",
        "![Estimates and intervals of every task and estimator](estimates.png)",
        "The truth follows the name of a task and orders the tasks.",
        "## Mean estimates",
        "The arrows mark means that are more than 0.1 too high (↑) or too low (↓).",
        *_by_size(cells, _estimates_text),
        "## Every task",
        "Mean over seeds, standard deviation over seeds, mean standard error that the estimator "
        "gave, and that of an estimator that knows the densities (oracle).",
        *_by_size(cells, _details_text),
        "## Failures",
        _failures_text(runs[runs["failed"]]),
    ]
    return "\n\n".join(parts) + "\n"


def _by_size(cells: Frame, write: Callable[[Frame], str]) -> Iterator[str]:
    for n_samples, group in cells.groupby("n_samples"):
        yield f"### {n_samples:,} samples"
        yield write(group)


def _summary_text(summary: Frame) -> str:
    header = ["samples", "test", "estimator", "tasks", "seeds", "failures", "MAE", "bias"]
    header += ["within 0.1", "within 0.05", "coverage", "seconds", "MiB", "MAE on common tasks"]
    rows = [
        [
            f"{row['n_samples']:,}",
            f"{row['n_test']:,}",
            row["estimator"],
            *(row["n_tasks"], row["n_seeds"], row["n_failures"]),
            _with_error(row["mae"], row["mae_standard_error"], 4),
            _number(row["bias"], "+z.4f"),
            *(row["n_tasks_within_0.1"], row["n_tasks_within_0.05"]),
            _with_error(row["coverage"], row["coverage_standard_error"], 2)
            + f" ({row['n_intervals']})",
            _number(row["median_fit_seconds"], ".1f"),
            _number(row["peak_memory_mib"], ".0f"),
            f"{_number(row['mae_common_tasks'], '.4f')} ({row['n_common_tasks']})",
        ]
        for row in summary.to_dict("records")
    ]
    return _markdown(header, rows)


def _estimates_text(cells: Frame) -> str:
    marks = [_marked(cell.estimate, cell.signed_error) for cell in cells.itertuples()]
    table = cells.assign(mark=marks).pivot(index=["truth", "task"], columns="method", values="mark")
    rows = [[task, f"{truth:z.2f}", *row] for (truth, task), *row in table.fillna("-").itertuples()]
    return _markdown(["task", "truth", *table.columns], rows)


def _marked(estimate: float, signed_error: float) -> str:
    arrow = "↑" if signed_error > 0.1 else "↓" if signed_error < -0.1 else ""
    return f"{_number(estimate, 'z.2f')} {arrow}".rstrip()


def _details_text(cells: Frame) -> str:
    header = ["task", "truth", "estimator", "estimate", "error", "sd", "standard error", "oracle"]
    header += ["covered", "seconds", "runs", "failures"]
    rows = [
        [
            cell.task,
            f"{cell.truth:z.3f}",
            cell.method,
            _number(cell.estimate, "z.3f"),
            _number(cell.signed_error, "+z.3f"),
            _number(cell.standard_deviation, ".3f"),
            _number(cell.standard_error, ".3f"),
            _number(cell.oracle_standard_error, ".3f"),
            f"{cell.n_covered}/{cell.n_intervals}" if cell.n_intervals else "-",
            _number(cell.fit_seconds, ".1f"),
            *(cell.n_runs, cell.n_failures),
        ]
        for cell in cells.itertuples()
    ]
    return _markdown(header, rows)


def _failures_text(failed: Frame) -> str:
    if len(failed) == 0:
        return "None."
    header = ["samples", "estimator", "task", "seed", "message"]
    rows = [
        [f"{run.n_samples:,}", run.method, run.task, run.seed, _code(run.error)]
        for run in failed.itertuples()
    ]
    return _markdown(header, rows)


def _code(error: object) -> str:
    """An error message in one line, safe from Markdown; whole in results.csv."""
    text = error.replace("`", "'") if isinstance(error, str) else "no estimate"
    return f"`{shorten(text, 200)}`"


def _number(value: float, spec: str) -> str:
    return "-" if np.isnan(value) else format(value, spec)


def _with_error(value: float, error: float, digits: int) -> str:
    text = _number(value, f".{digits}f")
    return text if np.isnan(error) else f"{text} ± {error:.{digits}f}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    rules = ["---" if name in ("task", "estimator", "message") else "--:" for name in header]
    return "\n".join(
        "| " + " | ".join(str(value).replace("|", r"\|") for value in line) + " |"
        for line in [header, rules, *rows]
    )
