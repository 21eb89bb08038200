"""The estimators as parts of scikit-learn, joblib, pandas, torch and matplotlib programs."""

import pickle
import random
import subprocess
import sys
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from budgets import CHEAP, tiny
from matplotlib import pyplot as plt
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import GenericUnivariateSelect, SelectKBest, SelectPercentile
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import (
    AdaptiveLogisticSampler,
    LogisticSampler,
    MMGMutualInfo,
    MMGScore,
    MMSECurveDisplay,
    ResidualScaleSampler,
    mutual_info_mmg,
)

N = 200

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return X, X[:, 2] ** 2 + X[:, 2] + 0.3 * rng.normal(size=N)


@pytest.fixture(scope="module")
def fitted(data):
    return tiny(device="cpu").fit(*data)


# Feature selection


def test_default_score_function_in_a_pipeline(data):
    X, y = data
    model = make_pipeline(SelectKBest(mutual_info_mmg, k=1), LinearRegression()).fit(X, y)
    assert model["selectkbest"].get_support().tolist() == [False, False, True]
    assert model["selectkbest"].pvalues_ is None
    assert model.predict(X).shape == y.shape


@pytest.mark.parametrize(
    "selector",
    [
        SelectKBest(MMGScore(**CHEAP), k=1),
        SelectPercentile(MMGScore(**CHEAP), percentile=34),
        SelectPercentile(partial(mutual_info_mmg, **CHEAP), percentile=34),
        GenericUnivariateSelect(MMGScore(**CHEAP), mode="k_best", param=1),
        GenericUnivariateSelect(partial(mutual_info_mmg, **CHEAP), mode="percentile", param=34),
    ],
)
def test_selectors(data, selector):
    X, y = data
    model = Pipeline([("select", clone(selector)), ("predict", LinearRegression())]).fit(X, y)
    np.testing.assert_array_equal(model["select"].transform(X), X[:, [2]])
    np.testing.assert_array_equal(model["select"].scores_, mutual_info_mmg(X, y, **CHEAP))


def test_grid_search_reaches_parameters_of_the_score(data):
    X, y = data
    folds = [2, 5]
    model = make_pipeline(SelectKBest(MMGScore(**CHEAP), k=2), LinearRegression())
    search = GridSearchCV(model, {"selectkbest__score_func__cv": folds}, cv=2).fit(X, y)
    assert search.cv_results_["param_selectkbest__score_func__cv"].tolist() == folds
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    chosen = search.best_estimator_["selectkbest"].score_func.cv
    assert chosen == search.best_params_["selectkbest__score_func__cv"]

    # The parameter takes effect: other samples are held out.
    scores = [
        model.set_params(selectkbest__score_func__cv=cv).fit(X, y)["selectkbest"].scores_[2]
        for cv in folds
    ]
    assert scores[0] != scores[1]


# Searches, parameters, copies


def test_grid_search_over_the_sampler(data):
    grid = {"sampler__loc": [1.0, 3.0], "sampler__scale": [2.0, 3.0]}
    search = GridSearchCV(
        tiny(cv=0.5, n_steps=20, sampler=LogisticSampler()), grid, cv=2, error_score="raise"
    ).fit(*data)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 4
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) == 4
    assert search.best_score_ == scores.max()
    assert isinstance(search.best_estimator_.sampler, LogisticSampler)
    for name, value in search.best_params_.items():
        assert search.best_estimator_.get_params()[name] == value
    # The density that was used, not only the parameter.
    pair = search.best_estimator_.models_[0]
    assert pair.distribution_.ppf(0.5) == pytest.approx(search.best_params_["sampler__loc"])


def test_set_params_and_get_params():
    mmg = MMGMutualInfo()
    assert mmg.get_params()["sampler"] is None
    # None stands for a sampler whose parameters are reached, and for no other.
    assert mmg.set_params(width=7, sampler__clip=1.5) is mmg
    assert (mmg.width, mmg.get_params()["sampler__clip"]) == (7, 1.5)
    assert type(mmg.sampler) is ResidualScaleSampler
    assert mmg.get_params()["sampler__low"] == ResidualScaleSampler().low
    # A sampler that is there keeps its class and its other fields.
    mmg.set_params(sampler=AdaptiveLogisticSampler(loc=5.0), sampler__scale=1.0)
    assert type(mmg.sampler) is AdaptiveLogisticSampler
    assert mmg.sampler.get_params() == {"loc": 5.0, "scale": 1.0, "clip": 4.0}
    mmg.set_params(sampler=None, sampler__low=-4.0)
    assert type(mmg.sampler) is ResidualScaleSampler
    assert mmg.sampler.low == -4.0
    with pytest.raises(ValueError, match="Invalid parameter 'depths'"):
        mmg.set_params(depths=3)


def test_refused_set_params_changes_nothing():
    mmg = MMGMutualInfo()
    with pytest.raises(ValueError, match="Invalid parameter 'loc'"):
        mmg.set_params(width=7, sampler__loc=1.0)
    assert mmg.sampler is None
    assert mmg.width == MMGMutualInfo().width


def test_clone_is_unfitted_and_independent(data):
    original = tiny(sampler=LogisticSampler(loc=1.0)).fit(*data)
    copy = clone(original)
    with pytest.raises(NotFittedError):
        copy.mutual_info(*data)
    copy.set_params(sampler__loc=9.0)
    assert original.sampler.loc == 1.0
    again = clone(original).fit(*data)
    np.testing.assert_array_equal(again.pointwise_mi_, original.pointwise_mi_)


def through_joblib(estimator, tmp_path):
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    return joblib.load(tmp_path / "estimator.joblib")


def through_pickle(estimator, tmp_path):
    return pickle.loads(pickle.dumps(estimator))


@pytest.mark.parametrize("copy", [through_pickle, through_joblib])
@pytest.mark.parametrize("discrete", [False, True])
def test_stored_estimator_gives_the_same_values(data, tmp_path, copy, discrete):
    X, y = data
    y = np.where(y > 0.5, "high", "low") if discrete else y
    mmg = tiny(discrete_target=discrete, device="cpu").fit(X, y)
    loaded = copy(mmg, tmp_path)
    np.testing.assert_array_equal(loaded.pointwise_mi(X, y), mmg.pointwise_mi(X, y))
    np.testing.assert_array_equal(loaded.pointwise_mi_, mmg.pointwise_mi_)
    assert loaded.score(X, y) == mmg.score(X, y)
    assert loaded.mutual_info_interval() == mmg.mutual_info_interval()
    assert loaded.net_.history == mmg.net_.history


def test_fit_goes_on_after_pickling(data, fitted):
    again = through_pickle(fitted, None).fit(*data)
    np.testing.assert_array_equal(again.pointwise_mi_, fitted.pointwise_mi_)


# Seeds


@pytest.mark.parametrize("make_seed", [lambda: 5, lambda: np.random.RandomState(5)])
def test_same_seed_same_bits(data, make_seed):
    first, second = (tiny(cv=2, device="cpu", random_state=make_seed()).fit(*data) for _ in "ab")
    np.testing.assert_array_equal(first.pointwise_mi_, second.pointwise_mi_)
    np.testing.assert_array_equal(first.pointwise_mi(*data), second.pointwise_mi(*data))
    assert first.mutual_info_ == second.mutual_info_
    scores = [mutual_info_mmg(*data, **(CHEAP | {"random_state": make_seed()})) for _ in "ab"]
    np.testing.assert_array_equal(*scores)


def test_same_bits_whatever_the_global_generators(data):
    values = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        values.append(tiny(device="cpu").fit(*data).pointwise_mi_)
    np.testing.assert_array_equal(*values)


def test_different_seed_differs(data):
    # Where only the closed form is found it is that of all samples, whatever their folds.
    fits = [tiny(random_state=seed, early_stopping=False).fit(*data) for seed in (0, 1, None)]
    estimates = {fitted.mutual_info_ for fitted in fits}
    assert len(estimates) == 3
    assert max(estimates) - min(estimates) < 1.0
    scores = [mutual_info_mmg(*data, **(CHEAP | {"random_state": seed}))[2] for seed in (0, 1)]
    assert scores[0] != scores[1]
    assert scores[0] == pytest.approx(scores[1], abs=0.2)


def test_parallel_folds_and_columns(data):
    one, two = (tiny(cv=2, n_jobs=n_jobs, device="cpu").fit(*data) for n_jobs in (1, 2))
    assert one.mutual_info_ == pytest.approx(two.mutual_info_, abs=1e-4)
    np.testing.assert_allclose(one.pointwise_mi(*data), two.pointwise_mi(*data), atol=1e-4)
    one, two = (mutual_info_mmg(*data, n_jobs=n_jobs, **CHEAP) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one, two)


def generator_states():
    return {
        "random": pickle.dumps(random.getstate()),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def moved_generators(call):
    """Names of the global generators that `call` draws from."""
    before = generator_states()
    call()
    after = generator_states()
    return [name for name in before if after[name] != before[name]]


@pytest.mark.parametrize("discrete", [False, True])
def test_global_generators_are_left_alone_by_fit(data, discrete):
    X, y = data
    y = y > 0.5 if discrete else y
    assert moved_generators(lambda: tiny(discrete_target=discrete).fit(X, y)) == []
    # Without a seed scikit-learn draws one from numpy, and that is all.
    unseeded = tiny(discrete_target=discrete, random_state=None)
    assert moved_generators(lambda: unseeded.fit(X, y)) == ["numpy"]


def test_global_generators_are_left_alone_by_evaluation(data, fitted):
    assert moved_generators(lambda: fitted.mutual_info(*data)) == []
    assert moved_generators(lambda: fitted.score(*data)) == []
    assert moved_generators(lambda: mutual_info_mmg(*data, **CHEAP)) == []


def test_evaluation_is_deterministic(data, fitted):
    np.testing.assert_array_equal(fitted.pointwise_mi(*data), fitted.pointwise_mi(*data))


# Containers


@pytest.mark.parametrize(
    ("convert", "tolerance"),
    [
        (lambda a: a.tolist(), 0),
        (lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a), 0),
        (lambda a: a.reshape(len(a), -1), 0),
        (np.asfortranarray, 0),
        (lambda a: a.astype(np.float32), 1e-3),
    ],
    ids=["list", "pandas", "column_of_y", "fortran", "float32"],
)
def test_containers(data, fitted, convert, tolerance):
    X, y = (convert(a) for a in data)
    mmg = tiny(device="cpu").fit(X, y)
    np.testing.assert_allclose(mmg.pointwise_mi_, fitted.pointwise_mi_, atol=20 * tolerance)
    assert mmg.mutual_info_ == pytest.approx(fitted.mutual_info_, abs=tolerance)
    assert mmg.mutual_info(X, y) == pytest.approx(fitted.mutual_info(*data), abs=tolerance)
    if np.ndim(y) == 1:
        scores = mutual_info_mmg(X, y, **CHEAP)
        np.testing.assert_allclose(scores, mutual_info_mmg(*data, **CHEAP), atol=tolerance)


def test_data_are_not_changed(data):
    X, y = (a.copy() for a in data)
    tiny().fit(X, y).mutual_info(X, y)
    mutual_info_mmg(X, y, **CHEAP, copy=False)
    np.testing.assert_array_equal(X, data[0])
    np.testing.assert_array_equal(y, data[1])


def test_feature_names(data, fitted):
    X, y = data
    frame = pd.DataFrame(X, columns=["mass", "age", "size"])
    mmg = tiny().fit(frame, y)
    assert mmg.feature_names_in_.tolist() == ["mass", "age", "size"]
    assert mmg.n_features_in_ == 3
    with pytest.raises(ValueError, match="feature names should match those"):
        mmg.mutual_info(frame[["age", "mass", "size"]], y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        mmg.mutual_info(X, y)
    assert not hasattr(fitted, "feature_names_in_")


# Output, imports, pictures


def test_verbose_draws_a_progress_bar(data, capsys):
    tiny(cv=2, verbose=1).fit(*data)
    captured = capsys.readouterr()
    assert "2 folds" in captured.err
    assert "5/5" in captured.err
    assert "train_loss=" in captured.err
    assert captured.out == ""
    tiny(cv=2).fit(*data)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("n_steps", [1, 25, 40])
def test_at_most_n_steps_are_taken(data, n_steps):
    assert 0 < tiny(n_steps=n_steps).fit(*data).n_iter_ <= n_steps


def test_import_is_light():
    program = (
        "import sys, sklearn_mmg; "
        "print(sorted({'torch', 'skorch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_display(fitted):
    display = MMSECurveDisplay.from_estimator(fitted)
    errors, gaps, density = display.axes_
    assert display.figure_.axes == [errors, gaps, density]
    assert density.get_xlabel() == "log-SNR"
    labels = [axes.get_ylabel() for axes in (errors, gaps, density)]
    assert labels == ["denoising error\n(noise units)", "integrand", "sampling\ndensity"]
    assert f"{fitted.mutual_info_:.3f} ± {fitted.mutual_info_se_:.3f} nats" in errors.get_title()
    curves = {line.get_label(): line.get_ydata() for axes in (errors, gaps) for line in axes.lines}
    expected = fitted.mmse_curves_
    for label, values in {
        "unconditional": expected.mmse_unconditional,
        "conditional": expected.mmse_conditional,
        "gap of errors": expected.gap,
        "squared difference": expected.orthogonal_gap,
    }.items():
        np.testing.assert_array_equal(curves[label], values)
    legend = [text.get_text() for text in errors.get_legend().get_texts()]
    assert legend == ["unconditional", "conditional", "gap"]


def test_display_on_given_axes(fitted):
    figure, axes = plt.subplots(3)
    display = MMSECurveDisplay.from_estimator(fitted, axes=axes)
    assert display.figure_ is figure
    assert all(ax.has_data() for ax in axes)
    assert plt.get_fignums() == [figure.number]


def test_display_without_curves(data):
    X, _ = data
    with pytest.raises(NotFittedError):
        MMSECurveDisplay.from_estimator(tiny())
    constant = tiny().fit(X, np.ones(N))
    with pytest.raises(ValueError, match="has no curves"):
        MMSECurveDisplay.from_estimator(constant)


# Devices


def assert_on_cpu(mmg):
    assert len(mmg.models_) > 0
    for pair in mmg.models_:
        assert pair.net_.device == "cpu"
        tensors = [*pair.net_.module_.parameters(), *pair.net_.module_.buffers()]
        assert {tensor.device.type for tensor in tensors} == {"cpu"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_missing_gpu(data, fitted):
    message = "device='cuda' was asked for, but torch sees no CUDA device"
    with pytest.raises(ValueError, match=message):
        tiny(device="cuda").fit(*data)
    with pytest.raises(ValueError, match=message):
        through_pickle(fitted, None).set_params(device="cuda").mutual_info(*data)


def test_tensors_are_on_cpu_after_fit(data):
    assert_on_cpu(tiny(cv=2).fit(*data))


@needs_gpu
@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_gpu_fit_is_evaluated_on_cpu(data, device, discrete):
    X, y = data
    y = y > 0.5 if discrete else y
    torch.cuda.reset_peak_memory_stats()
    allocated = torch.cuda.max_memory_allocated()
    mmg = tiny(cv=2, device=device, discrete_target=discrete).fit(X, y)
    assert torch.cuda.max_memory_allocated() > allocated
    assert_on_cpu(mmg)
    loaded = through_pickle(mmg, None).set_params(device="cpu")
    np.testing.assert_allclose(loaded.pointwise_mi(X, y), mmg.pointwise_mi(X, y), atol=1e-3)
    assert_on_cpu(mmg)


def test_groups_are_routed_to_the_splits(data):
    """A pipeline asks for them without being told to, and the splitter gets them."""
    X, y = data
    groups = np.arange(len(X)) // 4
    with sklearn.config_context(enable_metadata_routing=True):
        mmg = tiny(cv=GroupKFold(2))
        routed = make_pipeline(StandardScaler(), mmg).fit(X, y, groups=groups)
    X = StandardScaler().fit_transform(X)
    direct = tiny(cv=GroupKFold(2)).fit(X, y, groups=groups)
    np.testing.assert_array_equal(routed[-1].pointwise_mi_, direct.pointwise_mi_)
    assert routed[-1].mutual_info_se_ == direct.mutual_info_se_


def test_validation_of_parameters_can_be_skipped(data):
    with pytest.raises(ValueError, match="'verbose' parameter"):
        tiny(verbose="no").fit(*data)
    with sklearn.config_context(skip_parameter_validation=True):
        assert np.isfinite(tiny(verbose="").fit(*data).mutual_info_)
