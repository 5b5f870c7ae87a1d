"""The supernet: in select mode it is the stand-alone model of each architecture, in blend mode their mixture."""

import contextlib
import json

import keras
import keras_tuner
import numpy as np
import pytest
from keras import ops

from autonas.backends import gradients
from autonas.search_space import block, decisions, graph, heads, inputs
from autonas.search_space.blocks import (
    cell,
    chain,
    convolution,
    convolution_1d,
    hierarchical,
    layered,
    operations,
    residual,
    residual_mlp,
    time_series,
)
from autonas.search_space.encoding import Encoding
from autonas.search_space.ranges import Boolean, Choice, Int
from autonas.supernet import Supernet, inheritance, mixing, supernet
from autonas.supernet import reading as supernet_reading
from tests.helpers import harness


class EveryDecision(block.Block):
    """Decisions of every kind on a vector: one inside of another, statistics in a branch, a tensor from around it."""

    def build(self, hp, inputs):
        def nested(x):
            candidates = {"normalized": keras.layers.BatchNormalization, "dense": lambda: keras.layers.Dense(8)}
            return decisions.LayerChoice("inner", candidates)(hp, x)

        mean = keras.layers.GlobalAveragePooling1D()(inputs)
        candidates = {
            "nested": lambda: nested,
            "skip": keras.layers.Identity,
            "added": lambda: lambda x: keras.layers.Add()([x, mean]),
        }
        x = decisions.LayerChoice("outer", candidates)(hp, keras.layers.Dense(8)(mean))
        tensors = [x, keras.layers.Dense(8)(x), keras.layers.Dense(8, "relu")(x)]
        x = keras.layers.Add()(decisions.InputChoice("inputs", 2)(hp, tensors))
        width = decisions.WidthChoice("units", {2: 2, 5: 5})(hp)
        x = keras.layers.Dense(8)(width.narrow(keras.layers.Dense(width.units)(x)))
        return decisions.Repeat("depth", 0, 2, lambda index: keras.layers.Dense(8, "relu"))(hp, x)


class SequentialModels(block.Block):
    """Options that are models of the first and the second kind, one in the other."""

    def build(self, hp, inputs):
        def of_rows():
            rows = keras.Input((8,))
            return keras.Model(rows, keras.Sequential([keras.layers.Dense(8)])(rows))

        candidates = {
            "dense": lambda: keras.layers.Dense(8, "relu"),
            "first": lambda: keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(8)]),
            "input": lambda: keras.Sequential(
                [keras.Input((8,)), keras.layers.Dense(8), keras.layers.BatchNormalization()]
            ),
            "nested": lambda: keras.Sequential([keras.Sequential([keras.layers.Dense(4)]), keras.layers.Dense(8)]),
            "functional": of_rows,
        }
        outputs = keras.layers.Dense(8)(keras.layers.GlobalAveragePooling1D()(inputs))
        for name in ("one", "two"):
            outputs = decisions.LayerChoice(name, candidates)(hp, outputs)
        return outputs


IMAGES = {
    "cells of NAS-Bench-201": lambda: cell.CellBlock(
        "nas_bench_201", filters=4, n_stages=2, n_nodes=3, operations=["convolution_3", "average_pooling_3", "none"]
    ),
    "cells of DARTS": lambda: cell.CellBlock(
        filters=4, n_stages=2, n_nodes=2, operations=["convolution_1", "identity"]
    ),
    "chain": lambda: chain.ChainBlock(filters=4, operations=["separable_3", "max_pooling_3", "identity"]),
    "motifs": lambda: hierarchical.HierarchicalBlock(
        filters=4, n_stages=1, n_motifs=2, n_nodes_level_2=2, operations=["convolution_1", "none"]
    ),
    "layers": lambda: layered.LayeredBlock(
        filters=4, n_stages=2, layers=Int(1, 2), dropout=0.0, expansion=Choice([1, 2])
    ),
    "convolutions": lambda: convolution.ConvolutionBlock(filters=4, n_stages=1, layers=Int(1, 2), dropout=0.0),
    "residual units": lambda: residual.ResidualBlock(filters=4, n_stages=1, layers=Int(1, 2), dropout=0.0),
}
SERIES = {
    "all decisions": EveryDecision,
    "sequential models": SequentialModels,
    "convolutions over time": lambda: convolution_1d.Convolution1DBlock(filters=8, depth=Int(1, 2), dropout=0.0),
    "layers on rows": lambda: residual_mlp.ResidualMLPBlock(
        units=8, depth=Int(1, 2), dropout=0.0, multiple=Choice([1, 2])
    ),
}


def drawn(make_block, n=16):
    """A graph around a block, its images or series, and their labels."""
    x, y = harness.digits(n) if make_block in IMAGES.values() else harness.digit_series(n)
    return harness.make_graph(make_block(), x), x, y


def stand_alone(searched, values):
    """The model of an architecture."""
    space = searched.declare().get_config()["space"]
    return searched.build(keras_tuner.HyperParameters.from_config({"space": space, "values": values}))


def samples(net, n):
    """The default architecture and some random ones."""
    encoding, generator = Encoding(net.space), np.random.default_rng(0)
    return [encoding.default(), *(encoding.sample(generator) for _ in range(n - 1))]


def step_of(model, choose, is_compiled):
    """Function of an architecture's indices, images and labels: loss, gradients of trainable variables, and outputs
    after statistics were updated."""

    def step(indices, x, y):
        choose(indices)
        arguments = harness.model_inputs(model, x)

        def loss():
            return model.compute_loss(arguments, {"head": y}, model(arguments, training=True), training=True)

        value, found = gradients.value_and_gradient(loss, model.trainable_variables)
        return value, found, model(arguments, training=False)["head"]

    run = gradients.compiled(step, model.variables) if is_compiled else step
    return lambda *arguments: keras.tree.map_structure(ops.convert_to_numpy, run(*arguments))


def beginning(array, shape):
    return array[tuple(slice(0, size) for size in shape)]


def assert_equal_to_stand_alone(net, searched, architectures, x, y):
    """Outputs, loss, gradients and statistics are those of each architecture's own model."""
    step = step_of(net, net.choose, is_compiled=True)
    # One step of a model is slower to trace than to run, except on JAX, which compiles each operation.
    is_compiled = keras.backend.backend() == "jax"
    for values in architectures:
        model = stand_alone(searched, values)
        net.inherit(model, values)
        before = [ops.convert_to_numpy(each) for each in net.non_trainable_variables]
        expected_loss, expected, expected_outputs = step_of(model, lambda indices: None, is_compiled)(0, x, y)
        loss, found, outputs = step(net.indices(values), x, y)
        assert loss == pytest.approx(expected_loss, abs=1e-5)
        np.testing.assert_allclose(outputs, expected_outputs, atol=1e-5)

        found = {id(variable): each for variable, each in zip(net.trainable_variables, found, strict=True)}
        expected = {id(variable): each for variable, each in zip(model.trainable_variables, expected, strict=True)}
        used, moved = set(), set()
        sources = inheritance.layers_in_use(net, net.labels(values))
        for source, target in zip(sources, inheritance.layers_in_use(model, {}), strict=True):
            for shared, own in zip(source.weights, target.weights, strict=True):
                if own.trainable:
                    used.add(id(shared))
                    gradient = found[id(shared)]
                    np.testing.assert_allclose(beginning(gradient, own.shape), expected[id(own)], atol=1e-5)
                    total = np.abs(expected[id(own)]).sum()
                    assert np.abs(gradient).sum() == pytest.approx(total, rel=1e-3, abs=1e-4), "none outside of it"
                else:
                    moved.add(id(shared))
                    value = ops.convert_to_numpy(shared)
                    np.testing.assert_allclose(beginning(value, own.shape), ops.convert_to_numpy(own), atol=1e-5)
        for variable in net.trainable_variables:
            assert id(variable) in used or not found[id(variable)].any(), "what isn't used has no gradient"
        for variable, value in zip(net.non_trainable_variables, before, strict=True):
            if id(variable) not in moved and "moving" in variable.path:
                np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)


@pytest.mark.parametrize("name", [*IMAGES, *SERIES])
def test_select_mode_is_the_stand_alone_model(name):
    searched, x, y = drawn({**IMAGES, **SERIES}[name])
    net = Supernet.from_graph(searched)
    assert net.decisions
    assert_equal_to_stand_alone(net, searched, samples(net, 2), x, y)


@pytest.mark.parametrize("rank", [3, 4])
def test_select_mode_is_the_stand_alone_model_for_every_operation(rank):
    names = list(operations.OPERATIONS)
    x, y = harness.digits(16) if rank == 4 else harness.digit_series(16)
    one_edge = cell.CellBlock("nas_bench_201", filters=4, n_stages=1, n_nodes=2, operations=names)
    searched = harness.make_graph(one_edge, x)
    net = Supernet.from_graph(searched)
    (selector,) = net.decisions.values()
    assert selector.labels == names
    assert_equal_to_stand_alone(net, searched, [net.values([place]) for place in range(len(names))], x, y)


def test_one_compiled_function_serves_all_architectures():
    searched, x, _ = drawn(IMAGES["chain"])
    net = Supernet.from_graph(searched)
    traces = []

    def predict(indices, images):
        traces.append(1)
        net.choose(indices)
        return net(harness.model_inputs(net, images), training=False)["head"]

    compiled = gradients.compiled(predict, net.variables)
    outputs = {ops.convert_to_numpy(compiled(net.indices(values), x)).tobytes() for values in samples(net, 6)}
    assert len(traces) == 1 and len(outputs) > 1


# ---------------------------------------------------------------------- modes, on a choice between three numbers


class Multiplied(keras.layers.Layer):
    """Its input times a weight."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def build(self, shape):
        self.weight = self.add_weight(shape=(), initializer=keras.initializers.Constant(self.factor))

    def call(self, inputs):
        return inputs * self.weight


class Times(block.Block):
    """Multiplies by 2, 3 or 5."""

    def build(self, hp, inputs):
        candidates = {str(factor): lambda factor=factor: Multiplied(factor) for factor in (2.0, 3.0, 5.0)}
        return decisions.LayerChoice("factor", candidates)(hp, inputs)


def reading_of(build, shape=(1,), **arguments):
    """The supernet of a function of `hp` and a tensor, in place of a graph."""
    reading = supernet_reading.SupernetReading(**arguments)
    tensor = keras.Input(shape)
    return supernet.Supernet(tensor, build(reading, tensor), reading)


def output(net, x=1.0):
    return float(ops.convert_to_numpy(net(np.full((1, 1), x, "float32")))[0, 0])


def test_labels_of_truth_values_are_the_options_of_the_decision_also_in_json():
    selector = mixing.Selector("normalised", [False, True], True, mixing.Mode())
    options = keras_tuner.HyperParameters()
    options.Choice("normalised", [False, True])
    assert json.loads(json.dumps(dict.fromkeys(selector.labels))).keys() == set(map(str, options.space[0].values))
    assert int(selector.index) == 1 and selector.allowed == {0, 1}


def test_blend_mode_weighs_options_by_their_probability():
    net = reading_of(Times().build)
    net.mode = "blend"
    assert output(net) == pytest.approx((2 + 3 + 5) / 3)
    (logits,) = net.architecture_variables
    logits.assign(np.log([0.5, 0.25, 0.25]))
    assert output(net) == pytest.approx(0.5 * 2 + 0.25 * 3 + 0.25 * 5)
    assert net.distribution()["factor"] == pytest.approx({"2.0": 0.5, "3.0": 0.25, "5.0": 0.25})
    _, (gradient,) = gradients.value_and_gradient(lambda: ops.sum(net(np.ones((1, 1), "float32"))), [logits])
    mean = 3.0
    np.testing.assert_allclose(
        ops.convert_to_numpy(gradient), [0.5 * (2 - mean), 0.25 * (3 - mean), 0.25 * (5 - mean)], atol=1e-5
    )


def test_blend_mode_may_add_the_input():
    net = reading_of(Times().build)
    net.mode = "blend"
    net.mixing_mode.has_auxiliary_skip = True
    net.mixing_mode.auxiliary_skip.assign(0.5)
    assert output(net, 6.0) == pytest.approx(6 * (10 / 3 + 0.5), rel=1e-5)


def test_sample_mode_draws_options_by_their_probability_and_has_gradients_of_it():
    net = reading_of(Times().build)
    net.mode = "sample"
    (logits,) = net.architecture_variables
    logits.assign(np.log([0.6, 0.3, 0.1]))
    generator = np.random.default_rng(0)
    found = []
    for _ in range(1000):
        net.draw(generator.random(3).astype("float32"))
        found.append(int(ops.convert_to_numpy(net.decisions["factor"].index)))
    np.testing.assert_allclose(np.bincount(found) / 1000, [0.6, 0.3, 0.1], atol=0.05)

    noisy = ops.convert_to_numpy(logits) + ops.convert_to_numpy(net.decisions["factor"].noise)
    p = np.exp(noisy) / np.exp(noisy).sum()
    chosen = int(np.argmax(noisy))
    assert output(net) == pytest.approx([2, 3, 5][chosen])
    _, (gradient,) = gradients.value_and_gradient(lambda: ops.sum(net(np.ones((1, 1), "float32"))), [logits])
    expected = [2, 3, 5][chosen] * p[chosen] * (np.eye(3)[chosen] - p)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), expected, rtol=1e-4, atol=1e-6)


def test_an_unknown_mode_is_refused():
    net = reading_of(Times().build)
    with pytest.raises(ValueError, match="`mode` must be 'select', 'sample' or 'blend'. Received: mode='mix'"):
        net.mode = "mix"


def test_depths_are_mixed_by_the_probability_of_ending_there():
    def build(hp, x):
        return decisions.Repeat("depth", 1, 3, lambda index: Multiplied([2.0, 3.0, 5.0][index]))(hp, x)

    net = reading_of(build)
    assert net.decisions["depth"].labels == [1, 2, 3]
    for place, expected in enumerate([2, 6, 30]):
        net.choose([place])
        assert output(net) == expected
    net.mode = "blend"
    net.architecture_variables[0].assign(np.log([0.5, 0.3, 0.2]))
    assert output(net) == pytest.approx(0.5 * 2 + 0.3 * 6 + 0.2 * 30, rel=1e-5)


def test_inputs_are_mixed_each_by_itself():
    def build(hp, x):
        first, second = decisions.InputChoice("inputs", 2)(hp, [x, 2.0 * x, 4.0 * x])
        return 10.0 * first + second

    net = reading_of(build)
    assert net.decisions["inputs"].labels == ["0+1", "0+2", "1+2"]
    for place, expected in enumerate([12, 14, 24]):
        net.choose([place])
        assert output(net) == expected
    net.mode = "blend"
    assert output(net) == pytest.approx((12 + 14 + 24) / 3)


def test_widths_are_masks():
    def build(hp, x):
        width = decisions.WidthChoice("units", {1: 1, 2: 2, 4: 4})(hp)
        hidden = width.narrow(keras.layers.Dense(width.units, kernel_initializer="ones")(x))
        return keras.layers.Dense(1, kernel_initializer="ones")(hidden)

    net = reading_of(build)
    for place, expected in enumerate([1, 2, 4]):
        net.choose([place])
        assert output(net) == expected
    net.mode = "blend"
    assert output(net) == pytest.approx((1 + 2 + 4) / 3, rel=1e-5)


def narrow_rows(hp, inputs):
    """Steps with a searched number of channels."""
    width = decisions.WidthChoice("width", {2: 2, 3: 3, 6: 6})(hp)
    return width.narrow(keras.layers.Conv1D(width.units, 3, padding="same")(inputs))


def flattened(hp, inputs):
    return keras.layers.Dense(8)(keras.layers.Flatten()(narrow_rows(hp, inputs)))


def flattened_in_a_model(hp, inputs):
    return keras.Sequential([keras.layers.ReLU(), keras.layers.Flatten(), keras.layers.Dense(8)])(
        narrow_rows(hp, inputs)
    )


def reshaped(hp, inputs):
    return keras.layers.Dense(8)(keras.layers.Reshape((-1,))(narrow_rows(hp, inputs)))


def joined(hp, inputs):
    rows = [keras.layers.Conv1D(4, 1)(inputs), narrow_rows(hp, inputs), keras.layers.Conv1D(3, 1)(inputs)]
    normalized = keras.layers.BatchNormalization()(keras.layers.Concatenate()(rows))
    # The kernel of the convolution is narrow on both sides.
    width = decisions.WidthChoice("width", {2: 2, 3: 3, 6: 6})(hp)
    rows = [inputs, width.narrow(keras.layers.Conv1D(width.units, 3)(keras.layers.Conv1D(7, 1)(normalized)))]
    return keras.layers.Dense(8)(ops.concatenate([keras.layers.Flatten()(tensor) for tensor in rows], axis=-1))


@pytest.mark.parametrize("build", [flattened, flattened_in_a_model, reshaped, joined])
def test_narrow_networks_inherit_the_weights_of_their_channels(build):
    class Narrow(block.Block):
        def build(self, hp, inputs):
            return build(hp, inputs)

    x, _ = harness.digit_series(16)
    searched = harness.make_graph(Narrow(), x)
    net = Supernet.from_graph(searched)
    for width in (2, 3, 6):
        (name,) = net.decisions
        values = net.space.values | {name: width}
        model = stand_alone(searched, values)
        net.inherit(model, values)
        net.choose(net.indices(values))
        outputs = [network(harness.model_inputs(network, x), training=False)["head"] for network in (net, model)]
        np.testing.assert_allclose(*map(ops.convert_to_numpy, outputs), atol=1e-5)


@pytest.mark.parametrize(
    "layer, is_named",
    [
        (lambda: keras.layers.LayerNormalization(name="normalized"), True),
        (lambda: keras.layers.GroupNormalization(2, name="normalized"), True),
        (lambda: keras.layers.GroupNormalization(-1, name="normalized"), False),
        (lambda: keras.layers.BatchNormalization(name="normalized"), False),
    ],
    ids=["layer", "groups", "each channel", "batch"],
)
def test_statistics_over_the_channels_of_a_searched_width_are_named(layer, is_named):
    class Normalized(block.Block):
        def build(self, hp, inputs):
            width = decisions.WidthChoice("units", {2: 2, 4: 4})(hp)
            rows = width.narrow(keras.layers.Conv1D(width.units, 1)(inputs))
            return keras.layers.Dense(2)(keras.layers.ReLU()(layer()(rows)))

    x, _ = harness.digit_series(16)
    searched = harness.make_graph(Normalized(), x)
    expected = pytest.warns(UserWarning, match="layer 'normalized' computes statistics over .* width '.*/units'")
    with expected if is_named else contextlib.nullcontext():
        Supernet.from_graph(searched)


@pytest.mark.parametrize("layer", [keras.layers.LSTM, keras.layers.SimpleRNN])
def test_recurrent_layers_of_a_searched_width_are_named(layer):
    class Recurrent(block.Block):
        def build(self, hp, inputs):
            width = decisions.WidthChoice("units", {2: 2, 4: 4})(hp)
            rows = width.narrow(layer(width.units, return_sequences=True, name="recurrent")(inputs))
            # The inputs of this layer have the width, and its outputs don't.
            return keras.layers.Dense(2)(keras.layers.GRU(4, name="later")(rows))

    x, _ = harness.digit_series(16)
    searched = harness.make_graph(Recurrent(), x)
    with pytest.warns(UserWarning, match="layer 'recurrent' is recurrent, and .* width '.*/units'") as record:
        Supernet.from_graph(searched)
    assert len(record) == 1


# ---------------------------------------------------------------------- the shared space


def test_architectures_are_vectors_of_indices_and_back():
    searched, _, _ = drawn(IMAGES["layers"])
    net = Supernet.from_graph(searched)
    for values in samples(net, 10):
        indices = net.indices(values)
        assert indices.shape == (len(net.decisions),) and indices.dtype == np.int32
        assert net.values(indices) == values


def test_the_space_of_the_supernet_is_a_part_of_the_whole_space():
    searched, _, _ = drawn(IMAGES["convolutions"])
    whole = Encoding(searched.declare())
    net = Supernet.from_graph(searched, {"convolution_block_1/kernel_size": 5})
    assert list(net.decisions) == [
        "convolution_block_1/depth_0/layers",
        "convolution_block_1/depth_0/layers_0/kind",
        "convolution_block_1/depth_0/layers_1/kind",
    ]
    for values in samples(net, 10):
        assert whole.is_valid(values)
        assert values["convolution_block_1/kernel_size"] == 5


def test_options_of_another_shape_are_not_shared():
    def build(hp, x):
        candidates = {str(units): lambda units=units: keras.layers.Dense(units) for units in (4, 8)}
        x = decisions.LayerChoice("units", {**candidates, "wide": lambda: keras.layers.Dense(8, "relu")}, "8")(hp, x)
        x = decisions.Repeat("depth", 0, 2, lambda index: keras.layers.Dense(8 + index))(hp, x)
        return decisions.InputChoice("inputs")(hp, [x, keras.layers.Dense(3)(x)])

    net = reading_of(build)
    assert {name: sorted(map(str, each.allowed)) for name, each in net.decisions.items()} == {
        "units": ["8", "wide"],
        "depth": ["0", "1"],
    }
    fixed = [each.name for each in net.space.space if isinstance(each, keras_tuner.engine.hyperparameters.Fixed)]
    assert fixed == ["inputs"]
    with pytest.raises(ValueError, match=r"shares \['8', 'wide'\] of the decision 'units'. Received: '4'"):
        net.indices({"units": "4"})


def test_a_decision_met_in_many_places_is_one():
    searched, _, _ = drawn(IMAGES["cells of NAS-Bench-201"])
    net = Supernet.from_graph(searched)
    places = [layer for layer in supernet.mixing_layers(net) if isinstance(layer, mixing.LayerMixing)]
    assert len(places) == 6 and len(net.decisions) == 3 and len(net.architecture_variables) == 3


def test_a_branch_may_use_tensors_from_around_it():
    x, y = harness.digit_series(16)
    x[:, 5:] = np.nan
    feature = harness.series_feature(np.nan_to_num(x))
    feature.statistics["has_missing"] = True
    node = inputs.Input(name="x0")
    head = heads.ClassificationHead(dropout=0.0, name="head")
    searched = graph.Graph(node, head(time_series.TimeSeriesBlock(kind="convolution")(node)))
    searched.bind([feature], [heads.Target("multiclass", harness.CLASSES)])
    net = Supernet.from_graph(searched, {"time_series_block_1/kind_convolution/dropout": 0.0})
    assert_equal_to_stand_alone(net, searched, samples(net, 2), x, y)


def test_weights_are_inherited_by_the_architecture_alone():
    searched, _, _ = drawn(IMAGES["chain"])
    net = Supernet.from_graph(searched)
    first, second = samples(net, 2)
    with pytest.raises(ValueError, match="`model` must have the architecture whose weights it inherits"):
        net.inherit(stand_alone(searched, first), second)


# ---------------------------------------------------------------------- partial channels


def test_partial_channels_work_on_a_share_of_the_channels_and_pass_the_others_by():
    searched, x, _ = drawn(IMAGES["cells of NAS-Bench-201"])
    net = Supernet.from_graph(searched, partial_channels=2)
    whole = Supernet.from_graph(searched)
    assert net.output_shape == whole.output_shape and list(net.decisions) == list(whole.decisions)
    widths = {
        branch.outputs[0].shape[-1]
        for layer in supernet.mixing_layers(net)
        for branch in layer.branches
        if branch is not None
    }
    assert widths == {2, 4}, "half of the 4 and 8 channels of the two stages"
    net.mode = "blend"
    assert np.isfinite(ops.convert_to_numpy(net(harness.model_inputs(net, x))["head"])).all()


def test_partial_channels_are_refused_where_no_operation_can_be_narrowed():
    searched, _, _ = drawn(IMAGES["layers"])
    with pytest.raises(ValueError, match=r"doesn't narrow the options of \['layered_block_1/.*Choose another `relax"):
        Supernet.from_graph(searched, partial_channels=2)


def test_partial_channels_are_refused_for_several_tensors_by_name():
    class Named(block.Block):
        def build(self, hp, inputs):
            candidates = {
                kind: lambda kind=kind: lambda x: keras.layers.Dense(2, kind)(x["x"]) for kind in ("relu", "elu")
            }
            return decisions.LayerChoice("kind", candidates)(hp, {"x": inputs})

    x, _ = harness.digits(16)
    with pytest.raises(ValueError, match=r"doesn't narrow the options of \['named_1/kind'\]. Choose another `relax"):
        Supernet.from_graph(harness.make_graph(Named(), x), partial_channels=2)


def test_decisions_that_keep_all_channels_are_named_in_a_warning():
    class Both(block.Block):
        def build(self, hp, inputs):
            x = cell.CellBlock("nas_bench_201", filters=4, n_stages=1, n_nodes=2).build(hp, inputs)
            candidates = {kind: lambda kind=kind: keras.layers.Activation(kind) for kind in ("relu", "tanh")}
            return decisions.LayerChoice("activation", candidates)(hp, x)

    x, _ = harness.digits(16)
    with pytest.warns(UserWarning, match=r"doesn't narrow the options of \['both_1/activation'\]"):
        Supernet.from_graph(harness.make_graph(Both(), x), partial_channels=2)


def test_partial_channels_are_shuffled():
    x = np.arange(4, dtype="float32").reshape(1, 1, 1, 4)

    def build(hp, x):
        return decisions.LayerChoice("kind", operations.candidates(["identity", "max_pooling_3"], 4, 4))(hp, x)

    net = reading_of(build, (1, 1, 4), partial_channels=2)
    np.testing.assert_array_equal(ops.convert_to_numpy(net(x)).ravel(), [0, 2, 1, 3])


def test_squeeze_and_excitation_is_a_choice_like_any_other():
    searched, _, _ = drawn(lambda: layered.LayeredBlock(filters=4, n_stages=1, layers=1, squeeze_excite=Boolean()))
    assert any(name.endswith("squeeze_excite") for name in Supernet.from_graph(searched).decisions)


def test_all_of_this_holds_on_jax(passes_on):
    # Longer than 20 s: JAX compiles models operation by operation. One space has decisions of every kind.
    passes_on("jax", "not (stand_alone_model or around_it) or decisions")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's operations")
def test_the_gradient_of_a_selected_branch_normalises_by_one_operation():
    import tensorflow as tf

    searched, x, y = drawn(IMAGES["cells of NAS-Bench-201"])
    net = Supernet.from_graph(searched)

    def slopes(x, y):
        arguments = harness.model_inputs(net, x)
        return gradients.value_and_gradient(
            lambda: net.compute_loss(arguments, {"head": y}, net(arguments, training=True), training=True),
            net.operation_variables,
        )

    graph_def = tf.function(slopes, autograph=False).get_concrete_function(tf.constant(x), y).graph.as_graph_def()
    kinds = {node.op for nodes in [graph_def.node, *(f.node_def for f in graph_def.library.function)] for node in nodes}
    assert "FusedBatchNormGradV3" in kinds
    assert "SquaredDifference" not in kinds
