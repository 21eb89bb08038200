"""A table from a file, as pandas reads it, and what keeps it from being one."""

from __future__ import annotations

import csv
import lzma
import warnings
import zipfile
import zlib
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t", ".tab": "\t"}
BINARY = {".parquet": "read_parquet", ".pq": "read_parquet", ".feather": "read_feather"}
COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BROKEN = (csv.Error, EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error)


def import_pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "Files are read by the package pandas: python -m pip install 'sklearn-mmg[cli]'"
        ) from error
    return pandas


def read_file(options: Namespace) -> tuple[pd.DataFrame, list[str]]:
    """The table in a file, and what was changed in it.

    Parameters
    ----------
    options : Namespace
        Of the command line: ``file`` and how it is to be read.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
    notes : list of str

    Raises
    ------
    ValueError
        If it is no table with one line of names, or has less than two columns.
    """
    path = Path(options.file)
    pandas = import_pandas()
    endings = [e for e in path.suffixes if e.lower() not in COMPRESSED]
    suffix = endings[-1].lower() if endings else ""
    if suffix in BINARY:
        frame = getattr(pandas, BINARY[suffix])(path)
    elif suffix in SEPARATORS:
        frame = _read_text(pandas, path, options, SEPARATORS[suffix])
    else:
        known = ", ".join([*SEPARATORS, *BINARY])
        raise ValueError(
            f"{options.file} has the suffix {suffix!r}, and what can be read is {known}, text also "
            "compressed. Save it as one of them: a spreadsheet as CSV."
        )
    frame.columns = [str(name).strip() for name in frame.columns]
    _refuse_equal_names(list(frame.columns), path)
    if not len(frame):
        raise ValueError(f"{path.name} has names of columns and no rows.")
    notes = []
    if any(_is_fraction(name) for name in frame.columns):
        begin = ", ".join(frame.columns[:3])
        notes.append(f"The first line, {begin}, ..., is taken for the names of the columns.")
    if _numbers_rows(frame.iloc[:, 0]):
        frame = frame.iloc[:, 1:]
        notes.append("The first column has no name, numbers the rows and is left out.")
    if frame.shape[1] < 2:
        raise ValueError(
            f"{path.name} has one column, {frame.columns[0]!r}, and nothing that it could tell of. "
            "If its values are not separated by what the suffix says, give --sep."
        )
    return frame, notes


def _read_text(pandas: Any, path: Path, options: Namespace, usual: str) -> pd.DataFrame:
    how = {
        "sep": options.sep or usual,
        "encoding": options.encoding,
        "skipinitialspace": True,
        "index_col": False,
    }
    try:
        names = pandas.read_csv(
            path, header=None, nrows=1, dtype=str, keep_default_na=False, **how
        ).iloc[0]
        _check_names([str(name) for name in names], path, options, usual)
        with warnings.catch_warnings():
            # More values in a row than names, which pandas would leave out.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            return pandas.read_csv(
                path, decimal=options.decimal, na_values=options.na_values, low_memory=False, **how
            )
    except pandas.errors.EmptyDataError as error:
        raise ValueError(f"{path.name} is empty.") from error
    except UnicodeError as error:
        raise ValueError(
            f"{path.name} is not in {options.encoding.removesuffix('-sig')}: give --encoding, "
            "latin-1 or utf-16 say."
        ) from error
    except (pandas.errors.ParserError, pandas.errors.ParserWarning, *BROKEN) as error:
        raise ValueError(f"{path.name} is no table: {error}") from error


def _check_names(names: list[str], path: Path, options: Namespace, usual: str) -> None:
    """The line of names must hold names, separated by what is taken to separate them."""
    line = "".join(names) + usual * (len(names) - 1)
    other = max(NAMES, key=line.count)
    if options.sep is None and line.count(other) > line.count(usual):
        text = f"--sep {other!r}"
        raise ValueError(
            f"{path.name} is separated by {NAMES[other]}, not by {NAMES[usual]}: give {text}, and "
            "--decimal , if its numbers have decimal commas."
        )
    _refuse_equal_names([name.strip() for name in names if name.strip()], path)


def _is_fraction(name: str) -> bool:
    """Whether a name is a number that is not whole: a file without names begins like that."""
    try:
        return float(name) % 1 > 0
    except ValueError:
        return False


def _refuse_equal_names(names: list[str], path: Path) -> None:
    equal = sorted({name for name in names if names.count(name) > 1})
    if equal:
        raise ValueError(
            f"{path.name} has several columns of one name: {', '.join(map(repr, equal[:5]))}. "
            "Names of columns have to be unique: rename them. Or it has no line of names."
        )


def _numbers_rows(first: pd.Series) -> bool:
    """Whether a first column is the one without a name that data frames write before all others."""
    unnamed = str(first.name).startswith("Unnamed: ") and first.dtype.kind == "i"
    return unnamed and bool((first.diff().iloc[1:] == 1).all())
