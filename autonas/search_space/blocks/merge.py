"""Several tensors into one."""

import keras

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, reduction


class Merge(block.Block):
    """Merges several inputs of any ranks and widths into one.

    Maps or series of the same extent are merged as they are; otherwise everything is averaged to vectors
    first.

    Args:
        kind: `"concatenate"`, or `"add"`, `"multiply"` or `"maximum"`, for which inputs narrower than the
            widest are projected to its width, or a choice of them. Defaults to a choice of concatenate and
            add.
        name: Name of the block.
    """

    def __init__(self, kind=ranges.Choice(["concatenate", "add"]), name=None):
        super().__init__(name)
        self.kind = kind

    def build(self, hp, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) == 1:
            return inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        if len({tuple(each.shape[:-1]) for each in inputs}) > 1:
            inputs = [reduction.to_vector(each) for each in inputs]
        candidates = {
            "concatenate": lambda: keras.layers.Concatenate(),
            "add": lambda: lambda inputs: keras.layers.Add()(_equal_widths(inputs)),
            "multiply": lambda: lambda inputs: keras.layers.Multiply()(_equal_widths(inputs)),
            "maximum": lambda: lambda inputs: keras.layers.Maximum()(_equal_widths(inputs)),
        }
        return arguments.choose(self, "kind", candidates)(hp, inputs)


def _equal_widths(inputs):
    width = max(each.shape[-1] for each in inputs)
    return [each if each.shape[-1] == width else keras.layers.Dense(width)(each) for each in inputs]
