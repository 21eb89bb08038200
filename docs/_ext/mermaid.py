"""Flow charts in the notation that code hosts draw, drawn here by Graphviz, without network."""

import re
import subprocess
import textwrap

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

import sklearn_mmg

NODE = re.compile(r'(\w+)(?:\["(.+)"\]|\{"(.+)"\})?')
GRAPH = """\
digraph {
bgcolor=transparent; rankdir=%s; nodesep=0.15; ranksep=0.2
node [shape=box style=rounded fontname="sans-serif" fontsize=11 height=0.4 margin="0.15,0.08"]
edge [fontname="sans-serif" fontsize=10 arrowsize=0.7]
%s
}"""


def to_dot(text: str, page_of: dict[str, str]) -> str:
    """A graph of Graphviz; nodes whose text begins with a public name link to its page.

    Of the notation it knows ``flowchart``, nodes ``a["text"]`` and ``a{"question"}``, several
    joined by ``&``, and arrows ``-->`` and ``-->|text|``.
    """
    first, *lines = [line.strip() for line in text.splitlines() if line.strip()]
    direction = re.fullmatch(r"flowchart (TD|LR)", first)
    if not direction:
        raise ExtensionError(f"A flow chart begins with 'flowchart TD', not {first!r}.")
    found = []
    for line in lines:
        ends, *rest = re.split(r"\s*-->(?:\|([^|]+)\|)?\s*", line)
        sources = [node(part, found, page_of) for part in ends.split(" & ")]
        for label, targets in zip(rest[::2], rest[1::2], strict=True):
            reached = [node(part, found, page_of) for part in targets.split(" & ")]
            mark = f" [label={quoted(f' {label} ')}]" if label else ""
            found += [f"{a} -> {b}{mark}" for a in sources for b in reached]
            sources = reached
    return GRAPH % (direction[1].replace("TD", "TB"), "\n".join(found))


def node(text: str, found: list[str], page_of: dict[str, str]) -> str:
    """Name of a node; if it has a text it is added to what was found."""
    match = NODE.fullmatch(text.strip())
    if not match:
        raise ExtensionError(f"Not a node of a flow chart: {text!r}.")
    name, box, question = match.groups()
    if label := box or question:
        page = page_of.get(re.match(r"[\w.]*", label)[0])
        link = f" URL={quoted(page)} target=_top" if page else ""
        shape = " style=dashed" if question else ""
        lines = textwrap.fill(label, 26, break_long_words=False)
        found.append(f"{name} [label={quoted(lines)}{shape}{link}]")
    return name


def quoted(text: str) -> str:
    """A string of Graphviz, with the line breaks of the notation."""
    return '"' + re.sub(r"<br>|\n", r"\\n", text.replace('"', r"\"")) + '"'


class Mermaid(SphinxDirective):
    """A flow chart as SVG within the page, so that it takes the colours of the theme."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        up = "../" * self.env.docname.count("/")
        pages = {n: f"{up}api/generated/sklearn_mmg.{n}.html" for n in sklearn_mmg.__all__}
        dot = to_dot("\n".join(self.content), pages)
        drawn = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True)
        if drawn.returncode:
            raise ExtensionError(f"Graphviz: {drawn.stderr}\n{dot}")
        svg = drawn.stdout[drawn.stdout.index("<svg") :]
        return [nodes.raw("", f'<div class="flowchart">{svg}</div>', format="html")]


def setup(app) -> dict[str, bool]:
    """The directive."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
