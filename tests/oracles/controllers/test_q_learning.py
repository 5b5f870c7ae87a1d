"""Q-learning: the backup, the schedule of exploration, and the replay of what is remembered."""

import keras_tuner
import numpy as np
import pytest

from autonas.oracles.controllers import QLearning
from autonas.oracles.controllers.decision_process import DecisionProcess
from autonas.search_space.encoding import Encoding


def started(discount=1.0, **arguments):
    space = keras_tuner.HyperParameters()
    space.Choice("first", list("ab"))
    space.Choice("second", list("abc"))
    algorithm = QLearning(**arguments)
    algorithm.start(DecisionProcess(Encoding(space), 8), discount, seed=0)
    return algorithm


def test_an_episode_is_backed_up_from_its_end():
    algorithm = started(discount=0.9, learning_rate=0.5, n_replays=0)
    algorithm.learn([(0, 1), (1, 0)], 0.8)
    # Half of the reward for each decision: 0.5 + 0.5 (0.4 - 0.5), then 0.5 + 0.5 (0.4 + 0.9 max(0.45, 0.5) - 0.5).
    assert algorithm.values(1, (0, 1)) == pytest.approx([0.45, 0.5, 0.5])
    assert algorithm.values(0, None) == pytest.approx([0.5, 0.675])
    # The second decision after another first one is another state.
    assert algorithm.values(1, (0, 0)) == [0.5, 0.5, 0.5]


def test_exploration_follows_the_schedule_by_distinct_architectures():
    algorithm = started(exploration=((1.0, 2), (0.5, 3), (0.1, 1)))
    found = []
    for episode in [[(0, first), (1, second)] for first in range(2) for second in range(3)] * 2:
        found.append(algorithm.epsilon)
        algorithm.learn(episode, 0.5)
    assert found == [1.0, 1.0, 0.5, 0.5, 0.5, 0.1] + 6 * [0.1]


def test_actions_are_greedy_but_for_a_share_of_epsilon():
    algorithm = started(exploration=((0.4, 1),))
    algorithm.values(0, None)[1] = 0.9
    generator = np.random.default_rng(0)
    greedy = np.mean([algorithm.sample(generator)["first"] == "b" for _ in range(2000)])
    assert greedy == pytest.approx(0.6 + 0.4 / 2, abs=0.03)


def test_actions_of_equal_value_are_equally_likely():
    algorithm = started(exploration=((0.0, 1),))
    generator = np.random.default_rng(0)
    assert np.mean([algorithm.sample(generator)["second"] == "c" for _ in range(2000)]) == pytest.approx(
        1 / 3, abs=0.03
    )


def test_replay_goes_on_teaching_what_came_before():
    forgetful, remembering = started(n_replays=0), started(n_replays=20)
    for algorithm in (forgetful, remembering):
        algorithm.learn([(0, 0), (1, 0)], 1.0)
        for second in range(3):
            algorithm.learn([(0, 1), (1, second)], 0.0)
    gaps = [values[0] - values[1] for values in (forgetful.values(0, None), remembering.values(0, None))]
    assert gaps[1] > 2 * gaps[0] > 0


def test_the_best_architecture_becomes_the_greedy_one():
    algorithm = started(n_replays=100)
    for first in range(2):
        for second in range(3):
            algorithm.learn([(0, first), (1, second)], 1.0 if (first, second) == (1, 2) else 0.1)
    assert np.argmax(algorithm.values(0, None)) == 1 and np.argmax(algorithm.values(1, (0, 1))) == 2
    # Its share of the reward, all else being over.
    assert algorithm.values(1, (0, 1))[2] == pytest.approx(0.5, abs=0.01)
