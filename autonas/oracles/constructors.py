"""Constructors of oracles: their arguments and defaults."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autonas.arguments import checks

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def accepted(cls: type) -> dict[str, Any]:
    """Return the defaults of a constructor's arguments by name, in order, including arguments of base classes.

    Args:
        cls: A class.
    """
    defaults: dict[str, Any] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind not in _VARIADIC:
                defaults.setdefault(parameter.name, parameter.default)
        if all(parameter.kind != inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            break
    return defaults


def check(oracle: Any) -> None:
    """Raise a `ValueError` if an argument that all oracles have is invalid.

    Args:
        oracle: The `Oracle`.
    """
    initial_points = oracle.initial_points
    if oracle.given_seed is not None:
        checks.check_integer("seed", oracle.given_seed, 0, "a non-negative integer or None")
    if oracle.max_trials is not None:
        checks.check_integer("max_trials", oracle.max_trials, 1, "a positive integer or None")
    is_list = isinstance(initial_points, Sequence) and all(isinstance(point, Mapping) for point in initial_points)
    if initial_points is not None and not is_list:
        raise ValueError(
            "`initial_points` must be a list of dicts from names of hyperparameters to values, or None. "
            f"Received: initial_points={initial_points!r:.100}"
        )
    if not isinstance(oracle.repeats, (bool, np.bool_)):
        raise ValueError(f"`repeats` must be True or False. Received: repeats={oracle.repeats!r:.100}")
