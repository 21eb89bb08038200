"""What tests and the examples in docstrings share."""

import os
import sys

# Small networks and matrices gain nothing from a second thread, and where other processes use the
# cores, threads that wait for each other cost minutes.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest  # noqa: E402  # reads the environment


@pytest.fixture(autouse=True)
def closed_figures():
    """Close what a test or an example has drawn; pyplot would keep it."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
