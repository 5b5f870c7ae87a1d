"""Keras Tuner's side of a strategy: trials by number, their journal, and the continuation of a search from it."""

import collections
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner

from autonas.costs.orientation import oriented
from autonas.oracles import locks
from autonas.oracles.observation import LearningCurve, Observation, Training
from autonas.search_space.values import Scalar
from autonas.trials import events, outcomes, records, reserved, states
from autonas.trials import journal as journal_module

TrialStatus = keras_tuner.engine.trial.TrialStatus


class TrialKeeper(keras_tuner.Oracle):
    """Keras Tuner's contract, met by three methods of a subclass, `Oracle`, that knows nothing of trials: `ask`, which
    `populate_space` calls, `tell_observation`, and `repeat_ask`, which restores the state after an earlier `ask`.

    Several threads may create, update and end trials, each with a `tuner_id` of its own.

    Args:
        objective: A `keras_tuner.Objective` or a metric's name.
        objectives: A list of `keras_tuner.Objective` or `None`.
        max_trials: Number of candidates at most, or `None`.
        hyperparameters: The space or `None`.
    """

    hyperparameters: keras_tuner.HyperParameters
    seed: int

    def __init__(
        self,
        objective: keras_tuner.Objective | str | None,
        objectives: list[keras_tuner.Objective] | None,
        max_trials: int | None,
        hyperparameters: keras_tuner.HyperParameters | None,
    ) -> None:
        super().__init__(
            objective=objectives[0] if objective is None and objectives else objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            max_retries_per_trial=0,
            seed=1,  # `Oracle` sets its own. Without a seed, Keras Tuner draws one from Python's global random state.
        )
        # The lambdas in Keras Tuner's can't be pickled, nor could an estimator with this oracle as its strategy.
        self._run_times: collections.defaultdict[str, int] = collections.defaultdict(int)
        self._id_to_hash: collections.defaultdict[str, str | None] = collections.defaultdict(type(None))
        self.objectives = objectives
        self.verbose = 0
        self.lock = locks.Lock()
        self.journal: journal_module.Journal | None = None
        self._n_candidates = 0
        #: Number of hyperparameters that are in the journal.
        self._n_journaled = 0
        #: Ids of the trials that haven't ended; and the trials of an earlier process among them.
        self._running: set[str] = set()
        self._unfinished: list[keras_tuner.engine.trial.Trial] = []

    def is_full(self) -> bool:
        """Return whether the number of candidates has reached `max_trials`."""
        return self.max_trials is not None and self._n_candidates >= self.max_trials

    def counts(self, values: Mapping[str, Scalar]) -> bool:
        """Return whether a trial with these values counts towards `max_trials`."""
        return reserved.is_candidate(values)

    # ------------------------------------------------------------------ trials

    @locks.synchronized
    def create_trial(self, tuner_id: str) -> keras_tuner.engine.trial.Trial:
        """Create a trial as in Keras Tuner, but with a lock of our own (see `locks`)."""
        self.open()
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        if self._unfinished:
            trial = self._unfinished.pop(0)
            self.ongoing_trials[tuner_id] = trial
            return trial
        number = len(self.trials)
        response = self.populate_space(states.id_of(number))
        trial = self._new_trial(number, response.get("values", {}), response["status"])
        if trial.status == TrialStatus.RUNNING:
            self._add(trial)
            self.ongoing_trials[tuner_id] = trial
            self._write_space()
            self._write(events.Created(trial.trial_id, trial.hyperparameters.values))
        return trial

    @locks.synchronized
    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> keras_tuner.engine.trial.Trial:
        """Add metrics as in Keras Tuner; a metric of unknown direction is taken to be better when smaller.

        Raises:
            ValueError: If there is no such trial, if it has ended, or if an objective is missing.
        """
        trial = self._running_trial(trial_id)
        missing = outcomes.missing(metrics, self._objectives)
        if missing and reserved.is_candidate(trial.hyperparameters.values):
            raise ValueError(f"`metrics` must hold each objective. Received: {list(metrics)}, without {missing}")
        directions = {objective.name: objective.direction for objective in self._objectives}
        with outcomes.nan_allowed():
            for name, value in metrics.items():
                if not trial.metrics.exists(name):
                    trial.metrics.register(name, direction=directions.get(name))
                trial.metrics.update(name, value, step=step)
        return trial

    @locks.synchronized
    def end_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """End a trial: score a candidate, write the trial to the journal and tell the strategy.

        `trial.facts`, a JSON-like dict, is journaled with the trial if present. The strategy's `Observation` has its
        `"report"`, its `"margins"`, and the `LearningCurve` of `"curve"`, `"horizon"` and `"forecast"`.

        Raises:
            ValueError: If there is no such trial, or if it has ended.
        """
        ours = self._running_trial(trial.trial_id)
        ours.hyperparameters, ours.status, ours.message = trial.hyperparameters, trial.status, trial.message
        self.update_space(ours.hyperparameters)
        metrics = {}
        if ours.status == TrialStatus.COMPLETED:
            metrics = outcomes.read_metrics(ours)
            if reserved.is_candidate(ours.hyperparameters.values):
                with outcomes.nan_allowed():
                    self.score_trial(ours)
                wrong = outcomes.first_not_finite(metrics, self._objectives)
                if wrong is not None:
                    ours.status = TrialStatus.FAILED
                    ours.message = ours.message or wrong
        if ours.status != TrialStatus.COMPLETED:
            ours.status, ours.score = TrialStatus.FAILED, None
        trial.status, trial.message = ours.status, ours.message
        self._running.remove(ours.trial_id)
        self.end_order.append(ours.trial_id)
        event = events.Ended(
            ours.trial_id, ours.hyperparameters.values, ours.status, ours.score,
            best_step=ours.best_step, metrics=metrics, message=ours.message, further=getattr(trial, "facts", {}),
        )  # fmt: skip
        self._write_space()
        self._write(event)
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == ours.trial_id:
                del self.ongoing_trials[tuner_id]
        # As the journal will give it back: the keys of a dict are strings then.
        self._tell_trial(ours, events.Ended.from_json(json.loads(json.dumps(event.to_json()))))

    @locks.synchronized
    def get_best_trials(self, num_trials: int = 1) -> list[keras_tuner.engine.trial.Trial]:
        """Return the best completed candidates, the longest trainings first; never a failed trial."""

        def rank(trial: keras_tuner.engine.trial.Trial) -> tuple[float, float]:
            return -reserved.epochs(trial.hyperparameters.values), -oriented(trial.score, self.objective.direction)

        return sorted((trial for trial in self.trials.values() if trial.score is not None), key=rank)[:num_trials]

    @property
    def _objectives(self) -> list[keras_tuner.Objective]:
        return self.objectives or [self.objective]

    # ------------------------------------------------------------------ persistence

    def open(self, header: dict[str, Any] | None = None) -> None:
        """Open the journal in the project's directory; an existing one is replayed, and the search continues.

        Without a tuner, which sets the directory, there is no journal.

        The journal holds the space as well, since a tuner of Keras Tuner that goes on with a search doesn't declare it
        again. Hyperparameters that the tuner has declared and that aren't in the journal are added to the space.

        Args:
            header: Description of the search for a new journal, a JSON-like dict. Defaults to `None`: the seed alone.

        Raises:
            ValueError: If the journal is damaged, or if a hyperparameter has another domain in it.
        """
        if self.journal is not None or not hasattr(self, "_project_name"):
            return
        journal = journal_module.Journal(os.path.join(self._project_dir, journal_module.NAME))
        journaled = events.read(journal)
        declared = self.hyperparameters.space
        spaces = [event.added for event in journaled if isinstance(event, events.Space)]
        self._check_space([entry for added in spaces for entry in added], journal)
        first = next(iter(spaces), None)
        if first is not None and first != _configured(declared):
            self.hyperparameters = keras_tuner.HyperParameters()  # It grows again as it did.
        self.journal = journal
        if not journaled:
            self._write(events.Search(self.seed, further=header or {}))
        for event in journaled:
            match event:
                case events.Search():
                    self.seed = event.seed
                case events.Space():
                    self._restore_space(event.added)
                case events.Created():
                    trial = self._new_trial(len(self.trials), event.values, TrialStatus.RUNNING)
                    self.repeat_ask(event.values)
                    self._add(trial)
                    self._unfinished.append(trial)
                case events.Ended():
                    self._replay_end(event)
        self.hyperparameters.merge(declared, overwrite=False)
        self._write_space()

    def _write(self, event: events.Event) -> None:
        if self.journal is not None:
            self.journal.append(event.to_json())

    def _write_space(self) -> None:
        """Write the hyperparameters to the journal that were added to the space since the last call."""
        if self.journal is not None and len(self.hyperparameters.space) > self._n_journaled:
            added = self.hyperparameters.get_config()["space"][self._n_journaled :]
            self._write(events.Space(added))
            self._n_journaled += len(added)

    def _restore_space(self, added: list[dict[str, Any]]) -> None:
        """Add hyperparameters from the journal to the space, unless it has them."""
        restored = keras_tuner.HyperParameters.from_config({"space": added, "values": {}})
        self.hyperparameters.merge(restored, overwrite=False)
        self._n_journaled += len(added)

    def _check_space(self, journaled: list[dict[str, Any]], journal: journal_module.Journal) -> None:
        by_identity = {_identity(entry): entry for entry in journaled}
        for entry in _configured(self.hyperparameters.space):
            other = by_identity.get(_identity(entry), entry)
            if other != entry:
                raise ValueError(
                    f"The search of the journal {journal.path!r} has another space: hyperparameter "
                    f"{entry['config']['name']!r} is {other} there. Received: {entry}. Nothing was changed. Take "
                    "another `directory` or `project_name`, or `overwrite=True`."
                )

    def save(self) -> None:
        """Do nothing: the journal is always up to date."""

    def reload(self) -> None:
        self.open()

    def _replay_end(self, event: events.Ended) -> None:
        trial = self.trials[event.trial_id]
        self._unfinished.remove(trial)
        self._running.remove(trial.trial_id)
        trial.hyperparameters.values = event.values
        trial.status, trial.message, trial.score = event.status, event.message, event.score
        trial.best_step = event.best_step
        for name, value in event.metrics.items():
            trial.metrics.register(name, direction="min")
            trial.metrics.update(name, value, step=trial.best_step)
        self.end_order.append(trial.trial_id)
        self._tell_trial(trial, event)

    def _new_trial(self, number: int, values: Mapping[str, Scalar], status: str) -> keras_tuner.engine.trial.Trial:
        # Keras Tuner copies by building every hyperparameter anew, which takes longer than all else; they never change.
        hyperparameters = keras_tuner.HyperParameters()
        hyperparameters._space = list(self.hyperparameters.space)
        hyperparameters._hps.update({name: list(same) for name, same in self.hyperparameters._hps.items()})
        hyperparameters.values = dict(values)
        return keras_tuner.engine.trial.Trial(hyperparameters, trial_id=states.id_of(number), status=status)

    def _add(self, trial: keras_tuner.engine.trial.Trial) -> None:
        self.trials[trial.trial_id] = trial
        self.start_order.append(trial.trial_id)
        self._running.add(trial.trial_id)

    def _running_trial(self, trial_id: str) -> keras_tuner.engine.trial.Trial:
        """Return the running trial of an id."""
        if trial_id not in self.trials:
            raise ValueError(
                f"`trial_id` must be that of a trial that this oracle has created. Received: trial_id={trial_id!r}, "
                f"but {len(self.trials)} trials were created"
            )
        if trial_id not in self._running:
            raise ValueError(
                "`trial_id` must be that of a trial that hasn't ended. "
                f"Received: trial_id={trial_id!r}, which ended before"
            )
        return self.trials[trial_id]

    def _tell_trial(self, trial: keras_tuner.engine.trial.Trial, event: events.Ended) -> None:
        number, values, facts = int(trial.trial_id), dict(trial.hyperparameters.values), event.further
        is_completed = trial.status == TrialStatus.COMPLETED
        if not reserved.is_candidate(values):
            self.tell_observation(Observation(number, values, report=facts.get("report") if is_completed else None))
            return
        scores = outcomes.scores(event.metrics, self._objectives) if is_completed else None
        margins, curve = facts.get("margins"), None
        if "curve" in facts:
            curve = LearningCurve(facts["curve"], facts["horizon"], facts["forecast"])
        margins = None if margins is None else tuple(margins)
        is_fitted = records.Result.from_facts(facts).is_fitted
        self.tell_observation(Observation(number, values, scores, margins, Training(curve=curve, is_fitted=is_fitted)))


def _configured(space: Sequence[keras_tuner.engine.hyperparameters.HyperParameter]) -> list[dict[str, Any]]:
    """Return hyperparameters as the journal gives them back: a list of dicts."""
    configured = [
        {"class_name": type(hyperparameter).__name__, "config": hyperparameter.get_config()} for hyperparameter in space
    ]
    return json.loads(json.dumps(configured))


def _identity(entry: dict[str, Any]) -> tuple[str, str]:
    """Return the identity of a journaled hyperparameter: its name, and the choices that it depends on."""
    return entry["config"]["name"], json.dumps(entry["config"]["conditions"])
