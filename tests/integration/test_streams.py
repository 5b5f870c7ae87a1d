"""A `tf.data.Dataset` in place of arrays, through the facade."""

import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_diabetes, load_digits, load_iris

import autonas

slices = tf.data.Dataset.from_tensor_slices
DIGITS, DIGIT_LABELS = load_digits(return_X_y=True)
DIGITS = DIGITS.reshape(-1, 8, 8, 1).astype("float32")


@pytest.fixture
def arguments(tmp_path):
    return {"max_trials": 1, "epochs": 3, "seed": 0, "verbose": 0, "directory": tmp_path / "run", "tensorboard": False}


@pytest.fixture
def folder(tmp_path):
    for digit, name in ((0, "zero"), (1, "one"), (2, "two")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index, image in enumerate(DIGITS[DIGIT_LABELS == digit][:40]):
            keras.utils.save_img(tmp_path / "images" / name / f"{index}.png", image, scale=True)
    return tmp_path / "images"


def read(folder, **options):
    return keras.utils.image_dataset_from_directory(
        folder, image_size=(8, 8), color_mode="grayscale", verbose=False, **options
    )


def test_images_in_folders(folder, arguments, tmp_path):
    dataset = read(folder)
    model = autonas.ImageClassifier(**arguments | {"epochs": 30}).fit(dataset)
    assert model.classes_.tolist() == ["one", "two", "zero"]
    assert model.score(dataset) > 0.9
    assert model.evaluate(dataset)["accuracy"] == model.score(dataset)
    ordered = read(folder, shuffle=False)
    truth = np.repeat(["one", "two", "zero"], 40)
    predicted = model.predict(ordered)
    assert (predicted == truth).mean() > 0.9
    assert model.predict_proba(ordered).shape == (120, 3)
    # What the images alone, the arrays and a model read again predict is the same.
    images = np.concatenate([image for image, _ in ordered.as_numpy_iterator()])
    np.testing.assert_array_equal(model.predict(images), predicted)
    np.testing.assert_array_equal(model.predict(read(folder, shuffle=False, labels=None)), predicted)
    again = autonas.AutoModel.load(f"{model.directory_}/model")
    assert again.score(ordered) == pytest.approx((predicted == truth).mean())
    assert set(model.leaderboard()["stage"]) == {"search", "final", "baseline"}


def test_the_served_model_is_the_reported_one(arguments):
    train, validation = slices((DIGITS[:1000], DIGIT_LABELS[:1000])), slices((DIGITS[1000:], DIGIT_LABELS[1000:]))
    model = autonas.ImageClassifier(**arguments).fit(train.batch(50), validation_data=validation.batch(64))
    board = model.leaderboard()
    assert board["stage"].tolist() == ["search", "baseline"]
    frequent = np.bincount(DIGIT_LABELS[:1000]).argmax()
    assert board["val_accuracy"][1] == pytest.approx((DIGIT_LABELS[1000:] == frequent).mean())
    assert model.leaderboard()["val_accuracy"][0] == pytest.approx(model.score(validation))
    assert model.score(validation) > 0.5
    assert model.classes_.tolist() == list(range(10)) and model.predict(validation.take(3)).dtype == DIGIT_LABELS.dtype


def test_same_seed_same_result(arguments, tmp_path):
    x, y = load_iris(return_X_y=True)
    scores = []
    for name in ("a", "b"):
        model = autonas.AutoModel(**arguments | {"directory": tmp_path / name}).fit(slices((x, y)))
        scores.append(model.history_[0]["loss"])
    assert scores[0] == scores[1]


def test_texts(arguments):
    texts = [f"{word} {i}" for i in range(60) for word in ("good", "bad")]
    dataset = slices((texts, ["+", "-"] * 60)).shuffle(120).batch(16)
    model = autonas.AutoModel(**arguments | {"epochs": 40}).fit(dataset)
    assert model.score(dataset) > 0.9
    assert model.predict(["good", "bad"]).tolist() == model.predict(slices(["good", "bad"])).tolist() == ["+", "-"]


def test_regression_of_columns_with_weights(arguments):
    frame, y = load_diabetes(return_X_y=True, as_frame=True)
    columns = {"bmi": frame["bmi"].to_numpy(), "sex": np.where(frame["sex"] > 0, "m", "f")}
    dataset = slices((columns, y.to_numpy(), np.linspace(0.5, 1.5, 442)))
    model = autonas.AutoModel(**arguments | {"epochs": 20}).fit(dataset)
    assert model.task_ == "regression" and model.score(dataset) > 0.2
    assert set(model.evaluate(dataset)) == {"rmse", "mae"}
    assert model.predict(dataset).shape == (442,)


def test_a_small_table_is_searched_as_arrays_are(arguments):
    x, y = load_iris(return_X_y=True)
    dataset = slices((x[::2], y[::2])).shuffle(75).batch(16)
    model = autonas.AutoModel(**arguments).fit(dataset)
    assert model.best_hyperparameters_["structured_data_block_1/kind"] == "trees"
    assert model.score(slices((x[1::2], y[1::2]))) > 0.9  # A network on the stream had 0.56.
    again = autonas.AutoModel(**arguments).fit(dataset)
    assert again.records_ == model.records_


def test_weights_of_classes(arguments, tmp_path):
    x, y = load_iris(return_X_y=True)
    shares = []
    for name, weights in (("a", None), ("b", "balanced"), ("c", {2: 50.0})):
        options = arguments | {"directory": tmp_path / name, "class_weight": weights, "epochs": 10}
        shares.append(autonas.AutoModel(**options).fit(slices((x, y))).predict_proba(x)[:, 2].mean())
    assert shares[0] == pytest.approx(shares[1]) and shares[2] > shares[0] + 0.02
    with pytest.raises(ValueError, match="`class_weight` must name labels"):
        autonas.AutoModel(**arguments, class_weight={7: 1.0}).fit(slices((x, y)))


def test_a_graph_of_blocks(arguments):
    x, y = load_iris(return_X_y=True)
    node = autonas.StructuredDataInput()
    head = autonas.ClassificationHead()(autonas.DenseBlock()(node))
    model = autonas.AutoModel(node, head, **arguments).fit(slices((x, y)).batch(10))
    assert model.predict(slices(x)).shape == (150,)


def test_a_finished_search_is_not_repeated_and_other_data_is_refused(arguments):
    x, y = load_iris(return_X_y=True)
    first = autonas.AutoModel(**arguments).fit(slices((x, y)))
    again = autonas.AutoModel(**arguments).fit(slices((x, y)))
    assert len(again.records_) == len(first.records_)
    with pytest.raises(ValueError, match="holds a search of something else: labels.0 was 50 and is 49"):
        autonas.AutoModel(**arguments).fit(slices((x[1:], y[1:])))


def test_time_limit_holds_inside_a_trial(arguments):
    """Each reading of this source takes 1 s at least, and a whole trial minutes; six times as long may be read."""

    def slowly():
        for row in zip(DIGITS[:400], DIGIT_LABELS[:400], strict=True):
            time.sleep(0.0025)
            yield row

    spec = (tf.TensorSpec((8, 8, 1), "float32"), tf.TensorSpec((), "int64"))
    dataset = tf.data.Dataset.from_generator(slowly, output_signature=spec)
    started = time.monotonic()
    options = arguments | {"max_trials": None, "epochs": None, "time_limit": 12}
    model = autonas.ImageClassifier(**options).fit(dataset)
    assert time.monotonic() - started < 120
    assert model.stop_reason_ == "time_limit"


_LARGE = """
import resource

import keras
import numpy as np
import tensorflow as tf

import autonas
from autonas.data import stream_sampling, streams
from autonas.evaluation import stream_loop


class Pool(autonas.Block):
    def build(self, hp, inputs):
        return keras.layers.GlobalAveragePooling2D()(inputs)


def images(rows):
    for position in range(rows):
        label = position % 2
        yield np.full((256, 256, 4), label + position / rows, "float32"), label


spec = (tf.TensorSpec((256, 256, 4), "float32"), tf.TensorSpec((), "int64"))
options = dict(max_trials=1, epochs=1, verbose=0, tensorboard=False, refit=False, seed=0)
stream_sampling._MAX_SAMPLED_BYTES = streams._MAX_SHUFFLED_BYTES = streams._MAX_KEPT_BYTES = 8 * 2**20
stream_loop._MAX_KEPT_BYTES = 8 * 2**20
for rows in (60, 260):
    dataset = tf.data.Dataset.from_generator(images, output_signature=spec, args=(rows,))
    node = autonas.ImageInput()
    head = autonas.ClassificationHead()(Pool()(node))
    autonas.AutoModel(node, head, **options).fit(dataset)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_large_source_does_not_fill_the_memory(tmp_path):
    """Rows have 1 MB; what is kept, 64 MB for each purpose, is made 8 MB here."""
    command = [sys.executable, "-c", _LARGE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    first, second = map(int, done.stdout.split())
    assert second - first < 60  # 200 MB more have passed.


def test_bad_arguments_are_refused_in_one_line_before_anything_is_written(arguments, tmp_path):
    x, y = load_iris(return_X_y=True)
    dataset = slices((x, y))
    generator = np.random.default_rng(0)

    def add_noise(row, label):
        noise = tf.numpy_function(lambda: generator.normal(size=4), [], "float64")
        return row + tf.ensure_shape(noise, (4,)), label

    noisy = dataset.map(add_noise)
    cases = [
        (dict(x=dataset, y=y), "`y` must be None if `x` is a tf.data.Dataset"),
        (dict(x=dataset, sample_weight=y), "`sample_weight` must be None"),
        (dict(x=dataset, groups=y), "`groups` must be None"),
        (dict(x=dataset, validation_data=(x, y)), "`validation_data` must be a tf.data.Dataset"),
        (dict(x=x, y=y, validation_data=dataset), "`validation_data` must be a tuple"),
        (dict(x=dataset.repeat()), "`x` must be finite"),
        (dict(x=slices((x[:0], y[:0]))), "an empty dataset"),
        (dict(x=dataset, validation_data=slices((x[:0], y[:0]))), "`validation_data` must hold at least one row"),
        (dict(x=slices(x)), "`x` must be a tf.data.Dataset of .x, y."),
        (dict(x=noisy), "the same rows each time it is read"),
    ]
    for data, message in cases:
        with pytest.raises(ValueError, match=message) as error:
            autonas.AutoModel(**arguments).fit(**data)
        assert "\n" not in str(error.value) and len(str(error.value)) < 300
    assert not (tmp_path / "run").exists()
    model = autonas.AutoModel(**arguments).fit(noisy, validation_data=dataset)
    for call, message in (
        (lambda: model.score(dataset, y), "`y` must be None for a tf.data.Dataset"),
        (lambda: model.evaluate(slices(x)), "a dataset without targets"),
        (lambda: model.score(x), "`y` must be given"),
        (lambda: model.predict(dataset.repeat()), "finite"),
        (lambda: model.predict(slices(x[:, :2])), "features"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_numbers_in_place_of_class_names_are_refused_in_scoring(folder, arguments):
    dataset = read(folder)
    model = autonas.ImageClassifier(**arguments | {"epochs": 1}).fit(dataset)
    assert len(model.predict(dataset.take(2))) == 64
    with pytest.raises(ValueError, match="`x` must have `class_names`"):
        model.score(dataset.take(2))


def test_an_endless_dataset_is_refused_within_the_time_limit(arguments, tmp_path):
    def rows():
        generator = np.random.default_rng(0)
        while True:
            yield generator.normal(size=4), 1

    spec = (tf.TensorSpec((4,), "float64"), tf.TensorSpec((), "int64"))
    dataset = tf.data.Dataset.from_generator(rows, output_signature=spec)
    started = time.monotonic()
    with pytest.raises(ValueError, match="and didn't end; is it endless"):
        autonas.AutoModel(**arguments | {"time_limit": 2}).fit(dataset)
    assert time.monotonic() - started < 60  # It would be read for ever.
    assert not (tmp_path / "run").exists()
