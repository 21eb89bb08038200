"""Tasks × estimators × sample sizes × seeds, in any number of processes."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib.util import find_spec
from itertools import product
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.parallel import Parallel, delayed

from sklearn_mmg.benchmark._estimators import load_estimators
from sklearn_mmg.benchmark._measure import run_job
from sklearn_mmg.benchmark._protocol import Estimator, copied
from sklearn_mmg.benchmark._results import Job, Result, ResultsFile, plain_parameters
from sklearn_mmg.datasets import JointDistribution, load_task
from sklearn_mmg.datasets._suites import SUITES

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from tqdm import tqdm

Tasks = Mapping[str, JointDistribution]
Plan = dict[Job, tuple[JointDistribution, Estimator]]


def run_benchmark(
    tasks: str | Sequence[str] | Tasks,
    estimators: str | Sequence[str] | Mapping[str, Estimator],
    *,
    n_samples: int | Sequence[int] = 10_000,
    n_test: int | None = None,
    seeds: int | Sequence[int] = 5,
    n_jobs: int | None = None,
    output: str | os.PathLike,
    verbose: int = 1,
) -> None:
    """Fit estimators to samples of tasks whose mutual information is known.

    Every task, estimator, sample size and seed is a job. Its result is appended to
    ``results.jsonl`` in `output` as soon as it is there. Run the same again after an interruption
    and it goes on where it stopped; run it twice at the same time on one folder and the two
    processes share the jobs. A fit that fails is recorded with its error, and counts as done.

    Parameters
    ----------
    tasks : str, list of str or dict of str to JointDistribution
        Names of tasks or suites, see :func:`~sklearn_mmg.datasets.list_tasks`, or distributions.
    estimators : str, list of str or dict of str to estimator
        Names of :func:`estimators_by_name`, or unfitted estimators. ``random_state``,
        ``discrete_features`` and ``discrete_target`` are set where an estimator has them.
    n_samples : int or sequence of int, default=10_000
        Samples that an estimator gets; the tables of Czyż et al. (NeurIPS 2023) use 10,000.
    n_test : int, default=None
        Draw as many separate samples for the evaluation. None evaluates as the estimator does
        in ``fit``: the samples it gets are all it ever sees, what it holds out included.
    seeds : int or sequence of int, default=5
        Seeds of sample and estimator; a number n stands for 0 to n - 1.
    n_jobs : int, default=None
        Jobs at the same time, see :class:`joblib.Parallel`. None means 1 unless in a
        :func:`joblib.parallel_config` context.
    output : str or path-like
        Folder of the results, made if it is not there.
    verbose : int, default=1
        A progress bar, or none with 0.

    Raises
    ------
    ValueError
        If a task or estimator is not known, or the folder holds results of a task or estimator
        of the same name that differs.

    Warns
    -----
    UserWarning
        For estimators that cannot do some of the tasks, and for jobs that another process was at.

    See Also
    --------
    estimators_by_name : The estimators that have a name.
    sklearn_mmg.datasets.list_tasks : The tasks that have a name.
    load_results : The results as a table.
    write_report : Tables and figures of the results.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_mmg import MMGMutualInfo
    >>> from sklearn_mmg.benchmark import run_benchmark
    >>> quick = MMGMutualInfo(n_steps=10, width=8, depth=1, cv=0.3)
    >>> with TemporaryDirectory() as folder:
    ...     run_benchmark(
    ...         "1v1-normal-0.75", {"quick": quick}, n_samples=100, output=folder, verbose=0
    ...     )
    ...     len((Path(folder) / "results.jsonl").read_text().splitlines())
    5
    """
    tasks = _load_tasks(tasks)
    if not isinstance(estimators, Mapping):
        estimators = load_estimators(_as_list(estimators))
    sizes = [_integer(n, "n_samples", 2) for n in _as_list(n_samples)]
    n_test = None if n_test is None else _integer(n_test, "n_test", 2)
    seeds = range(_integer(seeds, "seeds", 1)) if isinstance(seeds, Integral) else _as_list(seeds)
    seeds = [_integer(seed, "seeds", 0) for seed in seeds]

    pairs = _supported_pairs(tasks, estimators, n_test)
    plan = {}
    for seed, n, (task, estimator) in product(seeds, sizes, pairs):
        prepared = _prepared(estimators[estimator], tasks[task], seed)
        plan[Job(task, estimator, n, n_test, seed)] = tasks[task], prepared
    results = ResultsFile(Path(output) / "results.jsonl")
    _check_unchanged(plan, results)
    _run(plan, results, n_jobs, verbose)


def _load_tasks(tasks: str | Sequence[str] | Tasks) -> Tasks:
    if isinstance(tasks, Mapping):
        return tasks
    names = [SUITES.get(name, [name]) for name in _as_list(tasks)]
    return {name: load_task(name) for group in names for name in group}


def _as_list(value: Any) -> list[Any]:
    return [value] if np.isscalar(value) else list(value)


def _integer(value: Any, name: str, low: int) -> int:
    return int(check_scalar(value, name, Integral, min_val=low))


def _supported_pairs(
    tasks: Tasks, estimators: Mapping[str, Estimator], n_test: int | None
) -> list[tuple[str, str]]:
    """Names of tasks and estimators that fit together; warns of the others."""
    pairs, reasons = [], Counter()
    for (task_name, task), (name, estimator) in product(tasks.items(), estimators.items()):
        reason = _unsupported(task, estimator, n_test)
        if reason is None:
            pairs.append((task_name, name))
        else:
            reasons[name, reason] += 1
    for (name, reason), n_tasks in reasons.items():
        count = f"{n_tasks} of {len(tasks)} tasks"
        warnings.warn(f"{name!r} is left out on {count}: {reason}", UserWarning, stacklevel=3)
    return pairs


def _unsupported(task: JointDistribution, estimator: Any, n_test: int | None) -> str | None:
    if n_test is not None and not hasattr(estimator, "mutual_info"):
        return "it estimates only for the samples it is fitted to, and n_test asks for others"
    known = estimator.get_params(deep=False)
    for name in ("discrete_features", "discrete_target"):
        if np.any(getattr(task, name)) and name not in known:
            return "it takes continuous columns"
    package = getattr(estimator, "_needs", None)
    if package is not None and find_spec(package) is None:
        return f"the package {package} is not installed"
    return estimator.unsupported(task) if hasattr(estimator, "unsupported") else None


def _prepared(estimator: Estimator, task: JointDistribution, seed: int) -> Estimator:
    """A clone that knows the seed and which columns are discrete, as far as it can be told."""
    told = {
        "random_state": seed,
        "discrete_features": task.discrete_features,
        "discrete_target": task.discrete_target,
    }
    known = estimator.get_params(deep=False)
    return copied(estimator).set_params(**{k: v for k, v in told.items() if k in known})


def _check_unchanged(plan: Plan, results: ResultsFile) -> None:
    """Refuse to go on under a name that stood for something else before."""
    done = results.read()
    for job in plan.keys() & done.keys():
        task, estimator = plan[job]
        now = {"truth": task.mutual_information, "parameters": plain_parameters(estimator)}
        for kind, name in (("truth", job.task), ("parameters", job.estimator)):
            if now[kind] != done[job][kind]:
                raise ValueError(
                    f"{results.path} has results of {name!r} with another value of {kind!r}. "
                    "Choose another output or another name."
                )


class Claims:
    """Locks by which processes tell each other which jobs they are at.

    The operating system releases the locks of a process that dies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._locks: dict[Job, BaseFileLock] = {}

    def take(self, job: Job) -> bool:
        """Whether the job is ours now."""
        from filelock import FileLock, Timeout

        name = hashlib.sha256(json.dumps(job).encode()).hexdigest()[:20]
        # joblib asks for the next job in one thread, and we release the claim in another.
        lock = FileLock(self._folder / f"{name}.lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        self._locks[job] = lock
        return True

    def finish(self, job: Job) -> None:
        """Release the claim of a job whose result is written.

        Whoever takes the claim from now on sees the result, so that a file more or less, or a
        lock on a file that is gone, does no harm.
        """
        lock = self._locks.pop(job)
        lock.release()
        with suppress(OSError):  # Windows keeps a file that another process has just opened
            Path(lock.lock_file).unlink(missing_ok=True)

    def release_all(self) -> None:
        for lock in self._locks.values():
            lock.release()


def _run(plan: Plan, results: ResultsFile, n_jobs: int | None, verbose: int) -> None:
    from tqdm import tqdm

    claims = Claims(results.path.parent / "claims")
    n_done = len(plan.keys() & results.read().keys())
    with tqdm(total=len(plan), initial=n_done, disable=not verbose, unit="fit") as bar:
        try:
            # Later passes find what another process claimed and then left when it died.
            while _run_pass(plan, results, claims, n_jobs, bar):
                pass
        finally:
            claims.release_all()
    if n_left := len(plan.keys() - results.read().keys()):
        warnings.warn(
            f"{n_left} of {len(plan)} fits are in the hands of another process",
            UserWarning,
            stacklevel=3,
        )


def _run_pass(
    plan: Plan, results: ResultsFile, claims: Claims, n_jobs: int | None, bar: tqdm
) -> int:
    """Run the jobs that nobody else is at; returns their number."""
    n_run = 0
    failures: list[Exception] = []
    parallel = Parallel(
        n_jobs=n_jobs,
        return_as="generator_unordered",
        batch_size=1,  # pyright: ignore[reportArgumentType]  # inferred from a default
        pre_dispatch="n_jobs",
    )
    finished: Generator[Result, None, None] = parallel(  # pyright: ignore[reportAssignmentType]  # inferred from joblib
        _claimed(plan, results, claims, failures)
    )
    with closing(finished):
        for result in finished:
            results.append(result)
            claims.finish(Job(**{name: result[name] for name in Job._fields}))
            n_run += 1
            bar.set_description(f"{result['task']} {result['estimator']}", refresh=False)
            bar.update()
    if failures:
        raise failures[0]
    bar.update(len(plan.keys() & results.read().keys()) - bar.n)  # what other processes did
    return n_run


def _claimed(
    plan: Plan, results: ResultsFile, claims: Claims, failures: list[Exception]
) -> Iterator[Any]:
    """Calls for joblib, each claimed just before it is handed over."""
    try:
        done = set(results.read())
        for job, (task, estimator) in plan.items():
            if job in done or not claims.take(job):
                continue
            if job in results.read():  # finished by another process in the meantime
                claims.finish(job)
            else:
                yield delayed(run_job)(job, task, estimator)
    except Exception as error:
        # joblib asks from the callback of a finished job, where an error would leave it waiting.
        failures.append(error)
