"""Where a display draws, and in which units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PER_NAT = {"nats": 1.0, "bits": 1 / math.log(2)}


def in_units(units: str) -> float:
    """How many of the units are in a nat."""
    if units not in PER_NAT:
        raise ValueError(
            f"The 'units' parameter must be a str among {sorted(PER_NAT)}. Got {units!r} instead."
        )
    return PER_NAT[units]


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """`ax`, or that of a new figure of so many inches."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax
