"""The contract of an encoder: raw rows of one kind in, named tensors for the network out."""

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from autonas import storage
from autonas.data import masks

#: Rows that an encoder keeps at most, and their bytes.
_MAX_EXAMPLES = 32
_MAX_EXAMPLE_BYTES = 4 * 2**20


class Encoder:
    """Base of the encoders.

    A subclass sets `kind` and the shapes, gives every constructor argument in `_options()`, and implements `_fit`,
    `transform`, `feature`, `keras_model`, `_get_state` and `_set_state`.

    Attributes:
        examples_: A few rows that `fit` was given, those that aren't training rows first, as `raw_arrays` has them: on
            these it is tried what is made of the encoder. They are no part of the config.
    """

    kind = None
    #: The shapes of what `_options` and `_get_state` return; see `storage.check_shape`.
    options_shape, state_shape = {}, None

    def fit(self, x, rows=None):
        """Measures the training rows.

        Args:
            x: Raw rows. All are checked.
            rows: Integer indices of the training rows; statistics and vocabularies see only these. None
                takes all.

        Returns:
            self.

        Raises:
            ValueError: If `x` can't be encoded; the message names what and where.
        """
        rows = None if rows is None else np.asarray(rows)
        self._fit(x, rows)
        self.keep_examples(x, rows)
        return self

    def keep_examples(self, x, rows=None):
        """Keeps a few rows in `examples_`.

        Args:
            x: Raw rows.
            rows: Integer indices of the rows that are kept only if there are no others. Defaults to `None`.
        """
        if sparse.issparse(x):
            x = x.tocsr()  # Not all formats can be indexed,
        elif not isinstance(x, list) and not hasattr(x, "iloc"):
            x = np.asarray(masks.with_missing(x))  # nor can what only can be made an array.
        chosen = np.arange(_num_samples(x))
        if rows is not None and len(rows) < len(chosen):
            chosen = np.setdiff1d(chosen, rows)
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, _MAX_EXAMPLES).astype(int))]
        raw = self.raw_arrays(_safe_indexing(x, chosen))
        parts = raw.values() if isinstance(raw, dict) else [raw]
        n_rows = max(1, min(len(chosen), _MAX_EXAMPLE_BYTES * len(chosen) // sum(part.nbytes for part in parts)))
        self.examples_ = {name: part[:n_rows] for name, part in raw.items()} if isinstance(raw, dict) else raw[:n_rows]

    def transform(self, x):
        """Returns dict from tensor name to array `(rows, ...)`, as `feature.tensors` describes them."""
        raise NotImplementedError

    def raw_inputs(self, x):
        """Returns what `keras_model()` takes for the same rows."""
        raise NotImplementedError

    def raw_arrays(self, x):
        """Returns the same as numpy arrays, strings as objects."""
        return self.raw_inputs(x)

    @property
    def example_names(self):
        """Set of the names of the arrays of `raw_arrays`, `{""}` if it returns one array."""
        return {""}

    def rows_of(self, raw):
        """Returns rows that `transform` takes, from what `raw_arrays` has made of them."""
        return raw

    def coded(self, raw):
        """Returns what `keras_model(strings=False)` takes, from what `raw_arrays` gives."""
        return raw

    def code_book(self):
        """Returns how strings become the numbers of `coded`, a JSON dict from input to its `"kind"` and what belongs
        to that; `None` stands for the only input.

        - `"category"`: `"codes"`, a dict from string to integer; 0 stands for all others.
        - `"text"`: `"words"`, a list, and `"length"`. ASCII letters of a text are lowered, ASCII punctuation is
          deleted, and it is split at white space; the word at position p of the list has the id p + 2, others 1; 0
          fills up to the length.
        """
        return {}

    @property
    def feature(self):
        """The `autonas.data.Feature` of the fitted encoder."""
        raise NotImplementedError

    def keras_model(self, strings=True, float64=True):
        """Returns a `keras.Model` of stock layers that computes `transform(x)` from `raw_inputs(x)`.

        Args:
            strings: Whether it takes strings; else what `coded` makes of them.
            float64: Whether numbers may be standardised in 64 bits.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns a plain JSON dict of the constructor's arguments and, if fitted, the state."""
        config = self._options()
        if self._is_fitted():
            config["state"] = self._get_state()
        return config

    @classmethod
    def from_config(cls, config):
        """Returns the encoder that `get_config` described.

        Raises:
            ValueError: If the config lacks a key, has an unknown one, or a value is of a wrong type.
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


def array_of(x):
    """Return an array of nested lists, or of anything that can become an array; refuse lists of unequal lengths."""
    try:
        return np.asarray(x)
    except ValueError:
        raise ValueError("`x` must hold rows of equal shape. Received: nested lists of unequal lengths") from None


def have_one_shape(rows):
    """Return whether all rows of a list have the same shape."""
    return len({array_of(row).shape for row in rows}) <= 1


def first_index(bad):
    """Returns the index of the first true element, an int for one dimension and else a tuple."""
    index = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return int(index[0]) if len(index) == 1 else tuple(int(i) for i in index)


def plural(count, singular, several):
    return f"{count} {singular if count == 1 else several}"


def check_rows(n_rows):
    if n_rows == 0:
        raise ValueError("`x` must hold at least one row. Received: 0 rows")


class RunningMoments:
    """Mean and variance per channel over chunks, ignoring NaN, in float64 and without a copy of the whole."""

    def __init__(self, n_channels):
        self.count = np.zeros(n_channels)
        self.mean = np.zeros(n_channels)
        self.sum_of_squares = np.zeros(n_channels)

    def update(self, chunk):
        values = chunk.reshape(chunk.size // max(1, len(self.mean)), len(self.mean))
        # one contiguous row per channel: numpy sums those several times faster than short columns
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
        return self.sum_of_squares / np.maximum(self.count, 1)


def chunks_of(x, rows, n_bytes=2**20):
    """Yields consecutive pieces of the given rows of an array, each of about `n_bytes` at most."""
    n_rows = len(x) if rows is None else len(rows)
    step = max(1, n_bytes // max(1, x[:1].nbytes))
    for start in range(0, n_rows, step):
        stop = min(start + step, n_rows)
        yield x[start:stop] if rows is None else x[rows[start:stop]]
