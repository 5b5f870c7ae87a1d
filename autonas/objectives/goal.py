"""The goal of a search: what is optimised, one number or several, and the limits that it must keep to."""

import dataclasses
import inspect
import itertools
import math

import keras
import keras_tuner

from autonas.arguments.lists import as_list
from autonas.costs import operations
from autonas.costs import registry as costs
from autonas.costs.orientation import oriented
from autonas.objectives import combinations, constraints, custom_score, metrics, scoring

#: How often a model is measured before it counts as beyond a limit.
_MEASUREMENTS = 3


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a search optimises.

    Args:
        objectives: Tuple of `keras_tuner.Objective`: one, or several, whose Pareto front is searched.
        costs: Tuple of the `Cost`s that are measured before training, those that are merely counted first.
        constraints: Tuple of `Constraint`.
        scores: Tuple of `CustomScore`, computed after each epoch.
        combination: The `Combination` that the objective is, or `None`.
        parts: Tuple of `keras_tuner.Objective`, what it combines.
    """

    objectives: tuple
    costs: tuple = ()
    constraints: tuple = ()
    scores: tuple = ()
    combination: combinations.Combination | None = None
    parts: tuple = ()

    @property
    def main(self):
        """The objective by which the best candidate is chosen: the first."""
        return self.objectives[0]

    @property
    def is_pareto(self):
        """Whether there are several objectives."""
        return len(self.objectives) > 1

    @property
    def epoch_objective(self):
        """The objective by which the best epoch of a training is chosen: the first that training changes."""
        fixed = {cost.name for cost in self.costs}
        changing = (each for each in self.objectives if each.name not in fixed)
        return next(changing, keras_tuner.Objective("val_loss", "min"))

    def is_better(self, scores, other):
        """Whether scores are better by the first objective; of equal ones, by the next, at last by the loss."""
        return _is_better(self.objectives, scores, other)

    def is_better_epoch(self, scores, other):
        """The same for two epochs of a candidate, whose costs are the same."""
        return _is_better([self.epoch_objective], scores, other)

    def directions(self):
        """Dict from the name of each objective, part and cost to `"min"` or `"max"`."""
        named = {cost.name: cost.direction for cost in self.costs}
        return named | {each.name: each.direction for each in (*self.parts, *self.objectives)}

    def combined(self, numbers):
        """Numbers of a candidate with that of the combination added.

        Args:
            numbers: Dict of its scores and costs.
        """
        if self.combination is None:
            return numbers
        values = [numbers.get(part.name, float("nan")) for part in self.parts]
        whole = all(map(math.isfinite, values))
        directions = [part.direction for part in self.parts]
        return numbers | {self.main.name: self.combination.combine(values, directions) if whole else float("nan")}

    def measure(self, model, known=None):
        """Measures the costs of a built model.

        Those that are merely counted come first. If one of these is beyond its limit, the others aren't measured, which
        takes far longer; else all are, since a strategy learns more from two margins than from one.

        A cost that is measured by running or exporting belongs to the network that predicts, see
        `operations.inference_key`, and is measured once for it.

        Args:
            model: A `keras.Model`.
            known: Dict from the key of a network to a dict of its measured costs, or `None`.

        Returns:
            A `Measurement`.

        Raises:
            ValueError: If a cost can't be measured, or isn't a finite number.
        """
        built, found, key = costs.BuiltModel(model), {}, None
        for is_counted, alike in itertools.groupby(self.costs, key=lambda cost: cost.is_counted):
            if self.measured(found).violations:
                break
            if not is_counted:
                key = operations.inference_key(model)
                if key in (known or {}):
                    found |= known[key]
                    break
            for cost in alike:
                found |= cost.measure(built)
                if not math.isfinite(found[cost.name]):
                    raise ValueError(f"The cost {cost.name} is {found[cost.name]}.")
        return dataclasses.replace(self.measured(found), network=key)

    def measured_costs(self, found):
        """Return what was measured, not counted, of a dict of costs: with what belongs to each cost, as its spread."""
        names = [cost.name for cost in self.costs if not cost.is_counted]
        return {name: value for name, value in found.items() if any(name.startswith(each) for each in names)}

    @property
    def limits_are_counted(self):
        """Whether all that has a limit is merely counted, so that it is the same whenever it is measured."""
        return all(constraint.cost.is_counted for constraint in self.constraints)

    def measure_again(self, model):
        """As `measure`, but what is beyond a limit by a clock is measured up to three times: it may have been
        disturbed."""
        for _ in range(1 if self.limits_are_counted else _MEASUREMENTS):
            measurement = self.measure(model)
            if not measurement.violations:
                break
        return measurement

    def measured(self, found):
        """The `Measurement` of costs, a dict from name to number; limits of others count as not measured."""
        margins, violations = [], []
        for constraint in self.constraints:
            value = found.get(constraint.name)
            margins.append(None if value is None else constraint.margin(value))
            violations.append("" if value is None else constraint.violation(value))
        return Measurement(found, margins, "; ".join(filter(None, violations)))

    def summary(self):
        """The goal in words, such as `"val_accuracy (max), latency_ms (min), within model_size_mb 2"`."""
        wanted = ", ".join(f"{each.name} ({each.direction})" for each in self.objectives)
        if self.parts:
            wanted += f" of {', '.join(part.name for part in self.parts)}"
        limits = ", ".join(f"{constraint.name} {constraint.limit:g}" for constraint in self.constraints)
        return f"{wanted}, within {limits}" if limits else wanted

    def describe(self):
        """What a search must agree on with one that it continues, a JSON-like dict."""
        return {
            "objectives": [[each.name, each.direction] for each in self.objectives],
            "parts": [[each.name, each.direction] for each in self.parts],
            "combination": None if self.combination is None else _described(self.combination),
            "costs": {cost.name: _described(cost) for cost in self.costs},
            "constraints": {constraint.name: constraint.limit for constraint in self.constraints},
        }


@dataclasses.dataclass
class Measurement:
    """Costs of a built model.

    Args:
        costs: Dict from name to number.
        margins: How far it is within each limit, a list of floats, less than 0 beyond it; `None` if not measured.
        violations: Which limits it breaks, and by how much; empty if none.
        network: Key of the network that was measured, see `operations.inference_key`; `None` if all was counted.
    """

    costs: dict
    margins: list
    violations: str
    network: str | None = None


def wanted(objective, strategy):
    """Return the objective that the user asks for: the argument, or that of the oracle given as `strategy`."""
    if objective is not None:
        return objective
    objective = getattr(strategy, "objective", None)
    several = getattr(strategy, "objectives", None) or getattr(objective, "objectives", [])
    if len(several) > 1:
        return list(several)
    # What Keras Tuner puts where none was given.
    return None if getattr(objective, "name", None) == "default_objective" else objective


def check(objective, limits):
    """Checks the arguments `objective` and `constraints` of an `AutoModel`, as far as that goes without data.

    Raises:
        ValueError: If one can't be.
        ImportError: If a cost needs a package that is missing.
    """
    if isinstance(objective, (list, tuple)) and not objective:
        raise ValueError(f"`objective` must name at least one objective. Received: objective={objective!r}")
    for part in parts_of(objective):
        if isinstance(part, (custom_score.CustomScore, custom_score.CustomMetric)):
            part.check()
        elif not isinstance(part, (str, keras_tuner.Objective, costs.Cost)) and not _is_function(part):
            raise ValueError(
                "`objective` must be the name of a metric or a cost, a Keras metric, a function (truth, predictions), "
                "a keras_tuner.Objective, an object of autonas.objectives, or a list of these, whose Pareto front is "
                f"searched. Received: objective of type {type(part).__name__}"
            )
    measured = filter(None, map(_cost_of, parts_of(objective)))
    for cost in [*measured, *(constraint.cost for constraint in constraints.get_constraints(limits))]:
        cost.check()


def parts_of(objective):
    """The objectives that `objective` is made of, a list: its own if it is a list or a combination."""
    if objective is None:
        return []
    if isinstance(objective, combinations.Combination):
        return objective.parts
    return as_list(objective)


def metric_names(objective):
    """Return the names of the metrics, without `val_`, that `objective` names."""
    names = [
        part.name if isinstance(part, keras_tuner.Objective) else part
        for part in parts_of(objective)
        if isinstance(part, (str, keras_tuner.Objective)) and _cost_of(part) is None
    ]
    return [name.removeprefix("val_") for name in names]


def own_metrics(objective):
    """Return the metrics of Keras, functions and `CustomMetric`s that are `objective`, or parts of it."""
    return [part for part in parts_of(objective) if isinstance(part, custom_score.CustomMetric) or _is_function(part)]


def _is_function(part):
    """Return whether a part of an objective is a metric of Keras or a function of truth and predictions."""
    return isinstance(part, keras.metrics.Metric) or inspect.isroutine(part)


def get_goal(objective, limits, directions, default):
    """The goal that the arguments of an `AutoModel` stand for.

    Args:
        objective: The argument `objective`; see `check`.
        limits: The argument `constraints`, a dict from cost to limit, or `None`.
        directions: `Scorer.directions()`.
        default: Name of the default objective.

    Raises:
        ValueError: If the networks don't produce an objective, or its direction is unknown.
    """
    given = parts_of(objective)
    found = [_resolve(part, directions, default) for part in given or [default]]
    names = [each.name for each in found]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"`objective` must name each objective once. Received: two times {repeated!r}")
    within = constraints.get_constraints(limits)
    by_name = {}
    for cost in [*filter(None, map(_cost_of, given)), *(constraint.cost for constraint in within)]:
        if by_name.setdefault(cost.name, cost) is not cost and _described(by_name[cost.name]) != _described(cost):
            raise ValueError(
                f"`objective` and `constraints` must measure {cost.name!r} alike. Give one of the costs a `name` of "
                "its own."
            )
    measured = tuple(sorted(by_name.values(), key=lambda cost: not cost.is_counted))
    scores = tuple(part for part in given if isinstance(part, custom_score.CustomScore))
    if not isinstance(objective, combinations.Combination):
        return Goal(tuple(found), measured, within, scores)
    objective.check([each.direction for each in found])
    combined = keras_tuner.Objective(objective.name, "max")
    return Goal((combined,), measured, within, scores, objective, tuple(found))


def _cost_of(part):
    """The cost that an objective is, or `None`."""
    if isinstance(part, costs.Cost):
        return part
    name = part.name if isinstance(part, keras_tuner.Objective) else part
    return costs.get_cost(name) if isinstance(name, str) and name in costs.COSTS else None


def _resolve(part, directions, default):
    cost = _cost_of(part)
    if cost is not None:
        return keras_tuner.Objective(cost.name, getattr(part, "direction", cost.direction))
    if isinstance(part, custom_score.CustomScore):
        return keras_tuner.Objective(part.name, part.direction)
    if isinstance(part, custom_score.CustomMetric) or _is_function(part):
        part = f"val_{metrics.name_of(part)}"
    return scoring.resolve_objective(part, directions, default)


def _described(part):
    """A cost or a combination in JSON; functions by their names."""

    def plain(value):
        if isinstance(value, dict):
            return {str(plain(key)): plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        if isinstance(value, (costs.Cost, combinations.Combination)):
            return [type(value).__name__, plain(value.get_config())]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return getattr(value, "name", None) or getattr(value, "__name__", None) or type(value).__name__

    return plain(part)


def _is_better(objectives, scores, other):
    def score(metrics, objective):
        value = oriented(metrics.get(objective.name, math.nan), objective.direction)
        return value if math.isfinite(value) else -math.inf

    def key(metrics):
        return (*(score(metrics, objective) for objective in objectives), -metrics.get("val_loss", math.inf))

    return key(scores) > key(other)
