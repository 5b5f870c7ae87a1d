"""The words of an error that another search is in a folder."""

import pytest

from autonas.trials.differences import differences

ROWS = {"rows": 300, "shape": [300, 4], "dtype": "float64", "hash": "50080ad2"}


@pytest.mark.parametrize(
    ("before", "now", "texts"),
    [
        ({"data": {"x": ROWS}}, {"data": {"x": ROWS}}, []),
        ({"data": {"x": ROWS}}, {"data": {"x": ROWS | {"hash": "17d3"}}}, ["`x` has other values than before"]),
        (
            {"data": {"x": ROWS}},
            {"data": {"x": ROWS | {"rows": 200, "hash": "17d3"}}},
            ["x.rows was 300 and is 200"],
        ),
        (
            {"data": {"sample_weight": None}},
            {"data": {"sample_weight": ROWS}},
            ["`sample_weight` was not given and is"],
        ),
        ({"data": {"groups": ROWS}}, {"data": {"groups": None}}, ["`groups` was given and is not"]),
        ({"data": {"labels": {"0": 50}}}, {"data": {"labels": {"0": 49}}}, ["labels.0 was 50 and is 49"]),
        ({"data": {"rows": 50}}, {"data": {"rows": 49}}, ["rows was 50 and is 49"]),
        ({"given_seed": 1}, {"given_seed": 2}, ["seed was 1 and is 2"]),
        ({"n_classes": [3]}, {"n_classes": [4]}, ["num_classes was 3 and is 4"]),
        (
            {"goal": {"objectives": [["val_loss", "min"]], "costs": {}}},
            {"goal": {"objectives": [["val_auc", "max"], ["params", "min"]], "costs": {"params": ["Params", {}]}}},
            ["objective was 'val_loss' and is 'val_auc', 'params'"],
        ),
        (
            {"space": {"depth": {"max": 3}, "units": {}, "a": {}}},
            {"space": {"depth": {"max": 4}, "width": {}, "a": {}}},
            ["of the decisions of the search space, 1 gone, such as 'units'; 1 new, such as 'width'; "
             "1 changed, such as 'depth'"],
        ),
    ],
)  # fmt: skip
def test_a_change_is_named_as_the_user_named_it(before, now, texts):
    assert differences(before, now) == texts
