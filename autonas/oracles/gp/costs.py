"""Costs that are known before training, as features of a Gaussian process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autonas.oracles.gp.gaussian_process import View
from autonas.search_space.encoding import Encoding
from autonas.search_space.values import Key, Scalar

#: Number of random architectures whose costs set the centre and the scale of the features.
_N_SAMPLES = 200
#: Prior share of the variance of the scores that costs explain, beside the other views.
_WEIGHT = 0.2

Costs = Callable[[dict[str, Scalar]], Sequence[float]]


class CostFeatures:
    """Standardised logarithms of the costs of architectures.

    A linear kernel on them is a prior mean whose coefficients are learned: larger networks are often better.

    Args:
        costs: Function from an architecture to a sequence of positive numbers, always as many. It is called once for
            each architecture.
    """

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self._logarithms: dict[Key, np.ndarray] = {}
        self._width: int | None = None

    def view(self, encoding: Encoding, architectures: Sequence[Mapping[str, Scalar]]) -> View:
        """Return the `View` of architectures.

        Args:
            encoding: The `Encoding` of the space.
            architectures: List of n architectures.

        Raises:
            ValueError: If a cost isn't a positive finite number.
        """
        if self._width != encoding.width:
            generator = np.random.default_rng(0)
            samples = self._of(encoding, [encoding.sample(generator) for _ in range(_N_SAMPLES)])
            self._centre, self._spread = samples.mean(axis=0), samples.std(axis=0)
            self._spread[self._spread < 1e-9] = 1.0  # All architectures cost the same.
            self._width = encoding.width
        standardised = (self._of(encoding, architectures) - self._centre) / self._spread
        return View(standardised, np.arange(standardised.shape[1]), linear=True, weight=_WEIGHT)

    def _of(self, encoding: Encoding, architectures: Sequence[Mapping[str, Scalar]]) -> np.ndarray:
        """Return the logarithms of the costs of n architectures, shape `(n, costs)`."""
        keys = [encoding.key(values) for values in architectures]
        for key, values in zip(keys, architectures, strict=True):
            if key not in self._logarithms:
                self._logarithms[key] = _logarithms(self._costs(dict(values)), values)
        return np.stack([self._logarithms[key] for key in keys])


def _logarithms(costs: Any, values: Mapping[str, Scalar]) -> np.ndarray:
    try:
        numbers = np.atleast_1d(np.asarray(costs, dtype=float))
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if numbers.ndim > 1 or not numbers.size or not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ValueError(
            "`costs` must return a sequence of positive numbers for each architecture, such as its parameters. "
            f"Received: {costs!r:.100} for {values!r:.200}"
        )
    return np.log(numbers)
