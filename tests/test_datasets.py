"""Distributions with known mutual information: samples, maps, messages, docstrings."""

import functools
import pickle
import time

import numpy as np
import pytest

from sklearn_mmg import datasets
from sklearn_mmg.datasets import (
    AdditiveUniform,
    JointNormal,
    JointNormalMixture,
    JointStudent,
    OverlappingUniforms,
    Ring,
    ThreeNormals,
    WithNoiseColumns,
    ZeroInflated,
    ZeroInflatedPoisson,
    list_tasks,
    load_task,
)

load = functools.cache(load_task)
every_task = pytest.mark.parametrize("task_id", list_tasks())


@every_task
def test_sample(task_id):
    task = load(task_id)
    X, y = task.sample(50, random_state=1)
    assert X.shape == (50, task.dim_x)
    assert y.shape == (50, task.dim_y)
    assert X.dtype == y.dtype == np.float64
    assert np.isfinite(X).all()
    assert np.isfinite(y).all()
    for again, block in zip(task.sample(50, random_state=1), (X, y), strict=True):
        np.testing.assert_array_equal(again, block)
    for other, block in zip(task.sample(50, random_state=2), (X, y), strict=True):
        assert (other != block).any(axis=0).all()


@every_task
def test_discrete_sides_are_declared(task_id):
    task = load(task_id)
    X, y = task.sample(1000, random_state=0)
    few_x, few_y = ([len(np.unique(column)) < 100 for column in block.T] for block in (X, y))
    np.testing.assert_array_equal(np.broadcast_to(task.discrete_features, task.dim_x), few_x)
    assert few_y == [task.discrete_target] * task.dim_y


@every_task
def test_mean_of_pointwise_mi_is_the_truth(task_id):
    task = load(task_id)
    n = 20_000 if task.dim_x < 100 else 4_000
    values = task.pointwise_mi(*task.sample(n, random_state=0))
    assert values.shape == (n,)
    se = np.hypot(values.std() / np.sqrt(n), task.mutual_information_se)
    assert abs(values.mean() - task.mutual_information) <= 4.5 * se
    assert task.mutual_information_se < 4e-4


@every_task
def test_pointwise_mi_belongs_to_the_row(task_id):
    task = load(task_id)
    X, y = task.sample(20, random_state=3)
    values = task.pointwise_mi(X, y)
    np.testing.assert_allclose(task.pointwise_mi(X[::-1], y[::-1])[::-1], values, rtol=1e-9)
    np.testing.assert_allclose(task.pointwise_mi(X[:1], y[:1]), values[:1], rtol=1e-9)
    if task.dim_y == 1:
        np.testing.assert_array_equal(task.pointwise_mi(X.tolist(), y[:, 0]), values)


@every_task
def test_pickle(task_id):
    task = load(task_id)
    copy = pickle.loads(pickle.dumps(task))
    X, y = copy.sample(5, random_state=0)
    np.testing.assert_array_equal(X, task.sample(5, random_state=0)[0])
    np.testing.assert_array_equal(copy.pointwise_mi(X, y), task.pointwise_mi(X, y))


def test_suites():
    by_suite = [list_tasks(suite) for suite in ("bmi40", "high-mi", "extended")]
    assert [task_id for suite in by_suite for task_id in suite] == list_tasks()
    assert len(set(list_tasks())) == len(list_tasks())


SLOWEST = ["noise-500-500-multinormal-sparse-3-3-2-2.0", "1v1-bimodal-0.75"]


@pytest.mark.slow
@pytest.mark.parametrize("task_id", SLOWEST)
def test_time_of_a_large_sample(task_id):
    task = load(task_id)
    start = time.process_time()
    task.sample(100_000, random_state=0)
    assert time.process_time() - start < 5  # 1 s, 3 s where fresh memory is slow


# Maps


UNIFORM = np.random.default_rng(0).uniform(0.001, 0.999, size=(200, 3))
NORMAL = np.random.default_rng(1).normal(size=(200, 3))
MAPS = {
    "asinh": ((), 1e3 * NORMAL),
    "cube": ((), NORMAL),
    "exponential": ((), NORMAL),
    "half_cube": ((), NORMAL),
    "normal_cdf": ((), NORMAL),
    "normal_mixture_quantile": (([0.3, 0.7], [0, 5]), UNIFORM),
    "spiral": (((0, 2),), NORMAL),
    "swiss_roll": ((), UNIFORM[:, :1]),
    "wiggly": (([(0.9, 1, 0), (0.03, 1.7, 1)],), NORMAL),  # slopes near one are the hardest
}


def test_every_map_is_tested():
    public = {name: getattr(datasets, name) for name in datasets.__all__}
    assert MAPS.keys() == {n for n, item in public.items() if item.__module__.endswith("._maps")}


@pytest.mark.parametrize("name", MAPS)
def test_map(name):
    arguments, x = MAPS[name]
    map_ = pickle.loads(pickle.dumps(getattr(datasets, name)(*arguments)))
    mapped = map_.transform(x)
    assert np.abs(mapped[:, : x.shape[1]] - x).max() > 0.05
    np.testing.assert_allclose(map_.inverse_transform(mapped), x, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(map_.transform(x.tolist()), mapped)


def test_mapping_keeps_the_pointwise_values():
    base = load("mixture-clusters-2-2")
    mapped = base.mapped(datasets.spiral(), datasets.cube())
    X, y = base.sample(100, random_state=0)
    same = mapped.sample(100, random_state=0)
    np.testing.assert_array_equal(same[1], y**3)
    np.testing.assert_allclose(mapped.pointwise_mi(*same), base.pointwise_mi(X, y), atol=1e-9)
    assert mapped.mutual_information == base.mutual_information
    assert mapped.mutual_information_se == base.mutual_information_se > 0

    assert OverlappingUniforms().mapped(None, datasets.cube()).discrete_features
    assert ZeroInflatedPoisson().mapped(datasets.cube()).discrete_target


# Messages


BAD_CALLS = {
    "near miss of a task": (lambda: load_task("1v1-normal-0.7"), r"mean one of \['1v1-normal-0.75"),
    "unknown task": (lambda: load_task("?"), r"There is no task '\?': see list_tasks\(\)"),
    "no task": (lambda: load_task(None), "There is no task None"),
    "suite": (
        lambda: list_tasks("bmi"),
        r"'suite' parameter must be one of .* 'bmi'",
    ),
    "no samples": (lambda: JointNormal.sparse().sample(0), "'n_samples' parameter .* Got 0"),
    "float of samples": (lambda: JointNormal.sparse().sample(9.5), "'n_samples' .* Got 9.5"),
    "seed": (lambda: JointNormal.sparse().sample(9, random_state="a"), "'random_state' .* Got 'a'"),
    "three of no samples": (lambda: ThreeNormals.collider().sample(0), "'n_samples' .* Got 0"),
    "columns of X": (
        lambda: Ring().pointwise_mi([[1, 2]], [1]),
        "X has 2 features, but Ring",
    ),
    "columns of y": (
        lambda: Ring().pointwise_mi([[1]], [[1, 2]]),
        "y has 2 features, but Ring",
    ),
    "lengths": (lambda: Ring().pointwise_mi([[1], [2]], [1]), r"numbers of samples: \[2, 1\]"),
    "NaN": (lambda: Ring().pointwise_mi([[np.nan]], [1]), "Input X contains NaN"),
    "correlations": (
        lambda: JointNormal.sparse(1, 3, correlations=(0.5, 0.5)),
        r"2 correlations were given for 1 \+ 3 columns",
    ),
    "covariance": (lambda: JointNormal([[1, 2], [2, 1]], 1), "covariance .* not positive definite"),
    "of a mixture": (
        lambda: JointNormalMixture([[0, 0]], [[[1, 2], [2, 1]]], 1),
        "covariance .* not positive definite",
    ),
    "weights": (
        lambda: JointNormalMixture([[0, 0]], [np.eye(2)], 1, weights=[0.9]),
        r"weights must be positive and sum to 1. Got \[0.9\]",
    ),
    "collider": (lambda: ThreeNormals.collider(0.8), "covariance .* not positive definite"),
    "two of three": (lambda: ThreeNormals(np.eye(2)), r"shape \(2, 2\), but \(3, 3\) was expected"),
    "slopes": (lambda: datasets.wiggly([(0.5, 1, 0), (0.25, 2, 1)]), "less than 1. Got 1"),
    "degrees of freedom": (lambda: JointStudent(dof=0), "'dof' parameter .* Got 0"),
    "dimensions": (lambda: JointStudent(0), "'n_dims' parameter .* Got 0"),
    "noise": (lambda: AdditiveUniform(0.0), "'noise' parameter .* Got 0.0"),
    "noise of a ring": (lambda: Ring(-1), "'noise' parameter .* Got -1"),
    "values": (lambda: OverlappingUniforms(0), "'n_values' parameter .* Got 0"),
    "certain zero": (lambda: ZeroInflatedPoisson(1), "'probability' parameter .* Got 1"),
    "probability": (lambda: ZeroInflated(Ring(), 1.5), "'probability' parameter .* Got 1.5"),
    "discrete base": (lambda: ZeroInflated(ZeroInflatedPoisson()), "y must be continuous"),
    "noise columns": (lambda: WithNoiseColumns(Ring(), -1), "'n_columns' parameter .* Got -1"),
}


@pytest.mark.parametrize(("call", "message"), BAD_CALLS.values(), ids=BAD_CALLS.keys())
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Docstrings


def test_all_names_are_listed():
    public = {name for name in vars(datasets) if not name.startswith("_")}
    assert public == set(datasets.__all__)
    assert sorted(datasets.__all__) == datasets.__all__


def test_repr_says_the_truth():
    task = JointNormal.sparse(2, correlations=(0.8,))
    truth = -0.5 * np.log(1 - 0.8**2)
    assert repr(task) == f"<JointNormal: 2 + 2 columns, {truth:.3f} nats>"


@pytest.mark.parametrize("correlation", [1.5, -1.0, np.nan])
def test_impossible_correlation_is_named(correlation):
    with pytest.raises(ValueError, match="correlations must be between -1 and 1"):
        JointNormal.sparse(2, correlations=(0.5, correlation))
