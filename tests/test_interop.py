"""Data, searches and files of other libraries."""

import subprocess
import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import skops.io
import torch
from budgets import CHEAP, ESTIMATORS, smallest, tiny
from sklearn.compose import make_column_transformer
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # makes it importable
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, HalvingGridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_mmg import (
    MMGDivergence,
    MMGEntropy,
    PairwiseMutualInfoSelector,
    SelectByMutualInfo,
    SequentialMutualInfoSelector,
    SmoothGaussianizer,
    SubsetMutualInfo,
    mutual_info_matrix,
    mutual_info_mmg,
)

N = 200


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return X, X[:, 0] + 0.5 * rng.normal(size=N)


@pytest.fixture(scope="module")
def frames(data):
    X, y = data
    columns = {"u": X[:, 0], "v": X[:, 1], "city": np.where(X[:, 2] > 0, "Bern", "Oslo")}
    return pd.DataFrame(columns), pl.DataFrame(columns), y


@pytest.fixture(scope="module")
def fitted(data):
    return tiny().fit(*data)


class TestPolars:
    @pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["Bern", "Oslo"])])
    def test_same_as_pandas(self, frames, kind):
        by_pandas, by_polars, y = frames
        by_polars = by_polars.with_columns(pl.col("city").cast(kind))
        expected, found = tiny(given="v").fit(by_pandas, y), tiny(given="v").fit(by_polars, y)
        assert found.mutual_info_ == expected.mutual_info_
        assert found.feature_names_in_.tolist() == ["u", "v", "city"]
        assert found._masks[0].tolist() == [False, False, True]
        scores = mutual_info_mmg(by_polars, pl.Series("y", y), **CHEAP)
        np.testing.assert_array_equal(scores, mutual_info_mmg(by_pandas, y, **CHEAP))
        later = found.mutual_info(by_polars, pl.Series("y", y))
        assert later == expected.mutual_info(by_pandas, y)

    def test_matrix(self, frames):
        by_pandas, by_polars, _ = frames
        matrices = [mutual_info_matrix(frame, random_state=0) for frame in (by_pandas, by_polars)]
        np.testing.assert_array_equal(*matrices)

    def test_boolean_target_is_discrete(self, frames):
        _, by_polars, y = frames
        share = np.mean(y > 0)
        entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
        found = tiny().fit(by_polars, pl.Series("y", y > 0))
        assert found._entropy_bound.of_sample == pytest.approx(entropy)

    def test_what_is_missing_is_named(self, frames):
        _, by_polars, y = frames
        hole = by_polars.with_columns(pl.when(pl.col("u") < 1).then(pl.col("u")).alias("u"))
        row = int(np.argmax(by_polars["u"].to_numpy() >= 1))
        with pytest.raises(ValueError, match=f"NaN, first in row {row} of column 'u'"):
            tiny().fit(hole, y)
        dates = by_polars.with_columns(day=pl.date(2020, 1, 1))
        with pytest.raises(ValueError, match="column 'day' of X has the type date"):
            tiny().fit(dates, y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(
    "selector",
    [
        PairwiseMutualInfoSelector(n_features_to_select=1, random_state=0),
        SelectByMutualInfo(random_state=0),
        SequentialMutualInfoSelector(
            smallest(SubsetMutualInfo), n_features_to_select=1, random_state=0
        ),
    ],
    ids=lambda s: type(s).__name__,
)
def test_set_output(frames, library, selector):
    by_pandas, by_polars, y = frames
    frame = by_pandas if library == "pandas" else by_polars
    selected = selector.set_output(transform=library).fit(frame, y).transform(frame)
    assert type(selected) is type(frame)
    assert list(selected.columns) == selector.get_feature_names_out().tolist()
    assert "u" in selected.columns
    np.testing.assert_array_equal(selected["u"].to_numpy(), frame["u"].to_numpy())


# Compositions of scikit-learn


def test_column_transformer(frames):
    frame, _, y = frames
    columns = make_column_transformer(
        (PairwiseMutualInfoSelector(n_features_to_select=1, random_state=0), ["v", "u"]),
        (SmoothGaussianizer(), ["v"]),
        verbose_feature_names_out=False,
    ).fit(frame, y)
    assert columns.get_feature_names_out().tolist() == ["u", "v"]
    np.testing.assert_array_equal(columns.transform(frame)[:, 0], frame["u"])


def test_halving_over_steps(data):
    search = HalvingGridSearchCV(
        tiny(early_stopping=False),
        {"width": [4, 8]},
        resource="n_steps",
        min_resources=2,
        max_resources=8,
        factor=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(*data)
    assert search.n_resources_[0] < search.n_resources_[-1] <= 8
    assert search.best_estimator_.n_iter_ == search.n_resources_[-1]
    assert np.isfinite(search.best_score_)


def test_cross_validated_score_is_that_of_later_data(data):
    X, y = data
    train, test = np.arange(100), np.arange(100, N)
    (score,) = cross_val_score(tiny(), X, y, cv=[(train, test)], error_score="raise")
    assert score == tiny().fit(X[train], y[train]).score(X[test], y[test])


@pytest.mark.filterwarnings("ignore:100 of 100 samples have a class")
def test_classes_that_a_fold_has_not_seen_score_finitely(data):
    """Sorted classes in folds that are not shuffled, as of iris."""
    X, _ = data
    scores = cross_val_score(
        tiny(discrete_target=True), X, np.repeat(["a", "b"], N // 2), cv=2, error_score="raise"
    )
    assert np.isfinite(scores).all()


def test_groups_are_routed_through_searches(data):
    X, y = data
    groups = np.arange(N) // 4
    estimator, outer = tiny(cv=GroupKFold(2)), GroupKFold(2)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            estimator, X, y, cv=outer, params={"groups": groups}, error_score="raise"
        )
        grid = GridSearchCV(estimator, {"width": [4, 8]}, cv=outer, error_score="raise")
        grid.fit(X, y, groups=groups)
    train, test = next(outer.split(X, y, groups))
    direct = tiny(cv=GroupKFold(2)).fit(X[train], y[train], groups=groups[train])
    assert scores[0] == pytest.approx(direct.score(X[test], y[test]))
    refit = tiny(cv=GroupKFold(2), **grid.best_params_).fit(X, y, groups=groups)
    assert grid.best_estimator_.mutual_info_se_ == refit.mutual_info_se_


def test_groups_are_routed_to_a_selector_in_a_pipeline(data):
    X, y = data
    groups = np.arange(N) // 4
    subsets = smallest(SubsetMutualInfo, cv=GroupKFold(2))
    selector = SequentialMutualInfoSelector(subsets, n_features_to_select=1, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(selector, LinearRegression()).fit(X, y, groups=groups)
    direct = selector.fit(X, y, groups=groups)
    found = pipeline[0].mutual_information_path_se_
    np.testing.assert_array_equal(found, direct.mutual_information_path_se_)


def test_two_workers_of_a_cluster_have_the_same_numbers():
    """The command of the page, which compares folds, columns and the benchmark."""
    script = Path(__file__).parents[1] / "docs" / "studies" / "scaling.py"
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    said = [line.split() for line in run.stdout.splitlines()]
    assert [words[0] for words in said] == ["folds", "columns", "benchmark"]
    assert all(words[-2:] == ["equal:", "True"] and int(words[1]) > 3 for words in said)


# Arrays


@pytest.mark.parametrize("dispatch", [False, True])
@pytest.mark.parametrize("convert", [array_api_strict.asarray, torch.from_numpy])
def test_arrays_of_other_libraries_are_read(data, fitted, convert, dispatch, monkeypatch):
    X, y = (convert(a) for a in data)
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it scikit-learn refuses to dispatch
    with sklearn.config_context(array_api_dispatch=dispatch):
        found = tiny().fit(X, y)
        assert found.mutual_info_ == fitted.mutual_info_
        assert type(found.pointwise_mi(X, y)) is np.ndarray
        scores = mutual_info_mmg(X, y, **CHEAP)
        entropy = smallest(MMGEntropy).fit(X).entropy_
        normal = SmoothGaussianizer().fit(X).transform(X)
    np.testing.assert_array_equal(scores, mutual_info_mmg(*data, **CHEAP))
    assert entropy == smallest(MMGEntropy).fit(data[0]).entropy_
    np.testing.assert_array_equal(normal, SmoothGaussianizer().fit_transform(data[0]))


@pytest.mark.parametrize(
    "unreadable",
    [
        lambda X: torch.tensor(X, requires_grad=True),
        lambda X: torch.tensor(X).to(torch.bfloat16),
        lambda X: torch.empty(X.shape, device="meta"),
        lambda X: array_api_strict.asarray(X, device=array_api_strict.Device("device1")),
    ],
    ids=["gradient", "bfloat16", "no data", "other device"],
)
def test_arrays_that_numpy_cannot_read_are_refused(data, unreadable):
    X, y = data
    with pytest.raises(TypeError, match=r"^X is an array of (torch|array_api_strict) that NumPy"):
        tiny().fit(unreadable(X), y)
    with pytest.raises(TypeError, match=r"^y is an array .* y\.detach\(\)\.cpu\(\)"):
        tiny().fit(X, unreadable(y))


# skops

# What has to be trusted, beside the class itself. None of it runs code of the file.
OURS = {
    "sklearn_mmg._core.preconditioning.Dropped",
    "sklearn_mmg._core.preconditioning.LinearPreconditioner",
    "sklearn_mmg._estimate.Estimate",
    "sklearn_mmg._plausibility.EntropyBound",
    "sklearn_mmg._tables.ColumnReader",
    "sklearn_mmg.baselines._gaussian.GaussianMutualInfo",  # of MultiInformation
    "sklearn_mmg.preprocessing._ColumnMap",
}
# skops has no place for the networks of torch.
WITH_NETWORKS = {e for e in ESTIMATORS if "device" in smallest(e).get_params()}


@pytest.mark.filterwarnings("ignore:Nearest neighbours")  # of a tiny fit
@pytest.mark.parametrize("estimator_class", ESTIMATORS, ids=lambda e: e.__name__)
def test_skops(estimator_class, data):
    X, y = data
    estimator = smallest(estimator_class)
    if hasattr(estimator, "fit"):
        estimator.fit(X, y > 0 if estimator_class is MMGDivergence else y)
    if estimator_class in WITH_NETWORKS or hasattr(estimator, "estimator_"):
        with pytest.raises((TypeError, RuntimeError)):
            skops.io.dumps(estimator)
        return
    file = skops.io.dumps(estimator)
    own = f"{estimator_class.__module__}.{estimator_class.__qualname__}"
    unknown = set(skops.io.get_untrusted_types(data=file))
    assert unknown <= OURS | {own}
    loaded = skops.io.loads(file, trusted=sorted(unknown))
    assert repr(loaded) == repr(estimator)
    if hasattr(estimator, "mutual_info"):
        assert loaded.mutual_info_interval() == estimator.mutual_info_interval()
        assert loaded.mutual_info(X, y) == estimator.mutual_info(X, y)
    if hasattr(estimator, "transform"):
        np.testing.assert_array_equal(loaded.transform(X), estimator.transform(X))
