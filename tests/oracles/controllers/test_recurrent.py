"""The recurrent policy: it agrees with Keras, its gradient is that of the objective, and it remembers decisions."""

import copy

import keras
import keras_tuner
import numpy as np
import pytest

from autonas.oracles.controllers import RecurrentController, Reinforce
from autonas.oracles.controllers.decision_process import DecisionProcess
from autonas.search_space.encoding import Encoding
from tests.helpers import decisions_in_turn

#: Of the space below, with and without its conditional decision.
EPISODES = [[(0, 1), (1, 2), (2, 3)], [(0, 0), (2, 1)]]


def policy(entropy_weight=0.0, units=6, learning_rate=0.02, space=None, seed=0):
    controller = RecurrentController(units, learning_rate)
    controller.start(DecisionProcess(Encoding(space or decisions_in_turn.conditional_space()), 8), entropy_weight, seed)
    return controller


def entropy(controller, index):
    """Of the first decision on an episode's way, or of those after it, by enumeration."""
    logs = [controller.log_probabilities([[*index[:-1], (index[-1][0], a)]])[0][-1] for a in range(index[-1][1])]
    return -np.dot(np.exp(logs), logs)


def objective(controller, weights):
    """Of `EPISODES`, with an entropy weight of 0.5."""
    entropies = [
        entropy(controller, [(0, 2)]), entropy(controller, [(0, 1), (1, 3)]),
        entropy(controller, [(0, 1), (1, 2), (2, 4)]), entropy(controller, [(0, 2)]),
        entropy(controller, [(0, 0), (2, 4)]),
    ]  # fmt: skip
    logs = controller.log_probabilities(EPISODES)
    return (sum(np.dot(*pair) for pair in zip(weights, logs, strict=True)) + 0.5 * sum(entropies)) / 2


def test_probabilities_and_steps_are_those_of_an_lstm_and_adam_of_keras():
    controller, weights = policy(learning_rate=0.02), [np.array([0.3, -0.2, 0.7]), np.array([-1.0, 0.4])]
    tokens = keras.Input((3,), dtype="int32")
    hidden = keras.layers.LSTM(6, return_sequences=True)(keras.layers.Embedding(10, 6)(tokens))
    network = keras.Model(tokens, keras.layers.Dense(9)(hidden))
    network.set_weights(controller._weights)
    inputs, own = np.array([[0, 2, 5], [0, 1, 0]]), [slice(0, 2), slice(2, 5), slice(5, 9)]

    def log_probabilities(logits, row):
        """Of the actions of an episode, among those of each decision's own."""
        return [
            keras.ops.log_softmax(logits[row, step, own[index]])[action]
            for step, (index, action) in enumerate(EPISODES[row])
        ]

    def loss(_, logits):
        return -sum(
            weight * log
            for row, of_episode in enumerate(weights)
            for weight, log in zip(of_episode, log_probabilities(logits, row), strict=True)
        ) / len(EPISODES)

    network.compile(keras.optimizers.Adam(0.02), loss)
    for _ in range(3):
        logits = keras.ops.convert_to_numpy(network(inputs))
        for row, mine in enumerate(controller.log_probabilities(EPISODES)):
            np.testing.assert_allclose(mine, log_probabilities(logits, row), atol=1e-5)
        controller.ascend(EPISODES, weights)
        network.train_on_batch(inputs, np.zeros((2, 1)))
    for mine, of_keras in zip(controller._weights, network.get_weights(), strict=True):
        np.testing.assert_allclose(mine, of_keras, atol=1e-4)


def test_the_gradient_is_that_of_the_objective():
    controller = policy(entropy_weight=0.5)
    weights = [np.array([0.3, -0.2, 0.7]), np.array([-1.0, 0.4])]
    (gradients, _), generator = controller.gradients(EPISODES, weights), np.random.default_rng(0)
    for array, gradient in zip(controller._weights, gradients, strict=True):
        direction, before = generator.normal(size=array.shape), array.copy()
        array[...] = before + 1e-4 * direction
        above = objective(controller, weights)
        array[...] = before - 1e-4 * direction
        slope = (above - objective(controller, weights)) / 2e-4
        array[...] = before
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-5)


def test_inactive_decisions_get_no_gradient():
    controller = policy(entropy_weight=0.1)
    before = controller._weights[-2].copy()
    controller.ascend([EPISODES[1]], [np.ones(2)])
    moved = (controller._weights[-2] != before).all(axis=0)
    assert moved.tolist() == [True] * 2 + [False] * 3 + [True] * 4


def test_the_entropy_bonus_raises_the_entropy():
    controller = policy()
    for _ in range(30):
        controller.ascend([EPISODES[0]], [np.ones(3)])
    before = entropy(controller, [(0, 1), (1, 3)])
    controller.entropy_weight = 1.0
    controller.grow(controller.process)  # Forgets the moments of Adam.
    for _ in range(10):
        controller.ascend([EPISODES[0]], [np.zeros(3)])
    assert entropy(controller, [(0, 1), (1, 3)]) > before + 0.1


def test_a_decision_depends_on_those_before():
    space = keras_tuner.HyperParameters()
    space.Choice("first", [0, 1])
    space.Choice("second", [0, 1])
    controller = policy(space=space, units=8, learning_rate=0.02)
    algorithm, generator = Reinforce(entropy_weight=0.3), np.random.default_rng(0)
    algorithm.start(controller.process, 1.0, 0, controller)
    for _ in range(300):
        values = algorithm.sample(generator)
        algorithm.learn(controller.process.episode(values), float(values["first"] == values["second"]))
    # Both firsts stay likely, and the second is the same: no policy of independent decisions does better than a half.
    logs = controller.log_probabilities([[(0, 0), (1, 0)], [(0, 1), (1, 1)]])
    assert np.exp([log[0] for log in logs]).min() > 0.2
    assert np.exp([log[1] for log in logs]).min() > 0.85


def test_architectures_are_drawn_with_the_policys_probabilities():
    controller, generator = policy(), np.random.default_rng(0)
    for _ in range(20):
        controller.ascend([EPISODES[0]], [np.ones(3)])
    drawn = [controller.process.episode(controller.sample(generator)) for _ in range(2000)]
    for episode, logs in zip(EPISODES, controller.log_probabilities(EPISODES), strict=True):
        assert np.mean([other == episode for other in drawn]) == pytest.approx(np.exp(logs.sum()), abs=0.03)


def test_seeds_give_the_first_weights():
    first, again, other = policy(seed=1), policy(seed=1), policy(seed=2)
    assert all(np.array_equal(*pair) for pair in zip(first._weights, again._weights, strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(first._weights, other._weights, strict=True))
    assert max(np.abs(array).max() for array in first._weights) <= 0.08


def test_decisions_that_are_found_later_are_near_uniform_and_old_ones_stay():
    space = decisions_in_turn.conditional_space()
    controller = policy(space=space)
    for _ in range(5):
        controller.ascend(EPISODES, [np.ones(3), -np.ones(2)])
    before = controller.log_probabilities(EPISODES)
    space.Choice("later", list(range(5)))
    controller.grow(DecisionProcess(Encoding(space), 8))
    after = controller.log_probabilities([[*episode, (3, 2)] for episode in EPISODES])
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new[:-1], old, atol=1e-6)
        assert new[-1] == pytest.approx(-np.log(5), abs=0.1)


def test_a_copy_learns_on_as_the_original_does():
    controller = policy()
    for _ in range(3):
        controller.ascend(EPISODES, [np.ones(3), -np.ones(2)])
    before = controller.log_probabilities(EPISODES)
    twin = copy.deepcopy(controller)
    twin.ascend(EPISODES, [np.ones(3), -np.ones(2)])
    after = twin.log_probabilities(EPISODES)
    np.testing.assert_array_equal(np.concatenate(controller.log_probabilities(EPISODES)), np.concatenate(before))
    # Adam's moments are copied as well.
    controller.ascend(EPISODES, [np.ones(3), -np.ones(2)])
    np.testing.assert_allclose(np.concatenate(controller.log_probabilities(EPISODES)), np.concatenate(after), atol=1e-6)
    assert abs(np.concatenate(after) - np.concatenate(before)).max() > 1e-3
