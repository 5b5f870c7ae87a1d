"""Data that flows through memory: `tf.data.Dataset` in, encoded batches out. TensorFlow only."""

import concurrent.futures

import numpy as np
import pandas as pd
import tensorflow as tf

from autonas.data.checks import check_labels_in_training, check_sample_weight
from autonas.data.encoders.image import check_finite
from autonas.data.kinds import infer_kind
from autonas.data.splits import check_validation_split
from autonas.data.stream_reading import RawRows, ReadingClock

_MAX_SAMPLED_ROWS = 10_000
_MAX_SAMPLED_BYTES = 64 * 2**20
_MAX_SHUFFLED_BYTES = 64 * 2**20
_MAX_SHUFFLED_ROWS = 10_000
_MAX_KEPT_BYTES = 64 * 2**20
_READ_ROWS = 256
_READ_BYTES = 8 * 2**20
_KEY_BITS = 53
#: Shares of the time limit that the first reading may take: of a source that is kept in memory afterwards, and of one
#: that must be read again to train, to validate and for the final fit.
_KEPT_SHARE, _READ_SHARE = 0.5, 0.25


class StreamSource:
    """A `tf.data.Dataset` of `(x, y)` or `(x, y, sample_weight)`, batched or not, that is never loaded
    into memory, unless its encoded rows are at most 64 MB. If its raw rows are so as well, it is read once.

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
        labels: Dict from label to its number of rows in `dataset`, after `fit`; None for numbers.
        some_labels: Array of the first labels, 64 at most, after `fit`.
        train_labels: Array of the labels of the training rows, after `fit`.
        mean_weight: Mean of the sample weights of `dataset`, after `fit`; None without.
        read_seconds: Seconds that another reading takes, after `fit`; 0 if the rows are kept in memory.
    """

    def __init__(self, dataset, kind=None, validation_data=None):
        self.spec = _check_dataset(dataset, "x")
        self.dataset = dataset
        self.validation_data = validation_data
        if validation_data is not None:
            other = _check_dataset(validation_data, "validation_data")
            if other[:2] != self.spec[:2]:
                raise ValueError(
                    f"`validation_data` must have the structure of `x`. Received: {other[:2]} instead of "
                    f"{self.spec[:2]}"
                )
        self.class_names = getattr(dataset, "class_names", None)
        self.kind = kind or _infer_kind(self.spec[0])

    def fit(self, encoder, target_encoder, validation_split=0.2, seed=0, *, time_limit=None):
        """Reads the data once: splits it, fits both encoders and counts the rows.

        All labels are kept (not `x`). The encoder is fitted on a sample of the training rows, the whole if
        they are at most 10,000 and 64 MB: the rows with the smallest hashes, a uniform choice that
        doesn't depend on their order.

        Args:
            encoder: An unfitted `Encoder` of this kind.
            target_encoder: An unfitted `TargetEncoder`.
            validation_split: Share of the rows to validate on; not used with `validation_data`.
            seed: Integer; another one makes another split.
            time_limit: Seconds of the whole search. The reading may take half of them, or a quarter if the rows are too
                large to be kept. Defaults to None: no limit; an endless generator is then read for ever.

        Returns:
            self.

        Raises:
            ValueError: If the rows can't be read, split or encoded, or not within the time limit.
        """
        check_validation_split(validation_split)
        self._keys = _RowKeys(seed)
        share = validation_split if self.validation_data is None else 0.0
        self._threshold = int(share * 2**_KEY_BITS)
        self._kept = np.zeros(0, dtype="int64")
        sample, clock = _Sample(), ReadingClock(time_limit)
        # A source that isn't split may change its rows at each reading.
        raw = RawRows(_MAX_KEPT_BYTES if share else 0)
        keys, labels, weights = self._read(self.dataset, "x", clock, raw, sample)
        validation_labels = labels[:0]
        if self.validation_data is not None:
            validation_labels = self._read(self.validation_data, "validation_data", clock, RawRows(0))[1]
        self.read_seconds = clock.elapsed()
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
        encoder.fit(as_rows(sample.values()))
        self.encoder, self.target_encoder = encoder, target_encoder
        self._row_bytes = sample.row_bytes
        tensors = encoder.feature.tensors.values()
        encoded_bytes = sum(int(np.prod(each.shape)) * np.dtype(each.dtype).itemsize for each in tensors)
        self._is_kept = bool(share) and encoded_bytes * len(keys) <= _MAX_KEPT_BYTES
        self._kept_batches = None
        n_validation = int((~training).sum()) + len(validation_labels)
        self.rows = {"train": int(training.sum()), "validation": n_validation, "all": len(keys)}
        counts = pd.Series(labels).value_counts() if classes else None
        self.some_labels, self.train_labels = labels[:64], labels[training]
        self.labels = None if counts is None else {_item(label): int(n) for label, n in counts.items()}
        self.mean_weight = None if weights is None else float(check_sample_weight(weights).mean())
        if self._is_kept and raw.batches is not None:
            self._kept_batches, self.read_seconds = self._encode_arrays(raw.batches), 0.0
        return self

    def train(self, batch_size, seed=0):
        """Returns the training batches, shuffled anew at each reading; rows that don't fill one sit out.

        A buffer of at most 10,000 rows and 64 MB is shuffled: a larger dataset should not be sorted.

        Args:
            batch_size: Rows per batch.
            seed: Seed of the order.

        Returns:
            `tf.data.Dataset` of `({tensor name: batch}, targets)`, and sample weights if the source has
            them.
        """
        return self._shuffled("train", batch_size, seed)

    def all(self, batch_size, seed=0):
        """Returns the batches of all of `dataset`, not of `validation_data`, shuffled, for the final fit."""
        return self._shuffled("all", batch_size, seed)

    def validation(self, batch_size):
        """Returns the validation batches, in the order of the source, without sample weights."""
        if self.validation_data is not None:
            encoded = self._encode(self.validation_data, "all")
        else:
            encoded = self._encode(self.dataset, "validation")
        return encoded.map(lambda x, y, *_: (x, y)).unbatch().batch(batch_size).prefetch(2)

    def _shuffled(self, part, batch_size, seed):
        fitting = max(_MAX_SHUFFLED_BYTES // self._row_bytes, 2 * batch_size)
        buffer = min(self.rows[part], fitting, _MAX_SHUFFLED_ROWS)
        examples = self._encode(self.dataset, part).unbatch().shuffle(buffer, seed=seed)
        batch_size = min(batch_size, self.rows[part])
        return examples.batch(batch_size, drop_remainder=True).prefetch(2)

    def _read(self, dataset, name, clock, raw, sample=None):
        """Returns keys, labels and weights of all rows, and shows the sample those of the training rows."""
        keys, labels, weights, n_rows = [], [], [], 0
        batches = clock.within_limit(_batches(dataset).as_numpy_iterator())
        try:
            for x, y, *weight in batches:
                _check_finite(x, self.kind, n_rows)
                keys.append(self._keys(x))
                labels.append(as_labels(y, self.class_names))
                weights.extend(part.reshape(-1) for part in weight)
                if sample is not None:
                    sample.update(keys[-1], x, keys[-1] >= self._threshold)
                raw.add((x, y, *weight), sum(map(_n_bytes, tf.nest.flatten((x, y)))))
                n_rows += len(keys[-1])
                clock.share = _READ_SHARE if raw.batches is None else _KEPT_SHARE
        except concurrent.futures.TimeoutError:
            raise ValueError(
                f"`{name}` gave {n_rows:,} rows in {clock.elapsed():.3g} s and didn't end; is it endless? Use "
                f"`take(n)`, or raise `time_limit`, of which reading may take {clock.share:.0%}. "
                f"Received: time_limit={clock.time_limit:g}"
            ) from None
        if not n_rows:
            raise ValueError(f"`{name}` must hold at least one row. Received: an empty dataset")
        return np.concatenate(keys), np.concatenate(labels), np.concatenate(weights) if weights else None

    def _check_same_rows_again(self, keys):
        again = self._keys(next(_batches(self.dataset).as_numpy_iterator())[0])
        if not np.isin(again, keys).all():
            raise ValueError(
                "`x` must give the same rows each time it is read, or they can't be split. Received: other "
                "rows at the second reading (random augmentation?). Pass `validation_data` or augment in the "
                "model."
            )

    def _chosen(self, x, part):
        """Which rows of a batch belong to a part."""
        keys = self._keys(x)
        training = (keys >= self._threshold) | np.isin(keys, self._kept)
        return training if part == "train" else ~training

    def _encode(self, dataset, part):
        """Returns batches, of changing size, of the encoded rows of a part."""
        if not self._is_kept:
            return self._encode_part(dataset, part)
        if self._kept_batches is None:
            self._kept_batches = self._encode_part(dataset, None).cache()
        if part == "all":
            return self._kept_batches.map(lambda training, *batch: batch)

        def choose(training, *batch):
            chosen = training if part == "train" else tf.logical_not(training)
            return tf.nest.map_structure(lambda tensor: tf.boolean_mask(tensor, chosen), batch)

        return self._kept_batches.map(choose)

    def _encode_arrays(self, batches):
        """All encoded rows of batches in memory, and whether they are training rows, in batches."""
        encoded = [
            np.concatenate(arrays) for arrays in zip(*(self._encoded(*each, None) for each in batches), strict=True)
        ]
        training, names = encoded.pop(), list(self.encoder.feature.tensors)
        tensors = dict(zip(names, encoded, strict=False))
        return tf.data.Dataset.from_tensor_slices((training, tensors, *encoded[len(names) :])).batch(_READ_ROWS)

    def _encoded(self, x, y, *rest):
        """The encoded rows of a part of a batch of arrays, a list of arrays.

        Args:
            x: Rows.
            y: Targets.
            *rest: Weights, if there are any, and the name of the part: `None` for all rows, and whether they are
                training rows.
        """
        *weight, part = rest
        parts = [as_rows(x), as_labels(y, self.class_names), *(w.reshape(-1) for w in weight)]
        if part is None:
            training = self._chosen(x, "train")
        elif part != "all":
            chosen = self._chosen(x, part)
            parts = [each[chosen] for each in parts]
        feature = self.encoder.feature
        if len(parts[0]):
            tensors = self.encoder.transform(parts[0])
            targets = self.target_encoder.transform(parts[1])
        else:
            tensors = {name: np.zeros((0, *t.shape), t.dtype) for name, t in feature.tensors.items()}
            targets = np.zeros((0, *self.target_encoder.target_shape), self._target_dtype)
        encoded = [*(tensors[name] for name in feature.tensors), targets, *(w.astype("float32") for w in parts[2:])]
        return encoded if part is not None else [*encoded, training]

    @property
    def _target_dtype(self):
        return "int32" if self.target_encoder.task_ == "multiclass" else "float32"

    def _encode_part(self, dataset, part):
        """Reads and encodes the rows of a part; for None all rows, and whether they are training rows."""
        feature = self.encoder.feature
        names = list(feature.tensors)
        structure = dataset.element_spec

        def encode(*arrays):
            return self._encoded(*tf.nest.pack_sequence_as(structure, arrays), part)

        def encode_batch(*batch):
            shapes = [*(feature.tensors[name].shape for name in names), self.target_encoder.target_shape]
            dtypes = [*(feature.tensors[name].dtype for name in names), self._target_dtype]
            for _ in batch[2:]:
                shapes.append(())
                dtypes.append("float32")
            if part is None:
                shapes.append(())
                dtypes.append("bool")
            encoded = tf.numpy_function(encode, tf.nest.flatten(batch), dtypes)
            for tensor, shape in zip(encoded, shapes, strict=True):
                tensor.set_shape((None, *shape))
            training = [encoded.pop()] if part is None else []
            return *training, dict(zip(names, encoded, strict=False)), *encoded[len(names) :]

        return _batches(dataset).map(encode_batch)


def _check_finite(x, kind, start):
    """Raise a `ValueError` for infinite values, and for NaN in images, in a batch whose first row is row `start`."""
    if kind == "image":
        check_finite(x, start=start)
        return
    for values in tf.nest.flatten(x):
        if values.dtype.kind == "f" and np.isinf(values).any():
            row = start + int(np.argwhere(np.isinf(values))[0][0])
            raise ValueError(f"`x` has an infinite value in row {row}. Remove it or replace it with NaN.")


def stream_batches(dataset, encoder):
    """Yields the batches of a dataset to predict or to score.

    Args:
        dataset: `tf.data.Dataset` of `x`, `(x, y)` or `(x, y, sample_weight)`, batched or not.
        encoder: The fitted encoder of the rows.

    Yields:
        Rows as an encoder takes them, and the rest: an empty list, `[y]` or `[y, sample_weight]`.
    """
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`x` must be finite. Received: an infinite tf.data.Dataset; use `take(n)`")
    spec = dataset.element_spec
    spec = spec[0] if isinstance(spec, tuple) else spec
    # A dataset of rows alone doesn't show whether it is batched.
    rank = {"table": 1, "text": 0}.get(encoder.kind) if not isinstance(spec, dict) else 0
    rank = len(encoder.raw_shape_) if rank is None else rank
    batched = all(part.shape.rank > rank for part in tf.nest.flatten(spec))
    n_rows = 0
    for batch in (dataset if batched else _batch(dataset)).as_numpy_iterator():
        x, *rest = batch if isinstance(batch, tuple) else (batch,)
        rows = as_rows(x)
        n_rows += len(rows)
        yield rows, rest
    if not n_rows:
        raise ValueError("`x` must hold at least one row. Received: an empty dataset")


def as_rows(x):
    """Returns a batch of a dataset, arrays, as an encoder takes it."""
    if isinstance(x, dict):
        return pd.DataFrame({name: _plain(values.reshape(len(values))) for name, values in x.items()})
    return _plain(x)


def as_labels(y, class_names=None):
    """Returns a batch of targets; with `class_names`, those instead of numbers or one-hot vectors."""
    y = _plain(y)
    if class_names is None:
        return y.reshape(len(y)) if y.ndim == 2 and y.shape[1] == 1 else y
    codes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y)).astype(int)
    return np.array(class_names, dtype=object)[codes]


class _RowKeys:
    """Hashes rows: a strongly universal hash of their bytes, sum of a_j x_j + b with random a, b."""

    def __init__(self, seed):
        self._seed = int(seed)
        self._multipliers = {}

    def __call__(self, x):
        parts = tf.nest.flatten(x)
        keys = self._random(len(parts), 1).repeat(len(parts[0]))
        for position, part in enumerate(parts):
            words = _words(np.asarray(part))
            multipliers = self._random(position, words.shape[1])
            step = max(1, 2**18 // max(1, words.shape[1]))
            for start in range(0, len(words), step):
                keys[start : start + step] += words[start : start + step].astype("uint64") @ multipliers
        return (keys >> np.uint64(64 - _KEY_BITS)).astype("int64")

    def _random(self, position, length):
        if (position, length) not in self._multipliers:
            generator = np.random.default_rng([self._seed, position])
            self._multipliers[position, length] = generator.integers(2**64, size=length, dtype="uint64")
        return self._multipliers[position, length]


def _words(part):
    """Rows as unsigned 32-bit words, zeros after their last byte."""
    if part.dtype == object:
        part = pd.util.hash_array(part.reshape(-1)).reshape(len(part), -1)
    octets = np.ascontiguousarray(part).reshape(len(part), part.size // len(part)).view("uint8")
    missing = -octets.shape[1] % 4
    return (np.pad(octets, [(0, 0), (0, missing)]) if missing else octets).view("uint32")


class _Sample:
    """The rows with the smallest keys so far."""

    def __init__(self):
        self._keys, self._parts, self.row_bytes = np.zeros(0, dtype="int64"), None, 1

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
        raise ValueError(f"`{name}` must hold one input (a tensor or a dict of columns) and one target tensor")
    batched = _is_batched(spec)

    def example(part):
        shape = part.shape[1:] if batched else part.shape
        if not isinstance(part, tf.TensorSpec) or not shape.is_fully_defined():
            raise ValueError(f"`{name}` must hold dense tensors of fixed shape. Received: {part}")
        if 0 in shape:
            raise ValueError(f"`{name}` must hold rows of at least one value. Received: rows of shape {tuple(shape)}")
        return tuple(shape), part.dtype.name

    return tuple(
        {key: example(column) for key, column in sorted(part.items())} if isinstance(part, dict) else example(part)
        for part in spec
    )


def _is_batched(spec):
    """Whether all parts share a first axis, of unknown or the same length."""
    shapes = [part.shape for part in tf.nest.flatten(spec)]
    if any(shape.rank is None for shape in shapes):
        raise ValueError("`x` must be a tf.data.Dataset of tensors of known rank. Received: tensors of unknown rank")
    return all(shape.rank for shape in shapes) and len({shape[0] for shape in shapes}) == 1


def _infer_kind(spec):
    if isinstance(spec, dict):
        return "table"
    shape, dtype = spec
    if dtype == "string":
        return "text" if int(np.prod(shape)) == 1 else "table"
    return infer_kind(np.zeros((1, *shape), dtype=dtype))


def _batches(dataset):
    return dataset if _is_batched(dataset.element_spec) else _batch(dataset)


def _batch(dataset):
    return dataset.batch(int(np.clip(_READ_BYTES // row_bytes(dataset.element_spec), 1, _READ_ROWS)))


def row_bytes(spec, batched=False):
    """Returns the bytes of a row of tensors of known shape (strings count as pointers), at least 1."""
    shapes = [(part.shape[1:] if batched else part.shape, part.dtype.size) for part in tf.nest.flatten(spec)]
    return max(1, sum((shape.num_elements() or 1) * max(1, size) for shape, size in shapes))


def _item(value):
    return value.item() if isinstance(value, np.generic) else value


def _plain(values):
    """Returns an array with strings instead of TensorFlow's bytes."""
    values = np.asarray(values)
    if values.dtype != object:
        return values
    return np.vectorize(lambda v: v.decode("utf-8", errors="replace"), otypes=[object])(values)
