"""The factorised policy: its gradient is that of the expected reward, and inactive decisions have none."""

import keras_tuner
import numpy as np

from autonas.oracles.controllers.decision_process import DecisionProcess
from autonas.oracles.controllers.factorised import FactorisedController
from autonas.search_space.encoding import Encoding
from tests.helpers import decisions_in_turn


def flat_space():
    space = keras_tuner.HyperParameters()
    space.Choice("first", [1, 2, 3])
    space.Choice("second", list("abcd"))
    return space


def policy(space, entropy_weight=0.0, seed=0):
    """A policy that isn't uniform."""
    controller = FactorisedController()
    controller.start(DecisionProcess(Encoding(space), 8), entropy_weight, seed=0)
    move(controller, np.random.default_rng(seed).normal(size=controller.logits.shape))
    return controller


def move(controller, step):
    controller.logits = controller.logits + step
    controller._normalise()


def finite_differences(controller, objective, step=1e-6):
    found = np.zeros(controller.logits.shape)
    for place in np.argwhere(np.isfinite(controller.logits)):
        change = np.zeros(found.shape)
        change[tuple(place)] = step
        move(controller, change)
        above = objective()
        move(controller, -2 * change)
        found[tuple(place)] = (above - objective()) / (2 * step)
        move(controller, change)
    return found


def reward(episode):
    return sum((1 + index) * np.cos(3 * index + action) for index, action in episode)


def expected_gradient(controller, baseline):
    """The mean of the policy's gradients over all architectures, and a function that gives the expected reward."""
    episodes = [controller.process.episode(values) for values in controller.process.encoding.architectures()]

    def probabilities():
        return [np.exp(log_probabilities.sum()) for log_probabilities in controller.log_probabilities(episodes)]

    gradient = 0
    for probability, episode in zip(probabilities(), episodes, strict=True):
        rows, actions = np.array(episode).T
        weights = np.full(len(rows), reward(episode) - baseline)
        gradient = gradient + probability * controller.gradient(rows, actions, weights)
    return gradient, lambda: np.dot(probabilities(), [reward(episode) for episode in episodes])


def entropies(controller):
    powers = np.exp(controller.logits)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(axis=1)


def test_the_mean_gradient_is_that_of_the_expected_reward_whatever_the_baseline():
    controller = policy(decisions_in_turn.conditional_space())
    for baseline in (0.0, 0.7):
        gradient, expected_reward = expected_gradient(controller, baseline)
        np.testing.assert_allclose(gradient, finite_differences(controller, expected_reward), atol=1e-8)


def test_the_entropy_bonus_adds_the_gradient_of_the_entropy():
    controller = policy(flat_space(), entropy_weight=0.3)
    gradient, expected_reward = expected_gradient(controller, baseline=0.2)
    expected = finite_differences(controller, lambda: expected_reward() + 0.3 * entropies(controller).sum())
    np.testing.assert_allclose(gradient, expected, atol=1e-8)


def test_the_entropy_bonus_raises_the_entropy():
    controller = policy(flat_space(), entropy_weight=0.1)
    before = entropies(controller)
    for _ in range(5):
        controller.ascend([[(0, 1), (1, 2)]], [np.zeros(2)])
    assert (entropies(controller) > before).all()


def test_inactive_decisions_do_not_move_even_by_momentum():
    controller = policy(decisions_in_turn.conditional_space(), entropy_weight=0.1)
    controller.ascend([[(0, 1), (1, 2), (2, 3)]], [np.ones(3)])
    before = controller.logits.copy()
    controller.ascend([[(0, 0), (2, 1)]], [np.ones(2)])
    np.testing.assert_array_equal(controller.logits[1], before[1])
    assert (controller.logits[0, :2] != before[0, :2]).all()
    assert (controller.logits[2] != before[2]).all()


def test_architectures_are_drawn_with_the_policys_probabilities():
    controller, generator = policy(flat_space()), np.random.default_rng(0)
    drawn = [controller.sample(generator) for _ in range(4000)]
    for name, index, options in (("first", 0, [1, 2, 3]), ("second", 1, list("abcd"))):
        shares = [np.mean([values[name] == option for values in drawn]) for option in options]
        probabilities = [np.exp(controller.log_probabilities([[(index, a)]])[0][0]) for a in range(len(options))]
        np.testing.assert_allclose(shares, probabilities, atol=0.03)


def test_a_step_makes_rewarded_actions_more_likely_and_punished_ones_less():
    controller = policy(flat_space())
    episode = [(0, 1), (1, 2)]
    [before] = controller.log_probabilities([episode])
    controller.ascend([episode], [np.array([1.0, -1.0])])
    [after] = controller.log_probabilities([episode])
    assert after[0] > before[0] and after[1] < before[1]


def test_decisions_that_are_found_later_begin_uniform_and_old_ones_stay():
    space = flat_space()
    controller = policy(space)
    before = controller.log_probabilities([[(0, 1), (1, 2)]])[0]
    space.Choice("third", list(range(6)))
    controller.grow(DecisionProcess(Encoding(space), 8))
    after = controller.log_probabilities([[(0, 1), (1, 2), (2, 5)]])[0]
    np.testing.assert_allclose(after, [*before, -np.log(6)])
