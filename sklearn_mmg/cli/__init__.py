"""Command line: mutual information of the columns of a file."""

from sklearn_mmg.cli._main import main

__all__ = ["main"]
