"""Combinations: several objectives reduced to one number that a search maximises."""

from __future__ import annotations

import inspect
import math
from typing import Any

import keras

from autonas.arguments import checks
from autonas.arguments.lists import as_list
from autonas.costs.orientation import oriented


class Combination:
    """Base class of combinations: several objectives reduced to one number, larger is better.

    A combination is the only objective of a search: it can't be one of a list, nor a part of another combination. A
    subclass sets `name` and overrides `parts` and `combine`.

    ```python
    import autonas

    class Worst(autonas.objectives.Combination):
        name = "worst"
        parts = ["val_accuracy", "val_auc"]

        def combine(self, values, directions):
            return min(values)

    automl = autonas.AutoModel(objective=Worst())
    ```
    """

    #: Name of the combined number, a column of the leaderboard: an identifier, other than names of metrics and costs.
    name: Any = None

    @property
    def parts(self) -> list[Any]:
        """The combined objectives, a list of names, `keras_tuner.Objective`s, costs or custom scores."""
        raise NotImplementedError

    def combine(self, values: list[float], directions: list[str]) -> float:
        """Compute the combined number.

        Args:
            values: List of floats, the values of `parts`.
            directions: List of `"min"` or `"max"`, the directions of `parts`.
        """
        raise NotImplementedError

    def check(self, directions: list[str]) -> None:
        """Raise a `ValueError` if objectives of these directions can't be combined."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


def check_definition(combination: Combination) -> None:
    """Raise a `ValueError` if the name or the parts of a combination are invalid."""
    kind, name, parts = type(combination).__name__, combination.name, combination.parts
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"`name` of {kind} must be an identifier such as 'balance'. Received: name={name!r}")
    if not isinstance(parts, (list, tuple)) or not parts:
        raise ValueError(f"`parts` of {kind} must be a list of one or more objectives. Received: parts={parts!r:.100}")


@keras.saving.register_keras_serializable("autonas")
class WeightedSum(Combination):
    """Weighted sum of objectives.

      f = sum over maximised objectives of w_i f_i - sum over minimised objectives of w_i f_i

    ```python
    import autonas

    # One millisecond less is worth 0.02 of accuracy.
    objective = autonas.objectives.WeightedSum({"val_accuracy": 1, "latency_ms": 0.02})
    objective.combine([0.9, 5.0], ["max", "min"])  # 0.8
    automl = autonas.AutoModel(objective=objective)
    ```

    Args:
        weights: Dict from an objective to its weight, a positive number.
    """

    name = "weighted_sum"

    def __init__(self, weights: dict[Any, float]) -> None:
        _check_numbers("weights", weights)
        self.weights = weights

    @property
    def parts(self) -> list[Any]:
        return list(self.weights)

    def combine(self, values: list[float], directions: list[str]) -> float:
        weights = self.weights.values()
        values = [oriented(value, direction) for value, direction in zip(values, directions, strict=True)]
        return sum(value * weight for value, weight in zip(values, weights, strict=True))


@keras.saving.register_keras_serializable("autonas")
class ProductOfPowers(Combination):
    """Objective multiplied by powers of the ratios of costs to their targets (Tan et al., "MnasNet", 2019).

      f = objective * product over costs of (cost / target)^w,   w = alpha if cost <= target, else beta

    Soft targets, alpha = beta = -.07, are a trade-off: half the cost is worth 5 % of the objective. Hard targets,
    alpha = 0 and beta = -1, give no reward below the target and divide the objective by the ratio above the target.

    ```python
    import autonas

    objective = autonas.objectives.ProductOfPowers("val_accuracy", {"latency_ms": 5.0}, exponents="hard")
    objective.combine([0.9, 10.0], ["max", "min"])  # 0.45
    automl = autonas.AutoModel(objective=objective)
    ```

    Args:
        objective: A maximised objective that is never negative, such as `"val_accuracy"`.
        targets: Dict from a cost, or the name of a cost, to its target, a positive number.
        exponents: `"soft"`, `"hard"`, or a tuple (alpha, beta) of numbers of at most 0. Defaults to `"soft"`.
    """

    name = "product_of_powers"
    _EXPONENTS = {"soft": (-0.07, -0.07), "hard": (0.0, -1.0)}

    def __init__(
        self, objective: Any, targets: dict[Any, float], exponents: str | tuple[float, float] = "soft"
    ) -> None:
        _check_numbers("targets", targets)
        if isinstance(exponents, str):
            is_valid = exponents in self._EXPONENTS
        else:
            is_valid = isinstance(exponents, (list, tuple)) and len(exponents) == 2
            is_valid = is_valid and all(checks.is_number(number) and -math.inf < number <= 0 for number in exponents)
        if not is_valid:
            raise ValueError(
                "`exponents` must be 'soft', 'hard' or a tuple of two numbers of at most 0. "
                f"Received: exponents={exponents!r:.100}"
            )
        self.objective = objective
        self.targets = targets
        self.exponents = exponents

    @property
    def parts(self) -> list[Any]:
        return [self.objective, *self.targets]

    def check(self, directions: list[str]) -> None:
        if directions[0] != "max":
            raise ValueError(
                "`objective` of ProductOfPowers must be maximised, such as 'val_accuracy': a factor below 1 would "
                f"improve a minimised objective. Received: {self.objective!r:.60}"
            )
        name = str(getattr(self.objective, "name", self.objective)).removeprefix("val_")
        if name.startswith("neg_"):
            raise ValueError(
                "`objective` of ProductOfPowers must never be negative: a factor below 1 would improve a negative "
                f"objective. Received: {self.objective!r:.60}. Use a WeightedSum."
            )
        if "max" in directions[1:]:
            raise ValueError("`targets` of ProductOfPowers must be costs that are minimised.")

    def combine(self, values: list[float], directions: list[str]) -> float:
        exponents = self._EXPONENTS[self.exponents] if isinstance(self.exponents, str) else self.exponents
        below, beyond = exponents
        product = values[0]
        for value, target in zip(values[1:], self.targets.values(), strict=True):
            product *= max(value / target, 1e-6) ** (below if value <= target else beyond)
        return product


@keras.saving.register_keras_serializable("autonas")
class Lexicographic(Combination):
    """Lexicographic order of objectives: the second decides between ties in the first, and so on.

      f = q_1(f_1) + s(q_2(f_2) + s(q_3(f_3) + ... s(f_k))),
      q_i(x) = floor(x / tolerance_i),   s(x) = 1/2 + atan(x) / pi

    Minimised objectives enter with a negative sign. Two values tie if they fall into the same step of the tolerance.
    Values closer than the tolerance may fall into neighbouring steps; in return, the order is transitive.

    ```python
    import autonas

    # Differences of accuracy below a step of .01 don't count: the smaller model wins.
    objective = autonas.objectives.Lexicographic(["val_accuracy", "params"], tolerances=0.01)
    automl = autonas.AutoModel(objective=objective)
    ```

    Args:
        objectives: List of two or more objectives, the most important first.
        tolerances: Width of a step, in the objective's own units: a positive number for every objective but the last,
            or a list of one number per objective but the last.
    """

    name = "lexicographic"

    def __init__(self, objectives: list[Any], tolerances: float | list[float]) -> None:
        if not isinstance(objectives, (list, tuple)) or len(objectives) < 2:
            raise ValueError(f"`objectives` must be a list of two or more. Received: objectives={objectives!r:.100}")
        steps = as_list(tolerances, len(objectives) - 1)
        if len(steps) != len(objectives) - 1 or not all(checks.is_number(step) and step > 0 for step in steps):
            raise ValueError(
                "`tolerances` must be a positive number, or one for each objective but the last. "
                f"Received: tolerances={tolerances!r:.100}"
            )
        self.objectives = objectives
        self.tolerances = tolerances

    @property
    def parts(self) -> list[Any]:
        return list(self.objectives)

    def combine(self, values: list[float], directions: list[str]) -> float:
        *firsts, last = [oriented(value, direction) for value, direction in zip(values, directions, strict=True)]
        total = last
        for value, step in reversed(list(zip(firsts, as_list(self.tolerances, len(firsts)), strict=True))):
            # A multiple of the step belongs to the step that begins there, in spite of rounding errors.
            total = math.floor(value / step + 1e-9) + 0.5 + math.atan(total) / math.pi
        return total


def _check_numbers(name: str, numbers_by_objective: dict[Any, float]) -> None:
    """Raise a `ValueError` unless the argument `name` is a dict from objectives to positive numbers."""
    if not isinstance(numbers_by_objective, dict) or not numbers_by_objective:
        raise ValueError(
            f"`{name}` must be a dict from an objective to a positive number. Received: {numbers_by_objective!r:.100}"
        )
    for key, value in numbers_by_objective.items():
        if not checks.is_number(value) or not 0 < value < math.inf:
            raise ValueError(f"`{name}` must hold positive numbers. Received: {key!r:.60}: {value!r:.60}")
