"""Words and characters of texts as integers, and the positions of n-grams of them, by operations on whole arrays."""

import string

import numpy as np
import pandas as pd

#: Number of texts whose units are counted at a time.
_BATCH = 1024
_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
_PUNCTUATION = string.punctuation.encode()
#: `_LOWER` and `_PUNCTUATION` for strings.
_CLEANED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, string.punctuation)


def words(text):
    """Return the words of a text as a list of bytes: in lower case (ASCII letters only), without ASCII punctuation."""
    return text.encode().translate(_LOWER, _PUNCTUATION).split()


def cleaned(text):
    """Return a text in lower case (ASCII letters only), without ASCII punctuation."""
    return text.translate(_CLEANED)


def code_points(strings):
    """Return the Unicode numbers of the characters of all strings, one after another."""
    return np.frombuffer("".join(strings).encode("utf-32-le"), "uint32").astype("int64")


class Units:
    """Words or characters of texts as integers, one text after another.

    Args:
        codes: Integers `(n,)`.
        lengths: Number of units of each text, integers `(texts,)`.
    """

    def __init__(self, codes, lengths):
        self.codes = codes
        self.lengths = np.asarray(lengths, "int64")
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])

    @property
    def rows(self):
        """Number of the text of each unit, ascending integers `(n,)`."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def batches(self, step=1):
        """Yield the units of at most 1,024 texts after another, of one text out of `step`."""
        for start in range(0, len(self.lengths), _BATCH * step):
            lengths = self.lengths[start : start + _BATCH * step]
            is_chosen = np.arange(len(lengths)) % step == 0
            codes = self.codes[self.starts[start] : self.starts[start + len(lengths)]]
            yield Units(codes[np.repeat(is_chosen, lengths)], lengths[is_chosen])

    def row_counts(self, n_codes):
        """Return the number of texts with each code, `(n_codes,)`."""
        distinct = (pd.unique(batch.rows * n_codes + batch.codes) % n_codes for batch in self.batches())
        return sum((np.bincount(codes, minlength=n_codes) for codes in distinct), np.zeros(n_codes, "int64"))

    def distinct_ngrams(self, width, n_codes):
        """Return the n-grams of each text without repetitions, as numbers to the base `n_codes`."""
        rows, begins = self.rows, np.arange(len(self.codes))
        inside = begins + width <= self.starts[rows + 1]
        rows, begins = rows[inside], begins[inside]
        number = np.zeros(len(begins), "int64")
        for place in range(width):
            number = number * n_codes + self.codes[begins + place]
        return pd.unique(number * len(self.lengths) + rows) // len(self.lengths)

    def first(self, n_units):
        """Return the first units of each text, at most `n_units`."""
        if len(self.lengths) == 0 or n_units >= self.lengths.max():
            return self
        positions = np.arange(len(self.codes)) - np.repeat(self.starts[:-1], self.lengths)
        return Units(self.codes[positions < n_units], np.minimum(self.lengths, n_units))


class _Words(dict):
    """Dict from a word as bytes to its code."""

    def units(self, strings):
        """Return the `Units` of strings."""
        codes = [np.fromiter(map(self.__getitem__, words(text)), "int32") for text in strings]
        return Units(np.concatenate([np.zeros(0, "int32"), *codes]), list(map(len, codes)))


class KnownWords(_Words):
    """Dict from a word as bytes to its code from 1. An unknown word has the code 0.

    Args:
        known: List of words as bytes.
    """

    def __init__(self, known):
        super().__init__((word, code) for code, word in enumerate(known, 1))

    def __missing__(self, word):
        return 0


class _NewWords(_Words):
    """Dict from a word as bytes to its code from 0, the number of different words before it."""

    def __missing__(self, word):
        code = self[word] = len(self)
        return code


def sorted_words(strings):
    """Return the words of strings.

    Args:
        strings: Array of strings.

    Returns:
        Tuple of the sorted list of the different words as bytes, and the `Units` of their positions in the list.
    """
    codes = _NewWords()
    units = codes.units(strings)
    sorted_ = sorted(codes)
    ranks = np.empty(len(sorted_), "int32")
    ranks[[codes[word] for word in sorted_]] = np.arange(len(sorted_))
    return sorted_, Units(ranks[units.codes], units.lengths)


def sorted_characters(strings):
    """Return the characters of strings in lower case (ASCII letters only), without ASCII punctuation.

    Args:
        strings: Array of strings.

    Returns:
        As `sorted_words`.
    """
    strings = list(map(cleaned, strings))
    alphabet, codes = np.unique(code_points(strings), return_inverse=True)
    return [chr(point).encode() for point in alphabet], Units(codes, list(map(len, strings)))


class KnownCharacters:
    """Codes of characters from 1. An unknown character has the code 0.

    Args:
        known: List of characters.
    """

    def __init__(self, known):
        points = list(map(ord, known))
        self._codes = np.zeros(max(points, default=0) + 2, "int32")
        self._codes[points] = np.arange(1, len(points) + 1)
        self._by_character = dict(zip(known, range(1, len(known) + 1), strict=True))

    def __len__(self):
        return len(self._by_character)

    def __getitem__(self, character):
        return self._by_character[character]

    def units(self, strings):
        """Return the `Units` of strings."""
        points = np.minimum(code_points(strings), len(self._codes) - 1)
        return Units(self._codes[points], list(map(len, strings)))


class Terms:
    """N-grams of coded units, which are found in `Units`.

    Args:
        terms: List of n-grams, each a list of codes from 1.
        n_codes: Number of codes, with the code 0 of unknown units.
    """

    def __init__(self, terms, n_codes):
        self._n_codes = n_codes
        widths = np.array(list(map(len, terms)))
        longest = widths.max(initial=1)
        table = np.zeros((len(terms), longest), "int64")
        table[np.arange(longest) < widths[:, None]] = [code for term in terms for code in term]
        # An n-gram is found by the n-gram without its last unit, and the last unit: a prefix tree, of which a level
        # has one index, from the pairs of nodes and codes to nodes, and for each node the number of its term.
        self._levels = []
        rows, nodes = np.arange(len(terms)), np.zeros(len(terms), "int64")
        for depth in range(longest):
            rows, nodes = rows[widths[rows] > depth], nodes[widths[rows] > depth]
            keys, nodes = np.unique(nodes * n_codes + table[rows, depth], return_inverse=True)
            numbers = np.full(len(keys), -1)
            is_end = widths[rows] == depth + 1
            numbers[nodes[is_end]] = rows[is_end]
            self._levels.append((pd.Index(keys), numbers))

    def find(self, units, widths):
        """Return where the terms are.

        Args:
            units: The `Units`.
            widths: List of the numbers of units of an n-gram.

        Returns:
            Tuple of the numbers of the texts, the places and the terms, integers `(n,)`. The n-grams of a text are
            numbered in the order of `widths`, and then of the text.
        """
        rows, starts = units.rows, np.flatnonzero(units.codes)
        nodes, others = np.zeros(len(starts), "int64"), [[], [], []]
        before = dict(zip(widths, _places_before(units.lengths, widths), strict=True))
        for width, (index, numbers) in enumerate(self._levels, 1):
            ends = starts + (width - 1)
            inside = ends < units.starts[rows[starts] + 1]
            starts, nodes, ends = starts[inside], nodes[inside], ends[inside]
            nodes = index.get_indexer(nodes * self._n_codes + units.codes[ends])
            starts, nodes = starts[nodes >= 0], nodes[nodes >= 0]
            if width in before:
                is_term = numbers[nodes] >= 0
                row = rows[starts[is_term]]
                found = row, starts[is_term] - units.starts[row] + before[width][row], numbers[nodes[is_term]]
                for arrays, array in zip(others, found, strict=True):
                    arrays.append(array)
        return tuple(np.concatenate(arrays) if arrays else np.zeros(0, "int64") for arrays in others)


def _places_before(lengths, widths):
    """Return, for each width, the number of n-grams of the widths before it in each text, a list of arrays."""
    counts = [np.maximum(0, lengths - width + 1) for width in widths]
    return list(np.cumsum([np.zeros_like(lengths), *counts[:-1]], axis=0))
