"""Random search around the best: the default strategy for budgets of a few dozen trials."""

import numpy as np

from autonas.oracles import base


class LocalRandomOracle(base.Oracle):
    """Tries given architectures first, then changes a few decisions of one of the best.

    After the initial points, a share of the trials is drawn at random from the whole space; the others take one of the
    `n_parents` best so far, better ones more often (weights 1, 1/2, 1/3, ...), and change one decision, or two or
    three with halving probability: a (mu + 1) evolution strategy without recombination.

    Args:
        exploration: Share of trials drawn at random. Defaults to 0.2.
        n_parents: Number of the best that are changed. Defaults to 3.
        **kwargs: As in `Oracle`.
    """

    suggest_changes_state = False

    def __init__(self, exploration=0.2, n_parents=3, **kwargs):
        super().__init__(**kwargs)
        self.exploration = exploration
        self.n_parents = n_parents
        self._best = []

    def suggest(self, generator):
        if not self._best or generator.random() < self.exploration:
            return self.encoding.sample(generator)
        weights = 1 / np.arange(1, len(self._best) + 1)
        parent = self._best[generator.choice(len(self._best), p=weights / weights.sum())][1]
        values = parent
        for _ in range(min(3, generator.geometric(0.5))):
            values = self.encoding.mutate(values, generator)
        return values

    def observe(self, number, values, scores):
        if scores is None:
            return
        self._best.append((scores[0], values))
        # A stable sort: of equal ones the earlier, which is the cheaper among the initial points, stays ahead.
        self._best.sort(key=lambda pair: -pair[0])
        del self._best[self.n_parents :]
