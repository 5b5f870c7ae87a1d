"""Standardisation of columns of numbers, and of channels of images and series."""

import warnings

import numpy as np

from autonas.data.checks import MAX_FLOAT32
from autonas.data.encoders.base import RunningMoments, first_index, plural

#: Number of edges of bins of a column for the piecewise-linear encoding, and largest number of all edges. More edges of
#: many columns would take most of the size of a saved model.
_N_EDGES, _MOST_EDGES = 257, 500_000
#: Smallest number of edges of a column.
_FEWEST_EDGES = 17
#: Positions of the quantiles in the statistics.
_QUANTILES = np.linspace(0, 1, 65)
#: Ratio of mean and standard deviation of a column above which float32 rounds its numbers too much.
_LARGEST_RATIO = 1e4
#: Distance from the center of a column with outliers, in widths of its bulk, above which numbers are compressed, and
#: the largest distance, which float32 can represent.
_COMPRESSED, _FARTHEST = 10.0, 1e30
#: Relative accuracy of computed numbers, and the smallest outlier that is a fill value whatever the bulk of its column.
_ACCURACY, _FILL_VALUE = 1e-12, 1e8
#: Ratio above which the mean is subtracted before a `Normalization`.
_HIGH_RATIO = 100
#: Relative resolution of float32, and the smallest variance by which Keras divides: it divides by 1e-7 at least.
_RESOLUTION, _SMALLEST_VARIANCE = 1e-7, 1e-12


class Standardisation:
    """Standardisation of columns of numbers by their mean and standard deviation, and statistics of the results.

    Outliers such as the fill value 9.97e36 can make the standard deviation so large that float32 can't distinguish the
    other numbers. In such a column, numbers far from the center are compressed first (see `compressed`), and mean and
    standard deviation are computed from clipped numbers.

    Args:
        mean: Mean of each column, `(d,)`.
        deviation: Standard deviation of each column, 1 for a constant column, `(d,)`.
        missing: Whether the training set has missing values, `(d,)`.
        quantiles: Quantiles of the standardised values, `(65, d)`.
        edges: Edges of bins for the standardised values, `(e, d)`. There are 257 of them, fewer of more than 1,900
            columns.
        bulk: Center and width of the bulk of each column, `(2, d)`. The width is the largest number of float32 for a
            column whose numbers aren't compressed. Defaults to `None`: no column is compressed.
    """

    config_shape = {
        "mean": [float],
        "deviation": [float],
        "missing": [bool],
        "quantiles": [[float]],
        "edges": [[float]],
        "bulk?": [[float]],
    }

    def __init__(self, mean, deviation, missing, quantiles, edges, *, bulk=None):
        self.mean, self.deviation = np.array(mean), np.array(deviation)
        self.missing = np.array(missing, dtype=bool)
        self.quantiles = np.array(quantiles).reshape(len(_QUANTILES), len(self.mean))
        self.edges = np.array(edges).reshape(len(edges), len(self.mean))
        self.bulk = None if bulk is None else np.array(bulk)

    @classmethod
    def fit(cls, numbers, names=None):
        """Return the standardisation of numbers.

        Args:
            numbers: Array `(n, d)`, NaN where missing.
            names: Names of the columns for the warning about outliers. Defaults to `None`: no warning.
        """
        mean, deviation = _moments(numbers)
        ordered = [np.sort(column[~np.isnan(column)]) for column in numbers.T]
        bulk = np.array([_bulk(*column) for column in zip(ordered, deviation, strict=True)]).T
        if (bulk[1:] < MAX_FLOAT32).any():
            if names is not None:
                _warn_of_outliers(numbers, bulk, names)
            center, width = bulk
            mean, deviation = _moments(np.clip(numbers, center - _COMPRESSED * width, center + _COMPRESSED * width))
            ordered = [compressed(column, *span) for column, span in zip(ordered, bulk.T, strict=True)]
        else:
            bulk = None
        # By rounding, a constant column can have a tiny standard deviation, which must not be a divisor.
        deviation = np.where(deviation > 1e-12 * np.maximum(np.abs(mean), 1e-300), deviation, 1.0)
        columns = [(column - mean[index]) / deviation[index] for index, column in enumerate(ordered)]
        quantiles = np.array([quantiles_of(column, _QUANTILES) for column in columns]).T
        n_edges = max(_FEWEST_EDGES, min(_N_EDGES, _MOST_EDGES // max(1, len(columns))))
        edges = np.array([_edges(column, n_edges) for column in columns]).T
        return cls(mean, deviation, np.isnan(numbers).any(axis=0), quantiles, edges, bulk=bulk)

    @classmethod
    def from_config(cls, config):
        """Return the standardisation with a config of `get_config`, which may have other keys, too."""
        names = (name.removesuffix("?") for name in cls.config_shape)
        return cls(**{name: config[name] for name in names if name in config})

    def transform(self, numbers):
        """Return numbers `(n, d)` standardised, as float32."""
        if self.bulk is not None:
            numbers = compressed(numbers, *self.bulk)
        return ((numbers - self.mean) / self.deviation).astype("float32")

    @property
    def is_rounded(self):
        """Whether float32 rounds varying numbers of a column by about 1e-3 standard deviations or more, `(d,)`."""
        varies = np.ptp(self.quantiles, axis=0) > 0
        return varies & (np.abs(self.mean) > _LARGEST_RATIO * self.deviation)

    @property
    def statistics(self):
        """Dict of the statistics of `Feature`."""
        return {"quantiles": self.quantiles, "edges": self.edges, "missing": self.missing}

    def get_config(self):
        config = {name: getattr(self, name.removesuffix("?")) for name in self.config_shape}
        return {name.removesuffix("?"): array.tolist() for name, array in config.items() if array is not None}


def compressed(numbers, center, width, ops=np):
    """Return numbers whose distance from the center is compressed: u > 10 becomes 10 + log(u - 9), in widths.

    The order of the numbers stays, up to a distance of 1e30.

    Args:
        numbers: Array or Keras tensor `(n, d)` or `(d,)`, NaN where missing.
        center: Center of the bulk of each column.
        width: Width of the bulk of each column.
        ops: Module of the functions, `numpy` or `keras.ops`. Defaults to `numpy`.
    """
    distance = ops.minimum(ops.abs((numbers - center) / width), _FARTHEST)
    excess = ops.maximum(distance - _COMPRESSED, 0.0)
    compact = ops.sign(numbers - center) * (_COMPRESSED + ops.log(1.0 + excess)) * width + center
    # A comparison with NaN is false in every run time, unlike its minimum.
    return ops.where(distance > _COMPRESSED, compact, numbers)


def _moments(numbers):
    """Return mean and standard deviation of the columns of an array `(n, d)`, NaN where missing."""
    moments = RunningMoments(numbers.shape[1])
    moments.update(numbers)
    return moments.mean, np.sqrt(moments.variance)


def _bulk(ordered, deviation):
    """Return center and width of the bulk of a column whose outliers are compressed, otherwise 0 and MAX_FLOAT32.

    The bulk is the range between the quartiles of the distinct numbers: a fill value counts once, and a column with
    mostly zeros has a bulk, too.

    Args:
        ordered: Numbers of the column in rising order.
        deviation: Standard deviation of the column.
    """
    distinct = _distinct(ordered)
    first = (len(distinct) + 2) // 4
    low, high = distinct[first], distinct[-1 - first]
    if len(distinct) == 3:
        low, high = distinct[:2] if distinct[1] - distinct[0] < distinct[2] - distinct[1] else distinct[1:]
    center, width, largest = (low + high) / 2, high - low, max(-ordered[0], ordered[-1])
    # Zeros with rounding errors aren't a bulk.
    least = _ACCURACY * max(abs(center), largest if largest < _FILL_VALUE else 0.0)
    return (center, width) if deviation > _LARGEST_RATIO * width and width > least else (0.0, MAX_FLOAT32)


def _distinct(ordered):
    """Return the distinct values of numbers in rising order."""
    return ordered[np.append(True, ordered[1:] != ordered[:-1])]


def _warn_of_outliers(numbers, bulk, names):
    """Warn of the columns whose outliers are compressed."""
    columns = []
    for index in np.flatnonzero(bulk[1] < MAX_FLOAT32):
        center, width = bulk[:, index]
        distances = np.abs(numbers[:, index] - center)
        count = plural(int((distances > _COMPRESSED * width).sum()), "number", "numbers")
        columns.append(f"{names[index]!r:.60} ({count}, such as {numbers[np.nanargmax(distances), index]:g})")
    more = f" and {len(columns) - 5} more columns" if len(columns) > 5 else ""
    warnings.warn(
        "`x` has columns with numbers so far from the others that float32 can't distinguish the others: "
        f"{', '.join(columns[:5])}{more}. The logarithm of their distance is used. Replace fill values with NaN, "
        "and take the logarithm of columns that span many orders of magnitude.",
        stacklevel=2,
    )


def variance_of_channels(mean, variance):
    """Return the variance by which the channels of images or series are standardised.

    Args:
        mean: Mean of each channel, `(channels,)`.
        variance: Variance of each channel. A channel that is constant within the resolution of float32 isn't magnified.
    """
    is_constant = np.sqrt(variance) <= _RESOLUTION * np.abs(mean)
    return np.where(is_constant, np.maximum(variance, _SMALLEST_VARIANCE), variance)


def standardised(inputs, mean, variance, largest, dtype="float32"):
    """Return a Keras tensor whose last axis is standardised by stock layers.

    Numbers of extreme variance are scaled by powers of two first, which round nothing: Keras's `Normalization` divides
    by 1e-7 at least, and float32 has no variance above 3.4e38.

    Args:
        inputs: Keras tensor `(n, ..., channels)` of the dtype.
        mean: Mean of each channel, `(channels,)`.
        variance: Variance of each channel, above 0.
        largest: Variance above which numbers are scaled.
        dtype: Name of the dtype of the layers. Defaults to `"float32"`.
    """
    import keras

    is_extreme = (variance < _SMALLEST_VARIANCE) | (variance > largest)
    scale = np.where(is_extreme, 2.0 ** np.clip(np.round(-np.log2(variance) / 2), -126, 126), 1.0)
    if is_extreme.any():
        inputs = keras.layers.Rescaling(scale.tolist(), dtype=dtype)(inputs)
    mean, variance = mean * scale, variance * scale**2
    is_high = mean**2 > _HIGH_RATIO**2 * variance
    if dtype == "float64" and is_high.any():
        # A `Normalization` that is loaded from a file has a mean of float32: subtract this one first, without rounding.
        coarse = np.where(is_high, mean.astype("float32"), 0.0)
        inputs = keras.layers.Rescaling(1.0, (-coarse).tolist(), dtype=dtype)(inputs)
        mean = mean - coarse
    return keras.layers.Normalization(axis=-1, mean=mean, variance=variance, dtype=dtype)(inputs)


def quantiles_of(ordered, shares):
    """Return quantiles of numbers in rising order, as `numpy.quantile`, which takes ten times as long for few numbers.

    Args:
        ordered: Array `(n,)`.
        shares: Array of the positions of the quantiles, from 0 to 1.
    """
    return np.interp(shares * (len(ordered) - 1), np.arange(len(ordered)), ordered)


def _edges(ordered, number):
    """Return a number of edges of the bins of a column, whose values are in rising order.

    Half of them are quantiles of the values, and half are quantiles of the distinct values, so that a column with
    mostly zeros has bins for its rare values, too.
    """
    half = (number - 1) // 2
    of_values = quantiles_of(ordered, np.linspace(0, 1, number - half))
    return np.sort(np.concatenate([of_values, quantiles_of(_distinct(ordered), np.linspace(0, 1, half))]))


def check_numbers(numbers, names):
    """Raise a `ValueError` for infinite numbers and for numbers beyond the range of float32.

    Args:
        numbers: Array `(rows, columns)`.
        names: Names of the columns.
    """
    beyond = np.abs(numbers) > MAX_FLOAT32
    if not beyond.any():
        return
    infinite = np.isinf(numbers)
    if not infinite.any():
        row, column = first_index(beyond)
        raise ValueError(
            f"`x` has {plural(int(beyond.sum()), 'number', 'numbers')} beyond the range of float32, 3.4e38, the "
            f"first in row {row}, column {names[column]!r}: {numbers[row, column]:g}. Rescale the "
            "column, for example by its logarithm, or replace such numbers with NaN."
        )
    row, column = first_index(infinite)
    count = plural(int(infinite.sum()), "infinite value", "infinite values")
    raise ValueError(
        f"`x` has {count}, the first in row {row}, column {names[column]!r}. Remove them or replace them with NaN."
    )
