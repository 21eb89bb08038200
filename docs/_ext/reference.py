"""The page of the API, from the names that the package exports."""

import importlib
import inspect
from collections import defaultdict
from pathlib import Path

import sklearn_mmg

# A part of the package whose names the package itself exports, and the title of its section.
PARTS = {
    "mmg": "Information by diffusion",
    "feature_selection": "Scores, tests and selection of columns",
    "plotting": "Displays",
    "baselines": "Established estimators",
    "diffusion": "Densities over log-SNR",
    "preprocessing": "Preprocessing",
}
# Public names of modules that the package does not export.
BESIDES = {
    "sklearn_mmg.base": ["BaseMutualInfo"],
    "sklearn_mmg.estimator_checks": ["check_mutual_info_estimator"],
}
HEADER = """\
API
===

All public names. Values are in nats, unless ``units="bits"`` is asked of a display.

"""


def sections() -> dict[str, list[str]]:
    """Full names of what is public, by the title of their section."""
    found = defaultdict(list, {title: [] for title in PARTS.values()})
    modules = dict(BESIDES)
    for name in sklearn_mmg.__all__:
        item = getattr(sklearn_mmg, name)
        if not inspect.ismodule(item):
            found[PARTS[item.__module__.split(".")[1]]].append(f"sklearn_mmg.{name}")
        elif name not in PARTS:  # or the package exports all that it has
            modules[item.__name__] = item.__all__
    for module, names in sorted(modules.items()):
        found[module] = [f"{module}.{name}" for name in names]
    return found


def write(app, config) -> None:
    """Write the page; autosummary writes those of the names on it."""
    parts = [HEADER]
    for title, names in sections().items():
        intro = ""
        if title.startswith("sklearn_mmg."):
            intro = inspect.getdoc(importlib.import_module(title)) + "\n\n"
            title = f"``{title}``"
        listed = "".join(f"   {name}\n" for name in names)
        parts.append(
            f"{title}\n{'-' * len(title)}\n\n{intro}"
            f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n"
        )
    page = Path(app.srcdir, "api", "index.rst")
    page.parent.mkdir(exist_ok=True)
    page.write_text("".join(parts), encoding="utf-8")


def setup(app) -> dict[str, bool]:
    """Before Sphinx looks for pages."""
    app.connect("config-inited", write)
    return {"parallel_read_safe": True}
