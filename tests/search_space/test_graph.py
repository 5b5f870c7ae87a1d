"""A graph of blocks: drawn as in Keras's functional API, named, and built into one compiled model."""

import json

import keras
import keras_tuner
import numpy as np
import pytest

import autonas
from autonas import data
from autonas.search_space import heads
from autonas.supernet import Supernet
from tests.helpers.budgets import QUIET
from tests.helpers.initializers import Counted

TABLE = data.get_encoder("table").fit(np.random.default_rng(0).normal(size=(30, 3))).feature
IMAGES = data.get_encoder("image").fit(np.zeros((30, 8, 8, 1), "uint8")).feature


def two_heads():
    table, image = autonas.StructuredDataInput(name="table"), autonas.ImageInput()
    dense = autonas.DenseBlock()(table)
    merged = autonas.Merge()([dense, autonas.Reduction()(image)])
    first = autonas.ClassificationHead(name="first")(merged)
    second = autonas.RegressionHead(loss_weight=3.0)(dense)
    graph = autonas.Graph([table, image], [first, second])
    graph.bind([TABLE, IMAGES], [heads.Target("multiclass", 4), heads.Target("regression", 2)])
    return graph


def build(graph, values):
    space = graph.declare()
    return graph.build(
        keras_tuner.HyperParameters.from_config({"space": space.get_config()["space"], "values": dict(values)})
    )


def test_inputs_and_outputs_are_named():
    graph = two_heads()
    model = build(graph, graph.declare().values)
    assert set(model.input) == {"table_numbers", "image_input_1_image"}
    assert {name: output.shape for name, output in model.output.items()} == {
        "first": (None, 4),
        "regression_head_1": (None, 2),
    }
    assert model.optimizer is not None


def test_layers_are_named_after_their_block():
    graph = two_heads()
    model = build(graph, {**graph.declare().values, "dense_block_1/depth": 2})
    names = [operation.name for operation in model.operations]
    assert len(set(names)) == len(names)
    assert {"dense_block_1_dense", "dense_block_1_dense_2", "merge_1", "image_input_1_encoding"} <= {*names}
    blocks = (*graph.names.values(), "table_encoding", "image_input_1_encoding")
    assert all(name.startswith(blocks) for name in names)
    again = keras.models.clone_model(keras.Model(model.input, model.output))
    assert sorted(layer.name for layer in again.layers) == sorted(layer.name for layer in model.layers)


def test_hyperparameters_are_named_after_their_block():
    names = {hyperparameter.name for hyperparameter in two_heads().declare().space}
    assert any(name.startswith("dense_block_1/") for name in names)
    assert "first/dropout" in names
    assert len(names) == len(two_heads().declare().space)


def test_the_same_graph_can_be_built_again_and_again():
    graph = two_heads()
    values = graph.declare().values
    first, second = build(graph, values), build(graph, values)
    assert first.count_params() == second.count_params()
    assert [w.shape for w in first.weights] == [w.shape for w in second.weights]


def test_every_value_that_is_drawn_builds():
    from autonas.search_space import encoding

    graph = two_heads()
    space = encoding.Encoding(graph.declare())
    for seed in range(5):
        assert isinstance(build(graph, space.sample(np.random.default_rng(seed))), keras.Model)


def drawn(block):
    inputs = autonas.StructuredDataInput(name="table")
    graph = autonas.Graph(inputs, autonas.ClassificationHead(name="label")(block(inputs)))
    graph.bind([TABLE], [heads.Target("multiclass", 4)])
    return graph


class Keeping(autonas.Block):
    """Block that keeps a layer."""

    def __init__(self):
        super().__init__("own")
        self.layer = keras.layers.Dense(4, kernel_initializer=Counted())

    def build(self, hp, inputs):
        return self.layer(inputs)


def test_values_of_weights_are_computed_only_for_layers_that_a_block_of_the_user_may_keep():
    Counted.n_computed = 0
    layer = keras.layers.Dense(4, kernel_initializer=Counted())
    drawn(autonas.KerasBlock(layer)).declare()
    assert Counted.n_computed == 0
    drawn(Keeping()).declare()
    assert Counted.n_computed > 0


class KeepingSeveral(autonas.Block):
    """Block that keeps a layer that begins with weights, and a list that holds the same layer twice."""

    def __init__(self):
        super().__init__("own")
        self.first = keras.layers.Dense(3, use_bias=False)
        self.first.build((None, 3))
        self.rest = [keras.layers.Dense(3), self.first]

    def build(self, hp, inputs):
        outputs = self.first(inputs)
        for layer in self.rest:
            outputs = layer(outputs)
        return keras.layers.Dense(hp.Int("units", 2, 4))(outputs)


def test_each_network_has_copies_of_the_layers_that_a_block_keeps():
    block = KeepingSeveral()
    graph = drawn(block)
    values = graph.declare().values
    networks = [build(graph, values) for _ in range(2)]
    given = block.first.get_weights()
    for network in networks:
        kernels = [weight for weight in network.trainable_weights if weight.shape == (3, 3)]
        assert len(kernels) == 2, "the layer that is applied twice is one layer"
        np.testing.assert_array_equal(kernels[0], given[0])
        network.set_weights([weight + 1 for weight in network.get_weights()])
    assert not {id(weight) for weight in networks[0].weights} & {id(weight) for weight in networks[1].weights}
    np.testing.assert_array_equal(block.first.get_weights()[0], given[0])


def test_layers_that_are_adapted_to_data_stay_so_in_each_network():
    class Adapted(autonas.Block):
        def __init__(self):
            super().__init__("own")
            self.alone = keras.layers.Normalization()
            self.alone.adapt(np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]))
            within = keras.layers.Normalization()
            within.adapt(np.array([[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]]))
            self.stack = keras.Sequential([keras.Input((3,)), within, keras.layers.Dense(2)])

        def build(self, hp, inputs):
            return self.stack(self.alone(inputs))

    block = Adapted()
    kernel = block.stack.get_weights()[-2]
    graph = drawn(block)
    network = build(graph, graph.declare().values)
    x = np.array([[4.0, 5.0, 6.0]], "float32")
    own = next(layer for layer in network.layers if isinstance(layer, keras.Sequential))
    assert own is not block.stack
    alone = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
    np.testing.assert_allclose(alone(x), [[2.0, 2.0, 2.0]], rtol=1e-5)
    np.testing.assert_allclose(own(x), (x - 2.0) / 2.0 @ kernel, rtol=1e-4)


def test_models_of_a_search_do_not_share_the_layers_that_a_block_keeps(tmp_path):
    class Kept(autonas.Block):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(4, "relu")

        def build(self, hp, inputs):
            return keras.layers.Dense(hp.Int("units", 2, 8))(self.layer(inputs))

    x = np.random.default_rng(0).normal(size=(60, 3))
    node = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(Kept()(node))
    model = autonas.AutoModel(node, outputs, max_trials=3, epochs=2, refit=False, **QUIET).fit(x, x[:, 0])
    assert all(record["status"] == "completed" for record in model.records_)
    before = model.predict(x)
    first, second = model.get_models(2)
    predictions = first.predict(x), second.predict(x)
    np.testing.assert_array_equal(model.predict(x), before)
    np.testing.assert_allclose(predictions[0], before, rtol=1e-5)
    assert np.abs(predictions[1] - before).max() > 1e-3


def test_a_head_takes_a_loss_whose_class_is_not_registered():
    class Cubic(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)

    x = np.random.default_rng(0).normal(size=(60, 3))
    node = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead(loss=Cubic())(autonas.DenseBlock()(node))
    model = autonas.AutoModel(node, outputs, max_trials=1, epochs=1, **QUIET).fit(x, x[:, 0])
    assert model.predict(x).shape == (60,)


def test_decisions_on_training_by_gradient_are_inactive_where_all_weights_are_fitted():
    graph = drawn(autonas.StructuredDataBlock(name="rows"))
    space = graph.declare()
    training = {hp.name for hp in space.space if hp.name.startswith(("optimization/", "label/"))}
    assert training == {f"optimization/{name}" for name in (
        "batch_size", "epochs_share", "learning_rate", "weight_decay")} | {"label/dropout"}  # fmt: skip
    for kind in ("linear", "trees"):
        space.values["rows/kind"] = kind
        active = {hp.name for hp in space.space if space.is_active(hp)}
        assert active == {"rows/kind"} | {name for name in active if name.startswith(f"rows/kind_{kind}/")}
        values = {hp.name: hp.default for hp in space.space if hp.name in active} | {"rows/kind": kind}
        assert not build(graph, values).trainable_variables
    space.values["rows/kind"] = "dense"
    assert all(space.is_active(name) for name in training)
    optimization = autonas.Optimization()
    assert optimization.batch_size_of(values) == 64 and optimization.epochs_of(values, 10) == 10


def test_a_block_that_is_always_fitted_leaves_no_decision_on_training_by_gradient():
    space = drawn(autonas.BoostedTreesBlock(name="trees")).declare()
    assert {hp.name.split("/")[0] for hp in space.space} == {"trees"}
    beside = autonas.StructuredDataInput(name="table")
    both = autonas.Merge()([autonas.BoostedTreesBlock(name="trees")(beside), autonas.DenseBlock(name="dense")(beside)])
    graph = autonas.Graph(beside, autonas.ClassificationHead(name="label")(both))
    graph.bind([TABLE], [heads.Target("multiclass", 4)])
    assert {hp.name.split("/")[0] for hp in graph.declare().space} >= {"trees", "dense", "label", "optimization"}


def test_a_head_refuses_a_task_that_it_does_not_serve():
    node = autonas.StructuredDataInput()
    graph = autonas.Graph(node, autonas.RegressionHead()(node))
    with pytest.raises(ValueError, match="RegressionHead 'regression_head_1' can't predict a binary target"):
        graph.bind([TABLE], [heads.Target("binary", 1)])


def test_a_block_is_connected_once():
    node, block = autonas.Input(), autonas.DenseBlock()
    block(node)
    with pytest.raises(ValueError, match="A block can be connected once"):
        block(node)


class Structured(autonas.DenseBlock):
    def structure(self, prefix):
        return autonas.OperationGraph({f"{prefix}/depth": ("input", "output")})


def test_the_structure_is_that_of_the_one_block_that_has_one():
    def graph(*blocks):
        outputs = node = autonas.StructuredDataInput()
        for block in blocks:
            outputs = block(outputs)
        return autonas.Graph(node, autonas.RegressionHead()(outputs))

    assert graph(autonas.DenseBlock()).structure() is None
    found = graph(autonas.DenseBlock(), Structured(name="mine")).structure()
    assert found.edges == {"mine/depth": ("input", "output")}
    assert graph(Structured(), Structured()).structure() is None


def test_the_blueprint_says_what_is_connected_to_what_and_what_the_data_is():
    graph = two_heads()
    parts = {part["name"]: part for part in json.loads(json.dumps(graph.blueprint()))}
    assert list(parts) == [
        "table", "image_input_1", "dense_block_1", "reduction_1", "merge_1", "first", "regression_head_1",
    ]  # fmt: skip
    assert parts["merge_1"]["inputs"] == ["dense_block_1", "reduction_1"] and parts["merge_1"]["role"] == "block"
    assert parts["table"]["facts"] == {"data": "table", "shapes": {"numbers": [3]}}
    assert parts["first"]["facts"] == {"task": "multiclass", "n_outputs": 4} and parts["first"]["role"] == "head"
    assert all(part["drawing"] == [] for part in parts.values())


class OwnBlock(autonas.Block):
    def __init__(self, result, name=None):
        super().__init__(name)
        self.result = result

    def build(self, hp, inputs):
        return self.result(inputs)


def fails(inputs):
    raise KeyError("units")


def ends_the_program(inputs):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (fails, "Block 'mine' can't be built for this data. KeyError: 'units'"),
        (ends_the_program, "Block 'mine' can't be built for this data. SystemExit: 3"),
        (lambda inputs: None, "block 'mine', a OwnBlock, must return a Keras tensor. Received: NoneType"),
        (lambda inputs: np.zeros((1, 2)), "block 'mine', a OwnBlock, must return a Keras tensor. Received: ndarray"),
    ],
)
def test_a_block_of_the_user_that_fails_is_named(result, message):
    node = autonas.StructuredDataInput()
    graph = autonas.Graph(node, autonas.RegressionHead()(OwnBlock(result, name="mine")(node)))
    graph.bind([TABLE], [heads.Target("regression", 1)])
    with pytest.raises(ValueError, match=message):
        graph.declare()


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, "a", [1]])
def test_the_weight_of_a_loss_is_not_negative(weight):
    node = autonas.StructuredDataInput()
    head = autonas.RegressionHead(loss_weight=weight)
    with pytest.raises(ValueError, match="`loss_weight` must be a finite number of at least 0. Received: loss_weight="):
        autonas.Graph(node, head(autonas.DenseBlock()(node)))


def test_a_graph_without_data_is_not_built():
    node = autonas.ImageInput()
    drawn = autonas.Graph(node, autonas.ClassificationHead()(autonas.ChainBlock()(node)))
    for build in (
        lambda: drawn.build(keras_tuner.HyperParameters()),
        drawn.declare,
        lambda: Supernet.from_graph(drawn),
    ):
        with pytest.raises(ValueError, match="The graph must be bound to data before it is built"):
            build()
