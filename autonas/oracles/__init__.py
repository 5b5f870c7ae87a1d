"""Strategies: what to try next."""

import keras_tuner

from autonas.oracles.base import DONE, WAIT, Oracle
from autonas.oracles.keras_tuner_oracle import KerasTunerOracle
from autonas.oracles.local_random import LocalRandomOracle
from autonas.oracles.random import RandomOracle

__all__ = ["DONE", "WAIT", "KerasTunerOracle", "LocalRandomOracle", "Oracle", "RandomOracle", "get_oracle"]

#: Strategies by name. The random one is the yardstick: it starts from the default architecture alone.
STRATEGIES = {"auto": LocalRandomOracle, "local_random": LocalRandomOracle, "random": RandomOracle}


def get_oracle(strategy, objective, max_trials, hyperparameters, seed, initial_points):
    """The oracle of a strategy.

    Args:
        strategy: A name, or an oracle (one of Keras Tuner's too), which is used as it is.
        objective: A `keras_tuner.Objective`.
        max_trials: Number of trials at most, or `None`.
        hyperparameters: The space.
        seed: Seed or `None`.
        initial_points: Architectures to try first; see `Oracle`.
    """
    if isinstance(strategy, str):
        arguments = {} if strategy == "random" else {"initial_points": initial_points}
        return STRATEGIES[strategy](
            objective=objective, max_trials=max_trials, hyperparameters=hyperparameters, seed=seed, **arguments
        )
    if not isinstance(strategy, Oracle):
        return KerasTunerOracle(strategy, objective, max_trials, hyperparameters, seed)
    strategy.objective = strategy.objective or objective
    strategy.hyperparameters = hyperparameters
    if max_trials is not None:
        strategy.max_trials = max_trials
    return strategy


def check_strategy(strategy):
    """Raises a `ValueError` if `strategy` is neither a known name nor an oracle."""
    if isinstance(strategy, keras_tuner.Oracle) or (isinstance(strategy, str) and strategy in STRATEGIES):
        return
    raise ValueError(
        f"`strategy` must be one of {', '.join(map(repr, STRATEGIES))} or a keras_tuner.Oracle. "
        f"Received: strategy={strategy!r:.100}"
    )
