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
        names += [one.name for one in parameters if one.kind not in _VARIADIC and one.name not in names]
        if all(one.kind != inspect.Parameter.VAR_KEYWORD for one in parameters):
            break
    return names
