"""What a fitted estimator shows of itself."""

import re
import warnings
from html import escape

import numpy as np
import pandas as pd
import pytest
import sklearn
from budgets import NETWORK, smallest, tiny
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import (
    GaussianMutualInfo,
    MMGDivergence,
    MMGEntropy,
    MultiInformation,
    PairwiseMutualInfoSelector,
    SequentialMutualInfoSelector,
    SubsetMutualInfo,
)

N = 400


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N, 3)), columns=["a", "b", "<c>"])
    return X, X["a"] + rng.normal(size=N)


@pytest.fixture(scope="module")
def fitted(data):
    return GaussianMutualInfo().fit(*data)


def test_text(fitted):
    summary = fitted.summary()
    ((name, value, error, interval),) = summary.quantities
    assert (name, value, error) == (
        "mutual information",
        fitted.mutual_info_,
        fitted.mutual_info_se_,
    )
    assert interval == fitted.mutual_info_interval()
    title, _, header, row, _, *notes = str(summary).splitlines()
    assert title == "GaussianMutualInfo, fitted on 400 samples: 3 columns of X and 1 of y"
    assert header.split("  ")[-1].strip() == "95 % interval"
    low, high = interval
    cells = re.split(r"\s{3,}", row)
    assert cells == [
        name,
        f"{value:.3f} nats",
        f"{error:.3f}",
        f"{low:.3f} to {high:.3f}",
    ]
    assert len(row) == len(header)
    assert notes[0] == "The interval excludes 0: the dependence is beyond chance."
    assert notes[1].startswith("The fit has no caveats.")


def test_bits(fitted):
    assert f"{fitted.mutual_info_ / np.log(2):.3f} bits" in str(fitted.summary("bits"))
    with pytest.raises(ValueError, match=r"among \['bits', 'nats'\]"):
        fitted.summary("hartleys")


def test_independence_is_not_excluded(data):
    X, _ = data
    alone = GaussianMutualInfo().fit(X, np.random.default_rng(1).normal(size=N))
    assert alone.mutual_info_interval()[0] == 0
    assert "independence is not excluded" in alone.summary().notes[0]


def test_share_of_the_entropy(data):
    X, y = data
    mmg = tiny(discrete_target=True).fit(X, y > 0)
    p = np.mean(y > 0)
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    note = f"It is {mmg.mutual_info_ / entropy:.0%} of {entropy:.3f} nats, the entropy of a"
    assert any(text.startswith(note) for text in mmg.summary().notes)


def test_what_the_fit_warned_of_is_said(data):
    X, _ = data
    with pytest.warns(UserWarning, match="infinite") as caught:
        copy = tiny(given="b").fit(X, X["a"] ** 3)
    summary = copy.summary()
    assert summary.caveats == tuple(str(warning.message) for warning in caught)
    assert f"Caveat: {summary.caveats[0]}" in str(summary)
    assert "inf nats" in str(summary)
    assert ", 1 of them given" in summary.title
    assert f'<p class="caveat">{escape(summary.caveats[0])}</p>' in copy._repr_html_()
    # A refit without caveats forgets them.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy.fit(X, np.random.default_rng(1).normal(size=N))
    assert copy.summary().caveats == ()


def test_estimate_beyond_the_entropy_is_a_caveat(fitted, data, monkeypatch):
    """What is found after the estimate, not by it."""
    refitted = clone(fitted)
    monkeypatch.setattr(type(fitted), "_impossible", lambda self: ["too much"])
    with pytest.warns(UserWarning, match="too much"):
        refitted.fit(*data)
    assert refitted.summary().caveats == ("too much",)


def test_constructor_is_what_repr_gives(fitted):
    assert repr(fitted) == "GaussianMutualInfo()"
    assert fitted._repr_mimebundle_()["text/plain"] == "GaussianMutualInfo()"


@pytest.mark.parametrize("show", [lambda e: e._repr_html_(), lambda e: _html(e)])
def test_html_has_the_summary_and_the_diagram(fitted, show):
    html = show(fitted)
    assert html.count('<div class="sklearn-mmg-summary">') == 1
    table = html.partition("<table>")[2].partition("</table>")[0]
    assert f"<td>{fitted.mutual_info_:.3f} nats</td>" in table
    assert "sk-top-container" in html
    unfitted = show(clone(fitted))
    assert "sklearn-mmg-summary" not in unfitted
    assert "sk-top-container" in unfitted


def _html(estimator):
    return estimator._repr_mimebundle_()["text/html"]


def test_text_is_shown_where_no_diagram_is_asked_for(fitted):
    with sklearn.config_context(display="text"):
        assert not hasattr(fitted, "_repr_html_")
        assert set(fitted._repr_mimebundle_()) == {"text/plain"}


def test_pipeline_shows_its_diagram(data):
    pipeline = make_pipeline(StandardScaler(), GaussianMutualInfo()).fit(*data)
    assert "GaussianMutualInfo" in pipeline._repr_html_()


def test_unfitted():
    with pytest.raises(NotFittedError):
        GaussianMutualInfo().summary()


def test_entropy_and_divergence(data):
    X, y = data
    entropy = smallest(MMGEntropy).fit(X[["a", "b"]])
    divergence = smallest(MMGDivergence).fit(X[["a", "b"]], y > 0)
    for estimator, name in ((entropy, "entropy"), (divergence, "divergence")):
        ((shown, value, error, interval),) = estimator.summary().quantities
        assert shown == name
        assert (value, error) == (getattr(estimator, f"{name}_"), getattr(estimator, f"{name}_se_"))
        assert interval == getattr(estimator, f"{name}_interval")()
        assert estimator.summary().title.endswith("fitted on 2 columns")
        assert f"<td>{value:.3f} nats</td>" in estimator._repr_html_()


def test_synergy_and_redundancy():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(N, 1))
    same = common + 0.5 * rng.normal(size=(N, 3))
    a, b = rng.normal(size=(2, N))
    together = np.column_stack([a, b, a + b + 0.3 * rng.normal(size=N)])
    shared = MultiInformation(estimator=GaussianMutualInfo())
    assert "(redundancy)" in shared.fit(same).summary().notes[0]
    summary = shared.fit(together).summary()
    assert "(synergy)" in summary.notes[0]
    assert [q.name for q in summary.quantities] == [
        "total correlation",
        "dual total correlation",
        "O-information",
        "S-information",
    ]
    assert summary.quantities[2].value == shared.o_information_
    assert "neither" in shared.fit(rng.normal(size=(N, 3))).summary().notes[0]


def test_selectors_name_their_columns(data):
    X, y = data
    selector = SequentialMutualInfoSelector(
        SubsetMutualInfo(**NETWORK), n_features_to_select=1, random_state=0
    ).fit(X, y)
    summary = selector.summary()
    assert summary.notes == ("Selected are 1: a.",)
    (quantity,) = summary.quantities
    assert quantity.value == selector.mutual_information_path_[-1]
    assert 0.1 < quantity.interval[0] < quantity.value < quantity.interval[1]
    assert "Selected are 1: a." in selector._repr_html_()

    many = PairwiseMutualInfoSelector(n_features_to_select=3, random_state=0).fit(X, y)
    text = str(many.summary())
    assert text.startswith("PairwiseMutualInfoSelector, fitted on 3 columns\n\nSelected are 3: a,")
    assert "&lt;c&gt;" in many._repr_html_().partition("</div>")[0]
