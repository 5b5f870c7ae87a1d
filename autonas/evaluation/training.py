"""Training one candidate: epochs until it no longer improves or its time is up, the best one kept."""

import dataclasses
import math
import time

import keras
import numpy as np

from autonas.trials import checkpoint as checkpoints


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
        stopped: Why it ended: `"epochs"`, `"no improvement"`, `"time"`, `"diverged"`, `"interrupted"`, or the text of
            `stop`.
        stop: What the function `stop` has stopped it with, or `None`.
    """

    history: list
    best_epoch: int
    epochs: int
    horizon: int
    weights: list
    stopped: str
    stop: object = None


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
        self.weights = None
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
                decay * mean + (1 - decay) * weight for mean, weight in zip(self.average, self.weights, strict=True)
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
    checkpoint=None,
    on_checkpoint=None,
    stop=None,
    on_best=None,
):
    """Trains a model by a loop; it is left with the average of its weights over the last epochs.

    The learning rate is annealed over `epochs`, or, where the time limit is nearer, over the time that is left: a
    candidate always ends with a small learning rate. Where it goes on from the end of a shorter training, it rises
    again and is annealed over the epochs that are added (Loshchilov and Hutter, "SGDR: stochastic gradient descent
    with warm restarts", 2017): so trainings of every length are compared, and can be served, when they are annealed.

    Args:
        loop: An `evaluation.loops.TrainingLoop`, whose `phases` count what the time goes to.
        rows: Indices of the training rows.
        batch_size: Rows per step.
        epochs: Number of epochs at which the training ends, those before a checkpoint included.
        generator: A `numpy.random.Generator` for the order of the rows.
        score: Function without arguments that scores the model, a dict of numbers, called after each epoch. `None`
            trains blindly; the last epoch is then the best one.
        is_better: Function `(scores, best scores so far) -> bool`. Needed with `score`.
        patience: Epochs without improvement after which to stop, or `None`.
        stop_after: Epoch after which to stop in the middle of the schedule, or `None`.
        deadline: `time.monotonic()` to stop at, or `None`.
        on_epoch: Function `(epoch, numbers)` called after each epoch, or `None`.
        checkpoint: A `Checkpoint` to go on from, or `None` for a new training. If it is of a training of as many
            epochs, what comes of it is what would have come if it had never been interrupted.
        on_checkpoint: Function that is given a function without arguments after each epoch but that which the time
            limit cut short, or `None`. The function makes the `Checkpoint`, if it is wanted.
        stop: Function of the history so far that returns, after each epoch but the last, `None` or an object whose text
            says why it stops there; or `None`.
        on_best: Function without arguments called after each epoch that is the best so far, or `None`.

    Returns:
        A `TrainingResult`, of the whole training if it goes on from a checkpoint.

    Raises:
        Diverged: If the loss is not finite before the first epoch has been scored.
        KeyboardInterrupt: If the user interrupts before the first epoch has been scored.
    """
    training, phases = _Training(loop, generator, batch_size, epochs, deadline), loop.phases
    if checkpoint is not None:
        training.go_on_from(checkpoint)
    last = epochs if stop_after is None else min(stop_after, epochs)
    stopped, verdict = "epochs", None
    while training.epoch < last:
        if patience is not None and training.epoch - max(training.best_epoch, training.begin) >= patience:
            stopped = "no improvement"
            break
        try:
            with phases("train"):
                loss, finished = training.run_epoch(rows)
            with phases("validate"):
                scores = score() if score is not None and np.isfinite(loss) else {}
        except KeyboardInterrupt:
            if training.best is None:
                raise
            stopped = "interrupted"
            break
        if not np.isfinite(loss) or not np.isfinite(scores.get("val_loss", 0.0)):
            if training.best is None:
                raise Diverged(f"The loss became NaN or infinite in epoch {training.epoch + 1}.")
            stopped = "diverged"
            break
        numbers = training.end_epoch(loss, scores, is_better)
        if on_best is not None and training.best_epoch == training.epoch:
            on_best()
        try:
            if on_epoch is not None:
                with phases("report"):
                    on_epoch(training.epoch, numbers)
        except KeyboardInterrupt:
            stopped = "interrupted"
            break
        out_of_time = deadline is not None and time.monotonic() >= deadline
        if not finished or (out_of_time and training.epoch < last):
            stopped = "time"
            break
        if stop is not None and training.epoch < last:
            verdict = stop(training.history)
        if verdict is not None:
            stopped = str(verdict)
            break
        if on_checkpoint is not None:
            with phases("save"):
                on_checkpoint(training.checkpoint)
    horizon = training.epoch if stopped == "time" else epochs
    if training.best_epoch <= training.begin:
        horizon = training.best_epoch  # What was annealed then was best.
    return TrainingResult(
        training.history,
        training.best_epoch,
        training.epoch,
        horizon,
        training.best_weights,
        stopped=stopped,
        stop=verdict,
    )


class _Training:
    """A training under way: everything that one epoch hands on to the next."""

    def __init__(self, loop, generator, batch_size, horizon, deadline):
        self.loop = loop
        self.generator = generator
        self.batch_size = batch_size
        self.horizon = horizon
        #: Epochs that were done when the learning rate began to be annealed.
        self.begin = 0
        self.deadline = deadline
        self.started = time.monotonic()
        self.peak = float(keras.ops.convert_to_numpy(loop.model.optimizer.learning_rate))
        self.average = WeightAverage(loop.model)
        self.history, self.best, self.best_epoch, self.best_weights = [], None, 0, None

    @property
    def epoch(self):
        """Number of epochs that are done."""
        return len(self.history)

    def learning_rate(self, share):
        """The learning rate when a share of the epoch to come is done."""
        progress = (self.epoch + share - self.begin) / (self.horizon - self.begin)
        if self.deadline is not None:
            spent = (time.monotonic() - self.started) / max(1e-3, self.deadline - self.started)
            progress = max(progress, min(1.0, spent))
        return self.peak * anneal(progress)

    def run_epoch(self, rows):
        """Trains; returns the mean loss, and whether the epoch was finished. The model has the average then."""
        if self.average.weights is not None:
            self.average.restore()
        loss, finished = self.loop.train_epoch(rows, self.batch_size, self.generator, self.learning_rate, self.deadline)
        self.average.update()
        return loss, finished

    def end_epoch(self, loss, scores, is_better):
        """Takes the scores of an epoch; returns its numbers."""
        numbers = {"loss": loss, "learning_rate": self.learning_rate(1.0), **scores}
        self.history.append(numbers)
        if is_better is None or self.best is None or is_better(scores, self.best):
            self.best, self.best_epoch = scores, self.epoch
            self.best_weights = None if is_better is None else self.average.average
        return numbers

    def checkpoint(self):
        """The training as it is now."""
        model = self.loop.model
        averaged, model_variables = model.get_weights(), checkpoints.variables_of(model)
        self.average.restore()
        variables = checkpoints.values_of(model_variables)
        model.set_weights(averaged)
        return checkpoints.Checkpoint(
            variables,
            checkpoints.values_of(checkpoints.optimizer_variables(model)),
            self.average.average,
            self.best_weights or [],
            {
                "epoch": self.epoch,
                "begin": self.begin,
                "horizon": self.horizon,
                "history": self.history,
                "best": self.best,
                "best_epoch": self.best_epoch,
                "generator": self.generator.bit_generator.state,
                "batch_size": self.batch_size,
                "precision": model.dtype_policy.name,
            },
        )

    def go_on_from(self, checkpoint):
        """Brings model, optimizer and generator to where they were."""
        model, progress = self.loop.model, checkpoint.progress
        checkpoints.assign(checkpoints.variables_of(model), checkpoint.variables)
        checkpoints.assign(checkpoints.optimizer_variables(model), checkpoint.optimizer)
        self.average.weights = model.get_weights()
        self.average.average, self.average.epoch = checkpoint.average, checkpoint.epoch
        model.set_weights(checkpoint.average)
        self.generator.bit_generator.state = progress["generator"]
        self.history = list(progress["history"])
        self.begin = progress["begin"] if progress["horizon"] == self.horizon else self.epoch
        self.best, self.best_epoch = progress["best"], progress["best_epoch"]
        self.best_weights = checkpoint.best_weights or None
