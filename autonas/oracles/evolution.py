"""Evolution: the fittest of a small population have children that differ from them in one decision."""

import typing

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, feasibility
from autonas.trials import outcomes


class _Member(typing.NamedTuple):
    """An architecture of the population.

    Attributes:
        values: Its values.
        scores: Tuple of one float per objective, or `None`.
        violation: By how much it exceeds the limits, 0 within them.
        number: Its trial's number.
    """

    values: dict
    scores: tuple | None
    violation: float
    number: int


class EvolutionOracle(base.Oracle):
    """Search by evolution.

    A population of architectures, the first at random, whose fitness f(x) is their score. Each trial is a child:

        parent = argmax of f over `tournament_size` members drawn from the population,
        child = mutate(parent): one decision changed, such as a layer added or removed, its kind or a parameter,

    joins when it is told of, and one member leaves: the oldest (aging evolution, Real et al., "Regularized evolution
    for image classifier architecture search", 2019) or the least fit (a steady state with elitism). It is asynchronous:
    any number of children may be on trial at a time. A failed child doesn't join.

    With several scores, fitness is the order of NSGA-II (Deb et al., 2002): layers of non-dominated members, and in a
    layer those with more room around them first.

    Under constraints, one within the limits is fitter than one beyond, and of two beyond the one with the smaller
    violation (Deb et al., 2002); see `feasibility.fitness`. A refused child joins as long as the population isn't full
    of members within the limits, so that a search that begins far outside walks into them.

    With crossover, a child takes each decision from its parent or from another member, before it is mutated.

    No architecture is tried twice, which calls for two more rules. A parent that after `max_attempts` mutations has no
    child that isn't known has had its children, and leaves. And when `patience` trials for each decision have passed
    without progress, the population has converged, and a new one begins at random, as in the micro-genetic algorithm
    (Krishnakumar, 1989). Each new population is larger than the one before, by the size of the first, as in the
    restarts of Auger and Hansen, "A restart CMA evolution strategy with increasing population size", 2005: where a
    small one ends in one of many local optima, a larger one looks farther. Trials of the old population that are told
    of later don't join. Progress is a score that none of this population had reached; of several scores, a set of them
    that none was as good as in all.

    Its `numbers` are, under `strategy/`: `population_size`; `population_fitness_best`, `population_fitness_median` and
    `population_fitness_worst`, of the scores of the members within the limits; `population_age_mean`, in trials begun
    since a member's own; and `restarts`, the number of populations given up.

    Deviations: Real et al. let the oldest of 100 leave and draw 25, for 20,000 trials; NATS-Bench takes a population of
    10. With a few hundred trials small and greedy is better, if it can begin anew. On NAS-Bench-201 (CIFAR-10; mean
    test accuracy of 300 searches) it is 94.17, 94.29 and 94.37 % after 50, 100 and 200 trials, and the median of trials
    to the best architecture is 56; with a population of 10 by age and tournaments of 5, 94.01, 94.23 and 94.33 %, and
    179; as Real et al. have it, 93.65, 93.79 and 94.33 %, and 179.

    Args:
        population_size: Number of members of the first population. Defaults to 5.
        tournament_size: How many members are drawn, of which the fittest becomes the parent; a smaller population is
            drawn whole. `None` for the whole population if there is one score, and for 2, as in NSGA-II, if there are
            several: the fittest of all would be the same end of the front again and again. Defaults to `None`.
        survival: `"fitness"`: the least fit member leaves, or `"age"`: the oldest. Defaults to `"fitness"`.
        crossover_probability: Share of children with two parents. Defaults to 0: on tables of trained architectures
            crossover is no gain.
        max_attempts: After how many known children in a row a parent leaves. Defaults to 10.
        patience: After how many trials without progress, for each decision of an architecture, a new population begins;
            `None` for never. Defaults to 5.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    # As published.
    EvolutionOracle(population_size=100, tournament_size=25, survival="age", patience=None)
    ```
    """

    def __init__(
        self,
        population_size=5,
        tournament_size=None,
        survival="fitness",
        crossover_probability=0.0,
        max_attempts=10,
        patience=5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.population_size = population_size
        self.tournament_size = tournament_size
        self.survival = survival
        self.crossover_probability = crossover_probability
        self.max_attempts = max_attempts
        self.patience = patience
        #: The members, the oldest first.
        self._population = []
        self._n_restarts = 0
        self._violation = 0.0
        self._first_trial = 0
        self._front = []
        self._n_without_progress = 0

    def check(self):
        super().check()
        checks.check_integer("population_size", self.population_size, 1)
        if self.tournament_size is not None:
            checks.check_integer("tournament_size", self.tournament_size, 1)
        checks.check_option("survival", self.survival, ("fitness", "age"))
        checks.check_number("crossover_probability", self.crossover_probability, 0, 1)
        checks.check_integer("max_attempts", self.max_attempts, 1)
        if self.patience is not None:
            checks.check_integer("patience", self.patience, 1)

    def suggest(self, generator):
        while self._population and self._asked - self._first_trial >= self._size:
            place = self._tournament(generator)
            for _ in range(self.max_attempts):
                child = self._child(place, generator)
                if self._is_new(child):
                    return child
            del self._population[place]
            if not self._population:
                self._begin_anew()
        return self.encoding.sample(generator)

    def observe_margins(self, number, values, margins):
        self._violation = feasibility.violation(margins)

    def observe(self, number, values, scores):
        violation, self._violation = self._violation, 0.0
        if number < self._first_trial or (scores is None and not violation):
            return
        self._n_without_progress += 1
        self._join(_Member(values, scores, violation, number))
        if self.patience is not None and self._n_without_progress >= self.patience * len(values):
            self._begin_anew()

    def observe_again(self, number, values, scores):
        for place, member in enumerate(self._population):
            if member.values == values:
                self._population[place] = member._replace(scores=scores)
                if self._is_progress(scores, member.violation):
                    self._n_without_progress = 0
                return
        if number >= self._first_trial:
            self._join(_Member(values, scores, 0.0, number))

    def numbers(self):
        found = {"strategy/population_size": float(len(self._population)), "strategy/restarts": float(self._n_restarts)}
        if self._population:
            born = np.mean([member.number for member in self._population])
            found["strategy/population_age_mean"] = float(self.n_asked - 1 - born)
        within = [member.scores for member in self._population if not member.violation]
        for name, of in (("best", np.max), ("median", np.median), ("worst", np.min)) if within else ():
            known = outcomes.as_known(of(within, axis=0), self._objectives)
            found |= outcomes.by_objective(f"strategy/population_fitness_{name}", known, self._objectives)
        return found

    def _join(self, member):
        if self._is_progress(member.scores, member.violation):
            self._n_without_progress = 0
        if member.violation and sum(not each.violation for each in self._population) >= self._size:
            return
        self._population.append(member)
        if len(self._population) > self._size:
            del self._population[0 if self.survival == "age" else int(np.argmin(self._fitness()))]

    @property
    def _size(self):
        """Number of members of a full population."""
        return self.population_size * (1 + self._n_restarts)

    def _begin_anew(self):
        self._population, self._front = [], []
        self._n_restarts += 1
        self._n_without_progress = 0
        self._first_trial = self._asked

    def _tournament(self, generator):
        fitness = self._fitness()
        size = self.tournament_size
        if size is None:
            has_several_scores = any(each.scores is not None and len(each.scores) > 1 for each in self._population)
            size = 2 if has_several_scores else self._size
        drawn = generator.choice(len(fitness), min(size, len(fitness)), replace=False)
        return max(drawn, key=lambda place: fitness[place])

    def _child(self, place, generator):
        child = self._population[place].values
        if len(self._population) > 1 and generator.random() < self.crossover_probability:
            other = int(generator.integers(len(self._population) - 1))
            other = self._population[other if other < place else other + 1].values
            child = self.encoding.crossover(child, other, generator)
        return self.encoding.mutate(child, generator)

    def _fitness(self):
        _, scores, violations, _ = zip(*self._population, strict=True)
        return feasibility.fitness(scores, violations)

    def _is_progress(self, scores, violation):
        """Whether none so far was as good in all, since this population began."""
        reached = (-violation,) if violation else (0.0, *scores)
        if any(_is_as_good(other, reached) for other in self._front):
            return False
        self._front = [other for other in self._front if not _is_as_good(reached, other)]
        self._front.append(reached)
        return True


def _is_as_good(first, second):
    """Whether the first is within the limits or less beyond them and, within, as good in all scores."""
    if min(first[0], second[0]) < 0:
        return first[0] >= second[0]
    return all(one >= other for one, other in zip(first, second, strict=True))
