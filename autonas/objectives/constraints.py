"""Constraints: limits on costs, checked on the built model before any training."""

import dataclasses
import math
import numbers

from autonas.costs import registry as costs_module
from autonas.costs.orientation import oriented

#: Bound of a margin: costs that are far from a limit, or nothing at all, are so much within it or beyond it.
_MAX_MARGIN = 10.0


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A limit that the cost of a candidate must keep to (an epsilon constraint).

    Args:
        cost: A `Cost`.
        limit: The largest value allowed; the smallest one if the cost's direction is `"max"`. A positive number.
    """

    cost: costs_module.Cost
    limit: float

    @property
    def name(self):
        """The name of the cost."""
        return self.cost.name

    def margin(self, value):
        """How far a value is within the limit: log(limit / value), from -10 to 10, less than 0 beyond it.

        For a cost of direction `"max"` it is log(value / limit).
        """
        within = _MAX_MARGIN if value <= 0 else max(-_MAX_MARGIN, min(_MAX_MARGIN, math.log(self.limit / value)))
        return -oriented(within, self.cost.direction)

    def violation(self, value):
        """What to say of a value: by how much it breaks the limit; empty if it doesn't."""
        if self.margin(value) >= 0:
            return ""
        side = "under" if self.cost.direction == "max" else "over"
        return f"{self.name} is {_shown(value)}, {side} the limit of {_shown(self.limit)}"


def _shown(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def get_constraints(constraints):
    """The constraints of a dict from a cost, or its name, to its limit; none for `None`.

    Raises:
        ValueError: If it isn't such a dict. The message names the costs that there are.
    """
    if constraints is None:
        return ()
    if not isinstance(constraints, dict):
        raise ValueError(
            "`constraints` must be a dict from a cost to its limit, such as {'latency_ms': 5}. "
            f"Received: constraints={constraints!r:.100}"
        )
    found = []
    for given, limit in constraints.items():
        if isinstance(given, str) and given not in costs_module.COSTS:
            raise ValueError(
                f"`constraints` must name costs, which are known before training: {', '.join(costs_module.COSTS)}; or "
                f"give an object such as autonas.objectives.CustomCost. Received: {given!r:.60}. What a trained model "
                "is worth belongs into `objective`."
            )
        if not isinstance(limit, numbers.Real) or isinstance(limit, bool) or not 0 < limit < math.inf:
            raise ValueError(
                f"`constraints` must have positive numbers as limits. Received: {given!r:.60}: {limit!r:.60}"
            )
        found.append(Constraint(costs_module.get_cost(given), float(limit)))
    names = [constraint.name for constraint in found]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(
            f"`constraints` must have one limit for each name. Received: two for {repeated!r}. Give one of the costs a "
            "`name` of its own."
        )
    return tuple(found)
