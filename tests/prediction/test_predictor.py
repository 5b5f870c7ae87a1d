"""The predictor: networks are compiled once, whatever the number of rows, and the same outputs come of any number."""

import copy
import logging
import os

import keras
import numpy as np
import pandas as pd
import pytest

import autonas
from autonas import data, storage
from autonas.prediction import predictor as predictor_module

pytestmark = pytest.mark.usefixtures("folder")


def predictor(n_classes=3, width=8):
    """One that serves an untrained network for rows of two numbers."""
    inputs = keras.Input((2,), name="x_numbers")
    hidden = keras.layers.Dense(width, "tanh")(inputs)
    network = keras.Model({"x_numbers": inputs}, {"y": keras.layers.Dense(n_classes, "softmax")(hidden)})
    rows, labels = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % n_classes
    encoders, targets = {"x": data.get_encoder("table").fit(rows)}, {"y": data.TargetEncoder().fit(labels)}
    return predictor_module.Predictor(network, encoders, targets)


@pytest.mark.parametrize("n_rows", [1, 256, 257, 512, 513, 1300])
def test_any_number_of_rows(n_rows):
    served = predictor()
    rows = np.random.default_rng(1).normal(size=(n_rows, 2))
    outputs = served.outputs(rows)["y"]
    expected = served.network(served.encode(rows), training=False)["y"]
    np.testing.assert_allclose(outputs, keras.ops.convert_to_numpy(expected), atol=1e-6)


@pytest.mark.parametrize("n_rows", [3, 300])
def test_networks_with_a_sequential_model_predict(n_rows):
    inputs = keras.Input((2,), name="x_numbers")
    inner = keras.Sequential([keras.layers.Dense(8, "tanh"), keras.layers.Dense(3, "softmax", name="y")])
    served = predictor()
    served.network = keras.Model({"x_numbers": inputs}, {"y": inner(inputs)})
    rows = np.random.default_rng(1).normal(size=(n_rows, 2))
    expected = inner(served.encode(rows)["x_numbers"], training=False)
    np.testing.assert_allclose(served.outputs(rows)["y"], keras.ops.convert_to_numpy(expected), atol=1e-6)


@pytest.mark.parametrize("n_rows", [(3, 5), (5, 3), (1, 5), (300, 600)])
def test_inputs_of_unequal_length_are_refused(n_rows):
    inputs = {f"{name}_numbers": keras.Input((2,), name=f"{name}_numbers") for name in ("a", "b")}
    outputs = keras.layers.Dense(1, name="y")(keras.layers.Concatenate()(list(inputs.values())))
    rows = np.random.default_rng(0).normal(size=(600, 2))
    encoders = {name: data.get_encoder("table").fit(rows) for name in ("a", "b")}
    targets = {"y": data.TargetEncoder("regression").fit(rows[:, 0])}
    served = predictor_module.Predictor(keras.Model(inputs, {"y": outputs}), encoders, targets)
    a, b = (rows[:n] for n in n_rows)
    message = f"`x` must hold inputs .*: {n_rows[0]} rows in 'a' and {n_rows[1]} rows in 'b'"
    for method in (served.outputs, served.encode):
        for x in ([a, b], {"b": b, "a": a}):
            with pytest.raises(ValueError, match=message):
                method(x)


COMPILED = pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch's networks aren't compiled.")


@COMPILED
def test_a_network_is_compiled_once(monkeypatch):
    served, calls, call = predictor(), [], keras.Model.__call__
    monkeypatch.setattr(keras.Model, "__call__", lambda *args, **kwargs: calls.append(1) or call(*args, **kwargs))
    for n_rows in (300, 700, 1999):
        served.outputs(np.zeros((n_rows, 2)))
    assert len(calls) == 1


@COMPILED
def test_few_rows_are_predicted_by_compiled_networks_of_many_operations(monkeypatch):
    served, calls, call = predictor(), [], keras.Model.__call__
    rows = np.random.default_rng(1).normal(size=(250, 2))
    expected = keras.ops.convert_to_numpy(served.network(served.encode(rows), training=False)["y"])
    monkeypatch.setattr(keras.Model, "__call__", lambda *args, **kwargs: calls.append(1) or call(*args, **kwargs))
    for most, counted in ((150, [1, 2, 3, 4]), (2, [1, 2, 2, 3])):
        monkeypatch.setattr(predictor_module, "_DIRECT_OPERATIONS", most)
        calls.clear()
        counts = []
        for n_rows in (1, 3, 1, 250):
            np.testing.assert_allclose(served.outputs(rows[:n_rows])["y"], expected[:n_rows], atol=1e-6)
            counts.append(len(calls))
        assert counts == counted


def test_what_is_compiled_follows_the_weights_and_stays_behind_in_a_copy():
    served, rows = predictor(), np.ones((400, 2))
    before = served.outputs(rows)["y"]
    served.network.set_weights([np.zeros_like(weight) for weight in served.network.get_weights()])
    after = served.outputs(rows)["y"]
    assert not np.allclose(before, after) and np.allclose(after, 1 / 3)
    assert np.allclose(copy.deepcopy(served).outputs(rows)["y"], 1 / 3)


def test_nothing_is_logged_over_five_fits_and_predictions_of_differently_many_rows(iris, caplog):
    x, y = iris
    rows = np.tile(x, (12, 1))
    with caplog.at_level(logging.DEBUG, "tensorflow"):
        for seed in range(5):
            model = autonas.StructuredDataClassifier(
                max_trials=1, epochs=2, refit=False, tensorboard=False, verbose=0, seed=seed
            ).fit(x, y)
            for n_rows in (7, 300 + seed, 700 + seed):
                assert len(model.predict(rows[:n_rows])) == n_rows
    assert [record.message for record in caplog.records if record.name.startswith("tensorflow")] == []


class RandomFourierFeatures(keras.layers.Layer):
    """A layer of the user, which has an effect in predictions."""

    def call(self, inputs):
        return keras.ops.cos(inputs)


def test_augmentation_is_left_out_and_layers_of_the_user_stay():
    images = keras.Input((4, 4, 3))
    augmented = keras.layers.RandomFlip()(keras.layers.RandAugment()(keras.layers.MixUp()(images)))
    features = RandomFourierFeatures()
    served = predictor_module.without_training_parts(keras.Model(images, features(augmented)))
    assert served.layers[1:] == [features]


def test_columns_of_several_tables_and_inputs_may_have_one_name():
    generator = np.random.default_rng(0)
    words = np.array(["u", "v"], dtype=object)[np.arange(40) % 2]
    inputs = {
        "a": pd.DataFrame({"id": generator.normal(size=40), "w": generator.normal(size=40), "word": words}),
        "b": pd.DataFrame({"id": generator.normal(size=40), "a_id": generator.normal(size=40), "word": words[::-1]}),
        "w": generator.normal(size=(40, 3)),
    }
    encoders = {name: data.get_encoder("table").fit(x) for name, x in inputs.items()}
    tensors = {
        f"{name}_{key}": keras.Input(tensor.shape, dtype=tensor.dtype, name=f"{name}_{key}")
        for name, encoder in encoders.items()
        for key, tensor in encoder.feature.tensors.items()
    }
    joined = keras.ops.concatenate([keras.ops.cast(tensor, "float32") for tensor in tensors.values()], axis=-1)
    network = keras.Model(tensors, {"y": keras.layers.Dense(3, "softmax")(joined)})
    served = predictor_module.Predictor(network, encoders, {"y": data.TargetEncoder().fit(np.arange(40) % 3)})
    # Only TensorFlow computes with strings, and JAX has no 64 bits unless a program asks for them.
    is_tensorflow = keras.backend.backend() == "tensorflow"
    for strings in (True, False) if is_tensorflow else (False,):
        rows = served.example_inputs(coded=not strings)
        assert sorted(rows) == ["a_id", "a_id_", "a_w", "a_word", "b_id", "b_word", "w"]
        np.testing.assert_array_equal(rows["a_id"], served.encoders["b"].examples_["a_id"])
        model = served.export(strings, float64=is_tensorflow)
        given = {name: _tensor(array) for name, array in rows.items()}
        expected = served.outputs(served.example_rows())["y"]
        np.testing.assert_allclose(keras.ops.convert_to_numpy(model(given)), expected, atol=1e-5)
    assert sorted(served.code_book()) == ["a_word", "b_word"]


@pytest.fixture
def served_texts():
    """A predictor of texts, of which one is long, and of a column of categories."""
    texts = np.array(["ä word", "two words\0", "", "long " * 20_000] * 4, dtype=object)
    frame = pd.DataFrame({"number": np.arange(16.0), "word": ["u", "v"] * 8})
    encoders = {"text": data.get_encoder("text").fit(texts), "table": data.get_encoder("table").fit(frame)}
    return predictor_module.Predictor(predictor().network, encoders, {"y": data.TargetEncoder().fit(np.arange(16) % 3)})


def write(served):
    paths = {name: name for name in predictor_module.FILES}
    for name, writer in served.writers().items():
        writer(paths[name])
    return paths


def test_example_rows_take_the_space_of_their_characters(served_texts):
    served_texts.encoders["text"].keep_examples(served_texts.encoders["text"].examples_[:4])
    loaded = predictor_module.Predictor.load(write(served_texts))
    assert os.path.getsize(predictor_module.EXAMPLES) < 110_000
    for name, encoder in served_texts.encoders.items():
        assert_same_rows(loaded.encoders[name].examples_, encoder.examples_)


def assert_same_rows(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, array in expected.items():
            assert_same_rows(found[key], array)
    else:
        assert found.dtype == expected.dtype and found.tolist() == expected.tolist()


def test_example_rows_of_older_versions_are_read_and_damaged_ones_are_refused(served_texts):
    paths = write(served_texts)
    with np.load(paths["examples.npz"]) as arrays:
        contents = dict(arrays.items())
    np.savez(paths["examples.npz"], **contents | {"0:": np.array(["a", "bc"] * 8)})
    assert predictor_module.Predictor.load(paths).encoders["text"].examples_[:2].tolist() == ["a", "bc"]
    for damaged in (b"[1]", b"[", b"{}"):
        np.savez(paths["examples.npz"], **contents | {"0:": np.array(damaged)})
        with pytest.raises(storage.DamagedFile, match="examples.npz is damaged"):
            predictor_module.Predictor.load(paths)


def _tensor(array):
    """A tensor of the backend, or of TensorFlow for strings."""
    if array.dtype != object:
        return keras.ops.convert_to_tensor(array)
    return pytest.importorskip("tensorflow").constant(array.tolist())
