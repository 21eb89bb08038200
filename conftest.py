"""What tests and the examples in docstrings share."""

import sys

import pytest


@pytest.fixture(autouse=True)
def closed_figures():
    """Close what a test or an example has drawn; pyplot would keep it."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
