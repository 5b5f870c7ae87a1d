"""Operations: all give the same shape, whatever they do."""

import keras
import numpy as np
import pytest

from autonas.search_space.blocks import operations


def model(name, shape, filters, stride=1):
    inputs = keras.Input(shape)
    return keras.Model(inputs, operations.make(name, len(shape) + 1, filters, stride)(inputs))


def random(shape):
    return np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")


@pytest.mark.parametrize("shape", [(9, 7, 4), (9, 4), (1, 1, 4), (1, 4)])
@pytest.mark.parametrize("filters", [4, 6, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", operations.OPERATIONS)
def test_all_operations_give_the_same_shape(name, shape, filters, stride):
    built = model(name, shape, filters, stride)
    expected = (*[-(-side // stride) for side in shape[:-1]], filters)
    assert built.output_shape == (None, *expected)
    built.run_eagerly = True
    outputs = built(random(shape), training=True)
    assert outputs.shape == (4, *expected) and np.isfinite(outputs).all()


@pytest.mark.parametrize("name", operations.OPERATIONS)
def test_operations_are_made_of_layers_that_keras_loads_alone(name, tmp_path):
    built = model(name, (8, 8, 4), 6, stride=2)
    built.save(tmp_path / "model.keras")
    code = [type(layer).__module__.split(".")[0] for layer in built.layers]
    assert set(code) == {"keras"}
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(random((8, 8, 4))), built(random((8, 8, 4))), atol=1e-6)


@pytest.mark.parametrize(("filters", "stride"), [(4, 1), (6, 2)])
def test_none_is_zeros_without_weights(filters, stride):
    built = model("none", (8, 4), filters, stride)
    assert not np.any(built(random((8, 4)))) and not built.weights


def test_identity_is_the_input_where_the_shape_stays():
    built = model("identity", (8, 8, 4), 4)
    np.testing.assert_array_equal(built(random((8, 8, 4))), random((8, 8, 4)))
    assert len(built.layers) == 1


def test_convolutions_are_activated_before_and_normalised_after():
    kinds = [type(layer).__name__ for layer in model("convolution_3", (8, 8, 4), 4).layers[1:]]
    assert kinds == ["Activation", "Conv2D", "BatchNormalization"]


@pytest.mark.parametrize(
    ("name", "reach"), [("convolution_3", 1), ("separable_5", 2), ("dilated_3", 2), ("dilated_5", 4)]
)
def test_kernels_reach_as_far_as_their_name_says(name, reach):
    built = model(name, (15, 1), 1)
    impulse = np.zeros((1, 15, 1), "float32")
    impulse[0, 7] = 1
    touched = np.flatnonzero(np.array(built(impulse))[0, :, 0])
    assert (touched[0], touched[-1]) == (7 - reach, 7 + reach)


def test_an_unknown_operation_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"\['none', 'identity', .*Received: 'fft_3'"):
        operations.make("fft_3", 4, 8)


@pytest.mark.parametrize(
    ("shape", "stages"),
    [
        ((8, 8, 1), 3),
        ((9, 7, 1), 2),
        ((64, 32, 1), 5),
        ((1, 1, 1), 1),
        ((1, 200, 1), 5),
        ((2, 3), 1),
        ((8, 3), 2),
        ((100, 3), 5),
    ],
)
def test_maps_keep_two_pixels_or_eight_in_a_row_and_series_four_steps(shape, stages):
    assert operations.max_stages(keras.Input(shape)) == stages


def test_large_images_are_shrunk_by_the_stem():
    assert operations.stem(keras.Input((224, 200, 3)), 8).shape == (None, 56, 50, 8)
