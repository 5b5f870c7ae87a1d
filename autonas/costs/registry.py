"""Registry of costs by name, and the costs `Params`, `Flops` and `CustomCost`."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

from autonas.costs import flops
from autonas.costs.base import BuiltModel, Cost
from autonas.costs.latency import Latency
from autonas.costs.memory import PeakMemory
from autonas.costs.model_size import ModelSize

__all__ = [
    "COSTS",
    "BuiltModel",
    "Cost",
    "CustomCost",
    "Flops",
    "Latency",
    "ModelSize",
    "Params",
    "PeakMemory",
    "get_cost",
]


class Params(Cost):
    """Number of parameters, the cost `"params"`.

    Parameters that aren't trained, such as the statistics of batch normalisation, are included.

    ```python
    import autonas

    automl = autonas.AutoModel(objective=["val_accuracy", autonas.objectives.Params()])
    ```
    """

    name = "params"
    is_counted = True

    def measure(self, built: BuiltModel) -> dict[str, float]:
        return {self.name: float(built.model.count_params())}


class Flops(Cost):
    """Floating point operations of a prediction for one row, the cost `"flops"`; see `autonas.costs.flops.flops`.

    ```python
    import autonas

    automl = autonas.AutoModel(objective=["val_accuracy", autonas.objectives.Flops()])
    ```
    """

    name = "flops"
    is_counted = True

    def measure(self, built: BuiltModel) -> dict[str, float]:
        return {self.name: float(flops.flops(built.model))}


class CustomCost(Cost):
    """A cost computed by a function of the built model.

    Candidates whose networks predict by the same operations, differing in training only, share one call of the
    function.

    ```python
    import autonas

    def depth(model):
        return len(model.layers)

    automl = autonas.AutoModel(constraints={autonas.objectives.CustomCost(depth): 50})
    ```

    Args:
        function: Function from a `keras.Model` to a number.
        name: Name of the cost. Defaults to the function's name.
        direction: `"min"` or `"max"`. Defaults to `"min"`.
    """

    def __init__(self, function: Callable, name: str | None = None, direction: str = "min") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", None)
        self.direction = direction

    def check(self) -> None:
        if not callable(self.function):
            raise ValueError(
                f"`function` must be a function of a keras.Model. Received: function={self.function!r:.100}"
            )
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(
                f"`name` of a CustomCost must be an identifier such as 'energy'. Received: name={self.name!r}"
            )
        if self.direction not in ("min", "max"):
            raise ValueError(f"`direction` must be 'min' or 'max'. Received: direction={self.direction!r}")

    def measure(self, built: BuiltModel) -> dict[str, float]:
        value = self.function(built.model)
        if not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise ValueError(f"The cost {self.name!r} must be a number. Received from its function: {value!r:.100}")
        return {self.name: float(value)}


#: Class of the cost by name.
COSTS: dict[str, type[Cost]] = {
    "params": Params,
    "flops": Flops,
    "memory_mb": PeakMemory,
    "model_size_mb": ModelSize,
    "latency_ms": Latency,
}


def get_cost(cost: Any) -> Cost:
    """Return the cost of a name, or a cost itself.

    Args:
        cost: A name in `COSTS`, or a `Cost`.

    Raises:
        ValueError: If `cost` is neither.
    """
    if isinstance(cost, Cost):
        return cost
    if not isinstance(cost, str) or cost not in COSTS:
        raise ValueError(
            f"A cost must be one of {', '.join(map(repr, COSTS))}, or an autonas.objectives Cost such as "
            f"CustomCost(function). Received: {cost!r:.100}"
        )
    return COSTS[cost]()
