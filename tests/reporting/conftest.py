"""A real search for tests of what is shown of one: with failed and refused trials, and labels that are hostile."""

import warnings

import keras
import matplotlib
import numpy as np
import pandas
import pytest
from matplotlib import pyplot
from sklearn.datasets import load_wine

import autonas

#: What a page must show as it is written, and a picture must not read as a formula.
HOSTILE = '<script>alert("$1 & $2")</script>'


class Fragile(autonas.Block):
    """A block one of whose three kinds can't be built, and one of whose widths is beyond the limit of the search."""

    def build(self, hp, inputs):
        kind = hp.Choice("kind", ["wide", "deep", "broken"])
        if kind == "broken" and not isinstance(hp, autonas.search_space.declaration.DeclaringHyperParameters):
            raise RuntimeError(f"{HOSTILE} can't be built")
        outputs = keras.layers.Dense(hp.Choice("units", [8, 16, 32, 2048]), activation="relu")(inputs)
        return keras.layers.Dense(8, "relu")(outputs) if kind == "deep" else outputs


@pytest.fixture(scope="session")
def searched(tmp_path_factory):
    """A fitted estimator of 16 trials, of which some failed, and others were refused besides."""
    x, y = load_wine(return_X_y=True, as_frame=True)
    x.insert(0, HOSTILE, np.where(x["hue"] > 1, "pale", "deep"))
    labels = np.array([HOSTILE, "Barolo", "葡萄"], dtype=object)[y]
    node = autonas.StructuredDataInput(name="bottle")
    head = autonas.ClassificationHead(name="vineyard")(Fragile(name="network")(node))
    model = autonas.AutoModel(
        node, head, strategy="random", max_trials=16, epochs=8, objective="val_loss", seed=3,
        constraints={"params": 20_000}, directory=tmp_path_factory.mktemp("searched"), tensorboard=False, verbose=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(pandas.DataFrame(x), labels)


@pytest.fixture(autouse=True)
def no_window():
    """Figures of pyplot are drawn into memory, and closed after a test."""
    matplotlib.use("Agg")
    yield
    pyplot.close("all")
