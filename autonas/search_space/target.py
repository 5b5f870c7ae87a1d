"""Target of a head, as the blocks of a graph see it."""

import dataclasses
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class Target:
    """Target of a head, inferred from the data.

    Args:
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        n_outputs: Number of units of the output layer.
        units: Means and standard deviations of a regression target that isn't standardised, which the network applies
            to its outputs, or `None`.
    """

    task: str
    n_outputs: int
    units: tuple[list[float], list[float]] | None = None


class Targeted(Protocol):
    """A head with its target and its loss, by which a block decides whether and how its models fit the target."""

    target: Target

    def loss_name(self) -> str:
        """Return the name of the loss function, or of its class, in snake case."""
        ...
