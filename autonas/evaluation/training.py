"""Training one candidate: epochs until it no longer improves or its time is up, the best one kept."""

import dataclasses
import math
import time

import keras
import numpy as np


class Diverged(Exception):
    """The loss became NaN or infinite before any epoch could be scored."""


@dataclasses.dataclass
class TrainingResult:
    """What came of training.

    Args:
        history: One dict of numbers for each epoch.
        best_epoch: Number of the best epoch, from 1.
        epochs: Epochs trained, the last one perhaps in part.
        horizon: Epochs over which the learning rate was annealed.
        weights: Averaged weights of the best epoch, a list of arrays.
        stopped: Why it ended: `"epochs"`, `"no improvement"`, `"time"`, `"diverged"` or `"interrupted"`.
    """

    history: list
    best_epoch: int
    epochs: int
    horizon: int
    weights: list
    stopped: str


def anneal(progress, warm_up=0.05):
    """The learning rate's factor: a linear rise, then half a cosine to zero.

    Args:
        progress: Share of the training that is done, in [0, 1].
        warm_up: Share of the rise.
    """
    if progress < warm_up:
        return 0.1 + 0.9 * progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warm_up) / (1 - warm_up))))


class WeightAverage:
    """An exponential moving average of a model's weights over epochs, BatchNormalization's statistics included.

    a <- d a + (1 - d) w after epoch t, with d = min(0.75, (t - 1) / (t + 2)), so that the first epochs fade fast
    (Polyak and Juditsky 1992; Izmailov et al. 2018). What is scored and served is the average: in the middle of a
    training it is worth a few annealed epochs, and it varies less from epoch to epoch.

    Args:
        model: The `keras.Model` that is trained.
    """

    _DECAY = 0.75

    def __init__(self, model):
        self.model = model
        self.average = None
        self.epoch = 0

    def update(self):
        """Takes the model's weights in and puts the average in their place; `restore` brings them back."""
        self.epoch += 1
        self.weights = self.model.get_weights()
        decay = min(self._DECAY, (self.epoch - 1) / (self.epoch + 2))
        if self.average is None:
            self.average = self.weights
        else:
            self.average = [
                decay * mean + (1 - decay) * weight
                for mean, weight in zip(self.average, self.weights, strict=True)
            ]
        self.model.set_weights(self.average)

    def restore(self):
        """Puts the weights back that the optimizer was working on."""
        self.model.set_weights(self.weights)


def train(
    loop,
    rows,
    batch_size,
    epochs,
    generator,
    score=None,
    is_better=None,
    patience=None,
    stop_after=None,
    deadline=None,
    on_epoch=None,
):
    """Trains a model by a loop; it is left with the average of its weights over the last epochs.

    The learning rate is annealed over `epochs`, or, where the time limit is nearer, over the time that is left: a
    candidate always ends with a small learning rate.

    Args:
        loop: An `evaluation.loops.TrainingLoop`.
        rows: Indices of the training rows.
        batch_size: Rows per step.
        epochs: Number of epochs of the schedule.
        generator: A `numpy.random.Generator` for the order of the rows.
        score: Function without arguments that scores the model, a dict of numbers, called after each epoch. `None`
            trains blindly; the last epoch is then the best one.
        is_better: Function `(scores, best scores so far) -> bool`. Needed with `score`.
        patience: Epochs without improvement after which to stop, or `None`.
        stop_after: Epoch after which to stop in the middle of the schedule, or `None`.
        deadline: `time.monotonic()` to stop at, or `None`.
        on_epoch: Function `(epoch, numbers)` called after each epoch, or `None`.

    Returns:
        A `TrainingResult`.

    Raises:
        Diverged: If the loss is not finite before the first epoch has been scored.
        KeyboardInterrupt: If the user interrupts before the first epoch has been scored.
    """
    peak = float(keras.ops.convert_to_numpy(loop.model.optimizer.learning_rate))
    started = time.monotonic()
    history, best, best_epoch, weights = [], None, 0, None
    stopped = "epochs"
    average = WeightAverage(loop.model)
    last = epochs if stop_after is None else min(stop_after, epochs)
    for epoch in range(1, last + 1):

        def learning_rate(share, epoch=epoch):
            progress = (epoch - 1 + share) / epochs
            if deadline is not None:
                progress = max(progress, min(1.0, (time.monotonic() - started) / max(1e-3, deadline - started)))
            return peak * anneal(progress)

        try:
            if epoch > 1:
                average.restore()
            loss, finished = loop.train_epoch(rows, batch_size, generator, learning_rate, deadline)
            average.update()
            scores = score() if score is not None and np.isfinite(loss) else {}
        except KeyboardInterrupt:
            if best_epoch == 0:
                raise
            stopped = "interrupted"
            break
        numbers = {"loss": loss, "learning_rate": learning_rate(1.0)}
        if not np.isfinite(loss) or not np.isfinite(scores.get("val_loss", 0.0)):
            if best_epoch == 0:
                raise Diverged(f"The loss became NaN or infinite in epoch {epoch}.")
            stopped = "diverged"
            break
        numbers.update(scores)
        history.append(numbers)
        if score is None or best is None or is_better(scores, best):
            best, best_epoch = scores, epoch
            if score is not None:
                weights = average.average
        try:
            if on_epoch is not None:
                on_epoch(epoch, numbers)
        except KeyboardInterrupt:
            stopped = "interrupted"
            break
        out_of_time = deadline is not None and time.monotonic() >= deadline
        if not finished or (out_of_time and epoch < last):
            stopped = "time"
            break
        if patience is not None and epoch - best_epoch >= patience:
            stopped = "no improvement"
            break
    horizon = len(history) if stopped == "time" else epochs
    return TrainingResult(history, best_epoch, len(history), horizon, weights, stopped)
