"""The results page has what run files and studies say, and the README the same figures."""

import importlib
import re
import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest

from sklearn_mmg.benchmark import _report

DOCS = Path(__file__).parents[1] / "docs"
TABLES = DOCS / "results" / "tables"
PAGE = (DOCS / "results.md").read_text(encoding="utf-8")
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")
# Arguments with which a study has nothing to do but to print the heads of its tables.
STUDIES = {
    "column_scores": ["--sizes"],
    "conditional": ["--problems"],
    "discrete_vectors": ["--problems"],
    "p_values": ["--cases"],
    "quantities": ["--problems"],
    "reliability": ["--tasks"],
    "selection": ["--problems"],
    "selection_networks": ["--wheel", "", "--networks"],
    "selection_tables": ["--wheel", "", "--tables"],
}


@pytest.fixture(scope="module")
def study_path():
    """Studies import each other, as scripts of one folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "studies")
        yield patch


@pytest.fixture(scope="module")
def written(study_path):
    """What the script of the tables has read, and what it would write."""
    script = importlib.import_module("page_tables")
    results = script.Results()
    return results, script.texts(results)


def cells_of(line):
    """Cells of a row, without emphasis."""
    return [cell.strip(" *`") for cell in line.strip().strip("|").split("|")]


def rows_of(text, first_title):
    """Titles and rows of the first table whose first column has this title."""
    lines = text[text.index(f"| {first_title} |") :].split("\n\n")[0].splitlines()
    return cells_of(lines[0]), [cells_of(line) for line in lines[2:]]


def table_of(name):
    """Rows of a table of the page by what is in their first column."""
    lines = (TABLES / name).read_text(encoding="utf-8").splitlines()[2:]
    return {row[0]: row[1:] for row in map(cells_of, lines)}


def heads_of(text):
    """The lines above rows: titles, and the rule that follows."""
    lines = text.splitlines()
    return [lines[i - 1 : i + 1] for i, line in enumerate(lines) if line.startswith("|--")]


def figures(pattern):
    """Numbers of a sentence of the README."""
    return re.search(pattern, " ".join(README.split())).groups()


def test_report(written):
    results = written[0]
    tables = results.runs, results.cells, _report._per_estimator(results.runs, results.cells)
    assert (DOCS / "results" / "report.md").read_text(encoding="utf-8") == _report._report(*tables)
    for name, table in zip(("details", "summary"), tables[1:], strict=True):
        committed = pd.read_csv(DOCS / "results" / f"{name}.csv")
        pd.testing.assert_frame_equal(committed, table, check_dtype=False, rtol=1e-9)


def test_tables_of_runs_are_what_the_script_writes(written):
    for name, text in written[1].items():
        assert (TABLES / name).read_bytes() == text.encode(), name


def test_the_page_includes_all_tables_and_has_no_other(written):
    included = re.findall(r"```\{include\} results/tables/(\S+)\n```\n", PAGE)
    assert len(included) == PAGE.count("{include}")
    assert sorted(included) == sorted({*written[1], *(f"{name}.md" for name in STUDIES)})
    assert sorted(included) == sorted(path.name for path in TABLES.iterdir())
    assert not re.search(r"^\s*\|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", STUDIES)
def test_tables_of_studies_have_the_columns_that_are_printed(name, study_path, capsys):
    script = DOCS / "studies" / f"{name}.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(script), *STUDIES[name]])
        runpy.run_path(str(script), run_name="__main__")
    heads = heads_of(capsys.readouterr().out)
    text = (TABLES / f"{name}.md").read_text(encoding="utf-8")
    assert heads and heads_of(text) == heads
    for table in text.split("\n\n"):
        assert len({len(cells_of(line)) for line in table.splitlines()}) == 1
    assert f"`python docs/studies/{name}.py" in PAGE


def test_errors_of_the_readme():
    titles, rows = rows_of(README, "samples")
    names = ["MMGMutualInfo", *(f"{title.split(' (')[0]}, published" for title in titles[2:])]
    errors = table_of("mean_errors.md")
    assert len(names) == 6
    for i, n_samples in enumerate(("1,000", "5,000", "10,000")):
        assert rows[i] == [n_samples, *(errors[name][i] for name in names)]


def test_column_scores_of_the_readme():
    _, rows = rows_of(README, "samples x 20 columns")
    scores = table_of("column_scores.md")
    assert [row[0] for row in rows] == list(scores)
    for size, *found in rows:
        assert [float(cell) for cell in found] == [float(f"{float(x):.2g}") for x in scores[size]]


def test_sentences_of_the_readme(written):
    established = table_of("established.md")
    critics, fmmi, ksg = figures(
        r"errors from ([\d.]+) \(critics [^)]*\) and ([\d.]+) \(FMMI\) to ([\d.]+) \(KSG\)"
    )
    assert critics == min(row[0] for row in list(established.values())[1:])
    assert fmmi == established["FMMIMutualInfo"][0]
    assert ksg == established["KSGMutualInfo"][0] == max(row[0] for row in established.values())
    seconds = float(established["MMGMutualInfo"][-1])
    assert figures(r"10,000 samples takes (\d+) s of one core") == (f"{seconds:.0f}",)

    held = [row[2].removesuffix(" %") for row in table_of("intervals.md").values()]
    assert figures(r"held the truth of (\d+) to (\d+) %") == (min(held), max(held))

    cells = written[0].cells.query("estimator == 'mmg'").set_index(["task", "n_samples"])
    wide, narrow = figures(
        r"25 \+ 25 columns come out ([\d.]+) nats low with 10,000 samples, "
        r"and one in 5 \+ 5 columns ([\d.]+) low with 1,000"
    )
    for task in ("spiral-multinormal", "spiral-normal_cdf-multinormal"):
        error = cells.loc[(f"{task}-sparse-25-25-2-2.0", 10_000), "signed_error"]
        assert wide == f"{-error:.1f}"
    error = cells.loc[("spiral-multinormal-sparse-5-5-2-2.0", 1_000), "signed_error"]
    assert narrow == f"{-error:.1f}"
