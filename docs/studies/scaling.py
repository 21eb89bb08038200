"""Folds, columns and the benchmark on a Dask cluster of two workers: the numbers are equal.

Everything that runs in parallel goes through joblib, so that a cluster is a choice of its backend.
Each of three kinds of work is done in this process, and on a cluster, and what comes out compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster
from joblib import parallel_config

from sklearn_mmg import InfoNCEMutualInfo, mutual_info_mmg
from sklearn_mmg.benchmark import run_benchmark

N_SAMPLES, N_COLUMNS, TASK = 1000, 8, "student-identity-2-2-1"


def data() -> tuple[np.ndarray, np.ndarray]:
    """Columns of which the first ones tell something, and a target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_SAMPLES, N_COLUMNS))
    return X, X[:, 0] + X[:, 1] ** 2 + rng.normal(size=N_SAMPLES)


def folds() -> np.ndarray:
    """A critic is trained for every fold: a task each."""
    critic = InfoNCEMutualInfo(n_steps=20, random_state=0, n_jobs=-1).fit(*data())
    return np.append(critic.pointwise_mi_, critic.mutual_info_se_)


def columns() -> np.ndarray:
    """Scores of columns, a task for some of them each."""
    return mutual_info_mmg(*data(), random_state=0, n_jobs=-1)


def benchmark() -> np.ndarray:
    """Two estimators with two seeds: a task each."""
    with tempfile.TemporaryDirectory() as folder:
        run_benchmark(
            TASK, ["gaussian", "ksg"], n_samples=500, seeds=2, n_jobs=-1, output=folder, verbose=0
        )
        lines = (Path(folder) / "results.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return np.array(sorted((r["estimator"], r["seed"], r["estimate"]) for r in rows))


WORK: list[Callable[[], np.ndarray]] = [folds, columns, benchmark]


def main() -> None:
    """Print a line for each kind of work; leaves with an error if a number differs."""
    with parallel_config("sequential"):
        here = [work() for work in WORK]
    # Each worker has its own process; with GPUs there would be one for each of them.
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        parallel_config("dask"),
    ):
        for work, expected in zip(WORK, here, strict=True):
            start = time.perf_counter()
            found = work()
            seconds = time.perf_counter() - start
            equal = np.array_equal(found, expected)
            print(f"{work.__name__:10} {len(found):5} numbers, {seconds:5.1f} s, equal: {equal}")
            if not equal:
                sys.exit("The cluster has other numbers.")


if __name__ == "__main__":
    main()
