"""Strategies by name, for all that takes a strategy: those that only ask and are told of scores."""

import copy

from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.reinforcement import ReinforcementOracle

STRATEGIES = {
    "bayesian": BayesianOracle,
    "evolution": EvolutionOracle,
    "local_search": LocalSearchOracle,
    "random": RandomOracle,
    "reinforcement": ReinforcementOracle,
}


def fresh(strategy):
    """A new oracle for a name or an oracle: the user's object is a description, each search begins with a copy."""
    return STRATEGIES[strategy]() if isinstance(strategy, str) else copy.deepcopy(strategy)


def inside(outer):
    """A new oracle for the `strategy` of one that asks and tells it: it has the other's objectives, space, seed and
    structure, the last two unless it has its own."""
    inner = fresh(outer.strategy)
    inner.objective, inner.objectives = outer.objective, outer.objectives
    inner.hyperparameters = outer.hyperparameters
    inner.max_trials = None  # The other counts.
    if inner.given_seed is None:
        inner.seed = outer.seed
    if hasattr(inner, "structure") and inner.structure is None:
        inner.structure = outer.structure
    return inner
