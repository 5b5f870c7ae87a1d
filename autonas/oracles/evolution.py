"""Evolution: the fittest members of a small population have children that differ from them in one decision."""

import typing
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, feasibility
from autonas.oracles.observation import Observation
from autonas.search_space.values import Scalar
from autonas.trials import outcomes


class _Member(typing.NamedTuple):
    """Member of the population.

    Attributes:
        values: Its architecture.
        scores: Tuple of one float per objective, or `None`.
        violation: By how much it exceeds the limits, 0 if it is feasible.
        number: The number of its trial.
    """

    values: dict[str, Scalar]
    scores: tuple[float, ...] | None
    violation: float
    number: int


class EvolutionOracle(base.Oracle):
    """Search by evolution.

    A population of architectures, random at first, has the scores as fitness f(x). Each trial is a child:

        parent = argmax of f over `tournament_size` members drawn from the population,
        child = mutate(parent): one decision changed, such as a layer added or removed, its kind or a parameter.

    Once its trial has ended, the child joins and one member leaves: the oldest (aging evolution, Real et al.,
    "Regularized evolution for image classifier architecture search", 2019) or the least fit (a steady state with
    elitism). Any number of children may be on trial at a time. A failed child doesn't join.

    With several objectives, fitness is the order of NSGA-II (Deb et al., 2002): layers of non-dominated members, and
    within a layer the members with more room around them first.

    With constraints, a feasible architecture is fitter than an infeasible one, and of two infeasible ones the one with
    the smaller violation (Deb et al., 2002); see `feasibility.fitness`. A refused child joins as long as the population
    isn't full of feasible members, so that a search that begins far outside of the limits moves towards them.

    With crossover, a child takes each decision from its parent or from another member, before it is mutated.

    No architecture is tried twice, which requires two further rules. A parent without a new child after `max_attempts`
    mutations leaves. After `patience` trials per decision without progress, the population has converged, and a new one
    begins at random, as in the micro-genetic algorithm (Krishnakumar, 1989). Each new population is larger than the
    last one by the size of the first, as in the restarts of Auger and Hansen, "A restart CMA evolution strategy with
    increasing population size", 2005: a small population ends in one of many local optima, a larger one explores
    farther. Children of an earlier population that end later don't join. Progress is a better score than that of every
    earlier member of the population. With several objectives, it is a child that no earlier member matches in all
    objectives.

    Its `diagnostics` are, under `strategy/`: `population_size`; `population_fitness_best`, `population_fitness_median`
    and `population_fitness_worst`, of the scores of the feasible members; `population_age_mean`, in trials begun since
    a member's own; and `restarts`, the number of populations given up.

    Deviations: Real et al. let the oldest of 100 members leave and draw 25, for 20,000 trials; NATS-Bench takes a
    population of 10. With a few hundred trials, a small and greedy population with restarts finds better architectures
    (`benchmarks/strategies.md`).

    Args:
        population_size: Number of members of the first population. Defaults to 5.
        tournament_size: Number of members that are drawn, of which the fittest becomes the parent; a smaller population
            is drawn whole. `None` is the whole population for one objective, and 2, as in NSGA-II, for several: the
            fittest of all would always be the same end of the front. Defaults to `None`.
        survival: `"fitness"`: the least fit member leaves, or `"age"`: the oldest. Defaults to `"fitness"`.
        crossover_probability: Share of children with two parents. Defaults to 0: on tables of trained architectures
            crossover doesn't help.
        max_attempts: Number of known children in a row after which a parent leaves. Defaults to 10.
        patience: Number of trials without progress, per decision of an architecture, after which a new population
            begins; `None` for never. Defaults to 5.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas

    # As published.
    oracle = autonas.oracles.EvolutionOracle(population_size=100, tournament_size=25, survival="age", patience=None)
    model = autonas.AutoModel(strategy=oracle)
    ```
    """

    def __init__(
        self,
        population_size: int = 5,
        tournament_size: int | None = None,
        survival: Literal["fitness", "age"] = "fitness",
        crossover_probability: float = 0.0,
        max_attempts: int = 10,
        patience: int | None = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.population_size = population_size
        self.tournament_size = tournament_size
        self.survival = survival
        self.crossover_probability = crossover_probability
        self.max_attempts = max_attempts
        self.patience = patience
        #: The members, the oldest first.
        self._population: list[_Member] = []
        self._n_restarts = 0
        self._first_trial = 0
        self._front: list[tuple[float, ...]] = []
        self._n_without_progress = 0

    def check(self) -> None:
        super().check()
        checks.check_integer("population_size", self.population_size, 1)
        if self.tournament_size is not None:
            checks.check_integer("tournament_size", self.tournament_size, 1)
        checks.check_option("survival", self.survival, ("fitness", "age"))
        checks.check_number("crossover_probability", self.crossover_probability, 0, 1)
        checks.check_integer("max_attempts", self.max_attempts, 1)
        if self.patience is not None:
            checks.check_integer("patience", self.patience, 1)

    def suggest(self, generator: np.random.Generator) -> dict[str, Scalar]:
        while self._population and self._asked - self._first_trial >= self._size:
            parent = self._tournament(generator)
            for _ in range(self.max_attempts):
                child = self._child(parent, generator)
                if self.is_new(child):
                    return child
            del self._population[parent]
            if not self._population:
                self._begin_anew()
        return self.encoding.sample(generator)

    def observe(self, observation: Observation) -> None:
        member = _Member(observation.values, observation.scores, observation.violation, observation.number)
        if observation.is_update:
            self._update(member)
        elif member.number >= self._first_trial and (member.scores is not None or member.violation):
            self._n_without_progress += 1
            self._join(member)
            if self.patience is not None and self._n_without_progress >= self.patience * len(member.values):
                self._begin_anew()

    def _update(self, updated: _Member) -> None:
        """Replace the scores of a member, or let it join again."""
        for index, member in enumerate(self._population):
            if member.values == updated.values:
                self._population[index] = member._replace(scores=updated.scores)
                if self._is_progress(updated.scores, member.violation):
                    self._n_without_progress = 0
                return
        if updated.number >= self._first_trial:
            self._join(updated)

    def diagnostics(self) -> dict[str, float]:
        numbers = {"strategy/restarts": float(self._n_restarts)}
        numbers["strategy/population_size"] = float(len(self._population))
        if self._population:
            born = np.mean([member.number for member in self._population])
            numbers["strategy/population_age_mean"] = float(self.n_asked - 1 - born)
        feasible = [member.scores for member in self._population if member.scores is not None and not member.violation]
        for name, statistic in (("best", np.max), ("median", np.median), ("worst", np.min)) if feasible else ():
            metrics = outcomes.as_known(statistic(feasible, axis=0), self._objectives)
            numbers |= outcomes.by_objective(f"strategy/population_fitness_{name}", metrics, self._objectives)
        return numbers

    def _join(self, member: _Member) -> None:
        if self._is_progress(member.scores, member.violation):
            self._n_without_progress = 0
        if member.violation and sum(not other.violation for other in self._population) >= self._size:
            return
        self._population.append(member)
        if len(self._population) > self._size:
            del self._population[0 if self.survival == "age" else int(np.argmin(self._fitness()))]

    @property
    def _size(self) -> int:
        """Number of members of a full population."""
        return self.population_size * (1 + self._n_restarts)

    def _begin_anew(self) -> None:
        self._population, self._front = [], []
        self._n_restarts += 1
        self._n_without_progress = 0
        self._first_trial = self._asked

    def _tournament(self, generator: np.random.Generator) -> int:
        """Return the index of the fittest of some members."""
        fitness = self._fitness()
        size = self.tournament_size
        if size is None:
            has_several_scores = any(member.scores and len(member.scores) > 1 for member in self._population)
            size = 2 if has_several_scores else self._size
        drawn = generator.choice(len(fitness), min(size, len(fitness)), replace=False)
        return max(drawn, key=lambda index: fitness[index])

    def _child(self, parent: int, generator: np.random.Generator) -> dict[str, Scalar]:
        """Return a child of the member at an index."""
        child = self._population[parent].values
        if len(self._population) > 1 and generator.random() < self.crossover_probability:
            index = int(generator.integers(len(self._population) - 1))
            other = self._population[index if index < parent else index + 1]
            child = self.encoding.crossover(child, other.values, generator)
        return self.encoding.mutate(child, generator)

    def _fitness(self) -> np.ndarray:
        _, scores, violations, _ = zip(*self._population, strict=True)
        return feasibility.fitness(scores, violations)

    def _is_progress(self, scores: Sequence[float] | None, violation: float) -> bool:
        """Return whether no member of this population was as good in all objectives."""
        reached = (-violation,) if violation else (0.0, *(scores or ()))
        if any(_is_as_good(other, reached) for other in self._front):
            return False
        self._front = [other for other in self._front if not _is_as_good(reached, other)]
        self._front.append(reached)
        return True


def _is_as_good(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return whether the first has a smaller violation or, if both are feasible, is as good in all scores."""
    if min(first[0], second[0]) < 0:
        return first[0] >= second[0]
    return all(score >= other for score, other in zip(first, second, strict=True))
