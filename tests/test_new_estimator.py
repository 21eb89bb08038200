"""The page on adding an estimator, taken at its word."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "add_an_estimator.md"
NAME = "ClassifierMutualInfo"


def blocks_by_file():
    """``{path: code}`` of the page's blocks, which name their file in the first line."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return dict(blocks)


def change(path, *replacements):
    text = path.read_text()
    for old, new in replacements:
        assert text.count(old) == 1, (path, old)
        text = text.replace(old, new)
    path.write_text(text)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of package and tests after the steps of the page."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("sklearn_mmg", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    blocks = blocks_by_file()
    estimator, table = blocks
    (folder / estimator).write_text(blocks[estimator])
    first = "from .baselines._doe"
    change(folder / table, (first, blocks[table] + first))
    return folder


def run(folder, *arguments):
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_steps_are_few():
    steps = re.findall(r"^## (\d+)\.", PAGE.read_text(), flags=re.MULTILINE)
    assert steps == [str(i + 1) for i in range(len(steps))]
    assert len(steps) <= 3


def test_new_estimator_passes_what_all_pass(checkout):
    parts = ["test_common", "test_contract", "test_docstrings", "test_register"]
    tests = [*(f"tests/{part}.py" for part in parts), "sklearn_mmg/baselines"]
    result = run(checkout, "pytest", *tests, "-k", NAME, "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout
    passed = int(re.search(r"(\d+) passed", result.stdout)[1])
    assert passed > 60  # common checks, contract, docstring, doctest
    assert "failed" not in result.stdout


def test_new_estimator_is_in_the_benchmark(checkout):
    arguments = ["--tasks", "1v1-normal-0.75", "--estimators", "classifier", "--n-samples", "60"]
    result = run(
        checkout, "sklearn_mmg.benchmark", "run", *arguments, "--seeds", "1", "--output", "results"
    )
    assert result.returncode == 0, result.stderr
    line = (checkout / "results" / "results.jsonl").read_text()
    assert '"estimator": "classifier"' in line
    assert '"error": null' in line
