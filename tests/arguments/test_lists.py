import pytest

from autonas.arguments.lists import as_list


@pytest.mark.parametrize(("value", "expected"), [([1, 2], [1, 2]), ((1, 2), [1, 2]), ("ab", ["ab"]), (None, [None])])
def test_a_list_or_tuple_is_copied_and_any_other_value_becomes_an_item(value, expected):
    items = as_list(value)
    assert items == expected and items is not value


def test_a_single_value_is_repeated_to_the_length_and_a_list_is_not():
    assert as_list(0.1, 3) == [0.1, 0.1, 0.1]
    assert as_list([0.1, 0.2], 3) == [0.1, 0.2]
