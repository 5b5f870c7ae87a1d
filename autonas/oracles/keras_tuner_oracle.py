"""Keras Tuner's own oracles as a strategy, behind the same base as ours."""

import contextlib
import copy
import warnings
from collections.abc import Iterator
from typing import Any

import keras_tuner
import numpy as np

from autonas.costs.orientation import oriented
from autonas.oracles import base
from autonas.oracles.base import Answer
from autonas.oracles.fidelity.schedule import TrainingSchedule
from autonas.oracles.observation import Observation
from autonas.search_space.values import Scalar
from autonas.trials import reserved, states

TrialStatus = keras_tuner.engine.trial.TrialStatus


class KerasTunerOracle(base.Oracle):
    """Wrapper of an oracle of Keras Tuner, which proposes; journal and continuation are inherited from `Oracle`.

    When a search is continued, the state of the wrapped oracle is rebuilt by asking it for the trials of the journal
    and telling it their results again. This is exact if the wrapped oracle was given a `seed`; otherwise the recorded
    candidates replace its proposals.

    With `HyperbandOracle`, trials of later rounds continue the trainings of earlier rounds, as with Keras Tuner's
    tuner, but exactly: the state of the optimizer is restored too, and the learning rate is annealed over all epochs.

    There must be one objective. To the wrapped oracle a refused trial is a failed one.

    Args:
        oracle: A `keras_tuner.Oracle`, which proposes by its own seed.
        objective: The objective. Defaults to that of `oracle`.
        max_trials: Maximum number of candidates. Defaults to that of `oracle`.
        hyperparameters: The space. Defaults to `None`.
        seed: Seed of the journal. Defaults to that of `oracle`.
        **kwargs: As in `Oracle`, but without `initial_points`: the wrapped oracle proposes all trials.

    Example:

    ```python
    import autonas
    import keras_tuner

    oracle = autonas.oracles.KerasTunerOracle(keras_tuner.oracles.RandomSearchOracle(max_trials=5, seed=0))
    model = autonas.AutoModel(strategy=oracle)  # `strategy` takes an oracle of Keras Tuner itself, too.
    ```
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        objective: keras_tuner.Objective | str | None = None,
        max_trials: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            objective=objective or oracle.objective,
            max_trials=oracle.max_trials if max_trials is None else max_trials,
            hyperparameters=hyperparameters,
            seed=oracle.seed if seed is None else seed,
            **kwargs,
        )
        self.oracle = oracle
        #: The oracle at work; the one that was given stays as it is.
        self._wrapped = wrapped = copy.deepcopy(oracle)
        wrapped.objective = self.objective
        wrapped.max_trials = self.max_trials
        wrapped.verbose = 0
        # The journal here replaces its files.
        wrapped.save = lambda: None
        wrapped._save_trial = lambda trial: None
        # A failed trial is a row of the leaderboard, not the end of the search.
        wrapped.max_consecutive_failed_trials = 10**9
        self._proposed: list[keras_tuner.engine.trial.Trial] = []

    @property
    def schedule(self) -> TrainingSchedule | None:
        is_hyperband = isinstance(self.oracle, keras_tuner.oracles.HyperbandOracle)
        return _HyperbandSchedule(self._proposed) if is_hyperband else None

    def repeat_ask(self, values: dict[str, Scalar]) -> None:
        self._next_suggested(np.random.default_rng())
        self._record(values)

    def _next_planned(self) -> dict[str, Scalar] | None:
        return None  # The wrapped oracle plans all trials.

    def _next_suggested(self, generator: np.random.Generator) -> Answer:
        with _quiet():
            self._wrapped.update_space(self.hyperparameters)
            trial = self._wrapped.create_trial(f"slot_{self._asked}")
        if trial.status == TrialStatus.IDLE:
            return base.WAIT
        if trial.status != TrialStatus.RUNNING:
            return base.DONE
        values = dict(trial.hyperparameters.values)
        if reserved.TRIAL_ID in values:
            # The wrapped oracle has its own ids of trials.
            number = [earlier.trial_id for earlier in self._proposed].index(values[reserved.TRIAL_ID])
            values[reserved.TRIAL_ID] = states.id_of(number)
        self._proposed.append(trial)
        return values

    def observe(self, observation: Observation) -> None:
        if observation.is_update:
            return
        trial = self._proposed[observation.number]
        trial.hyperparameters.values = dict(observation.values)
        with _quiet():
            if observation.scores is None:
                trial.status = TrialStatus.FAILED
                if observation.violation and self._wrapped.max_trials is not None:
                    # The wrapped oracle counts all of its trials; a refused one doesn't count here.
                    self._wrapped.max_trials += 1
            else:
                score = oriented(observation.scores[0], self.objective.direction)
                self._wrapped.update_trial(trial.trial_id, {self.objective.name: score})
                trial.status = TrialStatus.COMPLETED
            self._wrapped.end_trial(trial)


class _HyperbandSchedule(TrainingSchedule):
    """The rounds of Keras Tuner's Hyperband, which continue trainings of earlier rounds.

    Args:
        trials: List of the trials of the wrapped oracle, in the order of asking.
    """

    continues_trainings = True

    def __init__(self, trials: list[keras_tuner.engine.trial.Trial]) -> None:
        self.trials = trials

    def promotable(self) -> list[str]:
        completed = [number for number, trial in enumerate(self.trials) if trial.status == TrialStatus.COMPLETED]
        return [states.id_of(number) for number in reversed(completed)]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warning of Keras Tuner's locks, which use a deprecated name of `threading.current_thread`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="keras_tuner")
        yield
