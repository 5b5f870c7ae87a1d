"""The known best of each problem is the best."""

import numpy as np
import pytest

from autonas.search_space import encoding
from autonas.testing import problems


@pytest.mark.parametrize("name", ["FAMILIES", "CHAIN", "NUMBERS"])
def test_nothing_is_better_than_the_optimum(name):
    problem = getattr(problems, name)
    space, generator = encoding.Encoding(problem.space()), np.random.default_rng(0)
    assert space.is_valid(problem.optimum) and problem.regret(problem.optimum) == 0
    neighbours = list(space.neighbours(problem.optimum, generator))
    assert len(neighbours) > 9 and min(problem.regret(values) for values in neighbours) >= 0
    assert min(problem.regret(space.sample(generator)) for _ in range(1000)) > 0


def test_a_layer_of_the_chain_counts_by_half_after_a_wrong_one():
    score, best = problems.chain_score, problems.CHAIN.optimum
    space = encoding.Encoding(problems.chain_space())
    assert score(best) == 1.0
    assert score({**best, "width_0": 32}) == 0.95
    assert score({**best, "kernel_0": 7}) == 0.95
    # The pooling is gone and the convolution after it is worth a half.
    assert score(space.complete({**best, "kind_1": "convolution"})) == 0.625
    assert score(space.complete({**best, "depth": 3})) == 0.75
    assert score(space.complete({**best, "depth": 5})) == 0.875


@pytest.mark.parametrize("n_partners, fewest, most", [(0, 1, 1), (4, 60, 200)])
def test_the_more_partners_a_decision_has_the_more_local_optima_a_landscape_has(n_partners, fewest, most):
    problem = problems.nk_landscape(n_partners, seed=2)
    architectures = encoding.Encoding(problem.space()).architectures()
    scores = np.reshape([problem.score(values) for values in architectures], [3] * 8)
    assert scores.max() == problem.score(problem.optimum)
    is_optimum = np.all([scores == scores.max(axis=place, keepdims=True) for place in range(8)], axis=0)
    assert fewest <= is_optimum.sum() <= most
