import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfTransformer

from autonas.data import TextEncoder
from autonas.data.encoders import ngrams, text

TEXTS = ["The cat sat on the mat.", "the dog!", "A cat and a dog", "the the the", None, "mat"]


def test_ids_are_sorted_by_frequency(check_encoder):
    encoder = TextEncoder().fit(TEXTS)
    tokens = check_encoder(encoder, np.array(TEXTS, dtype=object))["tokens"]
    assert tokens.shape == (6, 6)
    assert tokens[3].tolist() == [2, 2, 2, 0, 0, 0]  # "the" is the most frequent
    assert tokens[4].tolist() == [0] * 6  # a missing text is an empty one
    assert encoder.transform(["zebra"])["tokens"][0].tolist() == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("times", "split"), [(1, "character"), (2, "whitespace")])
def test_ids_are_those_of_the_keras_layers_for_unusual_characters_too(check_encoder, times, split):
    texts = [
        "ÄÖ äö\u2003straße",
        "tab\tand\x0bline\nbreak\x1f",
        "don't (do) it!",
        "\u00a0",
        "日本語 日本",
        "a\x00b",
        ".",
        "  ",
    ]
    encoder = TextEncoder(length=3).fit(texts * times)
    assert encoder.split_ == split
    assert check_encoder(encoder, np.array([*texts, "new wörds", ""], dtype=object))["tokens"].shape == (10, 3)


def test_most_ids_of_texts_of_unequal_length_take_no_memory():
    generator = np.random.default_rng(0)
    words = [f"word{number}" for number in range(50)]
    texts = [" ".join(generator.choice(words, 10)) for _ in range(2000)] + [" ".join(generator.choice(words, 5000))]
    encoder = TextEncoder(length=10).fit(texts)
    tracemalloc.start()
    ids = encoder.compact(texts)["ngrams"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ids.shape[1] > 10_000 and peak < ids.shape[0] * ids.shape[1] * 4 / 2
    np.testing.assert_array_equal(np.asarray(ids)[-20:], encoder.transform(texts[-20:])["ngrams"])


def test_a_length_between_two_of_the_longest_texts_is_no_reason_for_a_warning():
    # Of 150 texts, 2 have more words than the 99th percentile: more than 1 %.
    encoder = TextEncoder(has_ngrams=False).fit(["one two three four five"] * 148 + ["word " * 10] * 2)
    assert encoder.transform(["word " * 10])["tokens"].shape == (1, 8)


def test_example_rows_are_limited_by_the_length_of_their_texts():
    texts = np.array(["some words"] * 6 + ["a " * 2_500_000] + ["more words"] * 6, dtype=object)
    assert len(TextEncoder(length=3, has_ngrams=False).fit(texts).examples_) == 6
    texts[6] = "a " * 500_000
    assert len(TextEncoder(length=3, has_ngrams=False).fit(texts).examples_) == 13


def test_document_frequencies_are_those_of_scikit_learn():
    encoder = TextEncoder().fit(TEXTS)
    statistics = encoder.feature.statistics
    tokens = encoder.transform(TEXTS)["tokens"]
    counts = np.stack([np.bincount(row, minlength=statistics["vocabulary_size"]) for row in tokens])
    np.testing.assert_array_equal(statistics["document_frequency"], (counts > 0).sum(axis=0))
    expected = TfidfTransformer(smooth_idf=True).fit(counts).idf_
    np.testing.assert_allclose(statistics["inverse_document_frequency"], expected)


def test_vocabulary_sees_training_rows_only():
    encoder = TextEncoder().fit(TEXTS, rows=[1, 3])
    assert encoder.feature.statistics["vocabulary_size"] == 4  # padding, unknown, the, dog
    assert encoder.transform(["cat dog"])["tokens"][0].tolist() == [1, 3, 0]


def test_length_covers_99_of_100_rows():
    texts = ["one two three"] * 199 + ["long " * 400]
    assert TextEncoder().fit(texts).feature.tensors["tokens"].shape == (3,)
    assert TextEncoder().fit(["word " * 1000] * 3).feature.tensors["tokens"].shape == (1000,)
    assert TextEncoder(length=7).fit(texts).feature.tensors["tokens"].shape == (7,)


def test_many_long_texts_are_cut_and_a_warning_says_so(monkeypatch):
    monkeypatch.setattr(text, "_MAX_TOKENS", 4_000)
    texts = ["word " * 700] * 3 + ["word"] * 3
    with pytest.warns(UserWarning, match="50% of the texts have more than 666 words. Networks read the first 666"):
        assert TextEncoder().fit(texts).feature.tensors["tokens"].shape == (666,)
    with pytest.warns(UserWarning, match="50% of the texts have more than 512 words. Networks read the first 512"):
        assert TextEncoder().fit(texts * 2).feature.tensors["tokens"].shape == (512,)
    monkeypatch.setattr(ngrams, "_MAX_IDS", 2_400)
    with pytest.warns(UserWarning, match="50.0% of the texts have more than 400 words. Models of n-grams"):
        *of_words, _ = TextEncoder(length=7).fit(texts).ngrams_
    assert [group.length for group in of_words] == [400, 400]


def test_ngrams_are_neighbouring_words_and_characters_of_a_word(check_encoder):
    encoder = TextEncoder().fit(TEXTS)
    ids = check_encoder(encoder, np.array(TEXTS, dtype=object))["ngrams"]
    terms = [None, *(term for group in encoder.ngrams_ for term in group.terms)]
    characters = ["th", "he", "e ", " d", "do", "og", "the", "he ", " do", "dog", "the ", " dog"]
    words = ["the", "dog", "the dog", "the", "the dog"]
    assert [terms[number] for number in ids[1] if number] == [*words, *map(" ".join, characters)]
    assert (ids[1] > 0).sum() == len(set(ids[1])) - 1  # The first word is another n-gram than the same word.


def test_ngrams_of_characters_have_the_capitals_and_the_punctuation_of_the_text():
    *_, characters = TextEncoder().fit(["So, no!", "So, no?", "so no"]).ngrams_
    assert {"S o ,", "o ,", "n o"} <= set(characters.terms)
    assert "s o ," not in characters.terms


def test_the_longest_texts_lose_their_longest_ngrams_of_characters():
    texts = ["one two three"] * 299 + ["word " * 30] * 2
    *_, characters = TextEncoder().fit(texts).ngrams_
    assert (characters.widths, characters.length) == ([2, 3, 4, 5], 12 + 11 + 10 + 9)


def test_marks_are_the_characters_that_words_lose(check_encoder):
    texts = ["Win £90 NOW!!!", "See you at 9 NOW.", "£5, É!", "é"]
    encoder = TextEncoder().fit(texts)
    (marks,) = [group for group in encoder.ngrams_ if group.as_written and group.widths == [1]]
    assert dict(zip(marks.terms, marks.frequencies, strict=True)) == dict.fromkeys("!9NOW£", 2)
    before = sum(len(group.terms) for group in encoder.ngrams_[: encoder.ngrams_.index(marks)])
    columns = sum(group.length for group in encoder.ngrams_[: encoder.ngrams_.index(marks)])
    ids = check_encoder(encoder, np.array(texts, dtype=object))["ngrams"][0, columns : columns + marks.length]
    assert [marks.terms[number - before - 1] for number in ids if number] == list("W£9NOW!!!")
    assert encoder.feature.statistics["ngram_columns"][0] == columns + marks.length


def test_long_texts_have_ngrams_of_five_characters_and_none_of_the_beginning(check_encoder, monkeypatch):
    texts = np.array([f"{verb}barkeit " * 150 for verb in ("Halt", "Trag", "Les")], dtype=object)
    encoder = TextEncoder().fit(texts)
    kinds = [(group.split, group.widths) for group in encoder.ngrams_]
    assert kinds == [("whitespace", [1]), ("whitespace", [2]), ("character", [5])]
    *others, characters = encoder.ngrams_
    assert characters.terms == list(map(" ".join, ["arkei", "barke", "keit ", "rkeit"]))
    assert characters.length == len(texts[0]) - 4
    columns = sum(group.length for group in others)
    assert encoder.feature.statistics["ngram_columns"] == [columns, characters.length]
    ids = check_encoder(encoder, texts)["ngrams"][:, columns:]
    assert np.count_nonzero(ids, axis=1).tolist() == [600, 600, 600]
    monkeypatch.setattr(ngrams, "_MAX_LONG_IDS", 3 * 300)
    assert TextEncoder().fit(texts).ngrams_[-1].length == 300
    monkeypatch.setattr(ngrams, "_MAX_LONG_IDS", 3 * 255)
    assert TextEncoder().fit(texts).ngrams_[-1].split == "whitespace"


def test_marks_of_long_texts_are_those_of_the_first_characters(check_encoder):
    texts = np.array(["DEAR FRIEND! " * 80 + "£" * 2000] * 3 + ["word " * 300] * 3, dtype=object)
    encoder = TextEncoder().fit(texts)
    *of_words, marks, _ = encoder.ngrams_
    assert (sorted(marks.terms), marks.length) == (sorted(set("DEARFRIEND!")), 1024)
    first = sum(group.length for group in of_words)
    ids = check_encoder(encoder, texts)["ngrams"][:, first : first + 1024]
    assert [np.count_nonzero(row) for row in ids[[0, 3]]] == [1024 - 2 * 78 - 1, 0]


def test_the_rows_of_an_ngram_are_counted():
    encoder = TextEncoder().fit(TEXTS)
    words, pairs, first, _, characters = [
        dict(zip(group.terms, group.frequencies, strict=True)) for group in encoder.ngrams_
    ]
    assert (words["the"], words["cat"], words["mat"], pairs["the the"]) == (3, 2, 2, 1)
    assert (first["the"], first["mat"], characters["m a t"]) == (3, 1, 2)


def test_terms_longer_than_words_are_left_out():
    attachment = "QmFzZTY0" * 1000
    texts = [f"see the file {attachment}", f"see the note {attachment}"]
    encoder = TextEncoder().fit(texts)
    assert encoder.vocabulary_ == ["the", "see", "note", "file"]
    assert max(len(term) for group in encoder.ngrams_ for term in group.terms) == len("Q m F z Z")
    assert encoder.transform(texts)["tokens"].tolist()[0] == [3, 2, 5, 1]
    assert TextEncoder().fit([attachment]).vocabulary_ == [attachment.lower()]


def test_vocabulary_is_limited():
    words = [" ".join(f"word{i}" for i in range(50))]
    assert TextEncoder(max_tokens=10).fit(words).feature.statistics["vocabulary_size"] == 10


@pytest.mark.parametrize("container", [pd.Series, list, lambda texts: pd.DataFrame({"text": texts}), np.array])
def test_containers(container):
    encoder = TextEncoder().fit(TEXTS)
    texts = container(["the cat", "dog"])
    np.testing.assert_array_equal(encoder.transform(texts)["tokens"], encoder.transform(["the cat", "dog"])["tokens"])


def test_what_is_not_text_is_refused():
    with pytest.raises(ValueError, match="must hold strings. Received: int at index 1"):
        TextEncoder().fit(["a", 3])
    with pytest.raises(ValueError, match="must hold words"):
        TextEncoder().fit(["", None])
    with pytest.raises(ValueError, match="must hold words"):
        TextEncoder().fit(["...", "!"])


CHINESE = [
    "今天天气很好。",
    "天气不好，我在家。",
    "我家有一只猫。",
    "猫和狗都很好!",
    "Python 3 很好用。",
    "",
    "我的狗叫Max。",
]


def test_texts_without_spaces_are_split_at_characters(check_encoder):
    encoder = TextEncoder().fit(CHINESE)
    tensors = check_encoder(encoder, np.array([*CHINESE, "新的猫 好"], dtype=object))
    assert encoder.vocabulary_[:2] == ["。", "好"]  # six times and five times
    assert tensors["tokens"].shape == (8, 13)
    # "新" is unknown, as is the space.
    assert [bool(known) for known in tensors["tokens"][7, :5] > 1] == [False, True, True, False, True]
    assert encoder.code_book()[None]["split"] == "character"
    # ASCII letters are lower case, and ASCII punctuation is no token.
    assert "m" in encoder.vocabulary_ and not {"M", "!", " "} & set(encoder.vocabulary_)


def test_names_are_split_at_characters_and_words_that_occur_again_are_not():
    assert TextEncoder().fit(["Anna", "Otto", "Hannah Maria"]).split_ == "character"
    assert TextEncoder().fit(["good", "bad", "bad", "good"]).split_ == "whitespace"
    assert TextEncoder().fit(["one text of six words alone"]).split_ == "whitespace"


def test_a_few_texts_without_spaces_are_no_reason_to_split_at_characters():
    encoder = TextEncoder().fit(["a cat and a dog"] * 6 + ["x" * 500] * 4)
    assert encoder.vocabulary_ == ["a", "dog", "cat", "and"]


def test_long_texts_without_spaces_have_ngrams_of_characters(check_encoder):
    generator = np.random.default_rng(0)
    texts = ["".join(generator.choice(list("ACGT"), 1200)) for _ in range(20)]
    encoder = TextEncoder().fit(texts)
    (group,) = [group for group in encoder.ngrams_ if group.widths == [2, 3, 4, 5]]
    assert "A C" in group.terms and group.length > 4000
    assert check_encoder(encoder, np.array(texts, dtype=object))["tokens"].shape == (20, 1200)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"length": -1}, "`length` must be a positive number of tokens, or None. Received: length=-1"),
        ({"length": 0}, "Received: length=0"),
        ({"length": "a"}, "Received: length='a'"),
        ({"max_tokens": 2}, "`max_tokens` must be an integer of at least 3, or None. Received: max_tokens=2"),
        ({"max_tokens": -5}, "Received: max_tokens=-5"),
        ({"max_tokens": 1.5}, "Received: max_tokens=1.5"),
    ],
)
def test_sizes_must_be_positive_integers(options, message):
    with pytest.raises(ValueError, match=message):
        TextEncoder(**options).fit(["a good film", "a bad film"])
