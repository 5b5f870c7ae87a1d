"""Search for the strength of a penalty."""

import pytest

from autonas.search_space.fitted import strengths


def tried(losses, first, until=None):
    """Return the positions that are tried, in their order, of strengths with some losses."""
    order = []

    def attempt(position):
        order.append(position)
        return (losses[position],)

    results = strengths.tried(attempt, range(len(losses)), first, 0.01, until)
    assert results == {position: (losses[position],) for position in order}
    return order


@pytest.mark.parametrize(
    ("losses", "order"),
    [
        ([0.5, 0.7, 0.8, 1.0, 0.9], [3, 2, 1, 0]),  # smaller strengths are better
        ([2.0, 1.5, 1.2, 1.0, 0.9], [3, 2, 4]),  # the first smaller one is worse
        ([2.0, 1.5, 0.8, 0.9, 0.1], [3, 2, 1]),  # beyond the best one
        ([2.0, 1.5, 1.0, 1.0, 0.1], [3, 2]),  # as good as the first one
    ],
)
def test_strengths_are_tried_in_the_direction_in_which_the_loss_falls(losses, order):
    assert tried(losses, first=3) == order


def test_the_first_strength_is_tried_however_little_time_there_is():
    assert tried([0.5, 0.7, 0.8, 1.0], first=3, until=0.0) == [3]
