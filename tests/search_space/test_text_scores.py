"""TextScores: predictions of the target by the words of a text, as features of trees."""

import keras
import numpy as np
import pandas as pd
import pytest

import autonas
from autonas.search_space import text_scores
from autonas.search_space.text_scores import TextScores

N_ROWS, N_WORDS, LENGTH = 600, 50, 12


@pytest.fixture
def tokens():
    """Token ids of texts of 0 to 12 words. The ids 0 and 1 are padding and unknown words."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(1, N_WORDS, size=(N_ROWS, LENGTH))
    tokens[np.arange(LENGTH) >= generator.integers(0, LENGTH + 1, size=N_ROWS)[:, None]] = 0
    return tokens.astype("float32")


def fitted(tokens, targets, n_scores=1):
    """Return the `TextScores`, and the scores of the training rows."""
    scores = TextScores(np.linspace(1, 5, N_WORDS), LENGTH, n_scores)
    targets = targets.reshape(len(targets), -1)
    return scores, scores.fit(tokens, targets, np.ones(len(targets)), np.random.default_rng(1))


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


def test_of_many_classes_the_most_frequent_ones_have_scores(tokens):
    classes = np.where((tokens == 5).any(axis=1), 2, np.where((tokens == 6).any(axis=1), 0, 1))
    scores, of_training = fitted(tokens, np.eye(4)[classes], 2)
    counts = np.bincount(classes, minlength=4)
    assert set(np.argsort(-counts)[:2]) == {1, 2}
    assert np.corrcoef(of_training[:, 1], classes == 2)[0, 1] > 0.7


def test_rows_outside_of_the_sample_have_the_scores_of_the_sample(tokens, monkeypatch):
    monkeypatch.setattr(text_scores, "_MOST_FITTED", 0)
    monkeypatch.setattr(text_scores, "_FEWEST_FITTED", 100)
    target = (tokens == 7).sum(axis=1).astype(float)
    scores, of_training = fitted(tokens, target)
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
