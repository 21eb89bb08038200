"""Which samples are trained on and which evaluated: folds, groups, classes and copies."""

import warnings

import numpy as np
import pytest
from budgets import smallest, tiny
from sklearn.datasets import load_iris
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)

from sklearn_mmg import InfoNCEMutualInfo
from sklearn_mmg._core.folds import copied_rows, gather, make_splits
from sklearn_mmg._core.training import train_validation_rows
from sklearn_mmg._estimate import standard_error

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2))
Y = X[:, :1] + RNG.normal(size=(N, 1))
CLASSES = (np.arange(N) % 10 == 0).astype(float)[:, None]
NONE = [np.zeros(2, dtype=bool), np.zeros(1, dtype=bool)]
DISCRETE_Y = [np.zeros(2, dtype=bool), np.ones(1, dtype=bool)]


def test_any_splitter():
    for cv in (KFold(3), RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)):
        mmg = tiny(cv=cv).fit(X, Y)
        assert len(mmg.models_) == cv.get_n_splits()
        assert mmg.pointwise_mi_.shape == (N,)
        assert mmg.pointwise_mi_.mean() == pytest.approx(mmg.mutual_info_)
    assert len(smallest(InfoNCEMutualInfo, cv=KFold(3)).fit(X, Y).models_) == 3


def test_iterable_of_splits():
    splits = list(KFold(3).split(X))
    by_list, by_generator = tiny(cv=splits).fit(X, Y), tiny(cv=iter(splits)).fit(X, Y)
    assert (
        by_list.mutual_info_
        == by_generator.mutual_info_
        == tiny(cv=KFold(3)).fit(X, Y).mutual_info_
    )


def test_splits_that_hold_out_some_samples():
    mmg = tiny(cv=TimeSeriesSplit(3)).fit(X, Y)
    assert mmg.pointwise_mi_.shape == (90,)
    only = tiny(cv=PredefinedSplit(np.where(np.arange(N) < 30, 0, -1))).fit(X, Y)
    assert only.pointwise_mi_.shape == (30,)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ([], "gives no split"),
        ([(np.arange(10), np.arange(5, 15))], "evaluates samples that it trains on"),
        ([(np.arange(10), [])], "10 training and 0 test samples"),
    ],
)
def test_bad_splits(splits, message):
    with pytest.raises(ValueError, match=message):
        tiny(cv=splits).fit(X, Y)


def test_groups_are_handed_on_and_kept_together():
    groups = np.arange(N) // 10
    for cv in (3, 0.3, GroupKFold(3), LeaveOneGroupOut()):
        splits, clusters = make_splits(cv, X, Y, NONE, groups, 0)
        assert (clusters == groups).all()
        for train, test in splits:
            assert not set(groups[train]) & set(groups[test])
    named = np.array(list("abcdefghijkl"))[groups]
    mmg = tiny(cv=3).fit(X, Y, groups=named)
    assert mmg.pointwise_mi_.shape == (N,)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        tiny(cv=3).fit(X, Y, groups=groups[:-1])


@pytest.mark.parametrize("declared", [True, False])
def test_classes_are_in_every_part(declared):
    masks = DISCRETE_Y if declared else NONE
    for cv in (3, 0.25):
        splits, _ = make_splits(cv, X, CLASSES, masks, None, 0)
        for _, test in splits:
            assert CLASSES[test].mean() == pytest.approx(0.1, abs=0.01)
    splits, _ = make_splits(3, X, CLASSES, DISCRETE_Y, np.arange(N) // 2, 0)
    assert all(CLASSES[test].any() for _, test in splits)


@pytest.mark.parametrize("cv", [5, 0.3])
def test_rare_classes(cv):
    classes = np.zeros((N, 1))
    classes[:4, 0] = [1, 1, 2, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits, _ = make_splits(cv, X, classes, DISCRETE_Y, None, 0)
        all_rare, _ = make_splits(cv, X, np.arange(N)[:, None], DISCRETE_Y, None, 0)
    assert len(splits) == len(all_rare) == (5 if cv == 5 else 1)


def test_validation_part_has_the_shares_of_the_classes():
    codes = np.repeat([0, 1, 2], [150, 90, 60])
    train, valid = train_validation_rows(300, 0.1, np.random.default_rng(0), codes)
    assert np.abs(np.bincount(codes[valid]) - [50, 30, 20]).max() <= 1
    assert sorted([*train, *valid]) == list(range(300))


class TestCopies:
    rows = np.hstack([X, Y])

    def test_none(self):
        assert copied_rows(self.rows) is None

    def test_drawn_with_replacement(self):
        drawn = np.random.default_rng(1).integers(N, size=N)
        with pytest.warns(UserWarning, match="samples are copies of others in all columns"):
            copies = copied_rows(self.rows[drawn])
        assert len(np.unique(copies)) == len(np.unique(drawn))
        for row in np.unique(drawn):
            assert len(np.unique(copies[drawn == row])) == 1

    def test_a_few_do_not_warn_but_stay_together(self):
        rows = np.vstack([self.rows, self.rows[:2]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            splits, copies = make_splits(3, rows[:, :2], rows[:, 2:], NONE, None, 0)
        assert copies[:2].tolist() == copies[N:].tolist()
        for train, test in splits:
            assert not set(copies[train]) & set(copies[test])

    @pytest.mark.parametrize("levels", [2, 10, 60])
    def test_natural_repeats(self, levels):
        rng = np.random.default_rng(2)
        table = rng.integers(levels, size=(2000, 2)).astype(float)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert copied_rows(table) is None
            assert copied_rows(np.column_stack([table[:, 0], table[:, 0] > 3])) is None

    def test_interval_of_repeated_rows(self):
        rng = np.random.default_rng(3)
        x, y = np.repeat(rng.normal(size=(2, 60)), 5, axis=1)
        with pytest.warns(UserWarning, match="240 of the 300 samples are copies"):
            mmg = tiny(cv=3).fit(x[:, None], y)
        assert mmg.mutual_info_interval()[0] == 0


def test_gather_puts_values_in_the_order_of_samples():
    splits = [(None, np.array([3, 0])), (None, np.array([1, 3]))]
    values = gather(splits, [np.array([30.0, 1.0]), np.array([2.0, 50.0])])
    assert values.tolist() == [1, 2, 40]


def test_standard_error_of_clusters():
    values = np.random.default_rng(4).normal(size=500)
    single = standard_error(values)
    assert single == pytest.approx(values.std(ddof=1) / np.sqrt(500))
    repeated = np.repeat(values, 4)
    clusters = np.repeat(np.arange(500), 4)
    assert standard_error(repeated, clusters) == pytest.approx(single)
    assert standard_error(repeated) == pytest.approx(single / 2, rel=0.01)


def test_cross_validation_of_sorted_classes():
    X, y = load_iris(return_X_y=True)
    mmg = tiny(discrete_target=True)
    with pytest.warns(UserWarning, match="50 of 50 samples have a class of y that was not seen"):
        assert np.isfinite(cross_val_score(mmg, X, y, cv=3)).all()
    stratified = cross_val_score(mmg, X, y, cv=StratifiedKFold(3, shuffle=True, random_state=0))
    assert (stratified > 0.5).all()


def test_new_categories_of_the_condition_tell_nothing():
    rng = np.random.default_rng(6)
    table = np.column_stack([rng.normal(size=N), np.sort(rng.integers(4, size=N))])
    mmg = tiny(discrete_features=[1])
    with pytest.warns(UserWarning, match="samples have a category of X that was not seen in fit"):
        assert np.isfinite(cross_val_score(mmg, table, Y[:, 0], cv=3)).all()

    # Where nothing else is known of a sample its class has the prior probability.
    n = 800
    levels = rng.integers(3, size=n)
    error = 3 * np.sqrt(2 / (0.6 * n))  # of the logarithm of a share of a third in training
    mmg = tiny(discrete_features=True, discrete_target=True, cv=3).fit(levels[:, None], levels)
    assert mmg.pointwise_mi([[0]], [0]) > 0.5
    for denoise in ("X", "y"):
        mmg = tiny(discrete_features=True, discrete_target=True, denoise=denoise)
        mmg.fit(levels[:, None], levels)
        with pytest.warns(UserWarning, match="1 of 1 samples have a c.* of X that was not seen"):
            assert mmg.pointwise_mi([[9]], [0]) == pytest.approx(0, abs=error)


def test_new_categories_of_a_denoised_block_with_numbers_are_refused():
    table = np.column_stack([X[:, 0], np.arange(N) % 3])
    mmg = tiny(discrete_features=[1], denoise="X").fit(table, Y)
    table[0, 1] = 7
    with pytest.raises(ValueError, match=r"unknown categories .*7\.0"):
        mmg.pointwise_mi(table, Y)
