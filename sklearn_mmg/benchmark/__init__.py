"""Benchmark of estimators on tasks with known mutual information."""

from sklearn_mmg.benchmark._estimators import estimators_by_name
from sklearn_mmg.benchmark._report import write_report
from sklearn_mmg.benchmark._results import load_results
from sklearn_mmg.benchmark._runner import run_benchmark
from sklearn_mmg.benchmark._self_consistency import (
    channel_information,
    draw_self_consistency,
    run_self_consistency,
)

__all__ = [
    "channel_information",
    "draw_self_consistency",
    "estimators_by_name",
    "load_results",
    "run_benchmark",
    "run_self_consistency",
    "write_report",
]
