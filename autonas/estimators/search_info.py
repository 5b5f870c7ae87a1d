"""The description of a search besides its trials: space, goal, arguments and environment."""

import importlib.metadata
import os
import platform
import time

import joblib
import keras
import keras_tuner

from autonas.backends import parallel
from autonas.estimators.plan import Plan
from autonas.preparation.arrays import Prepared
from autonas.reporting import SearchInfo, describe
from autonas.search_space.graph import Graph

_PACKAGES = ("autonas", "keras", "tensorflow", "jax", "torch", "keras-tuner", "numpy", "scikit-learn")


def info(plan: Plan, prepared: Prepared, searched: keras_tuner.HyperParameters, directory: str) -> SearchInfo:
    """Return the `SearchInfo` of a search that is about to begin.

    Args:
        plan: The `Plan`.
        prepared: The `Prepared` problem.
        searched: The space that is searched, a `keras_tuner.HyperParameters`: a part of the whole space if a supernet
            is trained.
        directory: Folder of the run.
    """
    goal, seconds = prepared.goal, time.monotonic() - plan.budget.started
    decisions = [decision for decision in prepared.space.space if type(decision).__name__ != "Fixed"]
    varied = {decision.name for decision in searched.space if type(decision).__name__ != "Fixed"}
    return SearchInfo(
        goal.main.name,
        goal.main.direction,
        space=[describe(decision) for decision in prepared.space.space],
        max_trials=plan.budget.max_trials,
        time_limit=plan.budget.time_limit,
        directory=directory,
        started=time.time() - seconds,
        title=plan.request.estimator_class.__name__,
        objectives=[objective.name for objective in goal.objectives],
        directions=[objective.direction for objective in goal.objectives],
        goal=goal.summary(),
        blueprint=prepared.graph.blueprint(),
        settings=plan.request.settings() | _folds(prepared) | left_out(prepared.graph),
        environment=environment(),
        limits={constraint.name: constraint.limit for constraint in goal.constraints},
        unsearched=[decision.name for decision in decisions if decision.name not in varied],
        preparation=seconds,
    )


def _folds(prepared: Prepared) -> dict[str, str]:
    """Return the number of folds, if there are folds, a dict of short texts."""
    return {} if prepared.dataset.folds is None else {"validation_folds": str(len(prepared.dataset.folds))}


def left_out(graph: Graph) -> dict[str, str]:
    """Return the candidates that the search goes without and why, a dict of short texts."""
    return {f"left out: {decision}={label}": reason for (decision, label), reason in graph.left_out.items()}


def environment() -> dict[str, str]:
    """Versions, devices and operating system, a dict of short texts."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        **versions,
        "backend": keras.backend.backend(),
        "devices": ", ".join(parallel.visible_devices()),
        "cores": f"{joblib.cpu_count()} of {os.cpu_count()}",
        "system": platform.platform(),
    }
