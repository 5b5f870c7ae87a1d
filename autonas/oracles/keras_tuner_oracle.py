"""Keras Tuner's own oracles as a strategy, behind the same base as ours."""

import contextlib
import warnings

import keras_tuner

from autonas.costs.orientation import oriented
from autonas.oracles import base, feasibility
from autonas.trials import reserved, states

TrialStatus = keras_tuner.engine.trial.TrialStatus


class KerasTunerOracle(base.Oracle):
    """Lets an oracle of Keras Tuner propose; journal, resuming and accounting are those of `Oracle`.

    The wrapped oracle's state is rebuilt by asking it and telling it again what the journal holds. It must have been
    given a `seed` for that to be exact; otherwise the recorded candidates are put in place of what it proposes.

    With `HyperbandOracle`, trials of later rounds go on with the training of those before, as with Keras Tuner's tuner,
    but exactly: the optimizer's state, too, is what it was, and the learning rate is annealed over all epochs.

    It takes one objective, and a refused trial is a failed one to it.

    Args:
        oracle: A `keras_tuner.Oracle`. Its seed holds, and its `max_trials` if none is given here.
        objective: The objective; `None` for the oracle's own.
        max_trials: Overrides the oracle's `max_trials` if not `None`.
        hyperparameters: The space.
        seed: Ignored where the oracle has its own.
    """

    def __init__(self, oracle, objective=None, max_trials=None, hyperparameters=None, seed=None):
        super().__init__(
            objective=objective or oracle.objective,
            max_trials=oracle.max_trials if max_trials is None else max_trials,
            hyperparameters=hyperparameters,
            seed=oracle.seed if seed is None else seed,
            initial_points=[],
        )
        self.oracle = oracle
        oracle.objective = self.objective
        oracle.max_trials = self.max_trials
        oracle.verbose = 0
        # The journal here replaces its files.
        oracle.save = lambda: None
        oracle._save_trial = lambda trial: None
        # A failed trial is a row of the table, not the end of the search.
        oracle.max_consecutive_failed_trials = 10**9
        self.goes_on = isinstance(oracle, keras_tuner.oracles.HyperbandOracle)
        self._proposed = []
        self._violation = 0.0

    def promotable(self):
        numbers = reversed(range(len(self._proposed))) if self.goes_on else ()
        return [states.id_of(number) for number in numbers if self._proposed[number].status == TrialStatus.COMPLETED]

    def _propose(self, generator):
        with _quiet():
            self.oracle.update_space(self.hyperparameters)
            trial = self.oracle.create_trial(f"slot_{self._asked}")
        if trial.status == TrialStatus.IDLE:
            return base.WAIT
        if trial.status != TrialStatus.RUNNING:
            return base.DONE
        values = dict(trial.hyperparameters.values)
        if reserved.TRIAL_ID in values:
            # It numbers trials by itself.
            number = [earlier.trial_id for earlier in self._proposed].index(values[reserved.TRIAL_ID])
            values[reserved.TRIAL_ID] = states.id_of(number)
        self._proposed.append(trial)
        return values

    def observe_margins(self, number, values, margins):
        self._violation = feasibility.violation(margins)

    def observe(self, number, values, scores):
        trial = self._proposed[number]
        trial.hyperparameters.values = dict(values)
        with _quiet():
            if scores is None:
                trial.status = TrialStatus.FAILED
                if self._violation and self.oracle.max_trials is not None:
                    # It counts all of its trials; a refused one is none.
                    self.oracle.max_trials += 1
            else:
                score = oriented(scores[0], self.objective.direction)
                self.oracle.update_trial(trial.trial_id, {self.objective.name: score})
                trial.status = TrialStatus.COMPLETED
            self.oracle.end_trial(trial)
        self._violation = 0.0


@contextlib.contextmanager
def _quiet():
    """Keras Tuner's locks use a deprecated name of `threading.current_thread`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="keras_tuner")
        yield
