"""What every block must do, whatever it is made of."""

import json
import math

import keras
import keras_tuner
import numpy as np
import sklearn.datasets

from autonas import data
from autonas.search_space import graph, heads, inputs, ranges

CLASSES = 10


def digits(n=16):
    """Images `(n, 8, 8, 1)` of digits with their labels."""
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    return x[:n].reshape(-1, 8, 8, 1).astype("float32"), y[:n]


def digit_series(n=16):
    """The same digits read line by line: series `(n, 8, 8)` of 8 steps and 8 channels."""
    x, y = digits(n)
    return x[..., 0], y


def image_feature(x):
    return _feature("image", x)


def series_feature(x):
    return _feature("series", x)


def _feature(kind, x):
    axes = tuple(range(x.ndim - 1))
    return data.Feature(
        kind=kind,
        tensors={kind: data.Tensor(x.shape[1:], "float32")},
        statistics={"mean": x.mean(axes), "variance": x.var(axes), "has_missing": False},
    )


def make_graph(block, x, node_count=1):
    """The graph input, block, classification head, bound to images (4-D `x`) or series (3-D `x`)."""
    nodes = [inputs.Input(name=f"x{index}") for index in range(node_count)]
    feature = image_feature(x) if x.ndim == 4 else series_feature(x)
    head = heads.ClassificationHead(dropout=0.0, name="head")
    drawn = graph.Graph(nodes, head(block(nodes if node_count > 1 else nodes[0])))
    drawn.bind([feature] * node_count, [heads.Target("multiclass", CLASSES)])
    return drawn


def model_inputs(model, x):
    return {name: x for name in model.input}


def sample(space, seed):
    """Values drawn at random from a space as an oracle would, conditional ones only where they are active."""
    generator = np.random.default_rng(seed)
    hp = space.copy()
    hp.values = {}
    for each in space.space:
        if hp.is_active(each):
            hp.values[each.name] = each.prob_to_value(generator.random())
    return hp


def empty_values():
    """Hyperparameters that nothing has been declared in: everything gets its default."""
    return keras_tuner.HyperParameters()


def build(block, shapes, hp=None):
    """The model that a block makes of an input of one shape, or of a list, without a graph around it."""
    tensors = [keras.Input(shape) for shape in shapes] if isinstance(shapes, list) else keras.Input(shapes)
    return keras.Model(tensors, block.build(hp or empty_values(), tensors))


def count(model, layer_class):
    """How many layers of a model are of a class."""
    return sum(isinstance(layer, layer_class) for layer in model.layers)


def check(block_class, x, y, directory, samples=3, **arguments):
    """Declares, samples, builds, trains, saves and loads a block; returns its space and its default model.

    Args:
        block_class: The class.
        x: Images `(n, height, width, channels)` or series `(n, time, channels)`.
        y: Labels 0 to 9.
        directory: Where models are saved.
        samples: Number of random architectures that are tried beside the default one.
        **arguments: Arguments of the block.
    """
    drawn = make_graph(block_class(**arguments), x)
    space = drawn.declare()
    names = [each.name for each in space.space]
    assert len(names) == len(set(names)), "names of hyperparameters are unique"
    for seed in range(samples):
        hp = sample(space, seed)
        values = dict(hp.values)
        model = drawn.build(hp)
        assert hp.values == values and len(hp.space) == len(names), "a sample builds without new hyperparameters"
        check_model(model, x, y)
    model = drawn.build(space.copy())
    before = check_model(model, x, y)
    after = [float(model.train_on_batch(model_inputs(model, x), {"head": y})) for _ in range(8)][-1]
    assert after < before, "training lowers the loss"
    _check_saving(model, x, directory)
    check_configuration(block_class(**arguments))
    return space, model


def check_model(model, x, y):
    """A built model takes a step of training, and predicts after it; returns the loss before it."""
    model.run_eagerly = True
    loss = float(model.train_on_batch(model_inputs(model, x), {"head": y}))
    assert math.isfinite(loss)
    outputs = model(model_inputs(model, x))["head"]
    assert outputs.shape == (len(x), CLASSES)
    assert np.isfinite(outputs).all()
    return loss


def _check_saving(model, x, directory):
    path = str(directory / "model.keras")
    keras.Model(model.input, model.output).save(path)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(
        loaded(model_inputs(model, x))["head"], model(model_inputs(model, x))["head"], rtol=1e-4, atol=1e-5
    )


def check_configuration(block):
    """A block's configuration survives JSON and makes the same block again."""
    config = json.loads(json.dumps(block.get_config()))
    again = type(block).from_config(config)
    for name in block.argument_names():
        ours, theirs = getattr(block, name), getattr(again, name)
        assert ours == theirs and isinstance(theirs, ranges.Range) == isinstance(ours, ranges.Range)
