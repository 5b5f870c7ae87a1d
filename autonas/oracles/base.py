"""The base class of strategies: Keras Tuner's contract met once, so that a strategy only suggests and observes."""

from __future__ import annotations

import copy
import dataclasses
import secrets
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import keras_tuner
import numpy as np

from autonas.arguments import checks
from autonas.oracles import constructors, keras_tuner_trials, locks, planned, success
from autonas.oracles.observation import Observation
from autonas.search_space import encoding as encoding_module
from autonas.search_space.values import Scalar
from autonas.trials.reserved import is_candidate

if TYPE_CHECKING:
    from autonas.oracles.fidelity.schedule import TrainingSchedule

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: Answer of `ask`: no trial can be proposed before a pending one has ended.
WAIT: Final = "WAIT"
#: Answer of `ask`: the space is exhausted.
DONE: Final = "DONE"
#: Answer of `ask`: the values of the next trial, `WAIT` or `DONE`.
Answer: TypeAlias = dict[str, Scalar] | Literal["WAIT", "DONE"]

_Self = TypeVar("_Self", bound="Oracle")


class Oracle(keras_tuner_trials.TrialKeeper):
    """Base class of the strategies; a `keras_tuner.Oracle`.

    Any tuner of Keras Tuner can use a strategy, except for the strategies that train a supernet (see `SupernetOracle`),
    which need the tuner of autonas. Strategies with a `schedule` shorten trainings in the tuner of autonas only.

    A strategy overrides `suggest(generator)` and, if it learns from trials, `observe(observation)`. `check()` validates
    its arguments and `diagnostics()` returns numbers to log. The base class does everything else. It writes the journal
    from which a killed search continues. It makes a random generator for each trial from the seed and the number of the
    trial, so that the same seed gives the same search. It never asks for an architecture twice. Several threads may use
    one oracle.

    A failed trial says nothing about the score of its architecture. A `SuccessModel` learns from failures: an
    architecture is asked for again after a failure that may have been transient, and architectures with an option that
    seems to fail always are proposed less often.

    Without a tuner, a strategy is used by asking and telling:

    ```python
    import autonas
    import keras_tuner

    class HighestOfThree(autonas.oracles.Oracle):
        def suggest(self, generator):
            samples = [self.encoding.sample(generator) for _ in range(3)]
            return max(samples, key=lambda values: values["units"])

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = HighestOfThree(objective=keras_tuner.Objective("score", "max"), hyperparameters=space, seed=0)
    for number in range(5):
        values = oracle.ask()
        oracle.tell(number, values, (-abs(values["units"] - 40),))
    ```

    A strategy may also ask for trials that are no candidates, such as an epoch of a supernet: their values have a
    `tuner/stage` (see `SupernetOracle`). They are rows of the leaderboard, have no score, and are observed with a
    report.

    A candidate that violates a constraint may be refused before training: the tuner ends its trial as failed with
    `trial.facts["margins"]`, one of which is negative.

    Args:
        objective: A `keras_tuner.Objective` or the name of a metric. Defaults to the first of `objectives`.
        max_trials: Maximum number of candidates, or `None` for no limit; trials of other stages and refused candidates
            don't count. Defaults to `None`.
        hyperparameters: The space, a `keras_tuner.HyperParameters`, or `None` if the tuner discovers the space.
            Defaults to `None`.
        seed: Seed, a non-negative integer; `None` draws one. Defaults to `None`.
        initial_points: Architectures to try first, a list of dicts of the values that differ from the default
            architecture. A name or a value that isn't in the space is an error. Defaults to `None`: in `AutoModel` the
            architectures that suit the data, elsewhere the default architecture alone.
        objectives: List of `keras_tuner.Objective` for a search with several objectives: the strategy observes a score
            for each and searches for the Pareto front. `objective` must be the first of them. Defaults to `None`:
            `objective` alone.
        repeats: Whether an architecture may be asked for again, as while the weights of a supernet are trained.
            Defaults to `False`.
    """

    #: Whether `suggest` changes the strategy. If not, a search is continued without calling `suggest` for its trials.
    suggest_changes_state = True
    #: Whether `suggest` takes account of the probability of success, and repeats architectures after failures that may
    #: have been transient.
    weighs_success = False
    #: Function from an architecture to a key, equal for architectures with the same network, of which one is trained.
    #: `AutoModel` sets it where a supernet knows the networks. `None`: the values of an architecture are its key.
    network_of: Callable[[Mapping[str, Scalar]], Hashable] | None = None
    #: The latest `encoding`.
    _encoded: encoding_module.Encoding | None = None

    def __new__(cls: type[_Self], *args: Any, **kwargs: Any) -> _Self:
        oracle = super().__new__(cls)
        oracle._given = args, kwargs
        return oracle

    def __init__(
        self,
        objective: keras_tuner.Objective | str | None = None,
        max_trials: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        seed: int | None = None,
        initial_points: Sequence[Mapping[str, Scalar]] | None = None,
        objectives: list[keras_tuner.Objective] | None = None,
        repeats: bool = False,
    ) -> None:
        super().__init__(objective, objectives, max_trials, hyperparameters)
        # Keras Tuner replaces a seed of 0 by a random one.
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.given_seed = seed
        self.initial_points = initial_points
        self.repeats = repeats
        self._planned = planned.PlannedArchitectures(initial_points)
        #: By number: the values of trials that were asked for and not told yet.
        self.pending: dict[int, dict[str, Scalar]] = {}
        self._asked = 0
        #: The `_identity` of the architectures that were asked for and haven't failed.
        self._tried: set[Hashable] = set()
        self._success = success.SuccessModel()

    # ------------------------------------------------------------------ the contract of a strategy

    def suggest(self, generator: np.random.Generator) -> Answer:
        """Propose an architecture.

        Args:
            generator: The `numpy.random.Generator` of the next trial.

        Returns:
            A dict of values of the active hyperparameters, `WAIT` or `DONE`. If the architecture was tried before, or
            is likely to fail, `suggest` is called again.
        """
        raise NotImplementedError

    def observe(self, observation: Observation) -> None:
        """Learn from a trial; does nothing by default.

        Args:
            observation: An `Observation`.
        """

    def check(self) -> None:
        """Raise a `ValueError` if an argument of the constructor is invalid; called before the first trial."""

    def diagnostics(self) -> dict[str, float]:
        """Return numbers that explain the suggestions of the strategy, to be logged after a trial.

        Computing them is cheap and changes nothing. Scores are in the units of the user: a loss isn't negated. Of
        several objectives, a number of each is under `name/objective`.

        Returns:
            Dict of finite floats by name, such as `"strategy/policy_entropy"`, which the docstring of the strategy
            lists. Empty by default.
        """
        return {}

    @property
    def schedule(self) -> TrainingSchedule | None:
        """The `TrainingSchedule` of an oracle that shortens trainings; `None` if all candidates are trained in full."""
        return None

    @property
    def one_shot(self) -> Oracle | None:
        """The `SupernetOracle` at work: this oracle or the strategy inside it; `None` if no supernet is needed."""
        return None

    @property
    def encoding(self) -> encoding_module.Encoding:
        """The space as an `Encoding`."""
        if self._encoded is None or len(self._encoded.dimensions) != len(self.hyperparameters.space):
            self._encoded = encoding_module.Encoding(self.hyperparameters)
        return self._encoded

    def is_new(self, values: Mapping[str, Scalar]) -> bool:
        """Return whether an architecture hasn't been tried, or has failed and may succeed now."""
        if not is_candidate(values):
            return True
        return self._identity(values) not in self._tried and self._success.is_worth_trying(self.encoding.key(values))

    def _identity(self, values: Mapping[str, Scalar]) -> Hashable:
        """Return a key that distinguishes the architectures of a search, of which none is tried twice."""
        return self.encoding.key(values) if self.network_of is None else self.network_of(values)

    # ------------------------------------------------------------------ oracles as descriptions

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that were given to the constructor, a dict by name."""
        args, kwargs = self._given
        return dict(zip(constructors.accepted(type(self)), args, strict=False)) | kwargs

    def with_arguments(self: _Self, **arguments: Any) -> _Self:
        """Return a new oracle that is constructed like this one, but with these arguments.

        Args:
            **arguments: Arguments of the constructor.

        Raises:
            ValueError: If the constructor doesn't take one of them.

        Example:

        ```python
        EvolutionOracle(population_size=8).with_arguments(seed=3, max_trials=100)
        ```
        """
        missing = arguments.keys() - set(constructors.accepted(type(self)))
        if missing:
            raise ValueError(
                "The constructor of a strategy must hand the arguments of autonas.oracles.Oracle on, such as by "
                f"`**kwargs`. Received: {type(self).__name__}, which doesn't take {', '.join(sorted(missing))}"
            )
        return type(self)(**self.arguments | arguments)

    def fork(self: _Self, repeats: bool) -> _Self:
        """Return an independent copy with the same observations.

        Args:
            repeats: Whether the copy may ask for an architecture again.
        """
        fork = copy.deepcopy(self)
        fork.repeats = repeats
        return fork

    # ------------------------------------------------------------------ ask and tell

    @locks.synchronized
    def ask(self) -> dict[str, Any] | Any:
        """Return the values of the next trial, `WAIT` or `DONE`; `DONE` after `max_trials` candidates."""
        # The type has `Any` in place of `WAIT` and `DONE`, which a caller that limits its trials needn't check.
        if self._asked == 0:
            constructors.check(self)
            self.check()
        generator = np.random.default_rng([self.seed, self._asked])
        values = self._propose(generator)
        if isinstance(values, dict):
            self._record(values)
        return values

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        values = self.ask()
        if values == WAIT:
            return {"status": TrialStatus.IDLE}
        if values == DONE:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": values}

    def repeat_ask(self, values: dict[str, Scalar]) -> None:
        """Repeat an `ask` of an earlier process, which returned these values."""
        is_planned = is_candidate(values) and self._planned.take(self.encoding, values, not self.weighs_success)
        if not is_planned and self.suggest_changes_state:
            self._next_suggested(np.random.default_rng([self.seed, self._asked]))
        self._record(values)

    def tell(
        self,
        number: int,
        values: dict[str, Scalar],
        scores: tuple[float, ...] | None,
        margins: Iterable[float | None] | None = None,
        **facts: Any,
    ) -> None:
        """Add the result of a trial that was asked for.

        Args:
            number: The number of the trial, from 0 in the order of asking.
            values: Its architecture.
            scores: Tuple of one float per objective, larger is better; `None` if the trial failed. A trial with a score
                that isn't finite counts as failed.
            margins: Sequence of one float per constraint, see `Observation`. Defaults to `None`: no constraints.
            **facts: Further fields of the `Observation`.

        Raises:
            ValueError: If the trial wasn't asked for, or has an observation already, or `scores` isn't a tuple.
        """
        margins = None if margins is None else tuple(margins)
        self.tell_observation(Observation(number, values, scores, margins, **facts))

    @locks.synchronized
    def tell_observation(self, observation: Observation) -> None:
        """Add the result of a trial that was asked for, with everything that is known about it.

        Args:
            observation: An `Observation`; scores that aren't finite count as a failed trial.

        Raises:
            ValueError: If the trial wasn't asked for, or has an observation already, or `scores` isn't a tuple.
        """
        if observation.scores is not None and np.ndim(observation.scores) != 1:
            raise ValueError(
                "`scores` must be None or a tuple of one number per objective. "
                f"Received: scores={observation.scores!r:.100}"
            )
        self._end(observation.number)
        if observation.is_candidate:
            if observation.scores is not None and not np.isfinite(observation.scores).all():
                observation = dataclasses.replace(observation, scores=None)
            self._count(observation)
        self.observe(observation)

    @locks.synchronized
    def learn(self, values: dict[str, Scalar], scores: tuple[float, ...] | None, **facts: Any) -> None:
        """Add an observation without a preceding `ask`, as for a warm start of a search by `ask` and `tell`.

        The observation counts as a trial. For trials of a tuner, use `warm_start` of `AutoModel`, or `earlier_searches`
        of `BayesianOracle`.

        Args:
            values: The architecture.
            scores: As in `tell`.
            **facts: Further fields of the `Observation`, such as `margins`.
        """
        number = self.n_asked
        self._record(values)
        self.tell(number, values, scores, **facts)

    @property
    def n_asked(self) -> int:
        """Number of trials that were asked for, which is the number of the next trial."""
        return self._asked

    def _record(self, values: dict[str, Scalar]) -> None:
        self.pending[self._asked] = values
        self._asked += 1
        self._n_candidates += self.counts(values)
        if is_candidate(values) and not self.repeats:
            self._tried.add(self._identity(values))

    def _end(self, number: int) -> None:
        if number not in self.pending:
            is_known = checks.is_integer(number) and 0 <= number < self._asked
            reason = "has been told before" if is_known else f"wasn't asked for: there were {self._asked} trials"
            raise ValueError(
                "`number` must be that of a trial that was asked for and not told yet. "
                f"Received: number={number!r}, which {reason}"
            )
        del self.pending[number]

    def _count(self, observation: Observation) -> None:
        """Count the success or failure of a candidate; a refused one is neither and not one of `max_trials`."""
        values, is_success = observation.values, observation.scores is not None
        if not is_success and observation.violation:
            self._n_candidates -= self.counts(values)
            return
        self._success.add(self.encoding, values, is_success)
        if not is_success:
            self._tried.discard(self._identity(values))
            if self.is_new(values):
                self._planned.add_retry(values)

    def _is_acceptable(self, values: Mapping[str, Scalar], generator: np.random.Generator) -> bool:
        """Return whether an architecture is new and, by a random draw, likely enough to succeed."""
        if not is_candidate(values):
            return True
        if not self.is_new(values):
            return False
        probability = 1.0 if self.weighs_success else self._success.probability(self.encoding, values)
        return probability == 1 or generator.random() < probability

    def _next_planned(self) -> dict[str, Scalar] | None:
        """Return the next of the initial points or of the architectures to be tried again; `None` without any."""
        return self._planned.next(self.encoding, self.is_new, not self.weighs_success)

    def _propose(self, generator: np.random.Generator) -> Answer:
        """Return the answer to `ask`, without recording it."""
        return DONE if self.is_full() else self._next(generator)

    def _next(self, generator: np.random.Generator) -> Answer:
        """Return the values of the next trial, `WAIT` or `DONE`."""
        values = self._next_planned()
        return self._next_suggested(generator) if values is None else values

    def _next_suggested(self, generator: np.random.Generator) -> Answer:
        """Return the values of the next trial that the strategy proposes, `WAIT` or `DONE`."""
        for _ in range(self._max_collisions):
            answer = self.suggest(generator)
            if not isinstance(answer, dict) or self._is_acceptable(answer, generator):
                return answer
        # A strategy that repeats itself has converged: go on at random, and at last in order, until all is tried.
        for _ in range(10 * self._max_collisions):
            values = self.encoding.sample(generator)
            if self._is_acceptable(values, generator):
                return values
        for values in self.encoding.architectures():
            if self.is_new(values):
                return values
        return DONE
