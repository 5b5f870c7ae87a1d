"""Stages, statuses and ids are written as strings everywhere."""

import json
import re

import pandas

from autonas.trials import states


def test_a_stage_is_its_string_in_json_in_texts_and_in_tables():
    assert (
        states.Stage.ONE_SHOT == "one_shot" and f"{states.Stage.ONE_SHOT}" == str(states.Stage.ONE_SHOT) == "one_shot"
    )
    assert json.dumps({"stage": states.Stage.FINAL, "status": states.Status.FAILED}) == (
        '{"stage": "final", "status": "failed"}'
    )
    column = pandas.Series([states.Stage.SEARCH, "final"], dtype=str)
    assert (column == states.Stage.SEARCH).tolist() == [True, False]


def test_an_id_has_four_digits_or_more():
    assert [states.id_of(number) for number in (0, 3, 12345)] == ["0000", "0003", "12345"]
    assert all(re.fullmatch(states.ID_PATTERN, states.id_of(number)) for number in (0, 3, 12345))
