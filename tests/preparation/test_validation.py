"""Validation sets by a share, folds, a splitter of scikit-learn, or columns."""

import types

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, PredefinedSplit, ShuffleSplit, TimeSeriesSplit

from autonas.preparation import validation

N = 60
TABLE = pd.DataFrame(
    {
        "patient": np.repeat(np.arange(12), 5),
        "day": pd.date_range("2024-01-01", periods=N)[np.random.default_rng(0).permutation(N)],
        "site": ["a", "b", "c"] * 20,
    }
)
Y = np.random.default_rng(1).normal(size=N)
DEFAULTS = {"validation_split": None, "validation_folds": "auto"}


def sets(argument, x=TABLE, y=Y, task="regression", groups=None):
    """The pairs of training rows and validation rows."""
    arguments = validation.resolved({**DEFAULTS, "validation": argument})
    selection = types.SimpleNamespace(split=arguments["validation_split"], folds=arguments["validation_folds"])
    plan = types.SimpleNamespace(request=types.SimpleNamespace(validation=argument), selection=selection)
    return validation.sets(plan, validation.Rows([x], y, task, groups), np.random.default_rng(0))


@pytest.mark.parametrize(
    "argument, split, folds",
    [
        (None, None, "auto"),
        (0.3, 0.3, None),
        (5, None, 5),
        ({"group_on": "patient", "share": 0.4}, 0.4, None),
        ({"time_on": "day", "folds": 3}, None, 3),
        (KFold(4), None, 4),
        (LeaveOneGroupOut(), None, 2),
        (ShuffleSplit(1, random_state=0), None, None),
    ],
)
def test_the_argument_says_the_share_and_the_folds(argument, split, folds):
    arguments = validation.resolved({**DEFAULTS, "validation": argument})
    assert (arguments["validation_split"], arguments["validation_folds"]) == (split, folds)


@pytest.mark.parametrize("folds", [None, 3])
def test_a_group_is_in_one_set(folds):
    for training, validated in sets({"group_on": "patient"} | ({"folds": folds} if folds else {})):
        assert not set(TABLE.patient[training]) & set(TABLE.patient[validated])


@pytest.mark.parametrize("columns", [{}, {"group_on": "patient"}, {"stratify_on": "site"}])
def test_folds_are_drawn_several_times(columns):
    repeated = sets({**columns, "folds": 3, "repeats": 4})
    assert len(repeated) == 12
    draws = [repeated[start : start + 3] for start in range(0, 12, 3)]
    for draw in draws:
        np.testing.assert_array_equal(np.sort(np.concatenate([validated for _, validated in draw])), np.arange(N))
    assert len({tuple(map(tuple, (validated for _, validated in draw))) for draw in draws}) > 1
    if "group_on" in columns:
        assert not any(set(TABLE.patient[training]) & set(TABLE.patient[validated]) for training, validated in repeated)


def test_a_validation_set_is_later_than_its_training_set():
    ((training, validated),) = sets({"time_on": "day", "share": 0.25})
    assert TABLE.day[training].max() < TABLE.day[validated].min() and len(validated) == 15
    folds = sets({"time_on": "day", "folds": 3})
    assert [len(training) for training, _ in folds] == [15, 30, 45] and len(folds) == 3
    for training, validated in folds:
        assert TABLE.day[training].max() < TABLE.day[validated].min()


def test_groups_stay_together_in_time():
    ((training, validated),) = sets({"group_on": "patient", "time_on": "day"})
    last = TABLE.groupby("patient").day.max()
    assert last[TABLE.patient[training]].max() < last[TABLE.patient[validated]].min()


@pytest.mark.parametrize("argument", [{"time_on": "day"}, {"folds": 3, "repeats": 1}, GroupKFold(4)])
def test_groups_may_be_one_column(argument):
    for (training, validated), expected in zip(
        sets(argument, groups=TABLE[["patient"]]), sets(argument, groups=TABLE.patient), strict=True
    ):
        assert (training.tolist(), validated.tolist()) == tuple(rows.tolist() for rows in expected)


def test_each_set_has_the_same_share_of_each_value():
    for _, validated in sets({"stratify_on": "site", "folds": 4}):
        assert TABLE.site[validated].value_counts().tolist() == [5, 5, 5]


def test_columns_of_arrays_are_named_by_their_index():
    x = TABLE[["patient"]].to_numpy()
    ((training, validated),) = sets({"group_on": 0}, x=x)
    assert not set(x[training, 0]) & set(x[validated, 0])


def test_strings_of_dates_are_times():
    written = TABLE.assign(day=TABLE.day.dt.strftime("%Y-%m-%d"))
    ((_, expected),) = sets({"time_on": "day"})
    ((_, validated),) = sets({"time_on": "day"}, x=written)
    np.testing.assert_array_equal(validated, expected)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(["05.01.2020", "01.03.2020", "02.02.2020", "04.12.2019"], id="the day first"),
        pytest.param(["13.01.2020", "01.03.2020", "02.02.2020", "04.12.2019"], id="a day after the 12th"),
        pytest.param(pd.period_range("2019-11", periods=4, freq="M")[[1, 3, 2, 0]], id="periods"),
        pytest.param(pd.Categorical(["2020-01-05", "2020-03-01", "2020-02-02", "2019-12-04"]), id="categories"),
        pytest.param([2**60 + 1, 2**60 + 3, 2**60 + 2, 2**60], id="large integers"),
        pytest.param(["2020-01-01 00:00:00.2", "2020-01-01 00:00:01", "2020-01-01 00:00:00.5", "2020-01-01"]),
    ],
)
@pytest.mark.filterwarnings("ignore:Column")
def test_times_are_read_as_the_encoder_reads_them(column):
    x = pd.DataFrame({"d": column})
    ((training, validated),) = sets({"time_on": "d", "share": 0.5}, x=x, y=np.arange(4.0))
    assert training.tolist() == [0, 3] and validated.tolist() == [1, 2]


@pytest.mark.parametrize("key", ["group_on", "time_on", "stratify_on"])
def test_a_name_of_two_columns_is_refused(key):
    with pytest.raises(ValueError, match=f"`validation` '{key}' must name one column of `x`. Received: 'd', .* 2 col"):
        sets({key: "d"}, x=TABLE.set_axis(["d", "d", "e"], axis=1))


def test_a_name_of_columns_of_two_inputs_is_refused_unless_their_values_are_the_same():
    other = TABLE.assign(patient=np.arange(len(TABLE)) % 3)
    rows = validation.Rows([TABLE, other], Y, "regression")
    with pytest.raises(ValueError, match="'group_on' must name a column of one input.*'patient', with diff"):
        rows.column("group_on", "patient")
    same = validation.Rows([TABLE, TABLE[["patient"]].copy()], Y, "regression")
    assert same.column("group_on", "patient").tolist() == TABLE["patient"].tolist()


def test_a_time_that_is_no_date_is_refused():
    x = pd.DataFrame({"d": [f"{day:02}.01.2020" for day in range(1, 31)] + ["unknown"]})
    with pytest.raises(ValueError, match="'time_on' must be a column of numbers or dates.*'d' with the value 'unknown"):
        with pytest.warns(UserWarning, match="1 other string"):
            sets({"time_on": "d"}, x=x, y=np.arange(31.0))


@pytest.mark.parametrize(
    "training, validated, message",
    [
        ([0, 1, 2], [N], f"must give indices of the {N} rows. Received: Own with the index {N}"),
        ([0, 1, 2], [2, 3], "validation rows that aren't training rows. Received: Own with 1 rows that are both"),
        ([], [3], "must give training rows and validation rows. Received: an empty set of Own"),
    ],
)
def test_a_splitter_that_gives_other_rows_is_refused(training, validated, message):
    class Own:
        def split(self, x, y=None, groups=None):
            yield np.array(training, int), np.array(validated, int)

        def get_n_splits(self, x=None, y=None, groups=None):
            return 1

    with pytest.raises(ValueError, match=message):
        sets(Own())


def test_a_splitter_gives_its_sets():
    for (training, validated), (wanted, tested) in zip(sets(KFold(3)), KFold(3).split(TABLE), strict=True):
        np.testing.assert_array_equal(training, wanted)
        np.testing.assert_array_equal(validated, tested)
    folds = sets(GroupKFold(4), groups=TABLE.patient)
    assert all(not set(TABLE.patient[training]) & set(TABLE.patient[validated]) for training, validated in folds)
    ((_, validated),) = sets(PredefinedSplit(np.where(np.arange(N) < 50, -1, 0)))
    np.testing.assert_array_equal(validated, np.arange(50, N))


@pytest.mark.parametrize(
    "argument, message",
    [
        (1, "`validation` must be a share of the rows between 0 and 1, a number of folds"),
        (1.5, "Received: validation=1.5"),
        ("time", "Received: validation='time'"),
        (KFold, "a splitter of scikit-learn such as"),
        ({"on": "day"}, "must be a dict with one of the keys 'group_on', 'time_on', 'stratify_on'.*the keys 'on'"),
        ({"share": 0.2}, "must be a dict with one of the keys"),
        ({"time_on": "day", "share": 0.2, "folds": 3}, "'share' or 'folds', not both"),
        ({"time_on": "day", "stratify_on": "site"}, "can't have 'stratify_on' beside 'time_on'"),
        ({"group_on": "person"}, "'group_on' must name a column of `x`.*patient.*Received: 'person'"),
        (
            {"group_on": "country"},
            "`validation` 'group_on' must .* at least 2 different values. Received: 'country' with 1",
        ),
        ({"group_on": "site", "folds": 4}, "at least 4 different values. Received: 'site' with 3"),
        ({"time_on": "site"}, "'time_on' must be a column of numbers or dates. Received: 'site'"),
        ({"time_on": "day", "folds": 60}, "must have more different times for 60 validation sets"),
        (GroupKFold(3), "can't split the rows: GroupKFold raised ValueError.* pass `groups` to `fit`"),
        (TimeSeriesSplit(100), "can't split the rows: TimeSeriesSplit raised ValueError"),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_reason(argument, message):
    with pytest.raises(ValueError, match=message):
        sets(argument, x=TABLE.assign(country="DE"))


def test_the_arguments_that_it_replaces_are_refused_beside_it():
    with pytest.raises(ValueError, match="`validation_folds` must be 'auto' or None beside `validation`"):
        validation.resolved({**DEFAULTS, "validation_folds": 3, "validation": 0.3})
    for argument in (0.3, 5, KFold(3), {"group_on": "patient"}):
        with pytest.raises(ValueError, match="`validation_split` must be None beside .*validation_split=0.1"):
            validation.resolved({**DEFAULTS, "validation_split": 0.1, "validation": argument})


def test_a_class_without_training_rows_is_refused():
    labels = np.where(np.arange(N) >= 55, "late", "early")
    with pytest.raises(ValueError, match="late"):
        sets(PredefinedSplit(np.where(np.arange(N) < 50, -1, 0)), y=labels, task="binary")
