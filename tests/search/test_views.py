"""Views: predictions that are averaged over an image and its mirror image."""

import warnings

import keras
import numpy as np
from keras import ops

import autonas
from autonas.costs import flops
from autonas.search import views

SIDE = 6


class LeftBorder(autonas.Block):
    """The largest pixel of the left border: a network that sees half of what matters."""

    def build(self, hp, inputs):
        return ops.max(inputs[:, :, 0], axis=1)


def images(n_rows, seed):
    """Return dark images, and images of a second class with a bright pixel at the left or right border."""
    generator = np.random.default_rng(seed)
    x, y = np.zeros((n_rows, SIDE, SIDE), "uint8"), generator.integers(2, size=n_rows)
    x[np.arange(n_rows), generator.integers(SIDE, size=n_rows), generator.choice([0, SIDE - 1], n_rows)] = 255 * y
    return x, y


def fitted(directory, flips=True, **arguments):
    """Return a model that was searched for one trial, long before its time limit."""
    inputs = autonas.ImageInput()
    augmentation = autonas.Augmentation(translation=0.0, horizontal_flip=flips, rotation=0.0)
    features = LeftBorder()(augmentation(autonas.Normalization()(inputs)))
    outputs = autonas.ClassificationHead(dropout=0.0)(features)
    optimization = autonas.Optimization(learning_rate=0.1, batch_size=16)
    model = autonas.AutoModel(
        inputs, outputs, optimization=optimization, objective="val_accuracy", max_trials=1, time_limit=600, epochs=20,
        refit=False, directory=directory, seed=0, verbose=0, **arguments,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", autonas.exceptions.BaselineWarning)
        return model.fit(*images(400, 0))


def accuracy(model):
    x, y = images(300, 1)
    return np.mean(model.predict(x) == y)


def test_a_network_averages_over_an_image_and_its_mirror_image_and_is_saved_with_keras_layers(tmp_path):
    inputs = {"pixels": keras.Input((5, 5, 1), dtype="uint8", name="pixels"), "age": keras.Input((1,), name="age")}
    pixels = keras.layers.RandomFlip("horizontal")(keras.layers.Rescaling(1 / 255)(inputs["pixels"]))
    vector = keras.layers.Concatenate()([keras.layers.Flatten()(pixels), inputs["age"]])
    network = keras.Model(inputs, {"kind": keras.layers.Dense(2, "softmax")(vector)})
    viewing = views.with_mirror_images(network, ["pixels"])
    viewing.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    images = np.random.default_rng(0).integers(256, size=(4, 5, 5, 1), dtype="uint8")

    def outputs(model, pixels):
        tensors = {"pixels": ops.convert_to_tensor(pixels), "age": ops.ones((4, 1))}
        return ops.convert_to_numpy(model(tensors, training=False)["kind"])

    expected = (outputs(network, images) + outputs(network, images[:, :, ::-1].copy())) / 2
    np.testing.assert_allclose(outputs(loaded, images), expected, atol=1e-6)
    assert flops.flops(viewing) >= 2 * flops.flops(network)


def test_a_network_without_mirror_images_in_its_training_stays_as_it_is():
    inputs = {"pixels": keras.Input((5, 5, 1), name="pixels")}
    flipped = keras.layers.RandomFlip("vertical")(inputs["pixels"])
    network = keras.Model(inputs, {"kind": keras.layers.Dense(2)(keras.layers.Flatten()(flipped))})
    assert views.with_mirror_images(network, ["pixels"]) is network


def test_a_search_that_may_average_averages_over_mirror_images_if_it_was_trained_on_them(tmp_path):
    assert accuracy(fitted(tmp_path / "with")) == 1.0
    assert accuracy(fitted(tmp_path / "without", flips=False)) < 0.9


def test_one_candidate_alone_has_no_views(tmp_path):
    assert accuracy(fitted(tmp_path, ensemble=None)) < 0.9


def test_views_that_would_break_a_limit_are_left_out(tmp_path):
    limit = 1.5 * flops.flops(fitted(tmp_path / "one", ensemble=None).model_)
    model = fitted(tmp_path / "limited", constraints={"flops": limit})
    assert flops.flops(model.model_) <= limit
    assert accuracy(model) < 0.9
