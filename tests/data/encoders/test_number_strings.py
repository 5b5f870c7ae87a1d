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
        (["96 min", "1 min", "120min."], Notation("min"), [96, 1, 120]),
        (["1 Year", "2.5 years", "-3 years", "4"], Notation("year"), [1, 2.5, -3, 4]),
        (["1,248 CC", "998 cc", "?"], Notation("cc", ",", has_others=True), [1248, 998, np.nan]),
        (["20,4 km/l", "18,25 km/l"], Notation("km/l", "", ","), [20.4, 18.25]),
        (["1200 sq ft", "80 sq ft"], Notation("sq ft"), [1200, 80]),
        (["3 m²", "4.5 m²"], Notation("m²"), [3, 4.5]),
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
        ["90 min", "2 Seasons"],
        ["10K", "1M"],
        ["1st", "2nd", "3rd"],
        ["A4", "A5"],
        ["5 of 10", "6 of 10"],
        ["12 Angry Men", "4 Little Girls", "4"],
        [str(2**60 + i) for i in range(3)],
    ],
)
def test_codes_and_mixtures_are_no_numbers(strings):
    assert notation_of(strings) is None


def test_one_string_of_twenty_may_be_no_number():
    strings = [*map(str, range(19)), "five"]
    assert notation_of(strings) == Notation(has_others=True)
    assert notation_of(strings[1:]) is None


def test_one_string_of_twenty_may_lack_the_number_before_its_unit():
    strings = [*(f"{number} bhp" for number in range(19)), "null bhp"]
    notation = notation_of(strings)
    assert notation == Notation("bhp", has_others=True)
    np.testing.assert_array_equal(notation.parse(["3 bhp", "null bhp"]), [3, np.nan])
    assert notation.spelling == ", spelled as '1234.5 bhp'"
    assert notation_of(strings[1:]) is None
