"""The plan of a search: the arguments of an estimator, resolved once at the top of `fit`."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Collection
from typing import Any

import numpy as np

from autonas import execution, oracles
from autonas.backends import parallel
from autonas.data import splits
from autonas.data.features import Feature
from autonas.data.fit_data import FitData
from autonas.estimators import arguments
from autonas.objectives.goal import Goal
from autonas.preparation import combinations, validation_rules
from autonas.preparation.request import Request, Settings
from autonas.search import earlier_runs, one_shot
from autonas.search.state import Ensembling
from autonas.search_space import optimization, ranges
from autonas.trials import folder

#: Numbers of the data that a network reads, and learns from, in about the time that building and tracing it takes.
_NUMBERS_PER_TRACE = 6e6
#: A full training must take at least as long as this many traces for shorter trainings to pay off: each is traced too.
_MIN_TRACES = 12
#: Length of the shortest training in traces. In a shorter one dropout and augmentation have no time to pay off.
_SHORTEST_TRACES = 4
#: Number of weight updates at the default batch size in the shortest training on images. After fewer updates, networks
#: that flatten images are ahead of those that are better in the end, above all with augmentation.
_SHORTEST_UPDATES = 250
#: With fewer trials, too few candidates would be promoted.
_MIN_TRIALS = 9
#: Smallest cost of the shortest training, as a share of the cost of a full training.
_MIN_COST_SHARE = 1 / 50
#: Number of folds where the user doesn't ask for one, and number of rows by the kind of data, below which there are
#: folds: the score of a fifth of fewer rows says little about the order of candidates.
_FOLDS, _FEW_ROWS = 5, {"series": 300, "table": 500}
#: Smallest mean number of groups in such a fold.
_GROUPS_OF_FOLD = 2
#: Number of epochs below which the shortest training has one epoch on a share of the rows instead.
_LESS_THAN_AN_EPOCH = 0.75
#: Number of candidates at most of an ensemble that the user didn't ask for.
_AUTO_MEMBERS = 5
#: A training stops after this share of its epochs without improvement, and not before this number of epochs.
_PATIENCE_SHARE, _MIN_PATIENCE = 1 / 3, 8


@dataclasses.dataclass(frozen=True)
class Task:
    """The learning task.

    Args:
        kind: Kind of the input, or `None`: inferred from the data.
        name: Task such as `"regression"`, or `None`: inferred from the targets.
        num_classes: Number of classes, or `None`: the classes in the targets.
        loss: Loss of the default head, or `None`: the default of the task.
        class_weight: Dict from label to weight in the loss, `"balanced"` or `None`.
    """

    kind: str | None
    name: str | None
    num_classes: int | None
    loss: object
    class_weight: object


@dataclasses.dataclass(frozen=True)
class Space:
    """The networks to search.

    Args:
        inputs: Input node of a drawn graph or a list of them, or `None` for the default graph.
        outputs: Output node of a drawn graph or a list of them, or `None` for the default graph.
        name: Search space of the default graph, or `None`.
    """

    inputs: object
    outputs: object
    name: str | None


@dataclasses.dataclass(frozen=True)
class Criteria:
    """The criteria by which candidates are compared.

    Args:
        objective: The objective, a list or combination of several, or `None`: the default of the task.
        constraints: Dict from cost to limit, or `None`.
        metrics: Further metrics, or `None`.
    """

    objective: object
    constraints: dict | None
    metrics: object


@dataclasses.dataclass(frozen=True)
class Strategy:
    """The recipe of the oracle, which is made once the space is known.

    Args:
        strategy: Name of a strategy, or an oracle.
        weight_sharing: Whether the strategy searches with the scores of a supernet.
        fidelity: Name of a fidelity, or `"auto"`.
        trains_supernet: Whether a supernet is trained.
        earlier_searches: List of `EarlierSearch`, in the order of the argument `warm_start`.
        continued_fidelity: Name of the fidelity of the search that continues, or `None`. Defaults to `None`.
    """

    strategy: object
    weight_sharing: bool
    fidelity: str
    trains_supernet: bool
    earlier_searches: list[oracles.EarlierSearch]
    continued_fidelity: str | None = None

    @property
    def takes_fidelity(self) -> bool:
        """Whether the search may begin with short trainings that the user didn't ask for.

        The finalists of a supernet are few, and their architectures are known: all are trained in full.
        """
        shortens = oracles.is_low_fidelity(self.strategy)
        return not (self.trains_supernet or shortens or oracles.is_keras_tuners(self.strategy))


@dataclasses.dataclass(frozen=True)
class Selection:
    """The selection of the model that is served.

    Args:
        split: Share of the rows in the validation set, by which candidates are compared, or `None` for the default.
        folds: Number of folds of a cross-validation instead of the split, `"auto"`, or `None` for the split.
        in_order: Whether the validation set must be the last rows.
        refit: Whether the model is trained further on all rows.
        ensemble: Number of candidates at most whose predictions are averaged, `"auto"`, or `None` for one candidate.
    """

    split: float | None
    folds: str | int | None
    in_order: bool
    refit: bool
    ensemble: str | int | None

    def ensembling(self, goal: Goal, time_limit: float | None) -> Ensembling:
        """Return the `Ensembling` of a search.

        Args:
            goal: The `Goal`.
            time_limit: Seconds of the search, or `None`.
        """
        if not isinstance(self.ensemble, str):
            return Ensembling(int(self.ensemble or 1))
        # An average costs as much as its members together, and the time of their training must be bounded.
        objective = goal.main == goal.epoch_objective and goal.combination is None and not goal.is_pareto
        return (
            Ensembling(_AUTO_MEMBERS, is_automatic=True)
            if objective and time_limit and not goal.scores
            else Ensembling()
        )


@dataclasses.dataclass(frozen=True)
class Budget:
    """The limits of a search.

    Args:
        max_trials: Number of candidates after which the search ends, or `None` for no limit.
        time_limit: Seconds from `started` to the return of `fit`, or `None` for no limit.
        started: `time.monotonic()` when `fit` was called.
        patience: Trials without improvement after which the search ends, or `None`.
        epochs: Epochs of a full training, or `None`: by the number of training rows.
        preset: Dict of the settings of the preset.
    """

    max_trials: int | None
    time_limit: float | None
    started: float
    patience: int | None
    epochs: int | None
    preset: dict

    def full_epochs(self, n_train: int) -> int:
        """Return the epochs of a full training on a number of rows."""
        if self.epochs is not None:
            return self.epochs
        # For a number of weight updates at the default batch size.
        updates_per_epoch = max(1.0, n_train**0.5)
        epochs = self.preset["updates"] / updates_per_epoch
        return int(np.clip(epochs, self.preset["min_epochs"], self.preset["max_epochs"]))


@dataclasses.dataclass(frozen=True)
class Execution:
    """How trials are run.

    Args:
        executor: The `Executor`, not started.
        precision: One of `backends.precision.PRECISIONS`.
        seed: Seed of the search.
    """

    executor: execution.Executor
    precision: str
    seed: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """A search, before its data is prepared.

    Args:
        task: The `Task`.
        space: The `Space`.
        criteria: The `Criteria`.
        strategy: The `Strategy`.
        selection: The `Selection`.
        budget: The `Budget`.
        execution: The `Execution`.
        request: The `Request`: all arguments as the user passed them.
    """

    task: Task
    space: Space
    criteria: Criteria
    strategy: Strategy
    selection: Selection
    budget: Budget
    execution: Execution
    request: Request

    def fidelity(self, n_train: int, features: Collection[Feature]) -> tuple[str, dict[str, Any]]:
        """Return the fidelity of the search and the arguments of its oracle.

        `"auto"` becomes `"successive_halving"` if a full training takes much longer than building and tracing a
        network, and enough trials are allowed; otherwise `"full"`. The shortest training takes about four times as long
        as the tracing, at least a fiftieth of a full training, and on images at least 250 weight updates. If this is
        less than an epoch, the shortest training is an epoch on a share of the rows. The result depends on the data and
        the arguments only, so that the same seed gives the same search on any machine. A search that continues keeps
        its fidelity, however many trials it gets.

        Args:
            n_train: Number of training rows.
            features: List of `autonas.data.Feature`, one per input.

        Returns:
            Tuple of the name of the fidelity and a dict of arguments.
        """
        if self.strategy.fidelity != "auto":
            return self.strategy.fidelity, {}
        epochs, max_trials = self.budget.full_epochs(n_train), self.budget.max_trials
        numbers = sum(math.prod(tensor.shape) for feature in features for tensor in feature.network_tensors.values())
        traces = n_train * numbers * epochs / _NUMBERS_PER_TRACE
        # With several objectives, too few candidates would be left for a front.
        has_several_objectives = isinstance(self.criteria.objective, (list, tuple))
        has_few_trials = max_trials is not None and max_trials < _MIN_TRIALS
        if self.strategy.continued_fidelity is not None:
            has_few_trials = self.strategy.continued_fidelity == "full"
        if traces < _MIN_TRACES or has_several_objectives or has_few_trials or not self.strategy.takes_fidelity:
            return "full", {}
        shortest = max(_MIN_COST_SHARE, _SHORTEST_TRACES / traces) * epochs
        if any(feature.kind == "image" for feature in features):
            shortest = max(shortest, min(epochs, _SHORTEST_UPDATES / n_train**0.5))
        options = {"min_epochs": max(1, round(shortest))}
        if shortest < _LESS_THAN_AN_EPOCH and not self.request.reads_stream:
            options["min_data_share"] = shortest
        return "successive_halving", options

    def n_folds(self, n_rows: int, n_values: int, kinds: Collection[str]) -> int:
        """Return the number of folds in which candidates are validated, 1 for a single split.

        With `"auto"`, these are 5 folds for few series or few rows of a table, searched in the default space, if
        trainings on all folds don't take much longer than building and tracing a network. Its closed-form candidates
        are fitted once for all folds, see `evaluation.leave_one_out`.

        Args:
            n_rows: Number of rows, without the only rows of their class.
            n_values: Number of values in all rows.
            kinds: Kinds of data of the inputs.
        """
        if self.selection.folds != "auto":
            return int(self.selection.folds or 1)
        few = min(_FEW_ROWS.get(kind, 0) for kind in kinds)
        if self.space.inputs is not None or self.space.name is not None:
            return 1
        traces = (_FOLDS - 1) * n_values * self.budget.full_epochs(n_rows) / _NUMBERS_PER_TRACE
        request = self.request
        groups = request.data.groups
        has_many_groups = groups is None or splits.number_of_groups(groups) >= _GROUPS_OF_FOLD * _FOLDS
        is_free = request.default_split and has_many_groups and validation_rules.allows_folds(request)
        return _FOLDS if is_free and _FOLDS <= n_rows < few and traces < _MIN_TRACES else 1

    def with_full_trainings(self) -> Plan:
        """Return this plan without short trainings that the user didn't ask for."""
        if self.strategy.fidelity != "auto":
            return self
        return dataclasses.replace(self, strategy=dataclasses.replace(self.strategy, fidelity="full"))

    def optimization(self, n_train: int, features: Collection[Feature]) -> optimization.Optimization:
        """Return the `Optimization` block: how networks are trained.

        Args:
            n_train: Number of training rows.
            features: List of `autonas.data.Feature`, one per input.
        """
        sizes = [16, 32, 64, 128, 256]
        default = min(sizes, key=lambda size: abs(np.log2(size) - np.log2(max(n_train, 2) ** 0.5)))
        options: dict[str, Any] = {"batch_size": ranges.Choice(sizes, default=default)}
        fidelity, _ = self.fidelity(n_train, features)
        if fidelity != "full" or oracles.is_low_fidelity(self.strategy.strategy):
            # The oracle decides how long a training is, and over how many epochs the learning rate is annealed.
            options["epochs_share"] = 1.0
        elif self.budget.epochs is None and {feature.kind for feature in features} == {"table"}:
            # Networks of several members need more epochs to be better than the trees of a table.
            options["epochs_share"] = ranges.Choice([0.25, 0.5, 1.0, 2.0], default=1.0)
        wanted = self.request.optimization
        if wanted is None:
            wanted = optimization.Optimization()
            if {feature.kind for feature in features} == {"image"} and not self.strategy.trains_supernet:
                wanted = wanted.replaced(optimizer=optimization.OPTIMIZERS_OF_IMAGES)
        return wanted.replaced(**{name: value for name, value in options.items() if getattr(wanted, name) is None})


def training_patience(epochs: int) -> int:
    """Return the epochs without improvement after which a training of so many epochs stops."""
    return max(_MIN_PATIENCE, int(_PATIENCE_SHARE * epochs))


def make_plan(estimator: Any, data: FitData, started: float | None = None, settings: Settings | None = None) -> Plan:
    """Check the arguments of an estimator, and resolve them into a `Plan`.

    Args:
        estimator: The `AutoModel`.
        data: The `FitData`.
        started: `time.monotonic()` when `fit` was called. Defaults to now.
        settings: The `Settings` of `fit`. Defaults to none.

    Raises:
        ValueError: If an argument is invalid, or a combination of arguments is refused.
    """
    request = Request.of(estimator, data, settings)
    arguments.check(request)
    combinations.check_arguments(request)
    executor = request.trial_executor
    if isinstance(executor, execution.InlineExecutor):
        parallel.distribution(executor.gpus_per_trial)  # Raises an error if there are fewer devices.
    if request.trains_supernet:
        executor = one_shot.with_stages_here(executor)
    preset = arguments.presets()[request.preset]
    return Plan(
        Task(request.kind, request.task_name, request.num_classes, request.loss, request.class_weight),
        Space(request.inputs, request.outputs, request.search_space),
        Criteria(request.wanted_objective, request.constraints, request.metrics),
        Strategy(
            request.strategy,
            request.weight_sharing,
            request.fidelity,
            request.trains_supernet,
            earlier_runs.read(request.warm_start, earlier_fact(request, "warm_start")),
            continued_fidelity=earlier_fact(request, "fidelity"),
        ),
        Selection(
            request.validation_split, request.validation_folds, request.in_order, request.refit, request.ensemble
        ),
        budget=Budget(
            _max_trials(request, preset),
            request.time_limit,
            time.monotonic() if started is None else started,
            request.patience,
            # An oracle that shortens trainings may have the epochs of a full training itself.
            epochs=request.epochs or request.inner("max_epochs", None),
            preset=preset,
        ),
        execution=Execution(executor, request.precision, _seed(request)),
        request=request,
    )


def _max_trials(request: Request, preset: dict[str, Any]) -> int | None:
    """Return the number of trials, or `None` for no limit."""
    strategy = request.strategy
    is_ours = isinstance(strategy, (str, oracles.Oracle))  # An oracle of Keras Tuner ends by itself.
    if request.max_trials or request.time_limit or not is_ours or getattr(strategy, "max_trials", None):
        return request.max_trials
    return one_shot.DEFAULT_TRIALS if request.trains_supernet else preset["max_trials"]


def _seed(request: Request) -> int:
    """Return the seed: the argument, the seed of the search to be continued, or a new one."""
    if request.seed is not None:
        return int(request.seed)
    earlier = earlier_fact(request, "drawn_seed")
    if earlier is None:
        earlier = earlier_fact(request, "seed")  # Of the oracle; earlier versions have no other.
    return int(np.random.SeedSequence().generate_state(1)[0] >> 1) if earlier is None else earlier


def earlier_fact(request: Request, fact: str) -> Any:
    """Return a fact of the header of the search to be continued, `None` if there is none."""
    header = None if request.directory is None or request.overwrite else folder.earlier_header(request.directory)
    return None if header is None else header.get(fact)
