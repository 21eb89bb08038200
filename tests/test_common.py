"""What holds for every public class and function, those that are added later included."""

import inspect

import pytest
from budgets import ESTIMATORS, smallest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_mmg

WITH_FIT = [estimator for estimator in ESTIMATORS if hasattr(estimator, "fit")]
WITHOUT_FIT = [estimator for estimator in ESTIMATORS if not hasattr(estimator, "fit")]

# {class name: {check name: reason}}; a check that passes nevertheless is a failure.
EXPECTED_FAILURES = {}


def expected_failures(estimator):
    return EXPECTED_FAILURES.get(type(estimator).__name__, {})


@parametrize_with_checks(
    [smallest(estimator) for estimator in WITH_FIT],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_discovery_finds_every_public_name():
    assert {"MMGMutualInfo", "SmoothGaussianizer"} <= {e.__name__ for e in WITH_FIT}
    assert {"MMGScore", "LogisticSampler"} <= {e.__name__ for e in WITHOUT_FIT}
    assert set(dir(sklearn_mmg)) >= set(sklearn_mmg.__all__)
    assert sorted(sklearn_mmg.__all__) == list(sklearn_mmg.__all__)


def test_expected_failures_name_only_public_classes():
    assert set(EXPECTED_FAILURES) <= {e.__name__ for e in WITH_FIT}


@pytest.mark.parametrize("estimator_class", WITHOUT_FIT)
def test_parameter_object(estimator_class):
    default = estimator_class()
    names = [n for n in inspect.signature(estimator_class.__init__).parameters if n != "self"]
    assert vars(default).keys() == default.get_params().keys() == set(names)

    marks = {name: f"value of {name}" for name in names}
    changed = clone(default)
    assert changed.set_params(**marks) is changed
    assert changed.get_params() == marks
    assert clone(changed).get_params() == marks
    assert default.get_params() == estimator_class().get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'no_such_parameter'"):
        changed.set_params(no_such_parameter=1)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_repr_builds_an_equal_object(estimator_class):
    changes = {
        name: value * 2
        for name, value in estimator_class().get_params().items()
        if type(value) in (int, float)
    }
    original = estimator_class(**changes)
    rebuilt = eval(repr(original), dict(vars(sklearn_mmg)))
    assert type(rebuilt) is estimator_class
    assert rebuilt.get_params() == original.get_params()
