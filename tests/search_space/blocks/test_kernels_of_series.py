"""HydraBlock, MiniRocketBlock and RidgeBlock: frozen kernels for series, and a head in closed form."""

import itertools
import sys

import keras
import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import log_loss

import autonas
from autonas.backends import seeding
from autonas.search_space import declaration, heads
from autonas.search_space.fitted import fitters
from tests.helpers import harness

OPTIONS = {"max_trials": 1, "seed": 0, "tensorboard": False, "verbose": 0}


def waves(n=60, length=50, channels=1, seed=0):
    """Series of two classes: noise with a wave of one frequency or of another, at a random phase."""
    generator = np.random.default_rng(seed)
    classes = np.arange(n) % 2
    phase = generator.uniform(0, 6, (n, 1))
    wave = np.sin(phase + np.arange(length) * np.where(classes, 0.9, 0.7)[:, None])
    return (wave[..., None] + 0.4 * generator.normal(size=(n, length, channels))).astype("float32"), classes


def bound_graph(block, x, has_missing=False):
    """The graph of a ridge classifier on a block, bound to series and two classes."""
    inputs = autonas.TimeSeriesInput(name="x")
    graph = autonas.Graph(inputs, autonas.ClassificationHead(name="head")(autonas.RidgeBlock()(block(inputs))))
    n_channels = x.shape[2]
    statistics = {"mean": np.zeros(n_channels), "variance": np.ones(n_channels), "has_missing": has_missing}
    feature = autonas.data.Feature("series", {"series": autonas.data.Tensor(x.shape[1:], "float32")}, statistics)
    graph.bind([feature], [heads.Target("binary", 1)])
    return graph


def features_of(block, x, seed=0, has_missing=False):
    """The network that returns the features of a block, after its fitters have run."""
    graph = bound_graph(block, x, has_missing)
    with seeding.seeded(seed, 0):
        model = graph.build(harness.empty_values())
    (ridge,) = [fitter for fitter in fitters.fitters_of(model) if type(fitter).__name__ == "Ridge"]
    network = keras.Model(model.inputs, ridge.inputs)
    for fitter in fitters.fitters_of(model):
        if fitter is not ridge:
            values = keras.Model(model.inputs, fitter.inputs).predict(x, verbose=0)
            fitter.fit(fitters.Rows(values, np.zeros(len(x))), None, np.random.default_rng(seed))
    return network


def predicted(network, x):
    return np.asarray(network.predict(x, verbose=0))


def shifted(x, dilation):
    """Series `(n, time, channels)` at nine steps around each step, `(n, time, 9, channels)`."""
    padded = np.pad(x, [(0, 0), (4 * dilation, 4 * dilation), (0, 0)])
    return np.stack([padded[:, step * dilation : step * dilation + x.shape[1]] for step in range(9)], axis=2)


def inner_weights(network):
    """The weights of each inner network: sums of channels, then kernels as matrices `(9 * channels, kernels)`."""
    models = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    return [
        [
            array.reshape(-1, array.shape[-1])
            for layer in (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Embedding)
            for member in model.layers
            if isinstance(member, layer)
            for array in member.get_weights()
        ]
        for model in models
    ]


@pytest.mark.parametrize(
    ("block", "arguments"),
    [
        (autonas.HydraBlock, {"groups": 6, "difference": True}),
        (autonas.HydraBlock, {"groups": 1, "difference": True}),
        (autonas.MiniRocketBlock, {"size": 840, "poolings": "share"}),
        (autonas.MiniRocketBlock, {"size": 1_400, "poolings": "all"}),
    ],
)
def test_a_space_is_declared_without_the_layers_of_the_kernels(block, arguments):
    x, _ = waves(4)
    declared = bound_graph(block(**arguments), x).build(declaration.DeclaringHyperParameters())
    (ridge,) = fitters.fitters_of(declared)
    assert ridge.inputs.shape == features_of(block(**arguments), x).output_shape
    assert not any(isinstance(layer, (keras.Model, keras.layers.Conv1D)) for layer in declared.layers)


@pytest.mark.parametrize("channels", [1, 3, 20])
def test_hydra_counts_the_winners_and_losers_of_each_group(channels):
    x, _ = waves(8, channels=channels)
    network = features_of(autonas.HydraBlock(groups=6, difference=True), x)
    outputs = predicted(network, x)
    # Three dilations, two sources, three groups of eight kernels, two features.
    assert outputs.shape == (8, 3 * 2 * 3 * 8 * 2)
    expected = []
    for source, (*sums, first, second, third) in zip((x, np.diff(x, axis=1)), inner_weights(network), strict=True):
        responses = []
        for position, (dilation, matrix) in enumerate(zip((1, 2, 4), (first, second, third), strict=True)):
            read = source @ sums[position] if sums else source
            response = shifted(read, dilation).reshape(*source.shape[:2], -1) @ matrix
            responses.append(response.reshape(*source.shape[:2], 8, 3))
        responses = np.concatenate(responses, axis=3)
        largest, smallest = responses.argmax(2)[:, :, None], responses.argmin(2)[:, :, None]
        kernel = np.arange(8)[:, None]
        won = np.where(kernel == largest, responses, 0).sum(1).clip(0)
        expected += [won.reshape(8, -1), (kernel == smallest).sum(1).reshape(8, -1)]
    np.testing.assert_allclose(outputs, np.sqrt(np.concatenate(expected, axis=1)), rtol=1e-3, atol=1e-3)


def test_the_kernels_of_hydra_have_mean_zero_and_size_one():
    network = features_of(autonas.HydraBlock(groups=4, difference=False), waves(4)[0])
    for matrix in itertools.chain.from_iterable(inner_weights(network)):
        assert matrix.shape == (9, 32)
        np.testing.assert_allclose(matrix.mean(0), 0, atol=1e-7)
        np.testing.assert_allclose(np.abs(matrix).sum(0), 1, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 20])
def test_minirocket_counts_the_steps_above_quantiles_of_a_training_row(channels):
    x, _ = waves(12, channels=channels)
    network = features_of(autonas.MiniRocketBlock(size=840, poolings="share"), x)
    outputs = predicted(network, x)
    assert outputs.shape == (12, 672)  # Four dilations, two biases.
    kernels = [[2.0 if step in chosen else -1.0 for step in range(9)] for chosen in itertools.combinations(range(9), 3)]
    (weights,) = inner_weights(network)
    *sums, first, second, third, fourth = weights[:-1]
    matrices, biases = (first, second, third, fourth), weights[-1].reshape(2, 4, 84)
    levels = np.arange(1, 673).reshape(4, 84, 2) * (1 + 5**0.5) / 2 % 1
    for position, (dilation, matrix) in enumerate(zip((1, 2, 4, 5), matrices, strict=True)):
        read = x @ sums[position] if channels == 20 else x
        if channels == 1:
            np.testing.assert_array_equal(matrix.T, kernels)
        responses = shifted(read, dilation).reshape(*x.shape[:2], -1) @ matrix
        quantiles = np.array([np.quantile(responses, level, axis=1) for level in levels[position].ravel()])
        for number in range(2):
            bias = biases[number, position]
            near = outputs.reshape(12, 2, 4, 84)[:, number, position]
            expected = (responses > bias).mean(1)
            np.testing.assert_allclose(near, expected, atol=1.01 / x.shape[1])
            assert np.mean(np.abs(near - expected) > 1e-6) < 0.01  # A response may equal its bias.
            # The bias is this quantile of one of the series.
            own = quantiles.reshape(84, 2, 12, 84)[np.arange(84), number, :, np.arange(84)]
            np.testing.assert_allclose(np.abs(own - bias[:, None]).min(1), 0, atol=1e-4)
    assert 0.35 < outputs.mean() < 0.65


def test_multirocket_pools_the_steps_above_a_bias_in_four_ways():
    x, _ = waves(6, length=40)
    network = features_of(autonas.MiniRocketBlock(size=672, poolings="all"), x)
    outputs = predicted(network, x)
    assert outputs.shape == (6, 672)
    weights = inner_weights(network)
    assert len(weights) == 2  # A dilation of the series, and one of its differences.
    for source, (matrix, biases), pooled in zip((x, np.diff(x, axis=1)), weights, np.split(outputs, 2, 1), strict=True):
        excess = shifted(source, 1).reshape(*source.shape[:2], -1) @ matrix - biases
        shares, means, positions, runs = np.split(pooled, 4, axis=1)
        above = excess > 0
        count = np.maximum(above.sum(1), 1)
        length = excess.shape[1]
        steps = np.arange(1, length + 1)[None, :, None]
        longest = [[max(map(len, "".join(map(str, 1 * row)).split("0"))) for row in each.T] for each in above]
        np.testing.assert_allclose(shares, above.mean(1), atol=1e-6)
        np.testing.assert_allclose(means, (excess * above).sum(1) / count, rtol=1e-2, atol=1e-4)
        np.testing.assert_allclose(positions, (above * steps).sum(1) / count / length, atol=1e-5)
        np.testing.assert_allclose(runs, np.array(longest) / length, atol=1e-6)


@pytest.mark.parametrize("n_steps", [1, 40])
def test_a_training_row_without_observed_steps_has_finite_features(n_steps):
    x, _ = waves(4, length=40)
    x[:, n_steps:] = np.nan
    x[0] = np.nan
    for block in (autonas.HydraBlock(groups=4), autonas.MiniRocketBlock(size=1344, poolings="all")):
        assert np.isfinite(predicted(features_of(block, x, has_missing=True), x)).all()


@pytest.mark.parametrize(
    "block",
    [
        lambda: autonas.HydraBlock(groups=4, difference=True),
        lambda: autonas.MiniRocketBlock(size=84, poolings="share"),
        lambda: autonas.MiniRocketBlock(size=672, poolings="all"),
    ],
)
def test_features_of_padded_series_are_those_of_the_series_themselves(block):
    x, _ = waves(10, length=40, channels=2)
    padded = np.pad(x, [(0, 0), (0, 24), (0, 0)], constant_values=np.nan)
    alone = predicted(features_of(block(), x), x)
    outputs = predicted(features_of(block(), padded, has_missing=True), padded)
    if isinstance(block(), autonas.HydraBlock):
        alone = alone * np.sqrt(64 / 40)  # Sums are relative to the share of the observed steps.
        assert outputs.shape == (10, 3 * 2 * 2 * 8 * 2)
    # Sums in float32 are rounded in another order on another processor.
    np.testing.assert_allclose(outputs, alone, rtol=1e-5, atol=0.03 if outputs.shape[1] == 192 else 1e-6)


def test_steps_that_are_missing_within_a_series_do_not_count():
    x, _ = waves(4, length=40)
    x[:, 10:20] = np.nan
    network = features_of(autonas.HydraBlock(groups=2, difference=False), x, has_missing=True)
    # Sums and counts of eight kernels, in three dilations and two groups.
    counts = predicted(network, x).reshape(4, 2, 8, 3, 2)[:, 1] ** 2
    # One of eight kernels is the smallest at each observed step; the counts are as of 40 steps.
    np.testing.assert_allclose(counts.sum(1), 40, rtol=1e-4)


def test_the_same_seed_makes_the_same_kernels_and_another_seed_others():
    x, _ = waves(6)
    first, again, other = (
        predicted(features_of(autonas.HydraBlock(groups=4, difference=False), x, seed), x) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def drawn(block, head, **arguments):
    inputs = autonas.TimeSeriesInput()
    return autonas.AutoModel(inputs, head(block(inputs)), **{**OPTIONS, **arguments})


def kernels():
    return autonas.TimeSeriesBlock(kind="kernels")


def test_it_is_as_good_as_scikit_learns_ridge_classifier_on_the_same_features():
    x, y = waves(80)
    others, truth = waves(200, seed=1)
    inputs = autonas.TimeSeriesInput()
    features = autonas.HydraBlock(groups=16, difference=True)(inputs)
    head = autonas.ClassificationHead()(autonas.RidgeBlock()(features))
    model = autonas.AutoModel(inputs, head, **OPTIONS).fit(x, y)
    assert not model.model_.trainable_variables
    network = features_of(autonas.HydraBlock(groups=16, difference=True), x)
    train, test = predicted(network, x), predicted(network, others)
    mean, scale = train.mean(0), train.std(0) + (train == 0).mean(0) ** 4 + 1e-8
    reference = RidgeClassifierCV(np.logspace(-3, 3, 10)).fit((train - mean) / scale, y)
    assert model.score(others, truth) >= reference.score((test - mean) / scale, truth) - 0.03
    assert log_loss(truth, model.predict_proba(others)) < 0.25


def test_numbers_and_several_labels_are_predicted():
    x, y = waves(80)
    slope = np.random.default_rng(0).normal(size=80)
    x = x + slope[:, None, None].astype("float32") * np.linspace(0, 2, 50, dtype="float32")[:, None]
    model = drawn(kernels(), autonas.RegressionHead()).fit(x, 5 * slope - 2)
    assert np.mean((model.predict(x) - 5 * slope + 2) ** 2) < 2.0
    labels = np.stack([y, 1 - y, slope > 0], axis=1)
    model = drawn(kernels(), autonas.ClassificationHead(multi_label=True)).fit(x, labels)
    assert (model.predict(x) == labels).mean() > 0.95


def test_series_of_unequal_length_and_weights_count():
    x, y = waves(80)
    short = [row[: 30 + index % 20] for index, row in enumerate(x)]
    model = drawn(kernels(), autonas.ClassificationHead()).fit(short, y)
    assert model.score(short, y) > 0.9
    wrong = np.random.default_rng(0).random(80) < 0.3
    weights = np.where(wrong, 1e-6, 1.0)
    model = drawn(kernels(), autonas.ClassificationHead()).fit(x, np.where(wrong, 1 - y, y), sample_weight=weights)
    assert model.score(x, y) > 0.9


CHECK = """
import sys
import keras, numpy
x, expected = (numpy.load(sys.argv[1] + name) for name in ("/x.npy", "/expected.npy"))
outputs = keras.models.load_model(sys.argv[1] + "/network.keras")(x)
numpy.testing.assert_allclose(outputs, expected, atol=1e-5)
assert not any(name.startswith("autonas") for name in sys.modules)
"""


def test_it_is_exported_as_a_file_that_needs_nothing_but_keras(tmp_path, run_elsewhere):
    x, y = waves(60, length=20, channels=2)
    inputs = autonas.TimeSeriesInput()
    both = [
        autonas.HydraBlock(groups=4, difference=True)(inputs),
        autonas.MiniRocketBlock(size=1344, poolings="all")(inputs),
    ]
    outputs = autonas.ClassificationHead()(autonas.RidgeBlock()(autonas.Merge("concatenate")(both)))
    model = autonas.AutoModel(inputs, outputs, **OPTIONS).fit(x, y)
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-4
    np.save(tmp_path / "x.npy", x[:20])
    np.save(tmp_path / "expected.npy", model.predict_proba(x[:20])[:, 1:])
    done = run_elsewhere([sys.executable, "-c", CHECK, str(tmp_path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_cost_of_it_is_known_and_it_is_small():
    x, y = waves(60)
    costs = ["params", "flops", "memory_mb", "model_size_mb", "latency_ms"]
    model = drawn(kernels(), autonas.ClassificationHead(), objective=["val_loss", *costs]).fit(x, y)
    row = model.leaderboard().query("stage == 'search'").iloc[0]
    assert row.status == "completed" and (row[costs] > 0).all()
    assert row.model_size_mb < 20


def test_the_default_block_begins_with_closed_forms_and_they_have_no_decisions_on_training_by_gradient():
    x, y = waves(60)
    inputs = autonas.TimeSeriesInput()
    head = autonas.ClassificationHead()(autonas.TimeSeriesBlock()(inputs))
    model = autonas.AutoModel(inputs, head, **{**OPTIONS, "max_trials": 8, "epochs": 2}).fit(x, y)
    records = [record["values"] for record in model.records_ if record["stage"] == "search"]
    kinds = [values["time_series_block_1/kind"] for values in records]
    assert kinds == ["ridge", "kernels", "ridge", *["kernels"] * 4, "intervals"]
    assert [values.get("time_series_block_1/kind_ridge/difference") for values in records[:3]] == [False, None, True]
    name = "time_series_block_1/kind_kernels/"
    kernels = [values for values in records if name + "transform" in values]
    assert [values[name + "transform"] for values in kernels] == ["both", "both", "hydra", "both", "minirocket"]
    assert [values.get(name + "transform_both/poolings") for values in kernels] == ["share", "share", None, "all", None]
    assert [values.get(name + "transform_both/groups") for values in kernels] == [16, 64, None, 64, None]
    assert [name + "transform_hydra/groups" in values for values in kernels] == [False, False, True, False, False]
    assert not any(key.startswith("optimization/") for values in records[:7] for key in values)


def test_where_a_ridge_regression_cannot_predict_the_target_the_error_says_why():
    x, y = waves(20)
    head = autonas.RegressionHead(loss=keras.losses.Poisson())
    with pytest.raises(ValueError, match="RidgeBlock can't be used here: head .* has the loss 'poisson'"):
        drawn(kernels(), head).fit(x, y + 1.0)
    with pytest.raises(ValueError, match=r"HydraBlock takes a series \(n, time, channels\)"):
        inputs = autonas.ImageInput()
        outputs = autonas.ClassificationHead()(autonas.HydraBlock()(inputs))
        autonas.AutoModel(inputs, outputs, **OPTIONS).fit(*harness.digits())


@pytest.mark.parametrize("length", [1, 2, 8, 9])
def test_short_series_have_features(length):
    x = np.random.default_rng(0).normal(size=(20, length, 1)).astype("float32")
    for block in (autonas.HydraBlock(groups=4, difference=True), autonas.MiniRocketBlock(size=1344, poolings="all")):
        assert np.isfinite(predicted(features_of(block, x), x)).all()


def test_their_configurations_make_the_same_blocks_again():
    harness.check_configuration(autonas.HydraBlock(groups=autonas.Choice([8, 16]), difference=False))
    harness.check_configuration(autonas.MiniRocketBlock(size=2_500))
    harness.check_configuration(autonas.RidgeBlock())
