"""Encoder of tables with columns of numbers, dates, categories and texts."""

import dataclasses
import warnings

import numpy as np
import pandas as pd

from autonas.data.checks import name_labels, warn_of_confused_integers
from autonas.data.encoders import columns, dates, frames, number_strings, string_column
from autonas.data.encoders.base import Encoder, check_rows
from autonas.data.encoders.number_column import DateColumn, NumberColumn
from autonas.data.encoders.standardisation import Standardisation, check_numbers
from autonas.data.encoders.string_column import StringColumn
from autonas.data.encoders.strings import Strings
from autonas.data.encoders.text import TextEncoder, as_strings
from autonas.data.encoders.trigrams import TrigramVectors
from autonas.data.features import Feature, Tensor

#: Shape of the name of a column in a config.
_NAME = (str, int)
#: Maximum number of ids of n-grams in the training rows: trees read the ids as floats, which are 100 MB.
_MAX_NGRAMS = 25_000_000


class TableEncoder(Encoder):
    """Encoder of tables: arrays, lists of lists, sparse matrices and DataFrames.

    The kind of a column is inferred from the training set (see `columns.infer_column`). If the kind is number or date,
    but other rows have other values, the column is a category. Columns without any value in the training set are
    ignored. Strings are dates or numbers if nearly all of them have the same notation (see `dates.find_notation` and
    `number_strings.find_notation`), and later rows must have this notation, too. Dates with a time zone are read as
    local times in the time zone of `fit` (see `dates.find_zone`).

    The tensors are the following. A tensor without columns is absent.

    - `"numbers"`, float32 `(d,)`: numbers, booleans, and the parts of dates that vary in the training set,
      standardised by mean and standard deviation of the training set. Missing values are NaN.
    - `"categories"`, int32 `(k,)`: codes of the categories from 1, by falling frequency. The code 0 is an unknown
      category. A missing value, or an empty string, has its own code if the training set has one. In columns with more
      than 50 categories, categories of a single row are unknown if they hold more than half of the rows. Otherwise
      categories of other rows than the training set have codes, too, the last ones, since a final fit learns them. A
      column has at most 10,000 codes.
    - `"strings"`, float32 `(v,)`: vectors of texts, and of the categories of columns with more than 100 categories if
      more than 5 % of the rows have a category of fewer than 20 rows. Strings with common trigrams of characters have
      similar vectors; see `TrigramVectors`.
    - `"tokens_0"`, `"tokens_1"`, ..., int32 `(length,)`: token ids of a text column, as in `TextEncoder`, or of
      categories with vectors and with two or more words on average.
    - `"ngrams_0"`, `"ngrams_1"`, ..., int32 `(ids,)`: ids of n-grams of the same columns, as in `TextEncoder`, as far
      as there are at most 25,000,000 ids in the training rows, for all columns together.

    The statistics are:

    - `number_names`, `category_names`, `text_names`: lists of the names of the columns.
    - `quantiles`: 65 quantiles from 0 to 1 of the standardised values of the training set, `(65, d)`.
    - `edges`: edges of bins for the standardised values, `(e, d)`, 257 of them, fewer of more than 1,900 columns.
    - `missing`: whether the training set has missing values, `(d,)`. Later rows can have other missing values.
    - `cardinalities`: list of the numbers of codes, including 0.
    - `vocabulary_sizes`, `inverse_document_frequencies`, `ngram_inverse_document_frequencies`, `ngram_columns`: lists
      with the statistics of the text columns. The last two hold `None` without n-grams.

    For an array of numbers, `keras_model()` has one float32 input `(columns,)`. For other tables, it has an input of
    shape `()` for every column, named as in `input_names`: numbers and booleans are float32 (NaN if missing), dates
    int64 seconds since 1970 of the local time in the column's time zone (-2**63, numpy's NaT, if missing), categories
    and texts strings (`""` if missing). Numbers are float64 if the mean of the column, or of a column of the array, is
    beyond 1e4 times its standard deviation.
    Because of the float32 inputs, its output differs from `transform` by up to 6e-4.

    Args:
        max_tokens: Maximum size of the vocabulary of a text column. Defaults to 20,000.
        length: Number of tokens per row of a text column. Defaults to `None`: the 99th percentile of the lengths in the
            training set, at most 512.
        has_ngrams: Whether there are the tensors of n-grams. Defaults to `True`.
        seconds: Seconds that n-grams of characters, and vectors of texts, may take: about 1.5 for a million characters
            of the columns of strings, and 0.25. If they take longer, n-grams are of words only, and texts have no
            vectors. Defaults to `None`, no limit.
    """

    kind = "table"
    options_shape = {"max_tokens": (int, None), "length": (int, None), "has_ngrams?": bool, "seconds?": (float, None)}
    state_shape = {
        "columns": (None, [_NAME]),
        "kinds": [("number", "date", "category", "text", None)],
        "used": (None, [int]),
        "parts": [[_NAME, [int]]],
        "notations?": [[_NAME, {"format": str, "has_others": bool, "is_ambiguous": bool, "zone?": (None, str)}]],
        "number_notations?": [[_NAME, {"symbol": str, "thousands": str, "decimal": str, "has_others": bool}]],
        # Lists of strings only: if a vocabulary were a single string, Keras would open it as a file.
        "vocabularies": [[_NAME, [str]]],
        "texts": [[_NAME, {str: object}]],
        "trigrams?": [[_NAME, TrigramVectors.config_shape]],
        **Standardisation.config_shape,
    }

    def __init__(self, max_tokens=20000, length=None, has_ngrams=True, seconds=None):
        self.max_tokens = max_tokens
        self.length = length
        self.has_ngrams = has_ngrams
        self.seconds = seconds

    def _options(self):
        names = ("max_tokens", "length", "has_ngrams", "seconds")
        return {name: getattr(self, name) for name in names}

    def _fit(self, x, rows):
        original = frames.frame_or_matrix(x)
        x = frames.as_table(original)
        check_rows(len(x))
        if x.shape[1] == 0:
            raise ValueError(f"Found array with 0 feature(s) (shape={x.shape}) while a minimum of 1 is required.")
        self.strings_ = {}
        if isinstance(x, np.ndarray):
            self.columns_, self.kinds_, self.numbers_ = None, ["number"] * x.shape[1], {}
            training = x if rows is None else x[rows]
            self.used_ = np.flatnonzero(~np.isnan(training).all(axis=0))
        else:
            self.columns_ = frames.column_names(x)
            self._fit_columns(x, rows)
            self.used_ = None
        numbers = self._numbers(x)
        check_numbers(numbers, self._number_names())
        self._warn_of_confused_integers(original)
        numbers = numbers if rows is None else numbers[rows]
        if self._n_tensors(numbers) == 0:
            raise ValueError(
                "`x` must have at least one informative column. Received: only columns without values, or with "
                "categories that never repeat, in the training set"
            )
        self.standardisation_ = Standardisation.fit(numbers, self._number_names())

    def _fit_columns(self, x, rows):
        """Infer the kinds of the columns, and fit a column object for each; see `fit`."""
        self.kinds_, self.numbers_ = [], {}
        ignored = []
        has_characters, has_vectors = string_column.affordable(x, self.seconds)
        text_options = {"max_tokens": self.max_tokens, "length": self.length}
        text_options |= {"has_ngrams": self.has_ngrams, "has_characters": has_characters}
        for position, name in enumerate(self.columns_):
            series = x.iloc[:, position]
            training = series if rows is None else series.iloc[rows]
            kind = columns.infer_column(training)
            if kind in ("number", "date") and columns.infer_column(series) != kind:
                # Rows outside of the training set have other strings, such as "?".
                kind = "category"
            strings = Strings.of(series) if kind in ("category", "text") else None
            if kind == "text" and not string_column.has_words(strings.some(rows)):
                kind = "category"
            if kind == "number":
                self.numbers_[name] = NumberColumn.fit(series)
            elif kind == "date":
                self.numbers_[name] = DateColumn.fit(series, rows)
            elif kind == "category":
                column = StringColumn.fit_categories(strings, rows, text_options)
                if column is None:
                    kind = None
                    ignored.append(name)
                self.strings_ |= {name: column} if column else {}
            elif kind == "text":
                self.strings_[name] = StringColumn.fit_texts(strings.some(rows), text_options, has_vectors)
            self.kinds_.append(kind)
        texts = self._columns_with("text")
        n_training = len(x) if rows is None else len(rows)
        for _, column in texts:
            column.text.limit_ngrams(_MAX_NGRAMS // (n_training * len(texts)))
        if ignored and len(ignored) < len(self.kinds_):
            warnings.warn(
                f"`x` has columns that aren't read, since no value occurs twice in the training set: "
                f"{name_labels(ignored)}. Convert columns of numbers or dates to these types, and drop the others.",
                stacklevel=2,
            )

    def transform(self, x, owner=None):
        return {name: np.asarray(array) for name, array in self.compact(x, owner).items()}

    def compact(self, x, owner=None):
        """Encode rows as `transform` does, with `SparseRows` in place of arrays of which most entries are 0.

        Args:
            x: Rows with the columns of `fit`. The columns of a DataFrame can have another order. Columns are matched by
                position if `x` is an array, or was one in `fit`, and between strings and the names 0, 1, 2, ..., which
                pandas gives to the columns of an array.
            owner: Name of the estimator for the error message about a wrong number of features. Defaults to `None`: the
                name of this class.

        Returns:
            Dict from the name of a tensor to an array.

        Raises:
            ValueError: If the columns differ from `fit`, or a value can't be encoded.
        """
        x = self._conform(x, owner)
        numbers = self._numbers(x)
        check_numbers(numbers, self._number_names())
        tensors = {}
        if numbers.shape[1]:
            tensors["numbers"] = self.standardisation_.transform(numbers)
        strings = {name: Strings.of(x[name]) for name in self.strings_}
        codes = [column.codes(strings[name]) for name, column in self._columns_with("vocabulary")]
        if codes:
            tensors["categories"] = np.stack(codes, axis=1).astype("int32")
        vectors = [column.vectors(strings[name]) for name, column in self._columns_with("trigrams")]
        if vectors:
            tensors["strings"] = np.concatenate(vectors, axis=1)
        for index, (name, column) in enumerate(self._columns_with("text")):
            tensors |= {f"{kind}_{index}": ids for kind, ids in column.texts(strings[name]).items()}
        return tensors

    def raw_inputs(self, x):
        raw = self.raw_arrays(x)
        return {name: _tensor(array) for name, array in raw.items()} if isinstance(raw, dict) else raw

    def raw_arrays(self, x):
        x, float_dtypes = self._conform(x), self.float_dtypes()
        if self.columns_ is None:
            return x.astype("float64" if "float64" in float_dtypes.values() else "float32")
        raw = {}
        for name, kind in self.used_columns():
            key = self.input_names[name]
            if kind == "number":
                (numbers,) = self.numbers_[name].numbers(x[name])
                raw[key] = numbers.astype(float_dtypes[str(name)])
            elif kind == "date":
                raw[key] = dates.as_unix_seconds(x[name], self.numbers_[name].notation)
            else:
                raw[key] = as_strings(Strings.of(x[name]).array)
        return raw

    def float_dtypes(self):
        """Return a dict from the name of a column of numbers, as a string, to the dtype of its input."""
        rounded = zip(self._number_names(), self.standardisation_.is_rounded, strict=True)
        return {name: "float64" if is_rounded else "float32" for name, is_rounded in rounded}

    @property
    def input_names(self):
        """Dict from the name of a used column to the name of its input in `keras_model()`, which has no "/"."""
        names = {}
        for name, _ in self.used_columns():
            safe = str(name).replace("/", "_") or "_"
            while safe in names.values():
                safe += "_"
            names[name] = safe
        return names

    @property
    def example_names(self):
        return {""} if self.columns_ is None else set(self.input_names.values())

    @property
    def feature(self):
        tensors = {}
        number_names = self._number_names()
        if number_names:
            tensors["numbers"] = Tensor((len(number_names),), "float32")
        categories, vectors = self._columns_with("vocabulary"), self._columns_with("trigrams")
        if categories:
            tensors["categories"] = Tensor((len(categories),), "int32")
        if vectors:
            tensors["strings"] = Tensor((sum(column.trigrams.n_components for _, column in vectors),), "float32")
        texts = [column.text.feature for _, column in self._columns_with("text")]
        for index, text in enumerate(texts):
            tensors |= {f"{kind}_{index}": tensor for kind, tensor in text.tensors.items()}
        statistics = {
            **self.standardisation_.statistics,
            "cardinalities": [len(column.vocabulary) + 1 for _, column in categories],
            "vocabulary_sizes": [text.statistics["vocabulary_size"] for text in texts],
            "inverse_document_frequencies": [text.statistics["inverse_document_frequency"] for text in texts],
            "ngram_inverse_document_frequencies": [
                text.statistics.get("ngram_inverse_document_frequency") for text in texts
            ],
            "ngram_columns": [text.statistics.get("ngram_columns") for text in texts],
            "number_names": number_names,
            "category_names": [str(name) for name, _ in categories],
            "text_names": [str(name) for name, _ in self._columns_with("text")],
        }
        return Feature("table", tensors, statistics)

    def keras_model(self, strings=True, float64=True):
        from autonas.data.encoders import table_model

        return table_model.table_model(self, strings, float64)

    def rows_of(self, raw):
        if self.columns_ is None:
            return raw
        rows = pd.DataFrame({name: raw[self.input_names[name]] for name, _ in self.used_columns()})
        for name, kind in self.used_columns():
            if kind == "date":
                rows[name] = dates.from_unix_seconds(rows[name].to_numpy(), self.numbers_[name].notation)
        # Add the ignored columns.
        return rows.reindex(columns=self.columns_)

    def coded(self, raw):
        if not self.strings_:
            return raw
        x = self.rows_of(raw)
        integers = {name: column.integers(Strings.of(x[name])) for name, column in self.strings_.items()}
        return dict(raw) | {self.input_names[name]: array for name, array in integers.items()}

    def code_book(self):
        return {self.input_names[name]: column.code_book() for name, column in self.strings_.items()}

    def _columns_with(self, attribute):
        """Return the pairs of name and `StringColumn` whose attribute isn't `None`."""
        return [(name, column) for name, column in self.strings_.items() if getattr(column, attribute) is not None]

    def _conform(self, x, owner=None):
        """Return rows as an array or DataFrame with the columns of `fit`; see `transform`."""
        return frames.conformed(x, self.columns_, len(self.kinds_), owner or type(self).__name__)

    def used_columns(self):
        """Return the list of pairs (name, kind) of the columns that aren't ignored."""
        return [(name, kind) for name, kind in zip(self.columns_, self.kinds_, strict=True) if kind is not None]

    def _numbers(self, x):
        """Return the numerical columns, not standardised, as an array `(rows, d)`."""
        if isinstance(x, np.ndarray):
            return x if len(self.used_) == x.shape[1] else x[:, self.used_]
        if list(x.columns) != self.columns_:
            x = x.set_axis(frames.column_names(x), axis=1)
        numbers = [array for name, column in self.numbers_.items() for array in column.numbers(x[name])]
        return np.stack(numbers, axis=1) if numbers else np.zeros((len(x), 0))

    def _number_names(self):
        if self.columns_ is None:
            return [str(index) for index in self.used_]
        return [part for name, column in self.numbers_.items() for part in column.names(name)]

    def _warn_of_confused_integers(self, original):
        """Warn of columns whose integers are too large for float64, in the table as passed to `fit`."""
        if isinstance(original, np.ndarray) and original.dtype.kind in "bf":
            return
        frame = original if isinstance(original, pd.DataFrame) else pd.DataFrame(original)
        for position, kind in enumerate(self.kinds_):
            series = frame.iloc[:, position]
            if kind != "number" or pd.api.types.is_float_dtype(series.dtype):
                continue
            is_spelled = self.columns_ is not None and self.numbers_[self.columns_[position]].is_spelled
            if not is_spelled:
                numbers = columns.as_numbers(series)
                warn_of_confused_integers(series, numbers, f"Column {series.name!r} of `x`")

    def _n_tensors(self, numbers):
        return (numbers.shape[1] > 0) + len(self.strings_)

    def _is_fitted(self):
        return hasattr(self, "standardisation_")

    def _get_state(self):
        dates_ = {name: column for name, column in self.numbers_.items() if isinstance(column, DateColumn)}
        return {
            "columns": self.columns_,
            "kinds": self.kinds_,
            "used": None if self.used_ is None else self.used_.tolist(),
            "parts": [(name, column.parts) for name, column in dates_.items()],
            "notations": [(name, dataclasses.asdict(column.notation)) for name, column in dates_.items()],
            "number_notations": [
                (name, dataclasses.asdict(column.notation))
                for name, column in self.numbers_.items()
                if name not in dates_ and column.is_spelled
            ],
            "vocabularies": [(name, column.vocabulary) for name, column in self._columns_with("vocabulary")],
            "texts": [(name, column.text.get_config()) for name, column in self._columns_with("text")],
            "trigrams": [(name, column.trigrams.get_config()) for name, column in self._columns_with("trigrams")],
            **self.standardisation_.get_config(),
        }

    def _set_state(self, state):
        self.columns_, self.kinds_ = state["columns"], state["kinds"]
        self.used_ = None if state["used"] is None else np.array(state["used"], dtype=int)
        parts = dict(state["parts"])
        # Older versions supported only ISO 8601 and plain numbers, and saved no notations.
        notations, number_notations = dict(state.get("notations", [])), dict(state.get("number_notations", []))
        self.numbers_ = {}
        for name, kind in zip(self.columns_ or [], self.kinds_, strict=False):
            if kind == "date":
                self.numbers_[name] = DateColumn(dates.Notation(**notations.get(name, {})), parts[name])
            elif kind == "number":
                self.numbers_[name] = NumberColumn(number_strings.Notation(**number_notations.get(name, {})))
        vocabularies, texts = dict(state["vocabularies"]), dict(state["texts"])
        trigrams = dict(state.get("trigrams", []))  # Older versions had none.
        self.strings_ = {
            name: StringColumn(
                vocabularies.get(name),
                TextEncoder.from_config(texts[name]) if name in texts else None,
                TrigramVectors(**trigrams[name]) if name in trigrams else None,
            )
            for name in self.columns_ or []
            if name in vocabularies or name in texts
        }
        self.standardisation_ = Standardisation.from_config(state)


def _tensor(array):
    if array.dtype != object:
        return array
    import tensorflow as tf

    return tf.constant(array.tolist())
