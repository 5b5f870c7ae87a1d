"""StructuredDataBlock: the families of networks and models of tables."""

import keras
import numpy as np
import pandas as pd

import autonas
from autonas.search_space.blocks import numbers
from tests.helpers.tables import drawn


def test_the_linear_model_tells_hundreds_of_categories_of_a_column_apart():
    generator = np.random.default_rng(0)
    users, effects = generator.integers(0, 600, 6000), generator.normal(size=600)
    table = pd.DataFrame({"user": [f"u{user}" for user in users], "size": generator.normal(size=6000)})
    target = effects[users] + table["size"].to_numpy() + generator.normal(0, 0.3, 6000)
    model = drawn(autonas.StructuredDataBlock(kind="linear"), autonas.RegressionHead())
    model.fit(table[:5000], target[:5000])
    # The noise has a share of .04 of the variance.
    assert model.score(table[5000:], target[5000:]) > 0.93


def test_a_number_that_nearly_equal_columns_determine_is_predicted_to_a_thousandth():
    """Spectra of four substances over a strong background, of which a linear model finds the amount of one."""
    generator, places = np.random.default_rng(0), np.linspace(0, 1, 200)
    peaks = np.exp(-(((places - [[0.2], [0.45], [0.5], [0.8]]) / 0.07) ** 2))
    amounts = generator.uniform(size=(120, 4))
    background = 0.5 * generator.normal(size=(120, 1))
    x = amounts @ peaks + background + 1e-4 * generator.normal(size=(120, 200))
    model = drawn(autonas.StructuredDataBlock(kind="linear", numbers="plain"), autonas.RegressionHead())
    model.fit(x[:80], amounts[:80, 2])
    assert np.abs(model.predict(x[80:]) - amounts[80:, 2]).max() < 1e-3


def test_an_outlier_is_squashed_and_other_numbers_stay_as_they_are():
    feature = autonas.data.Feature("table", {"numbers": autonas.data.Tensor((1,), "float32")}, {"missing": [False]})
    values = np.array([[-1e6], [-6.0], [-4.0], [0.5], [3.9], [6.0], [1e6]], "float32")
    inputs = keras.Input((1,))
    squashed = keras.Model(inputs, numbers.impute(inputs, feature)).predict_on_batch(values)[:, 0]
    np.testing.assert_allclose(squashed[2:5], [-4.0, 0.5, 3.9], rtol=1e-6)
    beyond = 4.0 + 2.0 / np.sqrt(1.25)
    np.testing.assert_allclose(squashed[[0, 1, 5, 6]], [-8.0, -beyond, beyond, 8.0], rtol=1e-6)
