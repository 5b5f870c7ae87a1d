"""Persistence: estimators in folders, and whether a run's folder belongs to the search at hand."""

import importlib
import json
import os
import shutil

import numpy as np

from autonas import predictor, run_lock
from autonas.oracles import journal
from autonas.reporting import records

#: Validation rows whose predictions are saved at most.
_MAX_PREDICTED_ROWS = 5000
_LEARNED = (
    "records_", "objectives_", "stop_reason_", "best_score_", "history_", "directory_", "scorer_metrics_",
    "one_shot_correlation_", "search_", "ensemble_",
)  # fmt: skip
#: Those that are lists of pairs.
_PAIRS = ("objectives_", "ensemble_")


def save(estimator, path):
    """Writes a fitted estimator to a folder: JSON and `.keras` files, no pickle."""
    estimator.predictor_.save(path)
    state = {
        "version": 1,
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "arguments": _serialized_arguments(estimator),
        "learned": {
            name: getattr(estimator, name) for name in (*_LEARNED, *estimator.also_learned) if hasattr(estimator, name)
        },
    }
    predictions = getattr(estimator, "validation_predictions_", [])
    state["predictions"] = [{"name": each.name, "task": each.task, "classes": each.classes} for each in predictions]
    with open(os.path.join(path, "estimator.json"), "w", encoding="utf-8") as file:
        json.dump(state, file)
    arrays = {f"{part}_{place}": _some_rows(getattr(each, part))
              for place, each in enumerate(predictions) for part in ("truth", "outputs")}  # fmt: skip
    np.savez_compressed(os.path.join(path, "validation_predictions.npz"), **arrays)


def load(path):
    """Reads what `save` wrote."""
    file_name = os.path.join(path, "estimator.json")
    if not os.path.exists(file_name):
        raise FileNotFoundError(f"`path` must be a folder that `save` has written. Received: path={os.fspath(path)!r}")
    with open(file_name, encoding="utf-8") as file:
        state = json.load(file)
    module, name = state["class"].rsplit(".", 1)
    estimator = getattr(importlib.import_module(module), name)(**state["arguments"])
    for key, value in state["learned"].items():
        setattr(estimator, key, [tuple(each) for each in value] if key in _PAIRS else value)
    with np.load(os.path.join(path, "validation_predictions.npz"), allow_pickle=False) as arrays:
        estimator.validation_predictions_ = [
            records.HeadPredictions(truth=arrays[f"truth_{place}"], outputs=arrays[f"outputs_{place}"], **each)
            for place, each in enumerate(state["predictions"])
        ]
    estimator.predictor_ = predictor.Predictor.load(path)
    estimator._set_learned()
    return estimator


def _some_rows(array):
    """At most so many rows of an array, evenly spread."""
    return array[np.unique(np.linspace(0, len(array) - 1, _MAX_PREDICTED_ROWS).astype(int))]


def _serialized_arguments(estimator):
    """Constructor arguments that JSON holds exactly; a graph or an oracle object is not needed to predict."""
    serialized = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            same = bool(json.loads(json.dumps(value)) == value)
        except (TypeError, ValueError):
            same = False
        if same:
            serialized[name] = value
    return serialized


#: What a run writes into its folder.
_WRITTEN = (
    "checkpoints", "journal.jsonl", run_lock.LOCK, run_lock.OWNER, "model", "predictions", "supernet", "tensorboard",
    "weights",
)  # fmt: skip


def remove_run(directory):
    """Deletes what an earlier run has written to a folder, and nothing else."""
    for name in set(_WRITTEN) - {run_lock.LOCK, run_lock.OWNER}:
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.remove(path)


def earlier_seed(directory):
    """The seed of the search in a folder, `None` if there is no search in it."""
    events = journal.Journal(os.path.join(directory, "journal.jsonl")).read()
    return events[0]["seed"] if events else None


def check_same_search(directory, header):
    """Raises a `ValueError` that shows the difference if a folder holds a search of something else."""
    if not os.path.isdir(directory):
        return
    events = journal.Journal(os.path.join(directory, "journal.jsonl")).read()
    if not events:
        others = sorted(set(os.listdir(directory)) - set(_WRITTEN))
        if others:
            raise ValueError(
                "`directory` must be a new or empty folder, or that of an earlier search. Received: "
                f"{directory!r:.200}, which holds {others[0]!r:.60} and no search. Choose another one."
            )
        return
    differences = _differences({key: events[0].get(key) for key in header}, json.loads(json.dumps(header)))
    if differences:
        raise ValueError(
            f"`directory` {directory!r} holds a search of something else: {'; '.join(differences[:3])}"
            f"{f'; and {len(differences) - 3} more' if len(differences) > 3 else ''}. Choose another directory, or set "
            "`overwrite=True`."
        )


def _differences(before, now, path=""):
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted(set(before) | set(now))
            for line in _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            line
            for position in range(len(now))
            for line in _differences(before[position], now[position], f"{path}[{position}]")
        ]
    return [] if before == now else [f"{path} was {before!r:.80} and is {now!r:.80}"]
