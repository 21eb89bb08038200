"""The report and the first tables of `docs/results` are what the run files there say."""

import re
from pathlib import Path

import pytest

from sklearn_mmg.benchmark import _report, estimators_by_name

DOCS = Path(__file__).parents[1] / "docs"
# Names of the benchmark by that of the class; variants come after the defaults.
NAMES = {type(e).__name__: name for name, e in reversed(estimators_by_name().items())}


@pytest.fixture(scope="module")
def tables():
    runs = _report._load_runs(DOCS / "results")
    cells = _report._per_task(runs)
    return runs, cells, _report._per_estimator(runs, cells)


@pytest.fixture(scope="module")
def summary(tables):
    """Rows of estimators that ran all tasks, by name and number of samples."""
    rows = tables[-1][tables[-1]["n_tasks"] == 40]
    return {(row.estimator, row.n_samples): row for row in rows.itertuples()}


def rows_of(heading):
    """Rows of the first table after a heading of the results that begin with an estimator."""
    text = (DOCS / "results.md").read_text(encoding="utf-8").split(f"# {heading}\n")[1]
    for line in text[: text.index("\n\n", text.index("|--:|"))].splitlines():
        if match := re.match(r"\| \**`(\w+MutualInfo)(?:\(\))?`", line):
            yield NAMES[match[1]], [cell.strip(" *") for cell in line.split("|")[2:-1]]


def test_report(tables):
    assert (DOCS / "results" / "report.md").read_text(encoding="utf-8") == _report._report(*tables)


def test_mean_errors(summary):
    found = {
        (name, n_samples): figure
        for name, cells in rows_of("The 40 tasks of Czyż et al. 2023")
        for n_samples, figure in zip((1_000, 5_000, 10_000), cells, strict=False)
    }
    assert len(found) == 21
    wrong = {
        key: (figure, summary[key].mae)
        for key, figure in found.items()
        if abs(float(figure) - summary[key].mae) > 5.1e-4
    }
    assert not wrong


def test_established_estimators(summary):
    found = dict(rows_of("Established estimators"))
    earlier = {"doe", "fmmi", "mime"}  # as the page says; their runs are not in this folder
    assert len(found) >= 12 and earlier < set(found)
    wrong = {}
    for name in set(found) - earlier:
        row = summary[name, 10_000]
        written, counts = [float(cell) for cell in found[name][:2]], found[name][2:4]
        close = abs(written[0] - row.mae) < 5.1e-4 and abs(written[1] - row.bias) < 5.1e-4
        if not close or counts != [str(n) for n in row[10:12]]:
            wrong[name] = found[name], row
    assert not wrong
