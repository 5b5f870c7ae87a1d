"""Keras Tuner's own oracles as a strategy, behind the same base as ours."""

import contextlib
import copy
import functools
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
    and telling it their results again. This is exact, since the journal has the seed, unless this oracle is inside
    another one and no seed was given, or the wrapped oracle is of a class of your own that draws random numbers
    otherwise than Keras Tuner's: recorded candidates then replace its proposals.

    With `HyperbandOracle`, trials of later rounds continue the trainings of earlier rounds, as with Keras Tuner's
    tuner, but exactly: the state of the optimizer is restored too, and the learning rate is annealed over all epochs.

    There must be one objective. To the wrapped oracle a refused trial is a failed one.

    Args:
        oracle: A `keras_tuner.Oracle`, which isn't changed.
        objective: The objective. Defaults to that of `oracle`.
        max_trials: Maximum number of candidates. Defaults to that of `oracle`.
        hyperparameters: The space. Defaults to `None`.
        seed: Seed, a non-negative integer, which replaces that of `oracle`. Defaults to `None`: the `seed` of
            `AutoModel` if it is given, and otherwise that of `oracle`, which Keras Tuner has drawn if it wasn't given.
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
        self._proposed: list[keras_tuner.engine.trial.Trial] = []

    @functools.cached_property
    def _wrapped(self) -> keras_tuner.Oracle:
        """The oracle at work, a copy made when the first trial is asked for: the journal may have another seed."""
        wrapped = copy.deepcopy(self.oracle)
        wrapped.objective = self.objective
        wrapped.verbose = 0
        # The journal here replaces its files.
        wrapped.save = lambda: None
        wrapped._save_trial = lambda trial: None
        # A failed trial is a row of the leaderboard, not the end of the search.
        wrapped.max_consecutive_failed_trials = 10**9
        if self.seed != wrapped.seed:
            wrapped.seed = wrapped._seed_state = self.seed % 2**32
            if isinstance(wrapped, keras_tuner.oracles.BayesianOptimizationOracle):
                wrapped._random_state = np.random.RandomState(wrapped.seed)
                wrapped.gpr = wrapped._make_gpr()
        return wrapped

    @property
    def schedule(self) -> TrainingSchedule | None:
        is_hyperband = isinstance(self.oracle, keras_tuner.oracles.HyperbandOracle)
        return _HyperbandSchedule(self._proposed) if is_hyperband else None

    def repeat_ask(self, values: dict[str, Scalar]) -> None:
        answer = self._next_suggested(np.random.default_rng())
        if answer != values:  # By another seed.
            wrapped = self._wrapped
            if not isinstance(answer, dict):
                trial_id = states.id_of(len(wrapped.trials))
                trial = keras_tuner.engine.trial.Trial(wrapped.get_space(), trial_id, TrialStatus.RUNNING)
                wrapped.trials[trial_id] = wrapped.ongoing_trials[f"slot_{self._asked}"] = trial
                wrapped.start_order.append(trial_id)
                self._proposed.append(trial)
            trial = self._proposed[-1]
            trial.hyperparameters.values = dict(values)
            wrapped._record_values(trial)
        self._record(values)

    def _next_planned(self) -> dict[str, Scalar] | None:
        return None  # The wrapped oracle plans all trials.

    def _next_suggested(self, generator: np.random.Generator) -> Answer:
        wrapped = self._wrapped
        if self.max_trials is not None:
            # The limit is checked here, where refused trials and trials of the journal don't count as its own do.
            wrapped.max_trials = max(self.max_trials, len(wrapped.trials) + 1)
        with _quiet():
            wrapped.update_space(self.hyperparameters)
            trial = wrapped.create_trial(f"slot_{self._asked}")
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
