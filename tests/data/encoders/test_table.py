import re

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from autonas.data import TableEncoder
from autonas.data.encoders import table as table_module
from autonas.data.encoders import text as text_module
from autonas.data.sparse_rows import SparseRows

IRIS = load_iris().data


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {
            "width/height": generator.normal(size=n),
            "count": pd.array([1, 2, None] * 20, dtype="Int64"),
            "paid": [True, False, None] * 20,
            "colour": ["red", "red", None, "blue", "green", "red"] * 10,
            "grade": pd.Categorical([1, 2, 2] * 20),
            "when": pd.Timestamp("2001-01-01") + pd.to_timedelta(generator.integers(0, 10**9, n), unit="s"),
            "born": [f"19{i % 100:02d}-0{i % 9 + 1}-1{i % 9}" for i in range(n)],
            "note": [f"customer {i} said hello {i % 7}" for i in range(n)],
            "constant": 0.1,
            "empty": None,
        }
    )
    frame.loc[3, ["when", "born", "note"]] = [pd.NaT, None, None]
    return frame


def test_numeric_array_is_standardised(check_encoder):
    encoder = TableEncoder().fit(IRIS, rows=np.arange(100))
    numbers = check_encoder(encoder, IRIS)["numbers"]
    np.testing.assert_allclose(numbers, StandardScaler().fit(IRIS[:100]).transform(IRIS), atol=1e-6)
    statistics = encoder.feature.statistics
    np.testing.assert_allclose(statistics["quantiles"][32], np.median(numbers[:100], axis=0), atol=1e-6)
    assert statistics["quantiles"].shape == (65, 4)
    assert not statistics["missing"].any()


def test_nan_stays_and_columns_without_values_go(check_encoder):
    table = IRIS.copy()
    table[5, 0] = np.nan
    table[:, 2] = np.nan
    encoder = TableEncoder().fit(table)
    numbers = check_encoder(encoder, table)["numbers"]
    assert numbers.shape == (150, 3)
    assert np.isnan(numbers[5, 0]) and np.isnan(numbers).sum() == 1
    assert encoder.feature.statistics["number_names"] == ["0", "1", "3"]
    assert encoder.feature.statistics["missing"].tolist() == [True, False, False]


def test_large_offsets_keep_their_precision():
    table = 1e9 + IRIS
    numbers = TableEncoder().fit(table).transform(table)["numbers"]
    np.testing.assert_allclose(numbers, StandardScaler().fit_transform(IRIS), atol=1e-5)


@pytest.mark.parametrize("as_array", [False, True])
def test_numbers_that_float32_rounds_keep_their_deviations_in_a_model_from_a_file(tmp_path, as_array):
    table = pd.DataFrame({"second": 1.6e9 + np.arange(5000.0), "x": np.arange(5000.0)})
    table = table.to_numpy() if as_array else table
    encoder = TableEncoder().fit(table)
    encoder.keras_model().save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    raw = encoder.raw_arrays(table)
    assert as_array or [raw[name].dtype for name in raw] == ["float64", "float32"]
    tensors = keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array, str(array.dtype)), raw)
    np.testing.assert_allclose(model(tensors)["numbers"], encoder.transform(table)["numbers"], atol=1e-6)


@pytest.mark.parametrize("float64", [True, False])
def test_tiny_and_huge_columns_are_standardised_in_the_exported_model(float64):
    scales = np.array([1e-34, 1e-23, 1e-10, 1.0, 1e21, 1e37])
    table = (np.random.default_rng(0).normal(size=(60, 6)) + 1) * scales
    encoder = TableEncoder().fit(table)
    model = encoder.keras_model(float64=float64)
    numbers = model.predict(encoder.raw_inputs(table), verbose=0)["numbers"]
    np.testing.assert_allclose(numbers, encoder.transform(table)["numbers"], atol=1e-4)


def test_columns_of_ordinary_scales_need_no_rescaling_in_the_exported_model():
    model = TableEncoder().fit(IRIS).keras_model()
    assert not any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)


def test_frame_of_everything(check_encoder, frame):
    encoder = TableEncoder().fit(frame)
    tensors = check_encoder(encoder, frame)
    statistics = encoder.feature.statistics
    assert list(tensors) == ["numbers", "categories", "strings", "tokens_0", "ngrams_0"]
    parts = ["days", "year", "month", "day", "weekday", "hour", "minute"]
    assert statistics["number_names"] == [
        "width/height", "count", "paid",
        *(f"when ({part})" for part in parts), *(f"born ({part})" for part in parts[:5]), "constant",
    ]  # fmt: skip
    assert statistics["category_names"] == ["colour", "grade"]
    assert statistics["cardinalities"] == [5, 3]  # unknown, and of the colours: red, missing, blue, green
    assert statistics["text_names"] == ["note"]
    assert statistics["missing"][:4].tolist() == [False, True, True, True]
    np.testing.assert_allclose(tensors["numbers"][:, -1], 0, atol=1e-9)
    names = statistics["number_names"]
    year = tensors["numbers"].astype("float64") * encoder.standardisation_.deviation + encoder.standardisation_.mean
    np.testing.assert_allclose(year[:, names.index("when (year)")], frame["when"].dt.year, atol=1e-3)


def test_codes_are_by_frequency_and_unseen_ones_are_unknown():
    colours = pd.DataFrame({"colour": ["b", "b", "b", "a", "a", None]})
    encoder = TableEncoder().fit(colours)
    assert encoder.transform(colours)["categories"].ravel().tolist() == [1, 1, 1, 2, 2, 3]
    assert encoder.transform(pd.DataFrame({"colour": ["a", "z"]}))["categories"].ravel().tolist() == [2, 0]


@pytest.mark.parametrize("words", [["[UNK]", "[UNK]", "b"], ["b", "b", "[UNK]"], ["[[UNK]]", "[UNK]", "[UNK]"]])
def test_a_category_that_is_called_as_keras_calls_unknown_ones(check_encoder, words):
    frame = pd.DataFrame({"word": words})
    encoder = TableEncoder().fit(frame)
    assert check_encoder(encoder, frame)["categories"].min() == 1
    check_encoder(encoder, pd.DataFrame({"word": ["c", "[[[UNK]]]", "[UNK]"]}))


@pytest.mark.parametrize(("n_often", "cardinality"), [(30, 2), (59, 2), (60, 62)])
def test_categories_of_a_single_row_are_unknown_if_most_rows_have_one(n_often, cardinality):
    values = [f"id{i}" for i in range(60)] + ["often"] * n_often
    encoder = TableEncoder().fit(pd.DataFrame({"key": values, "x": range(60 + n_often)}))
    assert encoder.feature.statistics["cardinalities"] == [cardinality]


def test_categories_of_other_rows_have_the_last_codes():
    colours = pd.DataFrame({"colour": ["b", "b", "c", "z", "a", "b"]})
    encoder = TableEncoder().fit(colours, rows=np.arange(3))
    assert encoder.transform(colours)["categories"].ravel().tolist() == [1, 1, 2, 4, 3, 1]
    identifiers = pd.DataFrame({"key": [*(f"id{i}" for i in range(60)), "often", "often", "id60"]})
    assert TableEncoder().fit(identifiers, rows=np.arange(62)).feature.statistics["cardinalities"] == [2]


def test_a_column_has_at_most_10000_codes():
    many = [f"id{i % 20_000}" for i in range(60_000)]
    assert TableEncoder().fit(pd.DataFrame({"key": many})).feature.statistics["cardinalities"] == [10_000]


def test_kinds_are_inferred_from_training_rows(frame):
    frame["late"] = [None] * 50 + ["only", "validation"] * 5
    encoder = TableEncoder().fit(frame, rows=np.arange(50))
    assert "late" not in encoder.feature.statistics["category_names"]
    assert encoder.transform(frame)["categories"].shape == (60, 2)


def test_many_other_strings_outside_of_the_training_rows_make_a_category():
    table = pd.DataFrame({"x": [*map(str, [1, 2] * 10), "many", "few"]})
    encoder = TableEncoder().fit(table, rows=np.arange(20))
    assert encoder.transform(table)["categories"].ravel()[-4:].tolist() == [1, 2, 4, 3]


@pytest.mark.parametrize("as_array", [False, True])
def test_a_few_strings_among_numbers_are_missing_values(check_encoder, as_array):
    table = pd.DataFrame({0: np.arange(40.0).astype(str), 1: np.arange(40.0)})
    table.loc[[3, 4, 5], 0] = ["?", "NA", "inf"]
    table = table.to_numpy(dtype=object) if as_array else table
    with pytest.warns(UserWarning, match=r"Column 0 of `x` holds numbers, .* in 3 rows, such as '\?', 'NA', 'inf'"):
        encoder = TableEncoder().fit(table)
    numbers = check_encoder(encoder, table)["numbers"]
    assert np.flatnonzero(np.isnan(numbers[:, 0])).tolist() == [3, 4, 5] and numbers.shape == (40, 2)
    later = encoder.transform(pd.DataFrame([["new", 1.0], ["5", 2.0]]))["numbers"]
    assert np.isnan(later[0, 0]) and later[1, 0] == encoder.transform(pd.DataFrame([[5.0, 2.0]]))["numbers"][0, 0]
    with pytest.raises(ValueError, match="Column 0 of `x` must hold numbers as in fit. Received: 'many'"):
        encoder.transform(pd.DataFrame([["many", 1.0]] * 10))


def test_spelled_numbers_are_read_as_the_numbers_themselves(check_encoder):
    prices = np.arange(40.0) * 100 + 0.5
    table = pd.DataFrame({"price": [f"${price:,.2f}" for price in prices]})
    encoder = TableEncoder().fit(table)
    numbers = check_encoder(encoder, table)["numbers"]
    np.testing.assert_array_equal(numbers, encoder.transform(pd.DataFrame({"price": prices}))["numbers"])
    with pytest.raises(ValueError, match=r"as in fit, spelled as '\$1,234.5'. Received: '5 dollars'"):
        encoder.transform(pd.DataFrame({"price": ["5 dollars"]}))


def test_columns_that_are_not_read_are_named_in_a_warning():
    table = pd.DataFrame({"id": [f"id{i}" for i in range(60)], "size": [f"size{i}" for i in range(60)], "x": range(60)})
    with pytest.warns(UserWarning, match="aren't read, since no value occurs twice in the training set: 'id', 'size'"):
        TableEncoder().fit(table)


def test_categories_of_several_words_are_also_texts(check_encoder):
    generator = np.random.default_rng(0)
    genres = ["drama", "comedy", "horror", "action", "crime", "romance", "music", "war", "family", "fantasy"]
    lists = [", ".join(sorted(generator.choice(genres, 1 + number % 4, replace=False))) for number in range(4000)]
    table = pd.DataFrame({"genres": lists, "number": range(4000)})
    encoder = TableEncoder().fit(table)
    assert encoder.kinds_[0] == "category"
    assert set(check_encoder(encoder, table[:50])) == {"numbers", "categories", "strings", "tokens_0", "ngrams_0"}
    assert encoder.feature.statistics["text_names"] == ["genres"]
    first = table.assign(genres=[text.split(",")[0] for text in lists])
    assert "tokens_0" not in TableEncoder().fit(first).transform(first)


def test_texts_without_spaces_are_texts(check_encoder):
    generator = np.random.default_rng(0)
    texts = ["".join(generator.choice(list("这个东西我买了三天商品店家客服收到打开使用"), 12)) for _ in range(60)]
    frame = pd.DataFrame({"review": texts, "name": ["王小明", "李雷"] * 30, "number": range(60)})
    encoder = TableEncoder().fit(frame)
    assert encoder.kinds_ == ["text", "category", "number"]
    assert {"tokens_0", "ngrams_0"} <= set(check_encoder(encoder, frame))


def test_columns_of_punctuation_are_no_texts(check_encoder):
    generator = np.random.default_rng(0)
    marks = [" ".join(generator.choice(list("+-*/"), 5)) for _ in range(300)]
    frame = pd.DataFrame({"marks": marks, "flags": [text[:3] for text in marks], "number": range(300)})
    with pytest.warns(UserWarning, match="aren't read, since no value occurs twice in the training set: 'marks'"):
        encoder = TableEncoder().fit(frame.assign(marks=[f"{text} {'+' * n}" for n, text in enumerate(marks)]))
    assert encoder.kinds_ == [None, "category", "number"]
    assert TableEncoder().fit(frame).kinds_[0] == "category"
    check_encoder(TableEncoder().fit(frame), frame)


def test_long_texts_are_named_by_their_column(monkeypatch):
    monkeypatch.setattr(text_module, "_MAX_TOKENS", 1000)
    frame = pd.DataFrame({"review": [f"text {number} " + "good " * 600 for number in range(60)], "number": range(60)})
    with pytest.warns(
        UserWarning, match=r"100% of the texts of column 'review' have more than 512 words.* of a text.$"
    ):
        TableEncoder().fit(frame)


def test_of_many_rows_only_ngrams_that_fit_into_memory_are_used(check_encoder, monkeypatch):
    words = ["good", "bad", "cheap", "dear", "new", "old", "small", "large"]
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(words, 7)) + f" number{number}" for number in range(60)]
    frame = pd.DataFrame({"text": texts, "note": texts[::-1]})
    assert sum(TableEncoder().fit(frame).feature.statistics["ngram_columns"][1]) > 200
    assert isinstance(TableEncoder().fit(frame).compact(frame)["ngrams_0"], SparseRows)
    # Of each of two columns of 60 rows: 8 words, 7 pairs, the first word and the first pair.
    for most, n_columns in ((60 * 2 * 17, 17), (60 * 2 * 15, 15), (60 * 2 * 9, 9), (1, 8)):
        monkeypatch.setattr(table_module, "_MAX_NGRAMS", most)
        encoder = TableEncoder().fit(frame)
        tensors = check_encoder(encoder, frame)
        assert tensors["ngrams_0"].shape[1] == n_columns
        assert encoder.feature.statistics["ngram_columns"] == [[n_columns], [n_columns]]
    monkeypatch.undo()
    n_characters = frame.map(len).to_numpy().sum()
    frame = pd.concat([frame, pd.DataFrame({"text": pd.array([None], "string"), "note": [None]})], ignore_index=True)
    for rate, has_characters, has_vectors in ((1.6, True, True), (1.4, False, True), (0.2, False, False)):
        encoder = TableEncoder(seconds=1e-6 * rate * n_characters).fit(frame)
        assert ("strings" in check_encoder(encoder, frame)) == has_vectors
        assert len(encoder.feature.statistics["ngram_columns"][0]) == 1 + has_characters
    feature = TableEncoder(has_ngrams=False).fit(frame).feature
    assert not any(name.startswith("ngrams") for name in feature.tensors)
    assert feature.statistics["ngram_columns"] == [None, None]


def test_numbers_with_a_unit_are_numbers():
    table = pd.DataFrame({"size": [f"{number}.5 kg" for number in range(60)]})
    encoder = TableEncoder().fit(table)
    assert encoder.kinds_ == ["number"] and encoder.raw_arrays(table)["size"].dtype == "float32"
    again = TableEncoder.from_config(encoder.get_config())
    np.testing.assert_array_equal(again.raw_arrays(table)["size"], np.arange(60) + 0.5)
    with pytest.raises(ValueError, match="Column 'size' of `x` must hold numbers as in fit, spelled as '1234.5 kg'"):
        again.transform(pd.DataFrame({"size": ["5 lb"]}))


def test_numbers_as_strings():
    table = pd.DataFrame({"x": ["1", "2.5", None, "4"]})
    encoder = TableEncoder().fit(table)
    np.testing.assert_allclose(encoder.standardisation_.mean, [2.5])
    with pytest.raises(ValueError, match="Column 'x' of `x` must hold numbers as in fit. Received: 'many'"):
        encoder.transform(pd.DataFrame({"x": ["many"]}))


@pytest.mark.parametrize(
    "identifiers",
    [2**60 + np.arange(20), np.array([2**70 + i for i in range(20)], dtype=object), np.arange(20, dtype="u8") + 2**63],
)
def test_integers_that_floats_confuse_are_warned_of(identifiers):
    with pytest.warns(UserWarning, match="Column 'id' of `x` holds integers beyond 2..53, .* 20 different .* become 1"):
        TableEncoder().fit(pd.DataFrame({"id": identifiers}))
    with pytest.warns(UserWarning, match="Column 0 of `x` holds integers beyond"):
        TableEncoder().fit(identifiers[:, None])
    table = pd.DataFrame({"id": identifiers.astype(str).repeat(2)})
    assert TableEncoder().fit(table).feature.statistics["cardinalities"] == [21]


def test_large_integers_that_floats_tell_apart_are_numbers():
    table = pd.DataFrame({"nanoseconds": 10**18 + 10**9 * np.arange(20)})
    numbers = TableEncoder().fit(table).transform(table)["numbers"]
    np.testing.assert_allclose(numbers, StandardScaler().fit_transform(np.arange(20.0)[:, None]), atol=1e-5)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([complex(i, 1) for i in range(20)], "Complex data not supported. Column 'a'"),
        ([[1, [2]], [3, [4, 5]]] * 10, "Column 'a' of `x` must hold one value in each cell"),
        ([1e39] * 20, "20 numbers beyond the range of float32, 3.4e38, the first in row 0, column 'a': 1e[+]39"),
    ],
)
def test_columns_that_cannot_be_read_are_named(column, message):
    encoder = TableEncoder().fit(pd.DataFrame({"a": np.arange(20)}))
    for read in (TableEncoder().fit, encoder.transform):
        with pytest.raises(ValueError, match=message):
            read(pd.DataFrame({"a": column}))


def test_a_column_of_dates_may_be_read_as_nan_or_categories_later():
    table = pd.DataFrame({"a": pd.date_range("2020-01-01", periods=20)})
    encoder = TableEncoder().fit(table)
    assert np.isnan(encoder.transform(pd.DataFrame({"a": [np.nan, np.nan]}))["numbers"]).all()
    numbers = encoder.transform(table.astype(str).astype("category"))["numbers"]
    np.testing.assert_array_equal(numbers, encoder.transform(table)["numbers"])


def test_nested_lists_of_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="one value in each cell. Received: rows whose cells hold lists"):
        TableEncoder().fit([[1, [2]], [3, [4, 5]]])
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.asmatrix(IRIS)
    mean, expected = (TableEncoder().fit(rows).standardisation_.mean for rows in (matrix, IRIS))
    np.testing.assert_array_equal(mean, expected)


def test_columns_may_be_reordered_but_not_renamed(frame):
    encoder = TableEncoder().fit(frame)
    reordered = encoder.transform(frame[frame.columns[::-1]])
    np.testing.assert_array_equal(reordered["numbers"], encoder.transform(frame)["numbers"])
    with pytest.raises(ValueError, match="columns missing: 'count', 'paid'.$"):
        encoder.transform(frame.drop(columns=["count", "paid"]))
    with pytest.raises(ValueError, match="columns unseen in fit: 'more'.$"):
        encoder.transform(frame.assign(more=1))


def test_names_that_are_integers_are_names():
    table = pd.DataFrame(IRIS[:, :3])
    encoder = TableEncoder().fit(table)
    shifted = table.set_axis([1, 2, 3], axis=1)
    with pytest.raises(ValueError, match="columns missing: 0; unseen in fit: 3.$"):
        encoder.transform(shifted)
    with pytest.raises(ValueError, match="columns missing: 3; unseen in fit: 0.$"):
        TableEncoder().fit(shifted).transform(table)
    expected = encoder.transform(table)["numbers"]
    for fitted, other in [
        (table, table.to_numpy()),
        (table.to_numpy(), shifted),
        (shifted, table.to_numpy().tolist()),
        (table, table.set_axis(list("abc"), axis=1)),
        (table.set_axis(list("abc"), axis=1), table),
    ]:
        np.testing.assert_array_equal(TableEncoder().fit(fitted).transform(other)["numbers"], expected)


def test_another_number_of_features_is_refused_in_scikit_learns_words():
    encoder = TableEncoder().fit(IRIS)
    with pytest.raises(ValueError, match="X has 3 features, but AutoModel is expecting 4 features as input"):
        encoder.transform(IRIS[:, :3], owner="AutoModel")
    with pytest.raises(ValueError, match="Reshape your data"):
        encoder.transform(IRIS[0])
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required"):
        TableEncoder().fit(np.empty((12, 0)))
    with pytest.raises(ValueError, match="Complex data not supported"):
        TableEncoder().fit(IRIS + 1j)


def test_a_frame_is_read_by_position_after_a_fit_on_an_array():
    encoder = TableEncoder().fit(IRIS)
    numbers = encoder.transform(pd.DataFrame(IRIS, columns=["a", "b", "a", "b"]))["numbers"]
    np.testing.assert_array_equal(numbers, encoder.transform(IRIS)["numbers"])


@pytest.mark.parametrize("fitted", [IRIS, pd.DataFrame(IRIS), pd.DataFrame(IRIS, columns=list("abcd"))])
@pytest.mark.parametrize("empty", [pd.DataFrame(index=range(3)), np.empty((3, 0)), np.empty((3, 0), object)])
def test_a_table_without_columns_is_refused(fitted, empty):
    with pytest.raises(ValueError, match="X has 0 features, but .* 4 features|columns missing: 'a', 'b', 'c', 'd'"):
        TableEncoder().fit(fitted).transform(empty)
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(3, 0\)\)"):
        TableEncoder().fit(empty)


def test_infinity_is_refused_with_row_and_column(frame):
    frame.loc[[7, 9], "width/height"] = np.inf
    with pytest.raises(ValueError, match="2 infinite values, the first in row 7, column 'width/height'"):
        TableEncoder().fit(frame)
    table = IRIS.copy()
    table[140, 2] = np.inf
    with pytest.raises(ValueError, match="1 infinite value, the first in row 140, column '2'"):
        TableEncoder().fit(table, rows=np.arange(100))


def test_lists_sparse_matrices_and_objects_are_tables(check_encoder):
    expected = TableEncoder().fit(IRIS).transform(IRIS)["numbers"]
    for table in (IRIS.tolist(), sparse.csr_matrix(IRIS), IRIS.astype(object), pd.DataFrame(IRIS)):
        np.testing.assert_allclose(TableEncoder().fit(table).transform(table)["numbers"], expected, atol=1e-6)
    mixed = [["a", 1.5, None], ["b", 2, "x"]] * 5
    assert check_encoder(TableEncoder().fit(mixed), mixed)["categories"].shape == (10, 2)


def test_a_huge_sparse_matrix_is_refused():
    with pytest.raises(ValueError, match="sparse matrix that takes 7629 MB when dense"):
        TableEncoder().fit(sparse.csr_matrix((100_000, 10_000)))


def test_a_table_that_tells_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one informative column"):
        TableEncoder().fit(pd.DataFrame({"empty": [None] * 5, "also": [np.nan] * 5}))


def test_columns_named_by_booleans_are_saved(check_encoder):
    frame = pd.get_dummies(pd.Series([True, False, True, False]))
    encoder = TableEncoder().fit(frame)
    assert check_encoder(encoder, frame)["numbers"].shape == (4, 2)
    assert encoder.columns_ == ["False", "True"]
    reversed_columns = encoder.transform(frame.iloc[:, ::-1])["numbers"]
    np.testing.assert_array_equal(reversed_columns, encoder.transform(frame)["numbers"])


def test_column_names_must_be_unique_strings_or_integers():
    with pytest.raises(ValueError, match="'a' more than once"):
        TableEncoder().fit(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(ValueError, match="strings or integers. Received: 1.5"):
        TableEncoder().fit(pd.DataFrame([[1, 2]], columns=["a", 1.5]))


def test_input_names_are_unique_and_have_no_slash():
    table = pd.DataFrame({"a/b": [1.0, 2], "a_b": [2.0, 1]})
    encoder = TableEncoder().fit(table)
    assert encoder.input_names == {"a/b": "a_b", "a_b": "a_b_"}
    assert set(encoder.raw_inputs(table)) == {"a_b", "a_b_"}


@pytest.mark.parametrize(("n_rows", "has_vectors"), [(120 * 19, True), (120 * 20, False)])
def test_strings_have_vectors_only_where_categories_are_rare(n_rows, has_vectors):
    frame = pd.DataFrame({"plane": [f"plane {number % 120}" for number in range(n_rows)], "n": range(n_rows)})
    assert ("strings" in TableEncoder().fit(frame).transform(frame)) == has_vectors


@pytest.mark.parametrize(("value", "count"), [(1e6, 5), (-1e12, 5), (9.96921e36, 60), (3.4e38, 1)])
@pytest.mark.parametrize("bulk", ["measured", "small", "flags", "counts"])
def test_outliers_leave_the_other_numbers_their_resolution(check_encoder, bulk, value, count):
    generator = np.random.default_rng(0)
    measured = generator.normal(10, 3, 300)
    column = {
        "measured": measured,
        "small": measured * 1e-5,
        "flags": measured > 10,
        "counts": generator.poisson(0.2, 300),
    }[bulk].astype("float64")
    column[:count], column[-3:] = value, np.nan
    table = np.column_stack([column, measured])
    with pytest.warns(UserWarning, match=re.escape(f"'0' ({count} number{'s' * (count > 1)}, such as {value:g})")):
        encoder = TableEncoder().fit(table)
    numbers = check_encoder(encoder, table)["numbers"]
    exported = encoder.keras_model(float64=False).predict(encoder.raw_inputs(table), verbose=0)["numbers"]
    np.testing.assert_allclose(exported, numbers, atol=2e-5)
    ordinary, outliers = numbers[count:-3, 0], numbers[:count, 0]
    assert np.isnan(numbers[-3:, 0]).all() and ordinary.std() > 0.03
    line = np.polynomial.Polynomial.fit(column[count:-3], ordinary, 1)
    np.testing.assert_allclose(ordinary, line(column[count:-3]), atol=1e-5)
    assert (np.sign(value) * (outliers[:, None] - ordinary) > 1).all()
    np.testing.assert_array_equal(numbers[:, 1:], TableEncoder().fit(table[:, 1:]).transform(table[:, 1:])["numbers"])


@pytest.mark.filterwarnings("error")
def test_columns_without_outliers_beyond_float32_are_only_standardised():
    generator, n = np.random.default_rng(0), 1000
    table = np.column_stack([
        generator.lognormal(0, 3, n),
        np.where(generator.random(n) < 0.05, np.round(generator.lognormal(8, 2, n)), 0),
        np.where(generator.random(n) < 0.1, 1e6, 0),
        np.sin(np.arange(n) * np.pi / 2),  # -1, 1, and zeros with rounding errors.
        np.where(np.arange(n) < 500, generator.normal(size=n), generator.normal(1e9, 1e8, n)),
        1e9 + generator.normal(size=n),
        np.full(n, 0.1),
    ])  # fmt: skip
    encoder = TableEncoder().fit(table)
    assert "bulk" not in encoder.get_config()["state"]
    expected = (table - table.mean(axis=0)) / np.where(np.arange(7) < 6, table.std(axis=0), 1)
    np.testing.assert_allclose(encoder.transform(table)["numbers"], expected, atol=1e-5)
