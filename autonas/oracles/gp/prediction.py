"""Predictions of a Gaussian process for suggested trials, to log beside the observed scores."""

import typing
from collections.abc import Sequence

import keras_tuner
import numpy as np

from autonas.oracles.gp import targets
from autonas.oracles.gp.gaussian_process import GaussianProcess, View
from autonas.search_space.dimension import Dimension
from autonas.search_space.values import Key
from autonas.trials import outcomes


class Prediction(typing.NamedTuple):
    """Prediction for a trial at the time of its suggestion.

    Attributes:
        key: Hashable key of the architecture.
        fidelity: Share of a full training, in (0, 1], to which the prediction applies.
        promise: Dict of floats with the value of the acquisition function.
        means: Predicted scores, shape `(objectives,)`, larger is better; empty without a prediction.
        deviations: Standard deviations of the predicted scores, including the noise, shape `(objectives,)`.
        kernel: Dict from parameter to array `(objectives,)` if the kernel was fitted for this suggestion; else empty.
    """

    key: Key
    fidelity: float
    promise: dict[str, float]
    means: np.ndarray
    deviations: np.ndarray
    kernel: dict[str, np.ndarray]

    def is_of(self, key: Key, fidelity: float) -> bool:
        """Return whether the prediction is for the architecture with this key at this fidelity."""
        return self.key == key and self.fidelity == fidelity

    def numbers(self, scores: Sequence[float] | None, objectives: Sequence[keras_tuner.Objective]) -> dict[str, float]:
        """Return the numbers to log when the scores of the trial are observed.

        Args:
            scores: Observed scores, as in `Oracle.observe`; `None` if the trial failed or was refused.
            objectives: List of `keras_tuner.Objective`.

        Returns:
            Dict from name to float.
        """
        logged = {f"strategy/{name}": float(number) for name, number in self.promise.items()}
        if not len(self.means):
            return logged
        by_name: dict[str, Sequence[float] | np.ndarray] = {
            "predicted": outcomes.as_known(self.means, objectives),
            "predicted_deviation": self.deviations,
        }
        if scores is not None:
            by_name["observed"] = outcomes.as_known(scores, objectives)
        for name, numbers in (by_name | self.kernel).items():
            logged |= outcomes.by_objective(f"strategy/{name}", numbers, objectives)
        return logged


def of_scores(
    processes: Sequence[GaussianProcess], quantities: Sequence[targets.Quantity], rows: Sequence[View]
) -> tuple[np.ndarray, np.ndarray]:
    """Predict the scores of one architecture in their own units.

    The mean and the interval mean ± standard deviation are transformed by `targets.unwarped`. The returned standard
    deviation is half the width of the transformed interval.

    Args:
        processes: List of `GaussianProcess`, one for each objective.
        quantities: List of `targets.Quantity`, one for each objective, with `targets.warped` as their scale.
        rows: List of `View` of the architecture.

    Returns:
        Means and standard deviations, two arrays of shape `(objectives,)`.
    """
    means, deviations = [], []
    for process, quantity in zip(processes, quantities, strict=True):
        (mean,), (deviation,) = process.predict(rows)
        deviation = np.hypot(deviation, np.sqrt(process.noise))
        low, mean, high = targets.unwarped(quantity.numbers, [mean - deviation, mean, mean + deviation])
        means.append(mean)
        deviations.append((high - low) / 2)
    return np.array(means), np.array(deviations)


def of_kernel(processes: Sequence[GaussianProcess], dimensions: Sequence[Dimension]) -> dict[str, np.ndarray]:
    """Return the fitted parameters of the kernel: the length scale of each decision in the first view, and the noise.

    The length scale of a decision is the distance of two values at which their scores are nearly uncorrelated. The
    range of a number, and the distance of two options, is 1. A large length scale means an unimportant decision. The
    noise is the standard deviation of the noise, relative to the standard deviation of the scores.

    Args:
        processes: List of `GaussianProcess`, one for each objective.
        dimensions: List of the dimensions of the space.

    Returns:
        Dict from name to array `(objectives,)`.
    """
    parameters = {"noise": np.sqrt([process.noise for process in processes])}
    for index, dimension in enumerate(dimensions):
        if dimension.size > 1:
            relevances = np.array([process.relevances[0][index] for process in processes])
            parameters[f"length_scale/{dimension.name}"] = relevances**-0.5
    return parameters
