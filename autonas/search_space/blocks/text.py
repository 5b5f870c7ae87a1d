"""Default block for texts."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import linear_text, preprocessing, recurrent, spaces, transformer


class TextBlock(block.Block):
    """Embedding of the tokens of a text, followed by a network that returns a vector, or a linear model.

    Args:
        kind: Family of the network, `"linear"` (a logistic or ridge regression on the TF-IDF weights of words, word
            pairs, capitals, digits, punctuation and 2 to 5 neighbouring characters, fitted by scikit-learn; it predicts
            the target itself; the search of classes also scales the features by naive Bayes), `"bag"`
            (TF-IDF-weighted sum of the embeddings of words and word pairs), `"convolution"`, `"bag_and_convolution"`,
            `"recurrent"` or `"transformer"`, or the name of a space of architectures, `"chain"`, `"cell"`,
            `"hierarchical"` or `"layered"`. Defaults to `None`: the search chooses the family.
        dimension: Length of the embedding of a word, or a range. Defaults to a choice of 32, 64 and 128.
        dropout: Dropout rate of whole words (`"bag"`) or whole channels of the embeddings (other networks), or a range.
            Defaults to a choice of 0, 0.25 and 0.5.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TextInput()
    features = autonas.TextBlock(kind="transformer", dimension=32)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    takes_raw_inputs = True
    takes_ngrams = True
    fitted_kinds = ("linear",)

    def __init__(
        self,
        kind: str | None = None,
        dimension: int | ranges.Range = ranges.Choice([32, 64, 128], default=64),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.25, 0.5], default=0.25),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind
        self.dimension = dimension
        self.dropout = dropout

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        return spaces.drawing(self.kind, prefix)

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        statistics = self.features[0].statistics

        def embed(tokens: keras.KerasTensor) -> keras.KerasTensor:
            dimension, dropout = self.suggest(hp, "dimension"), self.suggest(hp, "dropout")
            outputs = keras.layers.Embedding(statistics["vocabulary_size"], dimension)(tokens)
            return keras.layers.SpatialDropout1D(dropout)(outputs) if dropout else outputs

        def recurrent_network(tokens: keras.KerasTensor) -> keras.KerasTensor:
            network = recurrent.RecurrentBlock(return_sequences=True, depth=1)
            return masked_reduction(network.build(hp, embed(tokens)), token_mask(tokens))

        def transformer_network(tokens: keras.KerasTensor) -> keras.KerasTensor:
            outputs = transformer.TransformerBlock().build(hp, embed(tokens))
            return masked_reduction(outputs, transformer.pool_mask(token_mask(tokens)))

        families: dict[str, Callable[[], decisions.Layer]] = {
            "bag_and_convolution": lambda: (
                lambda tokens: ops.concatenate([self._bag(hp, tokens), self._convolution(hp, embed, tokens)], axis=-1)
            ),
            "bag": lambda: functools.partial(self._bag, hp),
            "convolution": lambda: functools.partial(self._convolution, hp, embed),
            "recurrent": lambda: recurrent_network,
            "transformer": lambda: transformer_network,
        }
        networks = {
            name: lambda network=network: lambda tokens: network()(embed(tokens))
            for name, network in spaces.of_maps_and_series(hp).items()
        }
        tokens = inputs["tokens"] if isinstance(inputs, dict) else inputs
        if self.kind == "linear" or linear_text.unsuitable(self, inputs) is None:
            # The linear model reads n-grams instead of tokens.
            families["linear"] = lambda: lambda _: self._linear(hp, inputs)
        return spaces.family(self.kind, families, networks)(hp, tokens)

    def _linear(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        """Apply a linear model, in a classification with or without the scaling of naive Bayes."""
        tasks = [head.target.task for head in self.heads.values()]
        return linear_text.scores(self, inputs, tasks != ["regression"] and hp.Boolean("ratios"))

    def _bag(self, hp: keras_tuner.HyperParameters, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """Apply a bag of words and hashed word pairs with TF-IDF weights (fastText, Joulin et al. 2017)."""
        statistics = self.features[0].statistics
        dimension, dropout = self.suggest(hp, "dimension"), self.suggest(hp, "dropout")
        if dropout:
            keep = keras.layers.Dropout(dropout)(ops.ones_like(tokens, dtype="float32"))
            tokens = ops.where(keep > 0, tokens, 0)
        weights = preprocessing.token_weights(tokens, statistics["inverse_document_frequency"])
        words = keras.layers.Embedding(statistics["vocabulary_size"], dimension)(tokens)
        outputs = ops.sum(words * weights, axis=1)
        if not hp.Boolean("pairs") or tokens.shape[1] < 2:
            return outputs
        buckets = 50_000
        left, right = tokens[:, :-1], tokens[:, 1:]
        pairs = (left * 7919 + right) % buckets
        present = ops.cast(ops.logical_and(left > 0, right > 0), "float32")[..., None]
        vectors = keras.layers.Embedding(buckets, dimension)(pairs)
        pairs_sum = ops.sum(vectors * present, axis=1) / ops.sqrt(1.0 + ops.sum(present, axis=1))
        return outputs + pairs_sum

    @staticmethod
    def _convolution(
        hp: keras_tuner.HyperParameters, embed: decisions.Layer, tokens: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Apply convolutions of widths 2, 3 and 4 with global max pooling (Kim 2014)."""
        embedded = embed(tokens)
        filters = hp.Choice("filters", [32, 64, 128], default=64)
        outputs = [
            keras.layers.GlobalMaxPooling1D()(
                keras.layers.Conv1D(filters, min(width, tokens.shape[1]), padding="same", activation="relu")(embedded)
            )
            for width in (2, 3, 4)
        ]
        return ops.concatenate(outputs, axis=-1)


def token_mask(tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mask of token ids `(n, length)`, 0 for padding, as floats `(n, length, 1)`."""
    return ops.cast(tokens > 0, "float32")[..., None]


def masked_reduction(outputs: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """Return the concatenated mean and maximum over the unpadded steps, `(n, 2 * channels)`.

    Args:
        outputs: Series `(n, steps, channels)`.
        mask: Mask of the steps, floats `(n, steps, 1)`, 0 for padding.
    """
    mean = ops.sum(outputs * mask, axis=1) / (1.0 + ops.sum(mask, axis=1))
    maximum = ops.max(outputs * mask, axis=1)
    return ops.concatenate([mean, maximum], axis=-1)
