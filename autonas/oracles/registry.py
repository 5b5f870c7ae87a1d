"""Strategies by name, for oracles around a strategy: the strategies that need no supernet and train in full."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from autonas.oracles.base import Oracle
from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.reinforcement import ReinforcementOracle

if TYPE_CHECKING:
    from autonas.oracles.fidelity.low_fidelity_oracle import LowFidelityOracle
    from autonas.oracles.one_shot.weight_sharing import WeightSharingOracle

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


def inside(outer: LowFidelityOracle | WeightSharingOracle, **arguments: Any) -> Oracle:
    """Return a new oracle for the `strategy` of another oracle, which asks and tells it.

    Args:
        outer: The other oracle. Its objectives and its space are used, and its seed if the strategy has none.
        **arguments: Further arguments of the strategy's constructor.
    """
    strategy = described(outer.strategy)
    return strategy.with_arguments(
        objective=outer.objective,
        objectives=outer.objectives,
        hyperparameters=outer.hyperparameters,
        max_trials=None,  # The other oracle counts the trials.
        seed=outer.seed if strategy.given_seed is None else strategy.given_seed,
        **arguments,
    )
