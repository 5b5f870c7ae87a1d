"""Merging of several tensors into one."""

from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, reduction


class Merge(block.Block):
    """Merging of several inputs of any rank and width into one tensor.

    Feature maps of the same size, or series of the same length, are merged directly. Otherwise all inputs are first
    reduced to vectors by averaging.

    Args:
        kind: `"concatenate"`, `"add"`, `"multiply"`, `"maximum"`, or a choice of these. All kinds but the first project
            narrower inputs to the width of the widest. Defaults to a choice of `"concatenate"` and `"add"`.
        name: Name of the block.

    Example:

    ```python
    import autonas

    image, table = autonas.ImageInput(), autonas.StructuredDataInput()
    features = autonas.Merge(kind="concatenate")([autonas.ConvolutionBlock()(image), autonas.DenseBlock()(table)])
    graph = autonas.Graph([image, table], autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        kind: str | ranges.Range = ranges.Choice(["concatenate", "add"]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        if not isinstance(inputs, (list, tuple)) or len(inputs) == 1:
            return inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        if len({tuple(tensor.shape[:-1]) for tensor in inputs}) > 1:
            inputs = [reduction.to_vector(tensor) for tensor in inputs]
        candidates = {
            "concatenate": lambda: keras.layers.Concatenate(),
            "add": lambda: lambda inputs: keras.layers.Add()(_equal_widths(inputs)),
            "multiply": lambda: lambda inputs: keras.layers.Multiply()(_equal_widths(inputs)),
            "maximum": lambda: lambda inputs: keras.layers.Maximum()(_equal_widths(inputs)),
        }
        return arguments.choose(self, "kind", candidates)(hp, inputs)


def _equal_widths(inputs: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
    width = max(tensor.shape[-1] for tensor in inputs)
    return [tensor if tensor.shape[-1] == width else keras.layers.Dense(width)(tensor) for tensor in inputs]
