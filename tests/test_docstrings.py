"""Docstrings of all that is public: every check of numpydoc, examples, and the real defaults."""

import ast
import importlib
import inspect
import re

import pytest
from budgets import PUBLIC
from numpydoc.validate import validate

import sklearn_mmg

# Public names of modules that the package does not export.
BESIDES = {
    "sklearn_mmg.base": ["BaseMutualInfo"],
    "sklearn_mmg.estimator_checks": ["check_mutual_info_estimator"],
}


def public_objects():
    """``{full name: object}`` of every public class and function."""
    modules = dict(BESIDES)
    for name in sklearn_mmg.__all__:
        item = getattr(sklearn_mmg, name)
        modules |= {item.__name__: item.__all__} if inspect.ismodule(item) else {}
    found = {f"sklearn_mmg.{name}": item for name, item in PUBLIC.items()}
    for module, names in modules.items():
        for name in names:
            item = getattr(importlib.import_module(module), name)
            if item not in found.values():
                found[f"{module}.{name}"] = item
    return found


def own_members():
    """``{full name: function}`` of public methods and properties, with the first class that has it.

    What scikit-learn defines, such as ``set_fit_request``, is documented there.
    """
    found = {}
    for full_name, item in OBJECTS.items():
        for name in dir(item) if inspect.isclass(item) else []:
            member = inspect.getattr_static(item, name)
            member = member.fget if isinstance(member, property) else getattr(item, name)
            function = inspect.unwrap(getattr(member, "__func__", member))
            public = name == "__call__" or not name.startswith("_")
            own = inspect.isfunction(function) and function.__module__.startswith("sklearn_mmg.")
            if public and own:
                found.setdefault(function, f"{full_name}.{name}")
    return {full_name: function for function, full_name in found.items()}


def sections(item):
    """``{title: text}`` of a numpydoc docstring."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", inspect.getdoc(item), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented_types(item):
    """``{parameter: type}``; an entry starts at the margin and its text is indented."""
    text = sections(item).get("Parameters", "")
    entries = re.findall(r"^(\S.*?) : (.+)$", text, flags=re.MULTILINE)
    return {name.lstrip("*"): kind for names, kind in entries for name in names.split(", ")}


OBJECTS = public_objects()
MEMBERS = own_members()
ALL = OBJECTS | MEMBERS


@pytest.mark.parametrize("full_name", ALL)
def test_numpydoc(full_name):
    """No check is left out."""
    assert validate(full_name)["errors"] == []


@pytest.mark.parametrize("item", ALL.values(), ids=ALL)
def test_example_is_code(item):
    assert ">>> " in sections(item)["Examples"]


@pytest.mark.parametrize("item", ALL.values(), ids=ALL)
def test_documented_defaults_are_the_real_ones(item):
    types = documented_types(item)
    for name, parameter in inspect.signature(item).parameters.items():
        if name not in ("self", "cls"):
            _, has_default, documented = types[name].partition("default=")
            needed = parameter.default is not parameter.empty and types[name] != "None"
            assert bool(has_default) == needed, name
            if has_default:
                assert ast.literal_eval(documented) == parameter.default, name


def test_what_is_checked():
    """All that the package exports, and methods of its own only."""
    assert set(PUBLIC.values()) <= set(OBJECTS.values())
    assert {"sklearn_mmg.benchmark.run_benchmark", "sklearn_mmg.datasets.load_task"} <= set(OBJECTS)
    checked = {name.rpartition(".")[2] for name in MEMBERS}
    assert {"fit", "score", "plot", "from_paper", "form", "__call__"} <= checked
    assert not {"set_fit_request", "set_output", "get_params"} & checked
