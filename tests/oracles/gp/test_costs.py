"""Costs known before training: features that don't depend on the unit of a cost."""

import keras_tuner
import numpy as np
import pytest

from autonas.oracles.gp.costs import CostFeatures
from autonas.search_space.encoding import Encoding


def units():
    space = keras_tuner.HyperParameters()
    space.Int("units", 1, 1000)
    return Encoding(space)


NETWORKS = [{"units": count} for count in (1, 10, 100)]


def features(costs):
    return CostFeatures(costs).view(units(), NETWORKS).features


def test_each_cost_is_one_feature():
    view = CostFeatures(lambda values: (values["units"], values["units"] ** 2)).view(units(), NETWORKS)
    assert view.linear
    assert view.features.shape == (3, 2)
    np.testing.assert_array_equal(view.groups, [0, 1])


def test_equal_factors_are_equal_steps():
    steps = np.diff(features(lambda values: [values["units"]]), axis=0)
    assert steps[0] == pytest.approx(steps[1])
    assert steps[0] > 0


def test_the_unit_of_a_cost_does_not_count():
    np.testing.assert_allclose(
        features(lambda values: [values["units"]]), features(lambda values: [1e6 * values["units"]])
    )


def test_a_cost_that_is_the_same_for_all_is_no_evidence():
    np.testing.assert_allclose(features(lambda values: [7]), np.zeros((3, 1)), atol=1e-12)


def test_a_cost_is_computed_once():
    asked = []

    def costs(values):
        asked.append(values["units"])
        return [values["units"]]

    known = CostFeatures(costs)
    known.view(units(), NETWORKS)
    known.view(units(), NETWORKS)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("cost", [0, -1, np.nan, np.inf, None, "large"])
def test_a_cost_must_be_a_positive_number(cost):
    with pytest.raises(ValueError, match="`costs` must return a sequence of positive numbers"):
        features(lambda values: [cost])
