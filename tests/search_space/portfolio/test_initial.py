"""The first architectures of a search, on real data of each kind."""

import numpy as np
import pytest

from autonas import data
from autonas.search_space import defaults, encoding, graph, heads, inputs, optimization, portfolio, ranges
from autonas.search_space.blocks import structured_data
from tests.helpers.sixty_rows import build, images, table


def test_the_portfolio_is_part_of_the_space(bound):
    searched, space, rows = bound
    points = portfolio.initial_points(searched, space)
    completed = [encoding.Encoding(space).complete(point) for point in points]
    assert len(points) >= 4
    for point, values in zip(points, completed, strict=True):
        assert {name: values[name] for name in point} == point
    assert len({encoding.Encoding(space).key(values) for values in completed}) == len(points)


@pytest.mark.parametrize("name", ["chain", "cell", "layered"])
def test_a_named_space_begins_with_the_default_architecture_alone(name):
    encoder, x = images()
    searched = graph.Graph(*defaults.default_nodes(["image"], ["binary"], search_space=name))
    searched.bind([encoder.fit(x).feature], [heads.Target("binary", 1)])
    assert portfolio.initial_points(searched, searched.declare()) == [{}]


def test_a_block_of_one_family_begins_with_the_points_of_that_family():
    from autonas.search_space import inputs
    from autonas.search_space.blocks import image

    encoder, x = images()
    node = inputs.ImageInput()
    searched = graph.Graph(node, heads.ClassificationHead()(image.ImageBlock(kind="convolution")(node)))
    searched.bind([encoder.fit(x).feature], [heads.Target("binary", 1)])
    points = portfolio.initial_points(searched, searched.declare())
    assert len(points) == 2 and all("image_block_1/kind_convolution/depth" in point for point in points)


def test_the_portfolio_begins_with_the_cheapest(bound):
    searched, space, rows = bound
    models = [
        build(searched, space, encoding.Encoding(space).complete(point))
        for point in portfolio.initial_points(searched, space)
    ]
    trained = [sum(np.prod(weight.shape) for weight in model.trainable_weights) for model in models]
    assert trained[0] <= 2 * min(trained)
    # A kernel ridge regression reserves weights for 10,000 rows of 512 directions.
    assert max(model.count_params() for model in models) < 8_000_000


def test_beside_other_inputs_fitted_models_and_networks_come_by_turns():
    nodes = defaults.default_nodes(["image", "table"], ["binary"])
    searched = graph.Graph(*nodes)
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1)).astype("uint8")
    encoder, frame = table()
    features = [data.ImageEncoder().fit(images).feature, encoder.fit(frame).feature]
    searched.bind(features, [heads.Target("binary", 1)])
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(1000))
    kinds = [(point["image_block_1/kind"], point["structured_data_block_1/kind"]) for point in points]
    assert kinds[:3] == [("patches", "trees"), ("dense", "tabm"), ("ridge", "linear")]
    assert kinds[3] == ("convolution", "dense")


def test_a_value_of_the_portfolio_that_is_not_in_the_space_is_left_out():
    node = inputs.StructuredDataInput()
    head = heads.ClassificationHead()(structured_data.StructuredDataBlock(name="table")(node))
    for share, is_kept in ((ranges.Choice([0.5, 1.0, 2.0]), True), (ranges.Choice([0.5, 1.0]), False)):
        drawn = graph.Graph(node, head, optimization.Optimization(epochs_share=share))
        drawn.bind([data.get_encoder("table").fit(np.eye(30)).feature], [heads.Target("binary", 1)])
        points = portfolio.initial_points(drawn, drawn.declare())
        point = next(point for point in points if point["table/kind"] == "tabm")
        assert (point.get("optimization/epochs_share") == 2.0) == is_kept
