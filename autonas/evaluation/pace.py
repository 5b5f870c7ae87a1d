"""Pace: the speed of this process, by which the time of a training or of frozen kernels is predicted."""

import math
import time

import numpy as np

from autonas.backends import node_graph
from autonas.costs import flops

#: Share of the epochs of a training that must be possible in the time that is left.
_LEAST_SHARE = 0.1
#: Times the speed of frozen kernels is measured, and their steps and kernels in a measurement.
_MEASUREMENTS, _STEPS, _KERNELS = 9, 512, 84
#: Time of a response with all of its poolings and calls, relative to the measured time of the response alone.
_WHOLE = 4.0


class Pace:
    """The highest speed of the trainings of a process, in FLOPs of predictions per second.

    A training step takes a multiple of the FLOPs of its predictions. Large operations are the fastest for their FLOPs,
    so that the time of a training is at least its FLOPs at the highest speed so far.
    """

    def __init__(self):
        self.flops_per_second = 0.0

    def add(self, work, seconds):
        """Add a training.

        Args:
            work: FLOPs of the predictions of all rows in all epochs, or `None`.
            seconds: Seconds of the training.
        """
        if work and seconds > 0:
            self.flops_per_second = max(self.flops_per_second, work / seconds)

    def refusal(self, epoch_work, epochs, seconds):
        """Return why a training isn't worth beginning, a text that is empty if it is.

        A training is worth beginning if a tenth of its epochs, and at least one, may be possible in the time.

        Args:
            epoch_work: FLOPs of the predictions of all rows in an epoch, or `None`.
            epochs: Number of epochs.
            seconds: Seconds that are left.
        """
        if not epoch_work or not self.flops_per_second:
            return ""
        least_epochs = max(1, math.ceil(_LEAST_SHARE * epochs))
        needed = least_epochs * epoch_work / self.flops_per_second
        if needed <= seconds:
            return ""
        epochs_text = "an epoch" if least_epochs == 1 else f"{least_epochs} epochs"
        return f"not begun: {epochs_text} would take {needed:.1f} s or more, and {seconds:.1f} s are left"


def epoch_work(model, n_rows):
    """Return the FLOPs of the predictions of some rows.

    Returns:
        An integer; `None` if the FLOPs are unknown, if nothing is trained, or if frozen layers are computed once
        instead of in each epoch.
    """
    if not model.trainable_variables or any(
        layer.weights and not layer.trainable for layer in node_graph.all_layers(model)
    ):
        return None
    try:
        return flops.flops(model) * n_rows
    except ValueError:
        return None


def responses_per_second():
    """Return how many responses of frozen kernels to steps of series this machine computes in a second."""
    series, kernels = np.ones((_STEPS, 9), "float32"), np.ones((9, _KERNELS), "float32")
    seconds = []
    for _ in range(_MEASUREMENTS):
        started = time.perf_counter()
        (series @ kernels > 0).mean(axis=0)
        seconds.append(time.perf_counter() - started)
    return _STEPS * _KERNELS / (_WHOLE * float(np.median(seconds)))
