"""Column of categories or texts in a table."""

import functools

import numpy as np
import pandas as pd

from autonas.data.encoders import units
from autonas.data.encoders.text import TextEncoder
from autonas.data.encoders.trigrams import MAX_LENGTH, TrigramVectors

#: Maximum number of codes, including that of unknown categories.
_MAX_CATEGORIES = 10_000
#: Number of categories above which categories of a single row are unknown, if they hold more than a share of the rows.
#: Such a column is nearly an identifier, by which a network would know the training rows.
_RARE_FROM, _IDENTIFIER_SHARE = 50, 0.5
#: Number of categories above which their strings have vectors, if more than a share of the rows are of categories with
#: fewer rows. The mean of the target is known for categories with more rows, and a vector adds little to it.
_MANY, _FEW_ROWS, _RARE_SHARE = 100, 20, 0.05
#: Mean number of words of a category from which on categories with vectors are also texts: lists such as
#: "Comedies, Dramas", whose words are in several categories.
_SEVERAL_WORDS = 2
#: Seconds in which the n-grams of a million characters are found, and the vectors of texts of a million characters.
_SECONDS_PER_MILLION = np.array([1.5, 0.25])
#: Number of rows of which the characters are counted.
_N_MEASURED = 1000


class StringColumn:
    """Column of categories or texts, as a code, token ids, and a vector, of which a column has some.

    Args:
        vocabulary: List of the categories, of which the first has the code 1. `None` for texts.
        text: The fitted `TextEncoder` of texts, and of categories with vectors and several words. `None` for other
            categories.
        trigrams: The `TrigramVectors` of texts, and of more than 100 categories many of which are rare. `None` without
            vectors.
    """

    def __init__(self, vocabulary=None, text=None, trigrams=None):
        self.vocabulary, self.text, self.trigrams = vocabulary, text, trigrams

    @classmethod
    def fit_categories(cls, strings, rows, text_options):
        """Return the column of categories, or `None` if no category is frequent enough.

        Args:
            strings: The `Strings` of all rows. A final fit learns the categories of all of them.
            rows: Indices of the training rows, or `None` for all rows.
            text_options: Dict of arguments of `TextEncoder`.
        """
        training = strings.some(rows)
        vocabulary = _vocabulary(strings, training.counts)
        if not vocabulary:
            return None
        present, counts = training.present()
        is_rare = counts[counts < _FEW_ROWS].sum() > _RARE_SHARE * counts.sum()
        trigrams = TrigramVectors.fit(present) if len(present) > _MANY and is_rare else None
        text = None
        if trigrams is not None and np.mean([len(string.split()) for string in present]) >= _SEVERAL_WORDS:
            text = _text_encoder(training, text_options)
        return cls(vocabulary, text, trigrams)

    @classmethod
    def fit_texts(cls, training, text_options, has_vectors=True):
        """Return the column of texts.

        Args:
            training: The `Strings` of the training rows.
            text_options: As in `fit_categories`.
            has_vectors: Whether the texts have vectors. Defaults to `True`.
        """
        trigrams = TrigramVectors.fit(training.present()[0]) if has_vectors else None
        return cls(text=_text_encoder(training, text_options), trigrams=trigrams)

    def codes(self, strings):
        """Return the codes of categories, `(n,)`, 0 for unknown categories, of `Strings`."""
        return (self._categories.get_indexer(strings.values) + 1)[strings.codes]

    @functools.cached_property
    def _categories(self):
        return pd.Index(self.vocabulary, dtype=object)

    def texts(self, strings):
        """Return the dict of the ids of words, and of n-grams, of `Strings`; see `TextEncoder.compact`."""
        return self.text.compact(strings.array)

    def vectors(self, strings):
        """Return the vectors of `Strings`, float32 `(n, components)`."""
        used, codes = np.unique(strings.codes, return_inverse=True)
        return self.trigrams.transform(strings.values[used])[codes]

    @property
    def n_integers(self):
        """Number of integers of a string in `integers`, or `None` for a code only."""
        sizes = self._sizes()
        return None if list(sizes) == ["code"] else sum(sizes.values())

    def integers(self, strings):
        """Return `Strings` as the integers of `code_book`, int32 `(n,)` of a code only, otherwise `(n, n_integers)`."""
        if self.n_integers is None:
            return self.codes(strings).astype("int32")
        groups, array = {}, strings.array
        if self.vocabulary is not None:
            groups["code"] = self.codes(strings)[:, None]
        if self.text is not None:
            groups["tokens"], groups["ngrams"] = np.split(self.text.coded(array), [self.text.length_], axis=1)
        if self.trigrams is not None:
            groups["vector"] = self.trigrams.ids(array)
        return np.concatenate([groups[name] for name in self._sizes()], axis=1, dtype="int32")

    def code_book(self):
        """Return the rules of `integers`; see `Encoder.code_book`."""
        book = {"kind": "category" if self.n_integers is None else "text"}
        if self.vocabulary is not None:
            book["codes"] = {word: code for code, word in enumerate(self.vocabulary, 1)}
        if self.text is not None:
            book |= self.text.code_book()[None]
        return book if self.trigrams is None else book | self.trigrams.code_book()

    def symbolic(self, inputs, strings):
        """Return the tensors of a symbolic Keras tensor.

        Args:
            inputs: Strings `(n,)`, or the integers of `integers`.
            strings: Whether `inputs` are strings.

        Returns:
            Dict with the code `(n,)`, the tokens `(n, length)`, the ids of n-grams `(n, ids)` and the vector
            `(n, components)`, as far as they exist.
        """
        groups = self._symbolic_integers(inputs) if strings else self._split(inputs)
        if "vector" in groups:
            groups["vector"] = self.trigrams.apply(groups["vector"])
        return groups

    def _symbolic_integers(self, inputs):
        import keras

        groups = {}
        if self.vocabulary is not None:
            unknown = "[UNK]"
            while unknown in self.vocabulary:  # Keras takes this token for an unknown category.
                unknown = f"[{unknown}]"
            groups["code"] = keras.layers.StringLookup(vocabulary=self.vocabulary, oov_token=unknown)(inputs)
        if self.text is not None:
            groups |= self.text.apply(inputs)
        if self.trigrams is not None:
            groups["vector"] = self.trigrams.symbolic_ids(inputs)
        return groups

    def _split(self, integers):
        if self.n_integers is None:
            return {"code": integers}
        groups, start = {}, 0
        for name, size in self._sizes().items():
            groups[name] = integers[:, start] if name == "code" else integers[:, start : start + size]
            start += size
        return groups if self.text is None else groups | self.text.of_integers(groups["tokens"], groups["ngrams"])

    def _sizes(self):
        """Return the number of integers of each group, a dict."""
        sizes = {} if self.vocabulary is None else {"code": 1}
        if self.text is not None:
            sizes["tokens"] = self.text.length_
        if self.trigrams is not None:
            sizes["vector"] = self.trigrams.length
        if self.text is not None:
            sizes["ngrams"] = self.text.n_ngrams
        return sizes


def affordable(table, seconds):
    """Return whether there is time for n-grams of characters of a table, and for vectors of its texts.

    Args:
        table: The DataFrame.
        seconds: The seconds that each of the two may take, or `None` for no limit.
    """
    if seconds is None:
        return True, True
    strings = [table.iloc[:, place] for place, dtype in enumerate(table.dtypes) if pd.api.types.is_string_dtype(dtype)]
    step = max(1, len(table) // _N_MEASURED)
    lengths = [series.iloc[::step].dropna().astype(str).str.len().to_numpy("int64") for series in strings]
    sizes = np.concatenate([np.zeros(0, "int64"), *lengths])
    millions = step * np.array([sizes.sum(), np.minimum(sizes, MAX_LENGTH).sum()]) / 1e6
    return tuple((_SECONDS_PER_MILLION * millions <= seconds).tolist())


def has_words(strings):
    """Return whether `Strings` hold texts of more than punctuation."""
    return any(map(str.strip, map(units.cleaned, strings.present()[0])))


def _text_encoder(training, text_options):
    """Return the `TextEncoder` of the `Strings` of the training rows."""
    encoder = TextEncoder(**text_options)
    encoder.column = training.name
    return encoder.fit(training.array)


def _vocabulary(strings, counts):
    """Return the categories of a column by falling frequency in the training rows, ties in alphabetical order.

    The categories of other rows are the last ones. They teach nothing in the search, as unknown ones, but the final fit
    learns them.

    Args:
        strings: The `Strings` of all rows.
        counts: Number of training rows of each of their values.
    """
    order = np.lexsort((np.arange(len(counts)), -counts))
    is_identifier = (counts > 0).sum() > _RARE_FROM and (counts == 1).sum() > _IDENTIFIER_SHARE * counts.sum()
    is_known = counts > 1 if is_identifier else strings.counts > 0
    return [str(strings.values[i]) for i in order if is_known[i]][: _MAX_CATEGORIES - 1]
