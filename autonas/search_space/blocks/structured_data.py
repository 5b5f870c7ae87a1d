"""Default block for tables."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.data.features import Feature
from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import boosted_trees, dense, numbers, preprocessing, spaces, tabm


class StructuredDataBlock(block.Block):
    """Encoding of the numbers, categories and words of a table, followed by a network that returns a vector.

    Args:
        kind: Network on the encoded row: `"linear"` (no layers: a linear model of the encoded columns), `"dense"`, or
            the space of architectures `"layered"` (a `ResidualMLPBlock`); or `"tabm"` (a `TabMBlock`, with an encoding
            of its own), or `"trees"` (a `BoostedTreesBlock`), on the columns as they are. Defaults to `None`: the
            search chooses between `"linear"`, `"dense"`, `"tabm"` and `"trees"`.
        numbers: Encoding of the numerical columns, in addition to the plain numbers: `"plain"` (none),
            `"piecewise_linear"` or `"periodic"` (Gorishniy et al. 2022). Defaults to `None`: the search chooses.
        categories: Encoding of the categorical columns, `"one_hot"` or `"embedding"`, or a range. Columns of more than
            32 categories are always embedded. Defaults to a choice of both.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    features = autonas.StructuredDataBlock(kind="dense", numbers="piecewise_linear")(inputs)
    graph = autonas.Graph(inputs, autonas.RegressionHead()(features))
    ```
    """

    takes_raw_inputs = True
    fitted_kinds = ("trees",)

    def __init__(
        self,
        kind: str | None = None,
        numbers: str | None = None,
        categories: str | ranges.Range = ranges.Choice(["one_hot", "embedding"]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind
        self.numbers = numbers
        self.categories = categories

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        network = dense.DenseBlock(
            units=ranges.Choice([64, 128, 256, 512], default=256), depth=ranges.Int(1, 4, default=2)
        )
        families = {
            "linear": self._on_encoded(hp, lambda encoded: encoded),
            "dense": self._on_encoded(hp, functools.partial(network.build, hp)),
        }
        named = {
            label: self._on_encoded(hp, functools.partial(space().build, hp)) for label, space in spaces.ROWS.items()
        }
        # Larger networks take minutes for an epoch of some 10,000 rows on one core.
        perceptrons = tabm.TabMBlock(
            members=ranges.Choice([4, 8, 16], default=8),
            units=ranges.Choice([64, 128, 256], default=128),
            depth=ranges.Int(1, 3, default=2),
        )
        perceptrons.features = self.features
        families["tabm"] = lambda: functools.partial(perceptrons.build, hp)
        boosting = boosted_trees.BoostedTreesBlock()
        boosting.features, boosting.heads, boosting.in_memory = self.features, self.heads, self.in_memory
        if self.kind == "trees" or boosted_trees.unsuitable(boosting, inputs) is None:
            # The trees split the columns themselves, not their encoding.
            families["trees"] = lambda: functools.partial(boosting.build, hp)
        return spaces.family(self.kind, families, named)(hp, inputs)

    def _on_encoded(self, hp: keras_tuner.HyperParameters, network: decisions.Layer) -> Callable[[], decisions.Layer]:
        """Return the candidate of a `LayerChoice` that encodes the columns and applies a network to the rows."""
        return lambda: lambda inputs: network(self._encoded(hp, inputs))

    def _encoded(self, hp: keras_tuner.HyperParameters, inputs: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        """Return the encoded columns as vectors."""
        feature = self.features[0]
        encodings = []
        if "numbers" in inputs:
            encodings.append(numbers.impute(inputs["numbers"], feature))
            encoded = self._encoded_numbers(hp, inputs["numbers"], feature)
            if encoded is not None:
                encodings.append(encoded)
        if "categories" in inputs:
            encodings.extend(preprocessing.encode_categories(inputs, feature, self.suggest(hp, "categories")))
        encodings.extend(preprocessing.encode_words(inputs, feature))
        return ops.concatenate(encodings, axis=-1) if len(encodings) > 1 else encodings[0]

    def _encoded_numbers(
        self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor, feature: Feature
    ) -> keras.KerasTensor:
        """Return the additional encoding of the numerical columns, the same for all columns, or `None`."""
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
                    frequencies=hp.Choice("frequencies", [8, 16, 32, 64], default=16),
                    sigma=hp.Float("sigma", 0.01, 30.0, sampling="log", default=0.2),
                    dimension=hp.Choice("dimension", [4, 8, 16], default=8),
                )
            ),
        }
        if self.numbers is not None:
            candidates = {self.numbers: candidates[self.numbers]}
        return decisions.LayerChoice("numbers", candidates)(hp, inputs)
