"""Simulation of searches with any number of workers under a simulated clock.

```python
trials = simulation.simulate(oracle, measure=lambda values: {"score": table[values]}, n_workers=4)
best = max(trials, key=lambda trial: trial.metrics["score"])
print(best.ended)
```
"""

from __future__ import annotations

from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.

# isort: split
import dataclasses
import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras_tuner

from autonas.oracles.base import Oracle
from autonas.search_space.values import Key, Scalar
from autonas.trials import reserved, states

__all__ = ["SimulatedTrial", "StoppableTrainings", "simulate"]

TrialStatus = keras_tuner.engine.trial.TrialStatus

_Measure: TypeAlias = Callable[[Mapping[str, Scalar]], Mapping[str, float] | None]
_Margins: TypeAlias = Callable[[Mapping[str, Scalar]], Sequence[float]]
_Facts: TypeAlias = Callable[[Mapping[str, Scalar]], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class SimulatedTrial:
    """A finished trial of a simulation.

    Attributes:
        number: Number of the trial, from 0 in the order of creation.
        values: Hyperparameter values of the trial.
        metrics: Dict from metric to float. `None` if the trial failed or was refused.
        began: Simulated start time, in seconds since the start of the search.
        ended: Simulated end time, in seconds since the start of the search.

    Example:

    ```python
    import autonas

    trial = autonas.testing.simulation.SimulatedTrial(0, {"units": 32}, {"score": 0.9}, began=0.0, ended=5.0)
    assert trial.ended - trial.began == 5.0
    ```
    """

    number: int
    values: dict[str, Scalar]
    metrics: Mapping[str, float] | None
    began: float
    ended: float


class StoppableTrainings:
    """Trainings with known learning curves that an oracle may stop early.

    The methods are arguments of `simulate`. A trial takes one second per epoch until the oracle stops it, and has the
    metrics of its best epoch.

    ```python
    import autonas
    import keras_tuner
    from autonas.testing import problems, simulation

    def history(values):
        return [{"score": problems.NUMBERS.score(values) - 1 / epoch} for epoch in range(1, 7)]

    oracle = autonas.oracles.LearningCurveOracle(
        "random",
        max_epochs=6,
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=problems.NUMBERS.space(),
        max_trials=4,
        seed=0,
    )
    trainings = simulation.StoppableTrainings(oracle, history)
    trials = simulation.simulate(oracle, trainings.measure, seconds=trainings.seconds, facts=trainings.facts)
    assert len(trials) == 4
    ```

    Args:
        oracle: An `autonas.oracles.Oracle` whose `schedule` stops trainings.
        history: Function from a trial's values to the metrics after every epoch of a full training, a list of dicts.
    """

    def __init__(self, oracle: Oracle, history: Callable[[Mapping[str, Scalar]], list[dict[str, float]]]) -> None:
        self.oracle = oracle
        self.history = history
        self._begun: dict[Key, tuple[dict[str, Any], dict[str, float]]] = {}

    def seconds(self, values: Mapping[str, Scalar]) -> float:
        schedule, history = self.oracle.schedule, self.history(values)
        stopper = None if schedule is None else schedule.stopper_for(values)
        if stopper is None:
            raise ValueError(f"`oracle` must stop trainings. Received: {type(self.oracle).__name__}")
        stops = ((epoch, stopper(history[:epoch])) for epoch in range(1, len(history)))
        epochs, stop = next(((epoch, stop) for epoch, stop in stops if stop is not None), (len(history), None))
        scores = stopper.scores(history[:epochs])
        forecast = None if stop is None else list(dataclasses.astuple(stop.forecast))
        facts = {"curve": scores, "horizon": len(history), "forecast": forecast}
        self._begun[_key(values)] = facts, history[max(range(epochs), key=scores.__getitem__)]
        return epochs

    def facts(self, values: Mapping[str, Scalar]) -> dict[str, Any]:
        return self._begun[_key(values)][0]

    def measure(self, values: Mapping[str, Scalar]) -> dict[str, float]:
        return self._begun[_key(values)][1]


def _key(values: Mapping[str, Scalar]) -> Key:
    return tuple(sorted(values.items()))


def epochs_of(values: Mapping[str, Scalar]) -> int:
    """Return the number of epochs of a trial, 1 if its values don't contain a number of epochs."""
    return int(values.get(reserved.EPOCHS, 1)) - int(values.get(reserved.INITIAL_EPOCH, 0))


def simulate(
    oracle: Oracle,
    measure: _Measure,
    n_workers: int = 1,
    seconds: Callable[[Mapping[str, Scalar]], float] = epochs_of,
    limit: float = math.inf,
    margins: _Margins | None = None,
    facts: _Facts | None = None,
) -> list[SimulatedTrial]:
    """Simulate a search in the way of the tuner: a free worker takes the next trial of the oracle.

    Args:
        oracle: An `autonas.oracles.Oracle` with an objective and a search space.
        measure: Function from a trial's values to its metrics, a dict of floats, or `None` if the trial fails.
        n_workers: Maximum number of concurrent trials. Defaults to 1.
        seconds: Function from a trial's values to its duration in seconds. Defaults to `epochs_of`, one second per
            epoch.
        limit: Simulated seconds at which the search ends. Trials that are still running then aren't returned. Defaults
            to no limit.
        margins: Function from a trial's values to the list of its margins to the constraints. A trial with a negative
            margin is refused and takes no time. Defaults to `None`, no constraints.
        facts: Function from a trial's values to a dict of further facts for the oracle, see `TrialKeeper.end_trial`.
            Defaults to `None`.

    Returns:
        List of `SimulatedTrial`, in the order in which the trials ended.

    Example:

    ```python
    import autonas
    import keras_tuner
    from autonas.testing import problems, simulation

    oracle = autonas.oracles.RandomOracle(
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=problems.NUMBERS.space(),
        max_trials=8,
        seed=0,
    )
    trials = simulation.simulate(oracle, lambda values: {"score": problems.NUMBERS.score(values)}, n_workers=4)
    assert len(trials) == 8 and trials[-1].ended == 2.0
    ```
    """
    now = 0.0
    running: list[tuple[float, int, float]] = []
    ended: list[SimulatedTrial] = []
    while True:
        while len(running) < n_workers:
            trial = oracle.create_trial(f"worker_{len(oracle.trials)}")
            if trial.status != TrialStatus.RUNNING:
                break
            values = trial.hyperparameters.values
            is_refused = margins is not None and min(margins(values)) < 0
            heapq.heappush(running, (now + (0 if is_refused else seconds(values)), int(trial.trial_id), now))
        if not running or running[0][0] > limit:
            return ended
        now, number, began = heapq.heappop(running)
        ended.append(_end(oracle, number, measure, margins, facts, began=began, now=now))


def _end(
    oracle: Oracle,
    number: int,
    measure: _Measure,
    margins: _Margins | None,
    facts: _Facts | None,
    began: float,
    now: float,
) -> SimulatedTrial:
    trial = oracle.trials[states.id_of(number)]
    values, metrics = dict(trial.hyperparameters.values), None
    trial.facts = {} if facts is None else facts(values)
    if margins is not None:
        trial.facts |= {"margins": list(margins(values))}
    if margins is None or min(margins(values)) >= 0:
        metrics = measure(values)
    trial.status = TrialStatus.FAILED if metrics is None else TrialStatus.COMPLETED
    if metrics is not None:
        oracle.update_trial(trial.trial_id, metrics)
    oracle.end_trial(trial)
    return SimulatedTrial(number, values, metrics, began, now)
