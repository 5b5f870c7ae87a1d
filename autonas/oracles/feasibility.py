"""Feasibility: which architectures are within all limits, how far beyond the others are, and an order of both."""

import numpy as np

from autonas.oracles import nsga2


def violation(margins):
    """By how much all limits are exceeded: the sum of −margin over the negative ones; 0 within all, or without any.

    Args:
        margins: As in `Oracle.observe_margins`, or `None` without constraints.
    """
    return -sum(margin for margin in margins or () if margin is not None and margin < 0)


def fitness(scores, violations):
    """Numbers of which the larger is the fitter: constrained domination.

    One within the limits comes before one beyond, of two beyond the one with the smaller violation, and of two within
    the one with the larger score, or with several scores that which is fitter by NSGA-II (Deb et al., "A fast and
    elitist multiobjective genetic algorithm: NSGA-II", 2002).

    Args:
        scores: List of n tuples of one float per objective, larger is better. `None` comes last of those within.
        violations: List of n floats, 0 within the limits.

    Returns:
        Array of shape `(n,)`.
    """
    fitness = -np.array(violations, dtype=float)
    ranked = [place for place, of in enumerate(scores) if of is not None and violations[place] == 0]
    if ranked:
        ranked_scores = [scores[place] for place in ranked]
        fitness[ranked] = 1 + (
            # Not by ranks: equal scores are equally fit.
            np.unique(ranked_scores, return_inverse=True)[1].ravel()
            if len(ranked_scores[0]) == 1
            else nsga2.fitness(ranked_scores)
        )
    return fitness
