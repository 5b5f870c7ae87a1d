"""Training on data that flows through memory: batches of a `tf.data` pipeline. TensorFlow only."""

import functools
import math
import time

import numpy as np
import tensorflow as tf

from autonas.evaluation import loops
from autonas.trials import checkpoint

_PREDICTED_ROWS = 256
_PREDICTED_BYTES = 16 * 2**20
#: Validation parts up to this size are kept in memory: otherwise each scoring reads the whole source again.
_MAX_KEPT_BYTES = 64 * 2**20


class StreamDataset:
    """A stream as trials see it: what `data.dataset.ArrayDataset` is for arrays. Its rows are names of parts.

    Args:
        source: A fitted `data.streams.StreamSource`.
        input_name: Name of the network's input.
        head_name: Name of the network's head.
        class_weight: Weight of each class in the loss, `(n_classes,)`, or `None`.
    """

    baselines = None
    train_rows = "train"
    validation_rows = "validation"

    def __init__(self, source, input_name, head_name, class_weight=None):
        self.source = source
        self.input_name = input_name
        self.head_name = head_name
        self.class_weight = None if class_weight is None else np.asarray(class_weight, "float32")
        self.final_rows = "all" if source.validation_data is None else None
        #: Dict from part to its encoded targets in the order of the last prediction.
        self.encoded = {}
        #: Seconds that the last prediction of a part took; at first, that it takes to read the source.
        self.seconds = {"validation": source.read_seconds}
        self._validation = None

    @property
    def is_weighted(self):
        """Whether rows have weights in the loss."""
        return self.class_weight is not None or self.source.mean_weight is not None

    @property
    def facts(self):
        """What a search must agree on with the one it continues, plain JSON: no row is hashed."""
        labels = self.source.labels
        if labels is not None:
            labels = {str(label): labels[label] for label in sorted(labels, key=str)}
        return {
            "structure": repr(self.source.spec),
            "rows": self.source.rows,
            "labels": labels,
        }

    @property
    def n_train(self):
        """Number of rows to train on."""
        return self.source.rows["train"]

    @property
    def knows_validation_targets(self):
        """Whether the targets of the validation rows are in memory: once these rows have been predicted."""
        return "validation" in self.encoded

    def train_targets(self, head):
        """Return the encoded targets of the training rows, and the weights of these rows or `None`."""
        targets = self.source.target_encoder.transform(self.source.train_labels)
        weights = None if self.class_weight is None else self.class_weight[targets.reshape(-1).astype(int)]
        return targets, weights

    @property
    def final_ratio(self):
        """Cost of an epoch of the final fit over one of the search."""
        return 0.0 if self.final_rows is None else self.source.rows["all"] / self.source.rows["train"]

    def loop(self, model):
        """The training loop of a model on this stream."""
        return StreamLoop(model, self)

    def training_batches(self, rows, batch_size, seed):
        """Batches `(inputs, targets, weights)` of a part, shuffled, with the network's names."""
        read = self.source.train if rows == "train" else self.source.all
        return read(batch_size, seed).map(self._with_weights)

    def validation_batches(self):
        """Batches `(inputs, targets)` to score on."""
        if self._validation is None:
            tensors = self.source.encoder.feature.tensors.values()
            row_bytes = sum(math.prod(each.shape) * np.dtype(each.dtype).itemsize for each in tensors)
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
    """Indexed by the name of a part: a function of the targets that were met in its last prediction.

    It stands for the arrays of a data set in memory, which scoring indexes by rows.
    """

    def __init__(self, encoded, function=None):
        self._encoded = encoded
        self._function = function

    def __getitem__(self, rows):
        encoded = self._encoded[rows]
        return encoded if self._function is None else self._function(encoded)


class StreamLoop(loops.TrainingLoop):
    """One compiled step a batch, while `tf.data` prepares the next one."""

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        checkpoint.optimizer_variables(model)
        self._batches = {}

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
        """The specification of the network's inputs, for batches of any size."""
        return {name: tf.TensorSpec((None, *each.shape[1:]), each.dtype) for name, each in self.model.input.items()}

    def _train_step(self, learning_rate, inputs, targets, weights=None):
        model, head = self.model, self.dataset.head_name
        variables = model.trainable_variables
        model.optimizer.learning_rate.assign(learning_rate)
        weights = None if weights is None else {head: weights}
        with tf.GradientTape() as tape:
            predictions = model(inputs, training=True)
            loss = model.compute_loss(inputs, {head: targets}, predictions, weights, training=True)
            scaled = model.optimizer.scale_loss(loss)
        model.optimizer.apply(tape.gradient(scaled, [variable.value for variable in variables]), variables)
        return loss

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        if (rows, batch_size) not in self._batches:
            seed = int(generator.integers(2**31))
            self._batches[rows, batch_size] = self.dataset.training_batches(rows, batch_size, seed)
        if deadline is not None:
            # The part that candidates are scored on must be read as well.
            deadline -= self.dataset.seconds.get("validation", 0.0)
        n_rows = self.dataset.source.rows[rows]
        steps = max(1, n_rows // min(batch_size, n_rows))
        total, done = 0.0, 0
        for batch in self._batches[rows, batch_size]:
            rate = learning_rate(min(1.0, done / steps))
            with self._first("train"):
                loss = float(self._step(tf.constant(rate, "float32"), *batch))
            total += loss
            done += 1
            if not np.isfinite(loss):
                break
            if deadline is not None and time.monotonic() >= deadline and done < steps:
                return total / done, False
        if not done:
            raise ValueError("The dataset is empty now. It must give the same rows each time it is read.")
        return total / done, True

    def predict(self, rows):
        """Predictions for the validation part; its targets in the same order go to `dataset.encoded`."""
        if rows != "validation":
            raise ValueError(f"`rows` must be 'validation', the part to score on. Received: rows={rows!r}")
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
    """Return the compiled function: TensorFlow counts the traces of a `tf.function` by its code, over all candidates,
    and warns of them as retracing.
    """

    def flat(*tensors):
        return function(*tf.nest.pack_sequence_as(signature, tensors))

    flat_signature = tf.nest.flatten(signature)
    concrete = tf.function(flat, input_signature=flat_signature, autograph=False).get_concrete_function()
    return lambda *arguments: concrete(*tf.nest.flatten(arguments))
