"""What is passed wrongly is named, with what to pass instead."""

import inspect

import numpy as np
import pytest
from budgets import ESTIMATORS, PUBLIC, smallest

from sklearn_mmg import KSGMutualInfo, LogisticSampler, SmoothGaussianizer, datasets, inspection

X = np.random.default_rng(0).normal(size=(60, 2))
y = X[:, 0]
FUNCTIONS = [item for item in PUBLIC.values() if hasattr(item, "_skl_parameter_constraints")] + [
    inspection.check_reliability,
    inspection.permutation_test,
    datasets.Ring,
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_unknown_argument(function):
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    message = rf"{function.__name__}.*\(\): got an unexpected keyword argument 'wrong'\. It takes "
    with pytest.raises(TypeError, match=message):
        function(*(X for _ in needed), wrong=1)


def test_arguments_by_name():
    mutual_info_mmg = PUBLIC["mutual_info_mmg"]
    message = r"^mutual_info_mmg\(\): too many .* It takes X, y, and by name only discrete_features"
    with pytest.raises(TypeError, match=message):
        mutual_info_mmg(X, y, "auto")


@pytest.mark.parametrize("value", [LogisticSampler, SmoothGaussianizer])
@pytest.mark.parametrize("estimator_class", [e for e in ESTIMATORS if hasattr(e, "fit")])
def test_class_in_the_place_of_an_instance(estimator_class, value):
    estimator = smallest(estimator_class)
    for name in estimator.get_params(deep=False):
        wrong = smallest(estimator_class).set_params(**{name: value})
        message = (
            f"The '{name}' parameter of {estimator_class.__name__} must be an instance, not a "
            rf"class\. Got <class '[\w.]+'> instead: pass {value.__name__}\(\)\."
        )
        with pytest.raises(ValueError, match=message):
            wrong.fit(X, y)


def test_class_of_an_estimator():
    message = r"'estimator' parameter of check_reliability .*: pass KSGMutualInfo\(\)"
    with pytest.raises(ValueError, match=message):
        inspection.check_reliability(KSGMutualInfo, X, y)
