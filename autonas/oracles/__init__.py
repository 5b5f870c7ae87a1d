"""Strategies: what to try next."""

import copy

import keras_tuner

from autonas.oracles import strategies
from autonas.oracles.base import DONE, WAIT, Oracle
from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.gradient import GradientOracle
from autonas.oracles.hyperband import HyperbandOracle
from autonas.oracles.keras_tuner_oracle import KerasTunerOracle
from autonas.oracles.learning_curve import LearningCurveOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.reinforcement import ReinforcementOracle
from autonas.oracles.successive_halving import SuccessiveHalvingOracle
from autonas.oracles.supernet_oracle import SupernetOracle
from autonas.oracles.weight_sharing import WeightSharingOracle

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
    "is_low_fidelity",
    "needs_supernet",
    "takes_fidelity",
]

#: Strategies by name. The automatic one is that which was best on every table of trained architectures that it was
#: measured on, from 25 trials on. The random one is the yardstick: it starts from the default architecture alone.
STRATEGIES = {"auto": BayesianOracle, **strategies.STRATEGIES, "gradient": GradientOracle}
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

    Raises:
        ValueError: If there are several objectives and the strategy takes one only.
    """
    strategy = _description(strategy, weight_sharing, fidelity, fidelity_arguments)
    is_keras_tuners = isinstance(strategy, KerasTunerOracle) or not isinstance(strategy, Oracle)
    if is_keras_tuners and len(objectives or ()) > 1:
        raise ValueError(
            "`objective` must be a single one with an oracle of Keras Tuner; for several use a strategy of autonas, "
            f"such as 'bayesian' or 'evolution'. Received: objective={[each.name for each in objectives]}, "
            f"strategy={type(getattr(strategy, 'oracle', strategy)).__name__}"
        )
    if not isinstance(strategy, Oracle):
        return KerasTunerOracle(strategy, objective, max_trials, hyperparameters, seed)
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
    if is_low_fidelity(strategy) and strategy.max_epochs is None:
        strategy.max_epochs = max_epochs
    if isinstance(strategy, LearningCurveOracle):
        strategy.check()  # It takes one objective only.
    if isinstance(strategy, SupernetOracle):
        strategy.constraint_names = tuple(constraint_names)
        if strategy.epochs is None:
            strategy.epochs = strategy.default_epochs(updates_per_epoch)
    return strategy


def check_strategy(strategy, weight_sharing=False, fidelity="full"):
    """Raises a `ValueError` if `strategy` is neither a known name nor an oracle, or has an invalid argument, or if
    `weight_sharing` or `fidelity` can't be with it."""
    is_name = isinstance(strategy, str) and strategy in STRATEGIES
    if not is_name and not isinstance(strategy, keras_tuner.Oracle):
        raise ValueError(
            f"`strategy` must be one of {', '.join(map(repr, STRATEGIES))} or a keras_tuner.Oracle. "
            f"Received: strategy={strategy!r:.100}"
        )
    if isinstance(strategy, Oracle):
        strategy.check()
    if not isinstance(fidelity, str) or fidelity not in ("auto", *FIDELITIES):
        names = ", ".join(map(repr, ("auto", *FIDELITIES)))
        raise ValueError(f"`fidelity` must be one of {names}. Received: fidelity={fidelity!r:.100}")
    if fidelity not in ("auto", "full") and not takes_fidelity(strategy, weight_sharing):
        raise ValueError(
            "`fidelity` must be 'auto' or 'full' with an oracle of Keras Tuner, with a strategy that trains a supernet "
            f"and with one that ends trainings early itself. Received: fidelity={fidelity!r}, "
            f"strategy={(strategy if is_name else type(strategy).__name__)!r}, weight_sharing={weight_sharing!r}"
        )
    if not weight_sharing:
        return
    if not is_name and not isinstance(strategy, Oracle):
        raise ValueError(
            "`weight_sharing` must be False with an oracle of Keras Tuner; use a strategy of autonas. "
            f"Received: weight_sharing=True, strategy={type(strategy).__name__}"
        )
    if needs_supernet(strategy):
        raise ValueError(
            "`weight_sharing` must be False with a strategy that trains a supernet by itself. Received: "
            f"weight_sharing=True, strategy={(strategy if is_name else type(strategy).__name__)!r}"
        )


def needs_supernet(strategy, weight_sharing=False):
    """Whether a strategy, a name or an oracle, trains a supernet."""
    oracle = _description(strategy, weight_sharing)
    return isinstance(oracle, Oracle) and oracle.supernet_training() is not None


def takes_fidelity(strategy, weight_sharing=False):
    """Whether a strategy, a name or an oracle, can be searched with by trainings that aren't full ones."""
    is_ours = isinstance(strategy, (str, Oracle))
    return is_ours and not needs_supernet(strategy, weight_sharing) and not is_low_fidelity(strategy)


def is_low_fidelity(strategy):
    """Whether a strategy, a name or an oracle, doesn't train all candidates in full."""
    return isinstance(strategy, Oracle) and (strategy.goes_on or strategy.stops_trainings)


def _description(strategy, weight_sharing, fidelity="full", fidelity_arguments=None):
    """The oracle of a strategy, not yet told what to search; the user's own is a description and is copied."""
    is_auto = isinstance(strategy, str) and strategy == "auto"
    if weight_sharing:
        # A Gaussian process takes longer to say what to ask next (17 ms after 300 scores) than a supernet to score it.
        return WeightSharingOracle("evolution" if is_auto else copy.deepcopy(strategy))
    if fidelity != "full":
        inner = "bayesian" if is_auto else copy.deepcopy(strategy)
        return FIDELITIES[fidelity](inner, **fidelity_arguments or {})
    return STRATEGIES[strategy]() if isinstance(strategy, str) else copy.deepcopy(strategy)
