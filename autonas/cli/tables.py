"""Tables in files, for the command line."""

import contextlib
import gzip
import json
import pathlib
import re
import warnings
import zlib

SUFFIXES = ".csv, .csv.gz, .tsv, .tsv.gz, .parquet, .jsonl or .jsonl.gz"
#: Strings that are missing values in columns of words. In other columns, "NA", "None" and "null" are missing, too.
_MISSING_WORDS = ["", "NaN", "nan", "<NA>", "#N/A"]
#: Approximate number of values from which the columns of words are inferred.
_N_INFERRED = 10_000


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
    """Read a table and infer its columns of words: categories and texts, but not numbers or dates.

    In a CSV file, integers of which any has three digits and a leading zero, such as "007", are words, too. A first
    column of a CSV file that has no name and counts the rows is left out, with a warning.

    Args:
        path: As in `read_table`.

    Returns:
        Tuple of the `pandas.DataFrame` and the list `words` for `read_table`, to read further tables in the same way.
    """
    from autonas.data.encoders import columns

    frame, words = _without_row_numbers(_parse(path), path), []
    for name, column in frame.items():
        column = column.dropna()
        sample = column.iloc[:: max(1, len(column) // _N_INFERRED)]
        if isinstance(name, str) and columns.infer_column(sample) in ("category", "text"):
            words.append(name)
    words += _codes(frame, path)
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


def split_targets(frame, targets):
    """Split a table into inputs and targets.

    Args:
        frame: DataFrame.
        targets: List of the names of the target columns.

    Returns:
        Tuple `(x, y)`. `x` is the DataFrame of the other columns. `y` is a Series for one target column, for several
        columns of numbers a DataFrame, and otherwise a dict of Series.

    Raises:
        ValueError: If a target isn't a column, or is named twice, or no other column is left.
    """
    for target in targets:
        if target not in frame.columns:
            names = ", ".join(map(repr, frame.columns[:10])) + ", …" * (len(frame.columns) > 10)
            raise ValueError(f"there is no target column {target!r}. Columns: {names}")
        if targets.count(target) > 1:
            raise ValueError(f"the target column {target!r} must be named once. Received: {' '.join(targets)}")
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


def _parse(path, **options):
    """Return the table in a file, read with these options of `pandas.read_csv` if it is a CSV file.

    If each row of a CSV file has one field more than the header, the first field is the index, as in files of R. If
    all of the last fields are empty, the rows end with a separator, and have no index.
    """
    import pandas

    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    name = path.name.lower().removesuffix(".gz")
    if _is_csv(path):
        separator = _separator(path)
        with _naming(path, "CSV"):
            options |= {"sep": separator, "skipinitialspace": True}
            header = _header(path, separator)
            _check_header(header, separator)
            # An empty line is a missing value of the only column.
            options["skip_blank_lines"] = len(header) > 1
            frame = pandas.read_csv(path, **options)
            if not isinstance(frame.index, pandas.RangeIndex) and frame.iloc[:, -1].isna().all():
                with warnings.catch_warnings():
                    # pandas warns of the loss of the last fields.
                    warnings.simplefilter("ignore", pandas.errors.ParserWarning)
                    frame = pandas.read_csv(path, index_col=False, **options)
            if len(header) == 1:
                frame = frame.iloc[: len(frame) - int(frame.iloc[::-1, 0].isna().cumprod().sum())]
    elif name.endswith(".jsonl"):
        with _naming(path, "JSON, one object a line"):
            # `pandas.read_json` makes numbers of strings of digits.
            with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rt", encoding="utf-8-sig") as lines:
                frame = pandas.DataFrame([_object(line) for line in lines if line.strip()])
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


def _object(line):
    """Return the dict of a line of JSON."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError(f'a line must be an object such as {{"a": 1}}. Received: {line.strip()!r:.60}')
    return value


def _header(path, separator):
    """Return the names of the columns of a CSV file, as they are written."""
    import pandas

    options = {"header": None, "nrows": 1, "dtype": str, "keep_default_na": False, "skipinitialspace": True}
    return pandas.read_csv(path, sep=separator, **options).iloc[0].tolist()


def _without_row_numbers(frame, path):
    """Return a table without a first column of a CSV file that has no name and counts the rows."""
    if not _is_csv(path) or frame.shape[1] == 1 or _header(path, _separator(path))[0]:
        return frame
    numbers = frame.iloc[:, 0].tolist()
    if numbers not in (list(range(len(frame))), list(range(1, len(frame) + 1))):
        return frame
    warnings.warn(f"the first column of {path} has no name and counts the rows, and is left out", stacklevel=2)
    return frame.iloc[:, 1:]


def _check_header(header, separator):
    """Raise a `ValueError` if two columns have the same name, or if the only one has a name with another separator."""
    for name in set(header) - {""}:
        if header.count(name) > 1:
            raise ValueError(f"{header.count(name)} columns have the name {name!r:.60}. Rename or remove all but one")
    if len(header) != 1:
        return
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
    for other in sorted({";", "\t", "|"} - {separator}):
        if other in header[0]:
            remedy = f"Save it with {names[separator]}" + (", or name it .tsv" if other == "\t" else "")
            raise ValueError(
                f"its columns are separated by {names[other]} instead of {names[separator]}, as in "
                f"{header[0]!r:.60}. {remedy}"
            )


def _codes(frame, path):
    """Return the names of the columns of a CSV file of integers of which any has three digits and a leading zero.

    Hours, days and months are numbers with or without a zero before them.
    """
    numbers = frame.select_dtypes("number")
    integers = [name for name, column in numbers.items() if (column.dropna() % 1 == 0).all()]
    if not integers or not _is_csv(path):
        return []
    strings = _parse(path, dtype=object)  # pandas needs twice the time for `str`.
    return [name for name in integers if any(re.fullmatch(r"0\d\d+", text) for text in strings[name].dropna().unique())]


def _is_csv(path):
    return pathlib.Path(path).name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _separator(path):
    return "\t" if pathlib.Path(path).name.lower().removesuffix(".gz").endswith(".tsv") else ","


def _with_words(frame, path, words):
    words = [name for name in words if name in frame.columns]
    if words and _is_csv(path):
        types = dict.fromkeys(words, str)
        frame[words] = _parse(path, dtype=types, keep_default_na=False, na_values=_MISSING_WORDS)[words]
    return frame
