"""Strategies: what to try next."""

import copy

import keras_tuner

from autonas.oracles.base import DONE, WAIT, Oracle
from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.keras_tuner_oracle import KerasTunerOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.reinforcement import ReinforcementOracle

__all__ = [
    "DONE",
    "WAIT",
    "BayesianOracle",
    "EvolutionOracle",
    "KerasTunerOracle",
    "LocalSearchOracle",
    "Oracle",
    "RandomOracle",
    "ReinforcementOracle",
    "get_oracle",
]

#: Strategies by name. The automatic one is that which was best on every table of trained architectures that it was
#: measured on, from 25 trials on. The random one is the yardstick: it starts from the default architecture alone.
STRATEGIES = {
    "auto": BayesianOracle,
    "bayesian": BayesianOracle,
    "evolution": EvolutionOracle,
    "local_search": LocalSearchOracle,
    "random": RandomOracle,
    "reinforcement": ReinforcementOracle,
}


def get_oracle(strategy, objective, max_trials, hyperparameters, seed, initial_points, structure=None):
    """The oracle of a strategy.

    Args:
        strategy: A name, or an oracle, one of Keras Tuner's too. Its seed holds if it was given one.
        objective: A `keras_tuner.Objective`.
        max_trials: Number of trials at most, or `None`.
        hyperparameters: The space.
        seed: Seed or `None`.
        initial_points: Architectures to try first; see `Oracle`.
        structure: The space's `OperationGraph`, for a strategy that takes one and has none. Defaults to `None`.
    """
    if isinstance(strategy, str):
        strategy = STRATEGIES[strategy]()
    else:
        # The user's object is the description of a strategy: each fit begins with a fresh one.
        strategy = copy.deepcopy(strategy)
    if not isinstance(strategy, Oracle):
        return KerasTunerOracle(strategy, objective, max_trials, hyperparameters, seed)
    strategy.objective = objective
    strategy.hyperparameters = hyperparameters
    if max_trials is not None:
        strategy.max_trials = max_trials
    if strategy.given_seed is None:
        strategy.seed = seed
    if strategy.initial_points is None and strategy.takes_warm_start:
        strategy.initial_points = initial_points
    if hasattr(strategy, "structure") and strategy.structure is None:
        strategy.structure = structure
    return strategy


def check_strategy(strategy):
    """Raises a `ValueError` if `strategy` is neither a known name nor an oracle, or has an invalid argument."""
    if isinstance(strategy, Oracle):
        strategy.check()
    if isinstance(strategy, keras_tuner.Oracle) or (isinstance(strategy, str) and strategy in STRATEGIES):
        return
    raise ValueError(
        f"`strategy` must be one of {', '.join(map(repr, STRATEGIES))} or a keras_tuner.Oracle. "
        f"Received: strategy={strategy!r:.100}"
    )
