"""The benchmark: what a result holds, and that each job is done once whatever is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
from budgets import tiny
from joblib import Parallel, delayed, parallel_config
from scipy.stats import norm
from sklearn.base import BaseEstimator

from sklearn_mmg._estimate import Estimate
from sklearn_mmg.base import BaseMutualInfo
from sklearn_mmg.benchmark import _runner, estimators_by_name, load_results, run_benchmark
from sklearn_mmg.benchmark._adapters import ADAPTERS
from sklearn_mmg.benchmark._measure import run_job
from sklearn_mmg.benchmark._results import Job, ResultsFile, plain_parameters
from sklearn_mmg.datasets import JointNormal, list_tasks, load_task

NORMAL = "1v1-normal-0.75"
WEAK = JointNormal.sparse(correlations=(0.3,))
MEASURED = [
    "estimate",
    "standard_error",
    "interval_low",
    "interval_high",
    "oracle_standard_error",
    "fit_seconds",
    "evaluation_seconds",
]
FIELDS = [
    *Job._fields,
    *("dim_x", "dim_y", "truth"),
    *MEASURED,
    *("peak_memory_mib", "n_threads", "parameters", "versions", "error"),
]


class Linear(BaseMutualInfo):
    """Closed form for one unit normal column on either side; notes every fit in a file."""

    def __init__(self, delay=0.0, log=None, random_state=None):
        self.delay = delay
        self.log = log
        self.random_state = random_state

    def _fit(self, X, y, groups):
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(f"{len(X)} {self.random_state}\n")
        time.sleep(self.delay)
        self.correlation_ = np.corrcoef(X[:, 0], y[:, 0])[0, 1]
        return Estimate(pointwise=self.pointwise_mi(X, y))

    def pointwise_mi(self, X, y):
        return JointNormal.sparse(correlations=(self.correlation_,)).pointwise_mi(X, y)

    def score(self, X, y):
        return self.mutual_info(X, y)


class Bare(BaseEstimator):
    """The least that the benchmark can use: no standard error, nothing for other data."""

    def __init__(self, value=0.5):
        self.value = value

    def fit(self, X, y):
        self.mutual_info_ = self.value
        return self


class Failing(Linear):
    def _fit(self, X, y, groups):
        raise KeyError("no luck")


class Flags(Bare):
    """Reports what it was told."""

    def __init__(self, random_state=None, discrete_features=None, discrete_target=None):
        self.random_state = random_state
        self.discrete_features = discrete_features
        self.discrete_target = discrete_target

    def fit(self, X, y):
        self.mutual_info_ = 100 * self.random_state + 10 * self.discrete_target
        self.mutual_info_ += np.sum(self.discrete_features)
        return self


class OneColumn(Bare):
    def unsupported(self, task):
        return "it takes one column" if task.dim_x > 1 else None


class Hungry(Bare):
    def fit(self, X, y):
        np.ones(2**25)  # 256 MiB, for as long as it takes to fill them
        return super().fit(X, y)


class InnerJobs(Bare):
    """Runs jobs of its own; the estimate is the share that ran in the process of the fit."""

    def fit(self, X, y):
        pids = Parallel()(delayed(os.getpid)() for _ in range(8))
        self.mutual_info_ = np.mean(np.array(pids) == os.getpid())
        return self


class MixedTask(JointNormal):
    discrete_target = True

    def __init__(self):
        super().__init__(np.eye(4), dim_x=3)
        self.discrete_features = np.array([True, False, True])


def run(tasks, estimators, folder, **changes):
    quick = {"n_samples": 100, "seeds": 2, "verbose": 0, "output": folder}
    run_benchmark(tasks, estimators, **(quick | changes))
    return list(ResultsFile(Path(folder) / "results.jsonl").read().values())


def lines(folder):
    return [json.loads(line) for line in (Path(folder) / "results.jsonl").open()]


def jobs_of(results):
    return Counter(tuple(result[name] for name in Job._fields) for result in results)


def times_fitted(log):
    return Counter(Path(log).read_text().splitlines())


def test_result_of_the_sample_itself(tmp_path):
    (result,) = run(NORMAL, {"tiny": tiny()}, tmp_path, seeds=[3])
    assert list(result) == FIELDS
    task = load_task(NORMAL)
    X, y = task.sample(100, random_state=3)
    fitted = tiny(random_state=3).fit(X, y)

    assert Job(NORMAL, "tiny", 100, None, 3) == tuple(result[name] for name in Job._fields)
    assert (result["dim_x"], result["dim_y"], result["error"]) == (1, 1, None)
    assert result["truth"] == task.mutual_information
    assert result["estimate"] == pytest.approx(fitted.mutual_info_, rel=1e-6)
    assert result["standard_error"] == pytest.approx(fitted.mutual_info_se_, rel=1e-6)
    interval = result["interval_low"], result["interval_high"]
    assert interval == pytest.approx(fitted.mutual_info_interval(0.95), rel=1e-6)
    oracle = task.pointwise_mi(X, y).std(ddof=1) / 10
    assert result["oracle_standard_error"] == pytest.approx(oracle)
    assert 0 < result["evaluation_seconds"] < result["fit_seconds"] < 60
    assert result["n_threads"] >= 1
    assert result["parameters"]["random_state"] == 3
    assert result["parameters"]["width"] == tiny().width
    assert result["versions"].keys() == {
        "sklearn_mmg", "sklearn", "numpy", "scipy", "torch", "python"
    }  # fmt: skip
    assert result["versions"]["numpy"] == np.__version__


def test_result_of_separate_test_points(tmp_path):
    (result,) = run({"weak": WEAK}, {"linear": Linear()}, tmp_path, seeds=[2], n_test=400)
    test = WEAK.sample(400, random_state=np.random.RandomState([2, 1]))
    pointwise = Linear().fit(*WEAK.sample(100, random_state=2)).pointwise_mi(*test)
    error = pointwise.std(ddof=1) / 20
    assert (result["n_samples"], result["n_test"]) == (100, 400)
    assert result["estimate"] == pytest.approx(pointwise.mean())
    assert result["standard_error"] == pytest.approx(error)
    assert result["interval_low"] == pytest.approx(pointwise.mean() - norm.ppf(0.975) * error)
    assert result["interval_high"] == pytest.approx(pointwise.mean() + norm.ppf(0.975) * error)
    oracle = WEAK.pointwise_mi(*test).std(ddof=1) / 20
    assert result["oracle_standard_error"] == pytest.approx(oracle)


def test_estimator_without_standard_error(tmp_path):
    (result,) = run(NORMAL, {"bare": Bare()}, tmp_path, seeds=1)
    assert result["estimate"] == 0.5
    assert result["standard_error"] is result["interval_low"] is result["interval_high"] is None
    assert result["error"] is None


def test_peak_memory_is_that_of_the_job(tmp_path):
    before = psutil.Process().memory_info().rss / 2**20
    lean, hungry = run({"weak": WEAK}, {"lean": Bare(), "hungry": Hungry()}, tmp_path, seeds=1)
    assert lean["peak_memory_mib"] == pytest.approx(before, abs=100)
    assert hungry["peak_memory_mib"] > lean["peak_memory_mib"] + 150


def test_seed_and_discrete_columns_reach_the_estimator(tmp_path):
    flags = Flags()
    tasks = {"mixed": MixedTask(), "continuous": WEAK}
    results = run(tasks, {"flags": flags}, tmp_path, seeds=[7])
    estimates = {r["task"]: r["estimate"] for r in results}
    assert estimates == {"mixed": 712, "continuous": 700}
    parameters = next(r["parameters"] for r in results if r["task"] == "mixed")
    assert parameters["discrete_features"] == [True, False, True]
    assert flags.get_params() == Flags().get_params()
    assert not hasattr(flags, "mutual_info_")


def test_job_leaves_no_fitted_model_behind():
    bare = Bare()
    assert run_job(Job("weak", "bare", 100, None, 0), WEAK, bare)["estimate"] == 0.5
    assert not hasattr(bare, "mutual_info_")


def test_parameters_are_the_same_in_every_process():
    values = {"array": np.arange(2), "number": np.float64(2), "nan": np.nan, "object": object()}
    plain = {name: plain_parameters(Bare(value))["value"] for name, value in values.items()}
    assert plain == {"array": [0, 1], "number": 2.0, "nan": "nan", "object": "<object object>"}


def test_failing_estimator_is_recorded_and_the_rest_goes_on(tmp_path):
    estimators = {"failing": Failing(), "nan": Bare(np.nan), "infinite": Bare(np.inf), "ok": Bare()}
    results = {r["estimator"]: r for r in run(NORMAL, estimators, tmp_path, seeds=1)}
    assert {name: r["error"] for name, r in results.items()} == {
        "failing": "KeyError: 'no luck'",
        "nan": "ValueError: estimate is nan",
        "infinite": "ValueError: estimate is inf",
        "ok": None,
    }
    failed = results["failing"]
    assert list(failed) == [*FIELDS, "traceback"]
    assert 'raise KeyError("no luck")' in failed["traceback"]
    empty = {name for name in FIELDS if failed[name] is None}
    assert empty == {"n_test", *MEASURED}


def test_estimators_that_cannot_do_a_task_are_left_out(tmp_path):
    tasks = {"one": WEAK, "two": JointNormal.dense(2), "three": JointNormal.dense(3)}
    message = "'single' is left out on 2 of 3 tasks: it takes one column"
    with pytest.warns(UserWarning, match=message) as caught:
        results = run(tasks, {"single": OneColumn(), "bare": Bare()}, tmp_path, seeds=1)
    assert len(caught) == 1
    assert {(r["task"], r["estimator"]) for r in results} == {
        ("one", "single"), ("one", "bare"), ("two", "bare"), ("three", "bare")
    }  # fmt: skip
    with pytest.warns(UserWarning, match="1 of 1 tasks: it takes continuous columns"):
        assert run({"mixed": MixedTask()}, {"bare": Bare()}, tmp_path / "mixed") == []
    with pytest.warns(UserWarning, match="'bare' is left out on 1 of 1 tasks: .* n_test asks"):
        assert run(NORMAL, {"bare": Bare()}, tmp_path / "test points", n_test=50) == []


def test_finished_jobs_are_not_repeated(tmp_path):
    linear = {"linear": Linear(log=str(tmp_path / "log"))}
    run({"weak": WEAK}, linear, tmp_path / "out")
    run({"weak": WEAK}, linear, tmp_path / "out", n_samples=[100, 50], seeds=3)
    assert times_fitted(tmp_path / "log") == dict.fromkeys(
        ["100 0", "100 1", "100 2", "50 0", "50 1", "50 2"], 1
    )
    assert set(jobs_of(lines(tmp_path / "out")).values()) == {1}
    assert list((tmp_path / "out" / "claims").iterdir()) == []


def test_same_name_for_something_else_is_refused(tmp_path):
    run({"weak": WEAK}, {"linear": Linear()}, tmp_path)
    with pytest.raises(ValueError, match="results of 'linear' with another value of 'parameters'"):
        run({"weak": WEAK}, {"linear": Linear(delay=0.01)}, tmp_path)
    with pytest.raises(ValueError, match="results of 'weak' with another value of 'truth'"):
        run({"weak": JointNormal.sparse()}, {"linear": Linear()}, tmp_path)


def test_partial_last_line(tmp_path):
    linear = {"linear": Linear(log=str(tmp_path / "log"))}
    path = tmp_path / "results.jsonl"
    run({"weak": WEAK}, linear, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])  # all but the newline: a reader cannot know that it is whole
    assert len(load_results(tmp_path)) == 1
    run({"weak": WEAK}, linear, tmp_path)
    assert jobs_of(lines(tmp_path)) == dict.fromkeys(
        [("weak", "linear", 100, None, 0), ("weak", "linear", 100, None, 1)], 1
    )
    assert times_fitted(tmp_path / "log") == {"100 0": 1, "100 1": 2}


def test_reader_takes_only_what_is_new(tmp_path):
    file = ResultsFile(tmp_path / "results.jsonl")
    assert file.read() == {}
    run({"weak": WEAK}, {"bare": Bare()}, tmp_path, seeds=1)
    assert len(file.read()) == 1
    content = file.path.read_bytes()
    file.path.write_bytes(b"#" * len(content) + content.replace(b'"seed": 0', b'"seed": 1'))
    assert [job.seed for job in file.read()] == [0, 1]


def test_damaged_line_is_an_error(tmp_path):
    run({"weak": WEAK}, {"linear": Linear()}, tmp_path)
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"task": "weak"}\n')
    with pytest.raises(ValueError, match="has a line that is no result, at byte"):
        load_results(tmp_path)


def test_job_of_another_process_is_left_to_it(tmp_path):
    job = Job("weak", "bare", 100, None, 1)
    other = _runner.Claims(tmp_path / "claims")
    assert other.take(job)
    with pytest.warns(UserWarning, match="1 of 2 fits are in the hands of another process"):
        results = run({"weak": WEAK}, {"bare": Bare()}, tmp_path)
    assert [r["seed"] for r in results] == [0]
    other.release_all()
    assert len(run({"weak": WEAK}, {"bare": Bare()}, tmp_path)) == 2


def test_job_finished_just_before_it_is_claimed(tmp_path, monkeypatch):
    (result,) = run({"weak": WEAK}, {"bare": Bare()}, tmp_path / "elsewhere", seeds=[1])
    take = _runner.Claims.take

    def take_late(self, job):
        if job.seed == 1:
            ResultsFile(tmp_path / "here" / "results.jsonl").append(result)
        return take(self, job)

    monkeypatch.setattr(_runner.Claims, "take", take_late)
    run({"weak": WEAK}, {"bare": Bare()}, tmp_path / "here")
    assert [r["seed"] for r in lines(tmp_path / "here")] == [0, 1]
    assert list((tmp_path / "here" / "claims").iterdir()) == []


def test_error_between_jobs_ends_the_run(tmp_path, monkeypatch):
    take = _runner.Claims.take

    def full_disk(self, job):
        if job.seed == 5:
            raise OSError("disk full")
        return take(self, job)

    monkeypatch.setattr(_runner.Claims, "take", full_disk)
    raised = []

    def target():
        try:
            with parallel_config("threading", n_jobs=2):
                run({"weak": WEAK}, {"bare": Bare()}, tmp_path, seeds=9)
        except OSError as error:
            raised.append(str(error))

    thread = threading.Thread(target=target, daemon=True)  # joblib would wait for ever
    thread.start()
    thread.join(timeout=30)
    assert raised == ["disk full"]
    assert len(lines(tmp_path)) == 5


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_same_results_in_any_backend(tmp_path, backend):
    with parallel_config(backend, n_jobs=2):
        results = run({"weak": WEAK}, {"linear": Linear()}, tmp_path, seeds=6)
    expected = {
        seed: Linear().fit(*WEAK.sample(100, random_state=seed)).mutual_info_ for seed in range(6)
    }
    assert {r["seed"]: r["estimate"] for r in results} == pytest.approx(expected)


def start_benchmark(folder, delay):
    """Another process that runs 12 jobs on the folder."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_benchmark import twelve_jobs\n"
        f"twelve_jobs({str(folder)!r}, {delay})"
    )
    return subprocess.Popen([sys.executable, "-c", code])


def twelve_jobs(folder, delay):
    linear = Linear(delay=delay, log=f"{folder}/log")
    run({"weak": WEAK}, {"linear": linear}, folder, seeds=12)


def wait_for_lines(folder, n_lines, process):
    path, give_up = Path(folder) / "results.jsonl", time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < n_lines:
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_killed_process_loses_the_fit_in_hand_only(tmp_path):
    process = start_benchmark(tmp_path, delay=0.1)
    wait_for_lines(tmp_path, 3, process)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    n_done = len(lines(tmp_path))
    assert 3 <= n_done < 12

    twelve_jobs(tmp_path, 0.1)
    assert sorted(r["seed"] for r in lines(tmp_path)) == list(range(12))
    fitted = times_fitted(tmp_path / "log")
    assert len(fitted) == 12
    assert fitted.total() <= 13


def test_two_processes_share_a_folder(tmp_path):
    process = start_benchmark(tmp_path, delay=0.2)
    wait_for_lines(tmp_path, 1, process)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # whoever ends first says what is left
        twelve_jobs(tmp_path, 0.2)
    assert process.wait(timeout=60) == 0
    assert sorted(r["seed"] for r in lines(tmp_path)) == list(range(12))
    assert set(times_fitted(tmp_path / "log").values()) == {1}
    assert list((tmp_path / "claims").iterdir()) == []


def test_dask_cluster_of_which_a_worker_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    linear = {"linear": Linear(delay=0.2, log=str(tmp_path / "log"))}
    tasks = {"weak": WEAK, "strong": JointNormal.sparse(correlations=(0.9,))}
    with cluster, distributed.Client(cluster) as client, parallel_config("dask"):
        inner = run({"weak": WEAK}, {"inner": InnerJobs()}, tmp_path / "inner", seeds=4)
        assert [r["estimate"] for r in inner] == [1.0] * 4

        pids = list(client.run(os.getpid).values())

        def kill_a_worker():
            while not (tmp_path / "results.jsonl").exists():
                time.sleep(0.01)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_a_worker)
        killer.start()
        run(tasks, linear, tmp_path, seeds=10)
        killer.join()
        assert pids[0] not in client.run(os.getpid).values()
    assert jobs_of(lines(tmp_path)) == dict.fromkeys(
        [(task, "linear", 100, None, seed) for task in tasks for seed in range(10)], 1
    )
    assert {r["error"] for r in lines(tmp_path)} == {None}


def test_table_of_results(tmp_path):
    run({"weak": WEAK}, {"linear": Linear(), "failing": Failing()}, tmp_path, n_samples=[50, 100])
    table = load_results(tmp_path)
    assert [*FIELDS, "traceback"] == list(table.columns)
    assert table.groupby("estimator")["estimate"].count().to_dict() == {"failing": 0, "linear": 4}
    with pytest.raises(FileNotFoundError, match=r"No results in .*nothing here"):
        load_results(tmp_path / "nothing here")


def test_suites_and_tasks_by_name():
    assert list(_runner._load_tasks(["bmi40", NORMAL])) == list_tasks("bmi40")
    assert list(_runner._load_tasks(NORMAL)) == [NORMAL]
    known = estimators_by_name()
    variants = [known[name].form for name in ("mmg", "mmg-direct", "mmg-orthogonal")]
    assert variants == ["linear", "direct", "orthogonal"]
    assert known.keys() > ADAPTERS.keys()


@pytest.mark.parametrize("name", ["n_samples", "n_test", "seeds"])
@pytest.mark.parametrize("value", [0, -3, 2.5, "many"])
def test_bad_numbers(tmp_path, name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        run(NORMAL, {"bare": Bare()}, tmp_path, **{name: value})
    assert list(tmp_path.iterdir()) == []
