import numpy as np
import pytest

from autonas.data import last_window, make_windows


def test_one_column():
    x, y = make_windows(np.arange(7), lookback=3, horizon=2)
    assert x[..., 0].tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert y.tolist() == [[3, 4], [4, 5], [5, 6]]


def test_several_columns_and_targets():
    series = np.stack([np.arange(6), 10 * np.arange(6)], axis=1)
    x, y = make_windows(series, 2, 2)
    assert x.shape == (3, 2, 2) and x[1].tolist() == [[1, 10], [2, 20]]
    assert y[0].tolist() == [2, 20, 3, 30]  # step by step
    assert make_windows(series, 2, 2, target_columns=[1])[1][0].tolist() == [20, 30]


def test_last_window():
    assert last_window(np.arange(5), 2).tolist() == [[[3], [4]]]
    with pytest.raises(ValueError, match="at least lookback = 9 steps"):
        last_window(np.arange(5), 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.arange(4), 3, 2), "at least lookback . horizon = 5 steps. Received: 4 steps"),
        ((np.arange(9), 0, 2), "`lookback` must be a positive number of steps. Received: lookback=0"),
        ((np.arange(9), 2, 1.5), "`horizon` must be a positive number of steps"),
        ((np.arange(9), 2, 1, [1]), "indices of the 1 channels"),
        ((np.ones((2, 2, 2)), 1, 1), "must have shape"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_windows(*arguments)
