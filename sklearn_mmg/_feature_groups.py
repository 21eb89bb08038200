"""Groups of columns that belong together, by name."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

Features = int | str | Sequence[int] | Sequence[str] | np.ndarray


def listed(features: Features) -> Iterable[Any]:
    """A list of columns, of one of them as well."""
    return [features] if isinstance(features, str | int | np.integer) else features


def column_index(feature: int | str, n_columns: int, names: Sequence[str] | None) -> int:
    """Index of a column that is given by index or, if there are any, by name."""
    if isinstance(feature, str):
        if names is None:
            raise ValueError(f"X has no column names, so that there is no {feature!r}.")
        if feature not in names:
            raise ValueError(f"{feature!r} is neither a column of X nor a group of columns.")
        return names.index(feature)
    if not isinstance(feature, Integral) or not -n_columns <= feature < n_columns:
        raise ValueError(
            f"Features are indices below {n_columns}, names of columns or of groups. "
            f"Got {feature!r}."
        )
    return int(feature) % n_columns


def columns_by_group(
    feature_groups: Mapping[str, Features] | None, n_columns: int, names: Sequence[str] | None
) -> dict[str | int, np.ndarray]:
    """Columns of every group, in the order of their first columns.

    Parameters
    ----------
    feature_groups : dict of str to columns, or None
        A column in none of them is a group of its own.
    n_columns : int
    names : sequence of str or None
        Of all columns.

    Returns
    -------
    groups : dict of str or int to ndarray of int
    """
    groups: dict[str | int, np.ndarray] = {}
    taken = np.zeros(n_columns, dtype=bool)
    for name, features in (feature_groups or {}).items():
        columns = np.unique([column_index(f, n_columns, names) for f in listed(features)])
        if len(columns) == 0 or taken[columns].any():
            raise ValueError(
                f"Group {name!r} of feature_groups "
                + ("has no columns." if len(columns) == 0 else "shares columns with another.")
            )
        taken[columns] = True
        groups[name] = columns
    labels = range(n_columns) if names is None else names
    groups |= {labels[j]: np.array([j]) for j in np.flatnonzero(~taken).tolist()}
    return dict(sorted(groups.items(), key=lambda item: item[1][0]))
