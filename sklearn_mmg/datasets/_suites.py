"""Named tasks: which distributions a benchmark runs on."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial

import numpy as np

from sklearn_mmg.datasets._base import JointDistribution, MappedDistribution
from sklearn_mmg.datasets._closed_form import AdditiveUniform, JointNormal, JointStudent
from sklearn_mmg.datasets._discrete import (
    CategoricalNormal,
    OverlappingUniforms,
    ZeroInflated,
    ZeroInflatedPoisson,
)
from sklearn_mmg.datasets._maps import (
    asinh,
    cube,
    exponential,
    half_cube,
    normal_cdf,
    normal_mixture_quantile,
    spiral,
    swiss_roll,
    wiggly,
)
from sklearn_mmg.datasets._mixtures import JointNormalMixture
from sklearn_mmg.datasets._noise_columns import WithNoiseColumns
from sklearn_mmg.datasets._rings import Ring

Tasks = dict[str, Callable[[], JointDistribution]]


def sparse_normal(dim: int, correlation: float) -> JointNormal:
    """Two correlated pairs in blocks of `dim` columns."""
    return JointNormal.sparse(dim, correlations=(correlation, correlation))


def half_cubed(base: JointDistribution) -> MappedDistribution:
    return base.mapped(half_cube(), half_cube())


def normal_cdfed(base: JointDistribution) -> MappedDistribution:
    return base.mapped(normal_cdf(), normal_cdf())


def asinhed(base: JointDistribution) -> MappedDistribution:
    return base.mapped(asinh(), asinh())


def spiralled(base: JointDistribution) -> MappedDistribution:
    """Turn the blocks in planes that share no column of the same name."""
    return base.mapped(spiral((0, 1)), spiral((1, 2)))


def wiggled(base: JointDistribution) -> MappedDistribution:
    return base.mapped(
        wiggly([(0.4, 1, 0), (0.2, 1.7, 1), (0.03, 3.3, -2.5)]),
        wiggly([(-0.4, 0.4, 0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)]),
    )


def bimodal(base: JointDistribution) -> MappedDistribution:
    return normal_cdfed(base).mapped(
        normal_mixture_quantile([0.3, 0.7], [0, 5]), normal_mixture_quantile([0.5, 0.5], [-1, 3])
    )


def _bmi40() -> Tasks:
    """The tasks of Czyż et al., "Beyond Normal", NeurIPS 2023, under the ids of their package."""
    one = partial(JointNormal.sparse, correlations=(0.75,))
    sparse = {d: partial(sparse_normal, d, 0.8) for d in (2, 3, 5, 25)}
    tasks: Tasks = {
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


def _high_mi() -> Tasks:
    """Strong dependence, where fixed windows of log-SNR and small batches reach their ceilings."""
    tasks: Tasks = {}
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


def crossing_normals(correlation: float) -> JointNormalMixture:
    """A cross of two normals with opposite correlations: together they have none."""
    components = [JointNormal.sparse(correlations=(r,)) for r in (correlation, -correlation)]
    return JointNormalMixture(np.zeros((2, 2)), [c.covariance for c in components], dim_x=1)


def paired_clusters() -> JointNormalMixture:
    """Four clusters on a circle in either plane, paired in another order than around it."""
    x_angle, y_angle = np.pi / 2 * np.array([[0, 1, 2, 3], [0, 2, 1, 3]])
    means = 2 * np.column_stack([f(a) for a in (x_angle, y_angle) for f in (np.cos, np.sin)])
    covariance = JointNormal.sparse(2, correlations=(0.6,)).covariance
    return JointNormalMixture(means, [covariance] * 4, dim_x=2)


def contaminated_normal() -> JointNormalMixture:
    """A fifth of the rows is independent and three times as wide."""
    covariances = [sparse_normal(3, 0.8).covariance, 9 * np.eye(6)]
    return JointNormalMixture(np.zeros((2, 6)), covariances, dim_x=3, weights=[0.8, 0.2])


def _extended() -> Tasks:
    """What the 40 tasks lack."""
    one = partial(JointNormal.sparse, correlations=(0.75,))
    sparse = partial(sparse_normal, 3, 0.8)
    tasks: Tasks = {
        f"independent-normal-{d}-{d}": partial(JointNormal.sparse, d, correlations=())
        for d in (5, 25)
    }
    tasks |= {
        "categorical-normal-2-classes": partial(CategoricalNormal, [-1.0, 1.0]),
        "categorical-normal-5-classes": partial(CategoricalNormal, [-4.0, -2.0, 0.0, 1.0, 4.0]),
        "overlapping-uniforms-5": partial(OverlappingUniforms, 5),
        "zero-inflated-poisson-0.15": partial(ZeroInflatedPoisson, 0.15),
        "zero-inflated-0.3-1v1-normal-0.75": lambda: ZeroInflated(one(), 0.3),
        "mixture-cross-1-1": partial(crossing_normals, 0.95),
        "mixture-clusters-2-2": paired_clusters,
        "mixture-contaminated-3-3": contaminated_normal,
        "wiggly-mixture-cross-1-1": lambda: wiggled(crossing_normals(0.95)),
        "spiral-mixture-clusters-2-2": lambda: paired_clusters().mapped(spiral(), spiral()),
        "asinh-mixture-contaminated-3-3": lambda: asinhed(contaminated_normal()),
        "exponential-1v1-normal-0.75": lambda: one().mapped(exponential(), exponential()),
        "cube-multinormal-sparse-3-3-2-2.0": lambda: sparse().mapped(cube(), cube()),
        "ring-0.1": partial(Ring, 0.1),
        "ring-0.3": partial(Ring, 0.3),
    }
    for d in (100, 500):
        tasks[f"noise-{d}-{d}-multinormal-sparse-3-3-2-2.0"] = lambda d=d: WithNoiseColumns(
            sparse(), d - 3
        )
    return tasks


SUITES = {"bmi40": _bmi40(), "high-mi": _high_mi(), "extended": _extended()}


def list_tasks(suite: str | None = None) -> list[str]:
    """List the names of the tasks with known mutual information.

    Those of "bmi40" are the ids of the package of Czyż et al., so that results can be compared.

    Parameters
    ----------
    suite : {"bmi40", "high-mi", "extended"}, default=None
        "bmi40" are the 40 tasks of Czyż et al. (NeurIPS 2023), "high-mi" sparse normals of 2 to
        15 nats, plain and under two maps. "extended" has what the 40 lack: independent blocks,
        discrete and mixed columns, mixtures of normals and maps of them (Czyż et al. 2024), heavy
        tails, rings, and 100 and 500 columns on each side. None lists the tasks of all suites.

    Returns
    -------
    list of str
        In the order of the suite.

    Raises
    ------
    ValueError
        If there is no such suite.

    See Also
    --------
    load_task : The distribution of a name.
    sklearn_mmg.benchmark.run_benchmark : Runs estimators on tasks or suites.

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


def load_task(task_id: str) -> JointDistribution:
    """Load a distribution with known mutual information, by name.

    A task is made anew by every call, and nothing in it is random but the samples that it draws.

    Parameters
    ----------
    task_id : str
        One of :func:`list_tasks`.

    Returns
    -------
    JointDistribution
        With ``dim_x``, ``dim_y``, ``mutual_information`` in nats, ``sample`` and ``pointwise_mi``.

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    list_tasks : The names.
    JointDistribution : For a distribution of your own.

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
