"""Training of one candidate, with early stopping, a deadline, and the weights of the best epoch."""

import dataclasses
import itertools
import math
import time
from collections.abc import Callable

import numpy as np

from autonas.evaluation import keras_callbacks
from autonas.search_space import schedules
from autonas.trials import checkpoint as checkpoints

#: A network overfits after so many epochs, or a quarter of the patience, that each raised the validation loss, beyond
#: this multiple of the lowest one.
_LEAST_RISING, _RISING_SHARE, _LARGEST_RISE = 3, 0.25, 1.1
#: Shortest time, in seconds, over which the learning rate is annealed to meet a deadline.
_SHORTEST = 1e-3


class Diverged(Exception):
    """Error of a training whose loss became NaN or infinite, and that has no weights of a scored epoch."""


@dataclasses.dataclass
class TrainingResult:
    """Result of a training.

    Args:
        history: List of dicts of numbers, one for each epoch.
        best_epoch: Number of the best epoch, from 1.
        epochs: Number of epochs. The last epoch may be incomplete.
        horizon: Number of epochs over which the learning rate was annealed.
        weights: Averaged weights of the best epoch, a list of arrays.
        stopped: Reason for the end of the training: `"epochs"`, `"no improvement"`, `"overfitting"`, `"time"`,
            `"diverged"`, `"interrupted"`, `"a Keras callback"`, or the text of `stop`.
        stop: Object that the `stopper` returned, or `None`.
    """

    history: list
    best_epoch: int
    epochs: int
    horizon: int
    weights: list
    stopped: str
    stop: object = None


class WeightAverage:
    """Exponential moving average of the weights of a model over epochs, with the statistics of BatchNormalization.

    After epoch t, the average a and the weights w give

        a <- d a + (1 - d) w,   d = min(0.75, (t - 1) / (t + 2)),

    so that the first epochs fade fast (Polyak and Juditsky 1992; Izmailov et al. 2018). Candidates are scored and
    served with the average. During a training, the average scores like a model whose learning rate has been annealed
    for a few epochs, and the scores of the average vary less from epoch to epoch.

    Args:
        model: The `keras.Model` in training.
    """

    _DECAY = 0.75

    def __init__(self, model):
        self.model = model
        self.average = None
        self.weights = None
        self.epoch = 0

    def update(self):
        """Add the weights of the model to the average, and set the model to the average."""
        self.epoch += 1
        self.weights = self.model.get_weights()
        decay = min(self._DECAY, (self.epoch - 1) / (self.epoch + 2))
        if self.average is None:
            self.average = self.weights
        else:
            # Equal numbers stay as they are: the tables of trees hold positions, which rounding must not change.
            self.average = [
                np.where(mean == weight, weight, decay * mean + (1 - decay) * weight)
                for mean, weight in zip(self.average, self.weights, strict=True)
            ]
        self.model.set_weights(self.average)

    def restore(self):
        """Set the model to the weights before the last `update`, from which the optimizer goes on."""
        self.model.set_weights(self.weights)


@dataclasses.dataclass(frozen=True)
class ShuffledRows:
    """The training rows, and their order.

    Args:
        indices: Indices of the training rows.
        batch_size: Number of rows per step.
        generator: A `numpy.random.Generator` for the order of the rows.
    """

    indices: np.ndarray
    batch_size: int
    generator: np.random.Generator


@dataclasses.dataclass(frozen=True)
class Length:
    """The length of a training.

    Args:
        epochs: Total number of epochs, including the epochs before a checkpoint.
        patience: Number of epochs without improvement after which to stop, or after a quarter of them, at least three,
            if each raised the validation loss, by a tenth in all. Defaults to `None`: neither.
        deadline: Value of `time.monotonic()` at which to stop, or `None`. Defaults to `None`.
        stopper: Function `(history) -> object or None` that is called after each epoch but the last, or `None`. The
            training stops if an object is returned; the text of the object is the reason. Defaults to `None`.
        schedule: Function from the completed share of the training to a factor of the learning rate. Defaults to
            `schedules.cosine`.
    """

    epochs: int
    patience: int | None = None
    deadline: float | None = None
    stopper: Callable | None = None
    schedule: Callable = schedules.cosine


@dataclasses.dataclass(frozen=True)
class Validation:
    """The validation after each epoch of a training.

    Args:
        score: Function without arguments that returns the scores of the model as a dict.
        is_better: Function `(scores, best scores so far) -> bool`.
        n_rows: Number of rows that are predicted, for which epochs leave time before the deadline. Defaults to 0: no
            time is left.
        on_best: Function without arguments that is called after each epoch that is the best so far, or `None`.
            Defaults to `None`.
    """

    score: Callable
    is_better: Callable
    n_rows: int = 0
    on_best: Callable | None = None


def train(loop, rows, length, validation=None, checkpoint=None, *, on_epoch=None, on_checkpoint=None, callbacks=()):
    """Train a model epoch by epoch, and set it to the average of its weights over the last epochs.

    The learning rate is annealed over the epochs of `length`. If the deadline comes earlier, the learning rate is
    annealed over the remaining time: step by step in the first epoch, and in loops that compile many steps from epoch
    to epoch later. A training that continues a shorter, completed one has a second warm-up, and its learning rate is
    annealed over the added epochs (Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts",
    2017). Thus models are compared and served after annealing, whatever the length of their training.

    A model without trainable weights, which fitters have set, is scored after one epoch that changes nothing.

    Args:
        loop: The `evaluation.loops.TrainingLoop` of the model. Its `phases` measure the time of the training.
        rows: The `ShuffledRows`.
        length: The `Length`.
        validation: The `Validation`. Defaults to `None`: the training isn't scored, and the last epoch counts as the
            best one.
        checkpoint: A `Checkpoint` to continue, or `None` for a new training. If the checkpoint is of a training with
            the same number of epochs, the result is the same as without the interruption. Defaults to `None`.
        on_epoch: Function `(epoch, numbers)` that is called before each epoch, with `None` as its numbers, and after
            each epoch; or `None`. Defaults to `None`.
        on_checkpoint: Function that is called after each epoch, or `None`. Its argument is a function without
            arguments that makes the `Checkpoint`. Defaults to `None`.
        callbacks: Keras callbacks; see `keras_callbacks.TrainingCallbacks`. Defaults to none.

    Returns:
        A `TrainingResult`. It includes the epochs before the checkpoint.

    Raises:
        Diverged: If the loss becomes NaN or infinite before an epoch is scored. Without validation, no epoch is.
        TooSlow: If the loop gives up in the first epoch, because there is no time for a validation.
        KeyboardInterrupt: If the user interrupts before the first epoch is scored.
    """
    if not loop.model.trainable_variables:
        length = dataclasses.replace(length, epochs=1)
    loop.validation.n_rows = 0 if validation is None else validation.n_rows
    training = _Training(loop, rows, length)
    if checkpoint is not None:
        training.go_on_from(checkpoint)
    with keras_callbacks.TrainingCallbacks(callbacks, loop, length.epochs, validation is not None) as hooks:
        return _train(training, length, validation, hooks, on_epoch=on_epoch, on_checkpoint=on_checkpoint)


def _train(training, length, validation, hooks, *, on_epoch, on_checkpoint):
    """Run the epochs of `train` with the `TrainingCallbacks` `hooks`."""
    phases, patience = training.loop.phases, length.patience
    stopped, verdict = "epochs", None
    while training.epoch < length.epochs:
        if patience is not None:
            since_best = training.epoch - max(training.best_epoch, training.begin)
            if since_best >= patience:
                stopped = "no improvement"
                break
            n_rising = max(_LEAST_RISING, math.ceil(_RISING_SHARE * patience))
            if since_best >= n_rising and _overfits(training.history, n_rising):
                stopped = "overfitting"
                break
        try:
            with phases("report"):
                if on_epoch is not None:
                    on_epoch(training.epoch + 1, None)
                hooks.begin_epoch(training)
            with phases("train"):
                loss, finished = training.run_epoch()
            with phases("validate"):
                scores = training.validate(validation) if validation is not None and np.isfinite(loss) else {}
        except KeyboardInterrupt:
            if training.best is None:
                raise
            stopped = "interrupted"
            break
        if not np.isfinite(loss) or not np.isfinite(scores.get("val_loss", 0.0)):
            if training.best_weights is None:
                raise Diverged(f"The loss became NaN or infinite in epoch {training.epoch + 1}.")
            stopped = "diverged"
            break
        numbers = training.end_epoch(loss, scores, None if validation is None else validation.is_better)
        if validation is not None and validation.on_best is not None and training.best_epoch == training.epoch:
            validation.on_best()
        try:
            with phases("report"):
                if on_epoch is not None:
                    on_epoch(training.epoch, numbers)
                hooks.end_epoch(training)
        except KeyboardInterrupt:
            stopped = "interrupted"
            break
        if on_checkpoint is not None:
            with phases("save"):
                on_checkpoint(training.checkpoint)
        out_of_time = training.deadline is not None and time.monotonic() >= training.deadline
        if not finished or (out_of_time and training.epoch < length.epochs):
            stopped = "time"
            break
        if length.stopper is not None and training.epoch < length.epochs:
            verdict = length.stopper(training.history)
        if verdict is not None:
            stopped = str(verdict)
            break
        if hooks.stop:
            stopped = "a Keras callback"
            break
    horizon = training.epoch if stopped == "time" else length.epochs
    if training.best_epoch <= training.begin:
        horizon = training.best_epoch  # The best epoch was one of the earlier training, annealed there.
    return TrainingResult(
        training.history,
        training.best_epoch,
        training.epoch,
        horizon,
        training.best_weights,
        stopped=stopped,
        stop=verdict,
    )


def _overfits(history, n_rising):
    """Return whether the last epochs each raised the validation loss, to more than a tenth above the lowest one."""
    losses = [numbers.get("val_loss", math.nan) for numbers in history]
    last = losses[-n_rising - 1 :]
    rises = len(last) > n_rising and all(later > earlier for earlier, later in itertools.pairwise(last))
    return rises and losses[-1] > _LARGEST_RISE * min(losses) > 0


class _Training:
    """State of a training between two epochs."""

    def __init__(self, loop, rows, length):
        self.loop = loop
        self.rows = rows
        self.horizon = length.epochs
        self.schedule = length.schedule
        #: Number of epochs before the current schedule of the learning rate.
        self.begin = 0
        self._end = length.deadline
        self.started = time.monotonic()
        #: Learning rate that is annealed, unless a Keras callback has set a learning rate of its own.
        self.peak, self.is_annealed = keras_callbacks.learning_rate(loop.model.optimizer), True
        self.average = WeightAverage(loop.model)
        self.history, self.best, self.best_epoch, self.best_weights = [], None, 0, None

    @property
    def epoch(self):
        """Number of completed epochs."""
        return len(self.history)

    @property
    def deadline(self):
        """Value of `time.monotonic()` at which epochs stop, so that the last one is validated in time, or `None`."""
        return self.loop.validation.before(self._end)

    def learning_rate(self, share):
        """Return the learning rate at a share of the next epoch, in [0, 1]."""
        if not self.is_annealed:
            return self.peak
        progress = (self.epoch + share - self.begin) / (self.horizon - self.begin)
        if self.deadline is not None:
            spent = (time.monotonic() - self.started) / max(_SHORTEST, self.deadline - self.started)
            progress = max(progress, min(1.0, spent))
        return self.peak * self.schedule(progress)

    def run_epoch(self):
        """Train for one epoch, and set the model to the average of its weights.

        Returns:
            The mean loss, and whether the epoch was completed.
        """
        if self.average.weights is not None:
            self.average.restore()
        rows = self.rows
        loss, finished = self.loop.train_epoch(
            rows.indices, rows.batch_size, rows.generator, self.learning_rate, self.deadline
        )
        self.average.update()
        return loss, finished

    def validate(self, validation):
        """Return the scores of a `Validation`, and measure its time."""
        started = time.monotonic()
        scores = validation.score()
        self.loop.validation.add(time.monotonic() - started)
        return scores

    def end_epoch(self, loss, scores, is_better):
        """Add an epoch to the history; return its numbers: loss, learning rate and scores."""
        numbers = {"loss": loss, "learning_rate": self.learning_rate(1.0), **scores}
        self.history.append(numbers)
        if is_better is None or self.best is None or is_better(scores, self.best):
            self.best, self.best_epoch = scores, self.epoch
            self.best_weights = None if is_better is None else self.average.average
        return numbers

    def checkpoint(self):
        """Return a `Checkpoint` of the current state."""
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
                "generator": self.rows.generator.bit_generator.state,
                "batch_size": self.rows.batch_size,
                "precision": model.dtype_policy.name,
            },
        )

    def go_on_from(self, checkpoint):
        """Restore model, optimizer, generator and history from a `Checkpoint`."""
        model, progress = self.loop.model, checkpoint.progress
        checkpoints.assign(checkpoints.variables_of(model), checkpoint.variables)
        checkpoints.assign(checkpoints.optimizer_variables(model), checkpoint.optimizer)
        self.average.weights = model.get_weights()
        self.average.average, self.average.epoch = checkpoint.average, checkpoint.epoch
        model.set_weights(checkpoint.average)
        self.rows.generator.bit_generator.state = progress["generator"]
        self.history = list(progress["history"])
        self.begin = progress["begin"] if progress["horizon"] == self.horizon else self.epoch
        self.best, self.best_epoch = progress["best"], progress["best_epoch"]
        self.best_weights = checkpoint.best_weights or None
