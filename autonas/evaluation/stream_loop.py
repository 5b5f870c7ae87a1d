"""Training on streams: batches of a `tf.data` pipeline. TensorFlow only."""

import functools
import math
import time
import typing

import numpy as np
import tensorflow as tf

from autonas.evaluation import loops
from autonas.trials import checkpoint

#: Maximum size of a batch to predict, in rows and in bytes.
_PREDICTED_ROWS, _PREDICTED_BYTES = 256, 16 * 2**20
#: Maximum size, in bytes, of a validation set that is kept in memory. A larger one is read for each scoring.
_MAX_KEPT_BYTES = 64 * 2**20


class StreamDataset:
    """Data set of a stream, with the interface of `data.dataset.ArrayDataset`.

    Instead of row indices, `"train"`, `"validation"` and `"all"` name the rows of a split.

    Args:
        source: A fitted `data.streams.StreamSource`.
        input_name: Name of the network's input.
        head_name: Name of the network's head.
        class_weight: Array `(n_classes,)` of the weights of classes in the loss, or `None`. Defaults to `None`.
    """

    is_stream: typing.ClassVar[typing.Literal[True]] = True
    baselines = None
    folds = overlap = None
    #: The rows of a stream aren't in memory, so that no weights are fitted to all of them in closed form.
    final_rows_are_all = False
    train_rows = "train"
    validation_rows = "validation"

    def __init__(self, source, input_name, head_name, class_weight=None):
        self.source = source
        self.input_name = input_name
        self.head_name = head_name
        self.class_weight = None if class_weight is None else np.asarray(class_weight, "float32")
        self.final_rows = "all" if source.validation_data is None else None
        #: Dict from split to its encoded targets, in the order of the last prediction.
        self.encoded = {}
        #: Dict from split to the seconds of its last prediction; before the first one, the seconds to read the source.
        self.seconds = {"validation": source.read_seconds}
        self._validation = None

    @property
    def splits(self):
        """List of this data set alone, which has a single split."""
        return [self]

    @property
    def is_weighted(self):
        """Whether rows are weighted in the loss."""
        return self.class_weight is not None or self.source.mean_weight is not None

    @property
    def facts(self):
        """Properties that a continued search must share with the earlier one, in JSON; see `StreamSource.facts`."""
        return self.source.facts

    @property
    def n_train(self):
        """Number of training rows."""
        return self.source.rows["train"]

    @property
    def knows_validation_targets(self):
        """Whether the targets of the validation rows are in memory, which they are after the first prediction."""
        return "validation" in self.encoded

    def train_targets(self, head):
        """Return the encoded targets of the training rows, and their class weights or `None`."""
        targets = self.source.target_encoder.transform(self.source.train_labels)
        weights = None if self.class_weight is None else self.class_weight[targets.reshape(-1).astype(int)]
        return targets, weights

    @property
    def final_ratio(self):
        """Time of an epoch of the final fit, relative to an epoch of the search; 0 without a final fit."""
        return 0.0 if self.final_rows is None else self.source.rows["all"] / self.source.rows["train"]

    def loop(self, model):
        """Return the training loop of a model on this stream."""
        return StreamLoop(model, self)

    def training_batches(self, rows, batch_size, seed):
        """Return a `tf.data.Dataset` of shuffled batches `(inputs, targets, weights)` of a split."""
        read = self.source.train if rows == "train" else self.source.all
        return read(batch_size, seed).map(self._with_weights)

    def validation_batches(self):
        """Return a `tf.data.Dataset` of batches `(inputs, targets)` of the validation rows."""
        if self._validation is None:
            tensors = self.source.encoder.feature.tensors.values()
            row_bytes = sum(math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize for tensor in tensors)
            batches = self.source.validation(int(np.clip(_PREDICTED_BYTES // row_bytes, 1, _PREDICTED_ROWS)))
            batches = batches.map(lambda inputs, targets: (self._named(inputs), targets))
            fits = row_bytes * self.source.rows["validation"] <= _MAX_KEPT_BYTES
            self._validation = batches.cache() if fits else batches
        return self._validation

    def _named(self, inputs):
        return {f"{self.input_name}_{name}": tensor for name, tensor in inputs.items()}

    def _with_weights(self, inputs, targets, weights=None):
        if weights is not None:
            weights = weights / self.source.mean_weight
        if self.class_weight is not None:
            by_class = tf.gather(self.class_weight, tf.cast(tf.reshape(targets, (-1,)), "int32"))
            weights = by_class if weights is None else weights * by_class
        return (self._named(inputs), targets) if weights is None else (self._named(inputs), targets, weights)


class Parts:
    """Targets of a stream, indexed by the name of a split instead of by row indices.

    Args:
        encoded: Dict from split to its encoded targets, in the order of the last prediction.
        function: Function of the encoded targets, applied on access, or `None`. Defaults to `None`.
    """

    def __init__(self, encoded, function=None):
        self._encoded = encoded
        self._function = function

    def __getitem__(self, rows):
        encoded = self._encoded[rows]
        return encoded if self._function is None else self._function(encoded)


class StreamLoop(loops.TrainingLoop):
    """A training loop with one compiled step per batch, while `tf.data` prepares the next batch."""

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        checkpoint.optimizer_variables(model)

    @functools.cached_property
    def _forward(self):
        return _trace(lambda inputs: self.model(inputs, training=False), self._inputs)

    @functools.cached_property
    def _step(self):
        target = self.dataset.source.target_encoder
        targets = tf.TensorSpec((None, *target.target_shape), "int32" if target.task_ == "multiclass" else "float32")
        weights = [tf.TensorSpec((None,), "float32")] if self.dataset.is_weighted else []
        return _trace(self._train_step, tf.TensorSpec((), "float32"), self._inputs, targets, *weights)

    @property
    def _inputs(self):
        """Dict from input name to its `tf.TensorSpec`, for any batch size."""
        return {
            name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for name, tensor in self.model.input.items()
        }

    def _train_step(self, learning_rate, inputs, targets, weights=None):
        model, head = self.model, self.dataset.head_name
        variables = model.trainable_variables
        model.optimizer.learning_rate.assign(learning_rate)
        weights = None if weights is None else {head: weights}
        with tf.GradientTape() as tape:
            predictions = self._members.network(inputs, training=True)
            loss = self._members.compute_loss(inputs, {head: targets}, predictions, weights)
            scaled = model.optimizer.scale_loss(loss)
        model.optimizer.apply(tape.gradient(scaled, [variable.value for variable in variables]), variables)
        return loss

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        # A seed for every epoch: a training that continues has the order of one that wasn't interrupted.
        batches = self.dataset.training_batches(rows, batch_size, int(generator.integers(2**31)))
        if deadline is not None and self.validation.before(deadline) == deadline:
            # Scoring reads the validation rows, which takes time too. A measured validation is in the deadline already.
            deadline -= self.dataset.seconds.get("validation", 0.0)
        n_rows = self.dataset.source.rows[rows]
        steps = max(1, n_rows // min(batch_size, n_rows))
        total, done = 0.0, 0
        for batch in batches:
            self._begin_batch(done)
            rate = learning_rate(min(1.0, done / steps))
            with self._first("train"):
                loss = float(self._step(tf.constant(rate, "float32"), *batch))
            total += loss
            self._end_batch(done, loss)
            done += 1
            if not np.isfinite(loss):
                break
            if deadline is not None and time.monotonic() >= deadline and done < steps:
                return total / done, False
        if not done:
            raise ValueError("The dataset is empty in this pass. It must yield the same rows in each pass.")
        return total / done, True

    def predict(self, rows):
        """Predict the validation rows, and store their targets, in the same order, in `dataset.encoded`."""
        if rows != "validation":
            raise ValueError(f"`rows` must be 'validation', the only rows that are predicted. Received: rows={rows!r}")
        started = time.monotonic()
        outputs, targets = [], []
        for inputs, batch_targets in self.dataset.validation_batches():
            with self._first("predict"):
                outputs.append(self._forward(inputs)[self.dataset.head_name].numpy())
            targets.append(batch_targets.numpy())
        self.dataset.encoded[rows] = np.concatenate(targets)
        self.dataset.seconds[rows] = time.monotonic() - started
        return {self.dataset.head_name: np.concatenate(outputs)}


def _trace(function, *signature):
    """Compile a function for the given signature.

    Returns:
        The concrete function. A call of a `tf.function` would warn of retracing, because TensorFlow counts the traces
        of all candidates together.
    """

    def flat(*tensors):
        return function(*tf.nest.pack_sequence_as(signature, tensors))

    flat_signature = tf.nest.flatten(signature)
    concrete = tf.function(flat, input_signature=flat_signature, autograph=False).get_concrete_function()
    return lambda *arguments: concrete(*tf.nest.flatten(arguments))
