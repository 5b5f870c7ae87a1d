"""The assembly of a search: oracle, evaluator and tuner of a plan and a prepared problem."""

import contextlib
import dataclasses
import datetime
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from autonas import oracles
from autonas.data import mirror
from autonas.data.dataset import ArrayDataset
from autonas.data.fit_data import FitData
from autonas.estimators import plan as planning
from autonas.estimators.plan import Plan
from autonas.evaluation import budget as budgets
from autonas.evaluation import pace
from autonas.evaluation.evaluator import Evaluator
from autonas.evaluation.one_shot.supernet_evaluator import SupernetEvaluator
from autonas.oracles import Oracle, constructors, earlier_search
from autonas.oracles.earlier_search import EarlierSearch
from autonas.oracles.recipe import Extent, Recipe, SearchedSpace
from autonas.preparation import header as headers
from autonas.preparation.arrays import Prepared
from autonas.preparation.request import Request
from autonas.reporting import ProgressReporter, SearchCallback, SearchCallbackList, TensorBoardReporter, tensorboard
from autonas.reporting.log import LoggingReporter
from autonas.search import earlier_runs, one_shot
from autonas.search.state import SearchState
from autonas.search.tuner import Tuner
from autonas.search_space import portfolio
from autonas.search_space.blocks.image import ImageBlock
from autonas.search_space.encoding import Encoding
from autonas.search_space.optimization import Optimization
from autonas.supernet import Supernet
from autonas.trials import folder, lock


@contextlib.contextmanager
def opened_search(plan: Plan, prepared: Prepared, data: FitData, is_finished: bool = False) -> Iterator[Tuner]:
    """Hold the lock of the run's folder, and yield the `Tuner` of the search in this folder.

    Args:
        plan: The `Plan`.
        prepared: The `Prepared` problem.
        data: The `FitData`.
        is_finished: Whether the search is finished, and only read: there is no time limit. Defaults to `False`.

    Raises:
        ValueError: If the folder holds a search on other data or in another space.
    """
    supernet, is_slow = None, False
    if plan.strategy.trains_supernet:
        strategy, budget = oracles.supernet_strategy(plan.strategy.strategy), plan.budget
        limit = None if is_finished else budget.time_limit
        supernet, is_slow = one_shot.build_supernet(
            prepared.graph, plan.execution.seed, strategy, limit, started=budget.started
        )
    oracle = make_oracle(plan, prepared, supernet, default_first=is_slow)
    header = headers.header(plan, prepared, _full_epochs(plan, prepared), data)
    supernet_training = oracles.supernet_training(oracle)
    if supernet_training is not None:
        header["supernet"] = supernet_training
    header["fidelity"] = _fidelity(plan, prepared)[0]
    header["strategy_arguments"] = _arguments_of(
        plan.strategy.strategy, planning.earlier_fact(plan.request, "strategy_arguments")
    )
    header["warm_start"] = earlier_runs.entry(plan.request.warm_start, plan.strategy.earlier_searches)
    directory = _directory(plan.request, header)
    with lock.held(directory):
        if plan.request.overwrite:
            folder.remove_run(directory)
        stages = None
        if supernet_training is not None:
            states = os.path.join(directory, "supernet")
            stages = SupernetEvaluator(prepared, supernet_training, states, plan.execution.seed, supernet)
        search = _make_tuner(plan, prepared, oracle, stages, directory)
        oracle.open(header)
        yield search


def make_oracle(
    plan: Plan, prepared: Prepared, supernet: Supernet | None = None, default_first: bool = False
) -> Oracle:
    """Return the oracle of a plan, which searches the space of the prepared problem, or the space of its supernet.

    Args:
        plan: The `Plan`.
        prepared: The `Prepared` problem.
        supernet: The `Supernet`, or `None`. Defaults to `None`.
        default_first: As in `SupernetOracle`. Defaults to `False`.
    """
    graph, n_train = prepared.graph, prepared.dataset.n_train
    searched, updates_per_epoch = prepared.space, None
    if supernet is not None:
        searched = supernet.space
        training = graph.optimization or Optimization()
        updates_per_epoch = max(1, n_train // training.batch_size_of(searched.values))
    strategy, given_seed = plan.strategy, plan.request.seed
    earlier = _earlier_searches(plan, prepared)
    oracle = oracles.get_oracle(
        Recipe(
            strategy.strategy,
            strategy.weight_sharing,
            *_fidelity(plan, prepared),
            given_seed=None if given_seed is None else plan.execution.seed,
        ),
        prepared.goal,
        SearchedSpace(searched, _initial_points(plan, prepared, earlier), graph.structure(), tuple(earlier)),
        Extent(plan.budget.max_trials, _full_epochs(plan, prepared), updates_per_epoch, default_first),
        plan.execution.seed,
    )
    if supernet is not None:
        oracle.network_of = supernet.network_key
    return oracle


def _fidelity(plan: Plan, prepared: Prepared) -> tuple[str, dict[str, Any]]:
    """Return the fidelity of a search and the arguments of its oracle; see `Plan.fidelity`."""
    if prepared.dataset.folds is not None:
        plan = plan.with_full_trainings()
    return plan.fidelity(prepared.dataset.n_train, prepared.graph.features.values())


def _arguments_of(strategy: Any, earlier: Any) -> dict[str, Any] | None:
    """Return the arguments of a strategy, and their defaults, but for the number of trials, a JSON-like dict.

    Defaults that the search to be continued doesn't have are left out: earlier versions wrote the given arguments only.

    Args:
        strategy: The strategy: an oracle, or a name, which has no arguments.
        earlier: The return value in the search to be continued, or `None`.

    Returns:
        `None` for a name.
    """
    if not isinstance(strategy, Oracle):
        return None
    defaults = constructors.accepted(type(strategy))
    described: dict[str, Any] = {}
    for name, value in (defaults | strategy.arguments).items():
        before = earlier.get(name) if isinstance(earlier, dict) else None
        if isinstance(value, Oracle):
            cls = type(value).__name__
            described[name] = {cls: _arguments_of(value, before.get(cls) if isinstance(before, dict) else None)}
        elif name != "max_trials":
            is_scalar = isinstance(value, (bool, int, float, str))
            is_default = value is defaults.get(name) or (is_scalar and value == defaults.get(name))
            if not is_default or before is not None or (is_scalar and earlier is None):
                described[name] = value if is_scalar else type(value).__name__
    return described


def _earlier_searches(plan: Plan, prepared: Prepared) -> list[EarlierSearch]:
    """Return the earlier searches of a warm start, as far as their architectures lie in the space."""
    graph, searches = prepared.graph, plan.strategy.earlier_searches
    if not searches:  # An encoding of a large space takes time.
        return []
    common = [Optimization.scope, *(f"{name}_encoding" for name in graph.input_names), *graph.head_names]
    names = [f"{name}/" for name in common]
    return earlier_runs.within(plan.request.warm_start, searches, Encoding(prepared.space), names)


def _initial_points(plan: Plan, prepared: Prepared, earlier: list[EarlierSearch]) -> list[dict[str, Any]]:
    """Return the architectures to try first: the portfolio, or its first one and the best of earlier searches."""
    points = portfolio.initial_points(prepared.graph, prepared.space, _conditions(prepared, plan.budget.time_limit))
    if not earlier:
        return points
    return [*points[:1], *earlier_search.best(earlier, Encoding(prepared.space), earlier_search.N_FIRST)]


def _mirror_accuracy(prepared: Prepared) -> float | None:
    """Return how often a training image is distinguished from its mirror image.

    Returns:
        A float; `None` unless images in memory are classified by a block whose portfolio depends on it.
    """
    graph, dataset = prepared.graph, prepared.dataset
    if not any(isinstance(block, ImageBlock) for block in graph.blocks):
        return None
    tasks = [head.target.task for head in graph.heads]
    if (
        len(graph.image_inputs) != 1
        or tasks not in (["binary"], ["multiclass"])
        or not isinstance(dataset, ArrayDataset)
    ):
        return None
    images, labels = dataset.inputs[graph.image_inputs[0]], dataset.targets[graph.head_names[0]].ravel()
    return mirror.accuracy(images, labels, dataset.train_rows, np.random.default_rng(0))


def _conditions(prepared: Prepared, time_limit: float | None) -> portfolio.Conditions:
    """Return the conditions of a search on which the portfolio depends."""
    conditions = portfolio.Conditions(prepared.dataset.n_train, _mirror_accuracy(prepared))
    kinds = {feature.kind for feature in prepared.graph.features.values()}
    if time_limit is not None and "series" in kinds:
        conditions = dataclasses.replace(conditions, most_responses=time_limit * pace.responses_per_second())
    if time_limit is not None and "image" in kinds:
        conditions = dataclasses.replace(conditions, most_flops=time_limit * pace.products_per_second())
    return conditions


def _make_tuner(
    plan: Plan, prepared: Prepared, oracle: Oracle, stages: SupernetEvaluator | None, directory: str
) -> Tuner:
    dataset, epochs = prepared.dataset, _full_epochs(plan, prepared)
    execution = plan.execution
    refits = plan.selection.refit and dataset.final_rows is not None and not prepared.serves_folds
    evaluator = Evaluator(
        prepared,
        epochs,
        planning.training_patience(epochs),
        execution.seed,
        supernet=stages,
        precision=execution.precision,
        n_devices=execution.executor.gpus_per_trial,
        callbacks=plan.request.keras_callbacks,
    )
    ensemble = plan.selection.ensembling(prepared.goal, plan.budget.time_limit)
    budget = budgets.TimeBudget(
        plan.budget.time_limit,
        dataset.final_ratio if refits else 0.0,
        plan.budget.started,
        closing=budgets.SELECTING_ENSEMBLE if ensemble.size > 1 else budgets.WRITING,
        n_networks=len(dataset.splits) if prepared.serves_folds else 1,
    )
    reporter = _make_reporter(plan.request, directory)
    state = SearchState(oracle, evaluator, reporter, budget, directory, refits=refits, ensemble=ensemble)
    return Tuner(state, execution.executor, plan.budget.patience)


def _full_epochs(plan: Plan, prepared: Prepared) -> int:
    return plan.budget.full_epochs(prepared.dataset.n_train)


def _directory(request: Request, header: dict[str, Any]) -> str:
    """Return the folder of the run. Raise an error if it holds a search on other data or in another space."""
    if request.directory is None:
        stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S")
        unique = os.urandom(3).hex()
        return os.path.join("autonas_runs", f"{stamp}_{unique}")
    directory = os.fspath(request.directory)
    if not request.overwrite:
        folder.check_same_search(directory, header)
    return directory


def _make_reporter(request: Request, directory: str) -> SearchCallback:
    reporters: list[SearchCallback] = [LoggingReporter()]
    lines: list[str] = []
    if request.tensorboard:
        log = os.path.join(directory, "tensorboard")
        reporters.append(TensorBoardReporter(log))
        lines = ["to look at the search:", *tensorboard.invitation(log).splitlines()]
    if request.verbose:
        reporters.append(ProgressReporter(request.verbose, invitation=lines))
    return SearchCallbackList([*reporters, *request.search_callbacks])
