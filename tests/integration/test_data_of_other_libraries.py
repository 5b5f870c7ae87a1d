"""Frames, loaders and named targets in place of arrays, through the facade."""

import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.datasets import load_iris

import autonas

FRAME = load_iris(as_frame=True).frame
FRAME["petal colour"] = np.where(FRAME["petal width (cm)"] > 1, "violet", "blue")
TRAINING, NEW = FRAME.iloc[::2], FRAME.iloc[1::2]


@pytest.fixture
def model(tmp_path):
    return autonas.AutoModel(
        max_trials=1, epochs=20, seed=0, verbose=0, directory=tmp_path / "run", tensorboard=False, ensemble=None
    )


def test_the_targets_are_a_column_of_the_frame(model):
    model.fit(TRAINING, "target", validation_data=NEW)
    assert model.task_ == "multiclass"
    assert model.feature_names_in_.tolist() == [*TRAINING.columns[:4], "petal colour"]
    assert model.validation_predictions_[0].truth.tolist() == NEW["target"].tolist()
    score = model.score(NEW, "target")
    assert score > 0.9
    assert model.score(NEW.drop(columns="target"), NEW["target"]) == score
    assert model.evaluate(NEW, "target")["accuracy"] == score
    assert set(model.feature_importance(NEW, "target").feature) == set(model.feature_names_in_)
    assert model.leaderboard(NEW, "target")["test_accuracy"].max() == score
    loaded = autonas.AutoModel.load(f"{model.directory_}/model")
    np.testing.assert_array_equal(loaded.predict(NEW), model.predict(NEW.drop(columns="target")))


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_a_frame_of_another_library_is_a_frame_of_pandas(model, library):
    pytest.importorskip("pyarrow")
    make = {"polars": "DataFrame", "pyarrow": "table"}[library]
    make = getattr(pytest.importorskip(library), make)
    training, new = (make({name: rows[name].tolist() for name in rows}) for rows in (TRAINING, NEW))
    model.fit(training, "target")
    expected = model.predict_proba(NEW.drop(columns="target"))
    features = new.drop("target") if library == "polars" else new.drop_columns("target")
    np.testing.assert_array_equal(model.predict_proba(features), expected)
    assert model.score(features, new["target"]) == model.score(NEW, "target") > 0.9


class Batches(keras.utils.PyDataset):
    def __init__(self, rows):
        super().__init__()
        self.x, self.y = rows.iloc[:, :4].to_numpy("float32"), rows["target"].to_numpy()

    def __len__(self):
        return -(-len(self.x) // 32)

    def __getitem__(self, index):
        rows = slice(32 * index, 32 * index + 32)
        return self.x[rows], self.y[rows]


def py_dataset(rows):
    return Batches(rows)


def torch_loader(rows):
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch.utils.data")
    batches = Batches(rows)
    pairs = torch.utils.data.TensorDataset(torch.tensor(batches.x), torch.tensor(batches.y))
    return torch.utils.data.DataLoader(pairs, batch_size=32)


def grain_data_set(rows):
    grain = pytest.importorskip("grain")
    batches = Batches(rows)
    pairs = list(zip(batches.x, batches.y, strict=True))
    return grain.MapDataset.source(pairs).to_iter_dataset().batch(32)


def dataset(rows):
    batches = Batches(rows)
    return tf.data.Dataset.from_tensor_slices((batches.x, batches.y)).batch(32)


@pytest.fixture(scope="module")
def of_dataset(tmp_path_factory):
    return fitted_to(dataset, tmp_path_factory.mktemp("run"))


def fitted_to(make, directory):
    model = autonas.AutoModel(max_trials=1, epochs=2, seed=0, verbose=0, directory=directory, tensorboard=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The training is too short for a model that is better than a constant.
        return model.fit(make(TRAINING), validation_data=make(NEW))


@pytest.mark.parametrize("make", [py_dataset, torch_loader, grain_data_set])
def test_a_loader_gives_the_model_that_the_same_dataset_of_tensorflow_gives(of_dataset, make, tmp_path):
    model = fitted_to(make, tmp_path / "run")
    features = NEW.iloc[:, :4].to_numpy("float32")
    probabilities = of_dataset.predict_proba(features)
    np.testing.assert_allclose(model.predict_proba(features), probabilities, rtol=1e-4)
    np.testing.assert_allclose(model.predict_proba(make(NEW)), probabilities, rtol=1e-4)
    assert model.score(make(NEW)) == of_dataset.score(dataset(NEW))
    with pytest.raises(ValueError, match="`y` must be None"):
        model.score(make(NEW), NEW["target"])


def test_a_column_of_polars_holds_texts_or_targets(model):
    polars = pytest.importorskip("polars")
    texts = pd.Series(["a good film", "a bad film", "good acting", "bad acting"] * 10)
    model.fit(polars.Series(texts.tolist()), polars.Series(["good", "bad"] * 20))
    assert model.predict(polars.Series(["a good film"])).tolist() == ["good"]
