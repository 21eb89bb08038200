"""Parameters that several estimators have: what they may be, and what is said of them, once."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import NamedTuple, TypeVar, dataclass_transform

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sklearn_mmg._core.folds import CV_CONSTRAINTS

EstimatorClass = TypeVar("EstimatorClass", bound=type)


class Parameter(NamedTuple):
    """Constraints, type and description of a parameter; its default is that of the class."""

    constraints: list
    type: str
    text: str


TRAINING = {
    "preprocessing": Parameter(
        [StrOptions({"gaussianize", "standardize"}), HasMethods(["fit", "transform"]), None],
        '{"gaussianize", "standardize"}, None or transformer',
        """Applied to the continuous columns of each side, fitted on training data. Mutual
        information is unchanged if it is invertible on each side. "gaussianize" is
        :class:`~sklearn_mmg.preprocessing.SmoothGaussianizer`; None leaves columns as they are.""",
    ),
    "width": Parameter(
        [Interval(Integral, 1, None, closed="left")], "int", "Width of the networks."
    ),
    "depth": Parameter(
        [Interval(Integral, 1, None, closed="left")],
        "int",
        "Number of residual blocks of the networks.",
    ),
    "n_steps": Parameter(
        [Interval(Integral, 1, None, closed="left")],
        "int",
        "Most optimiser steps of a training.",
    ),
    "batch_size": Parameter(
        [Interval(Integral, 2, None, closed="left")], "int", "Samples of an optimiser step."
    ),
    "learning_rate": Parameter(
        [Interval(Real, 0, None, closed="neither")],
        "float",
        "Peak learning rate, after a short warm-up; it falls along a cosine.",
    ),
    "cv": Parameter(
        CV_CONSTRAINTS,
        "int, float, splitter or iterable",
        """Number of cross-fitting folds, each evaluated by networks trained on the others; or a
        fraction in (0, 1) to hold out, for one training, and wider intervals. These keep the
        shares of the classes of a discrete side, and copies of a row on one side. Or a splitter of
        scikit-learn, such as :class:`~sklearn.model_selection.TimeSeriesSplit`, or an iterable of
        train and test indices: the estimate is then over the samples that they hold out.""",
    ),
    "early_stopping": Parameter(
        ["boolean"],
        "bool",
        """Keep the weights with the best bound on a validation part of the training data, which is
        neither trained on nor evaluated.""",
    ),
    "validation_fraction": Parameter(
        [Interval(Real, 0, 1, closed="neither")],
        "float",
        """Fraction of the training data that is set aside for early stopping; never fewer than 100
        samples or a third, whichever is less, because a bound on a handful of samples is a
        lottery.""",
    ),
    "device": Parameter(
        [str], "str", 'Where networks are trained; "auto" takes a GPU if there is one.'
    ),
    "random_state": Parameter(
        ["random_state"],
        "int, RandomState instance or None",
        "Seed of folds, weights, batches and noise. The global generators are left alone.",
    ),
    "n_jobs": Parameter([Integral, None], "int or None", "Folds at the same time, by joblib."),
    "verbose": Parameter(["verbose"], "int", "With 1 or more, a progress bar for every training."),
}
DISCRETE_COLUMNS = [StrOptions({"auto", "from_dtype"}), "boolean", "array-like"]
DISCRETE = {
    "discrete_features": Parameter(
        DISCRETE_COLUMNS,
        '{"auto", "from_dtype"}, bool or array-like',
        """Which columns of `X` are discrete: a bool for all, a mask, indices, or names of columns
        of a data frame. "auto" takes strings, booleans and categories as discrete, and numbers as
        continuous; "from_dtype" is the same.""",
    ),
    "discrete_target": Parameter(
        DISCRETE_COLUMNS, '{"auto", "from_dtype"}, bool or array-like', "The same for `y`."
    ),
}
GIVEN_CONSTRAINTS = [str, Integral, "array-like", None]
ATTRIBUTES = """mutual_info_ : float
        Held-out estimate, in nats. Infinite, with a warning, if a column of either side, without
        ties, orders 20 samples or more as one of the other does, or is an exact linear function of
        the other side.
    mutual_info_se_ : float
        Its standard error: the spread of the held-out values, and of what they have in common.
    pointwise_mi_ : ndarray of shape (n_held_out,)
        Held-out values whose mean is ``mutual_info_``, in nats, in the order of the samples.
    models_ : list
        Fitted models, one per fold.
    net_ : skorch.NeuralNet or None
        Net of the first training; None where none was needed.
    history_ : list of list of dict
        Losses of every training, in nats, per 20 steps.
    n_iter_ : int
        Number of steps of the longest training.
    n_features_in_, n_targets_in_ : int
        Numbers of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names."""


@dataclass_transform(kw_only_default=True)
def estimator(*groups: dict[str, Parameter]) -> Callable[[EstimatorClass], EstimatorClass]:
    """Make a class of annotated parameters an estimator: constructor, constraints, docstring.

    The constructors of scikit-learn store their arguments and do nothing else: those of
    dataclasses. In the docstring ``{parameters}`` stands for the parameters of the `groups` that
    it does not describe itself, and ``{attributes}`` for what all trained estimators have.

    Parameters
    ----------
    *groups : dict of str to Parameter
    """

    def decorate(cls):
        own = vars(cls).get("_parameter_constraints", {})
        cls = dataclass(kw_only=True, eq=False, repr=False)(cls)
        shared = {name: p for group in groups for name, p in group.items()}
        inherited = getattr(super(cls, cls), "_parameter_constraints", {})
        of_groups = {name: p.constraints for name, p in shared.items() if name not in inherited}
        cls._parameter_constraints = inherited | of_groups | own
        doc = (cls.__doc__ or "").replace("{attributes}", ATTRIBUTES)
        cls.__doc__ = re.sub(
            r"(?<=    Parameters\n    ----------\n).*?(?=\n\n)",
            lambda section: _section(cls, section[0], shared),
            doc,
            flags=re.S,
        )
        return cls

    return decorate


def _section(cls: type, text: str, shared: dict[str, Parameter]) -> str:
    """Parameters of a class in the order of its fields, by its own texts or the shared ones."""
    own = re.findall(r"    (\w+) : (.*?)(?=\n    \S|\Z)", text, re.S)
    blocks = {name: _block(cls, name, p) for name, p in shared.items()}
    blocks |= {name: f"{name} : {rest}" for name, rest in own}
    return "\n".join("    " + blocks[f.name] for f in fields(cls) if f.name in blocks)


def _block(cls: type, name: str, parameter: Parameter) -> str:
    default = getattr(cls, name)
    default = f'"{default}"' if isinstance(default, str) else repr(default)
    return f"{name} : {parameter.type}, default={default}\n        {parameter.text}"
