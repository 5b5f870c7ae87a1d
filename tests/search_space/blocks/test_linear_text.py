"""The linear model of TextBlock: weights of n-grams that scikit-learn fits."""

import string
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB

import autonas
from autonas.data import TextEncoder
from autonas.data.encoders import ngrams
from autonas.evaluation import loops
from autonas.search_space import graph, heads, inputs
from autonas.search_space.blocks import linear_text, text
from autonas.search_space.fitted import fitters

WORDS = {
    "cheap": "cheap prices now, buy it now now now",
    "news": "the minister said on Monday",
    "recipe": "bake the dough",
}


@pytest.fixture
def uncut(monkeypatch):
    """Use the n-grams of the longest texts, too."""
    monkeypatch.setattr(ngrams, "_SHARE", 1.0)


def texts(n=120):
    """Texts of three classes, some of whose words are repeated, with noise; and the numbers of the classes."""
    generator = np.random.default_rng(0)
    others = [f"w{number}" for number in range(30)]
    y = np.arange(n) % 3
    x = []
    for number in y:
        own = list(WORDS.values())[number].split()
        words = [*generator.choice(own, 4), *generator.choice(others, generator.integers(1, 12))]
        x.append(" ".join(words) + "!" * int(generator.integers(3)))
    return np.array(x, dtype=object), y


def fitted(x, y, head, task, n_outputs, strength, **values):
    """Return the encoder, the network whose linear model is refitted on all rows, and its outputs."""
    encoder = TextEncoder().fit(x)
    node = inputs.TextInput(name="x")
    drawn = graph.Graph(node, head(name="head")(text.TextBlock(kind="linear")(node)))
    drawn.bind([encoder.fit(x).feature], [heads.Target(task, n_outputs)])
    space = drawn.declare()
    space.values |= values
    model = drawn.build(space)
    (fitter,) = fitters.fitters_of(model)
    encoded = encoder.transform(x)
    rows = fitters.Rows(encoder.compact(x)["ngrams"], y)
    fitter.refit(rows, {"strength": strength, "factor": 1.0, "n_parts": 2}, np.random.default_rng(0))
    arrays = {f"x_{name}": array for name, array in encoded.items()}
    return encoder, model, np.asarray(model(arrays)["head"])


def features_of_scikit_learn(encoder, x, use_idf=True):
    """The TF-IDF weights of scikit-learn for the n-grams of an encoder."""
    standardised = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, string.punctuation)

    def words_of(text):
        found = text.translate(standardised).split()
        pairs = list(map(" ".join, zip(found, found[1:], strict=False)))
        first = ["^" + term for term in [*found[:1], *pairs[:1]]]
        return [*found, *pairs, *first, *("=" + character for character in text)]

    *others, marks, last = encoder.ngrams_
    vocabulary = [term if group.length > 1 else "^" + term for group in others for term in group.terms]
    vocabulary += ["=" + term for term in marks.terms]
    arguments = {"sublinear_tf": True, "lowercase": False, "use_idf": use_idf}
    words = TfidfVectorizer(analyzer=words_of, vocabulary=vocabulary, **arguments)
    terms = [term[::2] for term in last.terms]
    characters = TfidfVectorizer(analyzer="char", ngram_range=(2, 5), vocabulary=terms, **arguments)
    return sparse.hstack([vectorizer.fit_transform(x) for vectorizer in (words, characters)]).tocsr()


@pytest.mark.usefixtures("uncut")
def test_its_features_are_those_of_scikit_learn():
    x, _ = texts()
    encoder = TextEncoder().fit(x)
    matrix = linear_text.TfIdf(encoder.feature.statistics).matrix(encoder.compact(x)["ngrams"])
    np.testing.assert_allclose(matrix[:, 1:].toarray(), features_of_scikit_learn(encoder, x).toarray(), atol=1e-6)


@pytest.mark.usefixtures("uncut")
def test_its_probabilities_are_those_of_scikit_learn():
    x, y = texts()
    encoder, model, outputs = fitted(x, y, heads.ClassificationHead, "multiclass", 3, strength=10.0)
    features = features_of_scikit_learn(encoder, x)
    settings = {"C": 10.0, "solver": "liblinear", "dual": True, "tol": 1.0}
    seed = int(np.random.default_rng(0).integers(2**31))
    one_against_all = [
        LogisticRegression(**settings, random_state=seed).fit(features, y == number) for number in range(3)
    ]
    scores = np.stack([model.decision_function(features) for model in one_against_all], axis=1)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert not model.trainable_variables


@pytest.mark.usefixtures("uncut")
def test_with_log_count_ratios_its_features_are_scaled_by_naive_bayes_instead_of_by_document_frequencies():
    x, y = texts()
    y = (y == 1).astype(int)
    values = {"text_block_1/kind_linear/ratios": True}
    encoder, _, outputs = fitted(x, y, heads.ClassificationHead, "binary", 1, strength=10.0, **values)
    features = features_of_scikit_learn(encoder, x, use_idf=False)
    # The column 0 of the network's features is padding, whose count is 1 in both classes.
    padded = sparse.hstack([sparse.csr_matrix((len(x), 1)), features > 0])
    log_probabilities = MultinomialNB(alpha=1.0).fit(padded, y).feature_log_prob_[:, 1:]
    naive_bayes = log_probabilities[1] - log_probabilities[0]
    settings = {"C": 10.0, "solver": "liblinear", "dual": True, "tol": 1.0}
    seed = int(np.random.default_rng(0).integers(2**31))
    model = LogisticRegression(**settings, random_state=seed).fit(features @ sparse.diags(naive_bayes), y)
    expected = model.predict_proba(features @ sparse.diags(naive_bayes))[:, 1]
    np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-5)


@pytest.mark.usefixtures("uncut")
def test_its_numbers_are_those_of_scikit_learn():
    x, y = texts()
    encoder, _, outputs = fitted(x, y.astype("float32"), heads.RegressionHead, "regression", 1, strength=3.0)
    features = features_of_scikit_learn(encoder, x)
    ridge = Ridge(alpha=1 / 3, solver="sparse_cg", tol=1e-8).fit(features, y)
    np.testing.assert_allclose(outputs[:, 0], ridge.predict(features), atol=1e-3)


def searched(head, **arguments):
    node = autonas.TextInput()
    options = {"max_trials": 1, "seed": 0, "tensorboard": False, "verbose": 0}
    return autonas.AutoModel(node, head(autonas.TextBlock(kind="linear")(node)), **{**options, **arguments})


def test_it_learns_classes_numbers_and_labels():
    x, y = texts(300)
    assert searched(autonas.ClassificationHead()).fit(x[:200], y[:200]).score(x[200:], y[200:]) > 0.95
    numbers = searched(autonas.RegressionHead()).fit(x[:200], 100.0 * y[:200])
    assert np.abs(numbers.predict(x[200:]) - 100.0 * y[200:]).mean() < 25
    labels = np.stack([y == 0, y != 1], axis=1).astype(int)
    several = searched(autonas.ClassificationHead(multi_label=True)).fit(x[:200], labels[:200])
    assert (several.predict(x[200:]) == labels[200:]).mean() > 0.95


def test_a_search_with_short_trainings_does_not_fit_it_again():
    x, y = texts()
    halving = autonas.oracles.SuccessiveHalvingOracle("random", min_epochs=1)
    model = searched(autonas.ClassificationHead(), max_trials=None, epochs=9, strategy=halving, refit=False).fit(x, y)
    ratios = [record["values"]["text_block_1/kind_linear/ratios"] for record in model.records_ if record["values"]]
    assert sorted(ratios) == [False, True] and model.stop_reason_ == "space_exhausted"


def test_classes_without_training_rows_have_a_low_probability():
    x, y = texts(90)
    model = searched(autonas.ClassificationHead(num_classes=4)).fit(x, np.where(y == 2, 3, y))
    assert model.predict_proba(x)[:, 2].max() < 0.2


def test_rows_count_by_their_weights():
    x, y = texts(300)
    noise = np.random.default_rng(1).random(300) < 0.4
    weights = np.where(noise, 1e-6, 1.0)
    model = searched(autonas.ClassificationHead()).fit(x, np.where(noise, (y + 1) % 3, y), sample_weight=weights)
    assert model.score(x, y) > 0.95


def test_few_validation_rows_do_not_choose_its_penalty(monkeypatch):
    x, y = texts()
    encoder, model, _ = fitted(x, y, heads.ClassificationHead, "multiclass", 3, strength=10.0)
    (fitter,) = fitters.fitters_of(model)
    ids = encoder.compact(x)["ngrams"]

    def choices(targets):
        others = fitters.Rows(ids.take(slice(60)), targets)
        chosen = fitter.fit(fitters.Rows(ids.take(slice(60, None)), y[60:]), others, np.random.default_rng(0))
        return {name: chosen[name] for name in ("strength", "factor")}

    assert choices(y[:60]) == choices((y[:60] + 1) % 3)
    monkeypatch.setattr(linear_text, "_FEW_ROWS", 60)
    assert choices(y[:60])["factor"][0] > 2 * choices((y[:60] + 1) % 3)["factor"][0]


def test_the_predictions_of_validation_rows_are_known_without_the_network():
    x, y = texts(300)
    encoder, model, _ = fitted(x, y, heads.ClassificationHead, "multiclass", 3, strength=10.0)
    (fitter,) = fitters.fitters_of(model)
    assert fitter.validated is None
    ids = encoder.compact(x)["ngrams"]
    training, validation = (fitters.Rows(ids.take(rows), y[rows]) for rows in (slice(200), slice(200, None)))
    fitter.fit(training, validation, np.random.default_rng(0))
    encoded = {f"x_{name}": array for name, array in encoder.transform(x[200:]).items()}
    expected = np.asarray(model(encoded)["head"])
    predictions = loops.predictions_from(fitter.outputs, fitter.validated, model)
    np.testing.assert_allclose(predictions["head"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("losses", "tried"),
    [
        ({30.0: 1.0, 10.0: 1.005}, [30.0, 10.0]),
        ({30.0: 1.0, 10.0: 0.9, 3.0: 0.895}, [30.0, 10.0, 3.0]),
        ({30.0: 1.0, 10.0: 1.1, 100.0: 0.9, 300.0: 0.95}, [30.0, 10.0, 100.0, 300.0]),
    ],
)
def test_penalties_are_tried_as_long_as_the_loss_falls_by_a_hundredth(monkeypatch, losses, tried):
    x, y = texts()
    encoder, model, _ = fitted(x, y, heads.ClassificationHead, "multiclass", 3, strength=10.0)
    (fitter,) = fitters.fitters_of(model)
    monkeypatch.setattr(linear_text, "_FEW_ROWS", 1)
    strengths = []
    fit = linear_text.LinearModel._fitted
    monkeypatch.setattr(
        linear_text.LinearModel,
        "_fitted",
        lambda self, examples, strength, seed: strengths.append(strength) or fit(self, examples, strength, seed),
    )
    monkeypatch.setattr(linear_text.LinearModel, "_loss", lambda *arguments: losses[strengths[-1]])
    ids = encoder.compact(x)["ngrams"]
    training, validation = (fitters.Rows(ids.take(rows), y[rows]) for rows in (slice(80), slice(80, None)))
    choices = fitter.fit(training, validation, np.random.default_rng(0))
    # The last fit is that of the words alone, which have the same loss.
    best = min(losses, key=losses.get)
    assert strengths == [*tried, best] and (choices["strength"], choices["n_parts"]) == (best, 2)


def test_ngrams_of_characters_are_left_out_where_the_words_alone_are_better():
    generator, letters = np.random.default_rng(0), list(string.ascii_lowercase)
    y = np.arange(400) % 2
    words = ["".join(generator.choice(letters, 6)) for _ in range(200)]
    stems, endings = (["".join(generator.choice(letters, 5)) for _ in range(n)] for n in (8, 4_000))

    def parts(x):
        x = np.array(x, dtype=object)
        encoder, model, _ = fitted(x, y, heads.ClassificationHead, "binary", 1, strength=10.0)
        (fitter,) = fitters.fitters_of(model)
        ids = encoder.compact(x)["ngrams"]
        training, validation = (fitters.Rows(ids.take(rows), y[rows]) for rows in (slice(300), slice(300, None)))
        choices = fitter.fit(training, validation, np.random.default_rng(0))
        encoded = {f"x_{name}": array for name, array in encoder.transform(x[300:]).items()}
        predicted = loops.predictions_from(fitter.outputs, fitter.validated, model)["head"]
        np.testing.assert_allclose(np.asarray(model(encoded)["head"]), predicted, atol=1e-5)
        return choices["n_parts"]

    # A word of the class, among words whose characters say nothing.
    assert parts([" ".join([words[number], *generator.choice(words[2:], 15)]) for number in y]) == 1
    # Compounds whose first half is of the class, and whose second half is of any.
    compounds = [[generator.choice(stems[4 * number : 4 * number + 4]) for _ in range(3)] for number in y]
    assert parts([" ".join(stem + generator.choice(endings) for stem in own) for own in compounds]) == 2


def test_no_penalty_is_tried_for_which_there_is_no_time_and_the_time_of_the_best_one_is_known(monkeypatch):
    x, y = texts()
    encoder, model, _ = fitted(x, y, heads.ClassificationHead, "multiclass", 3, strength=10.0)
    (fitter,) = fitters.fitters_of(model)
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    fit = linear_text.LinearModel._fitted

    def slow_fit(self, examples, strength, seed):
        now[0] += 10.0 if strength == 30.0 else 5.0
        return fit(self, examples, strength, seed)

    monkeypatch.setattr(linear_text.LinearModel, "_fitted", slow_fit)
    monkeypatch.setattr(linear_text, "_FEW_ROWS", 1)
    ids = encoder.compact(x)["ngrams"]
    training, validation = (fitters.Rows(ids.take(rows), y[rows]) for rows in (slice(80), slice(80, None)))
    choices = fitter.fit(training, validation, np.random.default_rng(0), deadline=22.0)
    # The words alone are tried, too, where their fit would end in time.
    seconds, spent = {30.0: (10.0, 15.0), 10.0: (5.0, 20.0)}[choices["strength"]]
    assert now[0] == spent
    assert choices["refit_share"] == pytest.approx(seconds / spent)


CHECK = """
import sys, keras, numpy
network = keras.models.load_model(sys.argv[1] + "/network.keras")
import tensorflow as tf
x = numpy.load(sys.argv[1] + "/x.npy", allow_pickle=True)
expected = numpy.load(sys.argv[1] + "/expected.npy")
numpy.testing.assert_allclose(network(tf.constant(x.tolist())), expected, atol=1e-6)
assert not any(name.startswith("autonas") for name in sys.modules)
"""


def test_it_is_exported_as_part_of_one_file_that_needs_nothing_but_keras(tmp_path, run_elsewhere):
    x, y = texts()
    model = searched(autonas.ClassificationHead()).fit(x, y)
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-5
    np.save(tmp_path / "x.npy", x[:20].astype(object))
    np.save(tmp_path / "expected.npy", model.predict_proba(x[:20]))
    done = run_elsewhere([sys.executable, "-c", CHECK, str(tmp_path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_cost_of_it_is_known():
    x, y = texts()
    costs = ["params", "flops", "memory_mb", "model_size_mb", "latency_ms"]
    row = (
        searched(autonas.ClassificationHead(), objective=["val_loss", *costs])
        .fit(x, y)
        .leaderboard()
        .query("stage == 'search'")
        .iloc[0]
    )
    assert row.status == "completed" and (row[costs] > 0).all()


def test_where_it_cannot_predict_the_target_the_error_says_why():
    x, y = texts()
    with pytest.raises(ValueError, match="head 'regression_head_1' has the loss 'mean_absolute_error', and linear"):
        searched(autonas.RegressionHead(loss="mean_absolute_error")).fit(x, y.astype(float))


def test_it_is_a_candidate_unless_it_cannot_predict_the_target():
    x, _ = texts()
    for has_ngrams in (True, False):
        node = inputs.TextInput(name="x")
        drawn = graph.Graph(node, heads.ClassificationHead()(text.TextBlock()(node)))
        drawn.bind([TextEncoder(has_ngrams=has_ngrams).fit(x).feature], [heads.Target("multiclass", 3)])
        (kind,) = [choice for choice in drawn.declare().space if choice.name == "text_block_1/kind"]
        assert ("linear" in kind.values) == has_ngrams
