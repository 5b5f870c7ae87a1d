"""Numbers of a table: imputation and the encodings that let a network see beyond straight lines."""

import math

import keras
import numpy as np
from keras import ops


def impute(inputs, feature):
    """Mean for missing numbers, with an indicator for each column that missed any in training.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing.
        feature: The table's `autonas.data.Feature`.

    Returns:
        `(n, columns + indicators)`. Values are pulled in smoothly to within +-8 standard deviations, x / sqrt(1 +
        (x / 8)^2), so that an outlier can't drown its row.
    """
    missing = np.flatnonzero(feature.statistics["missing"])
    values = ops.where(ops.isnan(inputs), 0.0, inputs)
    values = values / ops.sqrt(1.0 + ops.square(values / 8.0))
    if not len(missing):
        return values
    indicators = ops.cast(ops.isnan(ops.take(inputs, missing.tolist(), axis=1)), "float32")
    return ops.concatenate([values, indicators], axis=-1)


def piecewise_linear(inputs, feature, bins):
    """Piecewise-linear encoding (Gorishniy et al. 2022): how far each number has come through each of its bins.

    With edges b_0 < ... < b_T at quantiles of the training part (half of them of the distinct values), entry t is
    (x - b_{t-1}) / (b_t - b_{t-1}), clipped to [0, 1]. A linear layer on it is an arbitrary continuous
    piecewise-linear function of the number.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing (0 in every bin).
        feature: The table's `autonas.data.Feature`, with 257 edges a column.
        bins: Number of bins T at most.

    Returns:
        `(n, total bins of all columns)`, shifted to zero mean for a uniform distribution over bins.
    """
    columns, lower, widths = [], [], []
    for column, candidates in enumerate(np.asarray(feature.statistics["edges"]).T):
        edges = np.unique(np.quantile(np.unique(candidates), np.linspace(0, 1, bins + 1)))
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


def periodic(inputs, feature, frequencies, sigma, dimension):
    """Periodic embedding (Gorishniy et al. 2022, "PLR"): learned waves of each number, mixed per number.

    v = [cos(2 pi c x), sin(2 pi c x)] with learned c ~ N(0, sigma^2), then one linear layer with ReLU per column.

    Args:
        inputs: Standardised numbers `(n, columns)`, NaN where missing.
        feature: The table's `autonas.data.Feature`.
        frequencies: Number of waves per column.
        sigma: Standard deviation of the initial frequencies.
        dimension: Length of each column's embedding.

    Returns:
        `(n, columns * dimension)`.
    """
    columns = inputs.shape[-1]
    values = ops.where(ops.isnan(inputs), 0.0, inputs)
    initial = keras.initializers.RandomNormal(stddev=2 * math.pi * sigma)
    # A phase may be many turns, of which only the part of a turn counts: it needs all digits of float32.
    phases = keras.layers.EinsumDense(
        "bd,df->bdf", output_shape=(columns, frequencies), kernel_initializer=initial, dtype="float32"
    )(values)
    waves = ops.concatenate([ops.cos(phases), ops.sin(phases)], axis=-1)
    mixed = keras.layers.EinsumDense(
        "bdf,dfe->bde", output_shape=(columns, dimension), bias_axes="de", activation="relu"
    )(waves)
    return keras.layers.Flatten()(mixed)
