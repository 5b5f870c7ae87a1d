"""Contracts that parts written by others must meet, as pytest classes to subclass, and searches without training."""

import importlib
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autonas.testing import executors, oracles, problems, simulation

__all__ = ["executors", "oracles", "problems", "simulation"]


def __getattr__(name: str) -> types.ModuleType:
    # The contracts need pytest, which `autonas` itself doesn't.
    if name not in __all__:
        raise AttributeError(f"module 'autonas.testing' has no attribute {name!r}")
    return importlib.import_module(f"autonas.testing.{name}")


def __dir__() -> list[str]:
    return __all__
