"""Combinations: several objectives in one number, which is then searched for like any other."""

import math
import numbers

import keras

from autonas.arguments.lists import as_list
from autonas.costs.orientation import oriented


class Combination:
    """Base class: one number of several objectives, larger is better.

    A subclass has a `name` and overrides `parts` and `combine`.
    """

    #: Name of the number: a column of the leaderboard.
    name = None

    @property
    def parts(self):
        """The objectives that it is made of: names, `keras_tuner.Objective`s, costs or custom scores."""
        raise NotImplementedError

    def combine(self, values, directions):
        """The number.

        Args:
            values: List of floats, the values of `parts`.
            directions: List of `"min"` or `"max"`, their directions.
        """
        raise NotImplementedError

    def check(self, directions):
        """Raises a `ValueError` if parts of these directions can't be combined."""


@keras.saving.register_keras_serializable("autonas")
class WeightedSum(Combination):
    """The weighted sum of objectives, each counted such that more is better.

      f = sum over maximised objectives of w f_i - sum over minimised objectives of w f_i

    Args:
        weights: Dict from an objective to its weight, a positive number: `{"val_accuracy": 1, "latency_ms": 0.02}`
            gives up .02 of accuracy for a millisecond.
    """

    name = "weighted_sum"

    def __init__(self, weights):
        _check_numbers("weights", weights)
        self.weights = weights

    @property
    def parts(self):
        return list(self.weights)

    def combine(self, values, directions):
        weights = self.weights.values()
        return sum(oriented(each, way) * weight for each, way, weight in zip(values, directions, weights, strict=True))

    def get_config(self):
        return {"weights": dict(self.weights)}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("autonas")
class ProductOfPowers(Combination):
    """An objective, discounted by how costs compare to their targets (Tan et al., "MnasNet", 2019).

      f = objective * product over costs of (cost / target)^w,   w = alpha up to the target, beta beyond it

    Soft targets, alpha = beta = -.07, trade: half the cost is worth 5 % of the objective. Hard ones, alpha = 0 and
    beta = -1, give nothing for being below, and punish what is above.

    Args:
        objective: An objective that is to be large and isn't negative, such as `"val_accuracy"`.
        targets: Dict from a cost, or its name, to its target, a positive number.
        exponents: `"soft"`, `"hard"`, or a tuple (alpha, beta). Defaults to `"soft"`.
    """

    name = "product_of_powers"
    _EXPONENTS = {"soft": (-0.07, -0.07), "hard": (0.0, -1.0)}

    def __init__(self, objective, targets, exponents="soft"):
        _check_numbers("targets", targets)
        if isinstance(exponents, str):
            is_valid = exponents in self._EXPONENTS
        else:
            is_valid = isinstance(exponents, (list, tuple)) and len(exponents) == 2
            is_valid = is_valid and all(isinstance(each, numbers.Real) and -math.inf < each <= 0 for each in exponents)
        if not is_valid:
            raise ValueError(
                "`exponents` must be 'soft', 'hard' or a tuple of two numbers of at most 0. "
                f"Received: exponents={exponents!r:.100}"
            )
        self.objective = objective
        self.targets = targets
        self.exponents = exponents

    @property
    def parts(self):
        return [self.objective, *self.targets]

    def check(self, directions):
        if directions[0] != "max":
            raise ValueError(
                "`objective` of ProductOfPowers must be one that is to be large, such as 'val_accuracy': a factor "
                f"below 1 would improve a small one. Received: {self.objective!r:.60}"
            )
        if "max" in directions[1:]:
            raise ValueError("`targets` of ProductOfPowers must be costs that are to be small.")

    def combine(self, values, directions):
        exponents = self._EXPONENTS[self.exponents] if isinstance(self.exponents, str) else self.exponents
        below, beyond = exponents
        product = values[0]
        for value, target in zip(values[1:], self.targets.values(), strict=True):
            product *= max(value / target, 1e-6) ** (below if value <= target else beyond)
        return product

    def get_config(self):
        return {"objective": self.objective, "targets": dict(self.targets), "exponents": self.exponents}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("autonas")
class Lexicographic(Combination):
    """The first objective decides; where it is equal up to a tolerance, the second does, and so on.

      f = q_1(f_1) + s(q_2(f_2) + s(q_3(f_3) + ... s(f_k))),
      q_i(x) = floor(x / tolerance_i),   s(x) = 1/2 + atan(x) / pi

    with each f_i counted such that more is better. Values are equal that fall into the same step of the tolerance: two
    that are nearer than it may still fall into neighbouring ones, which is what makes the order transitive.

    Args:
        objectives: List of two or more objectives, the most important first.
        tolerances: Positive number for each objective but the last, or one for all of them: differences that don't
            count, in the objective's own units.
    """

    name = "lexicographic"

    def __init__(self, objectives, tolerances):
        if not isinstance(objectives, (list, tuple)) or len(objectives) < 2:
            raise ValueError(f"`objectives` must be a list of two or more. Received: objectives={objectives!r:.100}")
        steps = as_list(tolerances, len(objectives) - 1)
        if len(steps) != len(objectives) - 1 or not all(isinstance(each, numbers.Real) and each > 0 for each in steps):
            raise ValueError(
                "`tolerances` must be a positive number, or one for each objective but the last. "
                f"Received: tolerances={tolerances!r:.100}"
            )
        self.objectives = objectives
        self.tolerances = tolerances

    @property
    def parts(self):
        return list(self.objectives)

    def combine(self, values, directions):
        *firsts, last = [oriented(value, direction) for value, direction in zip(values, directions, strict=True)]
        total = last
        for value, step in reversed(list(zip(firsts, as_list(self.tolerances, len(firsts)), strict=True))):
            # What is a multiple of the step up to rounding belongs to the step that begins there.
            total = math.floor(value / step + 1e-9) + 0.5 + math.atan(total) / math.pi
        return total

    def get_config(self):
        return {"objectives": list(self.objectives), "tolerances": self.tolerances}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _check_numbers(name, given):
    """Raises a `ValueError` unless `given`, the argument `name`, is a dict of positive numbers."""
    if not isinstance(given, dict) or not given:
        raise ValueError(f"`{name}` must be a dict from an objective to a positive number. Received: {given!r:.100}")
    for key, value in given.items():
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value < math.inf:
            raise ValueError(f"`{name}` must hold positive numbers. Received: {key!r:.60}: {value!r:.60}")
