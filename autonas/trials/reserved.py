"""The reserved names: entries of a trial's values that aren't hyperparameters of the search space.

Keras Tuner reserves the prefix `tuner/`. A strategy writes into these entries how a trial is to be evaluated.
"""

from collections.abc import Mapping
from typing import TypeVar

from autonas.search_space.reserved import PREFIX, is_reserved
from autonas.search_space.values import Scalar
from autonas.trials.states import Stage

#: The stage of a trial that isn't a candidate, a value of `Stage`. Absent or `"train"` for a candidate.
STAGE = f"{PREFIX}stage"
#: Id of the earlier trial whose training the trial continues.
TRIAL_ID = f"{PREFIX}trial_id"
#: Number of epochs that the earlier trial was trained for; 0 without an earlier trial.
INITIAL_EPOCH = f"{PREFIX}initial_epoch"
#: Number of epochs after which the training ends, epochs of the earlier trial included.
EPOCHS = f"{PREFIX}epochs"
#: Number of the rung of successive halving, from 0.
RUNG = f"{PREFIX}rung"
#: Number of the bracket of Hyperband, from 0.
BRACKET = f"{PREFIX}bracket"
#: Share of the training rows to train on, more than 0 and at most 1.
DATA_SHARE = f"{PREFIX}data_share"
#: Share of the height and the width of images to train at, more than 0 and at most 1.
RESOLUTION = f"{PREFIX}resolution"
#: Number of architectures to score with shared weights.
QUERIES = f"{PREFIX}queries"
#: Number of epochs of the supernet whose weights a candidate starts with.
SUPERNET_EPOCHS = f"{PREFIX}supernet_epochs"
#: Weight of the costs in an epoch of gradient-based search.
COST_WEIGHT = f"{PREFIX}cost_weight"

_Value = TypeVar("_Value")


def architecture(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return the values of the hyperparameters of the search space, a new dict without the reserved names."""
    return {name: value for name, value in values.items() if not is_reserved(name)}


def stage_of(values: Mapping[str, Scalar | None]) -> Stage:
    """Return the `Stage` of the trial with these values.

    Raises:
        ValueError: If the values name an unknown stage.
    """
    return Stage.SEARCH if is_candidate(values) else Stage(values[STAGE])


def is_candidate(values: Mapping[str, Scalar | None]) -> bool:
    """Return whether the values of a trial are an architecture to train by itself."""
    return values.get(STAGE, "train") == "train"


def epochs(values: Mapping[str, Scalar | None]) -> int:
    """Return the number of epochs that a trial is to be trained for; 0 for a full training.

    Whatever the number of its epochs, the training of a candidate that starts with the weights of a supernet is full.
    """
    return 0 if SUPERNET_EPOCHS in values else int(values.get(EPOCHS) or 0)


def resolution(values: Mapping[str, Scalar | None]) -> float:
    """Return the share of the height and the width of images that a trial is trained and scored at."""
    return float(values.get(RESOLUTION) or 1.0)


def is_continued(values: Mapping[str, Scalar | None]) -> bool:
    """Return whether a trial continues the training of an earlier trial."""
    return bool(values.get(INITIAL_EPOCH))
