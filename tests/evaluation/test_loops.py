"""Training loops: the compiled one and the one for every backend train and predict alike."""

import time

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from autonas.backends import precision
from autonas.data.dataset import ArrayDataset
from autonas.evaluation import fitting, loops, tensorflow_loop
from autonas.optimizers import fused_adam
from autonas.search_space.fitted import fitters
from autonas.trials import checkpoint


@pytest.fixture(scope="module")
def dataset():
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    return ArrayDataset({"x": x}, {"y": y.astype("int32")}, np.arange(1400), np.arange(1400, len(x)))


def make(kind, dataset, policy="float32"):
    keras.utils.set_random_seed(1)
    with precision.policy(policy):
        inputs = keras.Input((64,), name="x")
        outputs = keras.layers.Dense(10, "softmax", dtype="float32")(keras.layers.Dense(32, "relu")(inputs))
        model = keras.Model({"x": inputs}, {"y": outputs})
        model.compile(fused_adam.FusedAdamW(0.01), loss={"y": "sparse_categorical_crossentropy"})
    return kind(model, dataset)


def epoch(loop, dataset, rate=lambda share: 0.01, deadline=None, seed=0):
    return loop.train_epoch(dataset.train_rows, 32, np.random.default_rng(seed), rate, deadline)


def test_both_loops_make_the_same_steps(dataset):
    compiled, batched = make(tensorflow_loop.TensorFlowLoop, dataset), make(loops.BatchLoop, dataset)
    for seed in range(2):
        assert epoch(compiled, dataset, seed=seed)[0] == pytest.approx(epoch(batched, dataset, seed=seed)[0], rel=1e-3)
    rows = dataset.validation_rows
    np.testing.assert_allclose(compiled.predict(rows)["y"], batched.predict(rows)["y"], atol=1e-3)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_both_loops_normalise_feature_maps_alike(dataset, policy):
    def convolution(kind):
        keras.utils.set_random_seed(1)
        with precision.policy(policy):
            inputs = keras.Input((64,), name="x")
            outputs = keras.layers.Conv2D(4, 3, use_bias=False)(keras.layers.Reshape((8, 8, 1))(inputs))
            outputs = keras.layers.BatchNormalization(momentum=0.9)(outputs)
            outputs = keras.layers.BatchNormalization(scale=False, center=False)(keras.layers.ReLU()(outputs))
            outputs = keras.layers.Dense(10, "softmax", dtype="float32")(keras.layers.Flatten()(outputs))
        model = keras.Model({"x": inputs}, {"y": outputs})
        model.compile(fused_adam.FusedAdamW(0.01), loss={"y": "sparse_categorical_crossentropy"})
        return kind(model, dataset)

    compiled, batched = convolution(tensorflow_loop.TensorFlowLoop), convolution(loops.BatchLoop)
    tolerance = 1e-3 if policy == "float32" else 0.05
    assert epoch(compiled, dataset)[0] == pytest.approx(epoch(batched, dataset)[0], rel=tolerance)
    for own, other in zip(compiled.model.get_weights(), batched.model.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=tolerance, atol=tolerance * 10)
    rows = dataset.validation_rows
    np.testing.assert_allclose(compiled.predict(rows)["y"], batched.predict(rows)["y"], atol=tolerance * 10)


def test_inputs_that_the_network_does_not_read_are_no_tensors(dataset):
    x = dataset.inputs["x"]
    dataset = ArrayDataset({"other": x, "x": x}, dataset.targets, dataset.train_rows, dataset.validation_rows)
    inputs = {name: keras.Input((64,), name=name) for name in ("other", "x")}
    model = keras.Model(inputs, {"y": keras.layers.Dense(10, "softmax")(inputs["x"])})
    model.compile(fused_adam.FusedAdamW(0.01), loss={"y": "sparse_categorical_crossentropy"})
    loop = tensorflow_loop.TensorFlowLoop(model, dataset)
    epoch(loop, dataset)
    rows = dataset.validation_rows
    np.testing.assert_allclose(loop.predict(rows)["y"], loops.BatchLoop(model, dataset).predict(rows)["y"], atol=1e-5)
    assert list(loop._inputs) == ["x"]


def test_loops_of_one_data_set_share_its_tensors(dataset):
    one, other = (make(tensorflow_loop.TensorFlowLoop, dataset) for _ in range(2))
    assert one._inputs["x"] is other._inputs["x"] and one._targets["y"] is other._targets["y"]


def test_training_is_traced_once(dataset, monkeypatch):
    loop, traces = make(tensorflow_loop.TensorFlowLoop, dataset), []
    compute_loss = loop.model.compute_loss
    monkeypatch.setattr(
        loop.model, "compute_loss", lambda *given, **named: traces.append(1) or compute_loss(*given, **named)
    )
    epoch(loop, dataset)
    epoch(loop, dataset)
    assert len(traces) == 1


def test_it_learns(dataset):
    loop = make(tensorflow_loop.TensorFlowLoop, dataset)
    for seed in range(5):
        epoch(loop, dataset, seed=seed)
    predicted = loop.predict(dataset.validation_rows)["y"].argmax(axis=1)
    assert (predicted == dataset.targets["y"][dataset.validation_rows]).mean() > 0.85


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", [tensorflow_loop.TensorFlowLoop, loops.BatchLoop])
def test_in_mixed_precision_the_losses_are_about_those_of_float32(dataset, kind, policy):
    exact, mixed = make(kind, dataset), make(kind, dataset, policy)
    for seed in range(3):
        assert epoch(mixed, dataset, seed=seed)[0] == pytest.approx(epoch(exact, dataset, seed=seed)[0], rel=0.02)
    outputs = mixed.predict(dataset.validation_rows)["y"]
    assert outputs.dtype == "float32"
    np.testing.assert_allclose(outputs, exact.predict(dataset.validation_rows)["y"], atol=0.05)


@pytest.mark.parametrize("kind", [tensorflow_loop.TensorFlowLoop, loops.BatchLoop])
def test_steps_whose_gradients_overflow_are_left_out_and_the_loss_is_scaled_less(dataset, kind):
    loop = make(kind, dataset, "mixed_float16")
    optimizer = loop.model.optimizer
    checkpoint.optimizer_variables(loop.model)
    optimizer.dynamic_scale.assign(2.0**60)
    before = loop.model.get_weights()
    few = ArrayDataset(dataset.inputs, dataset.targets, np.arange(96), dataset.validation_rows)
    loop.dataset = few
    loss, _ = epoch(loop, few)
    assert np.isfinite(loss) and optimizer.dynamic_scale == 2.0**57 and optimizer.iterations == 0
    for found, wanted in zip(loop.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)
    optimizer.dynamic_scale.assign(2.0**10)
    epoch(loop, few)
    assert optimizer.dynamic_scale == 2.0**10 and optimizer.iterations == 3


def test_predictions_follow_the_rows_asked_for(dataset):
    loop = make(tensorflow_loop.TensorFlowLoop, dataset)
    rows = np.array([7, 3, 1500, 3])
    expected = keras.ops.convert_to_numpy(loop.model({"x": dataset.inputs["x"][rows]})["y"])
    np.testing.assert_allclose(loop.predict(rows)["y"], expected, atol=1e-6)


def test_a_learning_rate_of_zero_changes_nothing(dataset):
    loop = make(tensorflow_loop.TensorFlowLoop, dataset)
    before = loop.model.get_weights()
    epoch(loop, dataset, rate=lambda share: 0.0)
    for one, other in zip(before, loop.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [tensorflow_loop.TensorFlowLoop, loops.BatchLoop])
def test_a_deadline_is_met_inside_an_epoch(dataset, kind):
    _, finished = epoch(make(kind, dataset), dataset, deadline=time.monotonic())
    assert not finished


def test_rows_of_weight_zero_teach_nothing(dataset):
    weights = np.ones(len(dataset.inputs["x"]), "float32")
    weights[:700] = 0.0
    weighted = ArrayDataset(dataset.inputs, dataset.targets, np.arange(700), dataset.validation_rows, None, weights)
    loop = make(tensorflow_loop.TensorFlowLoop, weighted)
    before = loop.model.get_weights()
    epoch(loop, weighted)
    np.testing.assert_array_equal(before[1], loop.model.get_weights()[1])


def test_batches_are_full_and_shuffled():
    batches = loops.shuffled_batches(np.arange(100, 110), 4, np.random.default_rng(0))
    assert batches.shape == (2, 4)
    assert len(np.unique(batches)) == 8
    assert set(batches.ravel()) <= set(range(100, 110))
    assert loops.shuffled_batches(np.arange(3), 8, np.random.default_rng(0)).shape == (1, 3)


def test_padded_batches_hold_every_row_in_order():
    batches = loops.padded_batches(np.arange(5, 12), 3)
    np.testing.assert_array_equal(batches.ravel(), [5, 6, 7, 8, 9, 10, 11, 5, 5])


class Mean(fitters.Fitter):
    """Sets the bias of a layer to the mean of the targets."""

    uses_validation = False

    def __init__(self, inputs, head, layer):
        super().__init__(inputs, head)
        self.layer = layer

    def fit(self, training, validation, generator, deadline=None):
        kernel, _ = self.layer.get_weights()
        self.layer.set_weights([kernel, np.array([training.targets.mean()])])
        return {}


def test_the_loss_of_a_fitted_network_needs_no_features_but_the_known_ones(dataset, monkeypatch):
    inputs = keras.Input((64,), name="x")
    features = keras.layers.Dense(8, trainable=False)(inputs)
    layer = keras.layers.Dense(1, kernel_initializer="zeros", trainable=False)
    model = keras.Model({"x": inputs}, {"y": layer(features)})
    model.compile(loss={"y": "mean_squared_error"})
    fitters.attach(Mean(features, "y", layer), layer)
    loop = loops.FittedLoop(model, dataset)
    fitting.fit(model, dataset, dataset.train_rows, np.random.default_rng(0))
    monkeypatch.setattr(loop, "predict", None)
    loss, finished = epoch(loop, dataset)
    assert loss == pytest.approx(dataset.targets["y"].var(), rel=0.15) and finished


def test_a_network_of_constants_without_a_fitter_has_a_loss_too(dataset):
    inputs = keras.Input((64,), name="x")
    model = keras.Model({"x": inputs}, {"y": keras.layers.Dense(1, "relu", trainable=False)(inputs)})
    model.compile(loss={"y": "mean_squared_error"})
    loss, finished = epoch(loops.FittedLoop(model, dataset), dataset)
    assert np.isfinite(loss) and finished
