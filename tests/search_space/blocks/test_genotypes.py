"""Genotypes of DARTS and NAS-Bench-201, in and out."""

import collections

import keras
import pytest

import autonas
from autonas.search_space.blocks import cell, genotypes
from tests.helpers import harness

BENCH = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
Genotype = collections.namedtuple("Genotype", "normal normal_concat reduce reduce_concat")
#: The cell that DARTS found on CIFAR-10 (second order), as in the repository of the paper.
DARTS_V2 = Genotype(
    normal=[
        ("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2),
    ],
    normal_concat=[2, 3, 4, 5],
    reduce=[
        ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
        ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1),
    ],
    reduce_concat=range(2, 6),
)  # fmt: skip


def build(block, hp=None):
    return harness.build(block, (16, 16, 1), hp or harness.empty_values())


def kinds(model):
    return collections.Counter(type(layer).__name__ for layer in model.layers)


def same_network(first, second):
    assert kinds(first) == kinds(second)
    assert [weight.shape for weight in first.weights] == [weight.shape for weight in second.weights]


def test_a_genotype_of_nas_bench_201_is_the_network_of_its_decisions():
    values = {
        "edge_0_1": "convolution_3", "edge_0_2": "none", "edge_1_2": "identity", "edge_0_3": "average_pooling_3",
        "edge_1_3": "convolution_1", "edge_2_3": "convolution_3",
    }  # fmt: skip
    assert cell.CellBlock.genotype_of({f"image_block_1/kind_cell/{name}": value for name, value in values.items()}) == (
        BENCH
    )
    hp = harness.empty_values()
    hp.values.update(values)
    arguments = {"filters": 4, "n_stages": 2, "n_cells": 2}
    fixed = build(cell.CellBlock(BENCH, **arguments))
    same_network(fixed, build(cell.CellBlock("nas_bench_201", **arguments), hp))


def test_a_genotype_of_darts_is_the_network_of_its_decisions():
    genotype = str(DARTS_V2)
    hp = harness.empty_values()
    for kind, pairs in (("normal", DARTS_V2.normal), ("reduction", DARTS_V2.reduce)):
        for number in range(4):
            chosen = sorted(pairs[2 * number : 2 * number + 2], key=lambda pair: pair[1])
            hp.values[f"{kind}/node_{number}/inputs"] = "+".join(str(source) for _, source in chosen)
            for index, (name, _) in enumerate(chosen):
                hp.values[f"{kind}/node_{number}/operation_{index}"] = genotypes.OPERATIONS[name]
    arguments = {"filters": 4, "n_stages": 2}
    fixed = build(cell.CellBlock(genotype, **arguments))
    same_network(fixed, build(cell.CellBlock("darts", **arguments), hp))
    assert fixed.output_shape == (None, 8, 8, 4 * 8)
    # Written again, and read by Python as the original is.
    written = cell.CellBlock.genotype_of(hp.values)
    assert genotypes.parse(written)["normal"].outputs == [2, 3, 4, 5]
    again = eval(written, {"Genotype": Genotype, "range": range})
    for before, after in ((DARTS_V2.normal, again.normal), (DARTS_V2.reduce, again.reduce)):
        assert [sorted(before[i : i + 2]) for i in (0, 2, 4, 6)] == [sorted(after[i : i + 2]) for i in (0, 2, 4, 6)]


def test_a_cell_of_a_genotype_has_nothing_to_search_and_survives_its_config():
    block = cell.CellBlock(BENCH, filters=4, n_stages=1, name="c")
    space = harness.make_graph(block, harness.digits(8)[0]).declare()
    assert not [decision.name for decision in space.space if decision.name.startswith("c/")]
    assert block.structure("c") is None and block.drawing("c") == []
    assert cell.CellBlock.from_config(block.get_config()).cell == BENCH


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ("|nor_conv_3x3~0", "must be a genotype such as '.nor_conv_3x3~0.*isn't a node"),
        ("|nor_conv_3x3~1|", "nodes have earlier nodes as inputs. Received: node 1 with the inputs .1."),
        ("|fft~0|", "known operations, none, skip_connect, .* or a label in `operations`. Received: fft"),
        ("Genotype(normal=[('none', 0)], normal_concat=[2], reduce=[], reduce_concat=[])", "two operations for each"),
        ("Genotype(normal=[('none', 0), ('none', 1)], normal_concat=[9], reduce=[], reduce_concat=[])", "that it has"),
        ("Genotype(__import__('os').getcwd())", "must be a genotype"),
        ("pnas", "`cell` of CellBlock"),
    ],
)
def test_a_genotype_that_cannot_be_built_is_refused(genotype, message):
    with pytest.raises(ValueError, match=message):
        build(cell.CellBlock(genotype, filters=4, n_stages=1))


@pytest.mark.parametrize("values", [{}, {"a/edge_0_1": "identity", "b/edge_0_1": "identity"}])
def test_a_genotype_is_of_one_cell(values):
    with pytest.raises(ValueError, match="`hyperparameters` must hold the decisions of one cell"):
        cell.CellBlock.genotype_of(values)


def test_a_node_of_three_inputs_has_no_genotype_of_darts():
    values = {"normal/node_0/inputs": "0+1", **{f"normal/node_0/operation_{index}": "identity" for index in range(3)}}
    with pytest.raises(ValueError, match="has two inputs for each node. Received: node 0 with 3"):
        cell.CellBlock.genotype_of(values)


# ---------------------------------------------------------------------- own operations

OWN = {"convolution": "convolution_3", "noise": keras.layers.GaussianNoise(0.1), "skip": "identity", "no": "none"}


def test_own_operations_are_choices_of_every_edge_with_weights_of_their_own():
    block = cell.CellBlock("nas_bench_201", filters=4, n_stages=1, n_nodes=3, operations=OWN, name="c")
    space = harness.make_graph(block, harness.digits(8)[0]).declare()
    assert [decision.values for decision in space.space if decision.name == "c/edge_0_1"] == [list(OWN)]
    hp = harness.empty_values()
    hp.values.update({"edge_0_1": "noise", "edge_0_2": "noise", "edge_1_2": "skip"})
    assert kinds(build(block, hp))["GaussianNoise"] == 2
    graph = block.structure("c")
    assert graph.identity == ("skip",) and graph.absent == ("no",)
    genotype = cell.CellBlock.genotype_of(hp.values)
    assert genotype == "|noise~0|+|noise~0|skip~1|"
    again = cell.CellBlock.from_config(cell.CellBlock(genotype, 4, 1, operations=OWN).get_config())
    assert kinds(build(again))["GaussianNoise"] == 2


def test_a_layer_of_other_channels_is_projected_and_one_of_other_sides_refused():
    layer = keras.layers.SeparableConv2D(5, 3, padding="same")
    model = build(cell.CellBlock("|own~0|", 4, 1, operations={"own": layer}))
    assert model.output_shape == (None, 16, 16, 4) and kinds(model)["SeparableConv2D"] == 1
    with pytest.raises(ValueError, match="`operations` must keep the sides .* MaxPooling2D, .*padding='same'"):
        build(cell.CellBlock("|own~0|", 4, 1, operations={"own": keras.layers.MaxPooling2D()}))


@pytest.mark.parametrize("wrong", [[], {}, ["fft"], {"own": 3}, {"own": keras.layers.Lambda(abs)}, "convolution_3"])
def test_operations_that_are_neither_known_nor_layers_are_refused(wrong):
    with pytest.raises(ValueError, match="`operations` of CellBlock must be a list of some of"):
        build(cell.CellBlock("nas_bench_201", 4, 1, operations=wrong))


@pytest.mark.parametrize("space", [autonas.ChainBlock, autonas.HierarchicalBlock])
def test_own_operations_are_choices_of_the_other_spaces_too(space):
    block = space(filters=4, operations=OWN, name="c")
    declared = harness.make_graph(block, harness.digits(8)[0]).declare()
    assert any(list(OWN) == getattr(decision, "values", None) for decision in declared.space)


def test_a_search_with_an_operation_of_ones_own_saves_a_model_that_predicts(tmp_path):
    x, y = harness.digits(64)
    inputs = autonas.ImageInput()
    block = autonas.CellBlock("nas_bench_201", 4, 1, n_nodes=2, operations={"noise": OWN["noise"]}, name="c")
    outputs = autonas.ClassificationHead()(autonas.Reduction()(block(inputs)))
    model = autonas.AutoModel(
        inputs, outputs, max_trials=1, epochs=1, verbose=0, tensorboard=False, directory=tmp_path / "run"
    ).fit(x, y)
    again = autonas.AutoModel.load(tmp_path / "run" / "model")
    assert (again.predict(x) == model.predict(x)).all()
