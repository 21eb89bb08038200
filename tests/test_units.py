"""Displays in nats and in bits."""

import numpy as np
import pytest

import sklearn_mmg
from sklearn_mmg import (
    ColumnInformationDisplay,
    EstimateComparisonDisplay,
    GaussianMutualInfo,
    MMSECurveDisplay,
    MutualInfoMatrixDisplay,
    PointwiseContributionDisplay,
    PointwiseInformationDisplay,
    ReliabilityDisplay,
    SelectionPathDisplay,
    TrainingHistoryDisplay,
)
from sklearn_mmg.diffusion.terms import ErrorCurves
from sklearn_mmg.inspection import check_reliability

VALUES = np.array([0.0, 0.5, 0.75])


def path(units):
    display = SelectionPathDisplay(["a", "b"], VALUES, VALUES / 10, 0.8, ("c", 0.1, 0.3))
    ax = display.plot(units=units).ax_
    return np.concatenate([line.get_ydata() for line in ax.lines]), ax.get_ylabel()


def columns(units):
    display = ColumnInformationDisplay(list("abc"), VALUES, VALUES, VALUES / 10)
    ax = display.plot(units=units).ax_
    widths = [bar.get_width() for bar in ax.patches]
    (gains,) = (line.get_xdata() for line in ax.lines if line.get_marker() == "D")
    return np.concatenate([gains, widths]), ax.get_xlabel()


def contributions(units):
    display = PointwiseContributionDisplay("a", VALUES, VALUES, np.arange(3))
    ax = display.plot(units=units).ax_
    drawn = np.concatenate([points.get_offsets()[:, 1] for points in ax.collections])
    mean = float(ax.get_title().split(": ")[1].split()[0])
    return np.append(drawn, mean), ax.get_ylabel()


def matrix(units):
    ax = MutualInfoMatrixDisplay(np.diag(VALUES)).plot(units=units, cluster=False).ax_
    return np.array([float(text.get_text()) for text in ax.texts]), ax.get_title()


def curves(units):
    nodes = np.linspace(-1, 1, 3)
    display = MMSECurveDisplay(
        curves=ErrorCurves(nodes, *[VALUES] * 4), mutual_info=0.5, standard_error=0.1
    )
    title = display.plot(units=units).axes_[0].get_title()
    return np.array([float(title.split()[2]), float(title.split()[4])]), title


def refits(units):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    result = check_reliability(
        GaussianMutualInfo(), X, X + rng.normal(size=(200, 1)), random_state=0
    )
    ax = ReliabilityDisplay.from_result(result, units=units).ax_
    drawn = np.concatenate([line.get_xdata() for line in ax.lines])
    return drawn, ax.get_xlabel()


def pointwise(units):
    ax = PointwiseInformationDisplay(VALUES).plot(units=units).ax_
    mean = float(ax.get_title().split()[2])
    drawn = next(line.get_ydata() for line in ax.lines if len(line.get_ydata()) == len(VALUES))
    return np.append(drawn, mean), ax.get_ylabel()


def comparison(units):
    intervals = np.column_stack([VALUES - 0.1, VALUES + 0.2])
    ax = EstimateComparisonDisplay(list("abc"), VALUES, intervals, 0.6).plot(units=units).ax_
    ends = np.array([line[:, 0] for line in ax.collections[0].get_segments()]).ravel()
    return np.concatenate([ends, *(line.get_xdata() for line in ax.lines)]), ax.get_xlabel()


def losses(units):
    history = [[{"epoch": i + 1, "train_loss": v} for i, v in enumerate(VALUES)]]
    ax = TrainingHistoryDisplay(history, 60).plot(units=units).ax_
    return ax.lines[0].get_ydata(), ax.get_ylabel()


DRAWN = [
    path,
    columns,
    contributions,
    matrix,
    curves,
    refits,
    pointwise,
    comparison,
    losses,
]


def test_every_display_is_here():
    displays = {name for name in sklearn_mmg.__all__ if name.endswith("Display")}
    assert displays <= set(globals())
    assert len(DRAWN) == len(displays)


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
def test_what_is_drawn_and_said_has_the_units(draw):
    (nats, label), (bits, of_bits) = draw("nats"), draw("bits")
    assert "nats" in label and "bits" not in label
    assert "bits" in of_bits and "nats" not in of_bits
    np.testing.assert_allclose(bits, nats / np.log(2), atol=0.006)  # two digits, if it is text
    assert nats.max() > 0.1
    with pytest.raises(ValueError, match=r"among \['bits', 'nats'\]. Got 'bit' instead"):
        draw("bit")
