"""FLOPs are exact, on networks that are small enough to count by hand."""

import keras
import pytest
from keras import layers, ops

from autonas.costs import flops


def network(shape, *stack, dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *stack])


def test_dense_counts_multiply_adds_twice_and_bias_and_activation_once():
    model = network((5,), layers.Dense(7, "relu"), layers.Dense(3, use_bias=False))
    assert flops.flops(model) == (2 * 5 * 7 + 7 + 7) + 2 * 7 * 3


def test_dense_on_steps_counts_each_step():
    assert flops.flops(network((4, 5), layers.Dense(7))) == 4 * (2 * 5 * 7 + 7)


CONVOLUTIONS = [
    ((8, 8, 3), layers.Conv2D(6, 3, padding="same", use_bias=False), 2 * 64 * 9 * 3 * 6),
    ((8, 8, 3), layers.Conv2D(6, 3), 6 * 6 * 6 * (2 * 9 * 3 + 1)),
    ((8, 8, 4), layers.Conv2D(6, 3, strides=2, padding="same", groups=2, use_bias=False), 2 * 16 * 9 * 2 * 6),
    ((9, 3), layers.Conv1D(4, 5, dilation_rate=2, use_bias=False), 2 * 1 * 5 * 3 * 4),
    ((8, 8, 3), layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False), 2 * 64 * 9 * 6),
    ((8, 3), layers.DepthwiseConv1D(3, strides=2, padding="same", use_bias=False), 2 * 4 * 3 * 3),
    ((8, 8, 3), layers.SeparableConv2D(6, 3, padding="same"), 64 * (2 * (9 * 3 + 3 * 6) + 6)),
    ((8, 3), layers.SeparableConv1D(6, 3, padding="same", use_bias=False), 8 * 2 * (3 * 3 + 3 * 6)),
]


@pytest.mark.parametrize(("shape", "layer", "expected"), CONVOLUTIONS, ids=lambda each: getattr(each, "name", ""))
def test_convolutions_count_the_multiply_adds_at_each_position_of_the_output(shape, layer, expected):
    assert flops.flops(network(shape, layer)) == expected


STEP_OF_LSTM = 2 * 4 * 6 * (3 + 6) + 4 * 6 + 9 * 6
OTHERS = [
    ((8, 8, 3), layers.BatchNormalization(), 2 * 192),
    ((8, 3), layers.LayerNormalization(), 7 * 24),
    ((8, 8, 3), layers.Rescaling(2.0), 2 * 192),
    ((8, 8, 3), layers.Activation("relu"), 192),
    ((8, 8, 3), layers.MaxPooling2D(3, strides=2, padding="same"), 9 * 16 * 3),
    ((8, 3), layers.AveragePooling1D(2), 2 * 4 * 3),
    ((8, 8, 3), layers.GlobalAveragePooling2D(), 192),
    ((8, 3), layers.LSTM(6), 8 * STEP_OF_LSTM),
    ((8, 3), layers.Bidirectional(layers.LSTM(6, return_sequences=True)), 2 * 8 * STEP_OF_LSTM),
    ((8, 3), layers.GRU(6, reset_after=True), 8 * (2 * 3 * 6 * (3 + 6) + 6 * 6 + 8 * 6)),
    ((8, 3), layers.SimpleRNN(6), 8 * (2 * 6 * (3 + 6) + 6 + 6)),
    ((8, 3), layers.EinsumDense("ntc,cd->ntd", output_shape=(8, 5), bias_axes="td"), 8 * 5 * (2 * 3 + 1)),
    ((5, 4), layers.EinsumDense("bdf,dfe->bde", output_shape=(5, 3), activation="relu"), 5 * 3 * (2 * 4 + 1)),
]


@pytest.mark.parametrize(("shape", "layer", "expected"), OTHERS, ids=lambda each: getattr(each, "name", ""))
def test_other_layers_count_what_each_element_takes(shape, layer, expected):
    assert flops.flops(network(shape, layer)) == expected


def test_attention_counts_projections_products_of_pairs_and_means():
    inputs = keras.Input((5, 6))
    model = keras.Model(inputs, layers.MultiHeadAttention(2, 3)(inputs, inputs))
    projections = 3 * 5 * 2 * 3 * (2 * 6 + 1)
    pairs = 2 * 5 * 5 * (2 * 3 + 2 + 2 * 3)
    assert flops.flops(model) == projections + pairs + 5 * 6 * (2 * 2 * 3 + 1)


def test_moving_values_and_what_only_training_does_cost_nothing():
    training_only = [layers.RandomFlip(), layers.Dropout(0.5)]
    moving = [layers.ZeroPadding2D(1), layers.Reshape((100, 3)), layers.Flatten()]
    assert flops.flops(network((8, 8, 3), *training_only, *moving)) == 0
    assert flops.flops(network((7,), layers.Embedding(10, 4), dtype="int32")) == 0


def test_operations_of_keras_count_like_layers():
    inputs = keras.Input((8, 3))
    outputs = ops.concatenate([ops.mean(inputs * 2.0, axis=1), ops.max(inputs, axis=1)], axis=-1)
    assert flops.flops(keras.Model(inputs, outputs[:, :4])) == 24 + 24 + 24


def test_a_layer_that_is_used_twice_counts_twice():
    inputs = keras.Input((5,))
    dense = layers.Dense(5, use_bias=False)
    assert flops.flops(keras.Model(inputs, dense(dense(inputs)))) == 2 * 2 * 25


def test_a_layer_outside_of_the_model_does_not_count():
    inputs = keras.Input((5,))
    dense = layers.Dense(5, use_bias=False)
    outputs = dense(inputs)
    layers.Dense(100)(dense(outputs))
    assert flops.flops(keras.Model(inputs, outputs)) == 2 * 25


def test_a_residual_network_with_a_model_inside():
    inner = network((4, 4, 2), layers.Conv2D(2, 3, padding="same", use_bias=False), layers.BatchNormalization())
    inputs = keras.Input((4, 4, 2))
    outputs = layers.GlobalAveragePooling2D()(layers.Add()([inputs, inner(inputs)]))
    model = keras.Model(inputs, layers.Dense(3, "softmax")(outputs))
    assert flops.flops(model) == 2 * 16 * 9 * 2 * 2 + 2 * 32 + 32 + 32 + (2 * 2 * 3 + 3 + 3)


class Doubled(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


class Tripled(layers.Layer):
    def call(self, inputs):
        return 3 * inputs


def test_an_unknown_layer_is_named_and_can_be_told():
    with pytest.raises(ValueError, match="layer 'mine' of class Doubled are unknown"):
        flops.flops(network((5,), Doubled(name="mine")))
    flops.layer_flops.register(Tripled, lambda layer, inputs, outputs: 5)
    assert flops.flops(network((5,), Tripled())) == 5


def test_a_subclassed_model_is_an_unknown_layer():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="layer 'mine' of class Subclassed are unknown"):
        flops.flops(network((5,), Subclassed(name="mine")))


def test_shapes_that_are_not_known_are_refused():
    with pytest.raises(ValueError, match="'steps' has the shape"):
        flops.flops(network((None, 5), layers.Dense(3, name="steps")))
