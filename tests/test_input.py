"""Bad input, degenerate input, and what a failed fit leaves behind."""

import inspect
import re
import warnings

import numpy as np
import pytest
import torch
from budgets import CHEAP, smallest, tiny
from scipy.sparse import csr_array, csr_matrix
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg import (
    AdaptiveLogisticSampler,
    LogisticSampler,
    MMGMutualInfo,
    MMGScore,
    PublishedMMGMutualInfo,
    ResidualScaleSampler,
    SmoothGaussianizer,
    mutual_info_mmg,
)
from sklearn_mmg._core.training import RowLossNet

N = 120
METHODS = ("mutual_info", "pointwise_mi", "score")

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")


def make_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return X, X[:, 0] + rng.normal(size=N)


X, Y = make_data()
CLASSES = np.array(["a", "b", "c"])[np.arange(N) % 3]


@pytest.fixture(scope="module")
def fitted():
    return tiny().fit(X, Y)


@pytest.fixture(params=["fit", *METHODS, "mutual_info_mmg", "MMGScore"])
def entry(request, fitted):
    """Every way to hand over X and y."""
    functions = {
        "fit": lambda X, y: tiny().fit(X, y),
        "mutual_info_mmg": lambda X, y: mutual_info_mmg(X, y, **CHEAP),
        "MMGScore": MMGScore(**CHEAP),
    }
    return functions.get(request.param) or getattr(fitted, request.param)


def with_value(a, value):
    """A copy of `a` whose first entry is `value`."""
    a = a.astype(object if isinstance(value, str) else float)
    a.flat[0] = value
    return a


BAD_DATA = {
    "nan_in_X": (with_value(X, np.nan), Y, "Input X contains NaN"),
    "nan_in_y": (X, with_value(Y, np.nan), "Input y contains NaN"),
    "infinity_in_X": (with_value(X, np.inf), Y, "Input X contains infinity"),
    "infinity_in_y": (X, with_value(Y, -np.inf), "Input y contains infinity"),
    "string_in_X": (with_value(X, "word"), Y, "could not convert string to float: 'word'"),
    "string_in_y": (X, with_value(Y, "word"), "could not convert string to float: 'word'"),
    "complex_X": (X + 1j, Y, "Complex data not supported"),
    "1d_X": (X[:, 0], Y, "Expected 2D array, got 1D array instead"),
    "3d_X": (X[:, :, None], Y, "Found array with dim 3"),
    "3d_y": (X, Y[:, None, None], "Found array with dim 3"),
    "unequal_lengths": (X, Y[:-1], re.escape("inconsistent numbers of samples: [120, 119]")),
    "no_samples": (X[:0], Y[:0], re.escape("Found array with 0 sample(s)")),
    "no_columns_of_X": (X[:, :0], Y, re.escape("Found array with 0 feature(s)")),
    "no_columns_of_y": (X, np.empty((N, 0)), re.escape("Found array with 0 feature(s)")),
    "no_y": (X, None, "y.* None"),
}


@pytest.mark.parametrize(("bad_X", "bad_y", "message"), BAD_DATA.values(), ids=BAD_DATA.keys())
def test_bad_data(entry, bad_X, bad_y, message):
    with pytest.raises(ValueError, match=message):
        entry(bad_X, bad_y)


@pytest.mark.parametrize("container", [csr_matrix, csr_array])
@pytest.mark.parametrize("method", ["fit", *METHODS])
def test_sparse_data(fitted, method, container):
    call = getattr(tiny(), method) if method == "fit" else getattr(fitted, method)
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense"):
        call(container(X), Y)
    with pytest.raises(TypeError, match="Sparse data was passed for y, but dense"):
        call(X, container(Y[:, None]))


@pytest.mark.parametrize("container", [csr_matrix, csr_array])
@pytest.mark.parametrize("discrete_features", [False, [0], [True, True, False]])
def test_sparse_continuous_columns(container, discrete_features):
    message = re.escape("Sparse matrix `X` can't have continuous features.")
    parameters = CHEAP | {"discrete_features": discrete_features}
    with pytest.raises(ValueError, match=message):
        mutual_info_mmg(container(X), Y, **parameters)
    with pytest.raises(ValueError, match=message):
        MMGScore(**parameters)(container(X), Y)


def test_two_columns_of_y_for_scores_of_columns():
    with pytest.raises(ValueError, match="y should be a 1d array"):
        mutual_info_mmg(X, X, **CHEAP)


def test_nan_in_discrete_target():
    for target in (with_value(np.arange(N) % 2, np.nan), with_value(CLASSES, "a")):
        target[1] = np.nan
        with pytest.raises(ValueError, match="contains NaN"):
            tiny(discrete_target=True).fit(X, target)


def test_continuous_values_as_discrete_target():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        mutual_info_mmg(X, Y, discrete_target=True, **CHEAP)


def test_single_sample(fitted):
    with pytest.raises(ValueError, match=r"1 sample\(s\).* a minimum of 2 is required"):
        tiny().fit(X[:1], Y[:1])
    with pytest.raises(ValueError, match=r"1 sample\(s\).* a minimum of 2 is required"):
        SmoothGaussianizer().fit(X[:1])
    with pytest.raises(ValueError, match="cv=2 greater than n_samples=1"):
        mutual_info_mmg(X[:1], Y[:1], **CHEAP)
    # A fitted model needs no more than one.
    value = fitted.pointwise_mi(X[:1], Y[:1])
    assert value.shape == (1,)
    assert np.isfinite(value).all()


def test_fewer_samples_than_folds():
    message = "n_splits=5 greater than the number of samples: n_samples=4"
    with pytest.raises(ValueError, match=message):
        tiny(cv=5).fit(X[:4], Y[:4])
    with pytest.raises(ValueError, match="cv=5 greater than n_samples=4"):
        mutual_info_mmg(X[:4], Y[:4], cv=5, **CHEAP)


BAD_PARAMETERS = {
    "denoise": ["Z", 1, None],
    "given": [1.5],
    "form": ["eq. 8", None],
    "sampler": [3, "logistic"],
    "preprocessing": ["rank", 1],
    "discrete_features": ["some", 2, None],
    "discrete_target": ["yes", None],
    "width": [0, 1.5, "64"],
    "depth": [0, 1.5],
    "n_steps": [0, -1, 10.0],
    "batch_size": [1, 64.0],
    "learning_rate": [0, -0.1, np.nan, "0.1"],
    "cv": [1, 0, 0.0, 1.0, 2.5, "three", None],
    "early_stopping": ["yes", None],
    "validation_fraction": [0, 1, -0.5],
    "n_nodes": [1, 4.0],
    "device": [0, None],
    "random_state": ["zero", -1],
    "n_jobs": [1.5, "all"],
    "verbose": [-1, "yes"],
}
BAD_FUNCTION_PARAMETERS = {
    "discrete_features": ["some", 2, None],
    "discrete_target": ["yes", None],
    "copy": ["yes", None],
    "random_state": ["zero", -1],
    "n_jobs": [1.5, "all"],
    "cv": [1, 0.5, "two"],
    "verbose": [-1, "yes"],
}


def pairs(table):
    return [(name, value) for name, values in table.items() for value in values]


def refusal(name, value, owner):
    return f"The '{name}' parameter of {owner} must be .* Got {re.escape(repr(value))} instead"


@pytest.mark.parametrize(("name", "value"), pairs(BAD_PARAMETERS))
def test_bad_parameter(name, value):
    mmg = tiny(**{name: value})
    with pytest.raises(ValueError, match=refusal(name, value, "MMGMutualInfo")):
        mmg.fit(X, Y)
    with pytest.raises(NotFittedError):
        check_is_fitted(mmg)


@pytest.mark.parametrize(("name", "value"), pairs(BAD_FUNCTION_PARAMETERS))
def test_bad_parameter_of_function(name, value):
    message = refusal(name, value, "mutual_info_mmg")
    with pytest.raises(ValueError, match=message):
        mutual_info_mmg(X, Y, **{name: value})
    if name != "copy":
        with pytest.raises(ValueError, match=message):
            MMGScore(**{name: value})(X, Y)


def test_every_parameter_has_a_bad_value():
    assert BAD_PARAMETERS.keys() == MMGMutualInfo().get_params(deep=False).keys()
    function = inspect.signature(mutual_info_mmg).parameters.keys()
    assert BAD_FUNCTION_PARAMETERS.keys() | {"X", "y"} == function


@pytest.mark.parametrize("discrete_features", [[True], [True] * 4, [[True, False, True]]])
def test_mask_of_the_wrong_shape(discrete_features):
    message = r"discrete_features has shape .*, expected \(3,\)"
    with pytest.raises(ValueError, match=message):
        tiny(discrete_features=discrete_features).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        mutual_info_mmg(X, Y, discrete_features=discrete_features)


@without_gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_device_that_is_not_there(device):
    with pytest.raises(ValueError, match=f"device='{device}' was asked for, but .* no CUDA"):
        tiny(device=device).fit(X, Y)


def test_device_that_torch_does_not_know():
    with pytest.raises(ValueError, match=r"device.*'abacus'"):
        tiny(device="abacus").fit(X, Y)


def test_validation_fraction_that_leaves_no_training_data():
    with pytest.raises(ValueError, match="validation_fraction"):
        tiny(validation_fraction=0.999, discrete_target=True).fit(X, Y > 0)


BAD_SAMPLERS = [
    (sampler_class, {name: value}, rf"'{name}' parameter of {sampler_class.__name__}.* {value!r} ")
    for sampler_class, names in {
        LogisticSampler: ("scale", "clip"),
        AdaptiveLogisticSampler: ("scale", "clip"),
        ResidualScaleSampler: ("width", "clip"),
    }.items()
    for name in names
    for value in (0, -1.5, np.nan, np.inf, "wide", None)
]
BAD_SAMPLERS += [
    (sampler_class, {name: value}, rf"'{name}' parameter.* {value!r} ")
    for sampler_class, names in {
        LogisticSampler: ("loc",),
        AdaptiveLogisticSampler: ("loc",),
        ResidualScaleSampler: ("low", "high"),
    }.items()
    for name in names
    for value in (np.nan, np.inf, "left", None)
]
BAD_SAMPLERS += [
    (ResidualScaleSampler, {"low": 60}, re.escape("low (60) must be below high (6.0)")),
    (ResidualScaleSampler, {"low": 0, "high": -9}, re.escape("low (0) must be below high (-9)")),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("sampler_class", "parameters", "message"),
    BAD_SAMPLERS,
    ids=lambda item: str(item) if isinstance(item, dict) else getattr(item, "__name__", ""),
)
def test_bad_sampler(sampler_class, parameters, message):
    sampler = sampler_class(**parameters)
    with pytest.raises(ValueError, match=message):
        sampler.distribution()
    with pytest.raises(ValueError, match=message):
        tiny(sampler=sampler).fit(X, Y)


@pytest.mark.parametrize("variant", ["mmg", "adaptive", None])
def test_unknown_variant_of_the_paper(variant):
    with pytest.raises(ValueError, match=rf"'variant' parameter .* Got {variant!r} instead"):
        PublishedMMGMutualInfo(variant=variant).fit(X, Y)


@pytest.mark.parametrize(
    "name", ["nan_in_X", "infinity_in_X", "string_in_X", "1d_X", "3d_X", "no_columns_of_X"]
)
def test_bad_data_for_gaussianizer(name):
    bad_X, _, message = BAD_DATA[name]
    gaussianizer = SmoothGaussianizer()
    with pytest.raises(ValueError, match=message):
        gaussianizer.fit(bad_X)
    with pytest.raises(NotFittedError):
        gaussianizer.transform(X)
    with pytest.raises(ValueError, match=message):
        SmoothGaussianizer().fit(X).transform(bad_X)


def test_sparse_data_for_gaussianizer():
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense"):
        SmoothGaussianizer().fit(csr_matrix(X))


@pytest.mark.parametrize("n_knots", [-1, 0, 1, 2.5, "many"])
def test_bad_number_of_knots(n_knots):
    # One knot would map every value to zero and no information would be left.
    with pytest.raises(ValueError, match=refusal("n_knots", n_knots, "SmoothGaussianizer")):
        SmoothGaussianizer(n_knots).fit(X)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, np.nan, "high", None])
def test_bad_confidence(fitted, confidence):
    message = rf"'confidence' parameter must be a float .* Got {confidence!r} instead"
    with pytest.raises(ValueError, match=message):
        fitted.mutual_info_interval(confidence)


@pytest.mark.parametrize("method", METHODS)
def test_unfitted(method):
    with pytest.raises(NotFittedError, match="This MMGMutualInfo instance is not fitted yet"):
        getattr(tiny(), method)(X, Y)


def test_unfitted_without_data():
    with pytest.raises(NotFittedError, match="This MMGMutualInfo instance is not fitted yet"):
        tiny().mutual_info_interval()
    with pytest.raises(NotFittedError, match="This SmoothGaussianizer instance is not fitted"):
        SmoothGaussianizer().transform(X)


@pytest.mark.parametrize("method", METHODS)
def test_wrong_number_of_columns_later(fitted, method):
    with pytest.raises(ValueError, match="X has 2 features, but MMGMutualInfo is expecting 3"):
        getattr(fitted, method)(X[:, :2], Y)
    with pytest.raises(ValueError, match="y has 2 columns, but MMGMutualInfo was fitted with 1"):
        getattr(fitted, method)(X, X[:, :2])


def test_wrong_number_of_columns_later_for_gaussianizer():
    message = "X has 2 features, but SmoothGaussianizer is expecting 3"
    with pytest.raises(ValueError, match=message):
        SmoothGaussianizer().fit(X).transform(X[:, :2])


@pytest.mark.parametrize("method", METHODS)
def test_unknown_category_of_the_condition_is_no_error(method):
    mmg = tiny(discrete_target=True, denoise="X").fit(X, CLASSES)
    with pytest.warns(UserWarning, match="1 of 120 samples have a category of y that was not seen"):
        values = getattr(mmg, method)(X, np.append(CLASSES[:-1], "z"))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("method", METHODS)
def test_unknown_class_tells_nothing(method):
    mmg = tiny(discrete_target=True, denoise="y").fit(X, CLASSES)
    with pytest.warns(UserWarning, match="1 of 120 samples have a class of y that was not seen"):
        values = getattr(mmg, method)(X, np.append(CLASSES[:-1], "z"))
    assert np.isfinite(values).all()
    if method == "pointwise_mi":
        assert values[-1] == 0


FAILING_FITS = {
    **{name: ({}, bad_X, bad_y) for name, (bad_X, bad_y, _) in BAD_DATA.items()},
    "sparse_X": ({}, csr_matrix(X), Y),
    "sparse_y": ({}, X, csr_matrix(Y[:, None])),
    "single_sample": ({}, X[:1], Y[:1]),
    "too_many_folds": ({"cv": N + 1}, X, Y),
    "mask_of_the_wrong_shape": ({"discrete_features": [True]}, X, Y),
    "index_out_of_range": ({"discrete_features": [9]}, X, Y),
    "unknown_device": ({"device": "abacus"}, X, Y),
    "bad_sampler": ({"sampler": LogisticSampler(scale=0)}, X, Y),
    "no_training_data": ({"cv": 0.999}, X, Y),
}


@pytest.mark.parametrize(
    ("parameters", "bad_X", "bad_y"), FAILING_FITS.values(), ids=FAILING_FITS.keys()
)
def test_failed_fit_is_no_fit(parameters, bad_X, bad_y):
    mmg = tiny(**parameters)
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)):
        mmg.fit(bad_X, bad_y)
    assert_unfitted(mmg)


def assert_unfitted(mmg):
    with pytest.raises(NotFittedError):
        check_is_fitted(mmg)
    with pytest.raises(NotFittedError):
        mmg.mutual_info_interval()


def assert_same_results(mmg, before):
    """`before` is a copy of the attributes of `mmg` and its answer for X and Y."""
    attributes, answer = before
    assert vars(mmg).keys() == attributes.keys()
    assert mmg.mutual_info_ == attributes["mutual_info_"]
    assert mmg.n_features_in_ == attributes["n_features_in_"]
    np.testing.assert_array_equal(mmg.pointwise_mi_, attributes["pointwise_mi_"])
    np.testing.assert_array_equal(mmg.pointwise_mi(X, Y), answer)


def snapshot(mmg):
    return dict(vars(mmg)), mmg.pointwise_mi(X, Y)


# Normalised layers keep the loss of class probabilities finite for longer.
@pytest.mark.parametrize(
    ("target", "learning_rate"), [(Y, 1e30), (Y > 0, 1e38)], ids=["continuous", "discrete"]
)
def test_non_finite_loss(target, learning_rate):
    mmg = tiny(learning_rate=learning_rate, discrete_target=target.dtype == bool)
    message = "loss became non-finite after .* steps. Lower learning_rate"
    with (
        pytest.warns(ConvergenceWarning, match=message),
        pytest.raises(FloatingPointError, match=message),
    ):
        mmg.fit(X, target)
    assert_unfitted(mmg)


@pytest.mark.parametrize("columns", [3, 2], ids=["same_columns", "other_columns"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_non_finite_loss_keeps_the_old_results(columns):
    mmg = tiny().fit(X, Y)
    before = snapshot(mmg)
    mmg.set_params(learning_rate=1e30)
    with pytest.raises(FloatingPointError):
        mmg.fit(X[:, :columns], -Y)
    mmg.set_params(learning_rate=6e-3)
    assert_same_results(mmg, before)


@pytest.fixture(params=[1, 4], ids=["early", "late"])
def interrupt(request, monkeypatch):
    """Call it to have Ctrl-C pressed in the middle of a training of 5 steps."""
    train_step, calls = RowLossNet.train_step, []

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == request.param:
            raise KeyboardInterrupt
        return train_step(self, *args, **kwargs)

    return lambda: monkeypatch.setattr(RowLossNet, "train_step", interrupted)


def test_interrupted_fit_is_no_fit(interrupt):
    mmg = tiny(cv=2)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        mmg.fit(X, Y)
    assert_unfitted(mmg)


@pytest.mark.parametrize("columns", [3, 2], ids=["same_columns", "other_columns"])
def test_interrupted_fit_keeps_the_old_results(interrupt, columns):
    mmg = tiny(cv=2).fit(X, Y)
    before = snapshot(mmg)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        mmg.fit(X[:, :columns], -Y)
    assert_same_results(mmg, before)


@pytest.mark.parametrize("preprocessing", ["gaussianize", "standardize", None])
@pytest.mark.parametrize("estimator_class", [MMGMutualInfo, PublishedMMGMutualInfo])
def test_constant_side_carries_no_information(preprocessing, estimator_class):
    mmg = smallest(estimator_class, preprocessing=preprocessing)
    constant = np.full(N, 3.0)
    for side in (mmg.fit(constant[:, None], Y), mmg.fit(X, constant)):
        assert side.mutual_info_ == 0
        assert side.mmse_curves_ is None
    np.testing.assert_array_equal(mmg.pointwise_mi(X, Y), np.zeros(N))


def test_constant_discrete_target_carries_no_information():
    mmg = tiny(discrete_target=True).fit(X, ["same"] * N)
    assert mmg.mutual_info_ == pytest.approx(0, abs=1e-9)


def test_constant_column_scores_zero():
    with_constant = np.column_stack([X[:, 0], np.full(N, 3.0)])
    scores = mutual_info_mmg(with_constant, Y, **CHEAP)
    assert scores[0] > 0.1
    assert scores[1] == 0
    assert (mutual_info_mmg(with_constant, np.ones(N), **CHEAP) == 0).all()


@pytest.mark.parametrize("denoise", ["X", "y"])
def test_duplicated_columns_add_nothing(denoise):
    once = tiny(denoise=denoise).fit(X, Y)
    twice = tiny(denoise=denoise).fit(np.hstack([X, X]), Y)
    assert abs(twice.mutual_info_ - once.mutual_info_) < once.mutual_info_se_
    scores = mutual_info_mmg(X[:, [0, 0]], Y, **CHEAP)
    assert scores[0] == scores[1]


FUNCTIONS = {
    "copy": lambda x: x,
    "negative": np.negative,
    "exponential": np.exp,
    "cube": lambda x: x**3,
    "large": lambda x: 1e6 * x + 1e6,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_monotone_function_of_a_column_is_infinite(function):
    y = function(X[:, 1])
    with pytest.warns(UserWarning, match="the mutual information is infinite") as caught:
        mmg = tiny().fit(X, y)
    assert caught[0].filename == __file__  # the line of the user, not one of the package
    assert mmg.mutual_info_ == np.inf
    assert mmg.mutual_info_interval() == (np.inf, np.inf)
    assert mmg.mutual_info(X, Y) == np.inf

    with pytest.warns(UserWarning, match="Columns 1 of X order the samples exactly as y"):
        scores = mutual_info_mmg(X, y, **CHEAP)
    assert np.isinf(scores).tolist() == [False, True, False]


def test_warning_of_infinite_score_shows_the_caller():
    with pytest.warns(UserWarning, match="order the samples exactly") as caught:
        mutual_info_mmg(X, X[:, 1], **CHEAP)
    assert caught[0].filename == __file__


def test_discrete_copy_is_finite():
    codes = np.arange(N) % 4
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        scores = mutual_info_mmg(
            codes[:, None], codes, discrete_features=True, discrete_target=True, **CHEAP
        )
    assert scores[0] == pytest.approx(np.log(4), abs=0.1)
