"""Feasibility: whether architectures satisfy all constraints, and an order of feasible and infeasible ones."""

from collections.abc import Sequence

import numpy as np

from autonas.oracles import nsga2


def violation(margins: Sequence[float | None] | None) -> float:
    """Return by how much all limits are exceeded: the sum of −margin over negative margins, 0 if there are none.

    Args:
        margins: As in `Observation`; `None` without constraints.
    """
    return -sum(margin for margin in margins or () if margin is not None and margin < 0)


def fitness(scores: Sequence[Sequence[float] | None], violations: Sequence[float]) -> np.ndarray:
    """Return numbers that are larger for fitter architectures: constrained domination.

    A feasible architecture comes before an infeasible one. Of two infeasible ones, the smaller violation comes first.
    Of two feasible ones, the larger score comes first, or with several scores the fitter one by NSGA-II (Deb et al., "A
    fast and elitist multiobjective genetic algorithm: NSGA-II", 2002).

    Args:
        scores: List of n tuples of one float per objective, larger is better. `None` comes last of the feasible ones.
        violations: List of n floats, 0 for feasible architectures.

    Returns:
        Array of shape `(n,)`.
    """
    fitness = -np.array(violations, dtype=float)
    ranked = {row: of_row for row, of_row in enumerate(scores) if of_row is not None and violations[row] == 0}
    if ranked:
        ranked_scores = list(ranked.values())
        fitness[list(ranked)] = 1 + (
            # Not by ranks: equal scores are equally fit.
            np.unique(ranked_scores, return_inverse=True)[1].ravel()
            if len(ranked_scores[0]) == 1
            else nsga2.fitness(ranked_scores)
        )
    return fitness
