"""Base of the fitters whose weights are trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from autonas.search_space import block
from autonas.search_space.fitted import fitters, tree_features, trees

if TYPE_CHECKING:
    from autonas.search_space.target import Target

#: Smallest number of seconds that is divided by.
_LEAST = 1e-6


class TreeFitter(fitters.Fitter):
    """Base class of the fitters that set the trees of a `trees.Walk`.

    Args:
        inputs: Symbolic tensor of the columns.
        head: Name of the head.
        walk: The `trees.Walk`.
        target: The `Target` of the head.
        settings: Keyword arguments of scikit-learn's estimators.
        features: The `TreeFeatures` of the columns.
    """

    def __init__(
        self,
        inputs: keras.KerasTensor,
        head: str,
        walk: trees.Walk,
        target: Target,
        *,
        settings: dict[str, Any],
        features: tree_features.TreeFeatures,
    ) -> None:
        super().__init__(inputs, head)
        self.features = features
        self.walk = walk
        self.task = target.task
        self.settings = settings

    @property
    def text_choices(self) -> dict[str, Any]:
        """The choice of the latest fit about texts, by which `refit` scores them; empty without texts."""
        return {"n_text_parts": self.features.n_text_parts} if self.features.texts else {}

    def refit_share(self, seconds: float, unused: float = 0.0) -> float:
        """Return the share of the time of the latest fit that `refit` takes; see `Fitter.fit`.

        Args:
            seconds: Seconds of the fit.
            unused: Seconds of the fit for trees that aren't used. Defaults to 0.
        """
        seconds = max(seconds, _LEAST)
        return (seconds - unused + self.features.saved_seconds) / seconds

    def scores(self, sums: Any) -> Any:
        """Return the outputs for the sums of the values of the trees. By default the outputs are the sums."""
        return sums

    def attached(self) -> Any:
        """Connect the trees to the columns, attach the fitter to them, and return the prediction of a block."""
        self.outputs = self._outputs(self.walk)(self.inputs)
        fitters.attach(self, self.walk.values)
        return block.as_prediction(self.outputs)

    def reduced(self) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
        return self._outputs(self.walk.of_used_nodes())

    def _outputs(self, walk: trees.Walk) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
        return lambda columns: self.scores(walk(self.features(columns)))
