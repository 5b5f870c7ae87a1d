"""Vectors of short strings, by latent semantic analysis of their trigrams of characters."""

import functools
import math
import string

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from autonas.data import term_sums

#: Number of components of a vector.
_N_COMPONENTS = 20
#: Maximum number of trigrams of the vocabulary, and of trigrams to which a string is cut.
_MAX_VOCABULARY, MAX_LENGTH = 2000, 256
#: Maximum number of distinct strings that the vectors are fitted to.
_MAX_STRINGS = 20_000
#: Ids of padding and of unknown trigrams, as in `keras.layers.TextVectorization`.
_N_SPECIAL = 2
#: Number of bits of a character.
_BITS = 21
#: Conversion to lower case (ASCII letters only) without ASCII punctuation, as in `keras.layers.TextVectorization`.
_CLEANED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, string.punctuation)


class TrigramVectors:
    """Vectors of the strings of a column: strings with common trigrams of characters have similar vectors.

    A string is converted to lower case, and its punctuation is removed. The TF-IDF weights of its trigrams, with
    Euclidean norm 1, are projected to the first components of a truncated singular value decomposition. An empty string
    has the vector 0.

    Args:
        trigrams: List of the trigrams of the vocabulary. The id of a trigram is its index + 2. The id 0 is padding, and
            1 is an unknown trigram.
        length: Number of trigrams to which a string is cut.
        table: Integers `(trigrams, components + 1)`: weights of the trigrams in each component, and squares of their
            inverse document frequencies, both as multiples of 2^-12.
    """

    config_shape = {"trigrams": [str], "length": int, "table": [[int]]}

    def __init__(self, trigrams, length, table):
        self.trigrams, self.length = trigrams, max(1, length)
        self.table = np.array(table, dtype="int64").reshape(len(trigrams), -1)

    @classmethod
    def fit(cls, strings):
        """Return the `TrigramVectors` of distinct strings, or `None` if their trigrams don't repeat.

        Args:
            strings: Array of distinct strings.
        """
        chosen = np.unique(np.linspace(0, len(strings) - 1, _MAX_STRINGS).astype(int))
        row, key = _trigrams(strings[chosen], MAX_LENGTH)
        keys, column = np.unique(key, return_inverse=True)
        counts = sparse.csr_matrix((np.ones(len(row)), (row, column)), (len(chosen), len(keys)))
        counts.sum_duplicates()
        frequencies = counts.getnnz(axis=0)
        texts = [_as_text(key) for key in keys]
        usable = np.flatnonzero((frequencies > 1) & np.array([text.isprintable() for text in texts], bool))
        kept = usable[np.argsort(-frequencies[usable], kind="stable")[:_MAX_VOCABULARY]]
        n_components = min(_N_COMPONENTS, len(kept) - 1, len(chosen) - 1)
        if n_components < 1:
            return None
        inverse = np.log((1 + len(chosen)) / (1 + frequencies[kept])) + 1
        counts = counts[:, kept]
        weights = term_sums.tf_idf(counts, inverse)
        _, _, components = randomized_svd(weights, n_components, random_state=0)
        scale = max((weights @ components.T).std(axis=0).max(), term_sums.UNIT)
        table = term_sums.table(components.T / scale, inverse)
        lengths = np.bincount(row, minlength=len(chosen))
        length = math.ceil(np.quantile(lengths, 0.99))
        return cls([texts[index] for index in kept], length, table)

    def ids(self, strings):
        """Return the ids of the trigrams of strings, int32 `(n, length)`, padded with 0."""
        row, key = _trigrams(strings, self.length)
        ids = np.zeros((len(strings), self.length), "int32")
        first = np.searchsorted(row, row)
        ids[row, np.arange(len(row)) - first] = self._ids_of(key)
        return ids

    def transform(self, strings):
        """Return the vectors of strings, float32 `(n, components)`."""
        row, key = _trigrams(strings, self.length)
        ids = self._ids_of(key)
        shape = (len(strings), len(self.trigrams) + _N_SPECIAL)
        sums = sparse.csr_matrix((np.ones(len(row), "float32"), (row, ids)), shape) @ self._weights
        return term_sums.normalised(sums)

    def apply(self, ids):
        """Convert a symbolic Keras tensor of ids `(n, length)` to a tensor of vectors `(n, components)`."""
        import keras

        weights = self._weights
        table = keras.layers.Embedding(*weights.shape, trainable=False, dtype="float32")
        table.build()
        table.set_weights([weights])
        return term_sums.normalised(keras.ops.sum(table(ids), axis=1), keras.ops)

    def symbolic_ids(self, strings):
        """Convert a symbolic Keras tensor of strings `(n,)` to a tensor of ids `(n, length)`."""
        import keras

        layer = keras.layers.TextVectorization(
            standardize="lower_and_strip_punctuation",
            split="character",
            ngrams=(3,),
            vocabulary=[" ".join(trigram) for trigram in self.trigrams],
            output_sequence_length=self.length,
        )
        return keras.ops.cast(layer(strings), "int32")

    def get_config(self):
        return {"trigrams": self.trigrams, "length": self.length, "table": self.table.tolist()}

    def code_book(self):
        """Return the rules by which `ids` converts strings to integers, as in `Encoder.code_book`."""
        return {"trigrams": self.trigrams, "n_trigrams": self.length}

    @property
    def n_components(self):
        """Number of components of a vector."""
        return self.table.shape[1] - 1

    @functools.cached_property
    def _weights(self):
        """Return the weights of all ids, float32 `(ids, components + 1)`."""
        return np.pad(self.table * term_sums.UNIT, ((_N_SPECIAL, 0), (0, 0))).astype("float32")

    @functools.cached_property
    def _vocabulary(self):
        return pd.Index([_key(*map(ord, trigram)) for trigram in self.trigrams], dtype="int64")

    def _ids_of(self, keys):
        """Return the ids of trigrams as integers."""
        return self._vocabulary.get_indexer(keys) + _N_SPECIAL


def _trigrams(strings, length):
    """Return the first trigrams of strings.

    Args:
        strings: Array of strings `(n,)`.
        length: Maximum number of trigrams of a string.

    Returns:
        Tuple of the indices of the strings, ascending, and of the trigrams as integers, in the order of the string.
    """
    cleaned = [text.translate(_CLEANED)[: length + 2] for text in strings]
    characters = np.frombuffer("".join(cleaned).encode("utf-32-le"), "uint32").astype("int64")
    row = np.repeat(np.arange(len(cleaned)), list(map(len, cleaned)))
    within = row[:-2] == row[2:]
    return row[:-2][within], _key(characters[:-2], characters[1:-1], characters[2:])[within]


def _key(first, second, third):
    return (first << 2 * _BITS) | (second << _BITS) | third


def _as_text(key):
    return "".join(chr((int(key) >> shift) % 2**_BITS) for shift in (2 * _BITS, _BITS, 0))
