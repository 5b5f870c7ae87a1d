"""Base class of encoders, and functions on arrays that several encoders use."""

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from autonas import storage
from autonas.data import masks

#: Maximum number of example rows of an encoder, and their maximum size in bytes.
_MAX_EXAMPLES = 32
_MAX_EXAMPLE_BYTES = 4 * 2**20


class Encoder:
    """Base class of encoders, which convert raw rows of one kind of data to named tensors for a network.

    A subclass sets `kind`, `options_shape` and `state_shape`, returns the arguments of its constructor in `_options`,
    and implements `_fit`, `transform`, `raw_inputs`, `feature`, `keras_model`, `_is_fitted`, `_get_state` and
    `_set_state`.

    Attributes:
        examples_: A few rows from `fit`, in the format of `raw_arrays`, on which exported models are compared with the
            original. Rows outside of the training set are preferred. The examples aren't a part of the config.
    """

    kind = None
    #: Shapes of the return values of `_options` and `_get_state`; see `storage.check_shape`.
    options_shape, state_shape = {}, None

    def fit(self, x, rows=None):
        """Fit statistics and vocabularies to the training set, after a check of all rows.

        Args:
            x: Raw rows.
            rows: Integer indices of the training set. Defaults to `None`: all rows.

        Returns:
            self.

        Raises:
            ValueError: If `x` can't be encoded, with the index of the first invalid value.
        """
        rows = None if rows is None else np.asarray(rows)
        self._fit(x, rows)
        self.keep_examples(x, rows)
        return self

    def keep_examples(self, x, rows=None):
        """Store a few rows in `examples_`.

        Args:
            x: Raw rows.
            rows: Integer indices of the training set, whose rows are stored only if there are no other rows. Defaults
                to `None`.
        """
        if sparse.issparse(x):
            x = x.tocsr()  # Some sparse formats don't support indexing.
        elif not isinstance(x, (list, tuple)) and not hasattr(x, "iloc"):
            x = np.asarray(masks.with_missing(x))  # Array-like objects don't support indexing by an array.
        chosen = np.arange(_num_samples(x))
        if rows is not None and len(rows) < len(chosen):
            chosen = np.setdiff1d(chosen, rows)
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, _MAX_EXAMPLES).astype(int))]
        raw = self.raw_arrays(_safe_indexing(x, chosen))
        n_bytes = sum(map(_bytes_of_rows, raw.values() if isinstance(raw, dict) else [raw]))
        n_rows = max(1, int(np.searchsorted(np.cumsum(n_bytes), _MAX_EXAMPLE_BYTES, "right")))
        if isinstance(raw, dict):
            self.examples_ = {name: array[:n_rows] for name, array in raw.items()}
        else:
            self.examples_ = raw[:n_rows]

    def transform(self, x):
        """Encode rows.

        Args:
            x: Raw rows.

        Returns:
            Dict from the name of a tensor to an array `(rows, ...)`; see `feature.tensors`.
        """
        raise NotImplementedError

    def compact(self, x, **options):
        """Encode rows as `transform` does, with `SparseRows` in place of arrays of which most entries are 0."""
        return self.transform(x, **options)

    def raw_inputs(self, x):
        """Convert rows to the inputs of `keras_model()`, an array or tensor, or a dict by input."""
        raise NotImplementedError

    def raw_arrays(self, x):
        """Convert rows to the inputs of `keras_model()` as numpy arrays, with strings as objects."""
        return self.raw_inputs(x)

    @property
    def example_names(self):
        """Set of the keys of `raw_arrays`, or `{""}` if `raw_arrays` returns a single array."""
        return {""}

    def rows_of(self, raw):
        """Convert the result of `raw_arrays` back to rows for `transform`."""
        return raw

    def coded(self, raw):
        """Convert the result of `raw_arrays` to the inputs of `keras_model(strings=False)`."""
        return raw

    def code_book(self):
        """Return the rules by which `coded` converts strings to integers.

        Returns:
            JSON-compatible dict from an input of `keras_model()`, or `None` for a single input, to a dict with `"kind"`
            and further keys.

            - For the kind `"category"`: `"codes"`, a dict from a string to its code. All other strings have the code 0.
            - For the kind `"text"`, up to four groups of integers, one after another. First the code, with `"codes"`
              as above. Then the ids of words, with `"words"`, a list of words, or of characters if `"split"` is
              `"character"`, and `"length"`, the number of ids. Then the ids of trigrams, with `"trigrams"`, a list of
              strings of three characters, and `"n_trigrams"`, the number of ids. Last, with `"ngrams"`, a list of
              dicts: the ids of n-grams of words (`"split"` is `"whitespace"`) or of characters (`"character"`), for
              each of their numbers `"widths"` in turn, with `"terms"`, a list of n-grams with a space between two words
              or characters, and `"length"`, the number of ids. For the ids, the text is converted to lower case (ASCII
              letters only) and its ASCII punctuation is removed, unless `"as_written"` is true. Words are separated by
              white space, and trigrams are all substrings of three characters. The word, trigram or n-gram at index p
              of its list has the id p + 2, all others have the id 1. The ids are cut to their number, or padded with 0.
        """
        return {}

    @property
    def feature(self):
        """Description of the encoded input, an `autonas.data.Feature`."""
        raise NotImplementedError

    def keras_model(self, strings=True, float64=True):
        """Return a `keras.Model` of stock layers that computes `transform(x)` from `raw_inputs(x)`.

        Args:
            strings: Whether the inputs are strings. With `False` they are the integers of `coded`. Defaults to `True`.
            float64: Whether numbers are standardised in float64. Defaults to `True`.
        """
        raise NotImplementedError

    def get_config(self):
        """Return a JSON-compatible dict of the constructor's arguments and, after `fit`, the state."""
        config = self._options()
        if self._is_fitted():
            config["state"] = self._get_state()
        return config

    @classmethod
    def from_config(cls, config):
        """Return the encoder with a config of `get_config`.

        Raises:
            ValueError: If a key of the config is missing or unknown, or a value has a wrong type.
        """
        storage.check_shape(config, {**cls.options_shape, "state?": cls.state_shape}, "config")
        config = dict(config)
        state = config.pop("state", None)
        encoder = cls(**config)
        if state is not None:
            encoder._set_state(state)
        return encoder

    def _options(self):
        return {}


def _bytes_of_rows(array):
    """Return the size in bytes of each row of an array of numbers or of an object array of strings."""
    if array.dtype == object:
        return np.array([len(string.encode()) for string in array])
    return np.full(len(array), array.nbytes // len(array))


def array_of(x):
    """Convert nested lists or an array-like object to an array, or raise a `ValueError` for unequal lengths."""
    try:
        return np.asarray(x)
    except ValueError:
        raise ValueError("`x` must hold rows of equal shape. Received: nested lists of unequal lengths") from None


def have_one_shape(rows):
    """Return whether all rows of a list have the same shape."""
    return len({array_of(row).shape for row in rows}) <= 1


def first_index(bad):
    """Return the index of the first true element of a boolean array: an int for one dimension, otherwise a tuple."""
    index = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return int(index[0]) if len(index) == 1 else tuple(int(i) for i in index)


def plural(count, singular, several):
    """Return a count with its noun in the singular or the plural."""
    return f"{count} {singular if count == 1 else several}"


def check_rows(n_rows):
    """Raise a `ValueError` if there are no rows."""
    if n_rows == 0:
        raise ValueError("`x` must hold at least one row. Received: 0 rows")


class RunningMoments:
    """Running mean and variance per channel in float64, without NaN, updated by chunks of an array.

    Args:
        n_channels: Number of channels, the last axis of a chunk.
    """

    def __init__(self, n_channels):
        self.count = np.zeros(n_channels)
        self.mean = np.zeros(n_channels)
        self.sum_of_squares = np.zeros(n_channels)

    def update(self, chunk):
        """Add an array `(..., n_channels)`."""
        values = chunk.reshape(chunk.size // max(1, len(self.mean)), len(self.mean))
        # numpy sums contiguous rows several times faster than short columns.
        values = np.array(values.T, dtype="float64", order="C")
        missing = np.isnan(values)
        values[missing] = 0.0
        count = values.shape[1] - missing.sum(axis=1)
        mean = values.sum(axis=1) / np.maximum(count, 1)
        values -= mean[:, None]
        values[missing] = 0.0
        squares = np.einsum("ij,ij->i", values, values)
        total = np.maximum(self.count + count, 1)
        delta = mean - self.mean
        self.sum_of_squares += squares + delta**2 * self.count * count / total
        self.mean += delta * count / total
        self.count += count

    @property
    def variance(self):
        """Variance per channel."""
        return self.sum_of_squares / np.maximum(self.count, 1)


def chunks_of(x, rows, n_bytes=2**20):
    """Yield consecutive chunks of an array.

    Args:
        x: The array.
        rows: Indices of the rows, or `None` for all rows.
        n_bytes: Approximate maximum size of a chunk. Defaults to 1 MB.
    """
    n_rows = len(x) if rows is None else len(rows)
    step = max(1, n_bytes // max(1, x[:1].nbytes))
    for start in range(0, n_rows, step):
        stop = min(start + step, n_rows)
        yield x[start:stop] if rows is None else x[rows[start:stop]]
