"""The objects from which `get_oracle` makes an oracle: the recipe, the searched space and the extent of the search."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras_tuner

from autonas.oracles.earlier_search import EarlierSearch
from autonas.search_space.drawn_graph import DrawnGraphs
from autonas.search_space.operation_graph import OperationGraph
from autonas.search_space.values import Scalar


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A strategy and the fidelity of its trials.

    Args:
        strategy: A name, or an oracle, one of Keras Tuner included.
        weight_sharing: Whether the strategy searches with the scores of a supernet. Defaults to `False`.
        fidelity: Schedule of trainings, one of `FIDELITIES`. Defaults to `"full"`.
        fidelity_arguments: Dict of arguments of the oracle of the fidelity. Defaults to none.
        given_seed: Seed that the user gave to the search, which replaces the seed of an oracle of Keras Tuner. Defaults
            to `None`.
    """

    strategy: str | keras_tuner.Oracle
    weight_sharing: bool = False
    fidelity: str = "full"
    fidelity_arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    given_seed: int | None = None


@dataclasses.dataclass(frozen=True)
class SearchedSpace:
    """The space that an oracle searches.

    Args:
        hyperparameters: The space, or that of the supernet for a strategy that needs one.
        initial_points: Architectures to try first; see `Oracle`.
        structure: The `OperationGraph` or `DrawnGraphs` of the space. Defaults to `None`.
        earlier_searches: Earlier searches of the space, a sequence of `EarlierSearch`. Defaults to none.
    """

    hyperparameters: keras_tuner.HyperParameters
    initial_points: list[dict[str, Scalar]]
    structure: OperationGraph | DrawnGraphs | None = None
    earlier_searches: Sequence[EarlierSearch] = ()


@dataclasses.dataclass(frozen=True)
class Extent:
    """The number of candidates of a search, and the length of their trainings.

    Args:
        max_trials: Maximum number of candidates, or `None`. Defaults to `None`.
        max_epochs: Epochs of a full training. Defaults to `None`.
        updates_per_epoch: Number of training steps of an epoch of the supernet. Defaults to `None`.
        default_first: As in `SupernetOracle`. Defaults to `False`.
    """

    max_trials: int | None = None
    max_epochs: int | None = None
    updates_per_epoch: int | None = None
    default_first: bool = False
