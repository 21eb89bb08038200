"""Columns of any type: which are discrete, and what is said of those that cannot be read."""

import numpy as np
import pandas as pd
import pytest
from budgets import MUTUAL_INFO_ESTIMATORS, smallest, tiny

from sklearn_mmg import GaussianMutualInfo, KSGMutualInfo, mutual_info_mmg
from sklearn_mmg._tables import ColumnReader, read_block, read_table

N = 120
RNG = np.random.default_rng(0)
NUMBER = RNG.normal(size=N)
CITY = np.array(["Bonn", "Rome", "Oslo"])[RNG.integers(3, size=N)]
FRAME = pd.DataFrame(
    {
        "number": NUMBER,
        "count": RNG.integers(5, size=N),
        "city": CITY,
        "object": CITY.astype(object),
        "category": pd.Categorical(CITY),
        "level": pd.Categorical(RNG.integers(3, size=N)),
        "flag": NUMBER > 0,
    }
)
DISCRETE = [False, False, True, True, True, True, True]
Y = NUMBER + (CITY == "Rome") + RNG.normal(size=N)


@pytest.mark.parametrize("discrete", ["auto", "from_dtype"])
def test_types_of_a_frame(discrete):
    values, mask, names = read_block(FRAME, discrete, "X")
    assert mask.tolist() == DISCRETE
    assert names == list(FRAME.columns)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values[:, 0], NUMBER)
    np.testing.assert_array_equal(values[:, 2], np.unique(CITY, return_inverse=True)[1])
    np.testing.assert_array_equal(values[:, 6], NUMBER > 0)


@pytest.mark.parametrize(
    ("data", "discrete"),
    [
        (NUMBER[:, None], [False]),
        (np.arange(N)[:, None] % 3, [False]),
        (NUMBER[:, None] > 0, [True]),
        (CITY[:, None], [True]),
        (CITY.astype(object)[:, None], [True]),
        (np.column_stack([NUMBER.astype(object), CITY]), [False, True]),
        ([[1.5, "a"], [2.5, "b"]], [False, True]),
        (FRAME[["number", "flag"]].to_numpy(), [False, True]),
        (FRAME[["level"]], [True]),
        (FRAME[["count", "number"]].astype("Float64"), [False, False]),
    ],
)
def test_types_of_arrays(data, discrete):
    values, mask, _ = read_block(data, "auto", "X")
    assert mask.tolist() == discrete
    assert values.shape == (len(data), len(discrete))
    assert values.dtype == np.float64


@pytest.mark.parametrize("target", [CITY, CITY.tolist(), pd.Series(CITY), FRAME["category"]])
def test_target_of_names(target):
    values, mask, _ = read_block(target, "auto", "y")
    assert mask.tolist() == [True]
    np.testing.assert_array_equal(values[:, 0], np.unique(CITY, return_inverse=True)[1])


@pytest.mark.parametrize(
    ("discrete", "mask"),
    [
        (True, [True] * 7),
        ([1, 2, 3, 4, 5, 6], [False] + [True] * 6),
        (["count", *FRAME.columns[2:]], [False] + [True] * 6),
        ([False] + [True] * 6, [False] + [True] * 6),
    ],
)
def test_declarations(discrete, mask):
    if discrete is True:
        with pytest.warns(UserWarning, match="Column 'number' of X is discrete and has 120 dist"):
            read = read_block(FRAME, discrete, "X")
    else:
        read = read_block(FRAME, discrete, "X")
    assert read[1].tolist() == mask


BAD = {
    "no such name": (FRAME, ["town"], r"discrete_features names columns .* have: \['town'\]"),
    "no names": (NUMBER[:, None], ["number"], "X is no data frame"),
    "no such index": (FRAME, [9], "must be indices of the 7 columns of X"),
    "fractional index": (FRAME, [0.5], "must be indices of the 7 columns of X"),
    "mask": (FRAME, [True], r"shape \(1,\), expected \(7,\)"),
    "string": (FRAME, "some", "Invalid string value for discrete_features: 'some'"),
    "undeclared": (FRAME, False, "could not convert string to float.*column 'city' of X.*Ordinal"),
    "times": (
        FRAME.assign(day=pd.Timestamp("2020-01-01")),
        "auto",
        r"column 'day' of X has the type datetime64.*days since",
    ),
    "None": (FRAME.assign(city=[None, *CITY[1:]]).astype({"city": object}), "auto", "contains NaN"),
    "mixture": (np.array([[1], ["a"]], dtype=object), True, "Column 0 of X mixes strings and num"),
}


@pytest.mark.parametrize(("data", "discrete", "message"), BAD.values(), ids=BAD.keys())
def test_messages(data, discrete, message):
    with pytest.raises(ValueError, match=message):
        read_block(data, discrete, "X")


def test_new_category():
    table = read_table(FRAME[["city"]], "X")
    reader = ColumnReader("X").fit(table)
    other = read_table(pd.DataFrame({"city": ["Rome", "Lima"]}), "X")
    with pytest.raises(ValueError, match=r"unknown categories \['Lima'\] in column 'city' of X"):
        reader.transform(other)
    assert reader.transform(other, allow_unknown=True).tolist() == [[2], [3]]


@pytest.mark.parametrize("estimator_class", MUTUAL_INFO_ESTIMATORS)
def test_names_in_every_estimator(estimator_class):
    """They are read wherever discrete columns are, and refused in clear words elsewhere."""
    estimator = smallest(estimator_class)
    frame = FRAME[["number", "city", "flag"]]
    if hasattr(estimator, "discrete_features"):
        estimator.fit(frame, Y)
        assert np.isfinite(estimator.mutual_info(frame, Y))
        again = smallest(estimator_class, discrete_features=["city", "flag"]).fit(frame, Y)
        assert again.mutual_info_ == estimator.mutual_info_
    else:
        with pytest.raises(ValueError, match=r"'city' of X\. Encode it, with .*OrdinalEncoder"):
            estimator.fit(frame, Y)


def test_undeclared_names_and_declared_codes_are_the_same():
    named = tiny().fit(NUMBER[:, None], CITY)
    coded = tiny(discrete_target=True).fit(NUMBER[:, None], np.unique(CITY, return_inverse=True)[1])
    assert named.mutual_info_ == coded.mutual_info_
    by_x = tiny(denoise="X").fit(CITY[:, None], NUMBER)
    assert by_x.mutual_info_ == pytest.approx(named.mutual_info_, abs=0.05)


def test_boolean_target_is_discrete():
    assert tiny(denoise="y").fit(NUMBER[:, None], Y > 0).sides_.target.kind == "discrete"


def test_several_targets_of_which_some_are_discrete():
    y = np.column_stack([Y, np.arange(N) % 3])
    mmg = tiny(discrete_target=[False, True]).fit(NUMBER[:, None], y)
    assert [m.tolist() for m in mmg._masks] == [[False], [False, True]]
    assert np.isfinite(mmg.mutual_info(NUMBER[:, None], y))


def test_fractions_are_no_classes():
    with pytest.raises(ValueError, match=r"Unknown label type: continuous. Column 0 of y .* bin"):
        tiny(discrete_target=True).fit(FRAME[["number"]], Y)


def test_later_categories_that_are_no_matter():
    """Nothing was learned of categories where neighbours are searched in the new data alone."""
    ksg = KSGMutualInfo(random_state=0).fit(NUMBER[:, None], CITY)
    renamed = np.char.add(CITY, "?")
    assert ksg.mutual_info(NUMBER[:, None], renamed) == pytest.approx(ksg.mutual_info_)


def test_booleans_are_numbers_where_all_columns_are():
    numbers = FRAME[["number", "flag"]]
    direct = GaussianMutualInfo().fit(numbers, Y)
    assert direct.mutual_info_ == GaussianMutualInfo().fit(numbers.astype(float), Y).mutual_info_


@pytest.mark.parametrize("strings", [False, True])
def test_missing_values_are_named_with_their_place(strings):
    frame = pd.DataFrame(
        {"city": list("abcd") if strings else [1, 2, 3, 4], "price": [1.0, 2, 3, 4]}
    )
    frame.loc[2, "price"] = np.nan
    with pytest.raises(
        ValueError, match=r"contains NaN, first in row 2 of column 'price'.*Imputer"
    ):
        mutual_info_mmg(frame, np.arange(4.0))
