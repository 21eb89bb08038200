"""The file of results: one line of JSON for every job, appended as it finishes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from sklearn_mmg.benchmark._protocol import Estimator

if TYPE_CHECKING:
    import pandas as pd

Result = dict[str, Any]  # what a line of the file holds
# A DataFrame, or a column of one. pandas has no types: pyright infers unions of whatever there is.
Frame = Any


class Job(NamedTuple):
    """What names a result: no two lines of a file agree in all of these fields."""

    task: str
    estimator: str
    n_samples: int
    n_test: int | None
    seed: int


class ResultsFile:
    """Results in a file that several processes may append to.

    Only a line that ends in a newline counts. What a killed process left of its last line is
    ignored by readers and cut off by the next writer.

    Parameters
    ----------
    path : str or path-like
        Made by the first `append`, its folder too.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self._results: dict[Job, Result] = {}
        self._n_bytes_read = 0

    def read(self) -> dict[Job, Result]:
        """All results so far; only what is new since the last call is read from the file.

        Returns
        -------
        results : dict of Job to dict

        Raises
        ------
        ValueError
            If a whole line is not a result.
        """
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._n_bytes_read)
                for line in file:
                    if line.endswith(b"\n"):
                        self._add(line)
        return self._results

    def _add(self, line: bytes) -> None:
        try:
            result = json.loads(line)
            job = Job(**{name: result[name] for name in Job._fields})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.path} has a line that is no result, at byte {self._n_bytes_read}: "
                f"{line[:60]!r}"
            ) from error
        self._results[job] = result
        self._n_bytes_read += len(line)

    def append(self, result: Result) -> None:
        """Add a line and wait until it is on disk.

        Parameters
        ----------
        result : dict
            With the fields of a :class:`Job` among others.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        from filelock import FileLock

        line = json.dumps(result, allow_nan=False).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path.with_suffix(".lock"))
        with lock, self.path.open("a+b", buffering=0) as file:
            _cut_partial_line(file)
            file.write(line)
            os.fsync(file.fileno())


def _cut_partial_line(file: BinaryIO) -> None:
    """Truncate after the last newline: with the lock held, whoever wrote the rest is dead."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 1, 0))
    if size and file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def plain_parameters(estimator: Estimator) -> dict[str, Any]:
    """Parameters of an estimator, nested ones included, as JSON holds them."""
    return {name: _plain(value) for name, value in estimator.get_params().items()}


def _plain(value: Any) -> Any:
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        # An address would make the same parameters look different in every process.
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def load_results(folder: str | os.PathLike) -> pd.DataFrame:
    """Load the results of a benchmark as a table.

    It reads what is there so far, also while a run goes on. Failed runs are rows too, without an
    estimate.

    Parameters
    ----------
    folder : str or path-like
        The `output` of :func:`run_benchmark`. Every ``*.jsonl`` in it is read; where two of them
        have a result of the same job, that of the last in alphabetical order counts.

    Returns
    -------
    pandas.DataFrame
        A row for each task, estimator, sample size and seed, with the fields of a line of
        ``results.jsonl`` as columns. In nats, seconds and MiB; missing where there is no value.

    Raises
    ------
    FileNotFoundError
        If the folder holds no results.

    See Also
    --------
    run_benchmark : Makes the results.
    write_report : Tables and figures of them.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_mmg import MMGMutualInfo
    >>> from sklearn_mmg.benchmark import load_results, run_benchmark
    >>> quick = {"quick": MMGMutualInfo(n_steps=10, width=8, depth=1, cv=0.3)}
    >>> with TemporaryDirectory() as folder:
    ...     run_benchmark(
    ...         "1v1-normal-0.75", quick, n_samples=100, seeds=2, output=folder, verbose=0
    ...     )
    ...     results = load_results(folder)
    >>> results[["estimator", "n_samples", "seed", "truth"]].round(3)
      estimator  n_samples  seed  truth
    0     quick        100     0  0.413
    1     quick        100     1  0.413
    """
    import pandas as pd

    results = {}
    for path in sorted(Path(folder).glob("*.jsonl")):
        results |= ResultsFile(path).read()
    if not results:
        raise FileNotFoundError(
            f"No results in {folder}: run `python -m sklearn_mmg.benchmark run` first"
        )
    return pd.DataFrame(list(results.values()))
