"""StructuredDataBlock: the families of networks and models of tables."""

import numpy as np
import pandas as pd

import autonas
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
