"""The default block of tables."""

import functools

from keras import ops

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import dense, numbers, preprocessing, spaces


class StructuredDataBlock(block.Block):
    """Encodes numbers, categories and words of a table, then maps them to a vector.

    Args:
        kind: Network on the encoded row: `"linear"` (none: what follows is linear in the encodings) or `"dense"`;
            `None` lets the search choose. Or the space of architectures `"layered"`, a residual network whose layers
            are chosen one by one. Defaults to `None`.
        numbers: Encoding of numbers: `"plain"`, `"piecewise_linear"` or `"periodic"`; `None` lets the search choose.
            Defaults to `None`.
        categories: `"one_hot"` or `"embedding"`, or a range. Defaults to a choice of both.
        name: Name of the block.
    """

    takes_raw_inputs = True

    def __init__(self, kind=None, numbers=None, categories=ranges.Choice(["one_hot", "embedding"]), name=None):
        super().__init__(name)
        self.kind = kind
        self.numbers = numbers
        self.categories = categories

    def build(self, hp, inputs):
        feature = self.features[0]
        parts = []
        if "numbers" in inputs:
            parts.append(numbers.impute(inputs["numbers"], feature))
            encoded = self._encoded_numbers(hp, inputs["numbers"], feature)
            if encoded is not None:
                parts.append(encoded)
        if "categories" in inputs:
            parts.extend(preprocessing.encode_categories(inputs, feature, self.suggest(hp, "categories")))
        parts.extend(preprocessing.encode_words(inputs, feature))
        outputs = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        network = dense.DenseBlock(
            units=ranges.Choice([64, 128, 256, 512], default=256), depth=ranges.Int(1, 4, default=2)
        )
        families = {"linear": spaces.identity, "dense": lambda: functools.partial(network.build, hp)}
        return spaces.family(self.kind, families, spaces.of_rows(hp))(hp, outputs)

    def _encoded_numbers(self, hp, inputs, feature):
        """What is laid beside the plain numbers; the encoding is chosen for all columns at once."""
        candidates = {
            "plain": lambda: lambda values: None,
            "piecewise_linear": lambda: (
                lambda values: numbers.piecewise_linear(
                    values, feature, hp.Choice("bins", [16, 32, 64, 128, 256], default=64)
                )
            ),
            "periodic": lambda: (
                lambda values: numbers.periodic(
                    values,
                    feature,
                    frequencies=hp.Choice("frequencies", [8, 16, 32], default=16),
                    sigma=hp.Float("sigma", 0.02, 2.0, sampling="log", default=0.2),
                    dimension=hp.Choice("dimension", [4, 8, 16], default=8),
                )
            ),
        }
        if self.numbers is not None:
            candidates = {self.numbers: candidates[self.numbers]}
        return decisions.LayerChoice("numbers", candidates)(hp, inputs)
