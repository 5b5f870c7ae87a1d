"""Hyperband: successive halving from several lowest rungs at once, for when it isn't known how short is too short."""

import math

from autonas.oracles import base
from autonas.oracles.fidelity import successive_halving
from autonas.trials import reserved


class HyperbandOracle(successive_halving.SuccessiveHalvingOracle):
    r"""Asynchronous Hyperband (Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization",
    2018; its asynchronous form in "A system for massively parallel hyperparameter tuning", 2020) around any strategy.

    With n rungs above the lowest there are n + 1 brackets, each a successive halving of its own: that of bracket b
    begins at rung b, so that the last trains each architecture in full. Architectures join brackets in the proportion

        ceil((n + 1) / (s + 1) η^s)    with s = n − b,

    in which each bracket takes about the same number of epochs in all. `tuner/bracket` says which one a trial belongs
    to. Everything else, and arguments, as in `SuccessiveHalvingOracle`.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._n_joined = []

    @property
    def brackets(self):
        return list(range(len(self.rungs)))

    def next_bracket(self):
        # That which is farthest behind.
        joined = self._n_joined or [0] * len(self.brackets)
        return min(self.brackets, key=lambda bracket: (joined[bracket] + 1) / self._share(bracket))

    def _share(self, bracket):
        n_steps = len(self.rungs) - 1 - bracket
        return math.ceil(len(self.rungs) / (n_steps + 1) * self.reduction**n_steps)

    def _record(self, values):
        if base.is_candidate(values) and not reserved.is_continued(values):
            self._n_joined = self._n_joined or [0] * len(self.brackets)
            self._n_joined[values.get(reserved.BRACKET, 0)] += 1
        super()._record(values)
