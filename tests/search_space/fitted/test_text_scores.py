"""TextScores: predictions of the target by the words of a text, as features of trees."""

import time

import keras
import numpy as np
import pandas as pd
import pytest

import autonas
from autonas.search_space.fitted import text_scores
from autonas.search_space.fitted.text_scores import TextScores

N_ROWS, N_WORDS, LENGTH = 600, 50, 12


@pytest.fixture
def tokens():
    """Ids of texts of 0 to 12 words. The id 0 is padding."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(1, N_WORDS, size=(N_ROWS, LENGTH))
    tokens[np.arange(LENGTH) >= generator.integers(0, LENGTH + 1, size=N_ROWS)[:, None]] = 0
    return tokens.astype("float32")


def fitted(tokens, targets, n_scores=1, share=1.0):
    """Return the `TextScores`, and the scores of the training rows."""
    scores = TextScores(np.linspace(1, 5, N_WORDS), [LENGTH], n_scores)
    targets = targets.reshape(len(targets), -1)
    return scores, scores.fit(tokens, targets, np.ones(len(targets)), share)


def test_words_predict_the_target_of_other_rows(tokens):
    target = (tokens == 7).sum(axis=1) - (tokens == 9).sum(axis=1) + 3.0
    scores, of_training = fitted(tokens[:400], target[:400])
    assert np.corrcoef(of_training[:, 0], target[:400])[0, 1] > 0.7
    assert np.corrcoef(scores.transform(tokens[400:])[:, 0], target[400:])[0, 1] > 0.7


def test_the_score_of_a_training_row_tells_nothing_of_its_own_target(tokens):
    tokens, noise = tokens[:300], np.random.default_rng(1).normal(size=300)
    scores, of_training = fitted(tokens, 3.0 * (tokens == 7).sum(axis=1) + noise)
    assert np.corrcoef(of_training[:, 0], noise)[0, 1] < 0.1
    assert np.corrcoef(scores.transform(tokens)[:, 0], noise)[0, 1] > 0.2


def test_words_that_tell_nothing_have_no_scores(tokens):
    scores, of_training = fitted(tokens, np.random.default_rng(1).normal(size=N_ROWS))
    assert not of_training.any() and not scores.transform(tokens).any()
    scores, of_training = fitted(tokens[:19], (tokens[:19] == 7).sum(axis=1))
    assert not of_training.any(), "too few rows"


def test_the_network_has_the_same_scores(tokens):
    scores, _ = fitted(tokens, np.column_stack([(tokens == word).any(axis=1) for word in (5, 6, 7)]).astype(float), 3)
    of_network = keras.ops.convert_to_numpy(scores(tokens.astype("int32")))
    np.testing.assert_array_equal(of_network, scores.transform(tokens))
    assert of_network.shape == (N_ROWS, 3)


def test_how_often_an_ngram_occurs_has_no_effect(tokens):
    scores, _ = fitted(tokens, (tokens == 7).any(axis=1).astype(float))
    once, often = np.zeros((1, LENGTH)), np.zeros((1, LENGTH))
    once[0, :2], often[0, :6] = [7, 9], [7, 7, 9, 7, 9, 9]
    np.testing.assert_array_equal(scores.transform(often), scores.transform(once))
    np.testing.assert_array_equal(scores(often.astype("int32")), scores.transform(once))


def test_the_parts_of_a_text_are_normalised_separately(tokens):
    scores = TextScores(np.linspace(1, 5, N_WORDS), [2, LENGTH - 2], 1)
    scores.fit(tokens, (tokens == 7).sum(axis=1, keepdims=True) * 1.0, np.ones(N_ROWS))
    parts = [np.where(np.isin(np.arange(LENGTH), columns), tokens, 0) for columns in (range(2), range(2, LENGTH))]
    together = scores.transform(tokens)
    np.testing.assert_allclose(sum(map(scores.transform, parts)), together, atol=1e-6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(scores(tokens.astype("int32"))), together)


def test_the_network_has_the_same_scores_of_long_texts():
    # The sum of the squared frequencies of 3,000 n-grams, each about 100, would be rounded in float32.
    generator = np.random.default_rng(0)
    ids = np.argsort(generator.random((60, 4000)), axis=1)[:, :3000].astype("float32")
    scores = TextScores(np.linspace(9, 12, 4000), [3000], 1)
    scores.fit(ids, (ids == 7).any(axis=1, keepdims=True) - 0.5, np.ones(60))
    weights = scores.table.get_weights()[0]
    weights[1:] += generator.integers(0, 9, (3999, 1)) * 2.0**-12
    scores.table.set_weights([weights])
    # The sums are in another order than those of the network.
    np.testing.assert_array_equal(scores(ids[:, ::-1].astype("int32")), scores.transform(ids))


def test_texts_of_one_ngram_have_scores():
    ids = np.tile([[3.0], [5.0], [0.0]], (20, 1))
    scores = TextScores(np.linspace(1, 2, 8), [1], 1)
    scores.fit(ids, (ids == 3) * 1.0, np.ones(60))
    predicted = scores.transform(ids[:3])[:, 0]
    assert predicted[0] > 0.3 > predicted[1] and predicted[2] == 0
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(scores(ids[:3].astype("int32")))[:, 0], predicted)


def test_scores_of_the_same_rows_are_fitted_once(tokens, monkeypatch):
    target = (tokens == 7).sum(axis=1, keepdims=True).astype(float)
    first, of_training = fitted(tokens, target)
    monkeypatch.setattr(text_scores, "_cross_fitted", None)
    second, again = fitted(tokens, target)
    np.testing.assert_array_equal(again, of_training)
    np.testing.assert_array_equal(second.transform(tokens), first.transform(tokens))
    with pytest.raises(TypeError):  # Another target is fitted.
        fitted(tokens, target + (tokens == 9).sum(axis=1, keepdims=True))


def test_the_oldest_results_are_dropped_first():
    latest = text_scores._Latest(2 * 80)
    are_kept = [latest.get(key, lambda: (np.zeros(10),))[1] for key in (b"a", b"b", b"a", b"c")]
    assert are_kept == [False, False, True, False]
    assert set(latest._results) == {b"a", b"c"}
    assert latest.get(b"large", lambda: (np.zeros(21),))[0][0].size == 21
    assert not latest._results


def test_of_many_ngrams_a_share_of_the_rows_is_fitted(tokens, monkeypatch):
    text, target = TextScores(np.linspace(1, 5, N_WORDS), [LENGTH], 1), (tokens == 7).sum(axis=1, keepdims=True) * 1.0
    shares = []
    monkeypatch.setattr(text, "fit", lambda *arguments: shares.append(arguments[3]))
    for most in (np.count_nonzero(tokens), np.count_nonzero(tokens) / 2):
        monkeypatch.setattr(text_scores, "_MOST_FITTED", most)
        text_scores.fit_all([(text, tokens)], target, np.ones(N_ROWS))
    assert shares == [1, 0.5]


def test_characters_are_left_out_if_the_time_is_short(tokens, monkeypatch):
    is_character = (np.arange(LENGTH) >= 2) & (tokens > 0)
    ids, weights = tokens + N_WORDS * is_character, np.ones(N_ROWS)
    target = (tokens == 7).any(axis=1, keepdims=True) * 1.0
    monkeypatch.setattr(text_scores, "_FITTED_PER_SECOND", np.count_nonzero(ids))  # One second.

    def fitted_until(seconds, n_parts=None):
        text = TextScores(np.linspace(1, 5, 2 * N_WORDS), [2, LENGTH - 2], 1)
        deadline = None if seconds is None else time.monotonic() + seconds
        _, n_parts = text_scores.fit_all([(text, ids)], target, weights, deadline, n_parts)
        return n_parts, text.transform(np.where(is_character, ids, 0)).any()

    assert fitted_until(None) == fitted_until(100) == fitted_until(1, 2) == (2, True)
    assert fitted_until(1) == fitted_until(None, 1) == (1, False)


def test_kept_results_are_no_measure_of_the_time_of_another_fit(tokens):
    target = (tokens == 7).sum(axis=1, keepdims=True) * 1.0
    text = TextScores(np.linspace(1, 5, N_WORDS), [LENGTH], 1)
    text_scores._LATEST._results.clear()
    text.fit(tokens, target, np.ones(N_ROWS))
    assert text.saved_seconds == 0
    text.fit(tokens, target, np.ones(N_ROWS))
    assert text.saved_seconds > 0


def test_of_many_classes_the_most_frequent_ones_have_scores(tokens):
    classes = np.where((tokens == 5).any(axis=1), 2, np.where((tokens == 6).any(axis=1), 0, 1))
    scores, of_training = fitted(tokens, np.eye(4)[classes], 2)
    counts = np.bincount(classes, minlength=4)
    assert set(np.argsort(-counts)[:2]) == {1, 2}
    assert np.corrcoef(of_training[:, 1], classes == 2)[0, 1] > 0.7


def test_rows_outside_of_the_sample_have_the_scores_of_the_sample(tokens, monkeypatch):
    monkeypatch.setattr(text_scores, "_FEWEST_FITTED", 100)
    target = (tokens == 7).sum(axis=1).astype(float)
    scores, of_training = fitted(tokens, target, share=0.0)
    n_equal = np.isclose(of_training, scores.transform(tokens), atol=0.01).all(axis=1).sum()
    assert n_equal >= N_ROWS - 100
    assert np.corrcoef(of_training[:, 0], target)[0, 1] > 0.4


def reviews(n_rows, generator):
    """Return reviews of products that may be good and useless, or bad and useful, and whether they are recommended."""
    good = ["splendid", "lovely", "superb", "charming", "elegant"]
    bad = ["dreadful", "clumsy", "tedious", "shabby", "horrid"]
    fillers = [f"word{number}" for number in range(300)]
    is_good, price = generator.random(n_rows) < 0.5, generator.normal(size=n_rows)
    texts = []
    for good_one in is_good:
        words = list(generator.choice(fillers, 15))
        words[generator.integers(15)] = generator.choice(good if good_one else bad)
        texts.append(" ".join(words))
    return pd.DataFrame({"text": texts, "price": price}), np.where(is_good == (price > -0.5), "yes", "no")


def test_trees_learn_how_texts_and_numbers_depend_on_each_other(tmp_path):
    frame, target = reviews(1500, np.random.default_rng(0))
    model = autonas.StructuredDataClassifier(max_trials=1, directory=tmp_path, seed=0, verbose=0)
    model.fit(frame[:1000], target[:1000])
    assert model.best_hyperparameters_["structured_data_block_1/kind"] == "trees"
    assert model.score(frame[1000:], target[1000:]) > 0.9
    exported = keras.models.load_model(model.export(tmp_path / "model.keras").path)
    inputs = {"text": np.array(frame.text[1000:], dtype=str), "price": frame.price[1000:].to_numpy("float32")}
    inputs = {name: keras.ops.convert_to_tensor(values) for name, values in inputs.items()}
    np.testing.assert_allclose(exported(inputs)[:, 0], model.predict_proba(frame[1000:])[:, 1], atol=1e-5)


def test_trees_learn_from_the_endings_of_words_that_are_new(tmp_path):
    generator = np.random.default_rng(0)
    syllables = [first + second for first in "bdfgklmnprst" for second in "aeiou"]

    def text(is_latin):
        stems = ["".join(generator.choice(syllables, 3)) for _ in range(4)]
        return " ".join(stem + str(generator.choice(["us", "um"] if is_latin else ["ov", "ev"])) for stem in stems)

    target = generator.random(900) < 0.5
    frame = pd.DataFrame({"names": [text(is_latin) for is_latin in target], "noise": generator.normal(size=900)})
    model = autonas.StructuredDataClassifier(max_trials=1, directory=tmp_path, seed=0, verbose=0, ensemble=None)
    model.fit(frame[:600], target[:600])
    assert model.best_hyperparameters_["structured_data_block_1/kind"] == "trees"
    assert model.score(frame[600:], target[600:]) > 0.95
