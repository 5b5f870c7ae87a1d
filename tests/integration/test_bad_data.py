"""Data and calls that can't be: each is refused in one line, by `fit` before anything is written, and by `predict`."""

import pathlib

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris

import autonas
from tests.helpers.budgets import QUIET

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 1, "epochs": 1, "refit": False}
X, Y = load_iris(return_X_y=True)
PIXELS, DIGITS = load_digits(return_X_y=True)
IMAGES = PIXELS[:100].reshape(-1, 8, 8)
TEXTS = [f"text number {number} of {number % 7}" for number in range(len(Y))]
BROKEN = "half of \ud83d"


def masked(values, *index):
    masked = np.ma.masked_array(values)
    masked[index] = np.ma.masked
    return masked


def replaced(values, index, value):
    values = np.array(values, dtype=object if not isinstance(value, float) else None)
    values[index] = value
    return values


def frame(**columns):
    return pd.DataFrame({"sepals": X[:, 0], **columns})


def objects(values):
    """Return a column of Python objects: Arrow, where it is installed, has no room for broken Unicode."""
    return pd.Series(values, dtype=object)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (None, Y, "`x` must be an array, a DataFrame or a list of rows. Received: None"),
        (3, Y, "`x` must be an array, a DataFrame or a list of rows. Received: int"),
        ("rows", Y, r"not the path of files. Received: x='rows'. .* Pass a single text as `\[x\]`"),
        ({1, 2}, [0, 1], "`x` must be .* a list of rows. Received: set"),
        (IMAGES[:, :0], DIGITS[:100], r"at least one step and one channel. Received: series of shape \(0, 8\)"),
        (IMAGES[:, :0].astype("uint8"), DIGITS[:100], r"one pixel and one channel. Received: images of shape \(0, 8\)"),
        (IMAGES[:, :, :, None][..., :0], DIGITS[:100], r"one channel. Received: images of shape \(8, 8, 0\)"),
        (masked(IMAGES, 0, 3), DIGITS[:100], "`x` must have no masked values. Received: .* with 8 masked values"),
        (X, masked(Y, 3), "`y` must have no masked values. Received: a masked array with 1 masked value. Fill"),
        (replaced(X, (7, 2), 1e300), Y, "1 number beyond the range of float32, 3.4e38, .* row 7, column '2': 1e[+]300"),
        (replaced(IMAGES, (9, 0, 1), 1e39), DIGITS[:100], r"at index \(9, 0, 1\).*1e[+]39 is beyond the range of"),
        (np.full((150, 9, 2), 1e39), Y, "2700 values beyond the range of float32, 3.4e38, the first at index"),
        (X, replaced(X[:, 0], 5, -1e300), "`y` must hold numbers within the range .*: -1e[+]300. Rescale"),
        (replaced(TEXTS, 4, BROKEN), Y, r"`x` must hold valid Unicode. Received: 'half of \\ud83d', with an unpaired"),
        (frame(word=objects([*"ab" * 74, "a", BROKEN])), Y, "Column 'word' of `x` must hold valid Unicode"),
        (frame(word=Y).set_axis(objects(["sepals", BROKEN]), axis=1), Y, "A column.s name of `x` must"),
        (replaced(X.astype(object), (3, 1), BROKEN), Y, "`x` must hold valid Unicode"),
        (X, replaced(Y.astype(str), 9, BROKEN), "`y` must hold valid Unicode"),
        (frame(tags=[[1, 2], [3]] * 75), Y, "Column 'tags' of `x` must hold one value in each cell. Received: .* list"),
        (frame(tags=[(1, 2), (3,)] * 75), Y, "cells that hold a tuple. Give each of the values a column of its own"),
        (frame(tags=[{"a": 1}, {"a": 2}] * 75), Y, "cells that hold a dict"),
        (frame(tags=[np.ones(2)] * 150), Y, "cells that hold a ndarray"),
        (frame(tags=[pd.Series([1.0, 2.0])] * 150), Y, "cells that hold a Series"),
        (frame(kind=Y).set_axis([0.5, 1.5], axis=1), Y, r"named by strings or integers. .*x.columns.map\(str\)`"),
        (frame(kind=Y).set_axis([("a", 1), ("a", 2)], axis=1), Y, r"Received: \('a', 1\). Rename them, for example by"),
        (X, pd.cut(X[:, 0], 3), "Unknown label type: interval. Convert them to strings, for example by `y.astype"),
        (X, [1, "a", 2.5] * 50, r"Unknown label type: mixed-integer. Convert a mixture to strings, for example by"),
        (X, pd.DataFrame({"a": Y, "b": [*"xyz"] * 50}), "`y` with several columns must hold numbers. .* dict such"),
        (X, np.array([*"wxyz"] * 75).reshape(150, 2), "`y` must hold numbers for a regression. .* dict such"),
        (X, pd.Series(Y.astype(str)).where(Y > 0), "`y` has 50 missing, NaN or infinite values, .* Remove such rows.$"),
        (frame(survived=Y), "deck", "y='deck'. `x` has no such column; its columns are 'sepals', 'survived'"),
        (X, "deck", r"y='deck'. `x` has no columns by name; it is ndarray of shape \(150, 4\)"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_is_refused_before_anything_is_written(folder, x, y, message):
    with pytest.raises(ValueError, match=message) as error:
        autonas.AutoModel(**BUDGET).fit(x, y)
    assert "\n" not in str(error.value)
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    ("constructor", "arguments", "message"),
    [
        ({"class_weight": {0: 0, 1: 0.0, 2: 0}}, {}, "`class_weight` must give a label .* above zero. Received: zero"),
        ({"class_weight": {0: 0, 1: 0}}, {"sample_weight": Y < 2}, "`sample_weight` and `class_weight` must leave a"),
        ({}, {"sample_weight": masked(np.ones(150), 3)}, "`sample_weight` must have no masked values"),
        ({}, {"groups": masked(np.arange(150), 3)}, "`groups` must have no masked values"),
        ({}, {"groups": [("a", 1)] * 150}, "`groups` must be one label per row.*list of length 150. Join several"),
        ({}, {"validation_data": (X, masked(Y, 3))}, "`y` must have no masked values"),
    ],
)
def test_weights_and_groups_that_cannot_be_are_refused_before_anything_is_written(
    folder, constructor, arguments, message
):
    with pytest.raises(ValueError, match=message):
        autonas.AutoModel(**BUDGET, **constructor).fit(X, Y, **arguments)
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("max_trials", 3, r"`max_trials` is an argument of the constructor: AutoModel\(max_trials=3\).fit\(x, y\)$"),
        ("loss", "mse", r"AutoModel\(loss='mse'\).fit\(x, y\)"),
        ("time_limit", 60, r"AutoModel\(time_limit=60\).fit\(x, y\)"),
        ("shuffle", True, "`fit` has no argument `shuffle`. It takes x, y, .*. Rows are shuffled in each"),
        ("steps_per_epoch", 3, "no argument `steps_per_epoch`. It takes x, y, .*, epochs, batch_size, .*$"),
    ],
)  # fmt: skip
def test_arguments_of_other_libraries_get_an_error_that_says_where_they_go(folder, argument, value, message):
    with pytest.raises(TypeError, match=message):
        autonas.AutoModel(**BUDGET).fit(X, Y, **{argument: value})
    assert not any(folder.iterdir())


def test_the_forecaster_says_where_arguments_of_other_libraries_go():
    series = np.sin(np.arange(100.0))
    with pytest.raises(TypeError, match=r"TimeSeriesForecaster\(max_trials=3\)"):
        autonas.TimeSeriesForecaster().fit(series, max_trials=3)
    with pytest.raises(TypeError, match="no argument `groups`. It takes series, y, callbacks, epochs, batch_size.$"):
        autonas.TimeSeriesForecaster().fit(series, groups=series)
    with pytest.raises(ValueError, match=r"Write TimeSeriesForecaster\(target='a'\).fit\(series\)"):
        autonas.TimeSeriesForecaster().fit(pd.DataFrame({"a": series}), "a")
    with pytest.raises(ValueError, match=r"column 'day' of other values. .* the index: `series.set_index\('day'\)`"):
        autonas.TimeSeriesForecaster().fit(pd.DataFrame({"day": pd.date_range("2026", periods=100), "a": series}))
    with pytest.raises(ValueError, match="`series` has 1 NaN or infinite values, the first at index 3"):
        autonas.TimeSeriesForecaster().fit(masked(series, 3))


@pytest.mark.parametrize("x", ["photos", pathlib.Path("photos")])
def test_a_folder_of_images_is_refused_with_the_function_that_reads_it(folder, x):
    with pytest.raises(ValueError, match=r"not the path of files. .*x='photos'. .*image_dataset_from_directory\(x\)"):
        autonas.ImageClassifier().fit(x)
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            {"sepals": X, "notes": TEXTS},
            {"kind": Y, "place": ["here"] * len(Y)},
            "head 'place': `y` must hold at least",
        ),
        ({"sepals": replaced(X, 3, np.inf), "notes": TEXTS}, Y, "input 'sepals': `x` has 4 infinite values"),
        ([X, TEXTS], [Y, np.full(len(Y), "here")], "head 1: `y` must hold at least two classes"),
        ({"notes": TEXTS}, {"place": ["here"] * len(Y)}, "^`y` must hold at least two classes"),
    ],
)
def test_of_several_inputs_and_heads_the_wrong_one_is_named(folder, x, y, message):
    with pytest.raises(ValueError, match=message):
        autonas.AutoModel(**BUDGET).fit(x, y)
    assert not list(folder.iterdir())


def test_predict_names_the_wrong_one_of_several_inputs():
    model = autonas.AutoModel(**BUDGET).fit({"sepals": X, "notes": TEXTS}, Y)
    with pytest.raises(ValueError, match="input 'notes': `x` must hold strings. Received: int at index 0"):
        model.predict({"sepals": X[:3], "notes": [1, 2, 3]})


def test_predict_and_score_refuse_what_fit_refuses():
    table = frame(word=[*"abc" * 50])
    model = autonas.AutoModel(**BUDGET).fit(table, Y)
    assert model.predict(table.assign(sepals=masked(X[:, 0], 3))).shape == (150,)
    for column, value, message in [
        ("word", BROKEN, "Column 'word' of `x` must hold valid Unicode"),
        ("word", ["a"], "Column 'word' of `x` must hold one value in each cell"),
        ("sepals", 1e300, "beyond the range of float32.*column 'sepals'"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict(table.assign(**{column: objects([value] * 150)}))
    for score in (model.score, model.evaluate):
        with pytest.raises(ValueError, match="`y` must have no masked values"):
            score(table, masked(Y, 3))
        with pytest.raises(ValueError, match="`y` has 1 missing, NaN or infinite value, the first at index 3. Remove"):
            score(table, replaced(Y.astype(float), 3, np.nan))
    with pytest.raises(ValueError, match="`x` must hold at least one row. Received: DataFrame of shape"):
        model.predict(table.iloc[:0])
    with pytest.raises(ValueError, match="`x` must .* Received: None"):
        model.predict(None)


def test_classes_in_one_hot_rows_are_searched_as_labels_with_a_warning_that_says_how_to_pass_classes():
    with pytest.warns(UserWarning, match="`y` has a single 1 in every row.*pass their numbers: y.argmax") as warned:
        model = autonas.AutoModel(**BUDGET).fit(X, np.eye(3)[Y])
    assert model.task_ == "multilabel"
    assert sum("a single 1" in str(warning.message) for warning in warned) <= 2
    autonas.AutoModel(**BUDGET, task="multilabel").fit(X, np.eye(3)[Y])  # Without a warning.


def test_an_index_in_another_order_is_warned_of_as_rows_are_matched_by_position():
    table, order = frame(kind=Y), np.random.default_rng(0).permutation(len(Y))
    with pytest.warns(UserWarning, match="the same index in another order.*`y.loc"):
        autonas.AutoModel(**BUDGET).fit(table, pd.Series(Y)[order])
    other = pd.Series(Y, index=np.arange(len(Y)) + 1000)
    assert autonas.AutoModel(**BUDGET).fit(table, other).score(table, other) > 0.9


def test_a_loss_that_does_not_suit_the_target_is_refused_in_words_of_the_backend_without_its_names_of_operations():
    with pytest.raises(ValueError, match=r"`loss` can't be 'mse' for a multiclass target: [^{\[]*\[\d+\] vs. [^{]*\.$"):
        autonas.AutoModel(**BUDGET, loss="mse").fit(X, Y)


class Broken(autonas.Block):
    """A block whose `build` does as it is told."""

    def __init__(self, act, name=None):
        super().__init__(name)
        self.act = act

    def build(self, hp, inputs):
        return self.act(hp, inputs)


def exits(hp, inputs):
    raise SystemExit("bye")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda hp, inputs: None, "block 'mine', a Broken, must return a Keras tensor. Received: NoneType"),
        (lambda hp, inputs: np.ones((3, 2)), "block 'mine', .* Received: ndarray"),
        (lambda hp, inputs: [inputs], "block 'mine', .* Received: list"),
        (exits, "Block 'mine' can't be built for this data. SystemExit: bye"),
    ],
)
def test_a_block_that_builds_no_tensor_is_named_before_anything_is_written(folder, act, message):
    node = autonas.StructuredDataInput()
    model = autonas.AutoModel(node, autonas.ClassificationHead()(Broken(act, name="mine")(node)), **BUDGET)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not any(folder.iterdir())


def exits_when_it_is_wide(hp, inputs):
    width = hp.Choice("width", [4, 8], default=4)
    if type(hp).__name__ == "HyperParameters" and width == 8:
        raise SystemExit("bye")
    return inputs


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_block_that_ends_the_program_in_a_trial_fails_that_trial(executor):
    node = autonas.StructuredDataInput()
    graph = node, autonas.ClassificationHead(dropout=0.0)(Broken(exits_when_it_is_wide, name="mine")(node))
    model = autonas.AutoModel(*graph, **{**BUDGET, "max_trials": 6}, strategy="random", executor=executor).fit(X, Y)
    board = model.leaderboard()
    failed = board[board.status == "failed"]
    assert len(failed) and (board.status == "completed").any()
    assert failed["reason"].str.contains("SystemExit: bye").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x,), "must be a tuple .* Received: tuple of length 1"),
        (lambda x, y: (x, y, np.ones(len(y))), "must be a tuple .*, without weights. Received: tuple of length 3"),
        (lambda x, y: (x[:, :1], y), "must suit the rows of `fit`. X has 1 features"),
        (lambda x, y: (x, y + 1), "must suit the rows of `fit`. `y` has labels that were not seen in training: 2"),
        (lambda x, y: (x, y[:3]), "must suit the rows of `fit`. `y` must have as many rows"),
    ],
)
def test_validation_data_that_does_not_suit_the_rows_is_named(change, message):
    rows, labels = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    with pytest.raises(ValueError, match=f"`validation_data` {message}"):
        autonas.AutoModel(**QUIET).fit(rows, labels, validation_data=change(rows, labels))


def test_targets_of_other_length_are_named_by_predictions_too():
    model = autonas.AutoModel(**BUDGET).fit(X, Y)
    for method in (model.evaluate, model.score):
        with pytest.raises(ValueError, match="`y` must have as many rows as `x`. Received: 150 rows in x and 5 in y"):
            method(X, Y[:5])
        with pytest.raises(ValueError, match="Received: 150 rows in x and 5 in y"):
            method(X, sparse.csr_matrix(Y[:5, None]))
