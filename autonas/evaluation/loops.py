"""Training loops: how steps and predictions are carried out. `training.py` decides how many, and when to stop."""

import contextlib
import math
import time

import keras
import numpy as np

from autonas.evaluation import phases


class TrainingLoop:
    """Runs epochs of a compiled model whose inputs and outputs are dicts.

    Args:
        model: A compiled `keras.Model`.
        dataset: An `autonas.data.dataset.ArrayDataset`, or a stream of the loop's own kind.

    Attributes:
        phases: The `Phases` that count its seconds. `"compile"` is the first call of what it compiles, the few steps in
            it included: frameworks trace in it, and optimise what they have traced.
    """

    def __init__(self, model, dataset):
        self.model = model
        self.dataset = dataset
        self.phases = phases.Phases()
        self._begun = set()

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Trains for one epoch, or until the deadline.

        Args:
            rows: Indices of the rows, shuffled here.
            batch_size: Rows per step; the rows that don't fill a batch sit out this epoch.
            generator: A `numpy.random.Generator`.
            learning_rate: Function of the share of the epoch that is done, in [0, 1], to a learning rate.
            deadline: `time.monotonic()` to stop at, or `None`.

        Returns:
            The mean loss, and whether the epoch was finished.
        """
        raise NotImplementedError

    def predict(self, rows):
        """Predictions for `rows`, a dict from head to an array `(len(rows), n_outputs)`."""
        raise NotImplementedError

    def _first(self, kind):
        """The phase of compiling for the first call of a kind, and none of its own for all others."""
        if kind in self._begun:
            return contextlib.nullcontext()
        self._begun.add(kind)
        return self.phases("compile")

    def _predicted(self, items, length, predict):
        """What `predict` gives for items, a dict of arrays. In the first call of all, one batch, of `length`
        items, is by itself: so that little of the time of compiling is for what it computes."""
        parts = []
        for few in [items] if "predict" in self._begun else [items[:length], items[length:]]:
            if len(few):
                with self._first("predict"):
                    parts.append(predict(few))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class BatchLoop(TrainingLoop):
    """Steps by `train_on_batch`: slower, but the same on every Keras backend.

    Args:
        model: A compiled `keras.Model`.
        dataset: An `ArrayDataset`.
        distribution: The `keras.distribution.DataParallel` that the model was built under, or `None`. Each device has
            an equal share of a batch, at least one row: what is left over of a batch whose size isn't a multiple of
            their number sits out the step.
    """

    def __init__(self, model, dataset, distribution=None):
        super().__init__(model, dataset)
        self.distribution = distribution

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
            self.model.optimizer.learning_rate = learning_rate(step / len(batches))
            inputs, targets, weights = batch_of(self.dataset, batch)
            # Some versions of Keras report the running mean since the metrics were reset.
            self.model.reset_metrics()
            with self._first("train"), self._distributed():
                loss = self.model.train_on_batch(inputs, targets, sample_weight=weights or None)
            losses.append(float(np.ravel(loss)[0]))
        return float(np.mean(losses)), True

    def predict(self, rows):
        n_rows, n_devices = len(rows), self._n_devices
        rows = np.concatenate([rows, rows[:1].repeat(-n_rows % n_devices)])
        batch_size = 512 // n_devices * n_devices

        def predicted(few):
            inputs = {name: array[few] for name, array in self.dataset.inputs.items()}
            with self._distributed():
                return self.model.predict(inputs, batch_size=batch_size, verbose=0)

        return {name: output[:n_rows] for name, output in self._predicted(rows, batch_size, predicted).items()}


def batch_of(dataset, rows):
    """Inputs, targets and weights of some rows of an `ArrayDataset`: dicts of arrays, that of weights empty if there
    are none."""
    inputs = {name: array[rows] for name, array in dataset.inputs.items()}
    targets = {name: array[rows] for name, array in dataset.targets.items()}
    weights = dataset.sample_weight
    return inputs, targets, {} if weights is None else dict.fromkeys(targets, weights[rows].astype("float32"))


def shuffled_batches(rows, batch_size, generator):
    """Indices `(steps, batch)` of an epoch in a random order; what doesn't fill a batch is left out."""
    batch_size = min(batch_size, len(rows))
    steps = len(rows) // batch_size
    return generator.permutation(rows)[: steps * batch_size].reshape(steps, batch_size).astype("int32")


def padded_batches(rows, batch_size):
    """Indices `(steps, batch)` of all `rows` in order; the last batch is filled up with the first row."""
    batch_size = max(1, min(batch_size, len(rows)))
    steps = math.ceil(len(rows) / batch_size)
    padded = np.full(steps * batch_size, rows[0], "int32")
    padded[: len(rows)] = rows
    return padded.reshape(steps, batch_size)


def make_loop(model, dataset, distribution=None):
    """The fastest loop for the backend and the data set, on several devices if the model has a distribution."""
    if hasattr(dataset, "loop"):
        return dataset.loop(model)
    if keras.backend.backend() == "tensorflow":
        from autonas.evaluation import tensorflow_loop

        return tensorflow_loop.TensorFlowLoop(model, dataset)
    return BatchLoop(model, dataset, distribution)
