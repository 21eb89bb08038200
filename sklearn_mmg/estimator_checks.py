"""Checks of what every estimator of mutual information promises, for those of others too."""

import math
import pickle
from collections.abc import Callable

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_mmg.base import BaseMutualInfo

N_SAMPLES = 200


def check_mutual_info_estimator(estimator: BaseMutualInfo, slack: float = 0.1) -> None:
    """Raise an AssertionError unless an estimator keeps the contract of this package.

    The checks of scikit-learn, :func:`sklearn.utils.estimator_checks.check_estimator`, are others.

    Parameters
    ----------
    estimator : estimator
        Unfitted, with a budget that makes a fit quick, and a fixed ``random_state`` if it has one.
    slack : float, default=0.1
        What an estimate from 200 samples may miss beyond three standard errors, in nats: the
        default is what a training of seconds leaves.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator : What any estimator of scikit-learn keeps.
    sklearn_mmg.base.BaseMutualInfo : The base class that keeps most of the contract.

    Examples
    --------
    >>> from sklearn_mmg import KSGMutualInfo
    >>> from sklearn_mmg.estimator_checks import check_mutual_info_estimator
    >>> check_mutual_info_estimator(KSGMutualInfo(random_state=0))
    """
    fitted = _copy(estimator).fit(*normal_blocks(0))
    for check in CHECKS:
        check(fitted)
    check_known_value(_copy(estimator), slack)


def _copy(estimator: BaseMutualInfo) -> BaseMutualInfo:
    """Unfitted, with the same parameters."""
    return clone(estimator)  # pyright: ignore[reportReturnType]  # of the same type


def normal_blocks(seed: int, n_samples: int = N_SAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """Two normal blocks of 3 and 2 columns that share ``log(2)``."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 3))
    return X, X[:, :2] + rng.normal(size=(n_samples, 2))


def check_known_value(estimator: BaseMutualInfo, slack: float) -> None:
    """Normal blocks with ``log(2)`` nats, and independent ones."""
    X, y = normal_blocks(0)
    estimator.fit(X, y)
    error = 3 * estimator.mutual_info_se_ + slack
    assert abs(estimator.mutual_info_ - math.log(2)) < error, estimator.mutual_info_
    estimator.fit(X, np.random.default_rng(1).permutation(y))
    assert abs(estimator.mutual_info_) < 3 * estimator.mutual_info_se_ + slack


def check_estimate(fitted: BaseMutualInfo) -> None:
    """Types and order of the estimate, its error and its intervals."""
    assert isinstance(fitted.mutual_info_, float)
    assert isinstance(fitted.mutual_info_se_, float)
    assert 0 < fitted.mutual_info_se_ < 1
    low, high = fitted.mutual_info_interval()
    assert 0 <= low <= max(fitted.mutual_info_, 0) <= high
    wider = fitted.mutual_info_interval(confidence=0.999)
    assert wider[0] <= low and wider[1] >= high


def check_pointwise_values(fitted: BaseMutualInfo) -> None:
    """Their mean is the estimate; where there are none there is an estimate of later data."""
    other = normal_blocks(1)
    if not hasattr(fitted, "pointwise_mi"):
        assert not hasattr(fitted, "pointwise_mi_")
        assert math.isfinite(fitted.mutual_info(*other))
        return
    assert math.isclose(fitted.pointwise_mi_.mean(), fitted.mutual_info_, abs_tol=1e-9)
    values = fitted.pointwise_mi(*other)
    assert values.shape == (N_SAMPLES,)
    assert values.dtype == np.float64
    assert math.isclose(values.mean(), fitted.mutual_info(*other), abs_tol=1e-9)


def check_score(fitted: BaseMutualInfo) -> None:
    """A finite number, of an estimator that has something safe to maximise."""
    if hasattr(fitted, "score"):
        score = fitted.score(*normal_blocks(1))
        assert isinstance(score, float)
        assert math.isfinite(score)


def check_pickle(fitted: BaseMutualInfo) -> None:
    """A stored estimator says the same of later data."""
    stored = pickle.loads(pickle.dumps(fitted))
    assert stored.mutual_info(*normal_blocks(1)) == fitted.mutual_info(*normal_blocks(1))
    assert stored.mutual_info_ == fitted.mutual_info_


def check_repeatable(fitted: BaseMutualInfo) -> None:
    """The same seed gives the same bits, and NumPy's global generator is left alone."""
    before = _state_of_global_generator()
    again = _copy(fitted).fit(*normal_blocks(0))
    assert again.mutual_info_ == fitted.mutual_info_
    assert again.mutual_info(*normal_blocks(1)) == fitted.mutual_info(*normal_blocks(1))
    assert _state_of_global_generator() == before


def check_later_columns(fitted: BaseMutualInfo) -> None:
    """Later data have the columns of those that were fitted."""
    X, y = normal_blocks(0)
    _assert_refused(fitted.mutual_info, X[:, :2], y, says="X has 2 features, but")
    _assert_refused(fitted.mutual_info, X, y[:, 0], says="y has 1 columns, but")


def check_bad_data(fitted: BaseMutualInfo) -> None:
    """Data that no estimate can be made of are refused, and leave an estimator as it was."""
    X, y = normal_blocks(0)
    bad = {
        "Input X contains NaN": (np.where(X > 1, np.nan, X), y),
        "Input y contains infinity": (X, np.where(y > 1, np.inf, y)),
        "Expected 2D array": (X[:, 0], y),
        "inconsistent numbers of samples": (X, y[:-1]),
    }
    estimator, before = _copy(fitted), dict(vars(fitted))
    for message, blocks in bad.items():
        _assert_refused(estimator.fit, *blocks, says=message)
        _assert_refused(estimator.mutual_info, X, y, says="not fitted", error=NotFittedError)
        _assert_refused(fitted.fit, *blocks, says=message)
        assert vars(fitted) == before


def check_constant_side(fitted: BaseMutualInfo) -> None:
    """A side that does not vary tells nothing."""
    estimator, (X, y) = _copy(fitted), normal_blocks(3)
    for blocks in ((np.ones_like(X), y), (X, np.ones(N_SAMPLES))):
        assert abs(estimator.fit(*blocks).mutual_info_) < 0.05
        assert abs(estimator.mutual_info(*blocks)) < 0.05


def check_data_unchanged(fitted: BaseMutualInfo) -> None:
    """Neither a fit nor an evaluation writes into the data."""
    blocks = normal_blocks(0)
    copies = [block.copy() for block in blocks]
    _copy(fitted).fit(*blocks).mutual_info(*blocks)
    for block, copy in zip(blocks, copies, strict=True):
        np.testing.assert_array_equal(block, copy)


def _state_of_global_generator() -> tuple[bytes, int]:
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return state["key"].tobytes(), state["pos"]


def _assert_refused(
    method: Callable, *blocks: np.ndarray, says: str, error: type[Exception] = ValueError
) -> None:
    try:
        method(*blocks)
    except error as raised:
        assert says in str(raised), raised
    else:
        raise AssertionError(f"{method} accepts what it should refuse: {says}")


CHECKS = (  # of an estimator fitted to ``normal_blocks(0)``, which they leave as it is
    check_estimate,
    check_pointwise_values,
    check_score,
    check_pickle,
    check_repeatable,
    check_later_columns,
    check_bad_data,
    check_constant_side,
    check_data_unchanged,
)
