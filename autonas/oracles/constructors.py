"""Constructors of oracles: the names of their arguments."""

import inspect

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def accepted(cls):
    """Return the names of a constructor's arguments in order, including those handed on to base classes by `**kwargs`.

    Args:
        cls: A class.
    """
    names = []
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind not in _VARIADIC and parameter.name not in names:
                names.append(parameter.name)
        if all(parameter.kind != inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            break
    return names
