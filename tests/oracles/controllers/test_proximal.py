"""PPO: the gradient of the clipped objective, which stops the policy from running away from the one that acted."""

import keras_tuner
import numpy as np

from autonas.oracles.controllers import FactorisedController, ProximalPolicyOptimization
from autonas.oracles.controllers.decision_process import DecisionProcess
from autonas.search_space.encoding import Encoding


def started(**arguments):
    space = keras_tuner.HyperParameters()
    space.Choice("first", list(range(4)))
    space.Choice("second", list(range(3)))
    algorithm = ProximalPolicyOptimization(**arguments)
    algorithm.start(DecisionProcess(Encoding(space), 8), 1.0, 0, FactorisedController(learning_rate=0.02))
    return algorithm


def clipped_objective(ratios, advantages, clip=0.2):
    return np.minimum(ratios * advantages, np.clip(ratios, 1 - clip, 1 + clip) * advantages)


def test_weights_are_the_derivative_of_the_clipped_objective_by_the_log_probability():
    logs = np.linspace(-0.6, 0.6, 26)
    for advantage in (0.5, -0.5):
        advantages = np.full(len(logs), advantage)
        above, below = (clipped_objective(np.exp(logs + step), advantages) for step in (1e-6, -1e-6))
        weights = started().weights(np.exp(logs), advantages)
        np.testing.assert_allclose(weights, (above - below) / 2e-6, atol=1e-6)


def test_nothing_is_learned_before_a_batch_is_full_and_then_for_some_epochs():
    algorithm = started(batch_size=3, n_epochs=2)
    for reward in (0.9, 0.2):
        algorithm.learn([(0, 1), (1, 2)], reward)
    assert not algorithm.controller.logits[0].any()
    algorithm.learn([(0, 2), (1, 0)], 0.7)
    assert algorithm.controller.logits[0].any()
    assert list(algorithm.controller._steps) == [2, 2]


def test_the_update_stops_outside_of_the_trust_range():
    def ratios(clip):
        algorithm = started(batch_size=2, n_epochs=200, clip=clip, entropy_weight=0.0, baseline_decay=1.0)
        good, bad = [(0, 0), (1, 0)], [(0, 1), (1, 1)]
        before = algorithm.controller.log_probabilities([good, bad])
        algorithm.learn(good, 1.0)
        algorithm.learn(bad, 0.0)
        after = algorithm.controller.log_probabilities([good, bad])
        return np.exp(np.subtract(after, before))

    good, bad = ratios(clip=0.2)
    # Adam's momentum carries it somewhat farther.
    assert (good > 1.2).all() and (good < 1.5).all()
    assert (bad < 0.8).all() and (bad > 0.5).all()
    good, bad = ratios(clip=1e9)
    assert (good > 2.5).all() and (bad < 0.1).all()
