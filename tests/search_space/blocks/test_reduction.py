"""Reduction: from a map or a series to a vector."""

import numpy as np
import pytest

from autonas.search_space.blocks import reduction
from tests.helpers import harness


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 3)])
def test_each_kind_computes_what_it_says(shape):
    values = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    axes = tuple(range(1, values.ndim - 1))
    expected = {
        "average": values.mean(axes),
        "max": values.max(axes),
        "both": np.concatenate([values.mean(axes), values.max(axes)], axis=-1),
        "flatten": values.reshape(2, -1),
    }
    for kind, vector in expected.items():
        model = harness.build(reduction.Reduction(kind), shape)
        np.testing.assert_allclose(model(values), vector, rtol=1e-5, atol=1e-6)


def test_without_a_kind_the_search_chooses_one(tmp_path):
    images, labels = harness.digits()
    space, _ = harness.check(reduction.Reduction, images, labels, tmp_path)
    kind = next(each for each in space.space if each.name == "reduction_1/kind")
    assert kind.values == ["average", "max", "both", "flatten"]


def test_vectors_pass_through():
    hp = harness.empty_values()
    assert harness.build(reduction.Reduction(), (5,), hp).output_shape == (None, 5)
    assert hp.space == []


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="`kind` must be one of .* or None. Received: kind='sum'"):
        harness.build(reduction.Reduction("sum"), (4, 3))


def test_configuration_round_trip():
    harness.check_configuration(reduction.Reduction("both"))
