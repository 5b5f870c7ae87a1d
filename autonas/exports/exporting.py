"""Exports a fitted estimator: written beside its place, run, compared, and only then put there."""

import dataclasses
import json
import os
import shutil
import tempfile
import warnings

import keras
import numpy as np

from autonas import exceptions, storage
from autonas.backends import silence
from autonas.exports import base, keras_file, litert, onnx, saved_model

#: By the end of the path; a folder has none.
FORMATS = {
    ".keras": keras_file.KerasFile(),
    ".onnx": onnx.ONNX(),
    ".tflite": litert.LiteRT(),
    "": saved_model.SavedModel(),
}

#: Largest difference in probabilities, and in numbers as a share of the target's standard deviation.
_TOLERANCE = 1e-3

#: What TensorFlow writes into the folder of a SavedModel.
_SAVED_MODEL = {"assets", "fingerprint.pb", "saved_model.pb", "variables"}


@dataclasses.dataclass(frozen=True)
class Export:
    """An exported model, which can be used as its path.

    Args:
        path: Where it is.
        runtime: What has run it.
        difference: Largest difference from the estimator's outputs: in probabilities, or in numbers as a share of the
            target's standard deviation.
        n_rows: Number of rows compared.
        inputs: Dict from input to its shape, the number of rows `None` if it may be any, and dtype, as a text.
        outputs: List of the names of the outputs.
        code_book: Path of the code book, or `None` if there is none.
    """

    path: str
    runtime: str
    difference: float
    n_rows: int
    inputs: dict
    outputs: list
    code_book: str | None = None

    def __fspath__(self):
        return self.path


def export(estimator, path, x=None):
    """Exports a fitted estimator; see `FittedModel.export`."""
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
            "`x` must be rows to compare the exported model on: this one was saved with examples=False, which leaves "
            "the rows of fit out. Received: x=None"
        )
    rows = format.rows(predictor)
    expected, tolerances = _expected(predictor)
    # JAX has 64 bits only where it was told so when it started.
    float64 = format.float64 and keras.backend.backend() != "jax"
    model = estimator.make_export(strings=not format.coded, float64=float64)
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
    return Export(target, format.name, difference, len(next(iter(rows.values()))), shapes, names, book)


def _format_of(path):
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1]
    if suffix not in FORMATS:
        raise ValueError(
            "`path` must end in '.keras', '.onnx' or '.tflite', or be a folder for a SavedModel: without a suffix, or "
            f"with '/' at the end. Received: path={path!r}"
        )
    return FORMATS[suffix]


def _check_place(target, is_folder):
    exists = os.path.isdir(target) if is_folder else os.path.isfile(target)
    if os.path.lexists(target) and not exists:
        raise ValueError(f"`path` must be free to write a {'folder' if is_folder else 'file'}. Received: {target!r}")
    if is_folder and exists and _foreign(target):
        raise ValueError(
            f"`path` must be a new folder, or that of a SavedModel to replace. Received: path={target!r}, which holds "
            f"{_foreign(target)[0]!r:.60}"
        )


def _write_and_run(format, model, path, rows, codes):
    """Writes a model and runs it; what goes wrong is said in one line."""
    try:
        with silence.silent_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Of what converters call.
            shapes = format.write(model, path, rows, codes)
            return format.run(path, rows), shapes
    except ImportError as error:
        raise ImportError(
            f"To export to {format.name}, packages are needed that aren't installed: `pip install "
            f"{format.packages()}`. ({error})"
        ) from error
    except exceptions.ExportFailed:
        raise
    except Exception as error:  # Converters and run times raise anything.
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise exceptions.ExportFailed(
            f"{format.name} can't run this model under Keras's {keras.backend.backend()} backend: {reason:.300}. "
            "Nothing was written. Export to another format, or search without the layer that it names."
        ) from error


def _expected(predictor):
    """The estimator's outputs on the rows that it keeps, in units of numbers, and how much each may differ: dicts from
    head to array `(n, k)`."""
    outputs = predictor.outputs(predictor.example_rows())
    expected, tolerances = {}, {}
    for name, target in predictor.targets.items():
        values = outputs[name].astype("float64")
        unit = 1.0
        if target.task_ == "regression":
            unit, values = target.deviation_, values * target.deviation_ + target.mean_
        # What float32 can't tell apart in those units.
        tolerances[name] = (_TOLERANCE + 2.0**-22 * np.abs(values) / unit, unit)
        expected[name] = values
    return expected, tolerances


def _compare(outputs, expected, tolerances, format, target):
    """The largest difference, or an error if it is too large."""
    largest = 0.0
    for name, values in expected.items():
        tolerance, unit = tolerances[name]
        if outputs[name].size != values.size:
            raise exceptions.ExportFailed(
                f"{format.name} gives an output {name!r} of shape {outputs[name].shape} for {len(values)} rows, where "
                f"the estimator gives {values.shape}. {target} was not written. Export to another format."
            )
        differences = np.abs(outputs[name].reshape(values.shape) - values) / unit
        if not (differences <= tolerance).all():
            row = int(np.argmax(np.nan_to_num(differences - tolerance, nan=np.inf).max(axis=-1)))
            raise exceptions.ExportFailed(
                f"{format.name} says something else than the estimator: the output {name!r} of row {row} differs by "
                f"{differences[row].max():.3g}, more than {np.max(tolerance[row]):.3g}. {target} was not written. "
                "Export to another format."
            )
        largest = max(largest, float(differences.max(initial=0.0)))
    return largest


def _replace_file(unfinished, target, code_book):
    """Put a file in its place, and its code book beside it; return the path of the code book or `None`."""
    book = f"{target}.codes.json"
    new, earlier = f"{unfinished}.codes.json", f"{unfinished}.earlier.codes.json"
    if code_book:
        with open(new, "w", encoding="utf-8") as file:
            json.dump(code_book, file, ensure_ascii=False)
        storage.flush(new)
    # Between the two files no process finds one of each.
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


def _earlier(target):
    """Return where the earlier folder is while a new one takes its place."""
    folder, name = os.path.split(os.path.abspath(target))
    return os.path.join(folder, f".{name}.earlier")


def _replace_folder(unfinished, target):
    earlier = _earlier(target)
    if os.path.isdir(target):
        os.rename(target, earlier)
    os.rename(unfinished, target)
    storage.sync_folder(os.path.dirname(earlier))
    _put_back(target)


def _put_back(target):
    """Finish `_replace_folder`, or undo the half that a killed process did."""
    earlier = _earlier(target)
    if not os.path.isdir(earlier) or os.path.islink(earlier) or _foreign(earlier):
        return
    if os.path.lexists(target):
        shutil.rmtree(earlier)
    else:
        os.rename(earlier, target)


def _foreign(folder):
    """Return the names in a folder that are no part of a SavedModel."""
    return sorted(set(os.listdir(folder)) - _SAVED_MODEL)
