"""One job: sample a task, fit an estimator, measure both. Runs in whatever process gets it."""

import math
import platform
import threading
import traceback
from importlib.metadata import version
from time import perf_counter
from typing import Any, Self

import numpy as np
import sklearn
from joblib import parallel_config
from scipy.stats import norm, sem
from threadpoolctl import threadpool_info

import sklearn_mmg
from sklearn_mmg.benchmark._protocol import Estimator, copied
from sklearn_mmg.benchmark._results import Job, Result, plain_parameters
from sklearn_mmg.datasets import JointDistribution

MEASURED = (
    "estimate",
    "standard_error",
    "interval_low",
    "interval_high",
    "oracle_standard_error",
    "fit_seconds",
    "evaluation_seconds",
)


class PeakMemory:
    """Peak resident memory of this process inside a ``with`` block, sampled by a thread."""

    def __enter__(self) -> Self:
        import psutil

        self._process, self._peak = psutil.Process(), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        stopped = False
        while not stopped:
            self._peak = max(self._peak, self._process.memory_info().rss)
            stopped = self._stop.wait(0.01)

    @property
    def mib(self) -> float:
        return self._peak / 2**20


def run_job(job: Job, task: JointDistribution, estimator: Estimator) -> Result:
    """Result of a job, as a line of the results file holds it.

    Parameters
    ----------
    job : Job
    task : JointDistribution
    estimator : estimator
        With the parameters of the job; a clone of it is fitted.

    Returns
    -------
    result : dict
        If sampling, fit or evaluation failed, ``error`` says why and the measurements are None.
    """
    result = {
        **job._asdict(),
        "dim_x": int(task.dim_x),
        "dim_y": int(task.dim_y),
        "truth": float(task.mutual_information),
        **dict.fromkeys(MEASURED),
    }
    # A Dask worker would spread the folds of a fit over the cluster: time and memory of a job
    # would be those of other machines.
    with parallel_config("loky", n_jobs=1), PeakMemory() as memory:
        try:
            result |= _measure(job, task, copied(estimator))
            failure = {"error": None}
        except Exception as error:
            failure = {
                "error": f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc(),
            }
    return {
        **result,
        "peak_memory_mib": memory.mib,
        "n_threads": max((pool["num_threads"] for pool in threadpool_info()), default=1),
        "parameters": plain_parameters(estimator),
        "versions": _versions(),
        **failure,
    }


def _measure(job: Job, task: JointDistribution, estimator: Any) -> dict[str, float | None]:
    X, y = task.sample(job.n_samples, random_state=job.seed)
    test = None
    if job.n_test is not None:
        test = task.sample(job.n_test, random_state=np.random.RandomState([job.seed, 1]))
    oracle = sem(task.pointwise_mi(*(test or (X, y))))

    start = perf_counter()
    estimator.fit(X, y)
    fit_seconds = perf_counter() - start
    start = perf_counter()
    estimate = estimator.mutual_info(*test) if test else estimator.mutual_info_
    evaluation_seconds = perf_counter() - start

    if test:
        uncertainty = _uncertainty_on_test(estimator, estimate, *test)
    else:
        uncertainty = _uncertainty(estimator)
    values = (estimate, *uncertainty, oracle, fit_seconds, evaluation_seconds)
    return {name: _finite(name, value) for name, value in zip(MEASURED, values, strict=True)}


def _uncertainty(estimator: Any) -> tuple[float | None, float | None, float | None]:
    """Standard error and interval that the estimator itself gives, if it does."""
    standard_error = getattr(estimator, "mutual_info_se_", None)
    if standard_error is None:
        return None, None, None
    return standard_error, *estimator.mutual_info_interval(0.95)


def _uncertainty_on_test(
    estimator: Any, estimate: float, X: np.ndarray, y: np.ndarray
) -> tuple[float | None, float | None, float | None]:
    """Standard error of a mean over the test points: fit and training are given."""
    if not hasattr(estimator, "pointwise_mi"):
        return None, None, None
    standard_error = sem(estimator.pointwise_mi(X, y))
    half = norm.ppf(0.975) * standard_error
    return standard_error, estimate - half, estimate + half


def _finite(name: str, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{name} is {value}")
    return None if value is None else float(value)


def _versions() -> dict[str, str]:
    return {
        "sklearn_mmg": sklearn_mmg.__version__,
        "sklearn": sklearn.__version__,
        **{name: version(name) for name in ("numpy", "scipy", "torch")},
        "python": platform.python_version(),
    }
