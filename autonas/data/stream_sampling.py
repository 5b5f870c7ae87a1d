"""Hashes of the rows of a stream, and the sample of the rows with the smallest hashes. Requires TensorFlow."""

import numpy as np
import pandas as pd
import tensorflow as tf

#: Maximum size of the sample to which the encoder is fitted.
_MAX_SAMPLED_ROWS, _MAX_SAMPLED_BYTES = 10_000, 64 * 2**20
#: Number of bits of the hash of a row.
KEY_BITS = 53


class RowKeys:
    """Strongly universal hash function of rows: sum of a_j x_j + b over their 32-bit words x_j, with random a_j and b.

    Args:
        seed: Seed of a_j and b, an integer.
    """

    def __init__(self, seed):
        self._seed = int(seed)
        self._multipliers = {}

    def __call__(self, x):
        arrays = tf.nest.flatten(x)
        keys = self._random(len(arrays), 1).repeat(len(arrays[0]))
        for position, array in enumerate(arrays):
            words = _words(np.asarray(array))
            multipliers = self._random(position, words.shape[1])
            step = max(1, 2**18 // max(1, words.shape[1]))
            for start in range(0, len(words), step):
                keys[start : start + step] += words[start : start + step].astype("uint64") @ multipliers
        return (keys >> np.uint64(64 - KEY_BITS)).astype("int64")

    def _random(self, position, length):
        if (position, length) not in self._multipliers:
            generator = np.random.default_rng([self._seed, position])
            self._multipliers[position, length] = generator.integers(2**64, size=length, dtype="uint64")
        return self._multipliers[position, length]


def _words(array):
    """Return the rows of an array as unsigned 32-bit words, padded with zeros."""
    if array.dtype == object:
        array = pd.util.hash_array(array.reshape(-1)).reshape(len(array), -1)
    octets = np.ascontiguousarray(array).reshape(len(array), array.size // len(array)).view("uint8")
    padding = -octets.shape[1] % 4
    return (np.pad(octets, [(0, 0), (0, padding)]) if padding else octets).view("uint32")


class Sample:
    """Sample of the rows with the smallest keys."""

    def __init__(self):
        self._keys, self._chunks, self.row_bytes = np.zeros(0, dtype="int64"), None, 1

    def update(self, keys, x, chosen):
        """Add rows to the sample.

        Args:
            keys: Keys of the rows of a batch.
            x: Rows of the batch.
            chosen: Mask of the rows to add.
        """
        arrays = [values[chosen] for values in tf.nest.flatten(x)]
        if self._chunks is None:
            self._structure = x
            self.row_bytes = max(1, sum(map(n_bytes, tf.nest.flatten(x))) // len(keys))
            self._size = max(1, min(_MAX_SAMPLED_ROWS, _MAX_SAMPLED_BYTES // self.row_bytes))
            self._chunks = [[array] for array in arrays]
            self._keys = keys[chosen]
        else:
            self._keys = np.concatenate([self._keys, keys[chosen]])
            for chunks, array in zip(self._chunks, arrays, strict=True):
                chunks.append(array)
        # Cut only when the sample is half as large again, so that the cost per row is constant.
        if len(self._keys) > 1.5 * self._size:
            self._cut()

    def values(self):
        """Return the rows of the sample, with the structure of a batch."""
        self._cut()
        return tf.nest.pack_sequence_as(self._structure, [chunks[0] for chunks in self._chunks])

    def _cut(self):
        order = np.argsort(self._keys, kind="stable")[: self._size]
        self._keys = self._keys[order]
        self._chunks = [[np.concatenate(chunks)[order]] for chunks in self._chunks]


def n_bytes(values):
    """Return the size of an array in bytes, with the bytes of its strings."""
    return values.nbytes + (sum(map(len, values.ravel())) if values.dtype == object else 0)


def keys_of_missing_labels(keys, labels, training):
    """Return the key of one row for every label that doesn't occur in the training set."""
    codes, values = pd.factorize(pd.Series(labels))
    missing = np.setdiff1d(np.arange(len(values)), codes[training])
    return np.array([keys[codes == code].min() for code in missing], dtype="int64")


def key_of_spare_row(keys, labels):
    """Return the smallest key of a row with whose label there are rows of other keys, an array of at most one key."""
    distinct = pd.DataFrame({"key": keys, "label": labels}).drop_duplicates()
    return distinct.key[distinct.label.duplicated(keep=False)].nsmallest(1).to_numpy("int64")
