"""Ranges: what an argument may be instead of one value."""

import json

import keras
import keras_tuner
import numpy as np
import pytest

import autonas
from autonas.search_space import ranges

EXAMPLES = [
    ranges.Choice([16, 32, 64], default=32),
    ranges.Choice(["a", "b"]),
    ranges.Int(1, 9, step=2, default=3),
    ranges.Int(8, 128, step=2, sampling="log"),
    ranges.Float(1e-4, 1e-2, sampling="log"),
    ranges.Boolean(default=True),
]
DEFAULTS = [32, "a", 3, 8, 1e-4, True]


@pytest.mark.parametrize(("example", "default"), list(zip(EXAMPLES, DEFAULTS, strict=True)), ids=repr)
def test_a_range_is_declared_under_the_name_of_the_argument_and_gives_its_default(example, default):
    hp = keras_tuner.HyperParameters()
    assert ranges.suggest(hp, "width", example) == default
    assert [each.name for each in hp.space] == ["width"]


def test_a_range_gives_the_value_of_the_trial():
    hp = keras_tuner.HyperParameters()
    hp.values["width"] = 64
    assert ranges.suggest(hp, "width", ranges.Choice([16, 32, 64])) == 64


@pytest.mark.parametrize(
    "example",
    [
        ranges.Choice(np.arange(16, 64, 16), default=np.int64(32)),
        ranges.Int(np.int64(1), np.int64(9), np.int64(2), default=np.int64(3)),
        ranges.Float(np.float32(0.5), np.float32(1.0), default=np.float32(0.75)),
    ],
    ids=repr,
)
def test_numbers_of_numpy_become_numbers_of_python(example):
    assert json.loads(json.dumps(example.get_config())) == example.get_config()
    hp = keras_tuner.HyperParameters()
    assert type(ranges.suggest(hp, "width", example)) in (int, float)


@pytest.mark.parametrize("value", [7, 0.5, "relu", True, None])
def test_a_plain_value_is_itself_and_declares_nothing(value):
    hp = keras_tuner.HyperParameters()
    assert ranges.suggest(hp, "width", value) is value
    assert hp.space == []


def test_sampling_covers_what_the_range_says():
    hp = keras_tuner.HyperParameters()
    for index, example in enumerate(EXAMPLES):
        example.declare(hp, str(index))
    drawn = [{each.prob_to_value(step / 100) for step in range(100)} for each in hp.space]
    assert drawn[0] == {16, 32, 64}
    assert drawn[2] == {1, 3, 5, 7, 9}
    assert drawn[3] == {8, 16, 32, 64, 128}
    assert min(drawn[4]) == 1e-4 and max(drawn[4]) < 1e-2
    assert sum(value < 1e-3 for value in drawn[4]) == 50
    assert drawn[5] == {True, False}


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_a_range_survives_json_and_compares_by_value(example):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(example)))
    again = keras.saving.deserialize_keras_object(config)
    assert again == example and hash(again) == hash(example)
    assert again is not example
    assert eval(repr(example), vars(ranges)) == example


def test_ranges_of_other_kinds_or_bounds_are_different():
    assert ranges.Int(1, 3) != ranges.Float(1, 3)
    assert ranges.Int(1, 3) != ranges.Int(1, 4)
    assert len({ranges.Int(1, 3), ranges.Int(1, 3), ranges.Int(1, 4)}) == 2


@pytest.mark.parametrize("values", [[], [1, 2.0], [True, False], [None], [(1, 2)]])
def test_choices_of_mixed_or_unknown_types_are_refused(values):
    with pytest.raises(ValueError, match="`values` must be a non-empty list of ints, floats or strings of one type"):
        ranges.Choice(values)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ranges.Choice([1, 2], default=3), r"`default` must be one of \[1, 2\]. Received: default=3"),
        (lambda: ranges.Int(1, 3, default=4), r"`default` must lie in \[1, 3\]. Received: default=4"),
        (lambda: ranges.Int(3, 1), "`min_value` must not exceed `max_value`.* min_value=3, max_value=1"),
        (lambda: ranges.Float(0, 1, sampling="log"), "positive for log sampling.* min_value=0, max_value=1"),
        (
            lambda: ranges.Int(1, 3, sampling="loud"),
            "`sampling` must be 'linear' or 'log'. Received: sampling='loud'",
        ),
    ],
)
def test_errors_name_the_argument_and_what_was_received(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_keras_tuner_hyperparameter_is_refused_with_a_hint():
    parameter = keras_tuner.engine.hyperparameters.Boolean("flag")
    with pytest.raises(ValueError, match="`flag` must be a value or an autonas range such as autonas.Choice"):
        ranges.suggest(keras_tuner.HyperParameters(), "flag", parameter)


def test_a_list_is_no_range_and_the_error_says_how_to_search_over_it():
    node = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.DenseBlock(units=[16, 32])(node))
    message = r"`units` must be a value or an autonas range. Received: units=\[16, 32\], a list.*autonas.Choice"
    with pytest.raises(ValueError, match=message):
        autonas.AutoModel(node, outputs, max_trials=1, verbose=0).fit(np.zeros((20, 2)), np.arange(20.0))
