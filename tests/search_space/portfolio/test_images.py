"""The portfolio of images."""

import numpy as np
import pytest

from autonas import data
from autonas.search_space import defaults, encoding, graph, heads, portfolio
from autonas.search_space.blocks import pretrained


def test_images_begin_with_a_frozen_backbone_whose_weights_are_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / "models" / pretrained._FILES["MobileNetV3Small"]
    path.parent.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (8, 17, 20, 3)).astype("uint8")
    kinds = {}
    for is_stored in (False, True):
        if is_stored:
            path.write_bytes(b"weights")
        searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
        searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 3)])
        space = searched.declare()  # Reads no weights: these are none.
        points = portfolio.initial_points(searched, space)
        kinds[is_stored] = [point["image_block_1/kind"] for point in points]
    assert kinds[True] == ["patches", "ridge", "pretrained", *kinds[False][2:]] and "pretrained" not in kinds[False]
    many = portfolio.initial_points(searched, space, portfolio.Conditions(10_000))
    assert [point["image_block_1/kind"] for point in many] == ["patches", *kinds[False][2:], "pretrained"]
    values = encoding.Encoding(space).complete(points[2])
    assert not values["image_block_1/kind_pretrained/trainable"] and not values["image_block_1/translation"]


@pytest.mark.parametrize(
    ("accuracy", "flips"), [(0.51, [True]), (0.9, [False]), (0.7, [False, True]), (None, [False, True])]
)
def test_mirror_images_are_tried_unless_images_are_told_from_them(accuracy, flips):
    images = np.random.default_rng(0).integers(0, 256, (8, 17, 20, 3)).astype("uint8")
    searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
    searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 3)])
    conditions = portfolio.Conditions(10_000, mirror_accuracy=accuracy)
    points = portfolio.initial_points(searched, searched.declare(), conditions)
    fast = [point for point in points if point["image_block_1/kind"] == "speedrun"]
    assert [point.get("image_block_1/horizontal_flip", False) for point in fast] == flips
    assert all(point["classification_head_1/label_smoothing"] == 0.2 for point in fast)


@pytest.mark.parametrize(
    ("most_flops", "filters"),
    [
        (np.inf, [400, 400]),  # A regression on the features of more takes long.
        (6e12, [100, 400]),  # A minute at 100 GFLOP a second.
        (1e11, [50, 50]),  # The fewest are tried however little time there is.
    ],
)
def test_images_begin_with_as_many_patches_as_there_is_time_for(most_flops, filters):
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
    searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 10)])
    points = portfolio.initial_points(
        searched, searched.declare(), portfolio.Conditions(8_000, 0.5, most_flops=most_flops)
    )
    assert {point["image_block_1/kind"] for point in points[: len(filters)]} == {"patches"}
    name = "image_block_1/kind_patches/filters"
    assert [point[name] for point in points if name in point] == filters
    # The linear regression is faster.
    name = "image_block_1/kind_patches/regression"
    assert [point[name] for point in points if name in point] == ["linear", "kernel"]
    assert [point["image_block_1/kind_patches/regression_kernel/rows"] for point in points[1:2]] == [10_000]
    few = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(2_000, 0.5))
    (rows,) = (point[key] for point in few for key in point if key.endswith("regression_kernel/rows"))
    assert rows == 5_000  # For 500 validation rows, too.


def test_more_images_than_a_regression_takes_do_not_reduce_the_number_of_patches():
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
    searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 10)])
    first = [
        portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(n_rows, 0.5, most_flops=6e12))[:2]
        for n_rows in (10_000, 1_000_000)
    ]
    assert first[0] == first[1]


@pytest.mark.parametrize(("side", "larger"), [(16, "linear"), (17, "kernel")])
def test_the_larger_regression_on_patches_has_a_kernel_unless_images_are_small(side, larger):
    images = np.random.default_rng(0).integers(0, 256, (8, side, side, 1)).astype("uint8")
    searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
    searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 3)])
    conditions = portfolio.Conditions(8_000, 0.9, most_flops=6e11)
    points = portfolio.initial_points(searched, searched.declare(), conditions)
    name = "image_block_1/kind_patches/regression"
    assert [point[name] for point in points if name in point] == ["linear", larger]


def test_the_time_of_patches_of_large_images_is_that_of_the_averaged_images():
    numbers = []
    for side in (32, 64):
        images = np.random.default_rng(0).integers(0, 256, (8, side, side, 3)).astype("uint8")
        searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
        searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 10)])
        conditions = portfolio.Conditions(8_000, 0.5, most_flops=6e12)
        points = portfolio.initial_points(searched, searched.declare(), conditions)
        numbers.append(points[0]["image_block_1/kind_patches/filters"])
    assert numbers == [100, 100]


def test_large_images_begin_with_a_quarter_of_their_pixels():
    images = np.random.default_rng(0).integers(0, 256, (8, 64, 48, 3)).astype("uint8")
    searched = graph.Graph(*defaults.default_nodes(["image"], ["multiclass"]))
    searched.bind([data.ImageEncoder().fit(images).feature], [heads.Target("multiclass", 3)])
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(10_000, mirror_accuracy=0.7))
    fast = [point for point in points if point["image_block_1/kind"] == "speedrun"]
    sides = [point.get("image_block_1/kind_speedrun/largest_side", 64) for point in fast]
    flips = [point.get("image_block_1/horizontal_flip", False) for point in fast]
    assert sides == [32, 32, 64] and flips == [False, True, True]
