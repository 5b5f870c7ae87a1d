"""Streams of rows that don't fit into memory: encoding of the batches of a `tf.data.Dataset`. Requires TensorFlow."""

import concurrent.futures

import numpy as np
import pandas as pd
import tensorflow as tf

from autonas.arguments.scalars import plain
from autonas.data.checks import check_labels_in_training, check_sample_weight
from autonas.data.encoders.image import check_finite
from autonas.data.fit_data import FitData
from autonas.data.splits import validation_share
from autonas.data.stream_reading import RawRows, ReadingClock
from autonas.data.stream_sampling import (
    KEY_BITS,
    RowKeys,
    Sample,
    key_of_spare_row,
    keys_of_missing_labels,
    n_bytes,
)
from autonas.data.stream_structure import READ_ROWS, as_labels, as_rows, batches_of, check_dataset, kind_of

#: Maximum size of the buffer in which rows are shuffled.
_MAX_SHUFFLED_ROWS, _MAX_SHUFFLED_BYTES = 10_000, 64 * 2**20
#: Maximum size of the rows that are cached in memory.
_MAX_KEPT_BYTES = 64 * 2**20
#: Maximum number of labels in `some_labels`, on which metrics and losses are tested before the search.
_N_SOME_LABELS = 64
#: Maximum fraction of the time limit for the first pass over a source: if its rows are cached in memory afterwards, and
#: if the source must be read again for training, for validation and for the final fit.
_CACHED_SHARE, _READ_SHARE = 0.5, 0.25


class StreamSource:
    """Source of encoded batches from a `tf.data.Dataset`, read from the dataset in every epoch.

    If the encoded rows take at most 64 MB, they are cached in memory. If the raw rows take at most 64 MB, too, the
    dataset is read only once.

    A hash of its `x` assigns a row to the training set or the validation set. The position can't, since the order of a
    dataset can change with every pass (as for `keras.utils.image_dataset_from_directory`). Equal rows are therefore in
    the same set. A dataset with random augmentation can't be split by a hash: pass `validation_data`.

    Args:
        dataset: Finite `tf.data.Dataset` of `(x, y)` or `(x, y, sample_weight)`, batched or not. `x` is a tensor of
            fixed shape (images, series, numeric rows, strings) or a dict of columns with one value per row. `y` is a
            tensor. If the dataset has the attribute `class_names`, its labels are these names.
        kind: Kind of data, `"image"`, `"table"`, `"text"` or `"series"`. Defaults to `None`: inferred from the shape
            and dtype of `x`.
        validation_data: Dataset of the same structure with the validation set. Defaults to `None`: split from
            `dataset`.

    Attributes:
        rows: Dict with the number of rows of `"train"`, `"validation"` and `"all"` (all rows of `dataset`). Set by
            `fit`, as are the following attributes.
        labels: Dict from a label to the number of its rows in `dataset`, or `None` for regression.
        some_labels: Array of the first labels, at most 64.
        train_labels: Array of the labels of the training set.
        mean_weight: Mean of the sample weights of `dataset`, or `None` without sample weights.
        read_seconds: Duration of a further pass over the dataset, 0 if the dataset needn't be read again.
    """

    def __init__(self, dataset, kind=None, validation_data=None):
        self.spec = check_dataset(dataset, "x")
        self.dataset = dataset
        self.validation_data = validation_data
        if validation_data is not None:
            other = check_dataset(validation_data, "validation_data")
            if other[:2] != self.spec[:2]:
                raise ValueError(
                    f"`validation_data` must have the structure of `x`. Received: {other[:2]} instead of "
                    f"{self.spec[:2]}"
                )
        self.class_names = getattr(dataset, "class_names", None)
        self.kind = kind or kind_of(self.spec[0])

    def fit(self, encoder, target_encoder, validation_split=None, seed=0, *, time_limit=None):
        """Read the dataset once to split it, to fit both encoders, and to count the rows.

        All labels stay in memory. The encoder is fitted to a sample of the training set, or to the whole training set
        if it has at most 10,000 rows and 64 MB. The sample has the rows with the smallest hashes: a uniform sample that
        doesn't depend on the order of the rows.

        Args:
            encoder: An unfitted `Encoder` for the kind of data.
            target_encoder: An unfitted `TargetEncoder`.
            validation_split: Fraction of the rows in the validation set. Ignored with `validation_data`. Defaults to
                `None`: 0.2, since the number of rows isn't known before they are read.
            seed: Seed of the split, an integer. Defaults to 0.
            time_limit: Time limit of the whole search in seconds. The pass may take half of it, or a quarter if the
                rows are too large to be cached. Defaults to `None`: no limit, so that a pass over an endless generator
                never ends.

        Returns:
            self.

        Raises:
            ValueError: If the rows can't be read, split or encoded, or if the pass exceeds its time.
        """
        validation_split = validation_share(validation_split, n_rows=1)
        self._keys = RowKeys(seed)
        share = validation_split if self.validation_data is None else 0.0
        self._threshold = int(share * 2**KEY_BITS)
        self._keys_moved_to_training = self._keys_moved_to_validation = np.zeros(0, dtype="int64")
        sample, clock = Sample(), ReadingClock(time_limit)
        # A dataset that isn't split can have random augmentation, so its rows must be read again in every epoch.
        needs_all_rows = self.kind != "image"
        raw = RawRows(_MAX_KEPT_BYTES if share or needs_all_rows else 0)
        keys, labels, weights = self._read(self.dataset, "x", clock, raw, sample)
        validation_labels, raw_validation = labels[:0], RawRows(_MAX_KEPT_BYTES if needs_all_rows else 0)
        if self.validation_data is not None:
            _, validation_labels, _ = self._read(self.validation_data, "validation_data", clock, raw_validation)
        self.read_seconds = clock.elapsed()
        all_labels = np.concatenate([labels, validation_labels])
        classes = target_encoder.fit(all_labels).task_ in ("binary", "multiclass")
        training = self._is_training(keys)
        if classes and share:
            self._keys_moved_to_training = keys_of_missing_labels(keys, labels, training)
            training = self._is_training(keys)
        if share and training.all():
            # All of a few rows may have large hashes.
            self._keys_moved_to_validation = key_of_spare_row(keys, labels if classes else np.zeros(len(keys)))
            training = self._is_training(keys)
        if not training.any() or (share and training.all()):
            raise ValueError(
                "`x` must hold enough different rows for training and validation. Received: "
                f"{len(keys)} rows, {int(training.sum())} of them for training"
            )
        returns_same_rows = (share or needs_all_rows) and self._returns_same_rows(keys)
        if share and not returns_same_rows:
            raise ValueError(
                "`x` must return the same rows each time it is read, or it can't be split into training set and "
                "validation set. Received: different rows in the second pass (random augmentation?). Pass "
                "`validation_data`, or augment in the model."
            )
        if classes:
            check_labels_in_training(labels[training], validation_labels)
        weights = None if weights is None else check_sample_weight(weights)
        if weights is not None and not weights[training].any():
            raise ValueError(
                "The weights in `x` must leave a weight above zero among the training rows. Received: weights of zero "
                f"for all {int(training.sum())} training rows. Leave out these rows, or pass `validation_data`."
            )
        target_encoder.fit(all_labels, np.flatnonzero(training), weights)
        encoder.fit(as_rows(sample.values()))
        self.encoder, self.target_encoder = encoder, target_encoder
        self._row_bytes = sample.row_bytes
        tensors = encoder.feature.tensors.values()
        encoded_bytes = sum(int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize for tensor in tensors)
        self._is_cached = bool(share) and encoded_bytes * len(keys) <= _MAX_KEPT_BYTES
        #: Dict from subset to its encoded examples, whose functions are traced once.
        self._examples = {}
        self._cached_batches, self._raw = None, (keys, raw.batches, raw_validation.batches)
        n_validation = int((~training).sum()) + len(validation_labels)
        self.rows = {"train": int(training.sum()), "validation": n_validation, "all": len(keys)}
        counts = pd.Series(labels).value_counts() if classes else None
        self.some_labels, self.train_labels = labels[:_N_SOME_LABELS], labels[training]
        self.labels = None if counts is None else {plain(label): int(n) for label, n in counts.items()}
        self.mean_weight = None if weights is None else float(weights.mean())
        if self._is_cached and raw.batches is not None:
            self.read_seconds = 0.0
        self._fits_into_memory = needs_all_rows and returns_same_rows and None not in self._raw[1:]
        return self

    @property
    def facts(self):
        """Properties that a continued search must share with the earlier one, in JSON. Rows aren't hashed."""
        labels = self.labels
        if labels is not None:
            labels = {str(label): labels[label] for label in sorted(labels, key=str)}
        return {"structure": repr(self.spec), "rows": self.rows, "labels": labels}

    def arrays(self):
        """Return the rows in memory, or `None` if they must be read from the dataset in every epoch.

        Tables, texts and series have candidates that need all rows at once, such as trees, ridge regressions and linear
        models of words. Their rows are in memory if they take at most 64 MB and are the same in every pass. The rows
        are in the order of their hashes, which doesn't depend on the order of the dataset.

        Returns:
            The `FitData`, or `None` for images and for large or changing datasets.
        """
        if not self._fits_into_memory:
            return None
        keys, batches, validation_batches = self._raw
        order = np.argsort(keys, kind="stable")
        x, y, *weight = (
            values.iloc[order] if hasattr(values, "iloc") else values[order] for values in self._joined(batches)
        )
        validation_data = tuple(self._joined(validation_batches)[:2]) if validation_batches else None
        return FitData(x, y, *weight, validation_data=validation_data)

    def train(self, batch_size, seed=0):
        """Return the batches of the training set, shuffled in every epoch, without an incomplete last batch.

        The rows are shuffled in a buffer of at most 10,000 rows and 64 MB. A larger dataset shouldn't be sorted by
        label.

        Args:
            batch_size: Number of rows per batch.
            seed: Seed of the order. Defaults to 0.

        Returns:
            `tf.data.Dataset` of `(inputs, targets)`, or `(inputs, targets, sample_weight)` for a dataset with sample
            weights. `inputs` is a dict from the name of a tensor to a batch.
        """
        return self._shuffled("train", batch_size, seed)

    def all(self, batch_size, seed=0):
        """Return the batches of all rows of `dataset` for the final fit, as in `train`."""
        return self._shuffled("all", batch_size, seed)

    def validation(self, batch_size):
        """Return the batches of the validation set, in the order of the dataset, without sample weights."""
        if self.validation_data is not None:
            encoded = self._encode(self.validation_data, "all")
        else:
            encoded = self._encode(self.dataset, "validation")
        return encoded.map(lambda x, y, *_: (x, y)).unbatch().batch(batch_size).prefetch(2)

    def _shuffled(self, subset, batch_size, seed):
        """Return the shuffled batches of a subset, `"train"` or `"all"`."""
        n_fitting = max(_MAX_SHUFFLED_BYTES // self._row_bytes, 2 * batch_size)
        buffer = min(self.rows[subset], n_fitting, _MAX_SHUFFLED_ROWS)
        if subset not in self._examples:
            self._examples[subset] = self._encode(self.dataset, subset).unbatch()
        batch_size = min(batch_size, self.rows[subset])
        return self._examples[subset].shuffle(buffer, seed=seed).batch(batch_size, drop_remainder=True).prefetch(2)

    def _read(self, dataset, name, clock, raw, sample=None):
        """Read a dataset once.

        Args:
            dataset: The `tf.data.Dataset`.
            name: Name of the argument of `fit` for error messages.
            clock: The `ReadingClock`.
            raw: The `RawRows` to which the batches are added.
            sample: The `Sample` to which the rows of the training set are added. Defaults to `None`.

        Returns:
            Keys, labels and sample weights (or `None`) of all rows.
        """
        keys, labels, weights, n_rows = [], [], [], 0
        batches = clock.within_limit(batches_of(dataset).as_numpy_iterator())
        try:
            for x, y, *weight in batches:
                _check_finite(x, self.kind, n_rows)
                keys.append(self._keys(x))
                labels.append(as_labels(y, self.class_names))
                weights.extend(array.reshape(-1) for array in weight)
                if sample is not None:
                    sample.update(keys[-1], x, keys[-1] >= self._threshold)
                raw.add((x, y, *weight), sum(map(n_bytes, tf.nest.flatten((x, y)))))
                n_rows += len(keys[-1])
                clock.share = _READ_SHARE if raw.batches is None else _CACHED_SHARE
        except concurrent.futures.TimeoutError:
            raise ValueError(
                f"`{name}` gave {n_rows:,} rows in {clock.elapsed():.3g} s and didn't end; is it endless? Use "
                f"`take(n)`, or raise `time_limit`, of which reading may take {clock.share:.0%}. "
                f"Received: time_limit={clock.time_limit:g}"
            ) from None
        if not n_rows:
            raise ValueError(f"`{name}` must hold at least one row. Received: an empty dataset")
        return np.concatenate(keys), np.concatenate(labels), np.concatenate(weights) if weights else None

    def _returns_same_rows(self, keys):
        """Return whether a second pass over the dataset begins with rows of the first pass, which have these keys."""
        keys_of_second_pass = self._keys(next(batches_of(self.dataset).as_numpy_iterator())[0])
        return bool(np.isin(keys_of_second_pass, keys).all())

    def _chosen(self, x, subset):
        """Return a mask of the rows of a batch that belong to a subset, `"train"` or `"validation"`."""
        training = self._is_training(self._keys(x))
        return training if subset == "train" else ~training

    def _is_training(self, keys):
        """Return a mask of the keys of the rows of the training set."""
        training = (keys >= self._threshold) & ~np.isin(keys, self._keys_moved_to_validation)
        return training | np.isin(keys, self._keys_moved_to_training)

    def _encode(self, dataset, subset):
        """Return the encoded rows of a subset, in batches of varying size.

        Args:
            dataset: The `tf.data.Dataset`.
            subset: `"train"`, `"validation"` or `"all"`.
        """
        if not self._is_cached:
            return self._encode_subset(dataset, subset)
        if self._cached_batches is None:
            _, batches, _ = self._raw
            self._cached_batches = (
                self._encode_subset(dataset, None).cache() if batches is None else self._encode_arrays(batches)
            )
            self._raw = None
        if subset == "all":
            return self._cached_batches.map(lambda training, *batch: batch)

        def choose(training, *batch):
            chosen = training if subset == "train" else tf.logical_not(training)
            return tf.nest.map_structure(lambda tensor: tf.boolean_mask(tensor, chosen), batch)

        return self._cached_batches.map(choose)

    def _joined(self, batches):
        """Return the rows, labels and sample weights, if any, of all batches."""
        xs, ys, *weights = zip(*batches, strict=True)
        rows = [as_rows(x) for x in xs]
        rows = pd.concat(rows, ignore_index=True) if isinstance(rows[0], pd.DataFrame) else np.concatenate(rows)
        labels = np.concatenate([as_labels(y, self.class_names) for y in ys])
        return [rows, labels, *(np.concatenate([batch.reshape(-1) for batch in weight]) for weight in weights)]

    def _encode_arrays(self, batches):
        """Return a dataset of the encoded rows of batches in memory, with a mask of the training set first."""
        encoded = [
            np.concatenate(arrays) for arrays in zip(*(self._encoded(*batch, None) for batch in batches), strict=True)
        ]
        training, names = encoded.pop(), list(self.encoder.feature.tensors)
        tensors = dict(zip(names, encoded, strict=False))
        return tf.data.Dataset.from_tensor_slices((training, tensors, *encoded[len(names) :])).batch(READ_ROWS)

    def _encoded(self, x, y, *rest):
        """Encode the rows of a subset of a batch.

        Args:
            x: Rows.
            y: Targets.
            *rest: Sample weights, if any, and the name of the subset, or `None` for all rows with a mask of the
                training set.

        Returns:
            List of arrays: the tensors of the input, the targets, the sample weights if any, and the mask if requested.
        """
        *weight, subset = rest
        arrays = [as_rows(x), as_labels(y, self.class_names), *(w.reshape(-1) for w in weight)]
        if subset is None:
            training = self._chosen(x, "train")
        elif subset != "all":
            chosen = self._chosen(x, subset)
            arrays = [array[chosen] for array in arrays]
        feature = self.encoder.feature
        if len(arrays[0]):
            tensors = self.encoder.transform(arrays[0])
            targets = self.target_encoder.transform(arrays[1])
        else:
            tensors = {name: np.zeros((0, *t.shape), t.dtype) for name, t in feature.tensors.items()}
            targets = np.zeros((0, *self.target_encoder.target_shape), self._target_dtype)
        encoded = [*(tensors[name] for name in feature.tensors), targets, *(w.astype("float32") for w in arrays[2:])]
        return encoded if subset is not None else [*encoded, training]

    @property
    def _target_dtype(self):
        return "int32" if self.target_encoder.task_ == "multiclass" else "float32"

    def _encode_subset(self, dataset, subset):
        """Return the batches of `_encoded` for all batches of a dataset."""
        feature = self.encoder.feature
        names = list(feature.tensors)
        structure = dataset.element_spec

        def encode(*arrays):
            return self._encoded(*tf.nest.pack_sequence_as(structure, arrays), subset)

        def encode_batch(*batch):
            shapes = [*(feature.tensors[name].shape for name in names), self.target_encoder.target_shape]
            dtypes = [*(feature.tensors[name].dtype for name in names), self._target_dtype]
            for _ in batch[2:]:
                shapes.append(())
                dtypes.append("float32")
            if subset is None:
                shapes.append(())
                dtypes.append("bool")
            encoded = tf.numpy_function(encode, tf.nest.flatten(batch), dtypes)
            for tensor, shape in zip(encoded, shapes, strict=True):
                tensor.set_shape((None, *shape))
            training = [encoded.pop()] if subset is None else []
            return *training, dict(zip(names, encoded, strict=False)), *encoded[len(names) :]

        return batches_of(dataset).map(encode_batch)


def _check_finite(x, kind, start):
    """Raise a `ValueError` if a batch has infinite values or, for images, NaN.

    Args:
        x: Rows of the batch.
        kind: Kind of data.
        start: Index of the first row of the batch, for the error message.
    """
    if kind == "image":
        check_finite(x, start=start)
        return
    for values in tf.nest.flatten(x):
        if values.dtype.kind == "f" and np.isinf(values).any():
            row = start + int(np.argwhere(np.isinf(values))[0][0])
            raise ValueError(f"`x` has an infinite value in row {row}. Remove it or replace it with NaN.")
