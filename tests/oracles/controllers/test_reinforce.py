"""REINFORCE: advantages over a moving baseline, discounted from the end."""

import numpy as np
import pytest

from autonas.oracles.controllers import Reinforce


class Recorder:
    """A controller that keeps what it is taught."""

    def start(self, process, entropy_weight, seed):
        self.taught = []
        self.entropy_weight = entropy_weight

    def ascend(self, episodes, weights):
        self.taught.append((episodes, weights))


def started(discount=1.0, **arguments):
    algorithm = Reinforce(**arguments)
    algorithm.start(None, discount, 0, Recorder())
    return algorithm


def test_the_baseline_is_the_moving_average_of_earlier_rewards():
    algorithm, episode = started(baseline_decay=0.8), [(0, 1)]
    assert algorithm.advantages(episode, 1.0) == [0.5]
    assert algorithm.baseline == pytest.approx(0.6)
    assert algorithm.advantages(episode, 0.1) == pytest.approx([-0.5])
    assert algorithm.baseline == pytest.approx(0.5)


def test_the_reward_is_discounted_by_the_decisions_that_follow():
    advantages = started(discount=0.9).advantages([(0, 1), (1, 0), (4, 2)], 1.0)
    np.testing.assert_allclose(advantages, [0.5 * 0.81, 0.5 * 0.9, 0.5])


def test_each_episode_is_a_step_weighted_by_its_advantages():
    algorithm, episode = started(entropy_weight=0.3), [(0, 1), (2, 2)]
    algorithm.learn(episode, 0.9)
    [(episodes, [weights])] = algorithm.controller.taught
    assert episodes == [episode]
    np.testing.assert_allclose(weights, [0.4, 0.4])
    assert algorithm.controller.entropy_weight == 0.3
