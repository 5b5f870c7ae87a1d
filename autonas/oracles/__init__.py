"""Strategies: what to try next."""

import copy

import keras_tuner

from autonas.oracles import registry
from autonas.oracles.base import DONE, WAIT, Oracle
from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.fidelity.hyperband import HyperbandOracle
from autonas.oracles.fidelity.learning_curve import LearningCurveOracle
from autonas.oracles.fidelity.low_fidelity_oracle import LowFidelityOracle
from autonas.oracles.fidelity.successive_halving import SuccessiveHalvingOracle
from autonas.oracles.keras_tuner_oracle import KerasTunerOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.one_shot.gradient import GradientOracle
from autonas.oracles.one_shot.supernet_oracle import SupernetOracle
from autonas.oracles.one_shot.weight_sharing import WeightSharingOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.reinforcement import ReinforcementOracle

__all__ = [
    "DONE",
    "WAIT",
    "BayesianOracle",
    "EvolutionOracle",
    "GradientOracle",
    "HyperbandOracle",
    "KerasTunerOracle",
    "LearningCurveOracle",
    "LocalSearchOracle",
    "Oracle",
    "RandomOracle",
    "ReinforcementOracle",
    "SuccessiveHalvingOracle",
    "SupernetOracle",
    "WeightSharingOracle",
    "check_strategy",
    "get_oracle",
    "is_keras_tuners",
    "is_low_fidelity",
    "needs_supernet",
    "takes_fidelity",
]

#: Strategies by name. The automatic one is that which was best on every table of trained architectures that it was
#: measured on, from 25 trials on. The random one is the yardstick: it starts from the default architecture alone.
STRATEGIES = {"auto": BayesianOracle, **registry.STRATEGIES, "gradient": GradientOracle}
#: Low fidelities by name: each wraps a strategy. In full, every candidate is trained for all its epochs.
FIDELITIES = {
    "full": None,
    "successive_halving": SuccessiveHalvingOracle,
    "hyperband": HyperbandOracle,
    "learning_curve": LearningCurveOracle,
}


def get_oracle(
    strategy,
    objective,
    max_trials,
    hyperparameters,
    seed,
    initial_points,
    structure=None,
    weight_sharing=False,
    updates_per_epoch=None,
    objectives=None,
    constraint_names=(),
    fidelity="full",
    fidelity_arguments=None,
    max_epochs=None,
):
    """The oracle of a strategy.

    Args:
        strategy: A name, or an oracle, one of Keras Tuner's too. Its seed holds if it was given one.
        objective: A `keras_tuner.Objective`.
        max_trials: Number of candidates at most, or `None`.
        hyperparameters: The space; the supernet's for a strategy that needs one.
        seed: Seed or `None`.
        initial_points: Architectures to try first; see `Oracle`.
        structure: The space's `OperationGraph`, for a strategy that takes one and has none. Defaults to `None`.
        weight_sharing: Whether it searches by the scores of a supernet. Defaults to `False`.
        updates_per_epoch: Batches of the training rows, by which a strategy that needs a supernet and doesn't say
            for how many epochs decides. Defaults to `None`.
        objectives: A list of `keras_tuner.Objective` of which `objective` is the first, if there are several. Defaults
            to `None`.
        constraint_names: Names of the costs that are limited, a sequence; a strategy that needs a supernet penalises
            one of them. Defaults to none.
        fidelity: How candidates are compared before they are trained in full, one of `FIDELITIES`. Defaults to
            `"full"`.
        fidelity_arguments: Dict of arguments of the oracle of the fidelity. Defaults to none.
        max_epochs: Epochs of a full training, for a strategy that begins with shorter ones. Defaults to `None`.
    """
    if is_keras_tuners(strategy) and not isinstance(strategy, Oracle):
        strategy = KerasTunerOracle(copy.deepcopy(strategy), objective, max_trials, hyperparameters, seed)
    strategy = _description(strategy, weight_sharing, fidelity, fidelity_arguments)
    strategy.objective, strategy.objectives = objective, objectives
    strategy.hyperparameters = hyperparameters
    if max_trials is not None:
        strategy.max_trials = max_trials
    if strategy.given_seed is None:
        strategy.seed = seed
    if strategy.initial_points is None and strategy.takes_warm_start:
        strategy.initial_points = initial_points
    if hasattr(strategy, "structure") and strategy.structure is None:
        strategy.structure = structure
    if isinstance(strategy, LowFidelityOracle) and strategy.max_epochs is None:
        strategy.max_epochs = max_epochs
    shared = strategy.strategy if isinstance(strategy, LowFidelityOracle) else strategy
    if isinstance(shared, SupernetOracle):
        shared.objective, shared.objectives = objective, objectives
        shared.constraint_names = tuple(constraint_names)
        if shared.epochs is None:
            shared.epochs = shared.default_epochs(updates_per_epoch)
    return strategy


def check_strategy(strategy, fidelity="full"):
    """Raises a `ValueError` if `strategy` is neither a known name nor an oracle, or has an invalid argument, or if
    `fidelity` isn't known."""
    is_name = isinstance(strategy, str) and strategy in STRATEGIES
    if not is_name and not isinstance(strategy, keras_tuner.Oracle):
        raise ValueError(
            f"`strategy` must be one of {', '.join(map(repr, STRATEGIES))} or a keras_tuner.Oracle. "
            f"Received: strategy={strategy!r:.100}"
        )
    if not isinstance(fidelity, str) or fidelity not in ("auto", *FIDELITIES):
        names = ", ".join(map(repr, ("auto", *FIDELITIES)))
        raise ValueError(f"`fidelity` must be one of {names}. Received: fidelity={fidelity!r:.100}")
    if isinstance(strategy, Oracle):
        strategy.check()


def needs_supernet(strategy, weight_sharing=False):
    """Whether a strategy, a name or an oracle, trains a supernet."""
    if weight_sharing:
        return True
    if isinstance(strategy, str):
        return issubclass(STRATEGIES[strategy], SupernetOracle)
    return isinstance(strategy, Oracle) and strategy.supernet_training() is not None


def takes_fidelity(strategy, weight_sharing=False):
    """Whether short trainings may come first where the user doesn't say so: of the few finalists of a supernet, which
    are known already, all are trained in full."""
    return (
        not is_keras_tuners(strategy) and not needs_supernet(strategy, weight_sharing) and not is_low_fidelity(strategy)
    )


def is_low_fidelity(strategy):
    """Whether a strategy, a name or an oracle, doesn't train all candidates in full."""
    if isinstance(strategy, Oracle):
        return strategy.goes_on or strategy.stops_trainings
    return isinstance(strategy, keras_tuner.oracles.HyperbandOracle)


def is_keras_tuners(strategy):
    """Whether a strategy, a name or an oracle, is one of Keras Tuner's own."""
    return isinstance(strategy, KerasTunerOracle) or not isinstance(strategy, (str, Oracle))


def _description(strategy, weight_sharing, fidelity="full", fidelity_arguments=None):
    """The oracle of a strategy, not yet told what to search; the user's own is a description and is copied."""
    strategy = copy.deepcopy(strategy)
    if isinstance(strategy, str) and strategy == "auto":
        # A Gaussian process takes longer to say what to ask next (17 ms after 300 scores) than a supernet to score it.
        strategy = "evolution" if weight_sharing else "bayesian"
    if weight_sharing and isinstance(strategy, LowFidelityOracle):
        strategy.strategy = WeightSharingOracle(strategy.strategy)
    elif weight_sharing:
        strategy = WeightSharingOracle(strategy)
    if fidelity != "full":
        inner = strategy if isinstance(strategy, str) and strategy in registry.STRATEGIES else _made(strategy)
        return FIDELITIES[fidelity](inner, **fidelity_arguments or {})
    return _made(strategy)


def _made(strategy):
    """The oracle of a name, or the oracle that was given."""
    return STRATEGIES[strategy]() if isinstance(strategy, str) else strategy
