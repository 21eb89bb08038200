"""Named tasks: which distributions a benchmark runs on."""

from difflib import get_close_matches
from functools import partial

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_mmg.datasets._closed_form import AdditiveUniform, JointNormal, JointStudent
from sklearn_mmg.datasets._maps import (
    asinh,
    half_cube,
    normal_cdf,
    normal_mixture_quantile,
    spiral,
    swiss_roll,
    wiggly,
)


def sparse_normal(dim, correlation):
    """Two correlated pairs in blocks of `dim` columns."""
    return JointNormal.sparse(dim, correlations=(correlation, correlation))


def half_cubed(base):
    return base.mapped(half_cube(), half_cube())


def normal_cdfed(base):
    return base.mapped(normal_cdf(), normal_cdf())


def asinhed(base):
    return base.mapped(asinh(), asinh())


def spiralled(base):
    """Turn the blocks in planes that share no column of the same name."""
    return base.mapped(spiral((0, 1)), spiral((1, 2)))


def wiggled(base):
    return base.mapped(
        wiggly([(0.4, 1, 0), (0.2, 1.7, 1), (0.03, 3.3, -2.5)]),
        wiggly([(-0.4, 0.4, 0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)]),
    )


def bimodal(base):
    return base.mapped(
        make_pipeline(normal_cdf(), normal_mixture_quantile([0.3, 0.7], [0, 5])),
        make_pipeline(normal_cdf(), normal_mixture_quantile([0.5, 0.5], [-1, 3])),
    )


def _bmi40():
    """The tasks of Czyż et al., "Beyond Normal", NeurIPS 2023, under the ids of their package."""
    one = partial(JointNormal.sparse, correlations=(0.75,))
    sparse = {d: partial(sparse_normal, d, 0.8) for d in (2, 3, 5, 25)}
    tasks = {
        "1v1-normal-0.75": one,
        "1v1-bimodal-0.75": lambda: bimodal(one()),
        "half_cube-1v1-normal-0.75": lambda: half_cubed(one()),
        "normal_cdf-1v1-normal-0.75": lambda: normal_cdfed(one()),
        "wiggly-1v1-normal-0.75": lambda: wiggled(one()),
        "swissroll_x-normal_cdf-1v1-normal-0.75": lambda: normal_cdfed(one()).mapped(swiss_roll()),
        "1v1-additive-0.1": partial(AdditiveUniform, 0.1),
        "1v1-additive-0.75": partial(AdditiveUniform, 0.75),
    }
    for d in (2, 3, 5, 25, 50):
        tasks[f"multinormal-dense-{d}-{d}-0.5"] = partial(JointNormal.dense, d)
    for d, base in sparse.items():
        tasks[f"multinormal-sparse-{d}-{d}-2-2.0"] = base
    for d in (3, 5, 25):
        name, base = f"multinormal-sparse-{d}-{d}-2-2.0", sparse[d]
        tasks[f"half_cube-{name}"] = lambda base=base: half_cubed(base())
        tasks[f"normal_cdf-{name}"] = lambda base=base: normal_cdfed(base())
        tasks[f"spiral-{name}"] = lambda base=base: spiralled(base())
        tasks[f"spiral-normal_cdf-{name}"] = lambda base=base: spiralled(normal_cdfed(base()))
    for d, dof in ((1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3)):
        tasks[f"student-identity-{d}-{d}-{dof}"] = partial(JointStudent, d, dof)
    for d, dof in ((1, 1), (2, 1), (3, 2), (5, 2)):
        tasks[f"asinh-student-identity-{d}-{d}-{dof}"] = partial(
            lambda d, dof: asinhed(JointStudent(d, dof)), d, dof
        )
    return tasks


def _high_mi():
    """Strong dependence, where fixed windows of log-SNR and small batches reach their ceilings."""
    tasks = {}
    for nats in (2, 5, 10, 15):
        # Each of the two pairs carries half: -log(1 - correlation**2) / 2 = nats / 2.
        base = partial(sparse_normal, 3, np.sqrt(-np.expm1(-nats)))
        name = f"multinormal-sparse-3-3-{nats}-nats"
        tasks[name] = base
        tasks[f"half_cube-{name}"] = lambda base=base: half_cubed(base())
        tasks[f"spiral-{name}"] = lambda base=base: spiralled(base())
    for strength in (200, 650, 1100, 1550, 2000):
        square = strength**2
        tasks[f"multinormal-sparse-3-3-2-{strength}.0"] = partial(
            sparse_normal, 3, square / (1 + square)
        )
    return tasks


SUITES = {"bmi40": _bmi40(), "high-mi": _high_mi()}


def list_tasks(suite=None):
    """Names of the tasks with known mutual information.

    Parameters
    ----------
    suite : {"bmi40", "high-mi"}, default=None
        "bmi40" are the 40 tasks of Czyż et al. (NeurIPS 2023), "high-mi" sparse normals of 2 to
        15 nats, plain and under two maps. None lists the tasks of all suites.

    Returns
    -------
    task_ids : list of str

    Raises
    ------
    ValueError
        If there is no such suite.

    Examples
    --------
    >>> from sklearn_mmg.datasets import list_tasks
    >>> len(list_tasks("bmi40"))
    40
    """
    if suite is None:
        return [task_id for tasks in SUITES.values() for task_id in tasks]
    if suite not in SUITES:
        raise ValueError(
            f"The 'suite' parameter must be one of {sorted(SUITES)} or None. Got {suite!r} instead."
        )
    return list(SUITES[suite])


def load_task(task_id):
    """Distribution with known mutual information, by name.

    Parameters
    ----------
    task_id : str
        One of :func:`list_tasks`.

    Returns
    -------
    task : JointDistribution
        With ``dim_x``, ``dim_y``, ``mutual_information`` in nats, ``sample`` and ``pointwise_mi``.

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> from sklearn_mmg.datasets import load_task
    >>> task = load_task("student-identity-1-1-1")
    >>> X, y = task.sample(1000, random_state=0)
    >>> float(round(task.mutual_information, 2)), float(task.pointwise_mi(X, y).mean().round(2))
    (0.22, 0.2)
    """
    for tasks in SUITES.values():
        if task_id in tasks:
            return tasks[task_id]()
    close = get_close_matches(str(task_id), list_tasks(), n=3)
    hint = f"; did you mean one of {close}?" if close else ": see list_tasks()"
    raise ValueError(f"There is no task {task_id!r}{hint}")
