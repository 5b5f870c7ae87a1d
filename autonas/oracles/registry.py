"""Strategies by name, for oracles around a strategy: the strategies that need no supernet and train in full."""

from __future__ import annotations

import copy
from typing import Any

from autonas.oracles.base import Oracle
from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.reinforcement import ReinforcementOracle

STRATEGIES: dict[str, type[Oracle]] = {
    "bayesian": BayesianOracle,
    "evolution": EvolutionOracle,
    "local_search": LocalSearchOracle,
    "random": RandomOracle,
    "reinforcement": ReinforcementOracle,
}


def described(strategy: str | Oracle) -> Oracle:
    """Return a new oracle that describes a search.

    Args:
        strategy: A name, or an `Oracle`, which is copied.
    """
    return STRATEGIES[strategy]() if isinstance(strategy, str) else copy.deepcopy(strategy)


def inside(outer: Oracle, strategy: str | Oracle, **arguments: Any) -> Oracle:
    """Return a new oracle for a strategy that another oracle asks and tells.

    Args:
        outer: The other oracle. Its objectives and its space are used, and its seed if the strategy has none.
        strategy: As in `described`.
        **arguments: Further arguments of the strategy's constructor.
    """
    inner = described(strategy)
    return inner.with_arguments(
        objective=outer.objective,
        objectives=outer.objectives,
        hyperparameters=outer.hyperparameters,
        max_trials=None,  # The other oracle counts the trials.
        seed=outer.seed if inner.given_seed is None else inner.given_seed,
        **arguments,
    )
