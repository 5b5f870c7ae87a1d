"""The drawing of an architecture: its boxes, its arrows, and the inside of its cells."""

import functools
import json

import keras
import numpy as np
import pytest
from matplotlib import patches, pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg

import autonas
from autonas import data
from autonas.reporting import SearchInfo, TrialRecord, plots
from autonas.search_space import defaults, encoding, heads
from autonas.search_space.decisions import LayerChoice, Repeat

RANDOM = np.random.default_rng(0)
FEATURES = {
    "table": data.get_encoder("table").fit(RANDOM.normal(size=(30, 3))).feature,
    "image": data.get_encoder("image").fit(np.zeros((30, 8, 8, 1), "uint8")).feature,
    "series": data.get_encoder("series").fit(RANDOM.normal(size=(30, 16, 2))).feature,
    "text": data.get_encoder("text").fit(["hello world", "two words"] * 10).feature,
}


@functools.cache
def default_graph(*kinds, search_space=None):
    inputs, outputs = defaults.default_nodes(kinds, ["multiclass"], search_space=search_space)
    return bound(autonas.Graph(inputs, outputs), kinds)


def of_images(block):
    node = autonas.ImageInput()
    return bound(autonas.Graph(node, autonas.ClassificationHead()(block(node))), ["image"])


def bound(graph, kinds, n_outputs=3):
    targets = [heads.Target(head.tasks[-1] if head.tasks == ("regression",) else "multiclass", n_outputs)
               for head in graph.heads]  # fmt: skip
    graph.bind([FEATURES[kind] for kind in kinds], targets)
    return graph


@functools.cache
def space_of(graph):
    return encoding.Encoding(graph.declare())


def search_of(graph):
    blueprint = json.loads(json.dumps(graph.blueprint()))
    return SearchInfo("val_accuracy", "max", blueprint=blueprint)


def drawn(graph, values=None):
    """The texts of the drawing of an architecture, drawn at random and changed by `values`, the axes, the record."""
    space = space_of(graph)
    sampled = space.sample(np.random.default_rng(0))
    record = TrialRecord("0007", 7, values=space.complete({**sampled, **(values or {})}), score=0.9, parameters=12345)
    figure = plots.figure(plots.plot_architecture, search_of(graph), record)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    return [text.get_text() for text in axes.texts], axes, record


def boxes(axes):
    return [each for each in axes.patches if isinstance(each, patches.FancyBboxPatch)]


@pytest.mark.parametrize(
    ("kinds", "search_space"),
    [(["table"], None), (["image"], None), (["text"], None), (["series"], None), (["table"], "layered")]
    + [(["image"], space) for space in ("chain", "cell", "hierarchical", "layered")]
    + [(["table", "image"], None)],
)
def test_of_every_default_graph_each_active_decision_is_drawn_inside_the_picture(kinds, search_space):
    texts, axes, record = drawn(default_graph(*kinds, search_space=search_space))
    assert texts[0] == "trial 7, val_accuracy 0.9, 12,345 parameters"
    everything = " ".join(" ".join(texts).split())
    for name, value in record.values.items():
        if isinstance(value, str) and "motif" not in name and "level" not in name and value != "none":
            shown = value.replace("_", " ")
            assert shown in everything or "+" in shown or shown.isdigit(), (name, value)
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    for box in boxes(axes):
        assert 0 <= box.get_x() and box.get_x() + box.get_width() <= width
        assert 0 <= box.get_y() and box.get_y() + box.get_height() <= height
    renderer = axes.figure.canvas.get_renderer()
    for text in axes.texts:
        extent = text.get_window_extent(renderer).transformed(axes.transData.inverted())
        assert -1 <= extent.x0 and extent.x1 <= width + 2, text.get_text()


def test_decisions_are_in_plain_words_and_equal_layers_together():
    texts, _, _ = drawn(of_images(autonas.ResidualBlock()), {
        "residual_block_1/depth": 2, "residual_block_1/squeeze_excite": True, "residual_block_1/filters": 32,
        "residual_block_1/depth_0/layers": 2, "residual_block_1/depth_0/layers_0/kind": "basic",
        "residual_block_1/depth_0/layers_1/kind": "basic", "residual_block_1/depth_1/layers": 1,
        "residual_block_1/depth_1/layers_0/kind": "bottleneck",
    })  # fmt: skip
    first = texts.index("residual block")
    assert "filters 32" in texts and "squeeze excite on" in texts
    stages = texts[texts.index("stage 1:") : texts.index("stage 1:") + 4]
    assert first < texts.index("stage 1:")
    assert stages == ["stage 1:", "layers 1–2: basic", "stage 2:", "layer 1: bottleneck"]


def test_inputs_and_heads_say_what_they_are_and_training_stands_below():
    texts, _, _ = drawn(default_graph("image"), {"optimization/batch_size": 64, "optimization/learning_rate": 0.001})
    assert texts[texts.index("image input") + 1] == "image 8 × 8 × 1"
    assert texts[texts.index("classification head") + 1] == "multiclass, 3 outputs"
    assert "batch size 64" in texts[-1] and "learning rate 0.001" in texts[-1]


def test_a_drawn_graph_has_an_arrow_for_each_connection_and_no_box_overlaps_another():
    table, image = autonas.StructuredDataInput(name="patient"), autonas.ImageInput()
    dense = autonas.DenseBlock(name="record network")(table)
    merged = autonas.Merge()([dense, autonas.Reduction()(autonas.ConvolutionBlock()(image))])
    outputs = [autonas.ClassificationHead(name="diagnosis")(merged), autonas.RegressionHead()(dense)]
    texts, axes, _ = drawn(bound(autonas.Graph([table, image], outputs), ["table", "image"]))
    assert {"patient", "record network", "image input", "merge", "diagnosis", "regression head"} <= set(texts)
    arrows = [each for each in axes.patches if isinstance(each, patches.FancyArrowPatch)]
    assert len(arrows) == 7
    found = boxes(axes)
    assert len(found) == 8
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            apart_x = max(one.get_x(), other.get_x()) - min(one.get_x() + one.get_width(),
                                                            other.get_x() + other.get_width())  # fmt: skip
            apart_y = max(one.get_y(), other.get_y()) - min(one.get_y() + one.get_height(),
                                                            other.get_y() + other.get_height())  # fmt: skip
            assert max(apart_x, apart_y) > 0


class Own(autonas.Block):
    def build(self, hp, inputs):
        width = hp.Int("width", 8, 16)

        def layer(index):
            candidates = {"wide": lambda: keras.layers.Dense(width), "none at all": keras.layers.Identity}
            return lambda tensor: LayerChoice("operation", candidates)(hp, tensor)

        return Repeat("layers", 1, 3, layer)(hp, inputs)


def test_a_block_of_ones_own_is_drawn_like_any_other():
    node = autonas.StructuredDataInput()
    graph = bound(autonas.Graph(node, autonas.ClassificationHead()(Own()(node))), ["table"])
    values = {"own_1/width": 9, "own_1/layers": 2}
    values |= {"own_1/layers_0/operation": "none at all", "own_1/layers_1/operation": "wide"}
    texts, _, _ = drawn(graph, values)
    start = texts.index("own")
    assert texts[start + 1 : start + 4] == ["width 9", "layer 1: none at all", "layer 2: wide"]


def test_of_a_cell_its_operations_and_nodes_are_drawn_and_not_listed():
    names = ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")
    operations = ("convolution_3", "identity", "none", "none", "convolution_1", "average_pooling_3")
    values = {f"cell_block_1/edge_{name}": each for name, each in zip(names, operations, strict=True)}
    texts, axes, _ = drawn(of_images(autonas.CellBlock("nas_bench_201")), values)
    panel = texts[texts.index("cell") :]
    assert {"input", "1", "2", "output"} <= set(panel)
    assert {"convolution 3", "identity", "convolution 1", "average pooling 3"} <= set(panel)
    assert "none" not in panel and not any("edge" in text for text in texts)


def test_a_darts_cell_joins_its_nodes_and_follows_its_choice_of_inputs():
    values = {f"cell_block_1/{kind}/node_1/inputs": "1+2" for kind in ("normal", "reduction")}
    texts, _, _ = drawn(of_images(autonas.CellBlock(n_nodes=2, n_stages=2)), values)
    assert {"normal cell", "reduction cell", "2 cells\nback", "1 cell\nback", "output"} <= set(texts)
    part = of_images(autonas.CellBlock(n_nodes=2)).blueprint()[1]
    edges = part["drawing"][0]["edges"]
    node = "cell_block_1/normal/node_1"
    assert edges[1] == {"source": 1, "target": 2, "decision": "cell_block_1/normal/node_0/operation_1"}
    assert edges[2] == {
        "source": {"decision": f"{node}/inputs", "place": 0}, "target": 3, "decision": f"{node}/operation_0",
    }  # fmt: skip


def test_only_motifs_that_are_used_are_drawn():
    used = {f"hierarchical_block_1/level_3/edge_{edge}": "motif_2" for edge in ("0_1", "0_2", "1_2")}
    texts, _, _ = drawn(of_images(autonas.HierarchicalBlock(n_stages=1)), used)
    assert "motif 2" in texts and "level 3" in texts and "motif 0" not in texts


def test_in_axes_of_another_size_the_text_is_smaller_and_the_axes_are_given_back():
    graph = default_graph("image", search_space="cell")
    record = TrialRecord("0", 0, values=space_of(graph).default())
    natural = plots.figure(plots.plot_architecture, search_of(graph), record).axes[0]
    axes = pyplot.subplots(figsize=(3, 2))[1]
    assert plots.plot_architecture(search_of(graph), record, axes=axes) is axes
    assert axes.texts[0].get_fontsize() < 0.6 * natural.texts[0].get_fontsize()
    opened = plots.plot_architecture(search_of(graph), record)
    assert opened.figure in [pyplot.figure(number) for number in pyplot.get_fignums()]


@pytest.mark.parametrize("kinds", [["image"], ["table"], ["table", "image"]])
def test_a_width_puts_blocks_below_each_other_with_text_of_full_size(kinds):
    graph = default_graph(*kinds)
    record = TrialRecord("0", 0, values=space_of(graph).default(), score=0.9, parameters=1234)
    wide = plots.figure(plots.plot_architecture, search_of(graph), record)
    narrow = plots.figure(plots.plot_architecture, search_of(graph), record, 4.2)
    FigureCanvasAgg(narrow).draw()
    assert wide.get_size_inches()[0] > 5
    assert narrow.get_size_inches()[0] <= (4.2 if len(kinds) == 1 else 5.5)
    # Inputs of the same rank stay beside each other.
    ranks = sorted({box.get_y() for box in boxes(narrow.axes[0])})
    assert len(ranks) == len({box.get_x() + box.get_width() / 2 for box in boxes(wide.axes[0])}) > 2
    assert narrow.axes[0].texts[1].get_fontsize() == pytest.approx(wide.axes[0].texts[1].get_fontsize(), rel=0.02)
    texts = [" ".join(text.get_text().split()) for text in narrow.axes[0].texts]
    assert {text.get_text() for text in wide.axes[0].texts[1:-1]} <= {
        *texts,
        *(t.get_text() for t in narrow.axes[0].texts),
    }


def test_labels_are_no_formulas():
    node = autonas.StructuredDataInput(name="price $ per \\frac $")
    graph = bound(autonas.Graph(node, autonas.ClassificationHead(name="$x$")(node)), ["table"])
    texts, _, _ = drawn(graph)
    assert r"\$x\$" in texts


def test_without_a_blueprint_it_says_so():
    axes = plots.plot_architecture(SearchInfo("val_loss", "min"), TrialRecord("0", 0))
    assert [text.get_text() for text in axes.texts] == ["the search has no blueprint"]
