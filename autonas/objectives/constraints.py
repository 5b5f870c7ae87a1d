"""Constraints: limits on costs, checked on the built model before any training."""

import dataclasses
import math
from collections.abc import Mapping

from autonas.arguments import checks
from autonas.costs import registry as costs_module
from autonas.costs.orientation import oriented

#: Bound of the absolute value of a margin.
_MAX_MARGIN = 10.0


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A hard limit on a cost of a candidate (an epsilon constraint).

    Args:
        cost: A `Cost`.
        limit: Largest allowed value, a positive number. The smallest allowed value if the cost's direction is `"max"`.
    """

    cost: costs_module.Cost
    limit: float

    @property
    def name(self) -> str:
        """Name of the cost."""
        return self.cost.name

    def margin(self, value: float) -> float:
        """Compute the margin of a value, log(limit / value), clipped to [-10, 10]. Negative margins are violations.

        For a cost of direction `"max"` the margin is log(value / limit).
        """
        within = _MAX_MARGIN if value <= 0 else max(-_MAX_MARGIN, min(_MAX_MARGIN, math.log(self.limit / value)))
        return -oriented(within, self.cost.direction)

    def violation(self, value: float) -> str:
        """Describe the violation of the constraint by a value. Return an empty string if there is no violation."""
        if self.margin(value) >= 0:
            return ""
        side = "under" if self.cost.direction == "max" else "over"
        return f"{self.name} is {_shown(value)}, {side} the limit of {_shown(self.limit)}"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def get_constraints(constraints: Mapping[str | costs_module.Cost, float] | None) -> tuple[Constraint, ...]:
    """Return the tuple of `Constraint`s of an argument `constraints`.

    Args:
        constraints: Dict from a cost, or the name of a cost, to its limit. `None` for no constraints.

    Raises:
        ValueError: If an entry is invalid. The message lists the names of the costs.
    """
    if constraints is None:
        return ()
    if not isinstance(constraints, dict):
        raise ValueError(
            "`constraints` must be a dict from a cost to its limit, such as {'latency_ms': 5}. "
            f"Received: constraints={constraints!r:.100}"
        )
    resolved = []
    for cost, limit in constraints.items():
        if isinstance(cost, str) and cost not in costs_module.COSTS:
            raise ValueError(
                "`constraints` must have costs as keys, which are known before training: "
                f"{', '.join(costs_module.COSTS)}, or an object such as autonas.objectives.CustomCost. "
                f"Received: {cost!r:.60}. Put scores of the trained model into `objective`."
            )
        if not checks.is_number(limit) or not 0 < limit < math.inf:
            raise ValueError(
                f"`constraints` must have positive numbers as limits. Received: {cost!r:.60}: {limit!r:.60}"
            )
        resolved.append(Constraint(costs_module.get_cost(cost), float(limit)))
    names = [constraint.name for constraint in resolved]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(
            f"`constraints` must have costs of different names. Received: two costs named {repeated!r}. "
            "Limit a cost once; two objects with a `name`, such as Latency, need different ones."
        )
    return tuple(resolved)
