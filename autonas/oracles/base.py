"""The base of all strategies: Keras Tuner's contract met once, so that a strategy only asks and is told."""

import contextlib
import json
import os
import secrets
import warnings

import keras_tuner
import numpy as np

from autonas.oracles import journal as journal_module
from autonas.search_space import encoding as encoding_module

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: Answer of `ask`: nothing can be proposed before a pending trial has ended.
WAIT = "WAIT"
#: Answer of `ask`: the space is exhausted.
DONE = "DONE"


def is_candidate(values):
    """Whether the values of a trial are an architecture to train by itself, and not another stage of the search."""
    return values.get("tuner/stage", "train") == "train"


class Oracle(keras_tuner.Oracle):
    """Base class of the strategies; a `keras_tuner.Oracle` that any Keras Tuner tuner can use.

    A strategy overrides `suggest(generator)`, and `observe(number, values, scores)` if it learns. Everything else is
    here: the journal, from which a killed search continues; a random generator for each trial, made of the seed and
    the trial's number, so that the same seed gives the same search; no candidate twice; failed trials told as such.

    Without a tuner, a strategy is used by asking and telling:

    ```python
    oracle = RandomOracle(objective=keras_tuner.Objective("score", "max"), hyperparameters=space, seed=0)
    for number in range(100):
        values = oracle.ask()
        oracle.tell(number, values, (measure(values),))
    ```

    A strategy may also ask for trials that are no candidates, such as an epoch of a supernet's training: their values
    have a `tuner/stage` (see `SupernetOracle`). They are rows of the table, end without a score, and what comes of them
    is a report, told by `tell_report`.

    Args:
        objective: A `keras_tuner.Objective` or a metric's name.
        max_trials: Number of candidates at most, or `None` for no limit; trials of other stages don't count. Defaults
            to `None`.
        hyperparameters: The space, a `keras_tuner.HyperParameters`, or `None` if the tuner finds it. Defaults to
            `None`.
        seed: Seed, a non-negative integer; `None` draws one. Defaults to `None`.
        initial_points: Architectures to try first, a list of dicts of the values that differ from the default
            architecture. Defaults to those that `AutoModel` finds to suit the data, and to the default architecture
            alone outside of it.
    """

    #: Whether `AutoModel` gives it architectures to begin with.
    takes_warm_start = True
    #: Whether `suggest` changes the strategy. If not, a search is continued without asking for everything again.
    suggest_changes_state = True

    def __init__(self, objective=None, max_trials=None, hyperparameters=None, seed=None, initial_points=None):
        super().__init__(
            objective=objective, max_trials=max_trials, hyperparameters=hyperparameters, max_retries_per_trial=0
        )
        # Keras Tuner replaces a seed of 0 by a random one.
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.given_seed = seed
        self.initial_points = initial_points
        self._n_initial = 0
        self.verbose = 0
        self.journal = None
        self.header = {}
        #: Architectures that were asked for and not told of yet, by number.
        self.pending = {}
        #: Whether an architecture may be asked for again.
        self.repeats = False
        self._asked = 0
        self._n_candidates = 0
        self._tried = set()
        self._unfinished = []

    # ------------------------------------------------------------------ for strategies

    def suggest(self, generator):
        """Proposes an architecture.

        Args:
            generator: The `numpy.random.Generator` of the trial to come.

        Returns:
            A dict of values of the active hyperparameters, `WAIT` or `DONE`. If it was tried before, this is called
            again.
        """
        raise NotImplementedError

    def observe(self, number, values, scores):
        """Learns from a trial.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its architecture.
            scores: Tuple of one float per objective, larger is better; `None` if the trial failed.
        """

    def observe_report(self, number, values, report):
        """Learns from a trial of another stage.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its values, with the stage under `tuner/stage`.
            report: What came of it, a dict as JSON gives it back; `None` if the trial failed.
        """

    def supernet_training(self):
        """How the supernet is to be trained, a JSON-like dict; `None`, the default, if none is needed."""
        return None

    def strategy_for(self, values):
        """An oracle that the evaluation of a trial asks and tells in memory; `None`, the default, if none is needed.

        Args:
            values: Values of the trial.
        """
        return None

    def numbers(self):
        """What is worth logging of the strategy after a trial, a dict of floats; empty by default."""
        return {}

    def check(self):
        """Raises a `ValueError` if an argument isn't valid; called once, before the first trial."""

    @property
    def encoding(self):
        """The space as an `Encoding`."""
        if getattr(self, "_encoded", None) is None or len(self._encoded.dimensions) != len(self.hyperparameters.space):
            self._encoded = encoding_module.Encoding(self.hyperparameters)
        return self._encoded

    # ------------------------------------------------------------------ ask and tell

    def ask(self):
        """What to try next: values of the active hyperparameters, `WAIT` or `DONE`."""
        if self._asked == 0:
            self.check()
        generator = np.random.default_rng([self.seed, self._asked])
        values = self._propose(generator)
        if isinstance(values, dict):
            self._record(values)
        return values

    def tell(self, number, values, scores):
        """What came of it; see `observe`. Scores that aren't finite are those of a failed trial."""
        if scores is not None and not np.isfinite(scores).all():
            scores = None
        self.pending.pop(number, None)
        self.observe(number, values, scores)

    def tell_report(self, number, values, report):
        """What came of a trial of another stage; see `observe_report`."""
        self.pending.pop(number, None)
        self.observe_report(number, values, report)

    def learn(self, values, scores):
        """As if it had asked for an architecture and were told of it."""
        number = self.n_asked
        self._record(values)
        self.tell(number, values, scores)

    @property
    def n_asked(self):
        """How many trials were asked for: the number of the next one."""
        return self._asked

    def is_full(self):
        """Whether there are as many candidates as there may be."""
        return self.max_trials is not None and self._n_candidates >= self.max_trials

    def _record(self, values):
        self.pending[self._asked] = values
        self._asked += 1
        if is_candidate(values) and not self.repeats:
            self._tried.add(self.encoding.key(values))

    def _is_new(self, values):
        return not is_candidate(values) or self.encoding.key(values) not in self._tried

    def _next_initial_point(self):
        initial_points = [{}] if self.initial_points is None else self.initial_points
        while self._n_initial < len(initial_points):
            values = self.encoding.complete(initial_points[self._n_initial])
            self._n_initial += 1
            if self._is_new(values):
                return values
        return None

    def _propose(self, generator):
        values = self._next_initial_point()
        if values is not None:
            return values
        for _ in range(self._max_collisions):
            values = self.suggest(generator)
            if not isinstance(values, dict) or self._is_new(values):
                return values
        # A strategy that repeats itself has converged: go on at random, and at last in order, until all is tried.
        for _ in range(10 * self._max_collisions):
            values = self.encoding.sample(generator)
            if self._is_new(values):
                return values
        for values in self.encoding.architectures():
            if self._is_new(values):
                return values
        return DONE

    # ------------------------------------------------------------------ Keras Tuner's contract

    def populate_space(self, trial_id):
        values = self.ask()
        if values == WAIT:
            return {"status": TrialStatus.IDLE}
        if values == DONE:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": values}

    def create_trial(self, tuner_id):
        """As in Keras Tuner, without its locks: all calls come from one thread."""
        self.open()
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        if self._unfinished:
            trial = self._unfinished.pop(0)
            self.ongoing_trials[tuner_id] = trial
            return trial
        number = len(self.trials)
        response = {"status": TrialStatus.STOPPED}
        if not self.is_full():
            response = self.populate_space(f"{number:04d}")
        trial = self._new_trial(number, response.get("values", {}), response["status"])
        if trial.status == TrialStatus.RUNNING:
            self._add(trial)
            self.ongoing_trials[tuner_id] = trial
            self._write({"event": "created", "trial_id": trial.trial_id, "values": trial.hyperparameters.values})
        return trial

    def update_trial(self, trial_id, metrics, step=0):
        """As in Keras Tuner; a metric whose direction can't be told is kept as the smaller the better."""
        trial = self.trials[trial_id]
        if is_candidate(trial.hyperparameters.values):
            self._check_objective_found(metrics)
        with _nan_allowed():
            for name, value in metrics.items():
                if not trial.metrics.exists(name):
                    trial.metrics.register(
                        name, direction=self.objective.direction if name == self.objective.name else None
                    )
                trial.metrics.update(name, value, step=step)
        return trial

    def end_trial(self, trial):
        """Ends a trial: scores it if it is a candidate, writes it to the journal and tells the strategy.

        `trial.facts`, a JSON-like dict, is journaled with it if present; its `"report"` is what the strategy is told of
        a trial that is no candidate.
        """
        ours = self.trials[trial.trial_id]
        ours.hyperparameters, ours.status, ours.message = trial.hyperparameters, trial.status, trial.message
        self.update_space(ours.hyperparameters)
        metrics = {}
        if ours.status == TrialStatus.COMPLETED:
            with _nan_allowed():
                if is_candidate(ours.hyperparameters.values):
                    self.score_trial(ours)
                metrics = {name: float(ours.metrics.get_best_value(name)) for name in ours.metrics.metrics}
            if ours.score is not None and not np.isfinite(ours.score):
                ours.status = TrialStatus.FAILED
                ours.message = ours.message or f"{self.objective.name} is {ours.score}."
        if ours.status != TrialStatus.COMPLETED:
            ours.status, ours.score = TrialStatus.FAILED, None
        trial.status, trial.message = ours.status, ours.message
        self.end_order.append(ours.trial_id)
        event = {
            "event": "ended",
            "trial_id": ours.trial_id,
            "values": ours.hyperparameters.values,
            "status": ours.status,
            "score": ours.score,
            "best_step": ours.best_step,
            "metrics": metrics,
            "message": ours.message,
            **getattr(trial, "facts", {}),
        }
        self._write(event)
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == ours.trial_id:
                del self.ongoing_trials[tuner_id]
        # As the journal will give it back: the keys of a dict are strings then.
        self._tell_trial(ours, json.loads(json.dumps(event.get("report"))))

    def get_best_trials(self, num_trials=1):
        """The best completed candidates; never a trial that failed."""
        completed = [trial for trial in self.trials.values() if trial.score is not None]
        sign = -1 if self.objective.direction == "max" else 1
        return sorted(completed, key=lambda trial: sign * trial.score)[:num_trials]

    def oriented(self, score):
        """The score such that larger is better."""
        return score if self.objective.direction == "max" else -score

    # ------------------------------------------------------------------ persistence

    def open(self):
        """Opens the journal in the project's directory; an existing one is replayed, and the search continues.

        There is none before a tuner has set the directory.
        """
        if self.journal is not None or not hasattr(self, "_project_name"):
            return
        self.journal = journal_module.Journal(os.path.join(self._project_dir, "journal.jsonl"))
        events = self.journal.read()
        if not events:
            self.journal.append({"event": "search", "version": 1, "seed": self.seed, **self.header})
        for event in events:
            if event["event"] == "search":
                self.seed = event["seed"]
            elif event["event"] == "created":
                trial = self._new_trial(len(self.trials), event["values"], TrialStatus.RUNNING)
                self._replay_ask(event["values"])
                self._add(trial)
                self._unfinished.append(trial)
            elif event["event"] == "ended":
                self._replay_end(event)

    def _write(self, event):
        if self.journal is not None:
            self.journal.append(event)

    def save(self):
        """Nothing to do: the journal is always up to date."""

    def reload(self):
        self.open()

    def _replay_ask(self, values):
        if self.suggest_changes_state:
            self._propose(np.random.default_rng([self.seed, self._asked]))
        else:
            self._next_initial_point()
        self._record(values)

    def _replay_end(self, event):
        trial = self.trials[event["trial_id"]]
        self._unfinished.remove(trial)
        trial.hyperparameters.values = event["values"]
        trial.status, trial.message, trial.score = event["status"], event["message"], event["score"]
        trial.best_step = event["best_step"]
        for name, value in event["metrics"].items():
            trial.metrics.register(name, direction="min")
            trial.metrics.update(name, value, step=trial.best_step)
        self.end_order.append(trial.trial_id)
        self._tell_trial(trial, event.get("report"))

    def _new_trial(self, number, values, status):
        # Keras Tuner copies by building every hyperparameter anew, which takes longer than all else; they never change.
        hyperparameters = keras_tuner.HyperParameters()
        hyperparameters._space = list(self.hyperparameters.space)
        hyperparameters._hps.update({name: list(same) for name, same in self.hyperparameters._hps.items()})
        hyperparameters.values = dict(values)
        return keras_tuner.engine.trial.Trial(hyperparameters, trial_id=f"{number:04d}", status=status)

    def _add(self, trial):
        self.trials[trial.trial_id] = trial
        self.start_order.append(trial.trial_id)
        self._n_candidates += is_candidate(trial.hyperparameters.values)

    def _tell_trial(self, trial, report):
        number, values = int(trial.trial_id), dict(trial.hyperparameters.values)
        if is_candidate(values):
            self.tell(number, values, None if trial.score is None else (self.oriented(trial.score),))
        else:
            self.tell_report(number, values, report if trial.status == TrialStatus.COMPLETED else None)


@contextlib.contextmanager
def _nan_allowed():
    """Keras Tuner's tables of metrics take a NaN, such as the AUC of rows of one class, but numpy warns of it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
        yield
