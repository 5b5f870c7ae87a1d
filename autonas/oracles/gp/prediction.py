"""What a Gaussian process predicted for a trial when it was asked for, beside what came of it."""

import typing

import numpy as np

from autonas.oracles.gp import targets
from autonas.trials import outcomes


class Prediction(typing.NamedTuple):
    """What was known of a trial when it was asked for.

    Attributes:
        key: Identity of its architecture.
        fidelity: The share of a full training that the prediction is for.
        promise: Why it was asked for, a dict of floats.
        means: Array of shape `(objectives,)`: its predicted scores, larger is better; empty if they weren't predicted.
        deviations: Array of the same shape: their standard deviations, that of the noise included.
        kernel: If the kernel was fitted just before, what was found: a dict of arrays of the same shape; else empty.
    """

    key: tuple
    fidelity: float
    promise: dict
    means: np.ndarray
    deviations: np.ndarray
    kernel: dict

    def is_of(self, key, fidelity):
        """Whether an architecture that was scored at a fidelity is what this was predicted for."""
        return self.key == key and self.fidelity == fidelity

    def numbers(self, scores, objectives):
        """The numbers to log once it is told of.

        Args:
            scores: What was observed, as in `Oracle.observe`.
            objectives: List of `keras_tuner.Objective`.
        """
        found = {f"strategy/{name}": float(number) for name, number in self.promise.items()}
        if not len(self.means):
            return found
        by_name = {"predicted": outcomes.as_known(self.means, objectives), "predicted_deviation": self.deviations}
        if scores is not None:
            by_name["observed"] = outcomes.as_known(scores, objectives)
        for name, numbers in (by_name | self.kernel).items():
            found |= outcomes.by_objective(f"strategy/{name}", numbers, objectives)
        return found


def of_scores(processes, quantities, rows):
    """What processes predict of the scores of one architecture, in the units of the scores.

    The mean is mapped back as it is. So are the ends of the interval of a standard deviation on either side, half the
    width of which is the standard deviation here.

    Args:
        processes: List of a `GaussianProcess` for each objective.
        quantities: List of their `targets.Quantity`, whose scale is `targets.warped`.
        rows: Views of the architecture.

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


def of_kernel(processes, dimensions):
    """What was fitted: the length scale of each decision in the first view, and the noise.

    The length scale is how far apart two values are, on a scale on which a number's range is 1, and so is the distance
    of two different options, for the scores to have little in common: the larger, the less a decision matters. The
    noise is a standard deviation, where that of all scores is 1.

    Args:
        processes: List of a `GaussianProcess` for each objective.
        dimensions: List of the space's dimensions.
    """
    found = {"noise": np.sqrt([process.noise for process in processes])}
    for place, dimension in enumerate(dimensions):
        if dimension.size > 1:
            relevances = np.array([process.relevances[0][place] for process in processes])
            found[f"length_scale/{dimension.name}"] = relevances**-0.5
    return found
