"""Ten networks whose parameters, FLOPs and exported weights are counted by hand."""

import dataclasses

import keras
from keras import layers


@dataclasses.dataclass(frozen=True)
class Known:
    """A network and its numbers.

    Args:
        build: Function that builds it.
        params: Number of parameters.
        flops: FLOPs of a row.
        exported: Number of float32 weights in an exported file, where batch normalisation has become a part of the
            weights and biases of the layer before it.
    """

    build: callable
    params: int
    flops: int
    exported: int


def _model(inputs, outputs):
    return keras.Model({inputs.name: inputs}, {"y": outputs})


def linear():
    x = keras.Input((64,), name="x")
    return _model(x, layers.Dense(10)(x))


def perceptron():
    x = keras.Input((30,), name="x")
    return _model(x, layers.Dense(1, "sigmoid")(layers.Dense(50, "relu")(x)))


def convolution():
    x = keras.Input((8, 8, 3), name="x")
    outputs = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return _model(x, layers.Dense(10)(layers.Flatten()(outputs)))


def normalised_convolution():
    x = keras.Input((8, 8, 3), name="x")
    outputs = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
    return _model(x, layers.Dense(10)(layers.GlobalAveragePooling2D()(layers.Activation("relu")(outputs))))


def depthwise():
    x = keras.Input((8, 8, 12), name="x")
    outputs = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
    return _model(x, layers.Conv2D(20, 1)(outputs))


def separable():
    x = keras.Input((8, 8, 12), name="x")
    return _model(x, layers.SeparableConv2D(20, 3, padding="same")(x))


def residual():
    x = keras.Input((8, 8, 16), name="x")
    outputs = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    outputs = layers.Add()([x, layers.Conv2D(16, 3, padding="same")(outputs)])
    return _model(x, layers.Dense(5)(layers.GlobalAveragePooling2D()(outputs)))


def branches():
    x = keras.Input((16, 8), name="x")
    parts = [layers.Conv1D(10, 3, padding="same")(x), layers.Conv1D(14, 5, padding="same")(x)]
    return _model(x, layers.Dense(7)(layers.GlobalMaxPooling1D()(layers.Concatenate()(parts))))


def words():
    x = keras.Input((12,), dtype="int32", name="x")
    return _model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(layers.Embedding(1000, 16)(x))))


def pooled():
    x = keras.Input((12, 12, 1), name="x")
    outputs = layers.MaxPooling2D(2)(layers.Conv2D(8, 5, activation="relu")(x))
    outputs = layers.Conv2D(16, 3, activation="relu")(layers.Dropout(0.5)(outputs))
    return _model(x, layers.Dense(10, "softmax")(layers.Flatten()(outputs)))


KNOWN = [
    Known(linear, 64 * 10 + 10, 2 * 640 + 10, 650),
    Known(perceptron, 30 * 50 + 50 + 50 + 1, 2 * 1500 + 50 + 50 + 2 * 50 + 1 + 1, 1601),
    Known(
        convolution,
        27 * 16 + 16 + 1024 * 10 + 10,
        64 * 16 * (2 * 27 + 1 + 1) + 2 * 10240 + 10,
        448 + 10250,
    ),
    Known(
        normalised_convolution,
        27 * 16 + 4 * 16 + 16 * 10 + 10,
        64 * 16 * (2 * 27 + 2 + 1) + 64 * 16 + 2 * 160 + 10,
        27 * 16 + 16 + 170,
    ),
    # The bias that batch normalisation leaves to the depthwise convolution stands for itself.
    Known(
        depthwise,
        9 * 12 + 4 * 12 + 12 * 20 + 20,
        64 * 12 * (2 * 9 + 2) + 64 * 20 * (2 * 12 + 1),
        9 * 12 + 12 + 12 * 20 + 20,
    ),
    # The depthwise part is given biases of zero.
    Known(separable, 9 * 12 + 12 * 20 + 20, 64 * (2 * (9 * 12 + 12 * 20) + 20), 9 * 12 + 12 + 12 * 20 + 20),
    Known(
        residual,
        2 * (144 * 16 + 16) + 16 * 5 + 5,
        64 * 16 * (2 * 144 + 2) + 64 * 16 * (2 * 144 + 1) + 64 * 16 + 64 * 16 + 2 * 80 + 5,
        2 * 2320 + 85,
    ),
    Known(
        branches,
        3 * 8 * 10 + 10 + 5 * 8 * 14 + 14 + 24 * 7 + 7,
        16 * 10 * (2 * 24 + 1) + 16 * 14 * (2 * 40 + 1) + 16 * 24 + 2 * 24 * 7 + 7,
        250 + 574 + 175,
    ),
    Known(words, 16000 + 16 * 3 + 3, 12 * 16 + 2 * 48 + 3, 16051),
    Known(
        pooled,
        25 * 8 + 8 + 72 * 16 + 16 + 64 * 10 + 10,
        64 * 8 * (2 * 25 + 2) + 4 * 16 * 8 + 4 * 16 * (2 * 72 + 2) + 2 * 640 + 20,
        208 + 1168 + 650,
    ),
]
