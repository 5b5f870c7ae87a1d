"""Earlier searches of the same space, whose best architectures are tried first."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from autonas.search_space.encoding import Encoding
from autonas.search_space.values import Key, Scalar

#: Number of the best architectures of earlier searches that are tried first.
N_FIRST = 3
#: Smallest number of architectures that can be ordered.
FEWEST = 2


@dataclasses.dataclass(frozen=True)
class EarlierSearch:
    """The architectures that an earlier search scored, on these or other data.

    Args:
        architectures: List of dicts of values. Numbers outside of a range are moved to its nearest value, other values
            that the space of a search doesn't have are dropped, and missing values get their defaults.
        scores: List of one float per architecture, larger is better, on any scale.

    Example:

    ```python
    import autonas
    import keras_tuner

    earlier = autonas.oracles.EarlierSearch([{"units": 8}, {"units": 32}, {"units": 64}], [0.5, 0.9, 0.6])
    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = autonas.oracles.BayesianOracle(
        objective=keras_tuner.Objective("score", "max"), hyperparameters=space, earlier_searches=[earlier], seed=0
    )
    for number in range(5):
        values = oracle.ask()
        oracle.tell(number, values, (-abs(values["units"] - 40),))
    ```
    """

    architectures: list[dict[str, Scalar]]
    scores: list[float]

    def digest(self) -> str:
        """Return a text that identifies the search."""
        content = json.dumps([self.architectures, self.scores], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def check(searches: Any) -> None:
    """Raise a `ValueError` unless `searches` is a sequence of `EarlierSearch`, each of two architectures or more."""
    is_sequence = isinstance(searches, (list, tuple))
    if not is_sequence or not all(isinstance(search, EarlierSearch) for search in searches):
        raise ValueError(f"`earlier_searches` must be a sequence of EarlierSearch. Received: {searches!r:.200}")
    for search in searches:
        if len(search.architectures) != len(search.scores) or len(search.scores) < FEWEST:
            raise ValueError(
                f"`earlier_searches` must have at least {FEWEST} architectures each, and one score per architecture. "
                f"Received: {len(search.architectures)} architectures and {len(search.scores)} scores"
            )


def best(searches: Sequence[EarlierSearch], encoding: Encoding, count: int) -> list[dict[str, Scalar]]:
    """Return the best architectures of earlier searches in a space: the best of each, then the second best, and so on.

    Args:
        searches: List of `EarlierSearch`.
        encoding: The `Encoding` of the space.
        count: Number of architectures at most.

    Returns:
        List of different architectures.
    """
    ranked = [[search.architectures[index] for index in np.argsort(-np.asarray(search.scores))] for search in searches]
    best_by_key: dict[Key, dict[str, Scalar]] = {}
    for values in itertools.chain.from_iterable(itertools.zip_longest(*ranked)):
        if len(best_by_key) == count:
            break
        if values is not None:
            completed = encoding.nearest(values)
            best_by_key.setdefault(encoding.key(completed), completed)
    return list(best_by_key.values())
