"""Persistence: fitted estimators in folders."""

import json
import os
import warnings
from typing import Any

import numpy as np

import autonas
from autonas import storage
from autonas.arguments import scalars
from autonas.backends import memory
from autonas.estimators import arguments, description
from autonas.prediction import predictor, saved_network
from autonas.reporting import SearchInfo
from autonas.trials import records

#: Maximum number of validation rows whose predictions are saved.
_MAX_PREDICTED_ROWS = 5000
_PREDICTIONS = "validation_predictions.npz"

#: The estimators that any estimator's `load` makes.
_ESTIMATORS = (
    "AutoModel", "ImageClassifier", "ImageRegressor", "StructuredDataClassifier", "StructuredDataRegressor",
    "TextClassifier", "TextRegressor", "TimeSeriesClassifier", "TimeSeriesForecaster", "TimeSeriesRegressor",
)  # fmt: skip
#: Modules that stand before their names in the files of version 1.
_MODULES = ("autonas", "autonas.auto_model", "autonas.forecaster", "autonas.tasks")
_NAMES = {f"{module}.{name}": name for module in _MODULES for name in _ESTIMATORS}

#: Endings of files of networks, which `export` and Keras write.
_SUFFIXES = (".keras", ".h5", ".onnx", ".tflite")

#: Attributes that are lists of pairs.
_PAIRS = ("objectives_", "ensemble_")


def save(estimator: Any, path: str | os.PathLike[str], examples: bool = True) -> None:
    """Write a fitted estimator to a folder; see `FittedModel.save`."""
    check_place(path)
    predictions = getattr(estimator, "validation_predictions_", []) if examples else []
    missing = arguments.missing(estimator)
    serialized = {name: value for name, value in _serialized_arguments(estimator).items() if name not in missing}
    unsaved = [name for name in estimator.get_params(deep=False) if name not in serialized]
    learned = {name: getattr(estimator, name) for name in _learned_shapes(type(estimator)) if hasattr(estimator, name)}
    content = {
        "class": _class_name(type(estimator)),
        "arguments": serialized,
        "learned": learned | {"unsaved_arguments_": unsaved},
        "predictions": [{"name": head.name, "task": head.task, "classes": head.classes} for head in predictions],
    }
    arrays: dict[str, Any] = {
        f"{name}_{number}": _some_rows(getattr(head, name))
        for number, head in enumerate(predictions)
        for name in ("truth", "outputs")
    }
    writers = estimator.predictor_.writers(examples)
    if arrays:
        writers[_PREDICTIONS] = lambda name: np.savez_compressed(name, **arrays)
    write_network = writers[predictor.NETWORK]

    def write_checked_network(name: str) -> None:
        write_network(name)
        reason = saved_network.refusal(name)
        if reason is not None:
            warnings.warn(f"{os.fspath(path)!r} can't be loaded: the network holds {reason}.", stacklevel=5)

    writers[predictor.NETWORK] = write_checked_network
    _manifest(path).write(content, writers)


def check_place(path: str | os.PathLike[str]) -> None:
    """Raise a `ValueError` if `path` is a file, has the name of one, or holds a file that keeps `save` from writing."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if os.path.isfile(path) or suffix in _SUFFIXES:
        reason = f"a name that ends with {suffix}" if suffix in _SUFFIXES else "an existing file"
        raise ValueError(
            f"`path` must be a folder. Received: path={os.fspath(path)!r:.200}, {reason}. `export` writes the network "
            "as one file."
        )
    _manifest(path).check_place()


def load(cls: type[Any], path: str | os.PathLike[str]) -> Any:
    """Return the fitted estimator of a folder that `save` wrote; see `FittedModel.load`."""
    manifest = _manifest(path)
    content = description.read(manifest)
    if "predictions" not in content:  # The first files of version 1 had neither predictions nor examples.
        manifest.files, content["predictions"] = (predictor.NETWORK, predictor.ENCODERS), []
    estimator_class = _class(cls, content["class"], manifest.path)
    with storage.describing_damage(manifest.path):
        estimator = _estimator(estimator_class, content)
    paths = manifest.paths(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A GPU that is in use already stays as it is.
        memory.grow()  # It also looks for GPUs without the message that CUDA prints where there is none.
    estimator.predictor_ = predictor.Predictor.load(paths)
    estimator.validation_predictions_ = []
    if content["predictions"]:
        with storage.describing_damage(paths[_PREDICTIONS]):
            estimator.validation_predictions_ = _read_predictions(paths[_PREDICTIONS], content["predictions"])
    with storage.describing_damage(manifest.path):
        estimator._set_learned()
    return estimator


def _manifest(path: str | os.PathLike[str]) -> storage.Manifest:
    return storage.Manifest(path, description.NAME, (*predictor.FILES, _PREDICTIONS))


def _class_name(cls: type[Any]) -> str:
    """Return the name of an estimator's class in a file: where it is public, or where it is defined."""
    return next(
        (f"autonas.{name}" for name in _ESTIMATORS if getattr(autonas, name) is cls),
        f"{cls.__module__}.{cls.__qualname__}",
    )


def _class(cls: type[Any], saved_name: str, path: str) -> type:
    """Return the class of the estimator: a class of autonas, or `cls` if the file was saved by `cls`."""
    if saved_name in _NAMES:
        return getattr(autonas, _NAMES[saved_name])
    # The module of a script is another one where the script is imported.
    if _class_name(cls) not in _NAMES and saved_name.endswith(f".{cls.__qualname__}"):
        return cls
    name = saved_name.rpartition(".")[-1]
    raise ValueError(
        f"{path} was saved by a class that isn't one of autonas: {saved_name!r:.100}. If it is a class of yours, "
        f"import it and load the folder by it: `{name:.60}.load(path)`."
    )


def _learned_shapes(cls: type[Any]) -> dict[str, Any]:
    return {**description.LEARNED, **cls.also_learned}


def _estimator(cls: type[Any], content: dict[str, Any]) -> Any:
    """Return the estimator without its predictor."""
    unknown = [name for name in content["arguments"] if name not in cls._get_param_names()]
    if unknown:
        raise ValueError(f"{cls.__name__} has no argument {unknown[0]!r:.60}")
    shapes = {f"{name}?": shape for name, shape in _learned_shapes(cls).items()}
    storage.check_shape(content["learned"], shapes, "learned")
    SearchInfo.from_json(content["learned"].get("search_", {"objective": "", "direction": ""}))
    for record in content["learned"].get("records_", []):
        records.TrialRecord.from_json(record)
    estimator = cls(**content["arguments"])
    for name, value in content["learned"].items():
        setattr(estimator, name, [tuple(pair) for pair in value] if name in _PAIRS else value)
    return estimator


def _read_predictions(path: str, heads: Any) -> Any:
    arrays = storage.read_arrays(path)
    return [
        records.HeadPredictions(truth=arrays[f"truth_{number}"], outputs=arrays[f"outputs_{number}"], **head)
        for number, head in enumerate(heads)
    ]


def _some_rows(array: np.ndarray) -> np.ndarray:
    """Return at most `_MAX_PREDICTED_ROWS` rows of an array, evenly spread."""
    return array[np.unique(np.linspace(0, len(array) - 1, _MAX_PREDICTED_ROWS).astype(int))]


def _serialized_arguments(estimator: Any) -> dict[str, Any]:
    """Return the constructor arguments that JSON holds exactly. A graph or an oracle isn't needed for predictions."""
    serialized = {}
    for name, value in estimator.get_params(deep=False).items():
        value = os.fspath(value) if isinstance(value, os.PathLike) else scalars.plain(value)
        try:
            same = bool(json.loads(json.dumps(value)) == value)
        except (TypeError, ValueError):
            same = False
        if same:
            serialized[name] = value
    return serialized
