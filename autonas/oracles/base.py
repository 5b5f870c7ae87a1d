"""The base of all strategies: Keras Tuner's contract met once, so that a strategy only asks and is told."""

import collections
import secrets

import keras_tuner
import numpy as np

from autonas.arguments import checks
from autonas.oracles import feasibility, keras_tuner_trials, locks, success
from autonas.search_space import encoding as encoding_module
from autonas.trials.reserved import is_candidate

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: Answer of `ask`: nothing can be proposed before a pending trial has ended.
WAIT = "WAIT"
#: Answer of `ask`: the space is exhausted.
DONE = "DONE"


class Oracle(keras_tuner_trials.TrialKeeper):
    """Base class of the strategies; a `keras_tuner.Oracle` that any Keras Tuner tuner can use.

    A strategy overrides `suggest(generator)`, and `observe(number, values, scores)` if it learns; one that heeds
    constraints, `observe_margins(number, values, margins)` too. Everything else is here: the journal, from which a
    killed search continues; a random generator for each trial, made of the seed and the trial's number, so that the
    same seed gives the same search; no candidate twice; failed trials told as such. Several threads may use an oracle.

    A failed trial says nothing about the score of its architecture. A `SuccessModel` learns from failures: an
    architecture is asked for again after a failure that may have been transient, and architectures with an option that
    seems to fail always are proposed less often.

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

    A candidate whose costs are beyond a limit may be refused before any training: the tuner ends its trial as failed
    with `trial.facts["margins"]`, one of which is negative. It is told as failed, after its margins.

    Args:
        objective: A `keras_tuner.Objective` or a metric's name. Defaults to the first of `objectives`.
        max_trials: Number of candidates at most, or `None` for no limit; trials of other stages and refused candidates
            don't count. Defaults to `None`.
        hyperparameters: The space, a `keras_tuner.HyperParameters`, or `None` if the tuner finds it. Defaults to
            `None`.
        seed: Seed, a non-negative integer; `None` draws one. Defaults to `None`.
        initial_points: Architectures to try first, a list of dicts of the values that differ from the default
            architecture. Defaults to those that `AutoModel` finds to suit the data, and to the default architecture
            alone outside of it.
        objectives: A list of `keras_tuner.Objective`, for several: the strategy is told a score for each and looks for
            the architectures that none is as good as in all of them. `objective` must be the first of them. Defaults to
            `None`: `objective` alone.
    """

    #: Whether `AutoModel` gives it architectures to begin with.
    takes_warm_start = True
    #: Whether `suggest` changes the strategy. If not, a search is continued without asking for everything again.
    suggest_changes_state = True
    #: Whether a trial may go on with the training of an earlier one, which its values name under `tuner/trial_id`.
    goes_on = False
    #: Whether it may stop a training by its learning curve, so that all must be annealed alike.
    stops_trainings = False
    #: Whether it is told of an architecture once for each fidelity at which it was scored, and of the fidelity.
    knows_fidelities = False
    #: Whether `suggest` takes account of the probability of success, and asks again after failures that may have been
    #: transient.
    weighs_success = False

    def __init__(
        self,
        objective=None,
        max_trials=None,
        hyperparameters=None,
        seed=None,
        initial_points=None,
        objectives=None,
    ):
        super().__init__(objective, objectives, max_trials, hyperparameters)
        # Keras Tuner replaces a seed of 0 by a random one.
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.given_seed = seed
        self.initial_points = initial_points
        self._n_initial = 0
        #: Architectures that have failed and are to be tried again.
        self._retries = collections.deque()
        #: Architectures that were asked for and not told of yet, by number.
        self.pending = {}
        #: Whether an architecture may be asked for again.
        self.repeats = False
        self._asked = 0
        #: Keys of the architectures that were asked for and haven't failed.
        self._tried = set()
        self._success = success.SuccessModel()

    # ------------------------------------------------------------------ for strategies

    def suggest(self, generator):
        """Proposes an architecture.

        Args:
            generator: The `numpy.random.Generator` of the trial to come.

        Returns:
            A dict of values of the active hyperparameters, `WAIT` or `DONE`. If it was tried before, or is likely to
            fail, this is called again.
        """
        raise NotImplementedError

    def observe(self, number, values, scores):
        """Learns from a trial.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its architecture.
            scores: Tuple of one float per objective, larger is better; `None` if the trial failed or was refused.
        """

    def observe_margins(self, number, values, margins):
        """Learns how far a trial is within the limits, or beyond; called before `observe` if there are constraints.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its architecture.
            margins: Tuple of one float per constraint: log(limit / cost) for an upper limit, so that it is 0 or more
                within the limit and less than 0 beyond; `None` in place of a cost that wasn't measured.
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

    def stopper_for(self, values):
        """What decides after each epoch of a trial whether it goes on; `None`, the default, if all do.

        Args:
            values: Values of the trial.

        Returns:
            A picklable function of the history, a list of one dict of numbers for each epoch, that returns `None` or,
            to stop it, why: an object with a `forecast` of the final score, a dataclass of floats, whose text is shown.
            It has a method `scores(history)`, the objective after each epoch, larger is better.
        """
        return None

    def observe_curve(self, number, values, scores, horizon, forecast):
        """Learns the learning curve of a trial that has a stopper; called before `observe`, and ignored by default.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its architecture.
            scores: The objective after each epoch, a list of floats, larger is better.
            horizon: Epochs over which its learning rate was annealed.
            forecast: Of its final score, as a list of floats, if it was stopped; else `None`.
        """

    def observe_fidelity(self, number, values, fidelity):
        """Learns at what fidelity an architecture was scored; called before `observe` if it `knows_fidelities`.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its architecture.
            fidelity: Share of a full training, more than 0 and at most 1.
        """

    def observe_again(self, number, values, scores):
        """Learns that an architecture it was told of scores better or worse than it was told, now that it was trained
        on; called unless it `knows_fidelities`, and ignored by default. Arguments as in `observe`."""

    def promotable(self):
        """Ids of the trials whose training a later one may go on with, what is most likely first; a list."""
        return []

    def finish(self):
        """Called when what is left of the time is for full trainings of the most promising; ignored by default."""

    def numbers(self):
        """What is worth logging of the strategy after a trial, to see why it asks for what it does.

        To ask for them costs next to nothing and changes nothing. Scores are as the user knows them: a loss isn't
        negated. Of several objectives, a number of each is under `name/objective`.

        Returns:
            Dict of finite floats by name, such as `"strategy/policy_entropy"`; each oracle says which. Empty by
            default.
        """
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

    @locks.synchronized
    def ask(self):
        """What to try next: values of the active hyperparameters, `WAIT` or `DONE`; `DONE` after `max_trials`."""
        if self._asked == 0:
            self.check()
        if self.is_over():
            return DONE
        generator = np.random.default_rng([self.seed, self._asked])
        values = self._propose(generator)
        if isinstance(values, dict):
            self._record(values)
        return values

    def populate_space(self, trial_id):
        values = self.ask()
        if values == WAIT:
            return {"status": TrialStatus.IDLE}
        if values == DONE:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": values}

    def repeat_ask(self, values):
        """As if it had asked, when a search is continued, for what it asked for the first time."""
        if self.suggest_changes_state:
            self._propose(np.random.default_rng([self.seed, self._asked]))
        else:
            self._next_planned()
        self._record(values)

    @locks.synchronized
    def tell(self, number, values, scores, margins=None, fidelity=None):
        """What came of it; see `observe`, `observe_margins` and `observe_fidelity`. Scores that aren't finite are those
        of a failed trial.

        Args:
            number: The trial's number, from 0 in the order of asking.
            values: Its architecture.
            scores: As in `observe`.
            margins: As in `observe_margins`, or `None` without constraints. Defaults to `None`.
            fidelity: As in `observe_fidelity`, or `None` for a full training. Defaults to `None`.

        Raises:
            ValueError: If the trial wasn't asked for, or was told of before.
        """
        self._end(number)
        if scores is not None and not np.isfinite(scores).all():
            scores = None
        if scores is None and feasibility.violation(margins):
            self._n_candidates -= self.counts(values)
        else:
            self._success.add(self.encoding, values, scores is not None)
            if scores is None:
                self._tried.discard(self.encoding.key(values))
                if self._is_new(values):
                    self._retries.append(values)
        if margins is not None:
            self.observe_margins(number, values, tuple(margins))
        if fidelity is not None:
            self.observe_fidelity(number, values, fidelity)
        self.observe(number, values, scores)

    @locks.synchronized
    def tell_report(self, number, values, report):
        """What came of a trial of another stage; see `observe_report`, and `tell` for what is raised."""
        self._end(number)
        self.observe_report(number, values, report)

    @locks.synchronized
    def learn(self, values, scores, margins=None, fidelity=None):
        """Add an observation without a preceding `ask`, as for a warm start. Arguments as in `tell`."""
        number = self.n_asked
        self._record(values)
        self.tell(number, values, scores, margins, fidelity)

    @property
    def n_asked(self):
        """How many trials were asked for: the number of the next one."""
        return self._asked

    def _record(self, values):
        self.pending[self._asked] = values
        self._asked += 1
        self._n_candidates += self.counts(values)
        if is_candidate(values) and not self.repeats:
            self._tried.add(self.encoding.key(values))

    def _end(self, number):
        if number not in self.pending:
            is_known = checks.is_integer(number) and 0 <= number < self._asked
            reason = "was told of before" if is_known else f"wasn't asked for: there were {self._asked} trials"
            raise ValueError(
                "`number` must be that of a trial that was asked for and not told of yet. "
                f"Received: number={number!r}, which {reason}"
            )
        del self.pending[number]

    def _is_new(self, values):
        """Whether an architecture wasn't tried yet, or has failed and may succeed now."""
        if not is_candidate(values):
            return True
        key = self.encoding.key(values)
        return key not in self._tried and self._success.is_worth_trying(key)

    def _is_acceptable(self, values, generator):
        """Whether an architecture is new and, by a draw, likely enough to succeed."""
        if not is_candidate(values):
            return True
        if not self._is_new(values):
            return False
        probability = 1.0 if self.weighs_success else self._success.probability(self.encoding, values)
        return probability == 1 or generator.random() < probability

    def _next_planned(self):
        """The next of the initial points, or of the architectures that are to be tried again; `None` without any."""
        initial_points = [{}] if self.initial_points is None else self.initial_points
        while self._n_initial < len(initial_points):
            values = self.encoding.complete(initial_points[self._n_initial])
            self._n_initial += 1
            if self._is_new(values):
                return values
        while self._retries and not self.weighs_success:
            values = self._retries.popleft()
            if self._is_new(values):
                return values
        return None

    def _propose(self, generator):
        values = self._next_planned()
        if values is not None:
            return values
        for _ in range(self._max_collisions):
            values = self.suggest(generator)
            if not isinstance(values, dict) or self._is_acceptable(values, generator):
                return values
        # A strategy that repeats itself has converged: go on at random, and at last in order, until all is tried.
        for _ in range(10 * self._max_collisions):
            values = self.encoding.sample(generator)
            if self._is_acceptable(values, generator):
                return values
        for values in self.encoding.architectures():
            if self._is_new(values):
                return values
        return DONE
