"""The scales on which scores and margins are predicted."""

import numpy as np
import pytest

from autonas.oracles.gp import targets


def test_scores_are_warped_below_the_median():
    scores = [0.1, 0.5, -1e9, 0.93, 0.94, 0.96, -1e9]
    warped = targets.warped(scores)
    assert warped.mean() == pytest.approx(0) and warped.std() == pytest.approx(1)
    # Above the median differences keep their proportions.
    assert warped[2] == warped[6] == warped.min()
    assert (warped[5] - warped[4]) / (warped[4] - warped[1]) == pytest.approx(0.02 / 0.44)
    assert warped[6] > -3


def test_what_is_warped_is_unwarped_again():
    generator = np.random.default_rng(0)
    for scores in (generator.normal(size=20) ** 3, [0.1, 0.5, 0.5, 0.93, -1e9], [2.0, 2.0], [3.0], [1.0, 2.0]):
        np.testing.assert_allclose(targets.unwarped(scores, targets.warped(scores)), scores, rtol=1e-9)


def test_unwarped_scores_rise_with_the_targets_and_none_is_below_the_worst():
    scores = [0.1, 0.5, 0.1, 0.93, 0.94, 0.96]
    warped = targets.warped(scores)
    grid = np.linspace(warped.min() - 2, warped.max() + 2, 201)
    found = targets.unwarped(scores, grid)
    assert np.diff(found).min() >= 0 and np.abs(np.diff(found)).max() < 0.03
    assert found[0] == 0.1 and found[-1] > 0.96
    # Above the median differences keep their proportions.
    assert (found[-1] - found[-11]) / (found[-11] - found[-21]) == pytest.approx(1.0)


def test_margins_are_linear_in_the_cost_within_a_limit_and_logarithmic_beyond():
    costs = np.array([0.5, 2.0, 5.0, 10.0, 1000.0])
    squashed = targets.squashed(np.log(5.0 / costs))
    assert squashed == pytest.approx([0.9, 0.6, 0.0, -np.log(2), -np.log(200)])


def quantity(trials, numbers):
    return targets.Quantity("score", trials, numbers, targets.standardised)


def test_a_quantity_starts_when_enough_trials_have_it():
    assert quantity([0, 3, 5, 6], [1.0, 2.0, 4.0, 3.0]).start(3) == 6
    assert quantity([0, 3], [1.0, 2.0]).is_known(3) is False


def test_of_a_quantity_only_some_trials_are_known_but_the_scale_is_that_of_all():
    places, values = quantity([0, 2, 3, 5], [1.0, 2.0, 3.0, 4.0]).of([2, 4, 5])
    assert places.tolist() == [2, 5]
    assert values == pytest.approx(np.array([-0.5, 1.5]) / np.std([1, 2, 3, 4]))
