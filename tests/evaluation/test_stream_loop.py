import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from autonas.data import TargetEncoder, get_encoder, streams
from autonas.data.streams import StreamSource
from autonas.evaluation.fastest_loop import make_loop
from autonas.evaluation.stream_loop import Parts, StreamDataset, StreamLoop

X, Y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8, 1).astype("uint8")


def stream(*arrays, class_weight=None, shuffle=True, **options):
    dataset = tf.data.Dataset.from_tensor_slices(arrays)
    source = StreamSource(dataset.shuffle(2000) if shuffle else dataset, **options)
    source.fit(get_encoder(source.kind), TargetEncoder())
    return StreamDataset(source, "images", "digit", class_weight)


def network(learning_rate=0.01):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1), dtype="uint8", name="images_image")
    hidden = keras.layers.Flatten()(keras.layers.Rescaling(1 / 16)(inputs))
    outputs = keras.layers.Dense(10, activation="softmax", kernel_initializer="zeros")(hidden)
    model = keras.Model({"images_image": inputs}, {"digit": outputs})
    model.compile(keras.optimizers.Adam(learning_rate), {"digit": "sparse_categorical_crossentropy"})
    return model


def train(loop, rows="train", batch_size=32, rate=lambda share: 0.01, deadline=None, seed=0):
    return loop.train_epoch(rows, batch_size, np.random.default_rng(seed), rate, deadline)


def test_trains_and_scores_with_the_targets_of_the_same_pass():
    dataset = stream(X, Y)
    loop = make_loop(network(), dataset)
    assert isinstance(loop, StreamLoop)
    losses = [train(loop)[0] for _ in range(4)]
    assert losses[-1] < 0.5 < losses[0] < np.log(10)
    outputs = loop.predict(dataset.validation_rows)["digit"]
    truth = Parts(dataset.encoded)["validation"]
    assert outputs.shape == (dataset.source.rows["validation"], 10)
    # The source is in another order at each reading: rows and targets belong together all the same.
    assert (outputs.argmax(1) == truth).mean() > 0.9
    assert Parts(dataset.encoded, lambda encoded: -encoded)["validation"].min() == -9


def test_learning_rate_follows_the_share_of_the_epoch_and_rows_are_shuffled_by_the_generator():
    dataset, shares = stream(X, Y, shuffle=False), []
    weights = []
    for seed in (0, 0, 1):
        loop = make_loop(network(), dataset)
        assert train(loop, seed=seed, rate=lambda share: shares.append(share) or 0.01)[1]
        weights.append(loop.model.get_weights()[0])
    steps = dataset.n_train // 32
    np.testing.assert_allclose(shares[:steps], np.arange(steps) / steps)
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
    assert loop.model.optimizer.iterations == steps


def test_a_training_that_continues_in_another_loop_is_the_same_training():
    dataset = stream(X, Y, shuffle=False)
    generator, whole = np.random.default_rng(0), make_loop(network(), dataset)
    for _ in range(2):
        whole.train_epoch("train", 32, generator, lambda share: 0.01, None)
    generator, model = np.random.default_rng(0), network()
    for _ in range(2):
        make_loop(model, dataset).train_epoch("train", 32, generator, lambda share: 0.01, None)
    for one, other in zip(whole.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_final_fit_reads_all_rows():
    dataset = stream(X, Y)
    assert dataset.final_rows == "all" and dataset.final_ratio == pytest.approx(1797 / dataset.n_train)
    loop = make_loop(network(), dataset)
    train(loop, "all", batch_size=1797)
    assert loop.model.optimizer.iterations == 1
    validation = tf.data.Dataset.from_tensor_slices((X[900:], Y[900:]))
    separate = stream(X[:900], Y[:900], validation_data=validation)
    assert separate.final_rows is None and separate.final_ratio == 0
    assert len(make_loop(network(), separate).predict("validation")["digit"]) == 897


def test_weights_of_rows_and_classes_have_mean_1():
    plain = stream(X, Y)
    dataset = stream(X, Y, 5.0 * (Y == 3), class_weight=np.arange(10))
    batches = list(dataset.training_batches("all", 1797, 0))
    inputs, targets, weights = batches[0]
    assert len(next(iter(plain.training_batches("all", 1797, 0)))) == 2
    np.testing.assert_allclose(weights, 3 * (targets.numpy() == 3) / (Y == 3).mean(), rtol=1e-5)
    loop = make_loop(network(), dataset)
    train(loop)
    assert (loop.predict("validation")["digit"].argmax(1) == 3).all()


def test_stops_at_the_deadline_inside_an_epoch():
    loop = make_loop(network(), stream(X, Y))
    train(loop)
    loss, finished = train(loop, deadline=time.monotonic())
    assert not finished and np.isfinite(loss)
    assert loop.model.optimizer.iterations == loop.dataset.n_train // 32 + 1


def test_leaves_time_for_the_validation_part():
    loop = make_loop(network(), stream(X, Y))
    train(loop)
    loop.dataset.seconds["validation"] = 1000.0
    assert train(loop, deadline=time.monotonic() + 900)[1] is False


def test_ends_an_epoch_whose_loss_is_not_finite():
    loop = make_loop(network(), stream(X, Y))
    loop.model.set_weights([weight + np.nan for weight in loop.model.get_weights()])
    loss, finished = train(loop)
    assert np.isnan(loss) and loop.model.optimizer.iterations == 1


def test_a_source_that_is_empty_the_next_time(monkeypatch):
    monkeypatch.setattr(streams, "_MAX_KEPT_BYTES", 0)
    rows = []

    def generate():
        if len(rows) < 2:
            rows.append(1)
            yield from zip(X[:300], Y[:300], strict=True)

    spec = (tf.TensorSpec((8, 8, 1), "uint8"), tf.TensorSpec((), "int64"))
    source = StreamSource(tf.data.Dataset.from_generator(generate, output_signature=spec))
    dataset = StreamDataset(source.fit(get_encoder("image"), TargetEncoder()), "images", "digit")
    with pytest.raises(ValueError, match="must yield the same rows in each pass"):
        train(make_loop(network(), dataset))


def test_facts_are_plain_and_tell_streams_apart():
    facts = stream(X, Y).facts
    assert facts["labels"]["3"] == 183 and facts["rows"]["all"] == 1797
    assert facts == stream(X, Y).facts != stream(X, Y + 1).facts
