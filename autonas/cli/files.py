"""Input data of the command line: a table in a file, or a folder of images."""

import contextlib
import gzip
import os
import pathlib
import re
import zlib

SUFFIXES = ".csv, .csv.gz, .tsv, .tsv.gz, .parquet, .jsonl or .jsonl.gz"
IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # The formats that Keras reads.
LARGEST_SIDE = 128
#: Strings that are missing values in columns of words. In other columns, "NA", "None" and "null" are missing, too.
_MISSING_WORDS = ["", "NaN", "nan", "<NA>", "#N/A"]
#: Approximate number of values from which the columns of words are inferred.
_N_INFERRED = 10_000
#: Beginnings of image files, and a part of their last bytes. A file with others is decoded to see if it is damaged.
_IMAGE_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG\r\n\x1a\n": b"IEND", b"GIF8": b";"}
_N_LAST_BYTES = 64


def is_image_folder(path):
    """Return whether `path` is a folder. Raise `FileNotFoundError` if `path` doesn't exist."""
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    return path.is_dir()


def read_table(path, words=()):
    """Read a table.

    Args:
        path: A file whose name ends in one of `SUFFIXES`.
        words: Names of the columns of words. In these columns of a CSV file, "NA", "None" and "null" are words, and not
            missing values. Defaults to none, as in pandas.

    Returns:
        A `pandas.DataFrame`.

    Raises:
        FileNotFoundError: If the file doesn't exist.
        ValueError: If the file has another suffix, can't be parsed in the format of its suffix, or has no rows.
    """
    return _with_words(_parse(path), path, words)


def read_training_table(path):
    """Read a table and infer its columns of words, which are categories and texts, but not numbers or dates.

    Args:
        path: As in `read_table`.

    Returns:
        Tuple of the `pandas.DataFrame` and the list `words` for `read_table`, to read further tables in the same way.
    """
    from autonas.data.encoders import columns

    frame, words = _parse(path), []
    for name, column in frame.items():
        column = column.dropna()
        sample = column.iloc[:: max(1, len(column) // _N_INFERRED)]
        if isinstance(name, str) and columns.infer_column(sample) in ("category", "text"):
            words.append(name)
    return _with_words(frame, path, words), words


def read_series(path):
    """Read a table of series. The index is the column of dates, if there is exactly one.

    Args:
        path: As in `read_table`.

    Returns:
        A `pandas.DataFrame`.
    """
    import pandas

    from autonas.data import time_index

    frame = read_table(path)
    dated = {}
    for name in frame.columns.difference(frame.select_dtypes(["number", "bool"]).columns):
        dates = time_index.as_dates(pandas.Index(frame[name].dropna(), name=name))
        if isinstance(dates, (pandas.DatetimeIndex, pandas.PeriodIndex)):
            dated[name] = dates
    if len(dated) != 1:
        return frame
    ((name, dates),) = dated.items()
    frame = frame.set_index(name)
    # Years, quarters and weeks are continued as the strings that they are.
    return frame if frame.index.hasnans or isinstance(dates, pandas.PeriodIndex) else frame.set_axis(dates)


def without_index(forecast):
    """Return a forecast, a Series or DataFrame, as a DataFrame whose first column has the dates, if there are any."""
    import pandas

    frame = forecast.to_frame("prediction") if isinstance(forecast, pandas.Series) else forecast
    return frame if isinstance(frame.index, pandas.RangeIndex) else frame.reset_index()


def _parse(path, **options):
    """Return the table in a file, read with these options of `pandas.read_csv` if it is a CSV file."""
    import pandas

    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        separator = "\t" if name.endswith(".tsv") else ","
        with _naming(path, "CSV"):
            _check_separator(pandas.read_csv(path, sep=separator, nrows=0), separator)
            frame = pandas.read_csv(path, sep=separator, **options)
    elif name.endswith(".jsonl"):
        with _naming(path, "JSON, one object a line"):
            frame = pandas.read_json(path, lines=True)
    elif name.endswith(".parquet"):
        with _naming(path, "Parquet"):
            frame = pandas.read_parquet(path)
    else:
        raise ValueError(f"a table must be a file ending in {SUFFIXES}. Received: {path}")
    if frame.empty:
        raise ValueError(f"{path} has no rows")
    return frame


@contextlib.contextmanager
def _naming(path, file_format):
    """Return a context in which errors of parsing name the file and a remedy."""
    import pandas

    try:
        yield
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        remedy = ""
        if isinstance(error, UnicodeError):
            remedy = " Save it as UTF-8."
        elif isinstance(error, pandas.errors.ParserError):
            remedy = " Put fields that contain the separator into quotes, and close all quotes."
        elif isinstance(error, (EOFError, gzip.BadGzipFile, zlib.error)):
            remedy = " Compress it again with gzip."
        reason = "the file is empty" if isinstance(error, pandas.errors.EmptyDataError) else str(error).strip()
        raise ValueError(f"{path} can't be read as {file_format}: {reason.rstrip('.')}.{remedy}") from error


def _check_separator(header, separator):
    """Raise a `ValueError` if the only column of a table has a name with another separator."""
    if header.shape[1] != 1:
        return
    names = {",": "commas", ";": "semicolons", "\t": "tabs"}
    for other in {";", "\t"} - {separator}:
        if other in header.columns[0]:
            remedy = f"Save it with {names[separator]}" + (", or name it .tsv" if other == "\t" else "")
            raise ValueError(
                f"its columns are separated by {names[other]} instead of {names[separator]}, as in "
                f"{header.columns[0]!r:.60}. {remedy}"
            )


def _with_words(frame, path, words):
    words = [name for name in words if name in frame.columns]
    if words and pathlib.Path(path).name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        types = dict.fromkeys(words, str)
        frame[words] = _parse(path, dtype=types, keep_default_na=False, na_values=_MISSING_WORDS)[words]
    return frame


def split_targets(frame, targets):
    """Split a table into inputs and targets.

    Args:
        frame: DataFrame.
        targets: List of the names of the target columns.

    Returns:
        Tuple `(x, y)`. `x` is the DataFrame of the other columns. `y` is a Series for one target column, for several
        columns of numbers a DataFrame, and otherwise a dict of Series.

    Raises:
        ValueError: If a target isn't a column, or no other column is left.
    """
    for target in targets:
        if target not in frame.columns:
            names = ", ".join(map(str, frame.columns[:10])) + ", …" * (len(frame.columns) > 10)
            raise ValueError(f"there is no target column {target!r}. Columns: {names}")
    x = frame.drop(columns=targets)
    if x.shape[1] == 0:
        raise ValueError(f"there is no column besides the target: {', '.join(targets)}")
    if len(targets) == 1:
        return x, frame[targets[0]]
    y = frame[targets]
    if y.shape[1] == y.select_dtypes(["number", "bool"]).shape[1]:
        return x, y
    # Words are the classes of a head of their own, whose name is that of the column as far as it can be.
    names = [re.sub(r"\W", "_", target, flags=re.ASCII) for target in targets]
    if len(set(names)) < len(names) or not all(map(str.isidentifier, names)):
        names = [f"target_{number}" for number, _ in enumerate(targets, 1)]
    return x, {name: frame[target] for name, target in zip(names, targets, strict=True)}


def image_format(folder):
    """Determine size and colour mode from the first image of a folder that can be read.

    Args:
        folder: Folder, searched with all its subfolders.

    Returns:
        Dict of `image_size`, [height, width] scaled to at most `LARGEST_SIDE` pixels per side, and `color_mode`,
        `"grayscale"` or `"rgb"`.

    Raises:
        ValueError: If there is no image.
    """
    import PIL.Image

    for path in sorted(pathlib.Path(folder).rglob("*")):
        hidden = any(name.startswith(".") for name in path.relative_to(folder).parts)
        if path.suffix.lower() in IMAGE_SUFFIXES and not hidden:
            try:
                with PIL.Image.open(path) as image:
                    width, height = image.size
                    gray = image.mode in ("1", "L", "I", "F", "I;16")
            except PIL.UnidentifiedImageError:  # `read_images` names all of them.
                continue
            scale = min(1.0, LARGEST_SIDE / max(width, height))
            size = [max(1, round(height * scale)), max(1, round(width * scale))]
            return {"image_size": size, "color_mode": "grayscale" if gray else "rgb"}
    raise ValueError(f"there is no readable image ({', '.join(IMAGE_SUFFIXES)}) in {folder}")


def read_images(folder, image_size, color_mode, class_names=None, labelled=True, *, seed=0, dtype="float32"):
    """Read the images of a folder as a dataset in batches of 32.

    Args:
        folder: Folder with one subfolder per class, or with images at any depth if not `labelled`.
        image_size: [height, width] that the images are resized to.
        color_mode: `"grayscale"` or `"rgb"`.
        class_names: List of the class folders in the order of their labels. Defaults to the folders sorted by name.
        labelled: Whether the dataset yields shuffled images with integer labels. Otherwise the dataset yields the
            images alone, in the order of `dataset.file_paths`. Defaults to `True`.
        seed: Seed of the shuffling. Defaults to 0.
        dtype: Type of the pixels, `"float32"`, or `"uint8"` to round them after resizing. Defaults to `"float32"`.

    Returns:
        A `tf.data.Dataset` with the attributes `class_names` and `file_paths`.

    Raises:
        ValueError: If the class folders differ from `class_names`, or there are fewer than two, or a file can't be read
            as an image.
    """
    import keras

    # As in Keras, hidden folders aren't classes, such as .ipynb_checkpoints.
    folders = sorted(
        path.name for path in pathlib.Path(folder).iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if labelled and class_names is not None and folders != sorted(class_names):
        raise ValueError(f"{folder} must have the class folders {sorted(class_names)}. Received: {folders}")
    if labelled and len(folders) < 2:
        raise ValueError(f"{folder} must have at least two folders, one per class. Received: {folders}")
    dataset = keras.utils.image_dataset_from_directory(
        folder,
        labels="inferred" if labelled else None,
        label_mode="int" if labelled else None,
        class_names=class_names if labelled else None,
        image_size=tuple(image_size),
        color_mode=color_mode,
        batch_size=32,
        shuffle=labelled,
        seed=seed,
        verbose=False,
    )
    n_channels = 1 if color_mode == "grayscale" else 3
    damaged = [
        path for path in sorted(dataset.file_paths) if _may_be_damaged(path) and not _can_be_decoded(path, n_channels)
    ]
    if damaged:
        more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
        kind, pronoun = ("images", "them") if len(damaged) > 1 else ("an image", "it")
        raise ValueError(
            f"{', '.join(damaged[:5])}{more} can't be read as {kind}. Remove {pronoun}, or save {pronoun} again as PNG "
            "or JPEG."
        )
    return _rounded(dataset) if dtype == "uint8" else dataset


def _rounded(dataset):
    """Return a dataset of images with pixels of uint8."""
    import tensorflow as tf

    def rounded(images, *labels):
        images = tf.cast(tf.round(images), "uint8")
        return (images, *labels) if labels else images

    result = dataset.map(rounded)
    result.class_names, result.file_paths = dataset.class_names, dataset.file_paths
    return result


def _may_be_damaged(path):
    """Return whether a file lacks the beginning or the end of an image. Reading all of many images would take long."""
    with open(path, "rb") as file:
        first = file.read(8)
        file.seek(max(0, file.seek(0, os.SEEK_END) - _N_LAST_BYTES))
        last = file.read()
    return not any(first.startswith(begin) and end in last for begin, end in _IMAGE_ENDS.items())


def _can_be_decoded(path, n_channels):
    """Return whether a file can be read by the decoder that Keras uses."""
    import tensorflow as tf

    try:
        tf.io.decode_image(tf.io.read_file(path), channels=n_channels, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return False
    return True
