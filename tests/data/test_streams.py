import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_diabetes, load_digits, load_iris

from autonas.data import TargetEncoder, get_encoder, stream_sampling, streams
from autonas.data.stream_structure import stream_batches
from autonas.data.streams import StreamSource

DIGITS, DIGIT_LABELS = load_digits(return_X_y=True)
DIGITS = DIGITS.reshape(-1, 8, 8, 1).astype("uint8")
slices = tf.data.Dataset.from_tensor_slices


def fit(dataset, validation_split=0.2, seed=0, **options):
    source = StreamSource(dataset, **options)
    return source.fit(get_encoder(source.kind), TargetEncoder(), validation_split, seed)


def rows_of(batches, name):
    return np.concatenate([np.asarray(x[name]) for x, *_ in batches])


def sorted_rows(rows):
    return sorted(map(bytes, rows))


@pytest.mark.parametrize("batch", [None, 50])
def test_parts_are_disjoint_and_hold_everything(batch):
    dataset = slices((DIGITS, DIGIT_LABELS)).shuffle(2000)  # another order at each reading
    source = fit(dataset.batch(batch) if batch else dataset)
    assert source.kind == "image"
    training, validation = (sorted_rows(rows_of(part(1), "image")) for part in (source.train, source.validation))
    assert not set(training) & set(validation)
    assert sorted(training + validation) == sorted_rows(DIGITS) == sorted_rows(rows_of(source.all(1), "image"))
    assert source.rows == {"train": len(training), "validation": len(validation), "all": len(DIGITS)}
    assert 0.15 < len(validation) / len(DIGITS) < 0.25
    assert validation == sorted_rows(rows_of(source.validation(10), "image"))
    assert len(list(source.train(64))) == len(training) // 64


@pytest.mark.parametrize("regression", [False, True])
def test_of_few_rows_at_least_one_is_validated_with_every_seed(regression):
    rows = np.arange(6, dtype="uint8")[:, None, None, None] * np.ones((1, 8, 8, 1), "uint8")
    labels = np.arange(6.0) ** 2 if regression else np.array([0, 1, 1, 0, 1, 2])
    n_validated = []
    for seed in range(20):
        source = fit(slices((rows, labels)), validation_split=0.1, seed=seed)
        training, validation = (rows_of(part(1), "image")[:, 0, 0, 0] for part in (source.train, source.validation))
        assert sorted([*training, *validation]) == list(range(6)) and len(training)
        assert regression or set(labels[training]) == {0, 1, 2}
        n_validated.append(len(validation))
    # Half of the seeds have no row with a small hash.
    assert min(n_validated) == 1 and n_validated.count(1) > 10


def test_rows_that_look_like_batches_are_refused():
    """Series whose targets are as long as the series: each would be read as a batch of steps."""
    series = np.random.default_rng(0).normal(size=(60, 24, 1)).astype("float32")
    pairs = slices((series, series[:, ::-1, 0]))
    mapped = slices(series).map(lambda x: (x, x[:, 0])).shuffle(60).prefetch(2)
    zipped = tf.data.Dataset.zip((slices(series), slices(series[..., 0])))
    for dataset in (pairs, mapped, zipped.cache().take(40)):
        with pytest.raises(ValueError, match=r"`x` must be batched .* have length 24. Write x.batch\(32\), or"):
            StreamSource(dataset)
    for dataset in (pairs.batch(32), pairs.batch(20, drop_remainder=True).prefetch(2), mapped.batch(20).cache()):
        assert StreamSource(dataset).spec == (((24, 1), "float32"), ((24,), "float32"))
    # Batches whose number of rows is known.
    made = tf.data.Dataset.range(3).map(lambda i: (tf.ones((24, 8)), tf.ones(24)))
    indexed = slices(np.arange(3)).map(lambda i: (tf.ones((24, 8)), tf.ones(24)))
    for dataset in (made, indexed):
        assert StreamSource(dataset).spec == (((8,), "float32"), ((), "float32"))
    assert StreamSource(slices((np.array([["good"], ["bad"]]), np.array([[1], [0]])))).kind == "text"


def test_another_seed_is_another_split():
    dataset = slices((DIGITS, DIGIT_LABELS))
    first, second = (sorted_rows(rows_of(fit(dataset, seed=seed).validation(64), "image")) for seed in (0, 1))
    assert first != second


def test_encoders_see_training_rows_only():
    dataset = slices((DIGITS, DIGIT_LABELS))
    source = fit(dataset)
    training = rows_of(source.train(1), "image").astype("float64")
    np.testing.assert_allclose(source.encoder.feature.statistics["mean"], [training.mean()])
    assert source.target_encoder.classes_.tolist() == list(range(10))


def test_training_is_shuffled_and_pairs_stay_pairs():
    x, y = load_iris(return_X_y=True)
    source = fit(slices((x, x[:, 0], y.astype("float32") + 1)).batch(32))
    assert source.target_encoder.task_ == "regression"
    training = source.train(16)
    batches, again = list(training), list(training)
    assert not np.array_equal(batches[0][0]["numbers"], again[0][0]["numbers"])
    for inputs, targets, weights in batches:
        scale = source.encoder.standardisation_
        first = inputs["numbers"][:, 0] * scale.deviation[0] + scale.mean[0]
        np.testing.assert_allclose(source.target_encoder.decode(targets), first, rtol=1e-4)
        assert weights.dtype == "float32" and set(np.asarray(weights)) <= {1.0, 2.0, 3.0}


def test_image_folders_have_the_folders_names_as_labels(tmp_path):
    for name, digit in (("zero", 0), ("one", 1)):
        (tmp_path / name).mkdir()
        for index, image in enumerate(DIGITS[DIGIT_LABELS == digit][:20]):
            keras.utils.save_img(tmp_path / name / f"{index}.png", image, scale=True)
    for label_mode in ("int", "categorical", "binary"):
        dataset = keras.utils.image_dataset_from_directory(
            tmp_path, image_size=(8, 8), color_mode="grayscale", label_mode=label_mode, verbose=False
        )
        source = fit(dataset)
        assert source.target_encoder.classes_.tolist() == ["one", "zero"]
        assert source.train(8).element_spec[1].shape == (8, 1)
        assert source.labels == {"one": 20, "zero": 20}


def test_texts():
    texts = [f"{word} number {i}" for i in range(100) for word in ("good", "bad")]
    source = fit(slices((texts, ["+", "-"] * 100)).batch(16))
    assert source.kind == "text" and source.target_encoder.classes_.tolist() == ["+", "-"]
    inputs, targets = next(iter(source.train(8)))
    assert inputs["tokens"].dtype == "int32" and inputs["tokens"].shape == (8, 3)
    good = source.encoder.transform(["good"])["tokens"][0, 0]
    np.testing.assert_array_equal(inputs["tokens"][:, 0] == good, targets[:, 0] == 0)


def test_columns():
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    columns = {"bmi": x["bmi"].to_numpy(), "sex": np.where(x["sex"] > 0, "m", "f")}
    source = fit(slices((columns, y)))
    assert source.kind == "table"
    assert source.encoder.feature.statistics["category_names"] == ["sex"]
    assert source.train(8).element_spec[0]["numbers"].shape == (8, 1)
    assert rows_of(source.all(1), "categories").shape == (442, 1)


def test_series_and_separate_validation_data():
    series = np.random.default_rng(0).normal(size=(60, 20, 3))
    labels = np.arange(60) % 2
    source = fit(slices((series[:40], labels[:40])), validation_data=slices((series[40:], labels[40:])))
    assert source.kind == "series"
    assert source.rows == {"train": 40, "validation": 20, "all": 40}
    np.testing.assert_allclose(rows_of(source.validation(7), "series"), series[40:], rtol=1e-6)
    with pytest.raises(ValueError, match="Received labels that don't: 2"):
        fit(slices((series[:40], labels[:40])), validation_data=slices((series[40:], labels[40:] + 1)))
    with pytest.raises(ValueError, match="`validation_data` must have the structure of `x`"):
        fit(slices((series, labels)), validation_data=slices((series[:, :5], labels)))


def test_the_rows_of_a_small_table_are_in_memory_in_an_order_of_their_own():
    x, y = load_iris(return_X_y=True, as_frame=True)
    columns = {name: x[name].to_numpy() for name in x.columns[:2]} | {"kind": np.where(y > 0, "b", "a")}
    shuffled = slices((columns, y.to_numpy() * 1.5, y.to_numpy() + 1.0)).shuffle(150).batch(16)
    first, second = fit(shuffled).arrays(), fit(shuffled).arrays()
    assert set(first.x.columns) == set(columns) and first.x.index.tolist() != list(range(150))
    assert first.x.sort_index().shape == (150, 3) and first.sample_weight.sum() == 300
    assert (first.x["kind"] == "a").tolist() == (first.y == 0).tolist()
    assert first.x.reset_index(drop=True).equals(second.x.reset_index(drop=True))


def test_the_rows_of_texts_and_series_and_their_validation_data_are_in_memory():
    words = [f"{word} number {i}" for i in range(20) for word in ("good", "bad")]
    texts = fit(slices((words, ["+", "-"] * 20)).batch(16)).arrays()
    assert sorted(texts.x) == sorted(words)
    assert ["+" if text.startswith("good") else "-" for text in texts.x] == texts.y.tolist()
    series, labels = np.random.default_rng(0).normal(size=(60, 20, 3)), np.arange(60) % 2
    rows = fit(slices((series[:40], labels[:40])), validation_data=slices((series[40:], labels[40:]))).arrays()
    np.testing.assert_array_equal(rows.validation_data[0], series[40:])
    assert sorted_rows(rows.x) == sorted_rows(series[:40]) and rows.sample_weight is None


def test_images_and_large_and_changing_rows_stay_a_stream(monkeypatch):
    x, y = load_iris(return_X_y=True)
    random = tf.random.Generator.from_seed(0)
    changing = slices((x, y)).map(lambda row, label: (row + random.normal((4,), dtype="float64"), label))
    assert fit(slices((DIGITS[:200], DIGIT_LABELS[:200]))).arrays() is None
    assert fit(changing, validation_data=slices((x, y))).arrays() is None
    monkeypatch.setattr(streams, "_MAX_KEPT_BYTES", 1000)
    assert fit(slices((x, y))).arrays() is None


def test_a_rare_class_is_in_training():
    x, y = load_iris(return_X_y=True)
    x, y = np.unique(x, axis=0, return_index=True)[0], y[: len(np.unique(x, axis=0))].copy()
    y[7] = 9
    for seed in range(8):
        source = fit(slices((x, y)), seed=seed, validation_split=0.5)
        targets = np.concatenate([np.asarray(batch[1]) for batch in source.train(1)])
        assert source.target_encoder.transform([9])[0] in targets


def test_keys_of_rows_depend_on_every_byte_and_the_seed():
    generator = np.random.default_rng(0)
    for values in (generator.random((50, 7)), generator.integers(0, 9, (50, 3, 1), "uint8"), DIGITS[:50]):
        keys = stream_sampling.RowKeys(0)(values)
        assert len(np.unique(keys)) == len(np.unique(values.reshape(50, -1), axis=0))
        assert (keys != stream_sampling.RowKeys(1)(values)).all() and (keys == stream_sampling.RowKeys(0)(values)).all()
        changed = values.copy()
        changed[:, -1] += 1
        assert (stream_sampling.RowKeys(0)(changed) != keys).all()
    columns = {"a": np.array([b"x", b"y", b"x"], dtype=object), "b": np.array([1, 1, 2])}
    assert len(np.unique(stream_sampling.RowKeys(0)(columns))) == 3
    uniform = stream_sampling.RowKeys(0)(np.arange(20_000)) / 2**53
    assert abs(uniform.mean() - 0.5) < 0.01 and abs(uniform.var() - 1 / 12) < 0.002


def test_weights():
    x, y = load_iris(return_X_y=True)
    source = fit(slices((x, y, np.arange(150.0))).batch(32))
    assert source.mean_weight == pytest.approx(74.5)
    assert len(source.validation(16).element_spec) == 2
    with pytest.raises(ValueError, match="-1.0 at index 0"):
        fit(slices((x, y, np.arange(-1.0, 149.0))))


def test_targets_of_weight_zero_have_no_part_in_their_scale():
    x, y = load_diabetes(return_X_y=True)[0], np.arange(442.0)
    weights = np.arange(442) % 3 > 0
    source = fit(slices((x, np.where(weights, y, -99999.0), weights.astype("float32"))))
    assert source.target_encoder.mean_ == pytest.approx([y.mean()], rel=0.1)
    assert source.target_encoder.deviation_ == pytest.approx([y.std()], rel=0.1)
    source = fit(slices((x, y)))
    validated = source.target_encoder.decode(np.concatenate([targets for _, targets in source.validation(16)]))
    with pytest.raises(ValueError, match="weights of zero for all .* training rows"):
        fit(slices((x, y, np.isin(y, validated.round()).astype("float32"))))


def test_batches_to_predict():
    x, y = load_iris(return_X_y=True)
    encoder = get_encoder("table").fit(x)
    for dataset in (slices(x), slices((x, y)), slices((x, y, y)).batch(20)):
        rows, rest = zip(*stream_batches(dataset, encoder), strict=True)
        np.testing.assert_array_equal(np.concatenate(rows), x)
        assert len(rest[0]) == len(tf.nest.flatten(dataset.element_spec)) - 1
    with pytest.raises(ValueError, match="an empty dataset"):
        list(stream_batches(slices(x[:0]), encoder))


def test_bad_datasets_are_refused():
    x, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="infinite"):
        StreamSource(slices((x, y)).repeat())
    with pytest.raises(ValueError, match=r"of \(x, y\) or \(x, y, sample_weight\)"):
        StreamSource(slices(x))
    with pytest.raises(ValueError, match=r"values of shape \(4,\) for each row in 'flower'"):
        StreamSource(slices(({"flower": x, "number": y}, y)).batch(16))
    with pytest.raises(ValueError, match="an empty dataset"):
        fit(slices((x[:0], y[:0])))
    with pytest.raises(ValueError, match="`validation_split` must be"):
        fit(slices((x, y)), validation_split=1.5)
    with pytest.raises(ValueError, match="enough different rows"):
        fit(slices((x[:1].repeat(9, axis=0), x[:9, 0])))
    with pytest.raises(ValueError, match="dense tensors of fixed shape"):
        StreamSource(slices((tf.ragged.constant([[1.0], [1.0, 2.0]]), [0, 1])))


def test_a_dataset_with_random_augmentation_cannot_be_split():
    x, y = load_iris(return_X_y=True)
    generator = np.random.default_rng(0)

    def add_noise(row, label):
        noise = tf.numpy_function(lambda: generator.normal(size=4), [], "float64")
        return row + tf.ensure_shape(noise, (4,)), label

    noisy = slices((x, y)).map(add_noise)
    with pytest.raises(ValueError, match="same rows each time it is read"):
        fit(noisy)
    assert fit(noisy, validation_data=slices((x, y))).rows["train"] == 150


@pytest.mark.parametrize("kept_bytes", [0, 64 * 2**20])
def test_small_sources_are_read_once_and_kept(monkeypatch, kept_bytes):
    monkeypatch.setattr(streams, "_MAX_KEPT_BYTES", kept_bytes)
    readings = []

    def rows():
        readings.append(1)
        yield from zip(DIGITS[:300], DIGIT_LABELS[:300], strict=True)

    spec = (tf.TensorSpec((8, 8, 1), "uint8"), tf.TensorSpec((), "int64"))
    source = fit(tf.data.Dataset.from_generator(rows, output_signature=spec))
    before = len(readings)
    parts = [sorted_rows(rows_of(part(1), "image")) for part in (source.train, source.validation, source.all)]
    assert sorted(parts[0] + parts[1]) == parts[2] == sorted_rows(DIGITS[:300])
    assert before == 2  # Of the second reading, only the first rows: they must be the same.
    assert len(readings) - before == (0 if kept_bytes else 3)


@pytest.mark.parametrize("kept_bytes", [2**14, 64 * 2**20])
def test_what_is_kept_is_what_is_read(monkeypatch, kept_bytes):
    """Rows whose encoding is small, kept while they are read or, too large for that, at the second reading."""
    monkeypatch.setattr(streams, "_MAX_KEPT_BYTES", kept_bytes)
    x = np.array([f"{word} number {i} {'-' * 99}" for i in range(100) for word in ("good", "bad")])
    source = fit(slices((x, ["+", "-"] * 100, np.arange(200.0))).batch(16))
    expected = source.encoder.transform(x)["tokens"]
    read = {}
    for name, part in (("train", source.train), ("all", source.all)):
        batches = list(part(1))
        read[name] = np.concatenate([weights for *_, weights in batches]).astype(int)  # The number of the row.
        np.testing.assert_array_equal(rows_of(batches, "tokens"), expected[read[name]])
        np.testing.assert_array_equal([targets[0, 0] for _, targets, _ in batches], read[name] % 2)
    assert sorted(read["all"]) == list(range(200)) and len(set(read["train"])) == source.rows["train"]
    validation = np.setdiff1d(np.arange(200), read["train"])
    np.testing.assert_array_equal(rows_of(source.validation(16), "tokens"), expected[validation])


def endless(seconds=0.0):
    """Rows of digits without an end, with a pause after the first 300."""
    position = 0
    while True:
        if position == 300:
            time.sleep(seconds)
        yield DIGITS[position % 1797], DIGIT_LABELS[position % 1797]
        position += 1


SPEC = (tf.TensorSpec((8, 8, 1), "uint8"), tf.TensorSpec((), "int64"))


@pytest.mark.parametrize("pause", [0.0, 3.0])
@pytest.mark.parametrize(("kept_bytes", "share"), [(0, "25%"), (64 * 2**20, "50%")])
def test_a_reading_that_does_not_end_in_its_share_of_the_time_limit_is_given_up(monkeypatch, pause, kept_bytes, share):
    monkeypatch.setattr(streams, "_MAX_KEPT_BYTES", kept_bytes)
    source = StreamSource(tf.data.Dataset.from_generator(lambda: endless(pause), output_signature=SPEC))
    message = rf"`x` gave [\d,]+ rows in .* s and didn't end; is it endless\? Use `take\(n\)`.* may take {share}"
    with pytest.raises(ValueError, match=message):
        source.fit(get_encoder("image"), TargetEncoder(), time_limit=1.0)


def test_a_stream_that_ends_in_time_is_read_as_without_a_limit():
    dataset = slices((DIGITS, DIGIT_LABELS)).batch(64)
    limited = StreamSource(dataset).fit(get_encoder("image"), TargetEncoder(), time_limit=600.0)
    assert limited.rows == fit(dataset).rows
    assert sorted_rows(rows_of(limited.all(1), "image")) == sorted_rows(DIGITS)


def test_infinite_values_are_found_while_reading():
    x, y = load_iris(return_X_y=True)
    x[77, 2] = np.inf
    with pytest.raises(ValueError, match="`x` has an infinite value in row 77. Remove it or replace it with NaN."):
        fit(slices((x, y)).batch(10))


def test_rows_without_values_are_refused():
    with pytest.raises(
        ValueError, match=r"`x` must hold rows of at least one value. Received: rows of shape \(0, 8, 1\)"
    ):
        StreamSource(slices((DIGITS[:, :0], DIGIT_LABELS)))


def test_bad_pixels_are_found_while_reading():
    images = DIGITS.astype("float32")
    images[400, 1, 2, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 NaN or infinite value, the first at index \(400, 1, 2, 0\)"):
        fit(slices((images, DIGIT_LABELS)))
