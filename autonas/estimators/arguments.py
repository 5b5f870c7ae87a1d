"""Checks of the arguments of the constructor and of `fit`, before anything is written or trained."""

from __future__ import annotations

import copy
import inspect
import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

import cloudpickle
import keras
import numpy as np

from autonas import execution, oracles
from autonas.arguments import checks
from autonas.backends import precision
from autonas.objectives import Cost, CustomScore, goal
from autonas.preparation.request import Request
from autonas.reporting import SearchCallback
from autonas.reporting.leaderboard import COLUMNS
from autonas.search_space import narrowing
from autonas.search_space.optimization import Optimization
from autonas.trials import folder

TASKS = (None, "classification", "binary", "multiclass", "multilabel", "regression")


def presets() -> dict[str, dict[str, Any]]:
    """Return the presets, a dict from name to settings."""
    with open(os.path.join(os.path.dirname(__file__), "presets.json"), encoding="utf-8") as file:
        return json.load(file)


def check(request: Request) -> None:
    """Raise a `ValueError` that names the first invalid argument of an estimator's constructor.

    Args:
        request: The `Request`.
    """
    _refuse_keras_tuners_workers()
    execution.check_executor(request.executor)
    _positive_integer(request, "n_workers")
    _positive_integer(request, "max_trials")
    _positive_integer(request, "epochs")
    if not isinstance(request.optimization, (Optimization, type(None))):
        _refuse("optimization", "an autonas.Optimization or None", request.optimization)
    if request.hyperparameters is not None:
        narrowing.check(request.hyperparameters)
    _positive_integer(request, "patience")
    _positive_integer(request, "num_classes")
    limit = request.time_limit
    if limit is not None and (not checks.is_number(limit) or not 0 < limit < float("inf")):
        _refuse("time_limit", "a positive number of seconds or None", limit)
    split = request.validation_split
    if split is not None and (not checks.is_number(split) or not 0 < split < 1):
        _refuse("validation_split", "a number between 0 and 1, the share of rows to validate on, or None", split)
    folds = request.validation_folds
    if folds not in ("auto", None) and (not checks.is_integer(folds) or folds < 2):
        _refuse("validation_folds", "'auto', a number of folds of at least 2, or None", folds)
    if request.seed is not None:
        checks.check_integer("seed", request.seed, 0, "a non-negative integer or None")
    if request.preset not in presets():
        _refuse("preset", f"one of {', '.join(map(repr, presets()))}", request.preset)
    if request.precision not in precision.PRECISIONS:
        _refuse("precision", f"one of {', '.join(map(repr, precision.PRECISIONS))}", request.precision)
    if request.task not in TASKS:
        _refuse("task", f"one of {', '.join(map(repr, TASKS))}", request.task)
    if request.ensemble not in ("auto", None) and (not checks.is_integer(request.ensemble) or request.ensemble < 1):
        _refuse("ensemble", "'auto', a positive number of candidates, or None", request.ensemble)
    threshold = request.threshold
    if threshold != "auto" and (not checks.is_number(threshold) or not 0 < threshold < 1):
        _refuse("threshold", "'auto' or a probability between 0 and 1", threshold)
    _check_class_weight(request.class_weight)
    _check_callbacks(request)
    for name in ("weight_sharing", "refit", "overwrite", "tensorboard"):
        if not isinstance(getattr(request, name), (bool, np.bool_)):
            _refuse(name, "True or False", getattr(request, name))
    if request.verbose not in (0, 1, 2):
        _refuse("verbose", "0, 1 or 2", request.verbose)
    if request.directory is not None and not isinstance(request.directory, (str, os.PathLike)):
        _refuse("directory", "a path or None", request.directory)
    goal.check(request.wanted_objective, request.constraints)
    _check_columns(request)
    oracles.check_strategy(request.strategy, request.fidelity)
    if request.directory is not None:
        folder.check(request.directory)


def check_call(estimator: Any, unknown: Mapping[str, Any]) -> None:
    """Raise an error for a call of `fit` in the style of AutoGluon or Keras, or of a loaded one without arguments.

    The message has the call to write instead.

    Args:
        estimator: The `AutoModel`.
        unknown: Dict of the arguments that are unknown to `fit`.

    Raises:
        TypeError: If `unknown` has arguments.
        ValueError: If the estimator was loaded, and an argument that is an object is missing.
    """
    check_objects(estimator, "fit")
    for name, value in unknown.items():
        if name in estimator.get_params(deep=False):
            call = f"{type(estimator).__name__}({name}={value!r:.60}).fit(x, y)"
            raise TypeError(f"`{name}` is an argument of the constructor: {call}")
        parameters = inspect.signature(estimator.fit).parameters.values()
        names = [parameter.name for parameter in parameters if parameter.kind != parameter.VAR_KEYWORD]
        hint = f" {_OTHERS_ARGUMENTS[name]}" if name in _OTHERS_ARGUMENTS else ""
        raise TypeError(f"`fit` has no argument `{name}`. It takes {', '.join(names)}.{hint}")


def check_objects(estimator: Any, method: str) -> None:
    """Raise a `ValueError` if the estimator was loaded, and an argument that is an object is missing.

    Args:
        estimator: The `AutoModel`.
        method: Name of the method that needs the arguments, `"fit"` or `"reopen"`.
    """
    lost = [name for name in missing(estimator) if name not in _DISPENSABLE]
    if lost:
        # A clone is a new search: it has nothing to reopen.
        clone = ", or search without them by `sklearn.base.clone(model)`" if method == "fit" else ""
        raise ValueError(
            f"`{method}` needs the arguments {', '.join(map(repr, lost))}, objects that aren't saved with a model. "
            f"Pass them again by `set_params({lost[0]}=...)`{clone}."
        )


def missing(estimator: Any) -> list[str]:
    """Return the names of arguments that weren't saved with a loaded estimator, and have their defaults since."""
    parameters = inspect.signature(type(estimator)).parameters
    unsaved = getattr(estimator, "unsaved_arguments_", [])
    return [name for name in unsaved if getattr(estimator, name) is parameters[name].default]


#: Arguments that are objects without which a search is the same.
_DISPENSABLE = ("callbacks", "executor")

#: Hints for the arguments that `fit` has in Keras, scikit-learn and AutoGluon.
_OTHERS_ARGUMENTS = {
    "label": "The targets, or the name of their column, are `y`.",
    "tuning_data": "Rows to score candidates on are `validation_data`, a tuple (x, y).",
    "shuffle": "Rows are shuffled in each epoch.",
    "presets": "Set `preset` in the constructor.",
}


def _check_class_weight(class_weight: Any) -> None:
    if isinstance(class_weight, dict):
        weights = class_weight.values()
        wrong = [weight for weight in weights if not checks.is_number(weight) or not 0 <= weight < float("inf")]
        if wrong:
            _refuse("class_weight", "a dict from label to a weight of at least zero", wrong[0])
    elif not (class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced")):
        _refuse("class_weight", "a dict from label to weight, 'balanced' or None", class_weight)


def _check_columns(request: Request) -> None:
    """Raise a `ValueError` if one of several objectives has the name of another column of the leaderboard."""
    for objective in request.objectives if request.has_several_objectives else []:
        if isinstance(objective, (Cost, CustomScore)) and objective.name in COLUMNS:
            raise ValueError(
                "`name` of one of several objectives must differ from the other columns of the leaderboard: "
                f"{', '.join(COLUMNS)}. Received: {type(objective).__name__}(name={objective.name!r}). Give it another "
                "`name`."
            )


def _check_callbacks(request: Request) -> None:
    for callback in request.callbacks or []:
        if not isinstance(callback, (SearchCallback, keras.callbacks.Callback)):
            _refuse("callbacks", "a list of autonas.SearchCallback and keras.callbacks.Callback objects", callback)
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(
                "`callbacks` can't hold a BackupAndRestore, which would restore the weights of another trial. A search "
                "continues by itself: call `fit` again with the same `directory`."
            )
        if isinstance(callback, SearchCallback):
            callback.check()
    for callback in request.keras_callbacks:
        try:
            # Each training has a copy of its own, in the process where the trial runs.
            copy.deepcopy(callback) if request.is_inline else cloudpickle.dumps(callback)
        except Exception as error:
            need = "copied for each training" if request.is_inline else "sent to other processes, where trials run"
            raise ValueError(
                f"`callbacks` of Keras are {need}. Received: a {type(callback).__name__} that can't be, "
                f"{type(error).__name__}: {error}. Use an autonas.SearchCallback, which stays in this process"
                f"{'' if request.is_inline else ', or executor=' + repr('inline')}."
            ) from error


def check_monitors(callbacks: Iterable[keras.callbacks.Callback], names: Collection[str]) -> None:
    """Raise a `ValueError` if a Keras callback monitors a number that no training has.

    Nothing is refused beside a callback of another package or a `LambdaCallback`, which may add numbers to an epoch.

    Args:
        callbacks: The Keras callbacks.
        names: Names of the numbers of an epoch.
    """
    callbacks = list(callbacks)
    for callback in callbacks:
        is_of_keras = type(callback).__module__.partition(".")[0] == "keras"
        if not is_of_keras or isinstance(callback, keras.callbacks.LambdaCallback):
            return
    for callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        if isinstance(monitor, str) and monitor not in names:
            raise ValueError(
                f"`callbacks` of Keras must monitor one of {', '.join(sorted(names))} (`metrics` adds others). "
                f"Received: {type(callback).__name__}(monitor={monitor!r:.60})"
            )


def _refuse_keras_tuners_workers() -> None:
    names = [name for name in ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP") if os.environ.get(name)]
    if names:
        raise ValueError(
            f"The environment variable {names[0]} must not be set: Keras Tuner's chief and workers, which can hang and "
            f"lose trials, are not used. Received: {names[0]}={os.environ[names[0]]!r}. Unset it, and set `n_workers` "
            "for several trials at a time on this machine, or executor='ray' for several machines."
        )


def _positive_integer(request: Request, name: str) -> None:
    value = getattr(request, name)
    if value is not None:
        checks.check_integer(name, value, 1, "a positive integer or None")


def _refuse(name: str, expected: str, value: object) -> NoReturn:
    raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r:.100}")
