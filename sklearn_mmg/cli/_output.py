"""What is printed: a table with bars, JSON or CSV."""

import csv
import json
import math
import shutil
import sys
import unicodedata
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sklearn_mmg
from sklearn_mmg.cli._commands import Result

MOST_ROWS = 40  # of a table that is read by eye
WIDEST_NAME, LONGEST_BAR = 30, 24
EIGHTHS = " ▏▎▍▌▋▊▉"
NAMED = "column", "refit", "x", "y"  # fields that hold names


def show(result: Result, options: Namespace) -> None:
    """Print a result as the options say; what a table of values leaves out goes to stderr.

    Parameters
    ----------
    result : Result
    options : Namespace
        Of the command line.
    """
    getattr(sys.stdout, "reconfigure", lambda **_: None)(errors="replace")
    if options.json:
        print(json.dumps(as_json(result, options), indent=2, ensure_ascii=False, allow_nan=False))
    elif options.csv:
        print_csv(result.rows)
    else:
        print(as_text(result, options))
        return
    if not options.quiet:
        for remark in result.data.notes + result.distrust:
            print(printable(remark), file=sys.stderr)


def as_json(result: Result, options: Namespace) -> dict[str, Any]:
    """All of a result; numbers that JSON has not, which are infinite, are strings."""
    return finite(
        {
            "command": options.command,
            "version": sklearn_mmg.__version__,
            "file": options.file,
            "n_rows": result.data.n_rows,
            "n_samples": len(result.data.frame),
            "seed": options.seed,
            "units": result.units,
            **result.summary,
            "results": result.rows,
            "notes": result.data.notes,
            "distrust": result.distrust,
        }
    )


def finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def print_csv(rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows[0])
        joined = ([";".join(v) if isinstance(v, list) else v for v in row.values()] for row in rows)
        writer.writerows(joined)


def as_text(result: Result, options: Namespace) -> str:
    n = len(result.data.frame)
    lines = [f"{Path(options.file).name}: {n} rows", *result.data.notes, ""]
    if options.command == "mi":
        (row,) = result.rows
        lines += [
            printable(f"{result.title}:"),
            f"{number(row['mutual_info'])} {result.units}, 95 % interval {interval(row)}, "
            f"standard error {number(row['standard_error'])}",
        ]
    else:
        lines += [printable(f"{result.title}, in {result.units}"), "", *table(result.rows)]
    lines += ["", *map(printable, result.sentences)] if result.sentences else []
    if result.distrust:
        lines += ["", "What to distrust:", *(f"- {printable(text)}" for text in result.distrust)]
    if options.command == "scores" and options.report:
        lines += ["", f"Report: {options.report}"]
    return "\n".join(lines)


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Lines of a table with bars of mutual information."""
    shown = rows[:MOST_ROWS]
    if not shown:
        return []
    cells = [readable(row) for row in shown]
    widths = {name: max(width(name), *(width(row[name]) for row in cells)) for name in cells[0]}
    free = shutil.get_terminal_size((100, 24)).columns - sum(w + 2 for w in widths.values())
    values = [row["mutual_info"] for row in shown]
    drawn = bars(values, max(0, min(free, LONGEST_BAR)))
    lines = [aligned({name: name for name in widths}, widths)]
    lines += [
        f"{aligned(row, widths)}  {bar}".rstrip() for row, bar in zip(cells, drawn, strict=True)
    ]
    if len(rows) > MOST_ROWS:
        lines.append(f"and {len(rows) - MOST_ROWS} more: --csv and --json have all")
    return lines


def readable(row: dict[str, Any]) -> dict[str, str]:
    """What is shown of a row; its interval stands for its standard error."""
    cells = {}
    for name, value in row.items():
        if name in NAMED:
            cells[name] = shortened(printable(value))
        elif name == "interval_low":
            cells["95 % interval"] = interval(row)
        elif name == "p_value":
            cells["p"] = f"{value:.2g}"
        elif name == "n_samples":
            cells["samples"] = str(value)
        elif name not in ("standard_error", "interval_high"):
            cells[name.replace("_", " ")] = number(value)
    return cells


def number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:z.3f}"


def interval(row: dict[str, Any]) -> str:
    return f"{number(row['interval_low'])} to {number(row['interval_high'])}"


def aligned(cells: dict[str, str], widths: dict[str, int]) -> str:
    """Names to the left, numbers to the right."""
    padded = []
    for name, text in cells.items():
        space = " " * (widths[name] - width(text))
        padded.append(text + space if name in NAMED else space + text)
    return "  ".join(padded)


def width(text: str) -> int:
    """Places that a text takes in a terminal, where ideographs are as wide as two letters."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def printable(text: str) -> str:
    """A text without line ends and codes that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str) -> str:
    return text if len(text) <= WIDEST_NAME else f"{text[: WIDEST_NAME - 1]}…"


def bars(values: Sequence[float], longest: int) -> list[str]:
    """A bar for each value, as long as the greatest finite one allows."""
    greatest = max((v for v in values if math.isfinite(v)), default=0.0)
    return [_bar(min(v / greatest, 1.0) if greatest > 0 else 0.0, longest) for v in values]


def _bar(share: float, longest: int) -> str:
    whole, eighths = divmod(round(8 * longest * max(share, 0.0)), 8)
    try:
        EIGHTHS.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "#" * whole
    return ("█" * whole + EIGHTHS[eighths]).rstrip()
