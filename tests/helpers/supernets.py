"""A small supernet on digits, and what it is trained and scored with."""

import keras
import keras_tuner
import numpy as np

from autonas.data import dataset
from autonas.objectives import metrics, scoring
from autonas.search_space.blocks import cell
from autonas.supernet import Supernet
from tests.helpers import harness

OPERATIONS = ["convolution_3", "average_pooling_3", "identity"]
OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")


def make_graph(block=None, n=300):
    """A graph around a cell or another block, bound to digits, and their data set."""
    x, y = harness.digits(n)
    block = block or cell.CellBlock("nas_bench_201", operations=OPERATIONS, filters=8, n_stages=1, n_nodes=3)
    drawn = harness.make_graph(block, x)
    rows, targets = np.arange(n), {"head": y.astype("int32")}
    return drawn, dataset.ArrayDataset({"x0_image": x}, targets, rows[: n * 2 // 3], rows[n * 2 // 3 :])


def make_scorer(data):
    """Scores the loss and the accuracy."""
    y = data.targets["head"]
    loss = scoring.HeadLoss(keras.losses.SparseCategoricalCrossentropy())
    accuracy = metrics.get_metric("accuracy", "multiclass")
    return scoring.Scorer(
        [scoring.HeadScoring("head", "multiclass", y, y, lambda outputs, rows: outputs, loss, [accuracy])]
    )


def build(drawn, seed=0, **arguments):
    """The supernet of a graph, with the weights of a seed."""
    keras.utils.set_random_seed(seed)
    return Supernet.from_graph(drawn, **arguments)


def stand_alone(drawn, values):
    """The model of an architecture."""
    space = drawn.declare().get_config()["space"]
    return drawn.build(keras_tuner.HyperParameters.from_config({"space": space, "values": values}))
