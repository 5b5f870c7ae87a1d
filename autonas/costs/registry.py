"""Costs by name, and those that are counted or the user's own."""

import math
import numbers

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
    """`"params"`: number of parameters, those that aren't trained (statistics of batch normalisation) included."""

    name = "params"
    is_counted = True

    def measure(self, built):
        return {self.name: float(built.model.count_params())}


class Flops(Cost):
    """`"flops"`: floating point operations of a prediction of one row; see `autonas.costs.flops`."""

    name = "flops"
    is_counted = True

    def measure(self, built):
        return {self.name: float(flops.flops(built.model))}


class CustomCost(Cost):
    """The user's own function of the built model.

    It is called once for all candidates whose networks are the same when they predict, whatever they are trained by.

    Args:
        function: Function from a `keras.Model` to a number.
        name: Name of the cost. Defaults to the function's.
        direction: `"min"` or `"max"`. Defaults to `"min"`.
    """

    def __init__(self, function, name=None, direction="min"):
        self.function = function
        self.name = name or getattr(function, "__name__", None)
        self.direction = direction

    def check(self):
        if not callable(self.function):
            raise ValueError(
                f"`function` must be a function of a keras.Model. Received: function={self.function!r:.100}"
            )
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"`name` of a CustomCost must be one such as 'energy'. Received: name={self.name!r}")
        if self.direction not in ("min", "max"):
            raise ValueError(f"`direction` must be 'min' or 'max'. Received: direction={self.direction!r}")

    def measure(self, built):
        value = self.function(built.model)
        if not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise ValueError(f"The cost {self.name!r} must be a number. Received from its function: {value!r:.100}")
        return {self.name: float(value)}


#: The costs that are asked for by name.
COSTS = {"params": Params, "flops": Flops, "memory_mb": PeakMemory, "model_size_mb": ModelSize, "latency_ms": Latency}


def get_cost(cost):
    """The cost that a name or an object stands for.

    Args:
        cost: A name in `COSTS`, or a `Cost`.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(cost, Cost):
        return cost
    if not isinstance(cost, str) or cost not in COSTS:
        raise ValueError(
            f"A cost must be one of {', '.join(map(repr, COSTS))}, or an autonas.objectives Cost such as "
            f"CustomCost(function). Received: {cost!r:.100}"
        )
    return COSTS[cost]()
