import datetime

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from autonas.data import interchange
from autonas.data.fit_data import FitData

COLUMNS = {
    "count": [1, None, 3],
    "word": ["a", None, "c"],
    "day": [datetime.date(2026, 1, 31)] * 3,
    "flag": [True, None, False],
}


def polars_frame():
    pytest.importorskip("pyarrow")
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def arrow_table():
    return pytest.importorskip("pyarrow").table(COLUMNS)


def narwhals_frame():
    return pytest.importorskip("narwhals").from_native(arrow_table())


@pytest.mark.parametrize("make", [polars_frame, arrow_table, narwhals_frame])
def test_a_frame_of_another_library_becomes_a_frame_of_pandas_with_its_missing_values(make):
    frame = interchange.converted(make())
    assert list(frame) == list(COLUMNS)
    assert frame["count"].isna().tolist() == frame["word"].isna().tolist() == [False, True, False]
    assert frame["word"].iloc[2] == "c"
    assert pd.to_datetime(frame["day"]).dt.day.tolist() == [31, 31, 31]


def test_a_column_becomes_a_series_and_several_inputs_are_converted_one_by_one():
    table = arrow_table()
    assert interchange.converted(table["word"]).tolist()[0] == "a"
    by_name = interchange.converted({"first": table, "second": np.zeros(3)})
    assert isinstance(by_name["first"], pd.DataFrame) and isinstance(by_name["second"], np.ndarray)
    assert isinstance(interchange.converted([np.zeros(3), table])[1], pd.DataFrame)


@pytest.mark.parametrize("data", [None, "text", ["a", "b"], np.zeros(3), pd.DataFrame({"a": [1]}), pd.Series([1])])
def test_other_objects_are_returned_unchanged(data):
    assert interchange.converted(data) is data


@pytest.mark.parametrize(
    "make",
    [
        lambda: zip([[0.0]], [1]),
        lambda: (row for row in [[0.0], [1.0]]),
        lambda: map(list, [[0.0]]),
        lambda: iter(tf.data.Dataset.from_tensor_slices(([[0.0]], [1]))),
    ],
)
def test_iterators_are_refused_with_and_without_targets(make):
    for y in (None, [1], "y"):
        with pytest.raises(ValueError, match="`x` .* iterators and .*PyDataset.*tf.data.Dataset.from_generator"):
            FitData.of(make(), y)
    for validation_data in (make(), (make(), [1])):
        with pytest.raises(ValueError, match="`validation_data` .* iterators and generators can't. Received: "):
            FitData.of([[0.0]], [1], validation_data=validation_data)


@pytest.mark.parametrize(
    "data",
    [
        np.array([1, 2], ">i4"),
        np.array(["ä", "b"], ">U1"),
        np.ma.masked_array([1.5, 2.5], [True, False], ">f8"),
        pd.Series(np.array([1, 2], ">i4"), index=[5, 3], name="y"),
        pd.DataFrame({"a": np.array([1.5, 2.5], ">f8"), "b": ["x", "y"]}, index=[5, 3]),
        pd.DataFrame(np.array([[1, 2]], ">i8"), columns=["a", "a"]),
    ],
)
def test_the_byte_order_becomes_that_of_this_computer(data):
    for native in (interchange.converted(data), interchange.converted([data, "other"])[0]):
        assert type(native) is type(data)
        dtypes = native.dtypes if isinstance(data, pd.DataFrame) else [native.dtype]
        assert all(dtype.isnative for dtype in dtypes if isinstance(dtype, np.dtype))
        if isinstance(data, np.ndarray):
            np.testing.assert_array_equal(native, data)
        else:
            assert native.index.equals(data.index) and (native.to_numpy() == data.to_numpy()).all()


def test_a_ragged_tensor_becomes_a_list_of_arrays():
    rows = interchange.converted(tf.ragged.constant([[1.0, 2.0], [3.0]]))
    assert [row.tolist() for row in rows] == [[1, 2], [3]]


def test_pictures_of_pillow_become_arrays():
    picture = pytest.importorskip("PIL.Image").fromarray(np.eye(3, dtype="uint8"))
    assert [pixels.tolist() for pixels in interchange.converted([picture, picture])] == [np.eye(3).tolist()] * 2


def test_a_tensor_becomes_an_array():
    tensor = tf.constant([[1.0, 2.0]])
    assert isinstance(interchange.converted(tensor), np.ndarray)
    assert [type(value) for value in interchange.converted([tensor, np.ones(2)])] == [np.ndarray, np.ndarray]
    rows, targets = interchange.rows_and_targets({"a": tensor}, tensor)
    assert type(rows["a"]) is type(targets) is np.ndarray


@pytest.mark.parametrize("make", [lambda: pd.DataFrame(COLUMNS), arrow_table])
def test_a_string_names_the_column_of_the_targets(make):
    x, y = interchange.rows_and_targets(make(), "word")
    assert list(x) == ["count", "day", "flag"] and y.tolist()[::2] == ["a", "c"]
    x, y = interchange.labelled_rows(make(), "word")
    assert list(x) == ["count", "day", "flag"] and y.tolist()[::2] == ["a", "c"]
    x, y = interchange.labelled_rows((make(), "word"), "word")
    assert list(x) == ["count", "day", "flag"] and y.tolist()[::2] == ["a", "c"]


def test_a_string_that_names_two_columns_is_refused():
    frame = pd.DataFrame([[1, 2, 3]], columns=["y", "x", "y"])
    with pytest.raises(ValueError, match="`y` must name one column of `x`. Received: y='y', the name of 2 columns"):
        interchange.rows_and_targets(frame, "y")


def test_a_list_of_names_of_columns_is_refused_with_targets_that_are_accepted():
    frame = pd.DataFrame({"a": range(6), "k": range(6), "p": list("uvuvuv")})
    with pytest.raises(
        ValueError, match=r"`y` must .* one column of `x`.*'k', 'p'.*\{name: x\[name\] for name in names\}"
    ):
        interchange.rows_and_targets(frame, ["k", "p"])
    with pytest.raises(ValueError, match="Pass y='k'"):
        interchange.rows_and_targets(frame, ["k"])
    names = ["a", "k"] * 3  # Labels that are names of columns, too.
    assert interchange.rows_and_targets(frame, names)[1] is names


def test_a_string_that_names_no_column_is_refused_with_the_columns_that_exist():
    with pytest.raises(ValueError, match="y='height'. `x` has no such column; its columns are 'count', 'word', "):
        interchange.rows_and_targets(pd.DataFrame(COLUMNS), "height")


class Batches(keras.utils.PyDataset):
    """Three batches of two rows each."""

    def __init__(self, make=lambda index: (np.full((2, 3), index, "float32"), np.full(2, index)), n_batches=3):
        super().__init__()
        self.make, self.n_batches, self.n_passes = make, n_batches, 0

    @property
    def num_batches(self):
        return self.n_batches

    def __getitem__(self, index):
        return self.make(index)

    def on_epoch_end(self):
        self.n_passes += 1


def test_the_batches_of_a_py_dataset_are_read_in_every_pass():
    batches = Batches()
    dataset = interchange.converted(batches)
    for n_passes in (1, 2):
        assert [x[0, 0] for x, _ in dataset.as_numpy_iterator()] == [0, 1, 2]
        assert batches.n_passes == n_passes
    assert dataset.element_spec[0].shape.as_list() == [None, 3]


def test_strings_dicts_and_weights_travel():
    batches = Batches(lambda index: ({"a": ["x", "yy"], "b": [index, 1]}, np.array(["no", "yes"]), np.ones(2)))
    x, y, weight = next(iter(interchange.converted(batches).as_numpy_iterator()))
    assert x["a"].tolist() == [b"x", b"yy"] and x["b"].tolist() == [0, 1]
    assert y.tolist() == [b"no", b"yes"] and weight.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (Batches(n_batches=None), "`x` must be finite. Received: a Batches without an end"),
        (Batches(n_batches=0), "`x` must hold at least one row. Received: an empty Batches"),
        (Batches(lambda index: (np.array([{}, {}]), np.zeros(2))), "numbers or strings. Received: Batches of other"),
    ],
)
def test_a_loader_that_cannot_be_read_is_refused(batches, message):
    with pytest.raises(ValueError, match=message):
        interchange.converted(batches)


def test_a_loader_of_pytorch_is_read_like_a_dataset():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    rows = data.TensorDataset(torch.arange(15.0).reshape(5, 3), torch.arange(5))
    read = list(interchange.converted(data.DataLoader(rows, batch_size=2)).as_numpy_iterator())
    assert [len(x) for x, _ in read] == [2, 2, 1]
    assert np.concatenate([y for _, y in read]).tolist() == [0, 1, 2, 3, 4]


def test_a_dataset_of_pytorch_is_refused_as_it_has_no_batches():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"batches. Received: TensorDataset, a Dataset of PyTorch. Pass torch.utils"):
        interchange.converted(data.TensorDataset(torch.zeros(3)))


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_data_set_of_grain_is_read_like_a_dataset_in_batches_or_rows(batch_size):
    grain = pytest.importorskip("grain")
    rows = grain.MapDataset.source([(np.full(3, index, "float32"), index) for index in range(5)])
    rows = rows if batch_size is None else rows.batch(batch_size)
    for data in (rows, rows.to_iter_dataset()):
        read = interchange.converted(data)
        assert np.concatenate([np.atleast_1d(y) for _, y in read.as_numpy_iterator()]).tolist() == [0, 1, 2, 3, 4]
        assert read.element_spec[0].shape.as_list() == ([3] if batch_size is None else [None, 3])
    with pytest.raises(ValueError, match="`x` must be finite"):
        interchange.converted(rows.repeat())
