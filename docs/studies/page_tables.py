"""The tables of the results page that come from run files: ``python docs/studies/page_tables.py``.

In ``docs/results`` are the runs of the 40 tasks, the summary of an earlier run
(``established.csv``), the ratios of self-consistency, and errors from the papers of others. Every
table becomes a file of ``docs/results/tables``, beside those that other studies print.
"""

import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
from printing import print_head, print_row

from sklearn_mmg.benchmark import _report, estimators_by_name

RESULTS = Path(__file__).parents[1] / "results"
SIZES = 1_000, 5_000, 10_000
SIZE_TITLES = [f"{n:,} samples" for n in SIZES]
N_TASKS = 40
BARS = 0.1, 0.05
N_HARDEST = 8
LABELS = {}
for name, estimator in estimators_by_name().items():
    kind = type(estimator).__name__
    LABELS[name] = name if kind in LABELS.values() else kind  # variants come after the defaults


class Results:
    """Runs of the benchmark, their means over seeds, and over tasks where all of them were run."""

    def __init__(self, folder=RESULTS):
        self.runs = _report._load_runs(folder)
        self.cells = _report._per_task(self.runs)
        summary = _report._per_estimator(self.runs, self.cells)
        summary = summary[summary["n_tasks"] == N_TASKS]
        self.summary = {n: rows.set_index("estimator") for n, rows in summary.groupby("n_samples")}
        self.earlier = pd.read_csv(folder / "established.csv", index_col="estimator")
        self.published = pd.read_csv(folder / "published.csv")
        self.ratios = pd.read_csv(folder / "self_consistency.csv")


def mean_errors(results):
    """Of the estimators with runs of all sizes, then of papers, the best first."""
    print_head("estimator", *SIZE_TITLES, "seconds")
    ours = pd.DataFrame({n: results.summary[n]["mae"] for n in SIZES}).dropna()
    for name, *errors in ours.sort_values(SIZES[-1]).itertuples():
        seconds = results.summary[SIZES[-1]].loc[name, "median_fit_seconds"]
        print_row(f"`{LABELS[name]}`", *(f"{e:.3f}" for e in errors), f"{seconds:.1f}")
    others = results.published.pivot(index="name", columns="n_samples", values="mae").dropna()
    for name, *errors in others.sort_values(SIZES[-1]).itertuples():
        print_row(f"{name}, published", *(f"{e:.3f}" for e in errors), "")
    # The mean of the true pointwise values is close to normal.
    oracle = results.cells.query("estimator == 'mmg'").groupby("n_samples")["oracle_standard_error"]
    errors = np.sqrt(2 / np.pi) * oracle.mean()[list(SIZES)]
    print_row("the sample itself", *(f"{e:.3f}" for e in errors), "")


def intervals(results):
    """Tasks within a bar, and coverage and width of the intervals, of `MMGMutualInfo`."""
    bars = (f"within {bar}" for bar in BARS)
    print_head(
        "samples", *bars, "95 % intervals that hold the truth", "mean width", "seeds", words=0
    )
    runs = results.runs.query("estimator == 'mmg'")
    widths = (runs["interval_high"] - runs["interval_low"]).groupby(runs["n_samples"]).mean()
    for n in SIZES:
        row = results.summary[n].loc["mmg"]
        within = [f"{row[f'n_tasks_within_{bar}']:.0f} of {N_TASKS}" for bar in BARS]
        held = f"{100 * row['coverage']:.0f} %"
        print_row(f"{n:,}", *within, held, f"{widths[n]:.3f}", int(row["n_seeds"]))


def established(results):
    """All estimators with the most samples; of those that were run again, the last run."""
    bars = (f"within {bar}" for bar in BARS)
    print_head("estimator", "mean error", "published", "bias", *bars, "seconds")
    published = results.published.query(f"n_samples == {SIZES[-1]}").set_index("estimator")["mae"]
    now = results.summary[SIZES[-1]]
    # The critics of then are those that are called so now; the others of then are not shown.
    then = results.earlier.rename(lambda name: f"{name}-published" if name in now.index else name)
    rows = pd.concat([now, then[then.index.isin(LABELS)]]).sort_values("mae")
    for name, row in rows.iterrows():
        within = (int(row[f"n_tasks_within_{bar}"]) for bar in BARS)
        theirs = f"{published[name]:.3f}" if name in published else ""
        errors = f"{row['mae']:.3f}", theirs, f"{row['bias']:+.3f}"
        print_row(f"`{LABELS[name]}`", *errors, *within, f"{row['median_fit_seconds']:.1f}")


def hardest_tasks(results):
    """Mean signed errors of `MMGMutualInfo` where they are largest with the most samples."""
    print_head("task", "truth", *(f"{n:,}" for n in SIZES))
    cells = results.cells.query("estimator == 'mmg'")
    errors = cells.pivot(index=["task", "truth"], columns="n_samples", values="signed_error")
    for task, truth in errors[SIZES[-1]].abs().nlargest(N_HARDEST).index:
        row = errors.loc[(task, truth), list(SIZES)]
        print_row(f"`{task}`", f"{truth:.3f}", *(f"{error:+.3f}" for error in row))


def self_consistency(results):
    """Ratios of the tests on images by the rows that are left of them."""
    by_test = results.ratios.groupby("test", sort=False)
    print_head("ratio", *(f"{n} rows" for n in results.ratios["n_rows"].unique()))
    for test, rows in by_test:
        pairs = rows[["ratio", "ratio_standard_error"]].to_numpy()
        print_row(test, *(f"{ratio:.2f} ± {error:.2f}" for ratio, error in pairs))


TABLES = mean_errors, intervals, established, hardest_tasks, self_consistency


def texts(results):
    """The tables by the names of their files."""
    found = {}
    for table in TABLES:
        with redirect_stdout(io.StringIO()) as text:
            table(results)
        found[f"{table.__name__}.md"] = text.getvalue()
    return found


if __name__ == "__main__":
    for name, text in texts(Results()).items():
        (RESULTS / "tables" / name).write_text(text, encoding="utf-8")
