"""Adapters to implementations by others, and the script that runs one in another environment."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from sklearn_mmg import mutual_info_mmg
from sklearn_mmg.benchmark import run_benchmark
from sklearn_mmg.benchmark._adapters import (
    ADAPTERS,
    ColumnScore,
    LatentMI,
    TorchMist,
    export_samples,
    seeded,
)
from sklearn_mmg.datasets import JointNormal, load_task

SCRIPT = Path(__file__).parents[1] / "docs" / "studies" / "diffusion_mi.py"
TASK = "1v1-normal-0.75"
PACKAGES = {"latentmi": LatentMI(), "torch_mist": TorchMist()}


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("diffusion_mi", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call_script(*arguments):
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def sample(n_samples=200, seed=1):
    return load_task(TASK).sample(n_samples, random_state=seed)


@pytest.mark.parametrize(
    ("name", "function", "discrete_target"),
    [
        ("mutual-info-mmg", mutual_info_mmg, False),
        ("scikit-learn-ksg", mutual_info_regression, False),
        ("scikit-learn-ksg", mutual_info_classif, True),
    ],
)
def test_column_score_is_that_of_the_function(name, function, discrete_target):
    X, y = sample()
    y = y.ravel() > 0 if discrete_target else y.ravel()
    adapter = clone(ADAPTERS[name]).set_params(discrete_target=discrete_target, random_state=3)
    assert adapter.fit(X, y).mutual_info_ == function(X, y, random_state=3)[0]
    assert adapter.fit(X, y[:, None]).mutual_info_ == function(X, y, random_state=3)[0]


def test_column_score_knows_discrete_columns():
    X, y = sample()
    X, y = X.round(), y.ravel() > 0
    adapter = ColumnScore(mutual_info_mmg, discrete_features=True, discrete_target=True)
    expected = mutual_info_mmg(X, y, discrete_features=True, discrete_target=True, random_state=0)
    assert adapter.set_params(random_state=0).fit(X, y).mutual_info_ == expected[0]


def test_column_score_takes_one_column():
    X, y = sample()
    with pytest.raises(ValueError, match="X has 2 features, but ColumnScore takes one"):
        ADAPTERS["scikit-learn-ksg"].fit(np.hstack([X, X]), y)
    with pytest.raises(ValueError, match="1d array"):
        ADAPTERS["scikit-learn-ksg"].fit(X, np.hstack([y, y]))


@pytest.mark.parametrize("name", ["mutual-info-mmg", "scikit-learn-ksg"])
def test_column_scores_leave_out_blocks(name):
    assert ADAPTERS[name].unsupported(load_task(TASK)) is None
    for dims in ((2, 1), (1, 2)):
        reason = ADAPTERS[name].unsupported(JointNormal.sparse(*dims))
        assert reason == "it takes one column on either side"


@pytest.mark.parametrize("name", PACKAGES)
def test_missing_package_is_named_with_its_installation(name, tmp_path):
    if importlib.util.find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    reason = PACKAGES[name].unsupported(load_task(TASK))
    assert reason.startswith(f"the package {name} is not installed: python -m pip install")
    with pytest.warns(UserWarning, match=f"left out on 1 of 1 tasks: the package {name} is not"):
        run_benchmark(TASK, {name: PACKAGES[name]}, n_samples=50, seeds=1, output=tmp_path)


@pytest.mark.parametrize("name", ADAPTERS)
def test_adapters_are_estimators(name):
    adapter = clone(ADAPTERS[name]).set_params(random_state=7)
    assert adapter.get_params() == ADAPTERS[name].get_params() | {"random_state": 7}
    assert repr(adapter).startswith(type(adapter).__name__ + "(")
    assert "random_state=7" in repr(adapter)


def draw():
    return np.random.random(), torch.rand(1).item()  # noqa: NPY002


def test_seeding_is_local():
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    with seeded(5):
        first = draw()
    with pytest.raises(RuntimeError, match="inside"), seeded(5):
        assert draw() == first
        raise RuntimeError("inside")
    with seeded(6):
        assert draw() != first
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize(
    ("name", "adapter", "low"),
    [
        # The standard error of the half that is evaluated is 0.024; in bits it would be 0.6.
        ("latentmi", LatentMI(epochs=5, random_state=0), 0.413 - 4 * 0.024),
        # A lower bound at its worst on the fifth that is evaluated, of standard error 0.0375.
        ("torch_mist", TorchMist("nwj", random_state=0), 0.413 - 4 * 0.0375),
    ],
)
def test_package_estimates_in_nats(name, adapter, low, capsys):
    pytest.importorskip(name)
    X, y = sample(2000, seed=0)
    first = adapter.fit(X, y).mutual_info_
    assert low < first < 0.413 + 4 * 0.024
    assert capsys.readouterr().out == ""
    assert clone(adapter).fit(X, y.ravel()).mutual_info_ == first
    assert adapter.unsupported(load_task("multinormal-dense-2-2-0.5")) is None


def test_export_is_what_the_benchmark_draws(tmp_path, script):
    paths = export_samples([TASK], [50, 80], [0, 3], tmp_path / "samples")
    assert [path.name for path in paths] == [
        f"{TASK}__{n}__{seed}.npz" for n in (50, 80) for seed in (0, 3)
    ]
    X, y, fields = script.read_sample(paths[1])
    expected_X, expected_y = load_task(TASK).sample(50, random_state=3)
    np.testing.assert_array_equal(X, expected_X)
    np.testing.assert_array_equal(y, expected_y)

    run_benchmark(
        TASK, "scikit-learn-ksg", n_samples=50, seeds=[3], output=tmp_path / "runs", verbose=0
    )
    result = json.loads((tmp_path / "runs" / "results.jsonl").read_text())
    assert fields == {name: result[name] for name in fields}
    assert fields.keys() == {
        *("task", "n_samples", "seed", "truth", "oracle_standard_error", "dim_x", "dim_y")
    }


def test_export_marks_discrete_samples(tmp_path, script, monkeypatch):
    discrete = [False, True, [False, True]]
    for features in discrete:
        monkeypatch.setattr(JointNormal, "discrete_features", features)
        (path,) = export_samples(["multinormal-sparse-2-2-2-2.0"], [20], [0], tmp_path)
        assert script.is_continuous(path) == (features is False)
    monkeypatch.undo()
    monkeypatch.setattr(JointNormal, "discrete_target", True)
    (path,) = export_samples([TASK], [20], [0], tmp_path)
    assert not script.is_continuous(path)


def test_export_refuses_an_unknown_task(tmp_path):
    with pytest.raises(ValueError, match="There is no task 'normal'"):
        export_samples([TASK, "normal"], [50], [0], tmp_path)
    assert list(tmp_path.iterdir()) == []


def result_line(path, script, **fields):
    return (
        script.read_sample(path)[2] | {"estimator": "diffusion-mi-mmg", "parameters": {}} | fields
    )


def test_script_goes_on_where_it_stopped(tmp_path, script):
    paths = export_samples([TASK], [20], [0, 1], tmp_path)
    results = tmp_path / "diffusion-mi.jsonl"
    assert script.read_results(results) == {}
    line = json.dumps(result_line(paths[0], script)) + "\n"
    results.write_text(line + line[:30])
    done = script.read_results(results)
    assert results.read_text() == line
    parameters = {"diffusion-mi-mmg": {}, "diffusion-mi-minde": {}}
    assert script.make_plan(paths, parameters, done) == [
        (paths[0], "diffusion-mi-minde"),
        (paths[1], "diffusion-mi-mmg"),
        (paths[1], "diffusion-mi-minde"),
    ]
    with pytest.raises(ValueError, match="other settings"):
        script.make_plan(paths, {"diffusion-mi-mmg": {"max_epochs": 3}}, done)


def test_script_standardizes_by_the_training_part(script):
    block = np.random.default_rng(0).normal(3, 5, size=(100, 2))
    train, test = script.standardized_split(block, 80)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(train.std(axis=0), 1)
    restored = test * block[:80].std(axis=0) + block[:80].mean(axis=0)
    np.testing.assert_allclose(restored, block[80:])


def test_script_averages_evaluations(script):
    class Counting:
        calls = 0

        def fit(self, X, y, X_test, y_test):
            assert (len(X), len(y), len(X_test), len(y_test)) == (150, 150, 50, 50)

        def estimate(self, X, y):
            self.calls += 1
            return self.calls

    assert script.measure(Counting(), *sample(), 0.25, 5)["estimate"] == 3


def test_script_without_the_package_says_so_in_a_line(tmp_path):
    if importlib.util.find_spec("dmi") is not None:
        pytest.skip("diffusion-mi is installed")
    export_samples([TASK], [20], [0], tmp_path)
    done = call_script("--samples", tmp_path, "--output", tmp_path / "results")
    assert done.returncode == 2
    assert done.stderr == (
        "diffusion_mi.py: error: No module named 'dmi': python -m pip install diffusion-mi==0.1.0\n"
    )
    assert not (tmp_path / "results").exists()


def test_script_refuses_unknown_estimators(tmp_path):
    done = call_script("--samples", tmp_path, "--output", tmp_path, "--estimators", "mmg")
    assert done.returncode == 2
    assert "invalid choice: 'mmg'" in done.stderr


def test_script_runs_the_package(tmp_path):
    pytest.importorskip("dmi")
    export_samples([TASK], [200], [0], tmp_path)
    command = ("--samples", tmp_path, "--output", tmp_path / "results", "--max-epochs", "2")
    done = call_script(*command)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "results" / "diffusion-mi.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["estimator"] for line in lines] == ["diffusion-mi-mmg", "diffusion-mi-minde"]

    run_benchmark(TASK, "scikit-learn-ksg", n_samples=200, seeds=1, output=tmp_path, verbose=0)
    own = json.loads((tmp_path / "results.jsonl").read_text())
    for line in lines:
        assert line.keys() == own.keys()
        assert line["error"] is None and np.isfinite(line["estimate"])
        assert line["fit_seconds"] > 0 and line["peak_memory_mib"] > 100
        assert line["parameters"]["max_epochs"] == 2
        assert line["parameters"]["evaluations"] == 1
    assert call_script(*command).returncode == 0
    assert (tmp_path / "results" / "diffusion-mi.jsonl").read_text() == text
