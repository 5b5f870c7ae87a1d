"""Task classes: kind of data and task are fixed, and anything else is refused."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

import autonas
from autonas.search_space.blocks import transformer
from tests.helpers.budgets import QUIET

BUDGET = {**QUIET, "max_trials": 1, "epochs": 1, "refit": False}
WORDS = [f"{'good' if row % 2 else 'bad'} film number {row % 5}" for row in range(40)]
SERIES = np.random.default_rng(0).normal(size=(40, 12, 2))
IMAGES = load_digits().data.reshape(-1, 8, 8)[:60]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "task_class, x",
    [
        (autonas.ImageClassifier, IMAGES),
        (autonas.ImageRegressor, IMAGES),
        (autonas.TextClassifier, WORDS),
        (autonas.TextRegressor, WORDS),
        (autonas.TimeSeriesClassifier, SERIES),
        (autonas.TimeSeriesRegressor, SERIES),
        (autonas.StructuredDataClassifier, load_iris().data),
        (autonas.StructuredDataRegressor, load_iris().data),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_each_serves_its_kind_of_data_and_task(task_class, x):
    y = np.arange(len(x)) % 2  # labels or numbers, whichever the class says
    model = task_class(**BUDGET).fit(x, y)
    assert model.task_ == ("regression" if task_class.__name__.endswith("Regressor") else "binary")
    assert [encoder.kind for encoder in model.predictor_.encoders.values()] == [task_class.kind]
    assert model.predict(x).shape == (len(x),)
    assert isinstance(model.score(x, y), float)


def test_the_kind_decides_what_could_be_either():
    series = np.zeros((40, 12, 12)) + np.arange(40)[:, None, None]
    assert list(autonas.TimeSeriesClassifier(**BUDGET).fit(series, np.arange(40) % 2).predictor_.encoders) == [
        "time_series_input_1"
    ]


def test_data_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="`x`"):
        autonas.ImageClassifier(**BUDGET).fit(load_iris().data, load_iris().target)


def test_numbers_with_fractions_are_no_labels():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        autonas.StructuredDataClassifier(**BUDGET).fit(load_iris().data[:, :3], load_iris().data[:, 3])


@pytest.mark.parametrize("n_words", [600, 2000])
def test_long_texts_fit(n_words):
    generator = np.random.default_rng(0)
    y = np.arange(40) % 2
    texts = [" ".join(generator.choice(["good", "fine"] if label else ["bad", "dull"], n_words)) for label in y]
    model = autonas.TextClassifier(**BUDGET).fit(texts, y)
    assert model.predict(texts).shape == (40,)


def test_the_report_says_which_family_could_not_be_built(monkeypatch):
    monkeypatch.setattr(transformer.TransformerBlock, "build", lambda block, hp, inputs: 1 / 0)
    with pytest.warns(UserWarning, match="text_block_1/kind='transformer' is left out of the search"):
        model = autonas.TextClassifier(**BUDGET).fit(WORDS, np.arange(40) % 2)
    reason = model.search_["settings"]["left out: text_block_1/kind=transformer"]
    assert reason == "ZeroDivisionError: division by zero"
