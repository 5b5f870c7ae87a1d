"""The base of oracles that put trainings which aren't full ones around a strategy."""

from autonas.arguments import checks
from autonas.oracles import base, registry


class LowFidelityOracle(base.Oracle):
    """Has a strategy propose architectures, and says itself how far each is trained.

    Trials of other stages, such as the epochs of a supernet that the strategy asks for, are passed through as they are.

    Args:
        strategy: A name such as `"evolution"`, or an oracle that trains all in full.
        min_epochs: Epochs of the shortest training, or `None`.
        max_epochs: Epochs of a full training; `None` if `AutoModel` says so.
        **kwargs: As in `Oracle`.
    """

    def __init__(self, strategy, min_epochs, max_epochs, **kwargs):
        super().__init__(**kwargs)
        self.strategy = strategy
        self.min_epochs = min_epochs
        self.max_epochs = max_epochs
        #: The space's `OperationGraph`, for a strategy that takes one and has none.
        self.structure = None
        self._inner = None
        #: Whether the strategy was told of the latest trial.
        self._has_told = False

    def check(self):
        super().check()
        strategy = self.strategy
        if isinstance(strategy, base.Oracle) and not (strategy.goes_on or strategy.stops_trainings):
            strategy.check()
        elif not isinstance(strategy, str) or strategy not in registry.STRATEGIES:
            raise ValueError(
                f"`strategy` must be one of {', '.join(map(repr, registry.STRATEGIES))} or an oracle of autonas that "
                f"trains all in full. Received: strategy={strategy!r:.100}"
            )
        if self.min_epochs is not None:
            checks.check_integer("min_epochs", self.min_epochs, 1)
        if self.max_epochs is not None:
            checks.check_integer("max_epochs", self.max_epochs, self.min_epochs or 1)

    def least_epochs(self, share):
        """Epochs of the shortest training: those that were given, or a share of a full one, at least one."""
        if self.max_epochs is None:
            raise ValueError("`max_epochs` must be an integer of at least 1 outside of AutoModel. Received: None")
        return max(1, round(self.max_epochs * share)) if self.min_epochs is None else self.min_epochs

    def supernet_training(self):
        # By the strategy as it will be: that at work begins with what is known when it is asked first.
        return None if isinstance(self.strategy, str) else registry.inside(self).supernet_training()

    def strategy_for(self, values):
        return self._strategy.strategy_for(values)

    @property
    def rank_correlation(self):
        """That of a `WeightSharingOracle` inside; `None` for others."""
        return getattr(self._strategy, "rank_correlation", None)

    def numbers(self):
        """Those of the strategy inside, if it was told of the latest trial."""
        return self._strategy.numbers() if self._has_told else {}

    @property
    def _strategy(self):
        """The strategy at work."""
        if self._inner is None:
            inner = self._inner = registry.inside(self)
            if inner.initial_points is None and inner.takes_warm_start:
                inner.initial_points = self.initial_points
        return self._inner
