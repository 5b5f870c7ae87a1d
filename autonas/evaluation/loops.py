"""Training loops, which run the steps of an epoch and predict. `training.py` decides on the number of epochs."""

import contextlib
import dataclasses
import functools
import math
import time

import keras
import numpy as np

from autonas.evaluation import by_rows, fitting, phases
from autonas.search_space import members
from autonas.search_space.fitted import fitters

#: Number of rows that are predicted at a time.
_PREDICTED_ROWS = 512
#: Number of rows from which it pays to predict by a network without the weights that its fitters don't use.
_REDUCED_ROWS = 5000


@dataclasses.dataclass
class ValidationTime:
    """Time of the validation after each epoch of a training.

    Args:
        n_rows: Number of rows that are predicted; 0 without a validation, or if the validation may end after the
            deadline. Defaults to 0.
        seconds: Seconds of the shortest validation so far, or `None` before the first one. Defaults to `None`.
    """

    n_rows: int = 0
    seconds: float | None = None

    def add(self, seconds):
        """Add the seconds of a validation."""
        self.seconds = seconds if self.seconds is None else min(seconds, self.seconds)

    def before(self, deadline):
        """Return the time at which an epoch must end for a validation before a deadline, as far as it is known."""
        if deadline is None or not self.n_rows:
            return deadline
        return deadline - (self.seconds or 0.0)


class TrainingLoop:
    """A training loop: epochs and predictions of a compiled model whose inputs and outputs are dicts.

    Args:
        model: A compiled `keras.Model`.
        dataset: An `autonas.data.dataset.ArrayDataset`, or a stream that the loop can read.

    Attributes:
        phases: The `Phases` that measure the time of the loop. The phase `"compile"` is the first call of each compiled
            function, in which frameworks trace and optimise.
        validation: The `ValidationTime` of the training.
        holds_rows: Whether the loop holds values of the rows besides the data set.
    """

    holds_rows = False

    def __init__(self, model, dataset):
        self.model = model
        self.dataset = dataset
        self.phases = phases.Phases()
        self.validation = ValidationTime()
        #: The `keras.callbacks.CallbackList` of the training.
        self.callbacks = keras.callbacks.CallbackList()
        self._begun = set()

    @property
    def network(self):
        """The `keras.Model` in training."""
        return self.model

    def watch(self, callbacks):
        """Set the `keras.callbacks.CallbackList` of the next training, whose hooks for batches some loops call."""
        self.callbacks = callbacks

    def _begin_batch(self, step):
        # On JAX and PyTorch, Keras calls hooks in a thread, which an empty list needn't wait for.
        if self.callbacks.callbacks:
            self.callbacks.on_train_batch_begin(step)

    def _end_batch(self, step, loss):
        if self.callbacks.callbacks:
            self.callbacks.on_train_batch_end(step, {"loss": loss})

    @functools.cached_property
    def _members(self):
        return members.InTraining(self.model)

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Train for one epoch, or until the deadline.

        Args:
            rows: Indices of the training rows. The loop shuffles them.
            batch_size: Number of rows per step. Rows that don't fill a batch are skipped in this epoch.
            generator: A `numpy.random.Generator` for the order of the rows.
            learning_rate: Function from the completed share of the epoch, in [0, 1], to a learning rate.
            deadline: Value of `time.monotonic()` at which to stop, or `None`.

        Returns:
            The mean loss, and whether the epoch was completed.
        """
        raise NotImplementedError

    def predict(self, rows):
        """Predict `rows`; return a dict from head name to an array `(len(rows), n_outputs)`."""
        raise NotImplementedError

    def forget(self):
        """Forget values that were computed from the weights of fitters, after the fitters have set other weights."""

    def networks(self):
        """Yield the networks that are scored, as pairs of a model and the indices of its validation rows."""
        yield self.model, self.dataset.validation_rows

    def _first(self, kind):
        """Return a context that counts as the phase `"compile"` in the first call of a kind, and an empty one later."""
        if kind in self._begun:
            return contextlib.nullcontext()
        self._begun.add(kind)
        return self.phases("compile")

    def _predicted(self, items, length, predict):
        """Predict items; return a dict of arrays.

        The first call predicts the first `length` items by themselves, so that the phase `"compile"` holds little
        computation besides the compilation.
        """
        outputs = []
        for chunk in [items] if "predict" in self._begun else [items[:length], items[length:]]:
            if len(chunk):
                with self._first("predict"):
                    outputs.append(predict(chunk))
        return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}


class BatchLoop(TrainingLoop):
    """A training loop that calls `train_on_batch`: slower, but the same on every Keras backend.

    Args:
        model: A compiled `keras.Model`.
        dataset: An `ArrayDataset`.
        distribution: The `keras.distribution.DataParallel` under which the model was built, or `None`. Each device has
            an equal share of a batch, of at least one row. If the batch size isn't a multiple of the number of devices,
            the remaining rows are skipped in this step.
    """

    def __init__(self, model, dataset, distribution=None):
        super().__init__(model, dataset)
        self.distribution = distribution
        if self._members.counts:
            loss_weights = model.get_compile_config()["loss_weights"]
            self._members.network.compile(
                model.optimizer, model.loss, loss_weights=loss_weights, jit_compile=model.jit_compile
            )

    @property
    def _n_devices(self):
        return 1 if self.distribution is None else self.distribution.device_mesh.devices.size

    def _distributed(self):
        return contextlib.nullcontext() if self.distribution is None else self.distribution.scope()

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        batches = shuffled_batches(rows, max(batch_size, self._n_devices), generator)
        batches = batches[:, : batches.shape[1] // self._n_devices * self._n_devices]
        losses = []
        for step, batch in enumerate(batches):
            if deadline is not None and losses and time.monotonic() >= deadline:
                return float(np.mean(losses)), False
            self._begin_batch(step)
            self.model.optimizer.learning_rate = learning_rate(step / len(batches))
            inputs, targets, weights = batch_of(self.dataset, batch)
            targets, weights = self._members.repeated(targets), self._members.repeated(weights)
            network = self._members.network
            # Some versions of Keras return the running mean since the last reset of the metrics.
            network.reset_metrics()
            with self._first("train"), self._distributed():
                loss = network.train_on_batch(inputs, targets, sample_weight=weights or None)
            losses.append(float(np.ravel(loss)[0]))
            self._end_batch(step, losses[-1])
        return float(np.mean(losses)), True

    def predict(self, rows):
        n_rows, n_devices = len(rows), self._n_devices
        rows = np.concatenate([rows, rows[:1].repeat(-n_rows % n_devices)])
        batch_size = _PREDICTED_ROWS // n_devices * n_devices

        def predicted(chunk):
            inputs = {name: array[chunk] for name, array in self.dataset.inputs.items()}
            with self._distributed():
                return self.model.predict(inputs, batch_size=batch_size, verbose=0)

        return {name: output[:n_rows] for name, output in self._predicted(rows, batch_size, predicted).items()}


class FittedLoop(TrainingLoop):
    """Training loop of a model without trainable weights: an epoch computes the loss and changes nothing.

    The validation rows aren't predicted again if the fitter has predicted them. The loss is that of some training rows,
    if possible of rows whose inputs of the last fitter are known: the features of frozen kernels take long to compute.

    Args:
        model: A compiled `keras.Model`.
        dataset: An `ArrayDataset`.
        distribution: As in `BatchLoop`, which predicts if there are several devices.
    """

    def __init__(self, model, dataset, distribution=None):
        super().__init__(model, dataset)
        self._validated = None
        self._reduces = distribution is None
        if distribution is None:
            self._compute = by_rows.ByRows(model, model.output, dataset, _PREDICTED_ROWS)
        else:
            distributed = BatchLoop(model, dataset, distribution)
            self._compute = lambda rows: [distributed.predict(rows)]

    def forget(self):
        """Forget the predictions of the validation rows, or take the latest ones of the last fitter."""
        *_, last = fitters.fitters_of(self.model)
        self._validated = None
        if last.validated is not None and len(last.validated) == len(self.dataset.validation_rows):
            # The outputs may depend on other tensors, too.
            with contextlib.suppress(ValueError):
                self._validated = predictions_from(last.outputs, last.validated, self.model)

    def predict(self, rows):
        if self._validated is not None and np.array_equal(rows, self.dataset.validation_rows):
            return self._validated
        compute = self._compute
        if self._reduces and len(rows) >= _REDUCED_ROWS and (network := fitters.reduced(self.model)) is not self.model:
            compute = by_rows.ByRows(network, network.output, self.dataset, len(rows))
        outputs = list(compute(rows))
        return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Return the loss on a sample of at most 100 training rows, and that the epoch is complete."""
        sample = self._known_sample(rows)
        if sample is None:
            some = generator.permutation(rows)[: fitting.LOSS_ROWS]
            sample = some, self.predict(some)
        some, predictions = sample
        inputs, targets, weights = batch_of(self.dataset, some)
        loss = self.model.compute_loss(inputs, targets, predictions, weights or None, training=False)
        return float(keras.ops.convert_to_numpy(loss)), True

    def _known_sample(self, rows):
        """Return some of the rows and their predictions if the last fitter has their inputs, otherwise `None`."""
        last = next(reversed(fitters.fitters_of(self.model)), None)
        if last is None or last.sample is None or not np.isin(last.sample[0], rows).all():
            return None
        try:
            return last.sample[0], predictions_from(last.inputs, last.sample[1], self.model)
        except ValueError:  # The predictions depend on other tensors, too.
            return None


class KnownLoop(TrainingLoop):
    """Training loop of a model whose final weights were computed in the search: an epoch changes nothing.

    Args:
        loop: The `TrainingLoop` of the model.
        loss: The loss with the final weights.
    """

    def __init__(self, loop, loss):
        super().__init__(loop.model, loop.dataset)
        self.phases = loop.phases
        self._loss = loss

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Return the loss, and that the epoch is complete."""
        return self._loss, True


def predictions_from(tensor, values, model):
    """Return the predictions of a network, a dict of arrays, from the values of one of its symbolic tensors.

    Raises:
        ValueError: If the predictions depend on other tensors, too.
    """
    outputs = keras.Function(tensor, model.output)(values)
    return {name: keras.ops.convert_to_numpy(output) for name, output in outputs.items()}


def batch_of(dataset, rows):
    """Return inputs, targets and sample weights of some rows of an `ArrayDataset` as dicts of arrays.

    The dict of sample weights is empty if the data set has none.
    """
    inputs = {name: array[rows] for name, array in dataset.inputs.items()}
    targets = {name: array[rows] for name, array in dataset.targets.items()}
    weights = dataset.sample_weight
    return inputs, targets, {} if weights is None else dict.fromkeys(targets, weights[rows].astype("float32"))


def shuffled_batches(rows, batch_size, generator):
    """Return row indices `(steps, batch)` in random order for one epoch, without rows that don't fill a batch."""
    batch_size = min(batch_size, len(rows))
    steps = len(rows) // batch_size
    return generator.permutation(rows)[: steps * batch_size].reshape(steps, batch_size).astype("int32")


def padded_batches(rows, batch_size):
    """Return row indices `(steps, batch)` of all `rows` in order. The last batch is padded with the first row."""
    batch_size = max(1, min(batch_size, len(rows)))
    steps = math.ceil(len(rows) / batch_size)
    padded = np.full(steps * batch_size, rows[0], "int32")
    padded[: len(rows)] = rows
    return padded.reshape(steps, batch_size)
