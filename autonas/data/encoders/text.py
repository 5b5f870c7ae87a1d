"""Encoder of texts."""

import numpy as np
import pandas as pd

from autonas.data import masks
from autonas.data.checks import check_strings
from autonas.data.encoders.base import Encoder, check_rows
from autonas.data.features import Feature, Tensor

#: Maximum number of tokens per row, unless `length` is set.
_MAX_LENGTH = 512
#: Number of strings per batch, which bounds the memory.
_BATCH = 4096


class TextEncoder(Encoder):
    """Encoder of strings as the tensor `"tokens"` of token ids `(length,)`.

    A `keras.layers.TextVectorization` converts the strings to lower case, removes punctuation and splits at white
    space. The id 0 is padding, 1 is an unknown word, and the words follow in the order of falling frequency.

    The statistics are:

    - `vocabulary_size`: size of the vocabulary, including padding and unknown words.
    - `document_frequency`: number of rows of the training set with a token, after they are cut to `length`;
      `(vocabulary_size,)`.
    - `inverse_document_frequency`: log((1 + rows) / (1 + document_frequency)) + 1, the smooth variant of scikit-learn;
      `(vocabulary_size,)`.

    Args:
        max_tokens: Maximum size of the vocabulary, including padding and unknown words. Defaults to 20,000.
        length: Number of tokens per row, to which longer rows are cut. Defaults to `None`: the 99th percentile of the
            lengths in the training set, at most 512.
    """

    kind = "text"
    options_shape = {"max_tokens": (int, None), "length": (int, None)}
    # A list of strings only: if the vocabulary were a single string, Keras would open it as a file.
    state_shape = {"vocabulary": [str], "length": int, "n_rows": int, "document_frequency": [int]}

    def __init__(self, max_tokens=20000, length=None):
        self.max_tokens = max_tokens
        self.length = length

    def _options(self):
        return {"max_tokens": self.max_tokens, "length": self.length}

    def _fit(self, x, rows):
        strings = as_strings(x)
        check_rows(len(strings))
        training = strings if rows is None else strings[rows]
        if not any(map(str.split, training)):
            raise ValueError("`x` must hold words. Received: only empty strings in the training rows")
        layer = _vectorization(max_tokens=self.max_tokens)
        layer.adapt(training.tolist())
        self.vocabulary_ = [str(token) for token in layer.get_vocabulary()[2:]]
        if not self.vocabulary_:
            raise ValueError("`x` must hold words. Received: only punctuation in the training rows")
        lengths = np.concatenate([(ids != 0).sum(axis=1) for ids in _in_batches(layer, training)])
        self.length_ = self.length or int(np.clip(np.ceil(np.quantile(lengths, 0.99)), 1, _MAX_LENGTH))
        self._layer = None
        size = len(self.vocabulary_) + 2
        self.n_rows_ = len(training)
        self.document_frequency_ = np.zeros(size, dtype="int64")
        for ids in _in_batches(self._vectorization(), training):
            ids = np.sort(ids, axis=1)
            first = np.diff(ids, axis=1, prepend=-1) != 0
            self.document_frequency_ += np.bincount(ids[first], minlength=size)

    def transform(self, x):
        strings = as_strings(x)
        if len(strings) == 0:
            return {"tokens": np.zeros((0, self.length_), dtype="int32")}
        ids = [batch.astype("int32") for batch in _in_batches(self._vectorization(), strings)]
        return {"tokens": np.concatenate(ids)}

    def raw_inputs(self, x):
        import tensorflow as tf

        return tf.constant(self.raw_arrays(x).tolist())

    def raw_arrays(self, x):
        return as_strings(x)

    def coded(self, raw):
        return self.transform(raw)["tokens"]

    def code_book(self):
        return {None: {"kind": "text", "words": self.vocabulary_, "length": self.length_}}

    @property
    def feature(self):
        frequency = self.document_frequency_
        statistics = {
            "vocabulary_size": len(frequency),
            "document_frequency": frequency,
            "inverse_document_frequency": np.log((1 + self.n_rows_) / (1 + frequency)) + 1,
        }
        return Feature("text", {"tokens": Tensor((self.length_,), "int32")}, statistics)

    def keras_model(self, strings=True, float64=True):
        import keras

        if strings:
            inputs = keras.Input((), dtype="string", name="text")
            return keras.Model(inputs, {"tokens": self.apply(inputs)}, name="text_encoder")
        inputs = keras.Input((self.length_,), dtype="int32", name="text")
        return keras.Model(inputs, {"tokens": keras.layers.Identity(dtype="int32")(inputs)}, name="text_encoder")

    def apply(self, strings):
        """Convert a symbolic Keras tensor of strings to a symbolic tensor of token ids."""
        import keras

        layer = _vectorization(vocabulary=self.vocabulary_, output_sequence_length=self.length_)
        return keras.ops.cast(layer(strings), "int32")

    def _vectorization(self):
        if getattr(self, "_layer", None) is None:
            self._layer = _vectorization(vocabulary=self.vocabulary_, output_sequence_length=self.length_)
        return self._layer

    def __getstate__(self):
        return {**self.__dict__, "_layer": None}

    def _is_fitted(self):
        return hasattr(self, "document_frequency_")

    def _get_state(self):
        return {
            "vocabulary": self.vocabulary_,
            "length": self.length_,
            "n_rows": self.n_rows_,
            "document_frequency": self.document_frequency_.tolist(),
        }

    def _set_state(self, state):
        self.vocabulary_, self.length_, self.n_rows_ = state["vocabulary"], state["length"], state["n_rows"]
        self.document_frequency_ = np.array(state["document_frequency"], dtype="int64")


def as_strings(x):
    """Convert strings to an object array of str, with missing and masked values as empty strings.

    Args:
        x: List, array or Series of strings or bytes, or a DataFrame with one column.

    Raises:
        ValueError: If `x` has several columns, or a value isn't a string.
    """
    x = masks.with_missing(x)
    if isinstance(x, pd.DataFrame):
        if x.shape[1] != 1:
            raise ValueError(f"`x` must hold one column of strings. Received: {x.shape[1]} columns")
        x = x.iloc[:, 0]
    if not isinstance(x, pd.Series):
        values = np.asarray(x, dtype=object)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise ValueError(f"`x` must hold strings, one per row. Received: an array of shape {values.shape}")
        x = pd.Series(values, dtype=object)
    values = x.astype(object).to_numpy(copy=True)
    values[x.isna().to_numpy()] = ""
    for index, value in enumerate(values):
        if isinstance(value, bytes):
            values[index] = value.decode("utf-8", errors="replace")
        elif not isinstance(value, str):
            raise ValueError(f"`x` must hold strings. Received: {type(value).__name__} at index {index}")
    check_strings(values, "`x`")
    return values


def _vectorization(**options):
    import keras

    return keras.layers.TextVectorization(standardize="lower_and_strip_punctuation", **options)


def _in_batches(layer, strings):
    for start in range(0, len(strings), _BATCH):
        yield np.asarray(layer(strings[start : start + _BATCH].tolist()))
