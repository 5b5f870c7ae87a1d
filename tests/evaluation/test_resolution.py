"""Resolution: the same network and the same rows with smaller images."""

import keras
import numpy as np
import pytest

from autonas.data import dataset
from autonas.evaluation import resolution
from autonas.trials import checkpoint


def network(*layers):
    inputs = keras.Input((8, 6, 1), dtype="uint8", name="x_image")
    table = keras.Input((3,), name="y_numbers")
    outputs = keras.layers.Rescaling(1 / 255)(inputs)
    for layer in layers:
        outputs = layer(outputs)
    outputs = keras.layers.Concatenate()([outputs, table])
    return keras.Model({"x_image": inputs, "y_numbers": table}, {"head": keras.layers.Dense(2)(outputs)})


def test_a_network_that_pools_has_the_same_weights_for_smaller_images():
    model = network(
        keras.layers.Conv2D(4, 3, padding="same"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.GlobalAveragePooling2D(),
    )
    smaller = resolution.smaller(model, ["x_image"], 0.5)
    assert smaller.input["x_image"].shape == (None, 4, 3, 1) and smaller.input["y_numbers"].shape == (None, 3)
    for own, weight in zip(checkpoint.variables_of(smaller), checkpoint.variables_of(model), strict=True):
        np.testing.assert_array_equal(own, weight)
    # What is the same at each place is the same at any size, but at the border.
    uniform = {"x_image": np.full((1, 4, 3, 1), 7, "uint8"), "y_numbers": np.ones((1, 3), "float32")}
    assert np.isfinite(keras.ops.convert_to_numpy(smaller(uniform)["head"])).all()
    smaller.layers[-1].kernel.assign(np.zeros(smaller.layers[-1].kernel.shape))
    assert np.any(model.layers[-1].kernel.numpy())  # It is a copy.


@pytest.mark.parametrize(
    "layers",
    [
        [keras.layers.Flatten()],  # More weights for more pixels.
        [keras.layers.Reshape((48,))],  # The size is written into it.
        [keras.layers.Conv2D(4, 5), keras.layers.GlobalAveragePooling2D()],  # Nothing is left.
    ],
    ids=["flatten", "reshape", "valid convolution"],
)
def test_a_network_that_needs_its_size_has_none(layers):
    assert resolution.smaller(network(*layers), ["x_image"], 0.5) is None


def test_images_of_a_data_set_shrink_and_all_else_is_shared():
    images = np.zeros((5, 8, 6, 1), "uint8")
    images[1] = 201
    images[2, :4] = 100
    rows = dataset.ArrayDataset({"x_image": images, "y_numbers": np.ones((5, 3))}, {"head": np.ones(5)},
                                np.arange(4), np.arange(4, 5))  # fmt: skip
    small = resolution.resized(rows, ["x_image"], 0.5)
    pixels = small.inputs["x_image"]
    assert pixels.shape == (5, 4, 3, 1) and pixels.dtype == np.uint8
    assert (pixels[0] == 0).all() and (pixels[1] == 201).all()
    assert pixels[2].mean() == pytest.approx(50, abs=2)
    assert small.inputs["y_numbers"] is rows.inputs["y_numbers"] and small.train_rows is rows.train_rows
