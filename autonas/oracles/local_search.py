"""Local search: moves to better neighbours as long as there are any, then starts again elsewhere."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, scalarisation
from autonas.oracles.observation import Observation
from autonas.search_space.values import Scalar
from autonas.trials import outcomes

#: Violation and scores of an architecture.
_Worth: TypeAlias = tuple[float, tuple[float, ...] | None]
#: Violation and scores of no architecture, which every architecture is better than.
_WORST: _Worth = (math.inf, None)


class LocalSearchOracle(base.Oracle):
    """First-improvement local search with random restarts.

    From a random architecture it tries the neighbours, which differ in one decision, in random order, and moves to the
    first one that scores better:

        x <- x'    if    score(x') > score(x),    x' drawn from the neighbours of x without replacement.

    Decisions take turns: before a second value of any decision is tried, one of each was, so that a decision with many
    values, such as a width, doesn't delay the others.

    When no neighbour is left, x is a local optimum, and the search starts again from a random architecture. No
    architecture is tried twice. White et al., "Exploring the loss landscape in neural architecture search", 2021,
    measured that this is as good as far more elaborate strategies.

    With several objectives, architectures are compared by a weighted sum of ranks, the shares of the scores so far that
    are lower. The weights are drawn at each restart, so that the search reaches all parts of the front. This finds more
    of the front than Chebyshev scalarisation or Pareto local search (`benchmarks/strategies.md`).

    With constraints, it moves from an infeasible architecture to the first neighbour with a smaller violation, trained
    or refused, and never from a feasible one to an infeasible one.

    It never waits: while the last neighbours of x are on trial, the next start is tried. A better neighbour whose trial
    ends late counts only if it is also better than the current architecture by then. A failed trial is never better.

    Its `diagnostics` are, under `strategy/`: `current`, the score of the current architecture; `neighbours_tried` and
    `neighbours_left` of it, the second once they are listed; and `restarts`, the number of local optima so far.

    Deviations: the paper moves to the best neighbour after all were tried, and names this variant. On NAS-Bench-201 it
    needs about half of the trials (`benchmarks/strategies.md`).

    Args:
        n_steps: Number of near values of a real, or of a range of more than 20 integers, that are neighbours. Defaults
            to 4.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = autonas.oracles.LocalSearchOracle(
        n_steps=2, objective=keras_tuner.Objective("score", "max"), hyperparameters=space, seed=0
    )
    for number in range(8):
        values = oracle.ask()
        oracle.tell(number, values, (-abs(values["units"] - 40),))
    ```
    """

    weighs_success = True

    def __init__(self, n_steps: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_steps = n_steps
        #: The current architecture, and its violation and scores.
        self._current: dict[str, Scalar] | None = None
        self._worth = _WORST
        self._ranks = scalarisation.Ranks()
        self._weights: np.ndarray | None = None
        #: Neighbours of the current architecture that weren't tried; `None` if they aren't listed yet.
        self._left: list[dict[str, Scalar]] | None = []
        self._n_tried, self._n_restarts = 0, 0
        #: By the number of a pending trial: violation and scores of the architecture that it is a neighbour of.
        self._origins: dict[int, _Worth] = {}

    def check(self) -> None:
        super().check()
        checks.check_integer("n_steps", self.n_steps, 1)

    def suggest(self, generator: np.random.Generator) -> dict[str, Scalar]:
        if self._left is None and self._current is not None:
            self._left = self._neighbours(self._current, generator)
        while self._left:
            values = self._left.pop()
            if self.is_new(values):
                self._origins[self._asked] = self._worth
                self._n_tried += 1
                return values
        self._n_restarts += self._current is not None
        self._current, self._worth, self._n_tried = None, _WORST, 0
        if self._ranks.n_objectives > 1:
            self._weights = scalarisation.draw_weights(self._ranks.n_objectives, generator)
        return self.encoding.sample(generator)

    def _neighbours(self, current: dict[str, Scalar], generator: np.random.Generator) -> list[dict[str, Scalar]]:
        """Return the neighbours of the current architecture, the first to try last, in rounds of one per decision."""
        by_decision: dict[str, list[dict[str, Scalar]]] = {}
        for values in self.encoding.neighbours(current, generator, self.n_steps):
            changed = next(name for name, value in current.items() if values.get(name) != value)
            by_decision.setdefault(changed, []).append(values)
        for neighbours in by_decision.values():
            generator.shuffle(neighbours)
        turns = itertools.zip_longest(*by_decision.values())
        rounds = [[values for values in neighbours if values] for neighbours in turns]
        for neighbours in rounds:
            generator.shuffle(neighbours)
        neighbours = [values for neighbours in reversed(rounds) for values in neighbours]
        # A neighbour that is likely to fail comes last.
        return sorted(neighbours, key=lambda values: self._success.probability(self.encoding, values) > 0.5)

    def observe(self, observation: Observation) -> None:
        if observation.is_update:
            return
        values, scores = observation.values, observation.scores
        worth = (observation.violation, scores)
        origin = self._origins.pop(observation.number, _WORST)
        if scores is not None:
            self._ranks.add(scores)
        elif not worth[0]:
            if origin is self._worth and self._left is not None:
                self._left.append(values)  # It is tried again at once, if it may succeed.
            return
        if self._is_better(worth, origin) and self._is_better(worth, self._worth):
            self._current, self._worth, self._left = values, worth, None
            self._n_tried = 0

    def diagnostics(self) -> dict[str, float]:
        numbers = {
            "strategy/neighbours_tried": float(self._n_tried),
            "strategy/restarts": float(self._n_restarts),
        }
        if self._left is not None:
            numbers["strategy/neighbours_left"] = float(len(self._left))
        scores = self._worth[1]
        if scores is not None:
            metrics = outcomes.as_known(scores, self._objectives)
            numbers |= outcomes.by_objective("strategy/current", metrics, self._objectives)
        return numbers

    def _is_better(self, worth: _Worth, other: _Worth) -> bool:
        (violation, scores), (other_violation, other_scores) = worth, other
        if violation or other_violation or scores is None:
            return violation < other_violation
        return other_scores is None or self._as_one(scores) > self._as_one(other_scores)

    def _as_one(self, scores: Sequence[float]) -> float:
        if len(scores) == 1:
            return scores[0]
        shares = self._ranks.shares(scores)
        return sum(shares) if self._weights is None else float(np.dot(self._weights, shares))
