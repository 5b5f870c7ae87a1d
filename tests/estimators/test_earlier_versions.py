"""Models that an earlier version saved: they load, predict the same numbers, and show their trials.

The archive holds the folders of five small models and their predictions for `rows()`, saved on 28 November 2026 by
version 0.1.0 before its release. A model whose form changes on purpose gets a new archive beside this one.
"""

import pathlib
import zipfile

import keras
import numpy as np
import pandas
import pytest

import autonas
from autonas.estimators import description

ARCHIVE = pathlib.Path(__file__).parent / "models_of_28_november_2026.zip"


def rows():
    """Return a table, texts and images of the same 40 rows."""
    number = np.arange(40)
    city = np.array(["Bonn", "Graz", "Bern"])[number % 3]
    table = pandas.DataFrame({"age": np.where(number % 7 == 0, np.nan, number * 1.5), "city": city})
    texts = np.array([f"{'good' if index % 2 else 'bad'} wine {index % 5}" for index in number])
    images = (number[:, None, None] % 2 * 150 + np.arange(64).reshape(8, 8)).astype("uint8")
    return {"table": table, "texts": texts, "images": images}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("trees", "table"), ("ridge", "table"), ("tabm", "table"), ("text_linear", "texts"), ("image", "images")],
)
def test_a_model_of_an_earlier_version_predicts_what_it_predicted(name, kind, folder):
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    x = rows()[kind]
    expected = np.load(folder / "expected.npz")[name]
    model = autonas.AutoModel.load(folder / name)
    predict = model.predict if model.task_ == "regression" else model.predict_proba
    np.testing.assert_allclose(predict(x), expected, rtol=1e-5, atol=1e-6)
    board = description.read_search(folder / name).leaderboard()
    assert (board.status == "completed").all() and board.equals(model.leaderboard())
    model.save(folder / "again")
    np.testing.assert_array_equal(autonas.AutoModel.load(folder / "again").predict(x), model.predict(x))
    if keras.backend.backend() == "tensorflow":
        assert model.export(folder / "model.keras", x).difference < 1e-4
