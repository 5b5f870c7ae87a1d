"""The default graphs and the portfolio, on real data of each kind."""

import importlib

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from autonas import data
from autonas.backends import node_graph
from autonas.search_space import defaults, encoding, graph, heads, inputs, optimization, portfolio, ranges
from autonas.search_space.blocks import preprocessing, pretrained, structured_data, text
from autonas.supernet import Supernet


def images():
    return data.ImageEncoder(), datasets.load_digits().images[:60]


def table():
    frame = datasets.load_iris(as_frame=True).data[:60].copy()
    frame.columns = ["a", "b", "c", "d"]
    frame.loc[::7, "a"] = np.nan
    frame["color"] = np.where(np.arange(60) % 3 == 0, "red", "blue")
    frame["note"] = [f"the {'good' if row % 2 else 'bad'} flower number {row}" for row in range(60)]
    return data.TableEncoder(), frame


def texts():
    return data.TextEncoder(), [f"a {'fine' if row % 2 else 'dull'} film of {row % 7} hours" for row in range(60)]


def series():
    x = datasets.load_digits().images[:60].astype("float32")
    x[::3, 5:] = np.nan
    return data.SeriesEncoder(), x


KINDS = {"image": images, "table": table, "text": texts, "series": series}


@pytest.fixture(scope="module", params=KINDS)
def bound(request):
    """A bound default graph of one kind, its space, and encoded rows."""
    encoder, x = KINDS[request.param]()
    encoder.fit(x)
    searched = graph.Graph(*defaults.default_nodes([request.param], ["multiclass"]))
    searched.bind([encoder.feature], [heads.Target("multiclass", 3)])
    rows = {f"{searched.input_names[0]}_{name}": array for name, array in encoder.transform(x).items()}
    return searched, searched.declare(), rows


def build(searched, space, values):
    hyperparameters = space.copy()
    hyperparameters.values = dict(values)
    return searched.build(hyperparameters)


def test_random_architectures_train(bound):
    searched, space, rows = bound
    y = {searched.head_names[0]: np.arange(60) % 3}
    for seed in range(3):
        model = build(searched, space, encoding.Encoding(space).sample(np.random.default_rng(seed)))
        model.run_eagerly = True  # Tracing would take ten times as long as the step.
        # Trees are fitted, and have nothing to train.
        loss = (model.train_on_batch if model.trainable_variables else model.test_on_batch)(rows, y)
        assert np.isfinite(loss)
        outputs = keras.ops.convert_to_numpy(model(rows, training=False)[searched.head_names[0]])
        assert outputs.shape == (60, 3)
        np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


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


@pytest.mark.parametrize(
    ("most_responses", "sizes"),
    [
        (np.inf, [(16, 5_000), (64, 10_000), (64, None), (64, 10_000), (None, 10_000)]),
        (2e9, [(8, 2_500), (16, 5_000), (64, None), (None, 10_000)]),  # 10 seconds at 5 ns a response.
        (2e8, [(4, 500)]),  # The smallest kernels are tried however little time there is.
    ],
)
def test_long_series_begin_with_kernels_for_which_there_is_time(most_responses, sizes):
    searched = graph.Graph(*defaults.default_nodes(["series"], ["multiclass"]))
    statistics = {"mean": np.zeros(1), "variance": np.ones(1), "has_missing": False}
    feature = data.Feature("series", {"series": data.Tensor((1460, 1), "float32")}, statistics)
    searched.bind([feature], [heads.Target("multiclass", 10)])
    conditions = portfolio.Conditions(80, most_responses=most_responses)
    points = portfolio.initial_points(searched, searched.declare(), conditions)
    assert [point["time_series_block_1/kind"] for point in points[:2]] == ["ridge", "kernels"]

    def size(point):
        prefix = f"time_series_block_1/kind_kernels/transform_{point['time_series_block_1/kind_kernels/transform']}"
        return point.get(f"{prefix}/groups"), point.get(f"{prefix}/size")

    assert [size(point) for point in points if point["time_series_block_1/kind"] == "kernels"] == sizes


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


@pytest.mark.parametrize(("n_classes", "first"), [(49, "trees"), (50, "linear")])
def test_tables_of_many_classes_begin_with_a_linear_model_and_networks(n_classes, first):
    table = np.random.default_rng(0).normal(size=(200, 3))
    searched = graph.Graph(*defaults.default_nodes(["table"], ["multiclass"]))
    searched.bind([data.TableEncoder().fit(table).feature], [heads.Target("multiclass", n_classes)])
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(200))
    kinds = [point["structured_data_block_1/kind"] for point in points]
    assert kinds[0] == first and len(kinds) == 12
    if first == "linear":
        assert kinds[1:3] == ["tabm", "lasso"] and set(kinds[-6:]) == {"trees", "extra_trees", "gaussian_process"}


def test_linear_models_come_first_for_a_table_of_more_columns_than_rows():
    wide = np.random.default_rng(0).normal(size=(40, 100))
    searched = graph.Graph(*defaults.default_nodes(["table"], ["binary"]))
    searched.bind([data.TableEncoder().fit(wide).feature], [heads.Target("binary", 1)])
    space = searched.declare()
    few, more = (
        [point["structured_data_block_1/kind"] for point in portfolio.initial_points(searched, space, conditions)]
        for conditions in (portfolio.Conditions(99), portfolio.Conditions(100))
    )
    assert few[:4] == ["lasso", "linear", "linear", "gaussian_process"] and few[-1] == "trees"
    assert more[:2] == ["trees", "gaussian_process"]


def test_beside_other_inputs_fitted_models_and_networks_come_by_turns():
    nodes = defaults.default_nodes(["image", "table"], ["binary"])
    searched = graph.Graph(*nodes)
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1)).astype("uint8")
    encoder, frame = table()
    features = [data.ImageEncoder().fit(images).feature, encoder.fit(frame).feature]
    searched.bind(features, [heads.Target("binary", 1)])
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(1000))
    kinds = [(point["image_block_1/kind"], point["structured_data_block_1/kind"]) for point in points]
    assert kinds[:3] == [("patches", "trees"), ("dense", "tabm"), ("ridge", "gaussian_process")]
    assert kinds[3] == ("convolution", "dense")


def test_a_gaussian_process_is_the_second_candidate_for_a_table_of_few_rows():
    encoder, frame = table()
    searched = graph.Graph(*defaults.default_nodes(["table"], ["binary"]))
    searched.bind([encoder.fit(frame).feature], [heads.Target("binary", 1)])
    space = searched.declare()
    few, many = (
        [point["structured_data_block_1/kind"] for point in portfolio.initial_points(searched, space, conditions)]
        for conditions in (portfolio.Conditions(10_000), portfolio.Conditions(10_001))
    )
    assert few == [many[0], "gaussian_process", *many[1:]] and "gaussian_process" not in many


def test_networks_survive_saving(bound, tmp_path):
    searched, space, rows = bound
    for number, point in enumerate(portfolio.initial_points(searched, space)[:3]):
        model = build(searched, space, encoding.Encoding(space).complete(point))
        plain = keras.Model(model.input, model.output)
        plain.save(tmp_path / f"{number}.keras")
        loaded = keras.models.load_model(tmp_path / f"{number}.keras")
        name = searched.head_names[0]
        before, after = plain(rows, training=False)[name], loaded(rows, training=False)[name]
        np.testing.assert_allclose(before, after, atol=1e-6)


def test_several_inputs_and_heads_are_merged():
    (image_encoder, x), (table_encoder, frame) = images(), table()
    searched = graph.Graph(*defaults.default_nodes(["image", "table"], ["binary", "regression"], [None, "mae"]))
    searched.bind(
        [image_encoder.fit(x).feature, table_encoder.fit(frame).feature],
        [heads.Target("binary", 1), heads.Target("regression", 2)],
    )
    model = searched.build(searched.declare())
    assert {name: output.shape for name, output in model.output.items()} == {
        "classification_head_1": (None, 1),
        "regression_head_1": (None, 2),
    }
    assert len(portfolio.initial_points(searched, searched.declare())) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_any_block_can_be_connected_to_any_input(kind):
    from autonas.search_space.blocks import dense

    encoder, x = KINDS[kind]()
    node = inputs.Input()
    searched = graph.Graph(node, heads.RegressionHead()(dense.DenseBlock()(node)))
    searched.bind([encoder.fit(x).feature], [heads.Target("regression", 1)])
    model = searched.build(searched.declare())
    rows = {f"input_1_{name}": array for name, array in encoder.transform(x).items()}
    assert np.isfinite(model(rows)["regression_head_1"]).all()


def test_missing_steps_of_a_series_are_marked():
    encoder, x = series()
    block = preprocessing.Normalization()
    block.features = [encoder.fit(x).feature]
    normalized = np.asarray(block.build(keras_tuner.HyperParameters(), encoder.transform(x)["series"]))
    assert normalized.shape == (60, 8, 9)
    np.testing.assert_array_equal(normalized[0, 5:], 0)
    np.testing.assert_array_equal(normalized[1, :, -1], 1)


def test_a_small_vocabulary_keeps_the_frequent_words():
    tokens = np.array([[1, 2, 9, 0]])
    block = preprocessing.TextVectorization(max_tokens=5, sequence_length=3)
    np.testing.assert_array_equal(block.build(keras_tuner.HyperParameters(), tokens), [[1, 2, 1]])


def test_piecewise_linear_encoding_is_exact_at_its_edges():
    from autonas.search_space.blocks import numbers

    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 4.0] * 10})
    encoder = data.TableEncoder().fit(frame)
    values = encoder.transform(frame)["numbers"]
    encoded = np.asarray(numbers.piecewise_linear(values, encoder.feature, bins=3)) + 0.5
    np.testing.assert_allclose(encoded[:4], [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], atol=1e-5)


def test_imputed_numbers_are_the_mean_with_an_indicator():
    from autonas.search_space.blocks import numbers

    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0, 2.0], "y": [1.0, 2.0, 3.0, 4.0]})
    encoder = data.TableEncoder().fit(frame)
    imputed = np.asarray(numbers.impute(encoder.transform(frame)["numbers"], encoder.feature))
    assert imputed.shape == (4, 3)
    assert imputed[1, 0] == 0
    np.testing.assert_array_equal(imputed[:, 2], [0, 1, 0, 0])


def test_what_is_served_has_no_augmentation(bound):
    from autonas.prediction import predictor

    searched, space, rows = bound
    values = encoding.Encoding(space).complete(portfolio.initial_points(searched, space)[1])
    model = build(searched, space, values)
    name = searched.head_names[0]
    served = predictor.without_training_parts(model)
    np.testing.assert_array_equal(served(rows)[name], model(rows, training=False)[name])
    assert not [layer for layer in served.layers if isinstance(layer, node_graph.AUGMENTATION)]


@pytest.mark.parametrize("kind", ["image", "series", "text", "table"])
def test_networks_that_are_to_share_weights_are_of_one_space(kind):
    _, (output,) = defaults.default_nodes([kind], ["multiclass"], shares_weights=True)
    assert output.block.parents[0].block.kind == "layered"


def test_a_space_that_is_named_holds_where_weights_are_shared():
    _, (output,) = defaults.default_nodes(["image"], ["multiclass"], search_space="chain", shares_weights=True)
    assert output.block.parents[0].block.kind == "chain"


def broken(block, hp, inputs):
    raise RuntimeError("no such kernel\n(a long trace)")


@pytest.mark.parametrize(
    ("kind", "block", "family"), [("text", "transformer", "transformer"), ("image", "dense", "dense")]
)
def test_a_family_that_cannot_be_built_is_left_out_with_its_reason(monkeypatch, kind, block, family):
    """The first family, which is the default one, or any other."""
    module = importlib.import_module(f"autonas.search_space.blocks.{block}")
    monkeypatch.setattr(getattr(module, f"{family.title()}Block"), "build", broken)
    encoder, x = KINDS[kind]()
    searched = graph.Graph(*defaults.default_nodes([kind], ["multiclass"]))
    searched.bind([encoder.fit(x).feature], [heads.Target("multiclass", 3)])
    name = f"{kind}_block_1/kind"
    with pytest.warns(UserWarning, match=f"{name}='{family}' is left out.*RuntimeError: no such kernel"):
        space = searched.declare()
    assert searched.left_out == {(name, family): "RuntimeError: no such kernel"}
    (decision,) = [each for each in space.space if each.name == name]
    assert family not in decision.values and len(decision.values) >= 2
    assert not [each.name for each in space.space if each.name.startswith(f"{name}_{family}/")]
    for point in portfolio.initial_points(searched, space):
        build(searched, space, encoding.Encoding(space).complete(point))
    Supernet.from_graph(searched)


def test_a_family_that_is_named_must_be_built(monkeypatch):
    from autonas.search_space.blocks import transformer

    monkeypatch.setattr(transformer.TransformerBlock, "build", broken)
    encoder, x = texts()
    node = inputs.TextInput()
    searched = graph.Graph(node, heads.ClassificationHead()(text.TextBlock(kind="transformer")(node)))
    searched.bind([encoder.fit(x).feature], [heads.Target("multiclass", 3)])
    with pytest.raises(ValueError, match="Block 'text_block_1' can't be built for this data. RuntimeError: no such"):
        searched.declare()


def test_a_value_of_the_portfolio_that_is_not_in_the_space_is_left_out():
    node = inputs.StructuredDataInput()
    head = heads.ClassificationHead()(structured_data.StructuredDataBlock(name="table")(node))
    for share, is_kept in ((ranges.Choice([0.5, 1.0, 2.0]), True), (ranges.Choice([0.5, 1.0]), False)):
        drawn = graph.Graph(node, head, optimization.Optimization(epochs_share=share))
        drawn.bind([data.get_encoder("table").fit(np.eye(30)).feature], [heads.Target("binary", 1)])
        points = portfolio.initial_points(drawn, drawn.declare())
        point = next(point for point in points if point["table/kind"] == "tabm")
        assert (point.get("optimization/epochs_share") == 2.0) == is_kept
