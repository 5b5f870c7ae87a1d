"""What is to be known of a search besides its trials: the arguments that were given, and where it ran."""

import importlib.metadata
import inspect
import os
import platform
import time

import joblib
import keras

from autonas.reporting import SearchInfo, describe

_PACKAGES = ("autonas", "keras", "tensorflow", "jax", "torch", "keras-tuner", "numpy", "scikit-learn")


def info(estimator, prepared, spaces, max_trials, directory):
    """What reporters are told of a search, a `SearchInfo`.

    Args:
        estimator: The `AutoModel`.
        prepared: What `preparation` made of its arguments and the data.
        spaces: The whole space and the part of it that is searched, both `keras_tuner.HyperParameters`; the same unless
            weights are shared.
        max_trials: Number of candidates after which the search ends, or `None`.
        directory: Folder of the run.
    """
    goal = prepared.goal
    space, searched = spaces
    varied = {each.name for each in searched.space if type(each).__name__ != "Fixed"}
    return SearchInfo(
        goal.main.name,
        goal.main.direction,
        [describe(each) for each in space.space],
        max_trials,
        estimator.time_limit,
        directory,
        time.time(),
        type(estimator).__name__,
        objectives=[each.name for each in goal.objectives],
        directions=[each.direction for each in goal.objectives],
        goal=goal.summary(),
        blueprint=prepared.graph.blueprint(),
        settings=settings(estimator) | left_out(prepared.graph),
        environment=environment(),
        limits={constraint.name: constraint.limit for constraint in goal.constraints},
        unsearched=[each.name for each in space.space if type(each).__name__ != "Fixed" and each.name not in varied],
    )


def settings(estimator):
    """The arguments of an estimator that differ from their defaults, a dict of short texts."""
    defaults = inspect.signature(type(estimator)).parameters
    given = {name: f"{value!r:.200}" for name, value in estimator.get_params(deep=False).items()}
    return {name: value for name, value in given.items() if value != repr(defaults[name].default)}


def left_out(graph):
    """Return the candidates that the search goes without and why, a dict of short texts."""
    return {f"left out: {decision}={label}": reason for (decision, label), reason in graph.left_out.items()}


def environment():
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
        "devices": ", ".join(keras.distribution.list_devices()),
        "cores": f"{joblib.cpu_count()} of {os.cpu_count()}",
        "system": platform.platform(),
    }
