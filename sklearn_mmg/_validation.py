"""Scikit-learn's validation of parameters; what is passed wrongly is named, and what to pass."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from sklearn.utils import _param_validation
from sklearn.utils._param_validation import InvalidParameterError

P = ParamSpec("P")
R = TypeVar("R")


def refuse_classes(parameters: Mapping[str, Any], owner: str) -> None:
    """Raise an error for a class in the place of an instance, which is a pair of brackets away."""
    for name, value in parameters.items():
        if inspect.isclass(value):
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} must be an instance, not a class. "
                f"Got {value!r} instead: pass {value.__name__}()."
            )


def validate_params(
    parameter_constraints: dict[str, Any], *, prefer_skip_nested_validation: bool
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Scikit-learn's decorator of functions, which does not say of which one an argument is wrong.

    Parameters
    ----------
    parameter_constraints : dict
    prefer_skip_nested_validation : bool
        Both as in scikit-learn.

    Returns
    -------
    decorator : callable
    """

    def decorate(function):
        signature, name = inspect.signature(function), function.__qualname__
        validated = _param_validation.validate_params(
            parameter_constraints, prefer_skip_nested_validation=prefer_skip_nested_validation
        )(function)

        @functools.wraps(validated)
        def wrapper(*args, **kwargs):
            try:
                arguments = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{name}(): {error}. {_call_of(signature)}") from None
            refuse_classes(arguments, name)
            return validated(*args, **kwargs)

        return wrapper

    return decorate


def _call_of(signature: inspect.Signature) -> str:
    """How a function is called."""
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    by_name = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    anyhow = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    also = f", and by name only {', '.join(by_name)}" if by_name else ""
    return f"It takes {', '.join(anyhow)}{also}."
