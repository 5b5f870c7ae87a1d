"""Persistence: estimators in folders."""

import importlib
import json
import os

import numpy as np

from autonas import predictor
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
