"""The report of a benchmark, against small cases worked out by hand."""

import json
import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from sklearn_mmg.benchmark._figures import draw_errors, draw_estimates
from sklearn_mmg.benchmark._report import _load_runs, _per_task, write_report

LONG = "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0"
FAILED = {"estimate": None, "error": "ValueError: a | b\nand `c` <d>"}


def run(task="easy", estimate=0.5, seed=0, truth=0.5, estimator="mmg", n_samples=1000, **others):
    """A line of results; all that it does not name has one value."""
    line = {
        "task": task,
        "estimator": estimator,
        "n_samples": n_samples,
        "n_test": None,
        "seed": seed,
        "truth": truth,
        "estimate": estimate,
        "standard_error": None,
        "interval_low": None,
        "interval_high": None,
        "oracle_standard_error": 0.01,
        "fit_seconds": 2.0,
        "evaluation_seconds": 0.1,
        "peak_memory_mib": 300.0,
        "n_threads": 1,
        "parameters": {"n_steps": 20, "sampler": {"loc": 2.0}},
        "versions": {"python": "3.11"},
        "error": None,
    }
    return line | others


def write_lines(folder, runs, name="results.jsonl"):
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in runs))


@pytest.fixture
def report(tmp_path):
    """Call it with runs to have their report written; returns its tables and its text."""

    def write(*runs):
        write_lines(tmp_path, runs)
        paths = write_report(tmp_path)
        tables = {p.stem: pd.read_csv(p) for p in paths if p.suffix == ".csv"}
        return tables, paths[0].read_text(encoding="utf-8")

    return write


@pytest.fixture
def frames(tmp_path):
    """Call it with runs to get what the figures are drawn from."""

    def load(runs):
        write_lines(tmp_path, runs)
        table = _load_runs(tmp_path)
        return table, _per_task(table)

    return load


THREE_TASKS = [
    run("a", 0.52, seed=0, truth=0.5, fit_seconds=1.0, peak_memory_mib=100.0),
    run("a", 0.46, seed=1, truth=0.5, fit_seconds=2.0),
    run("b", 1.12, seed=0, truth=1.0, fit_seconds=9.0),
    run("b", 1.00, seed=1, truth=1.0, fit_seconds=9.0),
    run("c", 0.30, seed=0, truth=0.0, fit_seconds=3.0, peak_memory_mib=400.0),
    run("c", 0.10, seed=1, truth=0.0, fit_seconds=4.0),
]


def test_summary(report):
    """Absolute errors are .02, .04 and .12, 0 and .3, .1; those of a seed .44/3 and .14/3."""
    summary = report(*THREE_TASKS)[0]["summary"]
    assert len(summary) == 1
    row = summary.iloc[0]
    assert row["mae"] == pytest.approx((0.03 + 0.06 + 0.2) / 3)
    assert row["mae_standard_error"] == pytest.approx((0.44 - 0.14) / 3 / 2)
    assert row["bias"] == pytest.approx((-0.01 + 0.06 + 0.2) / 3)
    assert row["n_tasks_within_0.1"] == 2
    assert row["n_tasks_within_0.05"] == 1
    assert (row["n_tasks"], row["n_seeds"], row["n_failures"]) == (3, 2, 0)
    assert row["median_fit_seconds"] == 3.5
    assert row["peak_memory_mib"] == 400
    assert row["n_intervals"] == 0
    assert np.isnan(row["coverage"])


def test_mean_over_tasks_weighs_tasks_not_runs(report):
    runs = [run("a", 0.6, seed=seed) for seed in range(9)] + [run("b", 0.5)]
    assert report(*runs)[0]["summary"]["mae"].item() == pytest.approx(0.05)


def test_standard_error_of_tasks_that_every_seed_finished(report):
    unfinished = run("d", 5.0, seed=0, truth=0.0)
    row = report(*THREE_TASKS, unfinished)[0]["summary"].iloc[0]
    assert row["mae"] == pytest.approx((0.03 + 0.06 + 0.2 + 5) / 4)
    assert row["mae_standard_error"] == pytest.approx(0.05)


def test_one_seed_has_no_standard_error(report):
    tables, text = report(run("a"), run("b"))
    assert np.isnan(tables["summary"]["mae_standard_error"].item())
    assert "nan" not in text


def test_coverage(report):
    """Three of four intervals hold the truth 0.5, one of them at its very end."""
    ends = [(0.4, 0.6), (0.5, 0.6), (0.51, 0.6), (0.3, 0.9), (None, None)]
    runs = [
        run(seed=seed, interval_low=low, interval_high=high)
        for seed, (low, high) in enumerate(ends)
    ]
    tables, text = report(*runs)
    row = tables["summary"].iloc[0]
    assert row["n_intervals"] == 4
    assert row["coverage"] == 0.75
    assert row["coverage_standard_error"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert tables["details"][["n_covered", "n_intervals"]].iloc[0].tolist() == [3, 4]
    assert "| 0.75 ± 0.22 (4) |" in text
    assert "| 3/4 |" in text


def test_failures_are_counted_and_listed_but_not_averaged(report):
    tables, text = report(
        run("a", 0.54),
        run("b", 0.58, seed=0),
        run("b", seed=1, **FAILED),
        run("c", seed=0, **FAILED),
        run("c", seed=1, **FAILED | {"error": None}),
    )
    row = tables["summary"].iloc[0]
    assert row["mae"] == pytest.approx((0.04 + 0.08) / 2)
    assert (row["n_tasks"], row["n_seeds"], row["n_failures"]) == (2, 1, 3)
    details = tables["details"].set_index("task")
    assert details["n_failures"].to_dict() == {"a": 0, "b": 1, "c": 2}
    assert np.isnan(details.loc["c", "estimate"])
    failures = text.split("## Failures")[1]
    assert r"| 1,000 | mmg | b | 1 | `ValueError: a \| b and 'c' <d>` |" in failures
    assert "| 1,000 | mmg | c | 1 | `no estimate` |" in failures
    assert failures.count("| mmg |") == 3


def test_no_failures(report):
    assert report(run())[1].endswith("## Failures\n\nNone.\n")


def test_sizes_and_test_samples_are_kept_apart(report):
    tables, text = report(
        run(estimate=0.51, n_samples=1000),
        run(estimate=0.52, n_samples=5000),
        run(estimate=0.53, n_samples=5000, n_test=10_000),
        run(estimate=0.54, n_samples=5000, estimator="other"),
    )
    summary = tables["summary"].set_index(["n_samples", "n_test", "estimator"])["mae"].round(9)
    assert summary.to_dict() == {
        (1000, 0, "mmg"): 0.01,
        (5000, 0, "mmg"): 0.02,
        (5000, 10_000, "mmg"): 0.03,
        (5000, 0, "other"): 0.04,
    }
    assert "### 1,000 samples\n\n| task | truth | mmg |\n" in text
    assert (
        "### 5,000 samples\n\n| task | truth | mmg (no test) | mmg (test 10,000) | other |" in text
    )


def test_mean_absolute_error_of_common_tasks(report):
    """One estimator skipped the hard task: its lower overall error means nothing."""
    tables, text = report(
        run("easy", 0.54, estimator="one"),
        run("hard", 1.50, estimator="one"),
        run("easy", 0.56, estimator="two"),
        run("hard", estimator="two", **FAILED),
        run("easy", estimator="broken", **FAILED),
        run("easy", 0.57, estimator="two", n_samples=9),
    )
    summary = tables["summary"].set_index(["n_samples", "estimator"])
    assert summary["n_tasks"].to_dict() == {
        (9, "two"): 1,
        (1000, "broken"): 0,
        (1000, "one"): 2,
        (1000, "two"): 1,
    }
    assert summary.loc[(1000, "one"), "mae"] == pytest.approx(0.52)
    assert summary.loc[1000]["n_common_tasks"].to_dict() == {"broken": 0, "one": 1, "two": 1}
    assert summary.loc[(1000, "one"), "mae_common_tasks"] == pytest.approx(0.04)
    assert summary.loc[(1000, "two"), "mae_common_tasks"] == pytest.approx(0.06)
    assert summary.loc[(9, "two"), "mae_common_tasks"] == pytest.approx(0.07)
    assert "| 0.0400 (1) |" in text


def test_table_of_mean_estimates(report):
    """Arrows are for errors of the mean beyond 0.1, before anything is rounded."""
    tables, text = report(
        run("strong", 1.91, truth=2.0, seed=0),
        run("strong", 1.87, truth=2.0, seed=1),
        run("weak", -0.02, truth=0.0),
        run("weak", 0.14, truth=0.0, estimator="other"),
        run("middle", 1.09, truth=1.0),
        run("middle", 0.91, truth=1.0, estimator="other"),
    )
    header, _, *rows = text.split("### 1,000 samples")[1].strip().splitlines()[:5]
    assert header == "| task | truth | mmg | other |"
    assert rows == [
        "| weak | 0.00 | -0.02 | 0.14 ↑ |",
        "| middle | 1.00 | 1.09 | 0.91 |",
        "| strong | 2.00 | 1.89 ↓ | - |",
    ]
    table = tables["table"]
    assert table.columns.tolist() == ["n_samples", "task", "truth", "mmg", "other"]
    assert table["task"].tolist() == ["weak", "middle", "strong"]
    np.testing.assert_array_equal(
        table[["mmg", "other"]], [[-0.02, 0.14], [1.09, 0.91], [1.89, np.nan]]
    )


def test_details(report):
    tables, text = report(
        run(estimate=0.52, seed=0, standard_error=0.02, oracle_standard_error=0.008),
        run(estimate=0.55, seed=1, standard_error=0.04, oracle_standard_error=0.006),
    )
    row = tables["details"].iloc[0]
    assert row["estimate"] == pytest.approx(0.535)
    assert row["signed_error"] == pytest.approx(0.035)
    assert row["standard_deviation"] == pytest.approx(0.03 / np.sqrt(2))
    assert row["standard_error"] == pytest.approx(0.03)
    assert row["oracle_standard_error"] == pytest.approx(0.007)
    line = "| easy | 0.500 | mmg | 0.535 | +0.035 | 0.021 | 0.030 | 0.007 | - | 2.0 | 2 | 0 |"
    assert line in text


def test_results_are_flattened(report):
    results = report(run(), run(seed=1, estimate=0.53, parameters={"width": 8}))[0]["results"]
    assert len(results) == 2
    np.testing.assert_array_equal(results["parameters.sampler.loc"], [2.0, np.nan])
    np.testing.assert_array_equal(results["parameters.width"], [np.nan, 8])
    assert results["versions.python"].astype(str).tolist() == ["3.11", "3.11"]
    np.testing.assert_allclose(results["signed_error"], [0, 0.03], atol=1e-12)


def many_runs():
    """Three estimators on different tasks of two sizes: gaps, failures, missing intervals."""
    for i, task in enumerate(["1v1-normal-0.75", LONG, "a|b"]):
        for n_samples in (1000, 100_000):
            for seed in range(2):
                at = dict(truth=5.0 * i + 0.5, seed=seed, n_samples=n_samples)
                ends = dict(interval_low=5.0 * i + 0.4, interval_high=5.0 * i + 0.5)
                yield run(task, 5.0 * i + 0.45, **at, **ends)
                yield run(task, 0.48, estimator="capped", **at)
                if i:
                    yield run(task, estimator="broken", **at, **FAILED)


def markdown_tables(text):
    """Blocks of lines that start with a bar, as lists of cells."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE):
        yield [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in block.strip().splitlines()]


def test_every_row_of_a_table_has_as_many_cells(report):
    tables = list(markdown_tables(report(*many_runs())[1]))
    assert len(tables) == 6  # summary, estimates and details of two sizes, failures
    for header, rules, *rows in tables:
        assert all(re.fullmatch(" (---|--:) ", rule) for rule in rules)
        assert {len(row) for row in rows} == {len(header)} == {len(rules)}
    assert [len(table) - 2 for table in tables] == [6, 3, 3, 8, 8, 8]


def test_written_files(tmp_path):
    write_lines(tmp_path, many_runs())
    paths = write_report(tmp_path)
    assert [path.name for path in paths] == [
        "report.md",
        "summary.csv",
        "table.csv",
        "details.csv",
        "results.csv",
        "errors.png",
        "estimates.png",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {p.name for p in paths} | {"results.jsonl"}
    shown = re.findall(r"!\[.*\]\((.*)\)", paths[0].read_text(encoding="utf-8"))
    assert shown == ["errors.png", "estimates.png"]
    before = [path.read_bytes() for path in paths[:-2]]
    assert [path.read_bytes() for path in write_report(tmp_path)[:-2]] == before


def labels(ticks):
    return [tick.get_text() for tick in ticks]


def test_heat_map(frames):
    figure = draw_errors(frames(many_runs())[1])
    *panels, bar = figure.axes
    assert [panel.get_title() for panel in panels] == ["1,000 samples", "100,000 samples"]
    rows = ["1v1-normal-0.75  0.50", f"{LONG}  5.50", "a|b  10.50"]
    assert labels(panels[0].get_yticklabels()) == rows
    for panel in panels:
        assert labels(panel.get_xticklabels()) == ["broken", "capped", "mmg"]
        values = panel.images[0].get_array().filled(np.nan)
        np.testing.assert_allclose(
            values, [[np.nan, -0.02, -0.05], [np.nan, -0.3, -0.05], [np.nan, -0.3, -0.05]]
        )
        written = np.reshape(labels(panel.texts), values.shape).tolist()
        assert written == [
            ["", "-0.02", "-0.05"],
            ["failed", "-5.02", "-0.05"],
            ["failed", "-10.02", "-0.05"],
        ]
        assert panel.images[0].norm(0.0) == 0.5
    assert bar.get_ylabel() == "mean error (nats)"


def test_forest(frames):
    figure = draw_estimates(*frames(many_runs()))
    assert len(figure.axes) == 2
    # What failed on every task has no marker.
    assert labels(figure.legends[0].get_texts()) == ["capped", "mmg"]
    for panel in figure.axes:
        means = {line.get_label(): line for line in panel.lines}
        np.testing.assert_allclose(means["mmg"].get_xdata(), [-0.05] * 3)
        np.testing.assert_allclose(means["mmg"].get_ydata(), np.arange(3) + 0.2)
        np.testing.assert_allclose(means["capped"].get_xdata(), [-0.02, -5.02, -10.02])
        segments = [s for lines in panel.collections for s in lines.get_segments() if len(s)]
        np.testing.assert_allclose([s[:, 0] for s in segments], [[-0.1, 0.0]] * 3, atol=1e-12)
        # Every single run has a tick as well.
        assert sum(len(line.get_xdata()) for line in panel.lines if line.get_marker() == "|") == 12


@pytest.mark.parametrize("worst", [0.11, 0.14, 0.23, 0.7, 1.8, 5.0, 40.0])
def test_errors_beyond_the_linear_part_have_labels(frames, worst):
    sizes = 1000, 5000, 10_000
    runs = [run("a", 0.5 - worst, n_samples=n) for n in sizes]
    figure = draw_estimates(*frames([*runs, run("b", 0.5 + worst)]))
    figure.draw_without_rendering()
    for panel in figure.axes:
        visible = visible_x_labels(panel)
        boxes_apart(visible)
        values = [float(text.replace("\N{MINUS SIGN}", "-")) for text in labels(visible)]
        assert max(0.3, worst / 10) <= max(values)
        assert max(0.3, worst / 10) <= -min(values)
        minor = panel.xaxis.get_minorticklocs()
        assert {-0.2, 0.2} <= {round(x, 9) for x in minor if abs(x) < 0.3}


def test_estimators_look_different(frames):
    figure = draw_estimates(*frames([run(estimator=f"e{i:02d}") for i in range(20)]))
    handles = figure.legends[0].legend_handles
    assert len({(h.get_color(), h.get_marker()) for h in handles}) == len(handles) == 20


@pytest.mark.parametrize("n_tasks", [1, 40])
@pytest.mark.parametrize("draw", ["errors", "estimates"])
def test_labels_fit_and_do_not_overlap(frames, draw, n_tasks):
    estimators = ["mmg", "an-estimator-of-a-long-name", "ksg", "minde"]
    table, cells = frames(
        run(f"{LONG}-{i}", 15 + 0.1 * i, truth=15.0, estimator=estimator, n_samples=n_samples)
        for i in range(n_tasks)
        for estimator in estimators
        for n_samples in (1000, 10_000, 100_000)
    )
    figure = draw_errors(cells) if draw == "errors" else draw_estimates(table, cells)
    figure.draw_without_rendering()
    panels = figure.axes[:3]
    groups = [panels[0].get_yticklabels(), [panel.title for panel in panels]]
    groups += [visible_x_labels(panel) for panel in panels]
    for group in groups:
        for box in boxes_apart(group):
            assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1


def boxes_apart(texts):
    """Where texts are drawn, none over another."""
    boxes = [text.get_window_extent() for text in texts]
    assert boxes
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    return boxes


def visible_x_labels(panel):
    low, high = sorted(panel.get_xlim())
    return [
        label
        for tick, label in zip(panel.get_xticks(), panel.get_xticklabels(), strict=True)
        if low <= tick <= high
    ]


def test_infinite_estimate_is_shown_as_such(report, frames):
    runs = [run("a", float("inf")), run("b", 0.51)]
    tables, text = report(*runs)
    assert np.isinf(tables["summary"]["mae"].item())
    assert "| a | 0.50 | inf ↑ |" in text
    assert "+inf" in labels(draw_errors(frames(runs)[1]).axes[0].texts)


def test_folder_without_results(tmp_path):
    message = "No results in .*: run `python -m sklearn_mmg.benchmark run` first"
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(FileNotFoundError, match=message):
            write_report(folder)
    (tmp_path / "results.jsonl").write_text('{"task": "ea')
    with pytest.raises(FileNotFoundError, match=message):
        write_report(tmp_path)


def test_only_failures(tmp_path):
    write_lines(tmp_path, [run(seed=seed, **FAILED) for seed in range(3)])
    with pytest.raises(ValueError, match=r"All 3 runs in .* failed, the first with `ValueError: a"):
        write_report(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


@pytest.mark.parametrize("truth", [0.6, None])
def test_runs_that_disagree_about_the_truth(tmp_path, truth):
    write_lines(tmp_path, [run(seed=0), run(seed=1, truth=truth)])
    with pytest.raises(ValueError, match=r"Task 'easy' has more than one truth in .*, or none"):
        write_report(tmp_path)


def test_truths_that_differ_by_rounding_are_one(report):
    truth = 0.4133392865922339
    tables, _ = report(run(truth=truth), run(truth=0.413, estimator="other"))
    assert tables["table"][["truth", "mmg", "other"]].to_numpy().tolist() == [[0.41, 0.5, 0.5]]


def test_partial_last_line(tmp_path):
    write_lines(tmp_path, [run(estimate=0.53)])
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write(json.dumps(run(seed=1, estimate=9.0))[:-20])
    summary = pd.read_csv(write_report(tmp_path)[1])
    assert summary["mae"].item() == pytest.approx(0.03)


def test_files_of_other_environments(tmp_path):
    """They may lack what does not name the job, and a run that is in two files counts once."""
    few = ("task", "estimator", "n_samples", "n_test", "seed", "truth", "estimate")
    other = [{name: line[name] for name in few} for line in [run(estimate=0.6, estimator="other")]]
    write_lines(tmp_path, [run(estimate=0.53), run(estimate=0.53, seed=1)])
    write_lines(tmp_path, [*other, run(estimate=0.53)], name="other.jsonl")
    summary = pd.read_csv(write_report(tmp_path)[1]).set_index("estimator")
    assert summary["mae"].round(9).to_dict() == {"mmg": 0.03, "other": 0.1}
    assert len(pd.read_csv(tmp_path / "results.csv")) == 3
    assert np.isnan(summary.loc["other", "peak_memory_mib"])


def test_only_files_of_other_environments(tmp_path):
    write_lines(tmp_path, [run(estimate=0.53)], name="other.jsonl")
    assert pd.read_csv(write_report(tmp_path)[1])["mae"].item() == pytest.approx(0.03)
