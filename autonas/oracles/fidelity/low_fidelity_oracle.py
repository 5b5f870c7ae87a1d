"""The base class of oracles that shorten the trainings of another strategy's architectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, registry
from autonas.oracles.fidelity.schedule import TrainingSchedule
from autonas.search_space.values import Scalar
from autonas.trials import reserved

#: Names of the values of a candidate that the strategy hasn't suggested.
_SLICE = {
    reserved.TRIAL_ID, reserved.INITIAL_EPOCH, reserved.EPOCHS, reserved.RUNG, reserved.BRACKET, reserved.DATA_SHARE,
    reserved.RESOLUTION,
}  # fmt: skip


class LowFidelityOracle(base.Oracle, TrainingSchedule):
    """Base class of oracles that take architectures from another strategy and decide themselves how far to train them.

    Trials of other stages, such as the epochs of a supernet that the strategy asks for, are passed through unchanged.

    Args:
        strategy: A name such as `"evolution"`, or an oracle that trains all candidates in full.
        min_epochs: Epochs of the shortest training, or `None`.
        max_epochs: Epochs of a full training; `None` in `AutoModel`, which sets them.
        **kwargs: As in `Oracle`.
    """

    def __init__(
        self, strategy: str | base.Oracle, min_epochs: int | None, max_epochs: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.strategy = strategy
        self.min_epochs = min_epochs
        self.max_epochs = max_epochs
        self._inner: base.Oracle | None = None
        #: Whether the strategy has diagnostics of the latest trial.
        self._has_diagnostics = False

    @property
    def schedule(self) -> TrainingSchedule:
        return self

    @property
    def one_shot(self) -> base.Oracle | None:
        return self._strategy.one_shot

    def check(self) -> None:
        super().check()
        strategy = self.strategy
        if isinstance(strategy, base.Oracle) and strategy.schedule is None:
            strategy.check()
        elif not isinstance(strategy, str) or strategy not in registry.STRATEGIES:
            raise ValueError(
                f"`strategy` must be one of {', '.join(map(repr, registry.STRATEGIES))} or an oracle of autonas that "
                f"trains all candidates in full. Received: strategy={strategy!r:.100}"
            )
        if self.min_epochs is not None:
            checks.check_integer("min_epochs", self.min_epochs, 1)
        if self.max_epochs is not None:
            checks.check_integer("max_epochs", self.max_epochs, self.min_epochs or 1)

    @property
    def full_epochs(self) -> int:
        """Epochs of a full training, `max_epochs`."""
        if self.max_epochs is None:
            raise ValueError("`max_epochs` must be an integer of at least 1 outside of AutoModel. Received: None")
        return self.max_epochs

    def least_epochs(self, share: float) -> int:
        """Return the epochs of the shortest training: `min_epochs`, or a share of a full training, at least 1."""
        full = self.full_epochs
        return max(1, round(full * share)) if self.min_epochs is None else self.min_epochs

    def repeat_ask(self, values: dict[str, Scalar]) -> None:
        if not is_promotion(values):
            self._strategy.repeat_ask(architecture_of(values))
        self._record(values)

    def _next(self, generator: np.random.Generator) -> base.Answer:
        return self._strategy.ask()

    def diagnostics(self) -> dict[str, float]:
        """Return the diagnostics of the strategy inside, if the latest trial was a new one to it."""
        return self._strategy.diagnostics() if self._has_diagnostics else {}

    @property
    def _strategy(self) -> base.Oracle:
        """The strategy at work, made when the first trial is asked for: the journal may have another seed."""
        if self._inner is None:
            inner = registry.inside(self, self.strategy)
            is_given = isinstance(self.strategy, str) and self.initial_points is not None
            if inner.initial_points is None or is_given:
                inner = inner.with_arguments(initial_points=self.initial_points)
            inner.network_of = self.network_of
            self._inner = inner
        return self._inner


def is_promotion(values: Mapping[str, Scalar]) -> bool:
    """Return whether a trial continues the training of an earlier candidate."""
    return base.is_candidate(values) and reserved.is_continued(values)


def architecture_of(values: dict[str, Scalar]) -> dict[str, Scalar]:
    """Return the values that the strategy suggested."""
    if not base.is_candidate(values):
        return values
    return {name: value for name, value in values.items() if name not in _SLICE}
