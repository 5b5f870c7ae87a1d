"""The goal of a search: its objectives, and the constraints on its candidates."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import numbers
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from autonas.arguments.lists import as_list
from autonas.costs import operations
from autonas.costs import registry as costs
from autonas.costs.orientation import oriented
from autonas.objectives import combinations, constraints, custom_score, metrics, scoring

#: Number of measurements of a cost above its limit before a candidate is refused.
_MEASUREMENTS = 3


@dataclasses.dataclass(frozen=True)
class Goal:
    """The objectives and constraints of a search.

    Args:
        objectives: Tuple of `keras_tuner.Objective`. With several objectives, the search is for their Pareto front.
        costs: Tuple of the `Cost`s to measure before training, with counted costs first.
        constraints: Tuple of `Constraint`.
        scores: Tuple of `CustomScore`, computed after every epoch.
        combination: The `Combination` that defines the objective, or `None`.
        parts: Tuple of the `keras_tuner.Objective`s that `combination` combines.
    """

    objectives: tuple[keras_tuner.Objective, ...]
    costs: tuple[costs.Cost, ...] = ()
    constraints: tuple[constraints.Constraint, ...] = ()
    scores: tuple[custom_score.CustomScore, ...] = ()
    combination: combinations.Combination | None = None
    parts: tuple[keras_tuner.Objective, ...] = ()

    @property
    def main(self) -> keras_tuner.Objective:
        """The first objective, which determines the best candidate."""
        return self.objectives[0]

    @property
    def is_pareto(self) -> bool:
        """Whether there are several objectives."""
        return len(self.objectives) > 1

    @property
    def epoch_objective(self) -> keras_tuner.Objective:
        """The objective that determines the best epoch of a training: the first objective that isn't a cost.

        `val_loss` if all objectives are costs.
        """
        fixed = {cost.name for cost in self.costs}
        changing = (objective for objective in self.objectives if objective.name not in fixed)
        return next(changing, keras_tuner.Objective("val_loss", "min"))

    def is_better(self, scores: Mapping[str, float], other: Mapping[str, float]) -> bool:
        """Return whether `scores` are better than `other`.

        The first objective decides. The next objective decides between ties, and `val_loss` comes last.
        """
        return _is_better(self.objectives, scores, other)

    def is_better_epoch(self, scores: Mapping[str, float], other: Mapping[str, float]) -> bool:
        """Return whether an epoch's scores are better than another epoch's `other`, by `epoch_objective`."""
        return self.is_better_by(self.epoch_objective, scores, other)

    def is_better_by(
        self, objective: keras_tuner.Objective, scores: Mapping[str, float], other: Mapping[str, float]
    ) -> bool:
        """Return whether `scores` are better than `other` by an objective, and by `val_loss` between ties."""
        return _is_better([objective], scores, other)

    def member_objective(self, tasks: Collection[str]) -> keras_tuner.Objective:
        """Return the objective by which the members of an ensemble are selected.

        For classes it is `val_loss`: accuracy and similar metrics read the largest probability or the order of the
        rows, and are too coarse to tell similar ensembles apart. Otherwise, or with a combined objective, it is
        `epoch_objective`.

        Args:
            tasks: The tasks of the heads, such as `"multiclass"`.
        """
        if self.combination is not None or "regression" in tasks:
            return self.epoch_objective
        return keras_tuner.Objective("val_loss", "min")

    def directions(self) -> dict[str, str]:
        """Return a dict from the names of objectives, combined objectives and costs to `"min"` or `"max"`."""
        directions = {cost.name: cost.direction for cost in self.costs}
        return directions | {objective.name: objective.direction for objective in (*self.parts, *self.objectives)}

    def combined(self, known: dict[str, float]) -> dict[str, float]:
        """Return a candidate's numbers with the value of the combination added.

        Args:
            known: Dict of the candidate's scores and costs.

        Raises:
            ValueError: If the combination isn't a number.
        """
        if self.combination is None:
            return known
        values = [known.get(component.name, float("nan")) for component in self.parts]
        is_complete = all(map(math.isfinite, values))
        directions = [component.direction for component in self.parts]
        value = self.combination.combine(values, directions) if is_complete else float("nan")
        value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
        if not isinstance(value, numbers.Real):
            raise ValueError(
                f"`combine` of {type(self.combination).__name__} must return a number. Received from it: {value!r:.100}"
            )
        return known | {self.main.name: float(value)}

    def measure(self, model: keras.Model, known: Mapping[str, dict[str, float]] | None = None) -> Measurement:
        """Measure the costs of a built model.

        Counted costs come first. If one of them violates a constraint, the remaining costs aren't measured, since
        exporting and running a model takes far longer. Otherwise all costs are measured: a strategy learns more from
        the margins of all constraints.

        A cost measured by exporting or running is measured once per network, see `operations.inference_key`.

        Args:
            model: A `keras.Model`.
            known: Dict from the key of a network to a dict of its measured costs, or `None`.

        Returns:
            A `Measurement`.

        Raises:
            ValueError: If a cost can't be measured, or isn't a finite number.
        """
        built, key = costs.BuiltModel(model), None
        values: dict[str, float] = {}
        for is_counted, group in itertools.groupby(self.costs, key=lambda cost: cost.is_counted):
            if self.measured(values).violations:
                break
            if not is_counted:
                key = operations.inference_key(model)
                if known is not None and key in known:
                    values |= known[key]
                    break
            for cost in group:
                values |= cost.measure(built)
                if not math.isfinite(values[cost.name]):
                    raise ValueError(f"The cost {cost.name} is {values[cost.name]}.")
        return dataclasses.replace(self.measured(values), network=key)

    def measured_costs(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the entries of a dict of costs that were measured by exporting or running, spreads included."""
        names = tuple(cost.name for cost in self.costs if not cost.is_counted)
        return {name: value for name, value in values.items() if name.startswith(names)}

    @property
    def limits_are_counted(self) -> bool:
        """Whether all constrained costs are counted, so that their values are the same at every measurement."""
        return all(constraint.cost.is_counted for constraint in self.constraints)

    def measure_again(self, model: keras.Model) -> Measurement:
        """Measure the costs of a built model up to three times, until no constraint is violated.

        A measured latency above its limit may be due to other load on the machine. Counted costs are the same at every
        measurement: if no other cost is constrained, the model is measured once.
        """
        for _ in range(1 if self.limits_are_counted else _MEASUREMENTS):
            measurement = self.measure(model)
            if not measurement.violations:
                break
        return measurement

    def measured(self, values: dict[str, float]) -> Measurement:
        """Return the `Measurement` of a dict of costs. The margin of a cost that isn't in `values` is `None`."""
        margins, violations = [], []
        for constraint in self.constraints:
            value = values.get(constraint.name)
            margins.append(None if value is None else constraint.margin(value))
            violations.append("" if value is None else constraint.violation(value))
        return Measurement(values, margins, "; ".join(filter(None, violations)))

    def summary(self) -> str:
        """Return the goal as text, such as `"val_accuracy (max), latency_ms (min), within model_size_mb 2"`."""
        text = ", ".join(f"{objective.name} ({objective.direction})" for objective in self.objectives)
        if self.parts:
            text += f" of {', '.join(component.name for component in self.parts)}"
        limits = ", ".join(f"{constraint.name} {constraint.limit:g}" for constraint in self.constraints)
        return f"{text}, within {limits}" if limits else text

    def describe(self) -> dict[str, Any]:
        """Return the goal as a JSON-like dict, which must be the same when a search is resumed."""
        return {
            "objectives": [[objective.name, objective.direction] for objective in self.objectives],
            "parts": [[component.name, component.direction] for component in self.parts],
            "combination": None if self.combination is None else _described(self.combination),
            "costs": {cost.name: _described(cost) for cost in self.costs},
            "constraints": {constraint.name: constraint.limit for constraint in self.constraints},
        }


@dataclasses.dataclass
class Measurement:
    """Costs of a built model.

    Args:
        costs: Dict from name to number.
        margins: List of the margins of the constraints, see `Constraint.margin`. `None` for a cost not measured.
        violations: Description of the violated constraints, an empty string if there are none.
        network: Key of the network, see `operations.inference_key`. `None` if all costs were counted.
    """

    costs: dict[str, float]
    margins: list[float | None]
    violations: str
    network: str | None = None


def wanted(objective: Any, strategy: Any) -> Any:
    """Return the user's objective: the argument `objective`, or the objective of an oracle passed as `strategy`."""
    if objective is not None:
        return objective
    objective = getattr(strategy, "objective", None)
    several = getattr(strategy, "objectives", None) or getattr(objective, "objectives", [])
    if len(several) > 1:
        return list(several)
    # Keras Tuner's placeholder for a missing objective.
    return None if getattr(objective, "name", None) == "default_objective" else objective


def check(objective: Any, limits: Mapping[str | costs.Cost, float] | None) -> None:
    """Check the arguments `objective` and `constraints` of an `AutoModel` as far as possible without data.

    Raises:
        ValueError: If an argument is invalid.
        ImportError: If a package required by a cost is missing.
    """
    if isinstance(objective, combinations.Combination):
        combinations.check_definition(objective)
    elif isinstance(objective, (list, tuple)) and not objective:
        raise ValueError(f"`objective` must name at least one objective. Received: objective={objective!r}")
    for component in parts_of(objective):
        if isinstance(component, combinations.Combination):
            raise ValueError(
                "A combination must be the only `objective`, neither in a list nor in another combination. "
                f"Received: a {type(component).__name__} inside of a {type(objective).__name__}. Combine all "
                "objectives in one, or give the others as `constraints` or `metrics`."
            )
        if isinstance(component, (custom_score.CustomScore, custom_score.CustomMetric)):
            component.check()
        elif not isinstance(component, (str, keras_tuner.Objective, costs.Cost)) and not _is_function(component):
            raise ValueError(
                "`objective` must be the name of a metric, such as 'f1_macro' of scikit-learn, or of a cost, a Keras "
                "metric, a function (truth, predictions), "
                "a keras_tuner.Objective, an object of autonas.objectives, or a list of these, whose Pareto front is "
                f"searched. Received: objective of type {type(component).__name__}"
            )
    measured = filter(None, map(_cost_of, parts_of(objective)))
    for cost in [*measured, *(constraint.cost for constraint in constraints.get_constraints(limits))]:
        cost.check()


def parts_of(objective: Any) -> list[Any]:
    """Return the list of single objectives in the argument `objective`, which may be a list or a combination."""
    if objective is None:
        return []
    if isinstance(objective, combinations.Combination):
        return objective.parts
    return as_list(objective)


def metric_names(objective: Any) -> list[str]:
    """Return the names of the metrics in `objective`, without `val_`."""
    names = [
        component.name if isinstance(component, keras_tuner.Objective) else component
        for component in parts_of(objective)
        if isinstance(component, (str, keras_tuner.Objective)) and _cost_of(component) is None
    ]
    return [name.removeprefix("val_") for name in names]


def own_metrics(objective: Any) -> list[Any]:
    """Return the Keras metrics, functions and `CustomMetric`s in `objective`."""
    return [
        component
        for component in parts_of(objective)
        if isinstance(component, custom_score.CustomMetric) or _is_function(component)
    ]


def _is_function(objective: Any) -> bool:
    """Return whether a single objective is a Keras metric or a function of truth and predictions."""
    return isinstance(objective, keras.metrics.Metric) or inspect.isroutine(objective)


def get_goal(
    objective: Any, limits: Mapping[str | costs.Cost, float] | None, directions: Mapping[str, str | None], default: str
) -> Goal:
    """Return the `Goal` of the arguments of an `AutoModel`.

    Args:
        objective: The argument `objective`, see `check`.
        limits: The argument `constraints`, a dict from cost to limit, or `None`.
        directions: `Scorer.directions()`.
        default: Name of the default objective.

    Raises:
        ValueError: If no score has an objective's name, or an objective's direction is unknown.
    """
    components = parts_of(objective)
    resolved = [_resolve(component, directions, default) for component in components or [default]]
    names = [single.name for single in resolved]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"`objective` must not repeat an objective. Received: {repeated!r} twice")
    resolved_constraints = constraints.get_constraints(limits)
    by_name: dict[str, costs.Cost] = {}
    constrained = [constraint.cost for constraint in resolved_constraints]
    for cost in [*filter(None, map(_cost_of, components)), *constrained]:
        if by_name.setdefault(cost.name, cost) is not cost and _described(by_name[cost.name]) != _described(cost):
            raise ValueError(
                f"`objective` and `constraints` must measure {cost.name!r} with the same settings. "
                "Measure it once: pass the same object to both."
            )
    measured = tuple(sorted(by_name.values(), key=lambda cost: not cost.is_counted))
    scores = tuple(component for component in components if isinstance(component, custom_score.CustomScore))
    if not isinstance(objective, combinations.Combination):
        return Goal(tuple(resolved), measured, resolved_constraints, scores)
    if objective.name in {*directions, *by_name, *costs.COSTS, *names}:
        raise ValueError(
            f"`name` of {type(objective).__name__} must differ from the names of metrics and costs. "
            f"Received: name={objective.name!r}"
        )
    objective.check([single.direction for single in resolved])
    combined = keras_tuner.Objective(objective.name, "max")
    parts = tuple(resolved)
    return Goal((combined,), measured, resolved_constraints, scores, combination=objective, parts=parts)


def _cost_of(objective: Any) -> costs.Cost | None:
    """Return the cost that a single objective refers to, or `None`."""
    if isinstance(objective, costs.Cost):
        return objective
    name = objective.name if isinstance(objective, keras_tuner.Objective) else objective
    return costs.get_cost(name) if isinstance(name, str) and name in costs.COSTS else None


def _resolve(objective: Any, directions: Mapping[str, str | None], default: str) -> keras_tuner.Objective:
    """Return a single objective as a `keras_tuner.Objective`."""
    cost = _cost_of(objective)
    if cost is not None:
        return keras_tuner.Objective(cost.name, getattr(objective, "direction", cost.direction))
    if isinstance(objective, custom_score.CustomScore):
        return keras_tuner.Objective(objective.name, objective.direction)
    if isinstance(objective, custom_score.CustomMetric) or _is_function(objective):
        objective = f"val_{metrics.name_of(objective)}"
    return scoring.resolve_objective(objective, directions, default)


def _described(measure: costs.Cost | combinations.Combination) -> Any:
    """Return a cost or a combination as JSON-like data, with functions replaced by their names."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(plain(key)): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, (costs.Cost, combinations.Combination)):
            return [type(value).__name__, plain(value.get_config())]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return getattr(value, "name", None) or getattr(value, "__name__", None) or type(value).__name__

    return plain(measure)


def _is_better(
    objectives: Sequence[keras_tuner.Objective], scores: Mapping[str, float], other: Mapping[str, float]
) -> bool:
    def score(metrics: Mapping[str, float], objective: keras_tuner.Objective) -> float:
        value = oriented(metrics.get(objective.name, math.nan), objective.direction)
        return value if math.isfinite(value) else -math.inf

    def key(metrics: Mapping[str, float]) -> tuple[float, ...]:
        return (*(score(metrics, objective) for objective in objectives), -metrics.get("val_loss", math.inf))

    return key(scores) > key(other)
