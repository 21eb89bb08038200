"""The 40 tasks against samples from the implementation of their authors (see data/README.md)."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from sklearn_mmg.datasets import (
    JointNormal,
    JointStudent,
    MappedDistribution,
    list_tasks,
    load_task,
    spiral,
    wiggly,
)

BMI40 = list_tasks("bmi40")
MAPPED = [task_id for task_id in BMI40 if isinstance(load_task(task_id), MappedDistribution)]
LEVEL = 0.01  # of all two-sample tests together


@pytest.fixture(scope="module")
def reference():
    with np.load(Path(__file__).parent / "data" / "bmi40_reference.npz") as arrays:
        return {name: array.astype(np.float64) for name, array in arrays.items()}


def rows(reference, task_id):
    return reference[f"{task_id}/X"], reference[f"{task_id}/y"]


def test_same_tasks(reference):
    assert {name.partition("/")[0] for name in reference} == set(BMI40)


@pytest.mark.parametrize("task_id", BMI40)
def test_same_truth(reference, task_id):
    task, truth = load_task(task_id), reference[f"{task_id}/mutual_information"]
    assert task.mutual_information == pytest.approx(truth, abs=1e-9)
    X, y = rows(reference, task_id)
    assert (X.shape[1], y.shape[1]) == (task.dim_x, task.dim_y)


def unmapped(task_id):
    """The task whose rows the reference maps to get those of this one."""
    task_id = task_id.replace("bimodal", "normal")
    return next(base for base in BMI40 if base not in MAPPED and task_id.endswith(base))


def map_error(reference, task, task_id):
    """Largest deviation from the reference when our maps are given its unmapped rows."""
    maps = []
    while isinstance(task, MappedDistribution):
        maps.append((task.x_map, task.y_map))
        task = task.base
    mapped = rows(reference, unmapped(task_id))
    for pair in reversed(maps):
        mapped = [b if m is None else m.transform(b) for m, b in zip(pair, mapped, strict=True)]
    expected = rows(reference, task_id)
    return max(np.abs(ours - theirs).max() for ours, theirs in zip(mapped, expected, strict=True))


@pytest.mark.parametrize("task_id", MAPPED)
def test_same_maps(reference, task_id):
    # The reference is rounded to single precision, before its maps too.
    assert map_error(reference, load_task(task_id), task_id) < 2e-6


X_WAVES = [(0.4, 1, 0), (0.2, 1.7, 1), (0.03, 3.3, -2.5)]
Y_WAVES = [(-0.4, 0.4, 0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)]
WIGGLY = "wiggly-1v1-normal-0.75"
SPIRAL = "spiral-multinormal-sparse-3-3-2-2.0"
SPARSE = JointNormal.sparse(3, correlations=(0.8, 0.8))
NEARLY_RIGHT = {
    "amplitude": (WIGGLY, wiggly([*X_WAVES[:2], (0.031, 3.3, -2.5)]), wiggly(Y_WAVES)),
    "frequency": (WIGGLY, wiggly(X_WAVES), wiggly([*Y_WAVES[:2], (0.02, 4.31, -2.5)])),
    "phase": (WIGGLY, wiggly([(0.4, 1, 0), (0.2, 1.7, 1.01), X_WAVES[2]]), wiggly(Y_WAVES)),
    "plane of x": (SPIRAL, spiral((1, 2)), spiral((1, 2))),
    "plane of y": (SPIRAL, spiral((0, 1)), spiral((0, 1))),
    "sense of y": (SPIRAL, spiral((0, 1)), spiral((2, 1))),
}


@pytest.mark.parametrize(
    ("task_id", "x_map", "y_map"), NEARLY_RIGHT.values(), ids=NEARLY_RIGHT.keys()
)
def test_nearly_right_maps_differ(reference, task_id, x_map, y_map):
    base = SPARSE if task_id == SPIRAL else JointNormal.sparse()
    assert map_error(reference, base.mapped(x_map, y_map), task_id) > 1e-4


def summaries(task, X, y):
    """One-dimensional statistics of the samples, of one block and of both."""
    parts = {
        "X": X.T,
        "y": y.T,
        "product": [a * b for a, b in zip(X.T, y.T, strict=False)],
        "product of norms": [np.linalg.norm(X, axis=1) * np.linalg.norm(y, axis=1)],
        # The digits that single precision leaves: some tasks have few distinct values.
        "pointwise": [np.round(task.pointwise_mi(X, y), 4)],
    }
    return {f"{name} {i}": column for name, part in parts.items() for i, column in enumerate(part)}


def p_values(task, theirs):
    ours = summaries(task, *task.sample(5000, random_state=0))
    theirs = summaries(task, *theirs)
    return [ks_2samp(ours[name], theirs[name], method="asymp").pvalue for name in theirs]


@pytest.fixture(scope="module")
def level(reference):
    """Of one test, by Bonferroni."""
    n_tests = sum(len(summaries(load_task(id_), *rows(reference, id_))) for id_ in BMI40)
    return LEVEL / n_tests


@pytest.mark.parametrize("task_id", BMI40)
def test_same_distribution(reference, level, task_id):
    assert min(p_values(load_task(task_id), rows(reference, task_id))) > level


OTHER = {
    "correlation": ("1v1-normal-0.75", JointNormal.sparse(correlations=(0.6,))),
    "sign": ("1v1-normal-0.75", JointNormal.sparse(correlations=(-0.75,))),
    "scale": ("1v1-normal-0.75", JointNormal([[1.6, 1.2], [1.2, 1.6]], dim_x=1)),
    "margin": ("half_cube-1v1-normal-0.75", JointNormal.sparse()),
    "plane of x": (SPIRAL, SPARSE.mapped(spiral((1, 2)), spiral((1, 2)))),
    "plane of y": (SPIRAL, SPARSE.mapped(spiral((0, 1)), spiral((0, 1)))),
    "one pair": (
        "multinormal-sparse-25-25-2-2.0",
        JointNormal.sparse(25, correlations=(0.8,)),
    ),
    "degrees of freedom": ("student-identity-2-2-1", JointStudent(2, dof=2)),
    "noise": ("1v1-additive-0.1", load_task("1v1-additive-0.75")),
}


@pytest.mark.parametrize(("task_id", "other"), OTHER.values(), ids=OTHER.keys())
def test_other_distributions_are_told_apart(reference, level, task_id, other):
    assert min(p_values(other, rows(reference, task_id))) < level
