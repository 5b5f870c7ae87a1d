"""Effect of XLA on TensorFlow: seconds to the first step and seconds per epoch, with and without `jit_compile`.

    python benchmarks/xla.py --epochs 1

In an earlier run on a CPU, XLA took 4 to 5 times as long to the first step (2.0 s instead of 0.5 s for three dense
layers, 3.7 s instead of 0.7 s for four convolutions). Epochs of dense layers took two thirds of the time, and epochs of
convolutions 69 times the time.
"""

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

from autonas.data.dataset import ArrayDataset
from autonas.evaluation import tensorflow_loop
from autonas.optimizers import fused_adam

ROWS, BATCH_SIZE = 6400, 64


class XLALoop(tensorflow_loop.TensorFlowLoop):
    """Training loop that XLA compiles, with one step per call, because XLA compiles each number of steps separately."""

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        self._compiled = tf.function(self._train_steps, autograph=False, jit_compile=True)

    def _train(self, batches, rates):
        total = 0.0
        for batch, rate in zip(batches, rates, strict=True):
            total += float(self._compiled(tf.constant(batch[None]), tf.constant(rate[None])))
        return total / len(batches)


def dense(inputs):
    outputs = keras.layers.Flatten()(inputs)
    for _ in range(3):
        outputs = keras.layers.Dropout(0.25)(keras.layers.Dense(128, activation="relu")(outputs))
    return outputs


def convolution(inputs, depth=2):
    outputs = inputs
    for filters in (16, 32):
        for _ in range(depth):
            outputs = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(outputs)
            outputs = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(outputs))
        outputs = keras.layers.MaxPooling2D()(outputs)
    return keras.layers.GlobalAveragePooling2D()(outputs)


def loop(kind, network, dataset):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((28, 28, 1), name="x")
    model = keras.Model({"x": inputs}, {"y": keras.layers.Dense(10, "softmax")(network(inputs))})
    model.compile(fused_adam.FusedAdamW(1e-3, clip_norm=1.0), {"y": "sparse_categorical_crossentropy"})
    return kind(model, dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1)
    epochs = parser.parse_args().epochs
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 28, 28, 1)).astype("float32")
    dataset = ArrayDataset({"x": x}, {"y": generator.integers(0, 10, ROWS).astype("int32")}, np.arange(ROWS), None)
    for network in (dense, convolution):
        for kind in (tensorflow_loop.TensorFlowLoop, XLALoop):
            made = loop(kind, network, dataset)
            seconds = []
            for rows in [np.arange(BATCH_SIZE)] + [np.arange(ROWS)] * epochs:
                started = time.perf_counter()
                made.train_epoch(rows, BATCH_SIZE, generator, lambda share: 1e-3, None)
                seconds.append(time.perf_counter() - started)
            print(
                f"{network.__name__:12} {kind.__name__:15} first step {seconds[0]:6.2f} s, "
                f"epoch {min(seconds[1:]):6.3f} s"
            )


if __name__ == "__main__":
    main()
