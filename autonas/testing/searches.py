"""Short searches for the contract of strategies: measures of their quality, and a tuner that trains nothing."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import keras_tuner
import numpy as np

from autonas.objectives import pareto
from autonas.oracles import constructors
from autonas.oracles.base import Oracle
from autonas.search_space.values import Key, Scalar
from autonas.testing import problems


class ScoringTuner(keras_tuner.Tuner):
    """A tuner of Keras Tuner that scores architectures by `value_of`; its fourth trial fails."""

    stop_after: int | None = None

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> dict[str, float]:
        if int(trial.trial_id) == self.stop_after:
            raise KeyboardInterrupt
        value = value_of(trial.hyperparameters)
        if trial.trial_id == "0003":
            raise keras_tuner.errors.FailedTrialError("too large")
        return {"score": value}


def declare(hp: keras_tuner.HyperParameters) -> None:
    """Declare the space of `value_of` at once."""
    hp.Choice("family", ["dense", "convolution"])
    with hp.conditional_scope("family", ["dense"]):
        hp.Int("units", 4, 256)
    with hp.conditional_scope("family", ["convolution"]):
        hp.Int("filters", 8, 64, step=8)


def value_of(hp: keras_tuner.HyperParameters) -> float:
    """Return a score; hyperparameters are declared when the architecture has them."""
    if hp.Choice("family", ["dense", "convolution"]) == "dense":
        with hp.conditional_scope("family", ["dense"]):
            return hp.Int("units", 4, 256) / 512
    with hp.conditional_scope("family", ["convolution"]):
        return 1 + hp.Int("filters", 8, 64, step=8) / 64


@contextlib.contextmanager
def switching_often() -> Iterator[None]:
    """Switch threads every few instructions, so that missing locks cause errors."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def key(values: Mapping[str, Scalar]) -> Key:
    """Return a hashable key of an architecture."""
    return tuple(sorted(values.items()))


def least_regret(oracle: Oracle, problem: problems.Problem, n_trials: int) -> float:
    """Return the regret of the best architecture of a search."""
    regrets = []
    for number in range(n_trials):
        values = oracle.ask()
        regrets.append(problem.regret(values))
        oracle.tell(number, values, (problem.score(values),))
    return min(regrets)


def hypervolume_of_chains(oracle: Oracle) -> float:
    """Return the hypervolume of 60 chains: their scores against the logarithms of their costs."""
    scores = []
    for number in range(60):
        values = oracle.ask()
        scores.append((problems.chain_score(values), -math.log(problems.chain_cost(values))))
        oracle.tell(number, values, scores[-1])
    return pareto.hypervolume(np.array(scores), (0.0, -math.log(2000)))


def feasible_chains(oracle: Oracle) -> tuple[float, int]:
    """Return the best score of 40 chains within a limit, which 7 of 10 exceed, and the number of refused ones."""
    scores: list[float] = []
    n_refused = 0
    while len(scores) < 40:
        number, values = len(scores) + n_refused, oracle.ask()
        margin = math.log(150 / problems.chain_cost(values))
        if margin >= 0:
            scores.append(problems.chain_score(values))
            oracle.tell(number, values, (scores[-1],), (margin,))
        else:
            n_refused += 1
            oracle.tell(number, values, None, (margin,))
    return max(scores), n_refused


def described_arguments(oracle: Oracle) -> dict[str, str]:
    """Return texts of the arguments of an oracle's constructor, without the space, which may grow."""
    names = set(constructors.accepted(type(oracle))) - {"hyperparameters"}
    return {name: _described(getattr(oracle, name)) for name in names if hasattr(oracle, name)}


def _described(value: object) -> str:
    """Return a text that changes with an object or its attributes."""
    attributes = getattr(value, "__dict__", None)
    if attributes is None:
        return repr(value)
    return f"{type(value)} {[(name, _described(attribute)) for name, attribute in attributes.items()]}"
