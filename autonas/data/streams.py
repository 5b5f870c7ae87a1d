"""Data that flows through memory: `tf.data.Dataset` in, encoded batches out. TensorFlow only."""

import numpy as np
import pandas as pd
import tensorflow as tf

from autonas.data.checks import check_labels_in_training
from autonas.data.encoders.image import check_finite
from autonas.data.kinds import infer_kind
from autonas.data.splits import check_validation_split

_MAX_SAMPLED_ROWS = 10_000
_MAX_SAMPLED_BYTES = 64 * 2**20
_MAX_SHUFFLED_BYTES = 64 * 2**20
_READ_BATCH = 256
_KEYS = 2**53


class StreamSource:
    """A `tf.data.Dataset` of `(x, y)` or `(x, y, sample_weight)`, batched or not, that is never loaded
    into memory.

    Which part a row belongs to is decided by a hash of its `x`, not by its position, since a dataset may
    come in another order each time it is read (as that of `keras.utils.image_dataset_from_directory`
    does). Equal rows are therefore in the same part. A dataset that changes its rows at random
    (augmentation) can't be split so: give `validation_data`.

    Args:
        dataset: `tf.data.Dataset`, finite. `x` is a tensor of fixed shape (images, series, numeric rows,
            strings) or a dict of columns, each one value per row; `y` is a tensor. Where the dataset has
            `class_names`, the labels are those names (one-hot labels too).
        kind: `"image"`, `"table"`, `"text"`, `"series"`, or None to infer it from the shape and dtype of
            `x`.
        validation_data: A dataset of the same structure to validate on, instead of a part of `dataset`.

    Attributes:
        rows: Dict of the number of rows of `"train"`, `"validation"` and `"all"`, after `fit`.
    """

    def __init__(self, dataset, kind=None, validation_data=None):
        self.spec_ = _check_dataset(dataset, "x")
        self.dataset = dataset
        self.validation_data = validation_data
        if validation_data is not None and _check_dataset(validation_data, "validation_data") != self.spec_:
            raise ValueError(
                "`validation_data` must have the structure of `x`. Received: "
                f"{_check_dataset(validation_data, 'validation_data')} instead of {self.spec_}"
            )
        self.class_names = getattr(dataset, "class_names", None)
        self.kind = kind or _infer_kind(self.spec_[0])

    def fit(self, encoder, target_encoder, validation_split=0.2, seed=0):
        """Reads the data once: splits it, fits both encoders and counts the rows.

        All labels are kept (not `x`). The encoder is fitted on a sample of the training rows, the whole if
        they are at most 10,000 and 64 MB: the rows with the smallest hashes, a uniform choice that
        doesn't depend on their order.

        Args:
            encoder: An unfitted `Encoder` of this kind.
            target_encoder: An unfitted `TargetEncoder`.
            validation_split: Share of the rows to validate on; not used with `validation_data`.
            seed: Integer; another one makes another split.

        Returns:
            self.
        """
        check_validation_split(validation_split)
        self._seed = int(seed)
        share = validation_split if self.validation_data is None else 0.0
        self._threshold = int(share * _KEYS)
        self._kept = np.zeros(0, dtype="int64")
        sample = _Sample()
        keys, labels = self._read(self.dataset, sample)
        validation_labels = self._read(self.validation_data, None)[1] if self.validation_data else labels[:0]
        all_labels = np.concatenate([labels, validation_labels])
        classes = target_encoder.fit(all_labels).task_ in ("binary", "multiclass")
        training = keys >= self._threshold
        if classes and share:
            self._kept = _keys_of_missing_labels(keys, labels, training)
            training |= np.isin(keys, self._kept)
        if not training.any() or (share and training.all()):
            raise ValueError(
                "`x` must hold enough different rows for training and validation. Received: "
                f"{len(keys)} rows, {int(training.sum())} of them for training"
            )
        if share:
            self._check_same_rows_again(keys)
        if classes:
            check_labels_in_training(labels[training], validation_labels)
        target_encoder.fit(all_labels, rows=np.flatnonzero(training))
        encoder.fit(self._rows(sample.values()))
        self.encoder, self.target_encoder = encoder, target_encoder
        self._row_bytes = sample.row_bytes
        n_validation = int((~training).sum()) + len(validation_labels)
        self.rows = {"train": int(training.sum()), "validation": n_validation, "all": len(keys)}
        return self

    def train(self, batch_size):
        """Returns the training batches, shuffled anew at each reading.

        Args:
            batch_size: Rows per batch.

        Returns:
            `tf.data.Dataset` of `({tensor name: batch}, targets)`, and sample weights if the source has
            them.
        """
        examples = self._examples(self.dataset)
        if self._threshold:
            examples = examples.filter(lambda key, *_: tf.logical_not(self._is_validation(key)))
        return self._encode(self._shuffle(examples, "train", batch_size), "train", batch_size)

    def validation(self, batch_size):
        """Returns the validation batches, in the order of the source."""
        if self.validation_data is not None:
            return self._encode(self._examples(self.validation_data), "validation", batch_size)
        examples = self._examples(self.dataset).filter(lambda key, *_: self._is_validation(key))
        return self._encode(examples, "validation", batch_size)

    def all(self, batch_size):
        """Returns the batches of all of `dataset`, not of `validation_data`, shuffled, for the final fit."""
        examples = self._examples(self.dataset)
        return self._encode(self._shuffle(examples, "all", batch_size), "all", batch_size)

    def _read(self, dataset, sample):
        """Returns keys and labels of all rows, and shows the sample those of the training rows."""
        keys, labels, n_rows = [], [], 0
        for key, x, y, *_ in self._examples(dataset).batch(_READ_BATCH).as_numpy_iterator():
            if self.kind == "image":
                check_finite(x, start=n_rows)
            if sample is not None:
                sample.update(key, x, key >= self._threshold)
            keys.append(key)
            labels.append(self._labels(y))
            n_rows += len(key)
        if not keys:
            raise ValueError("`x` must hold at least one row. Received: an empty dataset")
        return np.concatenate(keys), np.concatenate(labels)

    def _check_same_rows_again(self, keys):
        again = next(self._examples(self.dataset).batch(_READ_BATCH).as_numpy_iterator())[0]
        if not np.isin(again, keys).all():
            raise ValueError(
                "`x` must give the same rows each time it is read, or they can't be split. Received: other "
                "rows at the second reading (random augmentation?). Pass `validation_data` or augment in the "
                "model."
            )

    def _examples(self, dataset):
        """Returns single examples `(key, x, y[, weight])`."""
        if _is_batched(dataset.element_spec):
            dataset = dataset.unbatch()
        return dataset.map(lambda x, *rest: (self._key(x), x, *rest))

    def _key(self, x):
        parts = [tf.io.serialize_tensor(part) for part in tf.nest.flatten(x)]
        digest = tf.strings.to_hash_bucket_fast(tf.strings.join(parts), 2**62)
        return tf.strings.to_hash_bucket_strong(tf.strings.as_string(digest), _KEYS, key=[self._seed, 0])

    def _is_validation(self, key):
        kept = tf.reduce_any(tf.equal(key, tf.constant(self._kept)))
        return tf.logical_and(key < self._threshold, tf.logical_not(kept))

    def _shuffle(self, examples, part, batch_size):
        fitting = max(_MAX_SHUFFLED_BYTES // max(1, self._row_bytes), 2 * batch_size)
        return examples.shuffle(max(1, min(self.rows[part], fitting, _MAX_SAMPLED_ROWS)), seed=self._seed)

    def _encode(self, examples, part, batch_size):
        feature = self.encoder.feature
        names = list(feature.tensors)
        target_dtype = "int32" if self.target_encoder.task_ == "multiclass" else "float32"
        columns = sorted(self.spec_[0]) if isinstance(self.spec_[0], dict) else None

        def encode(*arrays):
            *flat, y = arrays
            x = flat[0] if columns is None else dict(zip(columns, flat, strict=True))
            tensors = self.encoder.transform(self._rows(x))
            return [*(tensors[name] for name in names), self.target_encoder.transform(self._labels(y))]

        def encode_batch(key, x, y, *weight):
            dtypes = [*(feature.tensors[name].dtype for name in names), target_dtype]
            *inputs, targets = tf.numpy_function(encode, [*tf.nest.flatten(x), y], dtypes)
            for name, tensor in zip(names, inputs, strict=True):
                tensor.set_shape((None, *feature.tensors[name].shape))
            targets.set_shape((None, *self.target_encoder.target_shape))
            weight = [tf.cast(tf.reshape(w, (-1,)), "float32") for w in weight]
            return dict(zip(names, inputs, strict=True)), targets, *weight

        # Keras needs to know where an epoch ends, which a filter hides
        n_batches = tf.data.experimental.assert_cardinality(-(-self.rows[part] // batch_size))
        return examples.batch(batch_size).map(encode_batch).apply(n_batches).prefetch(2)

    def _rows(self, x):
        """Returns a batch as the encoder takes it."""
        if isinstance(x, dict):
            return pd.DataFrame({name: _plain(values.reshape(len(values))) for name, values in x.items()})
        return _plain(x)

    def _labels(self, y):
        y = _plain(y)
        if self.class_names is None:
            return y.reshape(len(y)) if y.ndim == 2 and y.shape[1] == 1 else y
        codes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y)).astype(int)
        return np.array(self.class_names, dtype=object)[codes]


class _Sample:
    """The rows with the smallest keys so far."""

    def __init__(self):
        self._keys, self._parts, self.row_bytes = np.zeros(0, dtype="int64"), None, 0

    def update(self, keys, x, chosen):
        flat = [values[chosen] for values in tf.nest.flatten(x)]
        if self._parts is None:
            self._structure = x
            self.row_bytes = max(1, sum(map(_n_bytes, tf.nest.flatten(x))) // len(keys))
            self._size = max(1, min(_MAX_SAMPLED_ROWS, _MAX_SAMPLED_BYTES // self.row_bytes))
            self._parts = [[values] for values in flat]
            self._keys = keys[chosen]
        else:
            self._keys = np.concatenate([self._keys, keys[chosen]])
            for part, values in zip(self._parts, flat, strict=True):
                part.append(values)
        # cutting only now and then keeps the cost per row constant
        if len(self._keys) > 1.5 * self._size:
            self._cut()

    def values(self):
        self._cut()
        return tf.nest.pack_sequence_as(self._structure, [part[0] for part in self._parts])

    def _cut(self):
        order = np.argsort(self._keys, kind="stable")[: self._size]
        self._keys = self._keys[order]
        self._parts = [[np.concatenate(part)[order]] for part in self._parts]


def _n_bytes(values):
    return values.nbytes + (sum(map(len, values.ravel())) if values.dtype == object else 0)


def _keys_of_missing_labels(keys, labels, training):
    """Returns one key for each label that only validation has, so that training has it too."""
    codes, values = pd.factorize(pd.Series(labels))
    missing = np.setdiff1d(np.arange(len(values)), codes[training])
    return np.array([keys[codes == code].min() for code in missing], dtype="int64")


def _check_dataset(dataset, name):
    """Returns the spec of one example: `(x, y)` or `(x, y, weight)` of pairs (shape, dtype)."""
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(f"`{name}` must be finite. Received: an infinite tf.data.Dataset; use `take(n)`")
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise ValueError(
            f"`{name}` must be a tf.data.Dataset of (x, y) or (x, y, sample_weight). Received: elements of "
            f"{len(spec) if isinstance(spec, (tuple, list)) else 1} part(s)"
        )
    if isinstance(spec[0], (tuple, list)) or isinstance(spec[1], (tuple, list, dict)):
        raise ValueError(
            f"`{name}` must hold one input (a tensor or a dict of columns) and one target tensor"
        )
    batched = _is_batched(spec)

    def example(part):
        shape = part.shape[1:] if batched else part.shape
        if not isinstance(part, tf.TensorSpec) or not shape.is_fully_defined():
            raise ValueError(f"`{name}` must hold dense tensors of fixed shape. Received: {part}")
        return tuple(shape), part.dtype.name

    return tuple(
        {key: example(column) for key, column in sorted(part.items())}
        if isinstance(part, dict)
        else example(part)
        for part in spec
    )


def _is_batched(spec):
    """Whether all parts share a first axis, of unknown or the same length."""
    shapes = [part.shape for part in tf.nest.flatten(spec)]
    if any(shape.rank is None for shape in shapes):
        raise ValueError(
            "`x` must be a tf.data.Dataset of tensors of known rank. Received: tensors of unknown rank"
        )
    return all(shape.rank for shape in shapes) and len({shape[0] for shape in shapes}) == 1


def _infer_kind(spec):
    if isinstance(spec, dict):
        return "table"
    shape, dtype = spec
    if dtype == "string":
        return "text" if int(np.prod(shape)) == 1 else "table"
    return infer_kind(np.zeros((1, *shape), dtype=dtype))


def _plain(values):
    """Returns an array with strings instead of TensorFlow's bytes."""
    values = np.asarray(values)
    if values.dtype != object:
        return values
    return np.vectorize(lambda v: v.decode("utf-8", errors="replace"), otypes=[object])(values)
