"""Search strategies: oracles that decide which architecture to try next."""

from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.

# isort: split
from collections.abc import Callable, Mapping
from typing import Any, cast

import keras_tuner

from autonas.objectives.goal import Goal
from autonas.oracles import constructors, controllers, planned, registry
from autonas.oracles.base import DONE, WAIT, Oracle
from autonas.oracles.bayesian import BayesianOracle
from autonas.oracles.earlier_search import EarlierSearch
from autonas.oracles.evolution import EvolutionOracle
from autonas.oracles.fidelity.hyperband import HyperbandOracle
from autonas.oracles.fidelity.learning_curve import LearningCurveOracle
from autonas.oracles.fidelity.low_fidelity_oracle import LowFidelityOracle
from autonas.oracles.fidelity.schedule import TrainingSchedule
from autonas.oracles.fidelity.successive_halving import SuccessiveHalvingOracle
from autonas.oracles.keras_tuner_oracle import KerasTunerOracle
from autonas.oracles.local_search import LocalSearchOracle
from autonas.oracles.observation import Observation, Training
from autonas.oracles.one_shot.gradient import GradientOracle
from autonas.oracles.one_shot.supernet_oracle import SupernetOracle
from autonas.oracles.one_shot.weight_sharing import WeightSharingOracle
from autonas.oracles.random import RandomOracle
from autonas.oracles.recipe import Extent, Recipe, SearchedSpace
from autonas.oracles.reinforcement import ReinforcementOracle
from autonas.search_space.encoding import Encoding

__all__ = [
    "DONE",
    "WAIT",
    "BayesianOracle",
    "EarlierSearch",
    "EvolutionOracle",
    "GradientOracle",
    "HyperbandOracle",
    "KerasTunerOracle",
    "LearningCurveOracle",
    "LocalSearchOracle",
    "Observation",
    "Oracle",
    "RandomOracle",
    "ReinforcementOracle",
    "SuccessiveHalvingOracle",
    "SupernetOracle",
    "Training",
    "TrainingSchedule",
    "WeightSharingOracle",
    "controllers",
]

#: Strategies by name. "auto" is the strategy that was best on every table of trained architectures from 25 trials on;
#: see `benchmarks/strategies.py`.
STRATEGIES: dict[str, type[Oracle]] = {"auto": BayesianOracle, **registry.STRATEGIES, "gradient": GradientOracle}
#: Fidelities by name: oracles that shorten the trainings of a strategy; "full" trains all candidates in full.
FIDELITIES: dict[str, Callable[..., LowFidelityOracle] | None] = {
    "full": None,
    "successive_halving": SuccessiveHalvingOracle,
    "hyperband": HyperbandOracle,
    "learning_curve": LearningCurveOracle,
}


def get_oracle(recipe: Recipe, goal: Goal, space: SearchedSpace, extent: Extent, seed: int | None) -> Oracle:
    """Return the oracle of a strategy, which knows everything about the search that its constructor has arguments for.

    Args:
        recipe: The `Recipe`. An oracle in it isn't changed. Arguments that the user gave to the oracle take precedence,
            except for the objectives and the space.
        goal: The `Goal`.
        space: The `SearchedSpace`.
        extent: The `Extent`.
        seed: Seed or `None`.

    Raises:
        ValueError: If an argument of the strategy doesn't suit the search.
    """
    description = _description(recipe)
    facts: dict[str, Any] = {
        "structure": space.structure,
        "earlier_searches": space.earlier_searches,
        "constraint_names": tuple(constraint.name for constraint in goal.constraints),
        "combined_names": tuple(objective.name for objective in goal.parts),
        "updates_per_epoch": extent.updates_per_epoch,
        "default_first": extent.default_first,
        "max_epochs": extent.max_epochs,
    }
    if recipe.given_seed is not None:
        # Keras Tuner draws a seed for an oracle without one, and doesn't say whether it did.
        facts["seed"] = recipe.given_seed
    if space.earlier_searches and _has_default_points(description):
        # Random search, too, begins from the best architectures of earlier searches.
        facts["initial_points"] = space.initial_points
    arguments: dict[str, Any] = {
        "objective": goal.main,
        "objectives": list(goal.objectives),
        "hyperparameters": space.hyperparameters,
    }
    if extent.max_trials is not None:
        arguments["max_trials"] = extent.max_trials
    if isinstance(description, type):
        arguments["seed"] = seed
        if constructors.accepted(description)["initial_points"] is None:
            arguments["initial_points"] = space.initial_points
        return description(**arguments | _facts_for(description, {}, facts))
    strategy = cast(Oracle, description)  # Its base class, of Keras Tuner, has no types.
    _check_points(strategy, Encoding(space.hyperparameters))
    if strategy.given_seed is None:
        arguments["seed"] = seed
    if strategy.initial_points is None:
        arguments["initial_points"] = space.initial_points
    oracle = _with_facts(strategy, facts, **arguments)
    oracle.check()  # Its arguments were checked without the facts that only the search knows.
    return oracle


def _has_default_points(description: Any) -> bool:
    """Return whether a strategy has the initial points of its class."""
    if isinstance(description, type):
        return True
    return description.initial_points == constructors.accepted(type(description)).get("initial_points")


def _check_points(strategy: Any, encoding: Encoding) -> None:
    """Raise a `ValueError` if an initial point of a strategy, or of the strategy inside, isn't in the space."""
    if isinstance(strategy, Oracle):
        if isinstance(strategy, KerasTunerOracle) and strategy.initial_points:
            raise ValueError(
                "`initial_points` must be None for an oracle of Keras Tuner, which proposes all trials itself. "
                f"Received: initial_points={strategy.initial_points!r:.100}"
            )
        constructors.check(strategy)
        planned.check_points(strategy.initial_points or (), encoding)
        _check_points(getattr(strategy, "strategy", None), encoding)


def _with_facts(strategy: Oracle, facts: Mapping[str, Any], **arguments: Any) -> Oracle:
    """Return a strategy with more arguments, and with the facts for it and for the strategy inside."""
    arguments |= _facts_for(type(strategy), strategy.arguments, facts)
    if isinstance(strategy, (LowFidelityOracle, WeightSharingOracle)):
        inner = registry.described(strategy.strategy)
        points = strategy.initial_points if isinstance(strategy, LowFidelityOracle) else None
        if points is not None and inner.initial_points is not None and _has_default_points(inner):
            inner = inner.with_arguments(initial_points=points)
        arguments["strategy"] = _with_facts(inner, facts)
    return strategy.with_arguments(**arguments)


def _facts_for(cls: type, known: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that the constructor of a class takes and that aren't among the known arguments."""
    accepted = constructors.accepted(cls)
    return {name: fact for name, fact in facts.items() if name in accepted and known.get(name) is None}


def check_strategy(strategy: str | keras_tuner.Oracle, fidelity: str = "full") -> None:
    """Raise a `ValueError` if `strategy` or `fidelity` is unknown, or if the strategy has an invalid argument."""
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


def needs_supernet(strategy: str | keras_tuner.Oracle, weight_sharing: bool = False) -> bool:
    """Return whether a strategy, a name or an oracle, trains a supernet."""
    return weight_sharing or strategy == "gradient" or isinstance(_inside(strategy), SupernetOracle)


def supernet_strategy(strategy: str | keras_tuner.Oracle) -> SupernetOracle:
    """Return the oracle that trains the supernet of a strategy, a name or an oracle; see `needs_supernet`."""
    inside = _inside(strategy)
    if isinstance(inside, SupernetOracle):
        return inside
    return GradientOracle() if inside == "gradient" else WeightSharingOracle()


def _inside(strategy: str | keras_tuner.Oracle) -> object:
    """Return the strategy of an oracle that shortens trainings, or the strategy itself."""
    return strategy.strategy if isinstance(strategy, LowFidelityOracle) else strategy


def supernet_training(oracle: Oracle) -> dict[str, Any] | None:
    """Return how an oracle trains its supernet, a JSON-like dict; `None` if it needs no supernet.

    Raises:
        ValueError: If an argument of the strategy inside doesn't suit the search.
    """
    if isinstance(oracle, LowFidelityOracle):
        # The strategy at work is made when the first trial is asked for: the journal may have another seed.
        oracle = registry.inside(oracle, oracle.strategy)
        oracle.check()  # It knows the objectives now.
    return oracle.supernet_training() if isinstance(oracle, SupernetOracle) else None


def is_low_fidelity(strategy: str | keras_tuner.Oracle) -> bool:
    """Return whether a strategy, a name or an oracle, shortens trainings."""
    if isinstance(strategy, Oracle):
        return strategy.schedule is not None
    return isinstance(strategy, keras_tuner.oracles.HyperbandOracle)


def is_keras_tuners(strategy: str | keras_tuner.Oracle) -> bool:
    """Return whether a strategy, a name or an oracle, is one of Keras Tuner's own."""
    return isinstance(strategy, KerasTunerOracle) or not isinstance(strategy, (str, Oracle))


def _description(recipe: Recipe) -> Oracle | type[Oracle]:
    """Return an oracle that describes the search without its space and its objective, or the class of the oracle."""
    strategy = recipe.strategy
    if isinstance(strategy, str) and strategy == "auto":
        # A Gaussian process takes longer to suggest an architecture (17 ms after 300 scores) than a supernet to score
        # it.
        strategy = "evolution" if recipe.weight_sharing else "bayesian"
    if isinstance(strategy, str):
        if not recipe.weight_sharing and recipe.fidelity == "full":
            return STRATEGIES[strategy]
        strategy = STRATEGIES[strategy]()
    else:
        strategy = registry.described(strategy) if isinstance(strategy, Oracle) else KerasTunerOracle(strategy)
    if recipe.weight_sharing and isinstance(strategy, LowFidelityOracle):
        strategy = strategy.with_arguments(strategy=WeightSharingOracle(strategy.strategy))
    elif recipe.weight_sharing:
        strategy = WeightSharingOracle(strategy)
    fidelity = FIDELITIES[recipe.fidelity]
    return strategy if fidelity is None else fidelity(strategy, **recipe.fidelity_arguments)
