"""Effort: numbers of trials and epochs, and whether short trainings come first, where the user doesn't say."""

import math

import numpy as np

from autonas import oracles
from autonas.estimators import arguments
from autonas.search import one_shot

#: Numbers of the data that a network reads, and learns from, in about the time in which it is built and traced.
_NUMBERS_A_TRACE = 6e6
#: Full trainings that take fewer traces than this aren't worth shorter ones, each of which is traced, too.
_FEWEST_TRACES = 12
#: Trials below which too few would be left of those that begin.
_FEWEST_TRIALS = 9
#: Share of a full training's cost that the shortest has at least.
_LEAST_COST = 1 / 50


def full_epochs(estimator, n_train):
    """Epochs of a full training of an `AutoModel` on a number of rows."""
    # Keras Tuner's Hyperband says itself how long it is.
    given = estimator.epochs or getattr(estimator.strategy, "max_epochs", None)
    if given:
        return given
    preset = arguments.presets()[estimator.preset]
    # For a number of weight updates at the default batch size.
    updates_per_epoch = max(1.0, n_train**0.5)
    return int(np.clip(preset["updates"] / updates_per_epoch, preset["min_epochs"], preset["max_epochs"]))


def number_of_trials(estimator):
    """Number of trials of an `AutoModel`, or `None` for no limit."""
    strategy = estimator.strategy
    ours = isinstance(strategy, (str, oracles.Oracle))  # Keras Tuner's end by themselves.
    if estimator.max_trials or estimator.time_limit or not ours or getattr(strategy, "max_trials", None):
        return estimator.max_trials
    if oracles.needs_supernet(strategy, estimator.weight_sharing):
        return one_shot.DEFAULT_TRIALS
    return arguments.presets()[estimator.preset]["max_trials"]


def fidelity(estimator, n_train, features, is_stream=False):
    """The fidelity of a search, and arguments of its oracle.

    `"auto"` is `"successive_halving"` if a full training takes much longer than a network takes to be built and traced,
    and there is no limit of trials, or one that leaves something to choose from; if not, `"full"`. The shortest
    training takes about as long as the tracing, or a fiftieth of a full one; if that is less than an epoch, it is one
    on a share of the rows. It follows from the data and the arguments alone, so that the same seed gives the same
    search anywhere.

    Args:
        estimator: An `AutoModel`.
        n_train: Number of training rows.
        features: List of `autonas.data.Feature`, one for each input.
        is_stream: Whether the rows are a `tf.data.Dataset`.

    Returns:
        A name, and a dict.
    """
    if estimator.fidelity != "auto":
        return estimator.fidelity, {}
    epochs, max_trials = full_epochs(estimator, n_train), number_of_trials(estimator)
    numbers = sum(math.prod(tensor.shape) for feature in features for tensor in feature.tensors.values())
    traces = n_train * numbers * epochs / _NUMBERS_A_TRACE
    # Of several objectives, those that are left would be too few for a front.
    several = isinstance(estimator.objective, (list, tuple))
    few = max_trials is not None and max_trials < _FEWEST_TRIALS
    able = oracles.takes_fidelity(estimator.strategy, estimator.weight_sharing)
    if traces < _FEWEST_TRACES or several or few or not able:
        return "full", {}
    shortest = max(_LEAST_COST, 1 / traces) * epochs
    given = {"min_epochs": max(1, round(shortest))}
    if shortest < 0.75 and not is_stream:
        given["min_data_share"] = shortest
    return "successive_halving", given
