"""Strings that are numbers: the notations that are recognised, and columns that aren't numbers."""

import numpy as np
import pytest

from autonas.data.encoders.number_strings import Notation, find_notation


def notation_of(strings):
    strings = np.array(strings, dtype=object)
    return find_notation(strings, np.ones(len(strings), dtype=int))


@pytest.mark.parametrize(
    ("strings", "notation", "numbers"),
    [
        (["1", " 2.5 ", "-1e3"], Notation(), [1, 2.5, -1000]),
        (["1", "n/a", "Unknown", "-"], Notation(has_others=True), [1, np.nan, np.nan, np.nan]),
        (["$1,234.50", "-$3", "$ 0.5"], Notation("$", ","), [1234.5, -3, 0.5]),
        (["12.5%", "3 %", "?"], Notation("%", has_others=True), [12.5, 3, np.nan]),
        (["1,234", "999", "1,234,567"], Notation("", ","), [1234, 999, 1234567]),
        (["1234,50", "0,123"], Notation("", "", ","), [1234.5, 0.123]),
        (["1.234,50 €", "1.234.567 €"], Notation("€", ".", ","), [1234.5, 1234567]),
    ],
)
def test_a_column_has_one_notation(strings, notation, numbers):
    assert notation_of(strings) == notation
    np.testing.assert_array_equal(notation.parse(strings), numbers)


@pytest.mark.parametrize(
    "strings",
    [
        ["5", "five"],
        ["?", "unknown"],
        ["007", "?"],
        ["1.5", "2,5"],
        ["$5", "5 €"],
        ["$5", "5"],
        ["5 $ 6", "$7"],
        ["1,2,3", "2,3"],
        ["1,5", "several"],
        ["212 555 019", "212 555 020"],
        [str(2**60 + i) for i in range(3)],
    ],
)
def test_codes_and_mixtures_are_no_numbers(strings):
    assert notation_of(strings) is None


def test_one_string_of_twenty_may_be_no_number():
    strings = [*map(str, range(19)), "five"]
    assert notation_of(strings) == Notation(has_others=True)
    assert notation_of(strings[1:]) is None
