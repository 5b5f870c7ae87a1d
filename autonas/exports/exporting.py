"""Export of a fitted estimator: write a temporary file, run it, compare the predictions and move it to its path."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from autonas import exceptions, storage
from autonas.backends import silence
from autonas.data import checks as data_checks
from autonas.exports import base, keras_file, litert, onnx, saved_model
from autonas.prediction.predictor import Predictor

#: Formats by the suffix of the path. A folder has no suffix.
FORMATS = {
    ".keras": keras_file.KerasFile(),
    ".onnx": onnx.ONNX(),
    ".tflite": litert.LiteRT(),
    "": saved_model.SavedModel(),
}

#: Largest allowed difference of predictions: in probabilities, or in standard deviations of the target.
_TOLERANCE = 1e-3

#: Names in the folder of a SavedModel.
_SAVED_MODEL = {"assets", "fingerprint.pb", "saved_model.pb", "variables"}


@dataclasses.dataclass(frozen=True)
class Export:
    """Description of an exported model. Usable as the path of the model.

    ```python
    import os

    import autonas

    export = autonas.exports.Export(
        path="model.onnx", runtime="ONNX Runtime", difference=1e-7, n_rows=16,
        inputs={"input": "(None, 4) float32"}, outputs=["output"],
    )
    os.fspath(export)  # "model.onnx"
    ```

    Args:
        path: Path of the file or folder.
        runtime: Name of the run time that ran the exported model.
        difference: Largest difference from the estimator's predictions: in probabilities, or in standard deviations of
            the target.
        n_rows: Number of compared rows.
        inputs: Dict from input to its shape and dtype as text. The first dimension is `None` for any number of rows.
        outputs: List of the names of the outputs in the file.
        code_book: Path of the code book, or `None` without a code book.
        names: Dict from input to its name in the file.
    """

    path: str
    runtime: str
    difference: float
    n_rows: int
    inputs: dict[str, str]
    outputs: list[str]
    code_book: str | None = None
    names: dict[str, str] = dataclasses.field(default_factory=dict)

    def __fspath__(self) -> str:
        return self.path


def export(estimator: Any, path: str | os.PathLike, x: Any = None) -> Export:
    """Export a fitted estimator, run the exported model and compare the predictions; see `FittedModel.export`.

    ```python
    import autonas
    import numpy as np

    x = np.random.default_rng(0).normal(size=(60, 3))
    model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0, directory="run").fit(x, x[:, 0])
    print(autonas.exports.export(model, "model.keras").difference)
    ```

    Args:
        estimator: A fitted estimator of autonas.
        path: Path of a `.keras`, `.onnx` or `.tflite` file, or of a folder for a SavedModel.
        x: Rows to compare the predictions on, as in `predict`. Defaults to a few rows of the training data.

    Returns:
        An `Export`.

    Raises:
        ValueError: If `path` has another suffix or is in use, or if there are no rows to compare.
        ImportError: If a package is missing.
        autonas.exceptions.ExportFailed: If the run time can't run the model, or its predictions differ from the
            estimator's.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"`path` must be a path such as 'model.keras'. Received: path={path!r:.100}")
    path = os.fspath(path)
    format = _format_of(path)
    target = path.rstrip("/" + os.sep) or path
    is_folder = format is FORMATS[""]
    if is_folder:
        _put_back(target)
    _check_place(target, is_folder)
    predictor = estimator.predictor_ if x is None else estimator.predictor_.with_examples(x)
    if not predictor.has_examples:
        raise ValueError(
            "`x` must be rows to compare the exported model on, since this estimator was saved with examples=False, "
            "without rows of the training data. Received: x=None"
        )
    rows = format.rows(predictor)
    expected, tolerances = _expected(predictor)
    # JAX supports 64 bits only if they were enabled at its start.
    float64 = format.float64 and keras.backend.backend() != "jax"
    model = estimator.make_export(strings=not format.coded, float64=float64)
    tensors = zip(base.input_names(model), keras.tree.flatten(model.input), strict=True)
    dtypes = {name: tensor.dtype for name, tensor in tensors}
    _warn_of_rounding(rows, dtypes, format)
    # Examples of older versions are float32, and formats without 64 bits need them so.
    rows = {name: array.astype(dtypes[name]) if array.dtype.kind == "f" else array for name, array in rows.items()}
    folder = os.path.dirname(os.path.abspath(target))
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export_") as temporary:
        unfinished = os.path.join(temporary, os.path.basename(target))
        outputs, shapes = _write_and_run(format, model, unfinished, rows, predictor.code_book())
        names = list(expected) if len(expected) == 1 else base.output_names(model)
        difference = _compare(dict(zip(names, outputs, strict=True)), expected, tolerances, format, target)
        storage.flush(unfinished)
        if is_folder:
            book = None
            _replace_folder(unfinished, target)
        else:
            book = _replace_file(unfinished, target, format.code_book(predictor))
    n_rows = len(next(iter(rows.values())))
    return Export(
        target, format.name, difference, n_rows, shapes, outputs=format.output_names(model), code_book=book,
        names=format.names(shapes),
    )  # fmt: skip


def _warn_of_rounding(rows: Mapping[str, np.ndarray], dtypes: Mapping[str, str], format: base.Format) -> None:
    """Warn of inputs whose numbers need float64, if users of the exported model pass float32."""
    is_keras = isinstance(format, keras_file.KerasFile)
    wide = [
        name for name, array in rows.items() if array.dtype == "float64" and (is_keras or dtypes[name] == "float32")
    ]
    if wide:
        warnings.warn(
            f"float32 rounds the numbers of {data_checks.name_labels(wide)} too much, and "
            f"{'`predict` of Keras converts numbers to float32' if is_keras else f'{format.name} takes float32'}. "
            f"{'Call the loaded model with tensors of float64, or subtract' if is_keras else 'Subtract'} the means of "
            "these columns before `fit`.",
            stacklevel=4,
        )


def _format_of(path: str) -> base.Format:
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1]
    if suffix not in FORMATS:
        raise ValueError(
            "`path` must end in '.keras', '.onnx' or '.tflite', or be a folder for a SavedModel: without a suffix, or "
            f"with '/' at the end. Received: path={path!r}"
        )
    return FORMATS[suffix]


def _check_place(target: str, is_folder: bool) -> None:
    exists = os.path.isdir(target) if is_folder else os.path.isfile(target)
    if os.path.lexists(target) and not exists:
        kind = "folder" if is_folder else "file"
        raise ValueError(f"`path` must be the path of a {kind}. Received: {target!r}, which exists and isn't a {kind}")
    if is_folder and exists and _foreign(target):
        raise ValueError(
            "`path` must be a new folder, or the folder of a SavedModel to replace. "
            f"Received: path={target!r}, which holds {_foreign(target)[0]!r:.60}"
        )


def _write_and_run(
    format: base.Format, model: keras.Model, path: str, rows: dict[str, np.ndarray], codes: Mapping[str, Any]
) -> tuple[list[np.ndarray], dict[str, str]]:
    """Write a model, run it, and turn any failure into an `ImportError` or `ExportFailed`.

    Returns:
        Tuple of the list of output arrays and the dict of `Format.write`.
    """
    try:
        with silence.silent_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Raised by packages that the converters use.
            shapes = format.write(model, path, rows, codes)
            return format.run(path, rows), shapes
    except ImportError as error:
        raise ImportError(
            f"Exports to {format.name} need packages that aren't installed: `pip install {format.packages()}`. "
            f"({error})"
        ) from error
    except exceptions.ExportFailed:
        raise
    except Exception as error:  # Converters and run times raise anything.
        reason = (next(iter(str(error).strip().splitlines()), "") or type(error).__name__).rstrip(".")
        raise exceptions.ExportFailed(
            f"{format.name} can't run this model under Keras's {keras.backend.backend()} backend: {reason:.300}. "
            f"Nothing was written. {_advice(model, reason)}"
        ) from error


def _advice(model: keras.Model, reason: str) -> str:
    """Return a sentence on a way round a reason for which a model can't be exported."""
    if keras.backend.backend() != "tensorflow":
        return (
            "TensorFlow converts more models: save the estimator by `save`, and call `load(folder).export(path)` in a "
            "process with the environment variable KERAS_BACKEND=tensorflow."
        )
    layers = [layer.name for layer in model.layers if layer.name in reason]
    return "Export to another format" + (f", or search without the layer {layers[0]!r}." if layers else ".")


def _expected(predictor: Predictor) -> tuple[dict[str, np.ndarray], dict[str, tuple[np.ndarray, float]]]:
    """Compute the estimator's predictions on its example rows.

    Returns:
        Tuple of two dicts by head: the predictions `(n, k)` in the target's own units, and pairs of the tolerance
        `(n, k)`, in standard deviations of the target, and the standard deviation.
    """
    outputs = predictor.outputs(predictor.example_rows())
    expected, tolerances = {}, {}
    for name, target in predictor.targets.items():
        values = outputs[name].astype("float64")
        unit = 1.0
        if target.task_ == "regression":
            values = target.numbers(values)
            unit = target.deviation_ if target.scale else np.maximum(1.0, values.std(axis=0))
        # The second term is the resolution of float32.
        tolerances[name] = (_TOLERANCE + 2.0**-22 * np.abs(values) / unit, unit)
        expected[name] = values
    return expected, tolerances


def _compare(
    outputs: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    tolerances: Mapping[str, tuple[np.ndarray, float]],
    format: base.Format,
    target: str,
) -> float:
    """Return the largest difference of outputs from expected predictions, or raise `ExportFailed` above tolerance."""
    largest = 0.0
    for name, values in expected.items():
        tolerance, unit = tolerances[name]
        if outputs[name].size != values.size:
            raise exceptions.ExportFailed(
                f"{format.name} returns an output {name!r} of shape {outputs[name].shape} for {len(values)} rows, but "
                f"the estimator returns {values.shape}. {target} was not written. Export to another format."
            )
        differences = np.abs(outputs[name].reshape(values.shape) - values) / unit
        if not (differences <= tolerance).all():
            row = int(np.argmax(np.nan_to_num(differences - tolerance, nan=np.inf).max(axis=-1)))
            raise exceptions.ExportFailed(
                f"{format.name} predicts differently from the estimator: the output {name!r} of row {row} differs by "
                f"{differences[row].max():.3g}, more than {np.max(tolerance[row]):.3g}. {target} was not written. "
                "Export to another format."
            )
        largest = max(largest, float(differences.max(initial=0.0)))
    return largest


def _replace_file(unfinished: str, target: str, code_book: Mapping[str, Any]) -> str | None:
    """Move a file to its path and write its code book next to it. Return the path of the code book, or `None`."""
    book = f"{target}.codes.json"
    new, earlier = f"{unfinished}.codes.json", f"{unfinished}.earlier.codes.json"
    if code_book:
        with open(new, "w", encoding="utf-8") as file:
            json.dump(code_book, file, ensure_ascii=False)
        storage.flush(new)
    # The old code book is moved away first: no process may read a new file with an old code book, or the reverse.
    if os.path.lexists(book):
        os.replace(book, earlier)
    try:
        os.replace(unfinished, target)
    except OSError:
        if os.path.lexists(earlier):
            os.replace(earlier, book)
        raise
    if code_book:
        os.replace(new, book)
    storage.sync_folder(os.path.dirname(os.path.abspath(target)))
    return book if code_book else None


def _earlier(target: str) -> str:
    """Return the path of the old folder during its replacement."""
    folder, name = os.path.split(os.path.abspath(target))
    return os.path.join(folder, f".{name}.earlier")


def _replace_folder(unfinished: str, target: str) -> None:
    earlier = _earlier(target)
    if os.path.isdir(target):
        os.rename(target, earlier)
    os.rename(unfinished, target)
    storage.sync_folder(os.path.dirname(earlier))
    _put_back(target)


def _put_back(target: str) -> None:
    """Finish `_replace_folder`, or undo the replacement that a killed process left incomplete."""
    earlier = _earlier(target)
    if not os.path.isdir(earlier) or os.path.islink(earlier) or _foreign(earlier):
        return
    if os.path.lexists(target):
        shutil.rmtree(earlier)
    else:
        os.rename(earlier, target)


def _foreign(folder: str) -> list[str]:
    """Return the names in a folder that don't belong to a SavedModel."""
    return sorted(set(os.listdir(folder)) - _SAVED_MODEL)
