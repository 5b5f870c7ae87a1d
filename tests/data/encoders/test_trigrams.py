"""TrigramVectors: strings with common trigrams have similar vectors."""

import time

import numpy as np
import pandas as pd

from autonas.data import TableEncoder
from autonas.data.encoders.trigrams import TrigramVectors

JOBS = [
    "Police Officer",
    "Librarian",
    "Office Services Coordinator",
    "Bus Operator",
    "Fire/Rescue Captain",
    "Accountant",
]
GRADES = ["", "I", "II", "III", "(Senior)", "Trainee"]
UNITS = ["", ", North", ", South", ", Central"]
TITLES = np.array([f"{job} {grade}{unit}" for job in JOBS for grade in GRADES for unit in UNITS], object)


def similarity(vectors, first, second):
    first, second = vectors.transform(np.array([first, second], object))
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


def test_a_new_string_is_similar_to_strings_with_common_trigrams():
    vectors = TrigramVectors.fit(TITLES)
    assert similarity(vectors, "Senior Police Officer", "Police Officer III") > 0.7
    assert similarity(vectors, "Senior Police Officer", "Librarian III") < 0.3


def test_case_and_punctuation_do_not_count_and_an_empty_string_is_zero():
    vectors = TrigramVectors.fit(TITLES)
    one, other, empty = vectors.transform(np.array(["police OFFICER, (III)", "Police Officer III", ""], object))
    np.testing.assert_array_equal(one, other)
    assert not empty.any() and one.any()


def test_ids_are_of_the_trigrams_in_the_order_of_the_string():
    vectors = TrigramVectors(["abc", "bcd"], 4, [[4096, 4096], [0, 4096]])
    ids = vectors.ids(np.array(["AbcD!", "xab", "ab", "abcdabcd"], object))
    assert ids.tolist() == [[2, 3, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [2, 3, 1, 1]]
    np.testing.assert_allclose(vectors.transform(np.array(["abc", "abcd"], object)), [[1], [0.5**0.5]], rtol=1e-6)


def test_strings_without_common_trigrams_have_no_vectors():
    assert TrigramVectors.fit(np.array(["abc", "def", "gh"], object)) is None
    assert TrigramVectors.fit(np.array(["1", "22"], object)) is None


def test_columns_of_many_categories_have_vectors_in_every_reading(check_encoder):
    titles = np.tile(TITLES, 6)
    notes = [f"{first} works beside {second}" for first, second in zip(titles, np.repeat(TITLES, 6), strict=True)]
    frame = pd.DataFrame({"note": notes, "title": titles, "few": np.tile(["Bonn", "Bern", "Ulm"], 288)})
    encoder = TableEncoder().fit(frame)
    frame.loc[:4, "title"] = ["Police Officer IV", None, "Ärztin\u2009für Müll", "x", "Librarian " * 60]
    tensors = check_encoder(encoder, frame)
    assert list(tensors) == ["categories", "strings", "tokens_0", "ngrams_0", "tokens_1", "ngrams_1"]
    assert tensors["strings"].shape == (864, 2 * 20)
    assert tensors["categories"][0, 0] == 0 and tensors["strings"][0, 20:].any()
    coded = encoder.coded(encoder.raw_arrays(frame))
    outputs = encoder.keras_model(strings=False).predict(coded, verbose=0)
    for name, array in outputs.items():
        np.testing.assert_allclose(array, tensors[name], atol=1e-5)


def test_a_config_from_before_vectors_has_none():
    encoder = TableEncoder().fit(pd.DataFrame({"title": np.tile(TITLES, 6)}))
    config = encoder.get_config()
    del config["state"]["trigrams"]
    config["state"]["texts"] = []
    assert list(TableEncoder.from_config(config).feature.tensors) == ["categories"]


def test_a_hundred_thousand_strings_take_seconds():
    strings = np.array([f"{number} Main Street, Apartment {number % 97}" for number in range(100_000)], object)
    started = time.process_time()
    assert TrigramVectors.fit(strings).transform(strings).shape == (100_000, 20)
    assert time.process_time() - started < 10
