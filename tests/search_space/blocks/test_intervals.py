"""Statistics of intervals of series: the features of trees for levels, deviations and single steps."""

import keras
import numpy as np
import pytest

import autonas
from autonas.data import SeriesEncoder
from autonas.search_space import graph, heads, portfolio
from autonas.search_space.blocks import intervals


def features_of(values, observed=None):
    read = [values] if observed is None else [values, observed]
    tensors = [keras.Input(array.shape[1:]) for array in read]
    return keras.Model(tensors, intervals.summaries(tensors)).predict(read, verbose=0)


def test_features_are_means_extremes_deviations_slopes_and_deviations_of_changes():
    x = np.random.default_rng(0).normal(size=(5, 8, 1)).astype("float32")
    parts = [x[:, start : start + size, 0] for size in (8, 4) for start in range(0, 8, size)]
    expected = [part.mean(1) for size in (8, 4, 2, 1) for part in np.split(x[..., 0], 8 // size, axis=1)]
    expected += [x.max(1)[:, 0], x.min(1)[:, 0]]
    expected += [part.std(1) for part in parts]
    expected += [np.polyfit(np.arange(part.shape[1]), part.T, 1)[0] for part in parts]
    expected += [np.diff(part, axis=1).std(1) for part in parts]
    np.testing.assert_allclose(features_of(x), np.stack(expected, axis=1), atol=1e-3)


def test_missing_steps_do_not_count():
    x = np.random.default_rng(0).normal(size=(5, 8, 2)).astype("float32")
    observed = np.ones((5, 8, 1), "float32")
    observed[:, 4:6] = 0
    features = features_of(x * observed, observed)
    rest = np.delete(x, [4, 5], axis=1)
    assert np.isfinite(features).all()
    # The first of the 15 means of a channel is that of the whole series.
    np.testing.assert_allclose(features[:, [0, 15]], rest.mean(1), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 4), (100, 3), (4000, 1), (50, 400), (10, 3000)])
def test_the_number_of_features_is_known_and_bounded(shape):
    x = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    features = features_of(x)
    assert features.shape == (4, intervals.n_features(*shape)) and np.isfinite(features).all()
    assert features.shape[1] <= max(1000, 6 * shape[1]) + 2 * shape[1]


def test_classes_of_noisy_levels_are_found(tmp_path):
    generator = np.random.default_rng(0)
    y = np.arange(400) % 4
    x = generator.normal(size=(400, 60, 1)) + 0.4 * y[:, None, None]
    # Kernels whose weights have the sum 0 are blind to the level, and the linear model never predicts inner classes.
    block = autonas.TimeSeriesInput()
    model = autonas.AutoModel(
        block,
        autonas.ClassificationHead()(autonas.TimeSeriesBlock(kind="intervals")(block)),
        max_trials=1,
        directory=tmp_path,
        seed=0,
        verbose=0,
    ).fit(x[:280], y[:280])
    assert model.score(x[280:], y[280:]) > 0.75
    exported = keras.models.load_model(model.export(tmp_path / "model.keras").path)
    np.testing.assert_allclose(exported.predict(x[280:], verbose=0), model.predict_proba(x[280:]), atol=1e-5)


@pytest.mark.parametrize(("n_rows", "split"), [(500, "half"), (5000, "sqrt")])
def test_searches_on_series_begin_with_ridge_regressions_kernels_and_trees(n_rows, split):
    node = autonas.TimeSeriesInput()
    searched = graph.Graph(node, autonas.ClassificationHead()(autonas.TimeSeriesBlock()(node)))
    x = np.random.default_rng(0).normal(size=(8, 30, 1))
    searched.bind([SeriesEncoder().fit(x).feature], [heads.Target("binary", 1)])
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(n_rows))
    kinds = [point["time_series_block_1/kind"] for point in points]
    assert kinds[:9] == ["ridge", "kernels", "ridge", *["kernels"] * 4, "intervals", "trees"]
    assert points[7]["time_series_block_1/kind_intervals/split_features"] == split


@pytest.mark.parametrize(("n_steps", "n_channels", "has_trees"), [(50, 4, True), (51, 4, False), (201, 1, False)])
def test_boosted_trees_are_a_family_of_short_series(n_steps, n_channels, has_trees):
    node = autonas.TimeSeriesInput()
    searched = graph.Graph(node, autonas.ClassificationHead()(autonas.TimeSeriesBlock()(node)))
    x = np.random.default_rng(0).normal(size=(8, n_steps, n_channels))
    searched.bind([SeriesEncoder().fit(x).feature], [heads.Target("binary", 1)])
    space = searched.declare()
    (kind,) = [declared for declared in space.space if declared.name == "time_series_block_1/kind"]
    assert ("trees" in kind.values) == has_trees
    points = portfolio.initial_points(searched, space, portfolio.Conditions(500))
    assert ("trees" in [point["time_series_block_1/kind"] for point in points]) == has_trees


def test_a_class_that_depends_on_two_steps_together_is_learned(tmp_path):
    x = np.random.default_rng(0).normal(size=(1400, 16, 1)).astype("float32")
    x[::7, 5] = np.nan
    y = np.where(x[:, 1, 0] * x[:, 3, 0] > 0, "same sign", "other sign")
    model = autonas.TimeSeriesClassifier(max_trials=9, directory=tmp_path, seed=0, verbose=0).fit(x[:400], y[:400])
    # The kernels, the intervals and the linear model find .55 to .8.
    assert model.score(x[400:], y[400:]) > 0.9
    exported = keras.models.load_model(model.export(tmp_path / "model.keras").path)
    np.testing.assert_allclose(exported.predict(x[400:], verbose=0), model.predict_proba(x[400:])[:, 1:], atol=1e-5)
