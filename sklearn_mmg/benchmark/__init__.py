"""Benchmark of estimators on tasks with known mutual information."""

from sklearn_mmg.benchmark._estimators import estimators_by_name
from sklearn_mmg.benchmark._report import write_report
from sklearn_mmg.benchmark._results import load_results
from sklearn_mmg.benchmark._runner import run_benchmark

__all__ = ["estimators_by_name", "load_results", "run_benchmark", "write_report"]
