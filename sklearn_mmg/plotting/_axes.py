"""Where a display draws, and in which colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 10  # that are told apart by colour, or have places of their own
JITTER = 0.25  # of samples of one level of a discrete column
# Two colours that are told apart whatever the kind of colour vision (Okabe and Ito, 2008).
BLUE, VERMILION = "#0072B2", "#D55E00"


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """`ax`, or that of a new figure of so many inches."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def places_of(values: np.ndarray, ax: Axes) -> np.ndarray:
    """Where samples of a column are drawn: at their values, or beside those of their level."""
    levels, codes = np.unique(values, return_inverse=True)
    if len(levels) > MOST_CLASSES and np.asarray(values).dtype.kind not in "OUS":
        return np.asarray(values, dtype=float)
    ax.set_xticks(range(len(levels)), [str(level) for level in levels])
    # The same picture every time.
    jitter = np.random.default_rng(0).uniform(-JITTER, JITTER, size=len(codes))
    return codes + jitter
