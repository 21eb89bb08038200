"""Imports go one way: no module knows what stands on it."""

import ast
from pathlib import Path

import sklearn_mmg

ROOT = Path(sklearn_mmg.__file__).parent
# From the ground up; modules of one floor may import each other.
FLOORS = [
    {
        "base",
        "estimator_checks",
        "preprocessing",
        "_atoms",
        "_documentation",
        "_estimate",
        "_feature_groups",
        "_plausibility",
        "_summary",
        "_tables",
        "_units",
        "_validation",
        "_warnings",
        "_wording",
    },
    {"_core"},
    {"diffusion"},
    {"baselines", "mmg", "feature_selection", "inspection", "datasets", "plotting"},
    {"benchmark", "__init__"},
    {"cli"},
    {"__main__"},
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}


def part_of(module):
    """The first name below the package."""
    return [*module.split("."), "__init__"][1]


def imports(path):
    """Modules of the package that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn_mmg"):
            yield node.module
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("sklearn_mmg"))


def test_every_part_has_a_floor():
    parts = {path.stem for path in ROOT.glob("*.py")} | {p.parent.name for p in ROOT.glob("*/*.py")}
    assert parts == set(FLOOR)


def test_nothing_imports_from_above():
    upwards = [
        (str(path.relative_to(ROOT)), module)
        for path in ROOT.rglob("*.py")
        for module in imports(path)
        if FLOOR[part_of(module)] > FLOOR[path.relative_to(ROOT).parts[0].removesuffix(".py")]
    ]
    assert not upwards


def test_methods_do_not_know_each_other():
    """A file of `baselines` imports what several share, and no other method."""
    shared = {"_critic", "_critic_model", "_critics", "_density_model", "_published_mmg"}
    for path in (ROOT / "baselines").glob("*.py"):
        methods = {m.split(".")[2] for m in imports(path) if m.startswith("sklearn_mmg.baselines.")}
        assert methods <= shared, path.name
