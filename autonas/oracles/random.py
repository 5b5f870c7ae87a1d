"""Random search, which every strategy is compared with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autonas.oracles import base
from autonas.search_space.values import Scalar


class RandomOracle(base.Oracle):
    """Random search: at each decision, all options are equally likely (Bergstra and Bengio 2012).

    The first trial is the default architecture, in `AutoModel` too. The best architectures of `warm_start` follow.

    Args:
        initial_points: As in `Oracle`. Defaults to the default architecture alone.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = autonas.oracles.RandomOracle(
        objective=keras_tuner.Objective("score", "max"), hyperparameters=space, seed=0
    )
    for number in range(8):
        values = oracle.ask()
        oracle.tell(number, values, (-abs(values["units"] - 40),))
    ```
    """

    suggest_changes_state = False

    def __init__(self, initial_points: Sequence[Mapping[str, Scalar]] = ({},), **kwargs: Any) -> None:
        super().__init__(initial_points=initial_points, **kwargs)

    def suggest(self, generator: np.random.Generator) -> dict[str, Scalar]:
        return self.encoding.sample(generator)
