"""A simulated clock: searches with any number of workers in which a trial takes no time but is said to.

```python
trials = simulation.simulate(oracle, measure=lambda values: {"score": table[values]}, n_workers=4)
best = max(trials, key=lambda trial: trial.metrics["score"])
print(best.ended)
```
"""

import dataclasses
import heapq
import math

import keras_tuner

from autonas.trials import reserved, states

TrialStatus = keras_tuner.engine.trial.TrialStatus


@dataclasses.dataclass(frozen=True)
class SimulatedTrial:
    """A trial that has ended.

    Attributes:
        number: Its number, from 0 in the order of asking.
        values: Its values.
        metrics: What was measured, a dict of floats; `None` if it failed or was refused.
        began: Simulated seconds from the search's begin to its own.
        ended: Simulated seconds until its end.
    """

    number: int
    values: dict
    metrics: dict | None
    began: float
    ended: float


class StoppableTrainings:
    """Trainings that an oracle may stop, from known learning curves; its methods are arguments of `simulate`.

    A trial takes a second for each epoch until it is stopped, and is scored by its best epoch.

    ```python
    trainings = simulation.StoppableTrainings(oracle, history=lambda values: [{"score": each} for each in curve])
    trials = simulation.simulate(oracle, trainings.measure, seconds=trainings.seconds, facts=trainings.facts)
    ```

    Args:
        oracle: An `autonas.oracles.Oracle` that has a `stopper_for` each trial.
        history: Function from a trial's values to the metrics after each epoch of a full training, a list of dicts.
    """

    def __init__(self, oracle, history):
        self.oracle = oracle
        self.history = history
        self._begun = {}

    def seconds(self, values):
        stopper, history = self.oracle.stopper_for(values), self.history(values)
        stops = ((epoch, stopper(history[:epoch])) for epoch in range(1, len(history)))
        epochs, stop = next(((epoch, stop) for epoch, stop in stops if stop is not None), (len(history), None))
        scores = stopper.scores(history[:epochs])
        forecast = None if stop is None else list(dataclasses.astuple(stop.forecast))
        facts = {"curve": scores, "horizon": len(history), "forecast": forecast}
        self._begun[_key(values)] = facts, history[max(range(epochs), key=scores.__getitem__)]
        return epochs

    def facts(self, values):
        return self._begun[_key(values)][0]

    def measure(self, values):
        return self._begun[_key(values)][1]


def _key(values):
    return tuple(sorted(values.items()))


def epochs_of(values):
    """The epochs that a trial trains, from its values; 1 if they don't say."""
    return values.get(reserved.EPOCHS, 1) - values.get(reserved.INITIAL_EPOCH, 0)


def simulate(oracle, measure, n_workers=1, seconds=epochs_of, limit=math.inf, margins=None, facts=None):
    """Runs a search as the tuner does: whenever a worker is free it is given the next trial, if there is one.

    Args:
        oracle: An `autonas.oracles.Oracle` with an objective and a space.
        measure: Function from a trial's values to its metrics, a dict of floats; `None` if it fails.
        n_workers: How many trials are under way at a time, at most. Defaults to 1.
        seconds: Function from a trial's values to its seconds. Defaults to `epochs_of`: a second for each epoch.
        limit: Seconds after which the search is cut off; what is under way by then has no end. Defaults to none.
        margins: Function from a trial's values to its margins, a list, by which it is refused in no time if one is
            negative; `None` without limits. Defaults to `None`.
        facts: Function from a trial's values to what else is told of it, a dict; see `TrialKeeper.end_trial`. Defaults
            to `None`.

    Returns:
        List of `SimulatedTrial`, in the order in which they ended.
    """
    now, running, ended = 0.0, [], []
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
        ended.append(_end(oracle, number, measure, margins, facts, began, now))


def _end(oracle, number, measure, margins, facts, began, now):
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
