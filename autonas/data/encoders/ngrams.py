"""N-grams of the words and of the characters of texts: neighbours in the text, as ids of the most frequent n-grams."""

import collections
import dataclasses
import warnings

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.data import sparse_rows
from autonas.data.encoders import units as units_module

#: Ways in which Keras splits a text, the widths of the n-grams of the parts, and whether only the first one is used:
#: questions, commands and titles are told apart by their beginning.
_GROUPS = [
    ("whitespace", (1,), False),
    ("whitespace", (2,), False),
    ("whitespace", (1,), True),
    ("whitespace", (2,), True),
    ("character", (2, 3, 4, 5), False),
]
#: Smallest number of training rows of an n-gram of characters. Those of a single row repeat a word of that row.
_LEAST_ROWS = 2
#: Maximum number of n-grams of a group.
_MAX_TERMS = 2**16
#: Maximum number of characters of a term. A longer one is no word but, for example, the code of an attached file.
_MAX_WIDTH = 256
#: Maximum number of n-grams of the training rows that are counted for the choice of the most frequent ones.
_MAX_COUNTED = 4_000_000
#: Maximum number of ids of the training rows, for each group: 100 MB.
_MAX_IDS = 25_000_000
#: Maximum number of characters of 99 of 100 short texts. Longer texts have many words: their beginnings aren't used,
#: marks are those of so many characters, and n-grams of characters have one width.
_MAX_CHARACTERS = 1024
#: Width of the n-grams of characters of long texts, which compounds and inflections share with words of other texts.
#: Several widths cost five times more, and are no better.
_LONG_WIDTH = 5
#: Maximum number of ids of the n-grams of characters of the long texts of the training set, 80 MB, and the number of
#: first characters of each text that must be within that limit. So many texts that they aren't have enough words.
_MAX_LONG_IDS, _LEAST_LENGTH = 10_000_000, 256
#: Number of characters whose n-grams are found at once. Each takes some 50 bytes meanwhile.
_BATCH_CHARACTERS = 500_000
#: Share of the texts whose n-grams of characters are all used. In longer ones, those of the most characters are left
#: out. A single long text would otherwise multiply the memory and the time of all texts.
_SHARE = 0.99
#: Shape of the config of `NGrams`; see `storage.check_shape`.
SHAPE = {
    "split": ("whitespace", "character"),
    "widths": [int],
    "terms": [str],
    "frequencies": [int],
    "length": int,
    "as_written?": bool,
}


@dataclasses.dataclass
class NGrams:
    """The most frequent n-grams of some widths.

    Args:
        split: Units of a text: `"whitespace"` for words, `"character"` for characters.
        widths: List of the numbers of units of an n-gram.
        terms: List of the n-grams, the most frequent first. Units are separated by spaces.
        frequencies: List of the number of rows of the training set with each of the n-grams.
        length: Number of the n-grams of a text that are used, the first ones.
        as_written: Whether the text keeps its capitals and its punctuation. Defaults to `False`.
    """

    split: str
    widths: list
    terms: list
    frequencies: list
    length: int
    as_written: bool = False

    def layer(self):
        """Return a Keras layer from strings to ids `(n, length)`: 0 is padding, 1 another n-gram, then the terms."""
        import keras

        return keras.layers.TextVectorization(
            standardize=None if self.as_written else "lower_and_strip_punctuation",
            split=self.split,
            ngrams=tuple(self.widths),
            vocabulary=self.terms,
            output_sequence_length=self.length,
        )

    def code_book(self):
        """Return the rules by which a text is converted to ids, for `Encoder.code_book`."""
        return {name: getattr(self, name) for name in ("split", "widths", "terms", "length", "as_written")}


def is_term(string):
    """Return whether a string can be a term.

    Keras makes a numpy array of all terms that is as wide as the longest one: a single term of 10,000 characters takes
    gigabytes. The array drops the character NUL at the end of a string.
    """
    return len(string) <= _MAX_WIDTH and "\0" not in string


def fit(strings, words, units, has_words, has_characters=True):
    """Return the n-grams of the training set, a list of `NGrams`: of words, of marks and of characters.

    N-grams of words are without punctuation and capitals. Marks are single characters other than white space and
    lower-case letters, such as "!", "£", "7" and "A". N-grams of characters lie within a word and the spaces around it.
    Marks and n-grams of characters are of the text as it is written: capitals and punctuation tell advertisements from
    conversations, headings from prose, and one writer from another. Of long texts, only the first characters may have
    n-grams.

    Args:
        strings: Array of strings.
        words: Sorted list of the words of the strings as bytes; see `units.words`.
        units: The words of each string, `Units` of positions in `words`.
        has_words: Whether the words mean something, so that long texts need n-grams of characters of one width only.
        has_characters: Whether texts with words have marks and n-grams of characters, too. Defaults to `True`.
    """
    n_words = units.lengths
    n_characters = np.array([len(text) for text in strings])
    most = _MAX_IDS // len(strings)
    if n_words.max() > most:
        warnings.warn(
            f"{np.mean(n_words > most):.1%} of the texts have more than {most} words. Models of n-grams, such as "
            f"linear ones, read the first {most} words of a text, to save memory.",
            stacklevel=2,
        )
    ngrams = []
    longest = int(np.ceil(np.quantile(n_characters, _SHARE)))
    is_short = longest <= _MAX_CHARACTERS
    for split, widths, is_first in _GROUPS:
        is_word, limit = split == "whitespace", most
        is_of_long = has_words and not is_word and not is_short
        if is_of_long:
            widths, limit = (_LONG_WIDTH,), _MAX_LONG_IDS // len(strings)
        lengths = n_words if is_word else np.minimum(n_characters, longest)
        n_ids = 1 if is_first else sum(max(0, int(lengths.max()) - width + 1) for width in widths)
        if not is_word and has_words and not has_characters:
            is_used = False
        elif is_of_long:
            is_used = limit >= _LEAST_LENGTH
        elif is_word:
            is_used = is_short or not is_first
        else:
            is_used = n_ids <= most or not has_words
        if is_used:
            # N-grams of characters are found by way of the shorter ones.
            n_lengths = len(widths) if is_word else widths[-1] - 1
            step = max(1, -(-n_lengths * int(lengths.sum()) // _MAX_COUNTED)) if widths != (1,) else 1
            if is_word:
                terms = _frequent_words(words, units.first(*widths) if is_first else units, *widths, step)
            else:
                terms = _frequent_characters(strings[::step], widths)
            if terms:
                counts = [min(count * step, len(strings)) for count in terms.values()]
                ngrams.append(
                    NGrams(split, list(widths), list(terms), counts, min(n_ids, limit), as_written=not is_word)
                )
    if has_words and not has_characters:
        return ngrams
    length = min(longest, most, _MAX_CHARACTERS)
    if marks := _frequent_marks([text[:length] for text in strings]):
        group = NGrams("character", [1], list(marks), list(marks.values()), length, as_written=True)
        ngrams.insert(sum(other.split == "whitespace" for other in ngrams), group)
    return ngrams


def within(ngrams, n_columns, n_words):
    """Return the first of some `NGrams` whose ids have at most some columns together, at least those of single words.

    Args:
        ngrams: List of `NGrams`.
        n_columns: Number of columns.
        n_words: Number of words of a text whose n-grams are used, the first ones.
    """
    kept = []
    for group in ngrams:
        length = min(group.length, n_words) if _is_of_words(group) else group.length
        if length <= n_columns or not kept:
            kept.append(dataclasses.replace(group, length=length))
            n_columns -= length
    return kept


class Lookup:
    """Conversion of strings to ids, equal to the Keras layers of the words and of `NGrams` and several times faster.

    Args:
        vocabulary: List of words or characters. The first one has the id 2. The id 0 is padding, and 1 is an unknown
            word or character.
        split: `"whitespace"` for words, `"character"` for characters.
        length: Number of the words or characters of a text that are used, the first ones.
        ngrams: List of `NGrams`.
    """

    def __init__(self, vocabulary, split, length, ngrams):
        self.n_tokens, self.length, self.ngrams = len(vocabulary), length, ngrams
        terms = list(map(_units_of_terms, ngrams))
        units = {True: set(), False: set()}
        for group, of_group in zip(ngrams, terms, strict=True):
            units[_is_of_words(group)].update(*of_group)
        known = [word.encode() for word in vocabulary] if split == "whitespace" else []
        self._tokens = None if split == "whitespace" else units_module.KnownCharacters(vocabulary)
        self._words = units_module.KnownWords(known + sorted(units[True].difference(known)))
        self._characters = units_module.KnownCharacters(sorted(units[False]))
        self._terms = [self._coded(group, of_group) for group, of_group in zip(ngrams, terms, strict=True)]

    def _coded(self, group, terms):
        """Return the `Terms` of an `NGrams`, whose terms are lists of units."""
        codes = self._words if _is_of_words(group) else self._characters
        return units_module.Terms([[codes[unit] for unit in term] for term in terms], len(codes) + 1)

    def __call__(self, strings):
        """Return the ids of words, int32 `(n, length)`, and those of `joined`, `SparseRows` or `None` without n-grams.

        Args:
            strings: Array of strings.
        """
        words = self._words.units(strings)
        if self._tokens is None:
            used = words.first(self.length)
        else:
            used = self._tokens.units([units_module.cleaned(text)[: self.length] for text in strings])
        tokens = np.zeros((len(strings), self.length), "int32")
        is_known = (used.codes > 0) & (used.codes <= self.n_tokens)
        tokens[np.arange(self.length) < used.lengths[:, None]] = np.where(is_known, used.codes + 1, 1)
        return tokens, self._sparse_ids(strings, words) if self.ngrams else None

    def _sparse_ids(self, strings, words):
        """Return the ids of the n-grams of strings, whose `Units` of words are known."""
        entries, first_column, first_id = [], 0, 1
        for group, terms in zip(self.ngrams, self._terms, strict=True):
            n_units = group.length + group.widths[0] - 1 if len(group.widths) == 1 else None
            if _is_of_words(group):
                batches = [(0, words if n_units is None else words.first(n_units))]
            else:
                texts = strings if group.as_written else list(map(units_module.cleaned, strings))
                batches = self._batches([text[:n_units] for text in texts])
            for first_row, units in batches:
                rows, places, numbers = terms.find(units, group.widths)
                is_used = places < group.length
                entry = rows[is_used] + first_row, places[is_used] + first_column, numbers[is_used] + first_id
                entries.append([array.astype("int32") for array in entry])
            first_column, first_id = first_column + group.length, first_id + len(group.terms)
        rows, columns, ids = map(np.concatenate, zip(*entries, strict=True))
        matrix = sparse.csr_matrix((ids, (rows, columns)), (len(strings), first_column))
        return sparse_rows.SparseRows(matrix)

    def _batches(self, texts):
        """Yield the number of the first text and the `Units` of the characters of some texts after another."""
        size = max(1, _BATCH_CHARACTERS * len(texts) // max(1, sum(map(len, texts))))
        for first in range(0, max(1, len(texts)), size):
            yield first, self._characters.units(texts[first : first + size])


def _is_of_words(group):
    return group.split == "whitespace"


def _units_of_terms(group):
    """Return the units of each term of an `NGrams`: words as bytes, or characters."""
    if _is_of_words(group):
        return [term.encode().split(b" ") for term in group.terms]
    return [term[::2] for term in group.terms]


def joined(ngrams, ids):
    """Join the ids of `NGrams.layer` of a list of `NGrams` in one tensor, `(n, sum of the lengths)`.

    The id 0 is padding or another n-gram. The terms of the first `NGrams` begin at 1, and the terms of the next one
    follow.

    Args:
        ngrams: The list.
        ids: List of the tensors of ids.
    """
    from keras import ops

    firsts = np.cumsum([1] + [len(group.terms) for group in ngrams]).tolist()
    columns = [ops.where(tensor > 1, tensor + (first - 2), 0) for tensor, first in zip(ids, firsts, strict=False)]
    return ops.cast(ops.concatenate(columns, axis=1), "int32")


def statistics(ngrams, n_rows):
    """Return the statistics of the ids of `joined`; see `TextEncoder`.

    Args:
        ngrams: List of `NGrams`.
        n_rows: Number of rows of the training set.
    """
    frequency = np.array([n_rows, *(count for group in ngrams for count in group.frequencies)])
    lengths = collections.Counter()
    for group in ngrams:
        lengths[group.widths[-1] > 1 and group.split == "character"] += group.length
    return {
        "ngram_inverse_document_frequency": np.log((1 + n_rows) / (1 + frequency)) + 1,
        "ngram_columns": list(lengths.values()),
    }


def _frequent_words(words, units, width, step):
    """Return the most frequent n-grams of words, a dict from n-gram to its number of rows.

    N-grams are counted as numbers: as objects of Python, the pairs of words of long texts would take a gigabyte.

    Args:
        words: Sorted list of words as bytes.
        units: `Units` of positions in `words`.
        width: Number of words of an n-gram.
        step: Number of texts of which one is counted.
    """
    if width == 1:
        counts = units.row_counts(len(words))
        values = np.flatnonzero(counts)
        counts = counts[values]
    else:
        distinct = [batch.distinct_ngrams(width, len(words)) for batch in units.batches(step)]
        values, counts = np.unique(np.concatenate(distinct), return_counts=True)
    chosen = np.lexsort((values, -counts))[:_MAX_TERMS]
    places = np.unravel_index(values[chosen], (len(words),) * width)
    terms = (b" ".join(words[place] for place in term).decode() for term in zip(*places, strict=True))
    return {term: n for term, n in zip(terms, counts[chosen].tolist(), strict=True) if is_term(term)}


def _frequent_characters(strings, widths):
    """Return the most frequent n-grams of characters, a dict from n-gram to its number of rows.

    Args:
        strings: Array of strings.
        widths: Numbers of characters of an n-gram.
    """
    text = "".join(strings)
    alphabet, codes = np.unique(units_module.code_points(strings), return_inverse=True)
    is_inner = ~np.array([chr(point).isspace() for point in alphabet])[codes]
    units = units_module.Units(codes.astype("int32"), list(map(len, strings)))
    rows, begins, numbers, counted = units.rows.astype("int32"), np.arange(len(codes), dtype="int32"), units.codes, []
    for width in range(2, max(widths) + 1):
        # White space is at the ends only. The beginning of a frequent n-gram is frequent, too.
        ends = begins + width - 1
        kept = ends < units.starts[rows[begins] + 1]
        kept[kept] &= (width == 2) | is_inner[ends[kept] - 1]
        begins, numbers = begins[kept], numbers[kept]
        numbers, _ = pd.factorize(numbers.astype("int64") * len(alphabet) + units.codes[begins + width - 1])
        numbers = numbers.astype("int32")
        counts = np.bincount(pd.unique(numbers.astype("int64") * len(strings) + rows[begins]) // len(strings))
        if width in widths:
            first = np.zeros(len(counts), "int64")
            first[numbers[::-1]] = begins[::-1]
            counted += [(-counts[n], text[first[n] : first[n] + width]) for n in np.flatnonzero(counts >= _LEAST_ROWS)]
        kept = counts[numbers] >= _LEAST_ROWS
        begins, numbers = begins[kept], numbers[kept]
    return {" ".join(term): int(-count) for count, term in sorted(counted)[:_MAX_TERMS] if is_term(term)}


def _frequent_marks(strings):
    """Return the most frequent marks, a dict from character to its number of rows; see `fit`."""
    counts = collections.Counter(character for text in strings for character in set(text))
    marks = [
        (-count, character)
        for character, count in counts.items()
        if count >= _LEAST_ROWS and is_term(character) and not character.isspace() and not character.islower()
    ]
    return {character: -count for count, character in sorted(marks)[:_MAX_TERMS]}
