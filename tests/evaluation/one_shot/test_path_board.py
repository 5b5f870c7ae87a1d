"""The board of the best paths of a supernet: which paths stay, and how often they are trained."""

import itertools

import keras
import numpy as np
import pytest

from autonas.evaluation.one_shot import path_board

OTHER = np.array([99, 99], "int32")


def board_of(n_paths):
    """A board after one update with paths (0, 0), (1, 0), (2, 0), ..., whose losses are 0, 1, 2, ..."""
    board = path_board.PathBoard(2)
    board.update((np.array([first, 0]) for first in range(n_paths)), lambda path: float(path[0]))
    return board


def test_the_best_paths_stay():
    board = board_of(10)
    board.update((np.array([first, 1]) for first in range(10)), lambda path: path[0] + 0.5 * path[1])
    kept = keras.ops.convert_to_numpy(board.paths)
    np.testing.assert_array_equal(kept, [[first, second] for first in range(5) for second in range(2)])


def test_a_path_is_on_the_board_once():
    board = path_board.PathBoard(2)
    board.update(itertools.repeat(np.array([3, 4])), lambda path: 0.0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(board.paths), [[3, 4]] + 9 * [[-1, -1]])


@pytest.mark.parametrize("share, trained", [(0.0, 0.0), (0.5, 0.4), (1.0, 0.8)])
def test_paths_of_the_board_are_trained_more_and_more_often(share, trained):
    paths = board_of(10).prioritised(itertools.repeat(OTHER), share, np.random.default_rng(0))
    taken = [next(paths)[0] for _ in range(2000)]
    assert np.mean(np.not_equal(taken, 99)) == pytest.approx(trained, abs=0.04)
    assert not trained or set(taken) >= set(range(10))


def test_without_scores_other_paths_are_trained():
    paths = path_board.PathBoard(2).prioritised(itertools.repeat(OTHER), 1.0, np.random.default_rng(0))
    assert all(next(paths) is OTHER for _ in range(20))


def test_paths_are_scored_every_28_steps_at_the_end_of_an_epoch():
    assert [epoch for epoch in range(12) if path_board.PathBoard.is_due(epoch, 7)] == [3, 7, 11]
    assert all(path_board.PathBoard.is_due(epoch, 100) for epoch in range(12))
