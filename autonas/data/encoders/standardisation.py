"""Standardisation of columns of numbers."""

import numpy as np

from autonas.data.encoders.base import RunningMoments

#: Number of edges of bins for the piecewise-linear encoding.
_N_EDGES = 257
#: Positions of the quantiles in the statistics.
_QUANTILES = np.linspace(0, 1, 65)


class Standardisation:
    """Standardisation of columns of numbers by their mean and standard deviation, and statistics of the results.

    Args:
        mean: Mean of each column, `(d,)`.
        deviation: Standard deviation of each column, 1 for a constant column, `(d,)`.
        missing: Whether the training set has missing values, `(d,)`.
        quantiles: Quantiles of the standardised values, `(65, d)`.
        edges: Edges of bins for the standardised values, `(257, d)`.
    """

    config_shape = {
        "mean": [float],
        "deviation": [float],
        "missing": [bool],
        "quantiles": [[float]],
        "edges": [[float]],
    }

    def __init__(self, mean, deviation, missing, quantiles, edges):
        self.mean, self.deviation = np.array(mean), np.array(deviation)
        self.missing = np.array(missing, dtype=bool)
        self.quantiles = np.array(quantiles).reshape(len(_QUANTILES), len(self.mean))
        self.edges = np.array(edges).reshape(_N_EDGES, len(self.mean))

    @classmethod
    def fit(cls, numbers):
        """Return the standardisation of numbers `(n, d)`, NaN where missing."""
        moments = RunningMoments(numbers.shape[1])
        moments.update(numbers)
        mean, deviation = moments.mean, np.sqrt(moments.variance)
        # By rounding, a constant column can have a tiny standard deviation, which must not be a divisor.
        deviation = np.where(deviation > 1e-12 * np.maximum(np.abs(mean), 1e-300), deviation, 1.0)
        columns = [column[~np.isnan(column)] for column in ((numbers - mean) / deviation).T]
        quantiles = np.array([np.quantile(column, _QUANTILES) for column in columns]).T
        return cls(mean, deviation, np.isnan(numbers).any(axis=0), quantiles, np.array(list(map(_edges, columns))).T)

    def transform(self, numbers):
        """Return numbers `(n, d)` standardised, as float32."""
        return ((numbers - self.mean) / self.deviation).astype("float32")

    @property
    def statistics(self):
        """Dict of the statistics of `Feature`."""
        return {"quantiles": self.quantiles, "edges": self.edges, "missing": self.missing}

    def get_config(self):
        return {name: getattr(self, name).tolist() for name in self.config_shape}


def _edges(values):
    """Return the edges of the bins of a column.

    Half of them are quantiles of the values, and half are quantiles of the distinct values, so that a column with
    mostly zeros has bins for its rare values, too.
    """
    half = (_N_EDGES - 1) // 2
    return np.sort(
        np.concatenate(
            [np.quantile(values, np.linspace(0, 1, half + 1)), np.quantile(np.unique(values), np.linspace(0, 1, half))]
        )
    )
