"""The public names of autonas: `autonas.__all__`, and the `__all__` of each module in it."""

import inspect

import autonas


def public_names(module=autonas, prefix="autonas"):
    """Return a dict from the full name of each public class, function and constant to the object."""
    names = {}
    for name in module.__all__:
        value, full_name = getattr(module, name), f"{prefix}.{name}"
        if inspect.ismodule(value):
            names |= public_names(value, full_name)
        else:
            names[full_name] = value
    return names
