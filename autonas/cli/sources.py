"""Sources of data for the command line: the description of the training data, and data of the same format."""

import json
import pathlib

from autonas.backends import memory, silence
from autonas.cli import images, tables
from autonas.estimators.source import SOURCE_SHAPE

# File of earlier versions next to a saved model. Now the content is the model's attribute `source_`.
_FORMER_FILE = "source.json"


def read_training_data(options):
    """Return the tuple `(x, y, source)` of the training data."""
    if images.is_folder(options.data):
        if options.target:
            raise ValueError("`--target` is for tables; the classes of images are the names of their folders")
        source = {"kind": "images", **images.format_of(options.data)}
        if options.image_size is not None:
            source["image_size"] = options.image_size
        start_keras()
        x = images.read(options.data, source["image_size"], source["color_mode"], seed=options.seed or 0)
        return x, None, source | {"class_names": list(x.class_names)}
    if not options.target:
        raise ValueError("a table needs `--target COLUMN`")
    frame, words = tables.read_training_table(options.data)
    return *tables.split_targets(frame, options.target), {"kind": "table", "targets": options.target, "words": words}


def read_labelled_data(name, path, source):
    """Return the tuple `(x, y)` of data in the format of the training data.

    Args:
        name: Name of the argument for error messages.
        path: Path of the data.
        source: Description of the training data, as `read_training_data` returns.
    """
    check_kind(f"`{name}` must be {{}} like the training data. Received: {path}", path, source)
    if source["kind"] == "series":
        return tables.read_series(path), None
    if not source.get("targets" if source["kind"] == "table" else "class_names"):
        raise ValueError(
            "the model was saved from Python, so its target column isn't known; call the method `evaluate`, `select` "
            "or `report` in Python. The column is known after `fit(frame, 'column')`"
        )
    if source["kind"] == "table":
        return tables.split_targets(tables.read_table(path, source.get("words", [])), source["targets"])
    start_keras()
    return read_images(path, source, source["class_names"]), None


def check_kind(message, path, source):
    """Raise a `ValueError` with this message if a path isn't a folder of images and should be one, or vice versa."""
    if (source["kind"] == "images") != images.is_folder(path):
        raise ValueError(message.format("a folder of images" if source["kind"] == "images" else "a table"))


def read_images(path, source, class_names=None):
    """Return a dataset of images in the format of the training data, without labels unless there are class names."""
    labelled, dtype = class_names is not None, source.get("dtype", "float32")
    return images.read(path, source["image_size"], source["color_mode"], class_names, labelled, dtype=dtype)


def of_model(model, directory):
    """Return the description of a saved model's training data."""
    from autonas import storage

    if hasattr(model, "source_"):
        return model.source_
    path = pathlib.Path(directory) / _FORMER_FILE
    if not path.exists():
        return _from_python(model)
    with storage.describing_damage(path):
        source = json.loads(path.read_text(encoding="utf-8"))
        storage.check_shape(source, SOURCE_SHAPE, "content")
    return source


def _from_python(model):
    """Return the description of the training data of a model that was saved from Python."""
    encoder, *others = model.predictor_.encoders.values()
    in_python = "call `predict` in Python: `autonas.AutoModel.load(folder).predict(x)`"
    if hasattr(model, "lookback_"):  # A forecaster.
        return {"kind": "series"}
    if others or encoder.kind == "series":
        raise ValueError(f"the model was fitted on {'several inputs' if others else 'an array of series'}; {in_python}")
    if encoder.kind != "image":
        column = getattr(model, "target_column_", None)
        targets = [] if column is None else [column]
        return {"kind": "table", "targets": targets, "words": _words(model, encoder, targets)}
    height, width, n_channels = (*encoder.raw_shape_, 1)[:3]
    if n_channels not in (1, 3) or (encoder.dtype_ != "uint8" and encoder.largest_ <= 16):
        raise ValueError(
            f"the model was fitted on images of shape {encoder.raw_shape_} with pixels up to {encoder.largest_:g}, but "
            f"files have 1 or 3 channels and pixels up to 255; convert them as in fit and {in_python}"
        )
    source = {
        "kind": "images",
        "image_size": [height, width],
        "color_mode": "grayscale" if n_channels == 1 else "rgb",
        "dtype": encoder.dtype_,
    }
    classes = getattr(model, "classes_", None)
    # Labels of a folder are the names of the classes, or their positions.
    if hasattr(classes, "tolist") and (classes.dtype.kind in "OU" or classes.tolist() == list(range(len(classes)))):
        source["class_names"] = list(map(str, classes))
    return source


def _words(model, encoder, targets):
    """Return the names of the columns of words of a model that was saved from Python, a list of strings."""
    classes = getattr(model, "classes_", None)
    names = list(targets) if hasattr(classes, "dtype") and classes.dtype.kind in "OUT" else []
    if encoder.kind == "text":
        names += getattr(model, "feature_names_in_", [])
    elif getattr(encoder, "columns_", None) is not None:
        names += [name for name, kind in encoder.used_columns() if kind in ("category", "text")]
    return [str(name) for name in names if isinstance(name, str)]


def start_keras():
    """Import Keras without the notes of its backend."""
    silence.import_keras()
    # Without a GPU, CUDA prints an error at the first search for GPUs. `memory.grow` searches silently.
    memory.grow()
