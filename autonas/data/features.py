"""Description of an encoded input: the shapes and types of its tensors, and statistics of the training set."""

import dataclasses
import typing


class Tensor(typing.NamedTuple):
    """Shape and dtype of a tensor that a network receives.

    Attributes:
        shape: Shape without the batch axis.
        dtype: Name of the dtype.
    """

    shape: tuple
    dtype: str

    def at_resolution(self, resolution):
        """Return the tensor of images `(height, width, channels)` with height and width scaled by `resolution`."""
        size = [max(1, round(length * resolution)) for length in self.shape[:2]]
        return self._replace(shape=(*size, *self.shape[2:]))


@dataclasses.dataclass(frozen=True)
class Feature:
    """Description of an encoded input.

    Args:
        kind: Kind of data: `"image"`, `"table"`, `"text"` or `"series"`.
        tensors: Dict from the name of a tensor to a `Tensor`, in the order in which the network receives the tensors.
        statistics: Dict of statistics of the training set. The keys are documented in the encoder of the kind.
    """

    kind: str
    tensors: dict
    statistics: dict

    @property
    def network_tensors(self):
        """The tensors that networks read, a dict: all but the n-grams of texts, which only fitted models read."""
        return {name: tensor for name, tensor in self.tensors.items() if not name.startswith("ngrams")}
