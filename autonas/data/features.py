"""What the network is told about one input: its tensors and the statistics of the training rows."""

import dataclasses
import typing

KINDS = ("image", "table", "text", "series")


class Tensor(typing.NamedTuple):
    """Shape (without the batch axis) and dtype of one tensor that the network receives."""

    shape: tuple
    dtype: str

    def at_resolution(self, resolution):
        """The same of images `(height, width, channels)` at a share of their height and width."""
        size = [max(1, round(length * resolution)) for length in self.shape[:2]]
        return self._replace(shape=(*size, *self.shape[2:]))


@dataclasses.dataclass(frozen=True)
class Feature:
    """One encoded input.

    Args:
        kind: `"image"`, `"table"`, `"text"` or `"series"`.
        tensors: Dict from tensor name to `Tensor`, in the order in which the network receives them.
        statistics: Dict of what was measured on the training rows. The encoder of each kind documents its
            keys.
    """

    kind: str
    tensors: dict
    statistics: dict
