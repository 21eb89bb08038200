"""Figures of benchmark results.

They are made without pyplot: no global state, and no display is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sklearn_mmg.benchmark._results import Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

# Okabe and Ito's colours, which stay apart under the common forms of colour blindness.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "D", "^", "v", "P", "X", "<"]  # one more: 56 pairs before one repeats
COLOR_LIMIT = 0.3  # where the colours of errors saturate, in nats
LINEAR_LIMIT = 0.1  # errors beyond it are on a logarithmic axis, in nats
FIRST_LABEL = 0.3  # beyond the linear part
FINE_LIMIT = 2.0  # up to which labels have room between powers of ten, in nats


def draw_errors(cells: Frame) -> Figure:
    """Heat maps of mean errors, tasks times methods, a panel per sample size.

    Parameters
    ----------
    cells : DataFrame
        A row per size, method and task, with the columns of ``details.csv``.

    Returns
    -------
    figure : matplotlib Figure
    """
    tasks = _labels(cells)
    by_size = cells.groupby("n_samples")
    widths = by_size["method"].nunique().clip(lower=1.7).tolist()  # of columns; titles need 1.7
    names = 0.07 * cells["method"].str.len().max()
    figure = _figure(4.8 + 0.55 * sum(widths), 1.0 + names + 0.24 * max(len(tasks), 3))
    panels = figure.subplots(1, len(by_size), sharey=True, squeeze=False, width_ratios=widths)
    for panel, (n_samples, group) in zip(panels[0], by_size, strict=True):
        image = _draw_heat_map(panel, group, list(tasks))
        panel.set_title(f"{n_samples:,} samples", fontsize=9)
    panels[0, 0].set_yticks(range(len(tasks)), tasks.values(), fontsize=8)
    bar = figure.colorbar(image, ax=panels, extend="both", fraction=0.05, pad=0.02, aspect=25)
    bar.set_label("mean error (nats)", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def draw_estimates(runs: Frame, cells: Frame) -> Figure:
    """Errors of all runs, their means and mean intervals, tasks as rows, a panel per sample size.

    The axis is that of the error, so that tasks of 0.2 and of 15 nats can be read alike. An
    infinite estimate has no place on it and is in the heat map alone, and so are failures.

    Parameters
    ----------
    runs : DataFrame
        A row per run, with the columns of ``results.csv``.
    cells : DataFrame
        A row per size, method and task, with the columns of ``details.csv``.

    Returns
    -------
    figure : matplotlib Figure
    """
    tasks = _labels(cells)
    methods = sorted(cells.loc[np.isfinite(cells["signed_error"]), "method"].unique())
    by_size = cells.groupby("n_samples")
    row_height = 0.14 + 0.08 * len(methods)
    figure = _figure(4.2 + 3.2 * len(by_size), 1.8 + row_height * len(tasks))
    panels = figure.subplots(1, len(by_size), sharex=True, sharey=True, squeeze=False)[0]
    for panel, (n_samples, group) in zip(panels, by_size, strict=True):
        _draw_rows(panel, len(tasks))
        panel.set_title(f"{n_samples:,} samples", fontsize=9)
        _draw_methods(panel, runs[runs["n_samples"] == n_samples], group, list(tasks), methods)
    panels[0].set_yticks(range(len(tasks)), tasks.values(), fontsize=8)
    _label_errors(panels[0])
    figure.supxlabel(
        f"estimate minus truth (nats), logarithmic beyond ±{LINEAR_LIMIT}\n"
        "marker: mean over seeds; tick: one seed; line: mean 95 % interval",
        fontsize=8,
    )
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8
    )
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _labels(cells: Frame) -> dict[str, str]:
    """``{task: its name and truth}``, weak dependence first."""
    truths = cells.groupby("task")["truth"].first().sort_values(kind="stable")
    return {task: f"{task}  {truth:.2f}" for task, truth in truths.items()}


def _draw_heat_map(panel: Axes, cells: Frame, tasks: Sequence[str]) -> AxesImage:
    table = cells.pivot(index="task", columns="method", values=["signed_error", "n_runs"])
    table = table.reindex(tasks).astype(float)
    errors, n_runs = table["signed_error"], table["n_runs"].to_numpy()
    image = panel.imshow(
        errors.clip(-COLOR_LIMIT, COLOR_LIMIT),
        cmap="RdBu_r",
        vmin=-COLOR_LIMIT,
        vmax=COLOR_LIMIT,
        aspect="auto",
    )
    panel.set_facecolor("0.9")
    for (row, column), error in np.ndenumerate(errors.to_numpy()):
        text = _cell_text(error, n_runs[row, column])
        color = "white" if abs(error) > 0.65 * COLOR_LIMIT else "black"
        panel.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
    panel.set_xticks(range(errors.shape[1]), errors.columns, fontsize=8, rotation=90)
    panel.tick_params(length=0, labeltop=True, labelbottom=False)
    return image


def _cell_text(error: float, n_runs: float) -> str:
    """Empty where no run was tried, which makes `n_runs` NaN."""
    if n_runs > 0:
        return f"{error:+z.2f}"
    return "failed" if n_runs == 0 else ""


def _draw_rows(panel: Axes, n_rows: int) -> None:
    """Axes, stripes to follow a row by, and the truth in the band of small errors."""
    panel.set_xscale("symlog", linthresh=LINEAR_LIMIT, subs=range(2, 10))
    panel.xaxis.set_major_formatter("{x:g}")
    panel.tick_params(labelsize=8, left=False)
    panel.set_ylim(n_rows - 0.5, -0.5)
    for row in range(0, n_rows, 2):
        panel.axhspan(row - 0.5, row + 0.5, color="0.95", zorder=0)
    panel.axvspan(-LINEAR_LIMIT, LINEAR_LIMIT, color="0.5", alpha=0.15, zorder=0.5)
    panel.axvline(0, color="black", linewidth=0.8, zorder=1)


def _label_errors(panel: Axes) -> None:
    """Labels beyond the linear part; between powers of ten as well where they have room."""
    from matplotlib.ticker import SymmetricalLogLocator

    low, high = panel.get_xlim()
    if low < -LINEAR_LIMIT:
        panel.set_xlim(left=min(low, -FIRST_LABEL))
    if high > LINEAR_LIMIT:
        panel.set_xlim(right=max(high, FIRST_LABEL))
    if max(-low, high) < FINE_LIMIT:
        subs = [1.0, FIRST_LABEL / LINEAR_LIMIT]
        panel.xaxis.set_major_locator(
            SymmetricalLogLocator(base=10, linthresh=LINEAR_LIMIT, subs=subs)
        )


def _draw_methods(
    panel: Axes,
    runs: Frame,
    cells: Frame,
    tasks: Sequence[str],
    methods: Sequence[str],
) -> None:
    for i, method in enumerate(methods):
        color, marker = COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]
        shift = 0.8 * ((i + 0.5) / len(methods) - 0.5)
        own, means = runs[runs["method"] == method], cells[cells["method"] == method]
        own_rows, rows = (_rows(table, tasks, shift) for table in (own, means))
        low, high = (means[end] - means["truth"] for end in ("interval_low", "interval_high"))
        panel.plot(own["signed_error"], own_rows, "|", color=color, markersize=4, alpha=0.5)
        panel.hlines(rows, low, high, color=color, linewidth=1)
        panel.plot(means["signed_error"], rows, marker, color=color, markersize=3.5, label=method)


def _rows(table: Frame, tasks: Sequence[str], shift: float) -> list[float]:
    return [tasks.index(task) + shift for task in table["task"]]
