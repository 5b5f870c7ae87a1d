"""Heads: the outputs of a graph, each with its loss."""

import dataclasses

import keras

from autonas.search_space import block, ranges
from autonas.search_space.blocks import reduction


@dataclasses.dataclass(frozen=True)
class Target:
    """What a head must predict, as the data pipeline found it.

    Args:
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        n_outputs: Units of the output layer.
    """

    task: str
    n_outputs: int


LOSSES = {
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "regression": "mean_squared_error",
}
ACTIVATIONS = {"binary": "sigmoid", "multilabel": "sigmoid", "multiclass": "softmax", "regression": "linear"}

#: Losses that mean the same after a shift and a rescaling of the target, so that it may be standardised.
SCALE_FREE_LOSSES = {"mean_squared_error", "mse", "mean_absolute_error", "mae", "huber", "log_cosh"}


class Head(block.Block):
    """An output: reduces its input to a vector, drops out, and maps it to the target.

    Args:
        dropout: Rate of the dropout before the last layer, or a range. Defaults to a choice of 0, 0.25 and 0.5.
        loss: A Keras loss or its name. Defaults to the task's own.
        loss_weight: Weight of the loss in the sum over heads. Defaults to 1.
        name: Name of the head.
    """

    #: Tasks that the head can serve.
    tasks = tuple(LOSSES)

    def __init__(self, dropout=ranges.Choice([0.0, 0.25, 0.5]), loss=None, loss_weight=1.0, name=None):
        super().__init__(name)
        self.dropout = dropout
        self.loss = loss
        self.loss_weight = loss_weight

    def build(self, hp, inputs):
        outputs = reduction.to_vector(inputs)
        rate = self.suggest(hp, "dropout")
        if rate:
            outputs = keras.layers.Dropout(rate)(outputs)
        # Probabilities, numbers and the loss are float32 whatever the precision of the layers before.
        return keras.layers.Dense(self.target.n_outputs, activation=ACTIVATIONS[self.target.task], dtype="float32")(
            outputs
        )

    def loss_function(self):
        """The loss, as Keras knows it."""
        return keras.losses.get(self.loss or LOSSES[self.target.task])

    def scales_target(self):
        """Whether a regression target may be standardised under this head's loss."""
        name = getattr(self.loss, "name", None) or getattr(self.loss, "__name__", None) or self.loss
        return name is None or block.snake_case(str(name)) in SCALE_FREE_LOSSES


class ClassificationHead(Head):
    """Classes: two, many, or several at once.

    Args:
        num_classes: Number of classes, if integer labels of some are missing in the data. Defaults to those seen.
        multi_label: Whether a row can have several classes (an indicator matrix). Defaults to `None`: inferred.
        dropout: As in `Head`.
        loss: A Keras loss or its name. Defaults to cross-entropy.
        loss_weight: Weight of the loss in the sum over heads. Defaults to 1.
        name: Name of the head.
    """

    tasks = ("binary", "multiclass", "multilabel")

    def __init__(
        self,
        num_classes=None,
        multi_label=None,
        dropout=ranges.Choice([0.0, 0.25, 0.5]),
        loss=None,
        loss_weight=1.0,
        name=None,
    ):
        super().__init__(dropout, loss, loss_weight, name)
        self.num_classes = num_classes
        self.multi_label = multi_label


class RegressionHead(Head):
    """Numbers: one or several.

    Args:
        dropout: As in `Head`. Defaults to none.
        loss: A Keras loss or its name. Defaults to the mean squared error.
        loss_weight: Weight of the loss in the sum over heads. Defaults to 1.
        name: Name of the head.
    """

    tasks = ("regression",)

    def __init__(self, dropout=0.0, loss=None, loss_weight=1.0, name=None):
        super().__init__(dropout, loss, loss_weight, name)
