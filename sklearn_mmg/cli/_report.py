"""A page of HTML that needs no other file and no network."""

from __future__ import annotations

import base64
import io
import math
import warnings
from argparse import Namespace
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sklearn_mmg
from sklearn_mmg.cli._commands import Result, Together
from sklearn_mmg.cli._output import interval, number, printable, shortened
from sklearn_mmg.plotting import MMSECurveDisplay, MutualInfoMatrixDisplay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Nothing is loaded, whatever a name of a column might try.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --back: #ffffff;
  --panel: #f3f5f7; --line: #d5dae0; --bar: #3b76b5; --warn: #9a5b00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --soft: #a0a9b3; --back: #14171a;
  --panel: #1f2429; --line: #363d45; --bar: #6ea6e0; --warn: #f0b050; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 4rem; max-width: 56rem; color: var(--text);
  background: var(--back); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.soft, figcaption, footer { color: var(--soft); font-size: .9rem; }
.panel { background: var(--panel); border-radius: .5rem; padding: .8rem 1rem; }
.panel strong { font-size: 1.6rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .85rem; }
td, th { padding: .35rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { width: 50%; }
td.number, th.number { text-align: right; overflow-wrap: normal; }
.track { position: relative; height: .75rem; margin-top: .3rem; }
.track i, .track b { position: absolute; display: block; }
.track i { height: 100%; background: var(--bar); opacity: .75; border-radius: 2px; }
.track b { top: calc(50% - 1px); height: 2px; background: var(--text); }
figure { margin: 0; overflow-x: auto; } figure img { max-width: 100%; height: auto; }
figure.wide img { max-width: none; }
li { margin: .4rem 0; } .distrust li::marker { color: var(--warn); }
code { background: var(--panel); padding: .1rem .3rem; border-radius: .25rem; }
@media (max-width: 34rem) { body { padding: .8rem .8rem 3rem; } td, th { padding: .35rem .25rem; }
  table { font-size: .9rem; } }
"""
ALWAYS = (
    "Rows are taken to be independent of each other. Those of a time series, or several of one "
    "person, tell less than their number: intervals are then too short.",
    "Mutual information says nothing of cause and effect. A column that was made from the target, "
    "or that is known only after it, tells much and is of no use.",
    "A dependence that no sample of this size shows is missed. <code>sklearn-mmg check</code> "
    "refits with fewer samples, more steps and the other side denoised, and says whether the "
    "estimate stays.",
)
BRIGHT = "#58a6ff", "#ff9e44", "#56d364", "#ff6b61", "#c297ff"
WIDE = 10.0  # inches, of a picture that is not shrunk to the page


def write_report(result: Result, options: Namespace) -> None:
    """Write what scores, pairs and all columns together say to one file.

    Parameters
    ----------
    result : Result
        Of ``scores``, with what all columns tell ``together``.
    options : Namespace
        Of the command line.
    """
    Path(options.report).write_text(page(result, options), encoding="utf-8")


def page(result: Result, options: Namespace) -> str:
    together = result.together
    assert together is not None
    title = text(f"What the columns of {Path(options.file).name} tell of {options.target}")
    distrust = [text(remark) for remark in [*result.distrust, *result.data.notes]]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{title}</h1>
<p class="soft">{len(result.data.frame)} rows, {together.n_columns} columns. Mutual information in
{result.units}, with 95&nbsp;% intervals.</p></header>
<main>
{joint_section(together, result.units)}
{ranking_section(result)}
{pairs_section(together, result.units)}
{curves_section(together, result.units)}
<section id="distrust"><h2>What to distrust</h2>
<ul class="distrust">{items(distrust)}{items(ALWAYS)}</ul></section>
</main>
<footer><h2>How this was made</h2>
<p>sklearn_mmg {sklearn_mmg.__version__}, seed {options.seed}:<br>
<code>{text(options.command_line)}</code></p></footer>
</body>
</html>
"""


def text(string: str) -> str:
    return escape(printable(string))


def items(texts: Sequence[str]) -> str:
    return "".join(f"<li>{item}</li>\n" for item in texts)


def joint_section(together: Together, units: str) -> str:
    row = together.estimate
    return f"""<section id="joint"><h2>All columns together</h2>
<p class="panel"><strong>{number(row["mutual_info"])} {units}</strong><br>
95&nbsp;% interval {interval(row)}, standard error {number(row["standard_error"])}</p>
<p class="soft">Columns that say the same together tell less than the sum of their scores, and those
that say something only together tell more.</p></section>"""


def ranking_section(result: Result) -> str:
    finite = [v for row in result.rows if math.isfinite(v := row["interval_high"])]
    rows = "\n".join(ranking_row(row, max(finite, default=0.0) or 1.0) for row in result.rows)
    return f"""<section id="ranking"><h2>Each column by itself</h2>
<table><thead><tr><th>column</th><th class="number">{result.units}</th>
<th class="number">95&nbsp;% interval</th><th class="number">p</th></tr></thead>
<tbody>
{rows}
</tbody></table>
<p class="soft">Bars are estimates, lines their intervals; <i>p</i> is from a permutation test of
independence.</p></section>"""


def ranking_row(row: dict[str, Any], longest: float) -> str:
    value, low, high = (
        min(100 * row[name] / longest, 100.0)
        for name in ("mutual_info", "interval_low", "interval_high")
    )
    track = (
        f'<div class="track"><i style="width:{value:.2f}%"></i>'
        f'<b style="left:{low:.2f}%;width:{high - low:.2f}%"></b></div>'
    )
    return (
        f'<tr><td>{text(row["column"])}{track}</td><td class="number">{number(row["mutual_info"])}'
        f'</td><td class="number">{interval(row)}</td><td class="number">{row["p_value"]:.2g}</td>'
        "</tr>"
    )


def pairs_section(together: Together, units: str) -> str:
    def draw(new_figure: Callable[..., Figure]) -> None:
        side = 2.6 + 0.45 * len(together.names)
        ax = new_figure(figsize=(side + 1, side)).subplots()
        names = [shortened(printable(name)) for name in together.names]
        MutualInfoMatrixDisplay(together.matrix, names).plot(ax=ax, units=units)

    shown = ""
    if len(together.names) <= together.n_columns:
        shown = f" The target and the {len(together.names) - 1} columns that tell most of it."
    caption = f"What pairs of columns tell of each other.{shown}"
    picture = figure(draw, caption)
    return f'<section id="pairs"><h2>Pairs of columns</h2>\n{picture}</section>'


def curves_section(together: Together, units: str) -> str:
    head = '<section id="curves"><h2>Where the information is</h2>\n'
    if getattr(together.estimator, "mmse_curves_", None) is None:
        return (
            f"{head}<p>There are no error curves: one side is constant or determines the other, or "
            "several discrete columns were denoised.</p></section>"
        )

    def draw(new_figure: Callable[..., Figure]) -> None:
        axes = new_figure(figsize=(7.0, 6.4)).subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
        MMSECurveDisplay.from_estimator(together.estimator, axes=axes, units=units)

    caption = (
        "Error of a denoiser that sees one side only, and of one that sees both, over the "
        "signal-to-noise ratio. Half the area between them is the mutual information. Smooth "
        "curves that end on each other are a good sign; ragged ones say that samples are few."
    )
    return f"{head}{figure(draw, caption)}</section>"


def figure(draw: Callable[[Callable[..., Figure]], None], caption: str) -> str:
    """A picture for light pages and one for dark ones, of which a browser shows what fits."""
    (light, width), (dark, _) = (svg(draw, style) for style in ("default", "dark_background"))
    kind = ' class="wide"' if width > WIDE else ""
    return (
        f'<figure{kind}><picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img src="{light}" alt="{text(caption)}"></picture>\n'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def svg(draw: Callable[[Callable[..., Figure]], None], style: str) -> tuple[str, float]:
    """Address that holds a picture, and its width in inches."""
    import matplotlib.style
    from cycler import cycler
    from matplotlib.figure import Figure

    figures: list[Figure] = []

    def new_figure(**parameters: Any) -> Figure:
        figures.append(Figure(layout="constrained", **parameters))
        return figures[-1]

    # Names of columns are no formulas, and letters that matplotlib lacks are drawn by the browser.
    settings = {"svg.fonttype": "none", "text.parse_math": False, "svg.hashsalt": "sklearn_mmg"}
    if style == "dark_background":  # whose own colours are pale
        settings["axes.prop_cycle"] = cycler(color=BRIGHT)
    buffer = io.BytesIO()
    with matplotlib.style.context([style, settings]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        draw(new_figure)
        figures[0].savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/svg+xml;base64,{encoded}", float(figures[0].get_figwidth())
