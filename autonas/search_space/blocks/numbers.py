"""Numbers: standardised channels, and imputation and piecewise-linear and periodic encodings of columns of a table."""

import math

import keras
import numpy as np
from keras import ops

from autonas.data.encoders import standardisation
from autonas.data.features import Feature

#: Bound to which standardised numbers are squashed, in standard deviations, and bound up to which they stay as they
#: are: a linear model of nearly equal columns needs their exact differences.
LARGEST, _EXACT = 8.0, 4.0
#: Largest number of columns whose numbers have an additional encoding by default, of many entries for each column. It
#: would take most of the time, and the form of the dependence on one of so many columns rarely matters.
MOST_COLUMNS = 1000
#: Variance above which channels are scaled before they are standardised.
_LARGEST_VARIANCE = 1e12
#: Lower edge of a bin in which there is no number.
_ABOVE_ALL = 1e30


def impute(inputs: keras.KerasTensor, feature: Feature) -> keras.KerasTensor:
    """Replace missing numbers by the mean and append an indicator for every column with missing training values.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing.
        feature: The `autonas.data.Feature` of the table.

    Returns:
        Tensor of shape `(n, columns + indicators)`. The values are squashed to +-8 standard deviations so that an
        outlier doesn't dominate its row: with the value x clipped to +-4, c, and d = x - c, x becomes
        c + d / sqrt(1 + (d / 4)^2).
    """
    missing = np.flatnonzero(feature.statistics["missing"])
    values = ops.where(ops.isnan(inputs), 0.0, inputs)
    values = _squash(values)
    if not len(missing):
        return values
    indicators = ops.cast(ops.isnan(ops.take(inputs, missing.tolist(), axis=1)), "float32")
    return ops.concatenate([values, indicators], axis=-1)


def standardised(inputs: keras.KerasTensor, mean: np.ndarray, variance: np.ndarray) -> keras.KerasTensor:
    """Return the standardised channels, the last axis, of images or series.

    Args:
        inputs: Tensor of shape `(n, ..., channels)`.
        mean: Mean of each channel in the training set, `(channels,)`.
        variance: Variance of each channel.
    """
    variance = standardisation.variance_of_channels(mean, variance)
    # Unstandardised values need the precision of float32, also under mixed precision.
    return standardisation.standardised(inputs, mean, variance, _LARGEST_VARIANCE)


def piecewise_linear(inputs: keras.KerasTensor, feature: Feature, bins: int) -> keras.KerasTensor:
    """Apply the piecewise-linear encoding (Gorishniy et al. 2022) to numerical columns.

    The edges b_0 < ... < b_T of the bins of a column are quantiles of its training values; half of the candidate edges
    are quantiles of the distinct values. Entry t is (x - b_{t-1}) / (b_t - b_{t-1}), clipped to [0, 1]. A linear layer
    on the encoding can represent every continuous function that is linear on the bins.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing. A missing number is encoded as 0 in every bin.
        feature: The `autonas.data.Feature` of the table, with candidate edges of each column.
        bins: Maximum number of bins T of a column.

    Returns:
        Tensor of shape `(n, total bins of all columns)`, the entries minus 0.5.
    """
    columns, lower, widths = [], [], []
    for column, edges in enumerate(_edges(feature, bins)):
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            columns.append(column)
            lower.append(low)
            widths.append(high - low)
    if not columns:
        return impute(inputs, feature)
    values = ops.take(inputs, columns, axis=1)
    encoded = (values - np.array(lower, "float32")) / np.array(widths, "float32")
    encoded = ops.clip(encoded, 0.0, 1.0) - 0.5
    return ops.where(ops.isnan(encoded), 0.0, encoded)


def embed(inputs: keras.KerasTensor, feature: Feature, bins: int, dimension: int) -> keras.KerasTensor:
    """Apply a linear layer for each column to the piecewise-linear encoding of the column and to its number.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing. A missing number is encoded as 0 in every bin.
        feature: The `autonas.data.Feature` of the table, with candidate edges of each column.
        bins: Maximum number of bins of a column.
        dimension: Length of the embedding of a column.

    Returns:
        Tensor of shape `(n, columns * dimension)`.
    """
    columns = inputs.shape[-1]
    # A column with fewer edges has bins above all numbers, whose entries are constant.
    lower, widths = np.full((columns, bins), _ABOVE_ALL, "float32"), np.ones((columns, bins), "float32")
    for column, edges in enumerate(_edges(feature, bins)):
        lower[column, : len(edges) - 1] = edges[:-1]
        widths[column, : len(edges) - 1] = np.diff(edges)
    encoded = ops.clip((ops.expand_dims(inputs, -1) - lower) / widths, 0.0, 1.0) - 0.5
    encoded = ops.where(ops.isnan(encoded), 0.0, encoded)
    # The last entry of a column is its number.
    numbers = ops.expand_dims(_squash(ops.where(ops.isnan(inputs), 0.0, inputs)), -1)
    encoded = ops.concatenate([encoded, numbers], axis=-1)
    uniform = keras.initializers.RandomUniform(-(bins**-0.5), bins**-0.5)
    linear = keras.layers.EinsumDense(
        "bdt,dte->bde", output_shape=(columns, dimension), bias_axes="de", kernel_initializer=uniform
    )
    return keras.layers.Flatten()(linear(encoded))


def periodic(
    inputs: keras.KerasTensor, feature: Feature, frequencies: int, sigma: float, dimension: int
) -> keras.KerasTensor:
    """Apply the periodic embedding "PLR" (Gorishniy et al. 2022) to numerical columns.

    A column x is mapped to v = [cos(2 pi c x), sin(2 pi c x)] with trainable frequencies c, initialised from
    N(0, sigma^2), followed by a dense layer with ReLU for each column.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing.
        feature: The `autonas.data.Feature` of the table.
        frequencies: Number of frequencies per column.
        sigma: Standard deviation of the initial frequencies.
        dimension: Length of the embedding of a column.

    Returns:
        Tensor of shape `(n, columns * dimension)`.
    """
    columns = inputs.shape[-1]
    values = ops.where(ops.isnan(inputs), 0.0, inputs)
    initial = keras.initializers.RandomNormal(stddev=2 * math.pi * sigma)
    # A phase can span many periods and only its remainder matters, so float16 would lose its precision.
    phases = keras.layers.EinsumDense(
        "bd,df->bdf", output_shape=(columns, frequencies), kernel_initializer=initial, dtype="float32"
    )(values)
    waves = ops.concatenate([ops.cos(phases), ops.sin(phases)], axis=-1)
    mixed = keras.layers.EinsumDense(
        "bdf,dfe->bde", output_shape=(columns, dimension), bias_axes="de", activation="relu"
    )(waves)
    return keras.layers.Flatten()(mixed)


def _squash(values: keras.KerasTensor) -> keras.KerasTensor:
    clipped = ops.clip(values, -_EXACT, _EXACT)
    return clipped + bounded(values - clipped, LARGEST - _EXACT)


def bounded(values: keras.KerasTensor, largest: float) -> keras.KerasTensor:
    """Return x / sqrt(1 + (x / largest)^2) for numbers x, which is between -largest and largest."""
    return values / ops.sqrt(1.0 + ops.square(values / largest))


def _edges(feature: Feature, bins: int) -> list[np.ndarray]:
    """Return the edges of at most `bins` bins for each numerical column, quantiles of its training values."""
    candidates = np.asarray(feature.statistics["edges"]).T
    shares = np.linspace(0, 1, bins + 1)
    return [np.unique(standardisation.quantiles_of(np.unique(column), shares)) for column in candidates]
