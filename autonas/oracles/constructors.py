"""Constructors of oracles: their arguments and defaults."""

import inspect
from typing import Any

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
