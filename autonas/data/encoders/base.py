"""The contract of an encoder: raw rows of one kind in, named tensors for the network out."""

import numpy as np


class Encoder:
    """Base of the encoders.

    A subclass sets `kind`, gives every constructor argument in `_options()`, and implements `_fit`,
    `transform`, `feature`, `keras_model`, `_get_state` and `_set_state`.
    """

    kind = None

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
        self._fit(x, None if rows is None else np.asarray(rows))
        return self

    def transform(self, x):
        """Returns dict from tensor name to array `(rows, ...)`, as `feature.tensors` describes them."""
        raise NotImplementedError

    def raw_inputs(self, x):
        """Returns what `keras_model()` takes for the same rows."""
        raise NotImplementedError

    @property
    def feature(self):
        """The `autonas.data.Feature` of the fitted encoder."""
        raise NotImplementedError

    def keras_model(self):
        """Returns a `keras.Model` of stock layers that computes `transform(x)` from `raw_inputs(x)`."""
        raise NotImplementedError

    def get_config(self):
        """Returns a plain JSON dict of the constructor's arguments and, if fitted, the state."""
        config = self._options()
        if self._is_fitted():
            config["state"] = self._get_state()
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        state = config.pop("state", None)
        encoder = cls(**config)
        if state is not None:
            encoder._set_state(state)
        return encoder

    def _options(self):
        return {}


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
