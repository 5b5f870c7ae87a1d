"""Hyperband: successive halving from several lowest rungs at once, for when the right one isn't known."""

import math

from autonas.oracles.fidelity import successive_halving


class HyperbandOracle(successive_halving.SuccessiveHalvingOracle):
    r"""Asynchronous Hyperband (Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization",
    2018; its asynchronous form in "A system for massively parallel hyperparameter tuning", 2020) around any strategy.

    With n rungs above the lowest there are n + 1 brackets, each a successive halving of its own. Bracket b begins at
    rung b, so that the last bracket trains all its architectures in full. Architectures join brackets in the proportion

        ceil((n + 1) / (s + 1) η^s)    with s = n − b,

    so that all brackets train for about the same number of epochs in total. `tuner/bracket` is the bracket of a trial.
    Everything else, and the arguments, are as in `SuccessiveHalvingOracle`.

    Example:

    ```python
    import autonas

    model = autonas.AutoModel(strategy=autonas.oracles.HyperbandOracle("random", reduction=3), max_trials=50)
    ```
    """

    @property
    def brackets(self) -> list[int]:
        return list(range(len(self.rungs)))

    def next_bracket(self) -> int:
        # The bracket that is farthest behind its share.
        return min(self.brackets, key=lambda bracket: (self._n_joined[bracket] + 1) / self._share(bracket))

    def _share(self, bracket: int) -> int:
        n_steps = len(self.rungs) - 1 - bracket
        return math.ceil(len(self.rungs) / (n_steps + 1) * self.reduction**n_steps)
