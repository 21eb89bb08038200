"""Blocks of columns of any type as numbers, and which of their columns are discrete.

Booleans, strings and categories are discrete without being asked, and numbers are if they are
declared to be. A block is read in two steps, because what an estimator checks in between (names
and numbers of columns) needs a table that is known to be one::

    table = read_table(X, "X")
    reader = ColumnReader("X").fit(table, discrete="auto")
    values, mask = reader.transform(table), reader.discrete_
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from sklearn_mmg._warnings import warn

# What the names of data types begin with, in lower case and in any library of data frames.
DISCRETE_TYPES = ("bool", "cat", "enum", "str", "unicode")
TIME_TYPES = ("date", "time", "duration", "interval", "period")
# With fewer samples many levels are no surprise.
MIN_SAMPLES_FOR_MANY_LEVELS = 20
# Powers of two between which squares, and their sums, neither overflow nor vanish.
MODERATE_EXPONENT = 300


def levels_and_codes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of a numeric column, and the place of every sample among them.

    As :func:`numpy.unique` with ``return_inverse``, without sorting where the values are integers
    of a small range.
    """
    low, high = values.min(), values.max()
    if high < low + 4 * len(values):  # the difference could overflow
        offsets = (values - low).astype(int)
        if (offsets + low == values).all():
            present = np.bincount(offsets) > 0
            return low + np.flatnonzero(present), (np.cumsum(present) - 1)[offsets]
    return np.unique(values, return_inverse=True)


class Table(NamedTuple):
    """A block whose entries are finite numbers, or strings and booleans in an object array."""

    values: np.ndarray  # (n_samples, n_columns)
    discrete: np.ndarray  # of bool: the columns whose type says so
    names: list[str] | None  # of the columns

    def label(self, j: int) -> str:
        """How messages call a column."""
        return str(j) if self.names is None else repr(self.names[j])


def read_table(
    data: ArrayLike, side: str, *, estimator: object = None, min_samples: int = 1
) -> Table:
    """Check a block, without a change of its values.

    Parameters
    ----------
    data : array-like or data frame of shape (n_samples, n_columns), or (n_samples,) for "y"
    side : {"X", "y"}
        What messages call it.
    estimator : str or estimator instance, default=None
        Name for messages.
    min_samples : int, default=1

    Returns
    -------
    table : Table

    Raises
    ------
    TypeError
        For an array of another library that NumPy cannot read, such as one on a GPU.
    ValueError
        For what is no table of finite numbers and names.
    """
    if isinstance(data, list | tuple):
        data = _objects_if_strings(data)
    data = as_numpy(data, side)
    columns = getattr(data, "columns", None)
    names = None if columns is None else [str(c) for c in columns]
    types = _type_names(data)
    _refuse_times(types, names, side)
    numbers = not any(t.startswith((*DISCRETE_TYPES, "obj")) for t in types)
    # Of a data frame of several types scikit-learn finds a common one, which may not exist.
    dtype = np.float64 if numbers else object if len(set(types)) > 1 else None
    values = check_array(
        data,
        dtype=dtype,  # pyright: ignore[reportArgumentType]  # no str
        ensure_all_finite=False,  # below, with the place
        ensure_2d=side == "X",
        ensure_min_samples=min_samples,
        input_name=side,
        estimator=estimator,
    )
    values = values.reshape(-1, 1) if values.ndim == 1 else values
    _refuse_missing(values, lambda j: j if names is None else repr(names[j]), side)
    if names is None:
        types = types[:1] * values.shape[1]
    values = values.astype(object if values.dtype.kind in "OUS" else np.float64, copy=False)
    discrete = [
        t.startswith(DISCRETE_TYPES) or (t.startswith("obj") and _holds_names(values[:, j]))
        for j, t in enumerate(types)
    ]
    return Table(values, np.array(discrete), names)


def as_numpy(data: ArrayLike, side: str) -> ArrayLike:
    """An array of another library as one of NumPy; anything else as it is.

    With ``array_api_dispatch`` scikit-learn would hand it on, to code that is NumPy's.
    """
    if isinstance(data, np.ndarray) or not hasattr(data, "__dlpack__"):
        return data
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:
        library = type(data).__module__.partition(".")[0]
        raise TypeError(
            f"{side} is an array of {library} that NumPy cannot read: {error} Convert it first, "
            f"for torch with {side}.detach().cpu().double().numpy()."
        ) from error


def _refuse_missing(values: np.ndarray, label: Callable[[int], object], side: str) -> None:
    """What is no finite number and no name, in the words of scikit-learn, but with the place."""
    if values.dtype.kind == "O":
        missing = np.asarray(_is_missing(values), dtype=bool)
        finite = ~missing
    elif values.dtype.kind in "US":
        return
    else:
        finite, missing = np.isfinite(values), np.isnan(values)
    if finite.all():
        return
    what = "NaN" if missing.any() else "infinity or a value too large for dtype('float64')"
    row, j = np.argwhere(missing if missing.any() else ~finite)[0]
    raise ValueError(
        f"Input {side} contains {what}, first in row {row} of column {label(j)}. Fill it, with "
        "sklearn.impute.SimpleImputer say, or leave such rows out."
    )


def _stands_for_nothing(value: object) -> bool:
    """Whether an object is None, NaN, or the NA of a data frame."""
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ == "NAType"


_is_missing = np.frompyfunc(_stands_for_nothing, 1, 1)


def _objects_if_strings(data: ArrayLike) -> ArrayLike:
    """A list as an array of objects if it holds strings: they would swallow the numbers beside."""
    try:
        return np.asarray(data, dtype=object) if np.asarray(data).dtype.kind in "US" else data
    except ValueError:  # ragged: what check_array says is clearer
        return data


def _type_names(data: ArrayLike) -> list[str]:
    """Names of the data types, one per column of a data frame and otherwise one for all."""
    types: list[object]
    of_columns, of_all = getattr(data, "dtypes", None), getattr(data, "dtype", None)
    if hasattr(data, "columns") and of_columns is not None:
        types = list(of_columns)
    elif of_all is not None:
        types = [of_all]
    else:
        try:
            types = [np.asarray(data).dtype]
        except ValueError:
            types = ["object"]
    kinds = {"U": "str", "S": "str"}
    return [kinds.get(getattr(t, "kind", ""), str(t).lower().removeprefix("torch.")) for t in types]


def _refuse_times(types: Sequence[str], names: Sequence[str] | None, side: str) -> None:
    for j, name in enumerate(types):
        if name.startswith(TIME_TYPES):
            place = side if names is None else f"column {names[j]!r} of {side}"
            raise ValueError(
                f"Times are no numbers, but {place} has the type {name}. Convert it: to days since "
                "a date, say, or to the hour of the day."
            )


def _holds_names(column: np.ndarray) -> bool:
    """Whether all objects of a column are strings, or all booleans."""
    return any(
        all(isinstance(v, kinds) for v in column) for kinds in (str | bytes, bool | np.bool_)
    )


def discrete_mask(discrete: str | bool | ArrayLike, table: Table, side: str) -> np.ndarray:
    """Which columns a parameter declares to be discrete.

    Parameters
    ----------
    discrete : {"auto", "from_dtype"}, bool or array-like
        ``"auto"`` and ``"from_dtype"`` go by the types of the columns. Otherwise a bool for all
        columns, a mask, indices, or names of the columns of a data frame.
    table : Table
    side : {"X", "y"}

    Returns
    -------
    mask : ndarray of bool of shape (n_columns,)
    """
    parameter = "discrete_features" if side == "X" else "discrete_target"
    n_columns = table.values.shape[1]
    if isinstance(discrete, str):
        if discrete not in ("auto", "from_dtype"):
            raise ValueError(
                f"Invalid string value for {parameter}: {discrete!r}. Use 'auto', a bool, or an "
                "array of columns."
            )
        return table.discrete.copy()
    if isinstance(discrete, bool | np.bool_):
        return np.full(n_columns, bool(discrete))
    return column_mask(discrete, n_columns, table.names, parameter, side)


def column_mask(
    columns: ArrayLike, n_columns: int, names: Sequence[str] | None, parameter: str, side: str
) -> np.ndarray:
    """Which columns a parameter lists.

    Parameters
    ----------
    columns : array-like
        A mask, indices, or names of the columns of a data frame.
    n_columns : int
    names : list of str or None
        Of all columns.
    parameter : str
        What messages call the list.
    side : {"X", "y"}

    Returns
    -------
    mask : ndarray of bool of shape (n_columns,)
    """
    listed = check_array(
        columns,
        ensure_2d=False,
        dtype=None,  # pyright: ignore[reportArgumentType]  # inferred from a default
        ensure_min_samples=0,
    )
    if listed.dtype == bool:
        if listed.shape != (n_columns,):
            raise ValueError(f"{parameter} has shape {listed.shape}, expected ({n_columns},).")
        return listed
    if listed.dtype.kind in "USO":
        return _mask_of_names(listed.tolist(), names, parameter, side)
    mask = np.zeros(n_columns, dtype=bool)
    try:
        mask[listed.astype(int, casting="safe") if len(listed) else []] = True
    except (IndexError, TypeError) as error:
        raise ValueError(
            f"{parameter} must be indices of the {n_columns} columns of {side}. "
            f"Got {listed.tolist()} instead."
        ) from error
    return mask


def _mask_of_names(
    columns: list[str], names: Sequence[str] | None, parameter: str, side: str
) -> np.ndarray:
    if names is None:
        raise ValueError(
            f"{parameter} holds names, {columns}, but {side} is no data frame: its columns have "
            "indices only."
        )
    missing = [c for c in columns if c not in names]
    if missing:
        raise ValueError(f"{parameter} names columns that {side} does not have: {missing}.")
    return np.isin(names, columns)


class ColumnReader:
    """Turns the columns of a block into numbers, discrete ones into codes from 0.

    Parameters
    ----------
    side : {"X", "y"}
        What messages call the block.
    remedy : str, default=""
        What messages propose for strings that are not discrete, beside an encoder.

    Attributes
    ----------
    discrete_ : ndarray of bool of shape (n_columns,)
    names_ : list of str or None
    exponents_ : ndarray of int of shape (n_columns,)
        Powers of two that columns of extreme numbers are divided by.
    categories_ : dict of int to ndarray
        Of the discrete columns, in the order of their codes.
    """

    def __init__(self, side: str, remedy: str = "") -> None:
        self.side = side
        self.remedy = remedy

    def fit(self, table: Table, discrete: str | bool | ArrayLike = "auto") -> Self:
        """Learn the categories of the columns that are discrete.

        Parameters
        ----------
        table : Table
        discrete : {"auto", "from_dtype"}, bool or array-like, default="auto"
            As in :func:`discrete_mask`.

        Returns
        -------
        self : ColumnReader
        """
        self.discrete_ = discrete_mask(discrete, table, self.side)
        self.names_ = table.names
        self.categories_: dict[int, np.ndarray] = {}
        for j in np.flatnonzero(self.discrete_).tolist():
            column = self._uniform(table, j)
            self._refuse_fractions(table, j, column)
            numbers = column.dtype.kind == "f"
            levels = levels_and_codes(column[:, 0])[0] if numbers else np.unique(column)
            self.categories_[j] = levels
            self._warn_of_many_levels(table, j)
        self.exponents_ = np.zeros(table.values.shape[1], dtype=int)
        if not self.discrete_.all():
            largest = np.frexp(np.abs(self.transform(table)).max(axis=0))[1]
            extreme = (np.abs(largest) > MODERATE_EXPONENT) & ~self.discrete_
            self.exponents_[extreme] = largest[extreme]
        return self

    def label(self, j: int) -> str:
        """How messages call a column."""
        name = j if self.names_ is None else repr(self.names_[j])
        return f"column {name} of {self.side}"

    def transform(self, table: Table, allow_unknown: bool = False) -> np.ndarray:
        """Numbers of shape (n_samples, n_columns).

        Columns of extremely large or small numbers come out in other units, exactly. Unknown
        categories are an error, or with `allow_unknown` get codes behind the known ones.
        """
        if not self.categories_ and table.values.dtype.kind == "f":
            return self._moderate(table.values)
        numbers = np.empty(table.values.shape)
        for j in range(table.values.shape[1]):
            numbers[:, j] = (
                self._codes(table, j, allow_unknown)
                if j in self.categories_
                else self._floats(table, j)
            )
        return self._moderate(numbers)

    def _moderate(self, numbers: np.ndarray) -> np.ndarray:
        return np.ldexp(numbers, -self.exponents_) if self.exponents_.any() else numbers

    def _codes(self, table: Table, j: int, allow_unknown: bool) -> np.ndarray | list[int]:
        column, known = self._uniform(table, j), self.categories_[j]
        if known.dtype != column.dtype:  # numbers in place of strings, or the reverse
            column, known = column.astype(str).astype(object), known.astype(str).astype(object)
        if known.dtype.kind == "f":  # numbers are found faster than names
            levels, codes = levels_and_codes(column[:, 0])
            place = np.searchsorted(known, levels).clip(max=len(known) - 1)
            if (known[place] == levels).all():
                return place[codes]
        unknown = sorted(set(column[:, 0].tolist()) - set(known.tolist()))
        if unknown and not allow_unknown:
            raise ValueError(
                f"Found unknown categories {unknown[:5]} in column {table.label(j)} of "
                f"{self.side}, which were not seen in fit. Known are {known[:10].tolist()}"
                f"{', ...' if len(known) > 10 else ''}."
            )
        codes = {level: code for code, level in enumerate([*known.tolist(), *unknown])}
        return [codes[level] for level in column[:, 0].tolist()]

    def _floats(self, table: Table, j: int) -> np.ndarray:
        try:
            numbers = table.values[:, j].astype(np.float64)
        except (ValueError, TypeError) as error:
            raise type(error)(
                f"{error}, in column {table.label(j)} of {self.side}. Encode it, with "
                f"sklearn.preprocessing.OrdinalEncoder say{self.remedy}."
            ) from error
        _refuse_missing(numbers[:, None], lambda _: table.label(j), self.side)
        return numbers

    def _uniform(self, table: Table, j: int) -> np.ndarray:
        """A discrete column, of one type, for an encoder."""
        column = table.values[:, [j]]
        if column.dtype.kind == "f":
            return column
        if any(v is None for v in column[:, 0]):
            raise ValueError(
                f"Input {self.side} contains NaN: None in column {table.label(j)}. Fill it, with "
                "sklearn.impute.SimpleImputer say."
            )
        strings = {isinstance(v, str | bytes) for v in column[:, 0]}
        if len(strings) > 1:
            raise ValueError(
                f"Column {table.label(j)} of {self.side} mixes strings and numbers. Make it one or "
                "the other."
            )
        return column.astype(str).astype(object) if strings == {True} else column.astype(float)

    def _refuse_fractions(self, table: Table, j: int, column: np.ndarray) -> None:
        """A target that is declared to be discrete must not look like a continuous one."""
        if self.side != "y" or table.discrete[j] or column.dtype.kind != "f":
            return
        fractions = column[column != np.round(column)]
        if len(fractions):
            raise ValueError(
                f"Unknown label type: continuous. Column {table.label(j)} of y is declared "
                f"discrete and holds {fractions[0]}; leave out discrete_target, or bin it."
            )

    def _warn_of_many_levels(self, table: Table, j: int) -> None:
        n, n_levels = len(table.values), len(self.categories_[j])
        if n >= MIN_SAMPLES_FOR_MANY_LEVELS and n_levels > n / 2:
            parameter = "discrete_features" if self.side == "X" else "discrete_target"
            warn(
                f"Column {table.label(j)} of {self.side} is discrete and has {n_levels} distinct "
                f"values in {n} samples: nothing can be learned of values that hardly repeat. If "
                f"it is a number, leave it out of {parameter}; if a name, out of the data."
            )


def require_one_column(target: np.ndarray, hint: str = "") -> None:
    """Raise an error for a target of several columns, in the words of scikit-learn."""
    if target.shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {target.shape} instead.{hint}"
        )


def read_block(
    data: ArrayLike, discrete: str | bool | ArrayLike, side: str
) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    """Read a block in one step.

    Parameters
    ----------
    data : array-like or data frame of shape (n_samples, n_columns), or (n_samples,) for "y"
    discrete : {"auto", "from_dtype"}, bool or array-like
        As in :func:`discrete_mask`.
    side : {"X", "y"}

    Returns
    -------
    values : ndarray of float of shape (n_samples, n_columns)
        Codes from 0 in discrete columns.
    mask : ndarray of bool of shape (n_columns,)
        Which columns are discrete.
    names : list of str or None
        Of the columns of a data frame.
    """
    table = read_table(data, side)
    reader = ColumnReader(side).fit(table, discrete)
    return reader.transform(table), reader.discrete_, reader.names_
