"""Which columns of a table a command works on, and whether all of their values can be used."""

from __future__ import annotations

import csv
import difflib
import re
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from sklearn_mmg._tables import TIME_TYPES
from sklearn_mmg._wording import enumerated
from sklearn_mmg.cli._read import import_pandas, read_file

if TYPE_CHECKING:
    import pandas as pd

DAY = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})"
TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([ap]\.?m\.?)?\s?(Z|[+-]\d{2}:?\d{2})?"
MOMENT = re.compile(rf"\s*(({DAY})([T ]\s*{TIME})?|{TIME})\s*", re.IGNORECASE)
COMMA_NUMBER = re.compile(r"\s*[-+]?\d+([. ]\d{3})*,\d+\s*")
NUMBERS = {int, float, Decimal}  # in a column of objects
MOST_NAMES = 8  # in a message
IMPUTED = "(missing)"  # a category


class Data:
    """The columns of a file that a command asks for, without missing values.

    Parameters
    ----------
    options : Namespace
        Of the command line.

    Attributes
    ----------
    frame : DataFrame of shape (n_samples, n_columns)
    n_rows : int
        Of the file.
    notes : list of str
        What was left out or filled in.
    """

    def __init__(self, options: Namespace) -> None:
        self.options = options
        frame, self.notes = read_file(options)
        self.n_rows = len(frame)
        without = self._names(options.without, list(frame.columns), "--without")
        self.frame = frame.drop(columns=without)

    def names(self, option: str) -> list[str]:
        """The columns that an option has, in its order; none without it."""
        texts = getattr(self.options, option)
        texts = [texts] if isinstance(texts, str) else texts
        return self._names(texts, list(self.frame.columns), f"--{option}")

    def _names(self, texts: Sequence[str] | None, known: list[str], option: str) -> list[str]:
        # A column whose name has a comma is found before the comma separates.
        names = []
        for text in texts or []:
            split = csv.reader([text], skipinitialspace=True)
            names += [text] if text in known else next(split, []) or [text]
        for name in names:
            if name not in known:
                raise ValueError(f"{option}: there is no column {name!r}. {_proposal(name, known)}")
        return list(dict.fromkeys(names))

    def others(self, names: Iterable[str]) -> list[str]:
        """All columns but some."""
        taken = set(names)
        return [name for name in self.frame.columns if name not in taken]

    def is_discrete(self, name: str) -> bool:
        """Whether a column has categories."""
        return self.frame[name].dtype.kind not in "iuf"

    def keep(self, columns: Sequence[str], targets: Sequence[str] = ()) -> None:
        """Leave out other columns, make codes categories, and see to missing values.

        Parameters
        ----------
        columns : sequence of str
            All that are used.
        targets : sequence of str, default=()
            Those of them in which nothing is imputed.
        """
        discrete = self._names(self.options.discrete, list(self.frame.columns), "--discrete")
        frame = self.frame.reindex(columns=list(columns))
        for name, column in frame.items():
            check_column(column, name in discrete)
        frame = self._complete(frame, targets)
        # Without the types of other libraries; a category is what is written in the file.
        types = {n: str if n in discrete else _plain_type(column) for n, column in frame.items()}
        self.frame = frame.astype(types)

    def _complete(self, frame: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
        missing = frame.isna()
        counts = {str(name): int(n) for name, n in missing.sum().items() if n}
        if not counts:
            return frame
        said = enumerated([f"{name!r} {n}" for name, n in counts.items()], MOST_NAMES, "columns")
        if empty := [name for name, n in counts.items() if n == len(frame)]:
            raise ValueError(f"Column {empty[0]!r} is empty: leave it out, --without {empty[0]!r}.")
        if self.options.drop_missing:
            return self._dropped(frame.dropna(), said)
        if not self.options.impute:
            raise ValueError(
                f"Values are missing in {missing.any(axis=1).sum()} of {len(frame)} rows: {said}. "
                "Leave these rows out by --drop-missing, fill them in by --impute, or leave "
                "columns out by --without."
            )
        if refused := [name for name in counts if name in targets]:
            raise ValueError(
                f"Values are missing in {refused[0]!r}, and nothing is imputed in a target: fill "
                "them in, leave these rows out of the file, or give --drop-missing."
            )
        self.notes.append(
            f"Missing values are filled in, with medians or a category of their own: {said}. They "
            "are taken for observed ones."
        )
        filled = {name: _imputed(column) for name, column in frame.items() if name in counts}
        frame[list(filled)] = import_pandas().DataFrame(filled)
        return frame

    def _dropped(self, complete: pd.DataFrame, said: str) -> pd.DataFrame:
        if not len(complete):
            raise ValueError(
                f"No row has all values; missing are {said}. Leave columns out by --without."
            )
        n_dropped = self.n_rows - len(complete)
        self.notes.append(
            f"{n_dropped} of {self.n_rows} rows are left out for missing values: {said}. The "
            "others speak for all only if values are missing by chance."
        )
        return complete


def _proposal(name: str, known: list[str]) -> str:
    """What was meant, or what there is."""
    by_lower = {other.lower(): other for other in reversed(known)}
    near = difflib.get_close_matches(name.strip().lower(), by_lower, n=3)
    if near:
        return f"Did you mean {' or '.join(repr(by_lower[other]) for other in near)}?"
    return f"There are {enumerated([*map(repr, known)], MOST_NAMES)}."


def check_column(column: pd.Series, discrete: bool) -> None:
    """Refuse what is neither numbers nor categories.

    Parameters
    ----------
    column : Series
        With its name.
    discrete : bool
        Whether what looks like numbers is declared to be categories.
    """
    name, present = column.name, column.dropna()
    if column.dtype.kind in "iufb":
        if n_infinite := np.isinf(present.to_numpy(dtype=float)).sum():
            raise ValueError(
                f"Column {name!r} has {n_infinite} infinite values: correct them, or leave it out, "
                f"--without {name!r}."
            )
        return
    kinds = {type(value) for value in present}
    text = kinds == {str}
    times = str(column.dtype).lower().startswith(TIME_TYPES) or any(
        issubclass(kind, date | time | timedelta) for kind in kinds
    )
    if times or (text and all(MOMENT.fullmatch(level) for level in present.unique())):
        raise ValueError(
            f"Column {name!r} has dates or times, which are neither numbers nor categories: make "
            "it a number, such as days since the first or the hour of the day, or leave it out, "
            f"--without {name!r}."
        )
    if not (text or kinds <= {bool, np.bool_} or kinds <= NUMBERS):
        raise ValueError(
            f"Column {name!r} has values that are neither numbers nor text: leave it out, "
            f"--without {name!r}."
        )
    if text and not discrete and column.dtype != "category":
        _refuse_half_numbers(present)


def _refuse_half_numbers(present: pd.Series) -> None:
    """Refuse numbers that are read as text, for their commas or for others among them."""
    name, levels = present.name, present.unique()
    if all(COMMA_NUMBER.fullmatch(level) for level in levels):
        raise ValueError(
            f"Column {name!r} has numbers with commas, such as {levels[0]!r}: give --decimal , if "
            "these are decimal commas, or take them out."
        )
    words = [level for level in levels if not _is_number(level)]
    if words and not present.isin(words).mean() > 0.5:
        raise ValueError(
            f"Column {name!r} mixes numbers and text, such as {words[0]!r}: if that stands for a "
            f"missing value give --na-values {words[0]!r}, and if all are categories --discrete "
            f"{name!r}."
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain_type(column: pd.Series) -> type:
    """Numbers, truth values or text, of a column without missing values."""
    if column.dtype.kind in "iufb":
        return bool if column.dtype.kind == "b" else float
    return float if {type(value) for value in column} <= NUMBERS else str


def _imputed(column: pd.Series) -> pd.Series:
    if column.dtype.kind in "iuf":
        numbers = column.astype(float)
        return numbers.fillna(numbers.median())
    return column.astype(object).where(column.notna(), IMPUTED).astype(str)
