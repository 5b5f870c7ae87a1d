"""Ridge regression or classification of vectors."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, heads, losses
from autonas.search_space.blocks import arguments, reduction
from autonas.search_space.fitted import fitters, ridge


class RidgeBlock(block.Block):
    """Linear model of features, fitted in closed form, that predicts the target itself.

    The features are standardised, and features that are 0 remain 0 (Dempster et al. 2023). The ridge regression has the
    penalty that is best in leave-one-out cross-validation on the training rows. Classes are regressed as -1 and 1, and
    the same cross-validation scales their scores so that the probabilities have a low log loss. The output is the score
    of each class before the softmax, or the number to predict. A head that is connected to the block adds no weights of
    its own.

    Series and feature maps are averaged to vectors first.

    Args:
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    scores = autonas.RidgeBlock()(autonas.HydraBlock()(inputs))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(scores))
    ```
    """

    is_fitted = True

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        head_name, head = fitters.only_head(self, unsuitable(self))
        features = reduction.to_float32_vector(arguments.one_tensor(self, inputs))
        standardization = keras.layers.BatchNormalization(
            center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32"
        )
        dense = keras.layers.Dense(head.target.n_outputs, kernel_initializer="zeros", trainable=False, dtype="float32")
        is_nonzero = ops.cast(ops.not_equal(features, 0.0), "float32")
        scores = dense(standardization(features) * is_nonzero)
        fitters.attach(ridge.Ridge(features, head_name, head.target.task, standardization, dense), dense)
        return block.as_prediction(scores)


def unsuitable(member: block.Block, models: str = "ridge regressions") -> str | None:
    """Return why a regression can't predict the target of a block of a bound graph, or `None`.

    Args:
        member: The block.
        models: Name of the regressions, in the plural. Defaults to ridge regressions.
    """
    return fitters.unsuitable(member, models, [*losses.OF_CLASSES, *sorted(heads.SCALE_FREE_LOSSES)])
