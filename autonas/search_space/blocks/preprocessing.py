"""Preprocessing blocks: from what the data pipeline delivers to one tensor of floats."""

import keras
import numpy as np
from keras import ops

from autonas.search_space import block, ranges
from autonas.search_space.blocks import numbers


class Normalization(block.Block):
    """Standardises images (per channel) and series (per channel; missing steps become 0, marked by a channel of 0/1).

    Mean and variance are those of the training part. On a table, only the numbers are used.

    Args:
        name: Name of the block.
    """

    takes_raw_inputs = True

    def build(self, hp, inputs):
        feature = self.features[0]
        if feature.kind == "table":
            return numbers.impute(inputs["numbers"], feature)
        if feature.kind == "text":
            raise ValueError("Normalization takes images, series and tables. Received: text; use Embedding instead.")
        mean, variance = feature.statistics["mean"], feature.statistics["variance"]
        # Before they are standardised, numbers need all their digits, whatever the precision of the layers behind.
        outputs = keras.layers.Normalization(axis=-1, mean=mean, variance=np.maximum(variance, 1e-12), dtype="float32")(
            inputs
        )
        if not feature.statistics.get("has_missing", False):
            return outputs
        observed = ops.logical_not(ops.isnan(outputs))
        any_observed = ops.cast(ops.any(observed, axis=-1, keepdims=True), "float32")
        return ops.concatenate([ops.where(observed, outputs, 0.0), any_observed], axis=-1)


class TextVectorization(block.Block):
    """Token ids of a text, cut to the most frequent words and the first of them.

    The data pipeline turns strings into ids once, with the input's vocabulary; ids are sorted by frequency, so that a
    smaller vocabulary is a bound on the id.

    Args:
        max_tokens: Vocabulary's size, or `None` for the input's. Defaults to `None`.
        sequence_length: Tokens of a text that are read, or `None` for the input's. Defaults to `None`.
        name: Name of the block.
    """

    takes_raw_inputs = True

    def __init__(self, max_tokens=None, sequence_length=None, name=None):
        super().__init__(name)
        self.max_tokens = max_tokens
        self.sequence_length = sequence_length

    def build(self, hp, inputs):
        max_tokens = self.suggest(hp, "max_tokens")
        sequence_length = self.suggest(hp, "sequence_length")
        if max_tokens is not None:
            inputs = ops.where(inputs < max_tokens, inputs, 1)
        return inputs if sequence_length is None else inputs[:, :sequence_length]


class Embedding(block.Block):
    """A learned vector for each token of a text, `(n, length)` ids to `(n, length, dimension)`.

    Args:
        dimension: Length of the vectors, or a range. Defaults to a choice of 32, 64 and 128.
        dropout: Rate of dropping whole channels of the vectors, or a range. Defaults to a choice of 0, 0.25 and 0.5.
        name: Name of the block.
    """

    takes_raw_inputs = True

    def __init__(
        self, dimension=ranges.Choice([32, 64, 128], default=64), dropout=ranges.Choice([0.0, 0.25, 0.5]), name=None
    ):
        super().__init__(name)
        self.dimension = dimension
        self.dropout = dropout

    def build(self, hp, inputs):
        size = self.features[0].statistics["vocabulary_size"]
        outputs = keras.layers.Embedding(size, self.suggest(hp, "dimension"))(inputs)
        rate = self.suggest(hp, "dropout")
        return keras.layers.SpatialDropout1D(rate)(outputs) if rate else outputs


class CategoricalEncoding(block.Block):
    """One vector for each row of a table: numbers imputed and standardised, categories and words encoded.

    Args:
        encoding: `"one_hot"` or `"embedding"` for the categories, or a range of them. Columns of more than 32
            categories are embedded in either case. Defaults to a choice of both.
        name: Name of the block.
    """

    takes_raw_inputs = True

    def __init__(self, encoding=ranges.Choice(["one_hot", "embedding"]), name=None):
        super().__init__(name)
        self.encoding = encoding

    def build(self, hp, inputs):
        feature = self.features[0]
        parts = []
        if "numbers" in inputs:
            parts.append(numbers.impute(inputs["numbers"], feature))
        parts.extend(encode_categories(inputs, feature, self.suggest(hp, "encoding")))
        parts.extend(encode_words(inputs, feature))
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


class Augmentation(block.Block):
    """Random changes of images in training: shifts, flips, rotations and zooms.

    Args:
        translation: Largest shift as a share of the side, or a range. Defaults to a choice of 0, 0.1.
        horizontal_flip: Whether to mirror left and right, or a range. Defaults to `Boolean()`.
        rotation: Largest rotation as a share of a full turn, or a range. Defaults to a choice of 0, 0.03.
        zoom: Largest change of scale, or a range. Defaults to 0.
        name: Name of the block.
    """

    def __init__(
        self,
        translation=ranges.Choice([0.0, 0.1], default=0.1),
        horizontal_flip=ranges.Boolean(),
        rotation=ranges.Choice([0.0, 0.03]),
        zoom=0.0,
        name=None,
    ):
        super().__init__(name)
        self.translation = translation
        self.horizontal_flip = horizontal_flip
        self.rotation = rotation
        self.zoom = zoom

    def build(self, hp, inputs):
        return augment(
            inputs,
            translation=self.suggest(hp, "translation"),
            horizontal_flip=self.suggest(hp, "horizontal_flip"),
            rotation=self.suggest(hp, "rotation"),
            zoom=self.suggest(hp, "zoom"),
        )


def augment(inputs, translation=0.0, horizontal_flip=False, rotation=0.0, zoom=0.0):
    """Applies the random changes that aren't zero; the border is filled with its nearest pixels.

    In float32: eight bits don't tell the pixels of an image of 300 apart, between which it would read.
    """
    arguments = {"fill_mode": "nearest", "dtype": "float32"}
    if horizontal_flip:
        inputs = keras.layers.RandomFlip("horizontal", dtype="float32")(inputs)
    if translation:
        inputs = keras.layers.RandomTranslation(translation, translation, **arguments)(inputs)
    if rotation:
        inputs = keras.layers.RandomRotation(rotation, **arguments)(inputs)
    if zoom:
        inputs = keras.layers.RandomZoom(zoom, **arguments)(inputs)
    return inputs


#: Categories of a column beyond which one-hot vectors give way to embeddings.
_MAX_ONE_HOT = 32


def encode_categories(inputs, feature, encoding):
    """One tensor for each column of categories, embedded or one-hot.

    The dimension of an embedding is 1.6 n^0.56, at most 32, for n categories (fast.ai's rule).
    """
    outputs = []
    for column, size in enumerate(feature.statistics.get("cardinalities", [])):
        codes = inputs["categories"][:, column]
        if encoding == "one_hot" and size <= _MAX_ONE_HOT:
            outputs.append(ops.one_hot(codes, size))
        else:
            dimension = max(1, min(32, round(1.6 * size**0.56)))
            outputs.append(keras.layers.Embedding(size, dimension)(codes))
    return outputs


def encode_words(inputs, feature, dimension=16):
    """One tensor for each column of free text: the mean of its words' embeddings, rarer words weighing more, but those
    of one or two rows nothing: in a column of a table they are mostly names."""
    outputs = []
    for index, size in enumerate(feature.statistics.get("vocabulary_sizes", [])):
        tokens = inputs[f"tokens_{index}"]
        frequencies = np.array(feature.statistics["inverse_document_frequencies"][index])
        # Of idf = ln((1 + n) / (1 + df)) + 1, the largest is that of words of one row.
        frequencies[frequencies > frequencies.max() - np.log(1.6)] = 0.0
        weights = token_weights(tokens, frequencies)
        vectors = keras.layers.Embedding(size, dimension)(tokens)
        outputs.append(ops.sum(vectors * weights, axis=1))
    return outputs


def token_weights(tokens, inverse_document_frequency):
    """TF-IDF weights of the tokens `(n, length, 1)`, of unit Euclidean norm over a text; padding weighs nothing."""
    frequencies = np.array(inverse_document_frequency, "float32")
    frequencies[0] = 0.0
    # Squares of a long text add up to more than float16 holds.
    table = keras.layers.Embedding(
        len(frequencies), 1, embeddings_initializer="zeros", trainable=False, dtype="float32"
    )
    table.build()
    table.embeddings.assign(frequencies[:, None])
    weights = table(tokens)
    return weights / ops.sqrt(ops.sum(ops.square(weights), axis=1, keepdims=True) + 1e-6)


def default_encoding(feature):
    """The block that encodes an input of a kind for blocks that take one tensor."""
    blocks = {"image": Normalization, "series": Normalization, "table": CategoricalEncoding, "text": Embedding}
    return blocks[feature.kind]()
