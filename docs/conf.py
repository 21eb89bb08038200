"""The documentation site: ``nox -s docs``.

Nothing is fetched: links to other projects come from the lists in ``inventories``, and what is
drawn is drawn here. ``-D sphinx_gallery_conf.filename_pattern=pitfalls`` leaves out the examples
that take minutes.
"""

import re
import sys
import warnings
import zlib
from pathlib import Path

from docutils import nodes

import sklearn_mmg

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "sklearn_mmg"
author = "The sklearn_mmg developers"
project_copyright = author
version = release = sklearn_mmg.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.plot_directive",
    "reference",
    "mermaid",
]
exclude_patterns = [
    "_build",
    "studies",
    "inventories",
    "pitfalls",
    "results/tables",
    "**/GALLERY_HEADER.rst",
]
templates_path = ["_templates"]
nitpicky = True

# Markdown, as code hosts read it.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4

# Docstrings.
autodoc_typehints = "none"
autosummary_generate = True
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = True

# Runnable pages and their pictures.
sphinx_gallery_conf = {
    "examples_dirs": ["../examples", "pitfalls"],
    "gallery_dirs": ["gallery", "pitfall"],
    "doc_module": ("sklearn_mmg",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"sklearn_mmg": None},
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 5,
    "plot_gallery": True,
}
plot_formats = [("png", 120)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_basedir = str(HERE / "figures")

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_mmg {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": f"sklearn_mmg <small>{release}</small>",
    },
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "start": [], "changelog": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def local_inventories() -> dict[str, tuple[str, str]]:
    """Lists of what other projects document, in the format of Sphinx, from those of this folder.

    Each is a text file: the address, then a line ``name domain:role priority page title`` for
    everything that is linked to.
    """
    made = HERE / "_build" / "inventories"
    made.mkdir(parents=True, exist_ok=True)
    found = {}
    for path in sorted((HERE / "inventories").glob("*.txt")):
        address, entries = path.read_text().split("\n", 1)
        header = f"# Sphinx inventory version 2\n# Project: {path.stem}\n# Version:\n"
        inventory = made / f"{path.stem}.inv"
        inventory.write_bytes(
            f"{header}# The remainder of this file is compressed using zlib.\n".encode()
            + zlib.compress(entries.encode())
        )
        found[path.stem] = (address, str(inventory))
    return found


intersphinx_mapping = local_inventories()

# What examples warn of is shown with them, without the place where it was built.
warnings.formatwarning = lambda message, category, *_: f"{category.__name__}: {message}\n"


def link_examples(app, docname: str, source: list[str]) -> None:
    """Where a page links to the code of an example, the site has that example with its output."""
    source[0] = re.sub(r"\]\(\.\./examples/(plot_\w+)\.py\)", r"](gallery/\1.rst)", source[0])


def escape_names(app, what, name, item, options, lines: list[str]) -> None:
    """Names of attributes are no links: ``low_, high_ : ndarray of shape (n_features_in_,)``."""
    for i, line in enumerate(lines):
        if entry := re.fullmatch(r"((?:\w+, )*\w+)( : .+)", line):
            lines[i] = entry[1].replace("_, ", r"\_, ") + re.sub(r"_\b(?!\w)", r"\_", entry[2])


def drop_dead_backlinks(app, doctree, docname: str) -> None:
    """References of numpydoc that only LaTeX shows leave links back to them elsewhere."""
    shown = {i for reference in doctree.findall(nodes.reference) for i in reference["ids"]}
    for kind in (nodes.citation, nodes.footnote):
        for note in doctree.findall(kind):
            note["backrefs"] = [i for i in note["backrefs"] if i in shown]


def setup(app) -> None:
    """What differs between the site and the sources."""
    app.connect("source-read", link_examples)
    app.connect("autodoc-process-docstring", escape_names, priority=0)  # before numpydoc
    app.connect("doctree-resolved", drop_dead_backlinks)
