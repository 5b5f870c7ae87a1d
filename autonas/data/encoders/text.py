"""Encoder of texts."""

import warnings

import numpy as np
import pandas as pd

from autonas.arguments.checks import check_integer
from autonas.data import masks, sparse_rows
from autonas.data.checks import check_strings
from autonas.data.encoders import ngrams
from autonas.data.encoders import units as units_module
from autonas.data.encoders.base import Encoder, check_rows
from autonas.data.features import Feature, Tensor

#: Number of tokens per row up to which the length is never reduced.
_LENGTH = 512
#: Number of tokens of all training rows up to which longer rows are used: networks read so many in a few seconds.
_MAX_TOKENS = 3_000_000
#: Number of characters for each word of a text above which, and number of words of a text up to which its words may be
#: no words. There are about 6 characters in English, 8 in Finnish, and more than 20 where there are no spaces between
#: words, as in Chinese, addresses and DNA. Names and short sentences of Chinese are one or two words.
_LONG_WORD, _FEW_WORDS = 12, 2
#: Share of the words that must be in another text, too, if they may be no words.
_LEAST_SHARED = 0.5
#: Number of strings per batch, which bounds the memory.
_BATCH = 1024
#: Number of ids without a word: padding and unknown words.
_N_SPECIAL = 2


class TextEncoder(Encoder):
    """Encoder of strings as the tensors `"tokens"` of token ids `(length,)` and `"ngrams"` of ids of n-grams.

    A `keras.layers.TextVectorization` converts the strings to lower case, removes punctuation and splits at white
    space. The id 0 is padding, 1 is an unknown word, and the words follow in the order of falling frequency. Texts with
    hardly any white space and different words, such as Chinese ones, DNA or names, are split at characters: then a
    token is a character, and white space is an unknown token.

    The n-grams are words, pairs of words, single characters of the text as it is written (other than lower-case
    letters, among the first 1,024 characters) and, unless the texts are long, the first word and the first pair of
    words once more, and 2 to 5 characters of a word and the spaces around it as they are written. The id 0 is padding
    or an unknown n-gram.

    The statistics are:

    - `vocabulary_size`: size of the vocabulary, including padding and unknown words.
    - `document_frequency`: number of rows of the training set with a token, after they are cut to `length`;
      `(vocabulary_size,)`.
    - `inverse_document_frequency`: log((1 + rows) / (1 + document_frequency)) + 1, the smooth variant of scikit-learn;
      `(vocabulary_size,)`.
    - `ngram_inverse_document_frequency`: the same as `inverse_document_frequency` for the ids of the n-grams.
    - `ngram_columns`: list of the numbers of columns of `"ngrams"` with words and single characters, and with
      several characters.

    Args:
        max_tokens: Maximum size of the vocabulary, including padding and unknown words, at least 3, or `None` for no
            limit. Defaults to 20,000.
        length: Number of tokens per row, to which longer rows are cut. Defaults to `None`: the 99th percentile of the
            lengths in the training set, limited to 512, or to 3,000,000 divided by the number of training rows if this
            is larger. A warning says if that cuts more rows. The n-grams are of the whole text, up to 25,000,000 ids in
            all training rows.
        has_ngrams: Whether there is the tensor `"ngrams"`. Defaults to `True`.
        has_characters: Whether the n-grams of texts with words are of characters, too. Defaults to `True`.
    """

    kind = "text"
    options_shape = {"max_tokens": (int, None), "length": (int, None), "has_ngrams?": bool, "has_characters?": bool}
    # A list of strings only: if the vocabulary were a single string, Keras would open it as a file.
    state_shape = {
        "vocabulary": [str],
        "split?": ("whitespace", "character"),
        "length": int,
        "n_rows": int,
        "document_frequency": [int],
        "ngrams?": [ngrams.SHAPE],
    }

    #: Name of the column of a table, for warnings, or `None` for an input of texts.
    column = None

    def __init__(self, max_tokens=20000, length=None, has_ngrams=True, has_characters=True):
        self.max_tokens = max_tokens
        self.length = length
        self.has_ngrams = has_ngrams
        self.has_characters = has_characters

    def _options(self):
        names = ("max_tokens", "length", "has_ngrams", "has_characters")
        return {name: getattr(self, name) for name in names}

    def _fit(self, x, rows):
        if self.max_tokens is not None:
            check_integer("max_tokens", self.max_tokens, _N_SPECIAL + 1, "an integer of at least 3, or None")
        if self.length is not None:
            check_integer("length", self.length, 1, "a positive number of tokens, or None")
        strings = as_strings(x)
        check_rows(len(strings))
        training = strings if rows is None else strings[rows]
        if not any(map(str.split, training)):
            raise ValueError("`x` must hold words. Received: only empty strings in the training rows")
        words, units = units_module.sorted_words(training)
        has_words = _has_words(training, units)
        self.split_ = "whitespace" if has_words else "character"
        tokens, used = (words, units) if has_words else units_module.sorted_characters(training)
        # Of equally frequent words, the last one of the alphabet comes first, as in Keras.
        counts = np.bincount(used.codes, minlength=len(tokens))
        most = None if self.max_tokens is None else self.max_tokens - _N_SPECIAL
        order = np.lexsort((-np.arange(len(tokens)), -counts))[:most]
        order = [number for number in order if ngrams.is_term(tokens[number].decode())] or order
        if not has_words:
            order = [number for number in order if not tokens[number].decode().isspace()]
        self.vocabulary_ = [tokens[number].decode() for number in order]
        if not self.vocabulary_:
            raise ValueError("`x` must hold words. Received: only punctuation in the training rows")
        self.length_ = self.length or _length(used.lengths, "words" if has_words else "characters", self.column)
        self.ngrams_ = []
        if self.has_ngrams:
            self.ngrams_ = ngrams.fit(training, words, units, has_words, self.has_characters)
        self._layers = self._ids = None
        size = len(self.vocabulary_) + _N_SPECIAL
        self.n_rows_ = len(training)
        ids = np.ones(len(tokens), "int64")
        ids[order] = np.arange(_N_SPECIAL, size)
        used = used.first(self.length_)
        self.document_frequency_ = units_module.Units(ids[used.codes], used.lengths).row_counts(size)
        self.document_frequency_[0] = np.count_nonzero(used.lengths < self.length_)

    def limit_ngrams(self, n_columns):
        """Leave out n-grams, so that their ids have at most some columns, at least those of single words.

        The n-grams of words are of the `length_` first words. Of the other n-grams, the last ones are left out.
        """
        self.ngrams_ = ngrams.within(self.ngrams_, n_columns, self.length_)
        self._layers = self._ids = None

    @property
    def n_ngrams(self):
        """Number of columns of `"ngrams"`."""
        return sum(group.length for group in self.ngrams_)

    def transform(self, x):
        return {name: np.asarray(array) for name, array in self.compact(x).items()}

    def compact(self, x):
        strings = as_strings(x)
        if getattr(self, "_ids", None) is None:
            self._ids = ngrams.Lookup(self.vocabulary_, self.split_, self.length_, self.ngrams_)
        batches = [self._ids(strings[start : start + _BATCH]) for start in range(0, max(1, len(strings)), _BATCH)]
        tokens, ids = zip(*batches, strict=True)
        arrays = {"tokens": np.concatenate(tokens)}
        return arrays | ({"ngrams": sparse_rows.joined(ids)} if self.ngrams_ else {})

    def raw_inputs(self, x):
        import tensorflow as tf

        return tf.constant(self.raw_arrays(x).tolist())

    def raw_arrays(self, x):
        return as_strings(x)

    def coded(self, raw):
        strings = as_strings(raw)
        groups = [np.concatenate(list(_in_batches(layer, strings))) for layer in self._vectorizations()]
        return np.concatenate(groups, axis=1, dtype="int32")

    def code_book(self):
        book = {"kind": "text", "words": self.vocabulary_, "split": self.split_, "length": self.length_}
        return {None: book | ({"ngrams": [group.code_book() for group in self.ngrams_]} if self.ngrams_ else {})}

    @property
    def feature(self):
        frequency = self.document_frequency_
        statistics = {
            "vocabulary_size": len(frequency),
            "document_frequency": frequency,
            "inverse_document_frequency": np.log((1 + self.n_rows_) / (1 + frequency)) + 1,
        }
        tensors = {"tokens": Tensor((self.length_,), "int32")}
        if self.ngrams_:
            statistics |= ngrams.statistics(self.ngrams_, self.n_rows_)
            tensors["ngrams"] = Tensor((self.n_ngrams,), "int32")
        return Feature("text", tensors, statistics)

    def keras_model(self, strings=True, float64=True):
        import keras

        if strings:
            inputs = keras.Input((), dtype="string", name="text")
            return keras.Model(inputs, self.apply(inputs), name="text_encoder")
        inputs = keras.Input((self.length_ + self.n_ngrams,), dtype="int32", name="text")
        ids = inputs[:, : self.length_], inputs[:, self.length_ :]
        return keras.Model(inputs, self.of_integers(*ids), name="text_encoder")

    def apply(self, strings):
        """Convert a list or a symbolic Keras tensor of strings to a dict of tensors of ids."""
        return self._tensors([layer(strings) for layer in self._vectorizations()])

    def of_integers(self, words, others):
        """Convert symbolic Keras tensors of integers to a dict of tensors of ids.

        Args:
            words: The first `length_` columns of `coded`.
            others: The other columns of `coded`.
        """
        ends = np.cumsum([group.length for group in self.ngrams_]).tolist()
        groups = zip(ends, self.ngrams_, strict=True)
        return self._tensors([words, *(others[:, end - group.length : end] for end, group in groups)])

    def _tensors(self, ids):
        """Return the tensors, a dict, from the list of the ids of `_vectorizations`."""
        from keras import ops

        words, *others = ids
        return {"tokens": ops.cast(words, "int32")} | (
            {"ngrams": ngrams.joined(self.ngrams_, others)} if others else {}
        )

    def _vectorizations(self):
        """Return the layers that convert strings to ids: of words, and of the n-grams."""
        if getattr(self, "_layers", None) is None:
            words = _vectorization(self.vocabulary_, self.split_, self.length_)
            self._layers = [words, *(group.layer() for group in self.ngrams_)]
        return self._layers

    def __getstate__(self):
        return {**self.__dict__, "_layers": None, "_ids": None}

    def _is_fitted(self):
        return hasattr(self, "ngrams_")

    def _get_state(self):
        return {
            "vocabulary": self.vocabulary_,
            "split": self.split_,
            "length": self.length_,
            "n_rows": self.n_rows_,
            "document_frequency": self.document_frequency_.tolist(),
            "ngrams": [dict(vars(group)) for group in self.ngrams_],
        }

    def _set_state(self, state):
        self.vocabulary_, self.length_, self.n_rows_ = state["vocabulary"], state["length"], state["n_rows"]
        self.split_ = state.get("split", "whitespace")
        self.document_frequency_ = np.array(state["document_frequency"], dtype="int64")
        self.ngrams_ = [ngrams.NGrams(**group) for group in state.get("ngrams", [])]


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


def _has_words(strings, units):
    """Return whether white space separates words: most of them are in several texts, or they are short and many.

    Args:
        strings: Array of strings.
        units: The words of each string, `Units`.
    """
    n_words = units.lengths
    if len(strings) < 2 or not n_words.any():
        return True
    n_characters = np.array([len(text) for text in strings])
    # Medians, since some texts may hold long codes.
    is_long = np.median((n_characters / np.maximum(1, n_words))[n_words > 0]) > _LONG_WORD
    if not is_long and np.median(n_words[n_words > 0]) > _FEW_WORDS:
        return True
    counts = units.row_counts(units.codes.max() + 1)
    return bool(np.mean(counts[units.codes] > 1) >= _LEAST_SHARED)


def _length(lengths, units, column=None):
    """Return the number of tokens per row for the lengths of the training rows, and warn if many rows are longer.

    Args:
        lengths: Lengths of the training rows.
        units: Name of the tokens.
        column: Name of the column of a table. Defaults to `None`: the texts are an input.
    """
    most = max(_LENGTH, _MAX_TOKENS // len(lengths))
    length = int(np.clip(np.ceil(np.quantile(lengths, 0.99)), 1, most))
    if length == most and (share := np.mean(lengths > length)) > 0.01:
        texts = "the texts" if column is None else f"the texts of column {column!r}"
        advice = f" Set the argument `length` of autonas.TextInput to read more {units}, which takes more time."
        warnings.warn(
            f"{share:.0%} of {texts} have more than {length} {units}. Networks read the first {length} {units} of a "
            f"text.{advice if column is None else ''}",
            stacklevel=2,
        )
    return length


def _vectorization(vocabulary, split, length):
    import keras

    return keras.layers.TextVectorization(
        standardize="lower_and_strip_punctuation", split=split, vocabulary=vocabulary, output_sequence_length=length
    )


def _in_batches(layer, strings):
    for start in range(0, len(strings), _BATCH):
        yield np.asarray(layer(strings[start : start + _BATCH].tolist()))
