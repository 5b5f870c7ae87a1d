"""Preprocessing blocks: normalisation, encoding and augmentation of the tensors of the data pipeline."""

from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.data import resolution
from autonas.data.features import Feature
from autonas.search_space import block, concatenation, ranges
from autonas.search_space.block import Block
from autonas.search_space.blocks import numbers
from autonas.search_space.fitted import trees


class Normalization(block.Block):
    """Standardisation of images and series, per channel, with the mean and variance of the training set.

    In series, missing values become 0, and if the training set has any, a channel of 0 and 1 marks the observed steps.
    For a table, the block returns the standardised and imputed numerical columns.

    Args:
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.ConvolutionBlock()(autonas.Normalization()(inputs))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    takes_raw_inputs = True

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        feature = self.features[0]
        if feature.kind == "table":
            return numbers.impute(inputs["numbers"], feature)
        if feature.kind == "text":
            raise ValueError("Normalization takes images, series and tables. Received: text; use Embedding instead.")
        outputs = numbers.standardised(inputs, feature.statistics["mean"], feature.statistics["variance"])
        if not feature.statistics.get("has_missing", False):
            return outputs
        observed = ops.logical_not(ops.isnan(outputs))
        any_observed = ops.cast(ops.any(observed, axis=-1, keepdims=True), "float32")
        return ops.concatenate([ops.where(observed, outputs, 0.0), any_observed], axis=-1)


class TextVectorization(block.Block):
    """Token ids of a text, limited to the most frequent words and to the first tokens.

    The data pipeline converts strings to ids with the vocabulary of the input. The ids are sorted by frequency, so that
    a smaller vocabulary consists of the smaller ids.

    Args:
        max_tokens: Size of the vocabulary, or a range. Defaults to `None`: the vocabulary of the input.
        sequence_length: Number of tokens per text, or a range. Defaults to `None`: the length of the input.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TextInput()
    tokens = autonas.TextVectorization(max_tokens=5_000, sequence_length=64)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.Embedding(dimension=32)(tokens)))
    ```
    """

    takes_raw_inputs = True

    def __init__(
        self,
        max_tokens: int | ranges.Range | None = None,
        sequence_length: int | ranges.Range | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.max_tokens = max_tokens
        self.sequence_length = sequence_length

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        max_tokens = self.suggest(hp, "max_tokens")
        sequence_length = self.suggest(hp, "sequence_length")
        if max_tokens is not None:
            inputs = ops.where(inputs < max_tokens, inputs, 1)
        return inputs if sequence_length is None else inputs[:, :sequence_length]


class Embedding(block.Block):
    """Trainable embedding of the tokens of a text: ids `(n, length)` to vectors `(n, length, dimension)`.

    Args:
        dimension: Length of the vectors, or a range. Defaults to a choice of 32, 64 and 128.
        dropout: Spatial dropout rate of the vectors, or a range. Defaults to a choice of 0, 0.25 and 0.5.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TextInput()
    features = autonas.RecurrentBlock()(autonas.Embedding(dimension=32)(inputs))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    takes_raw_inputs = True

    def __init__(
        self,
        dimension: int | ranges.Range = ranges.Choice([32, 64, 128], default=64),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.25, 0.5]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.dimension = dimension
        self.dropout = dropout

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        size = self.features[0].statistics["vocabulary_size"]
        outputs = keras.layers.Embedding(size, self.suggest(hp, "dimension"))(inputs)
        rate = self.suggest(hp, "dropout")
        return keras.layers.SpatialDropout1D(rate)(outputs) if rate else outputs


class CategoricalEncoding(block.Block):
    """Encoding of a row of a table as a vector of imputed numbers, encoded categories and embedded words.

    Args:
        encoding: Encoding of the categorical columns, `"one_hot"` or `"embedding"`, or a range. Columns of more than 32
            categories are always embedded. Defaults to a choice of both.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    features = autonas.DenseBlock()(autonas.CategoricalEncoding("one_hot")(inputs))
    graph = autonas.Graph(inputs, autonas.RegressionHead()(features))
    ```
    """

    takes_raw_inputs = True

    def __init__(
        self,
        encoding: str | ranges.Range = ranges.Choice(["one_hot", "embedding"]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.encoding = encoding

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        feature = self.features[0]
        encodings = []
        if "numbers" in inputs:
            encodings.append(numbers.impute(inputs["numbers"], feature))
        encodings.extend(encode_categories(inputs, feature, self.suggest(hp, "encoding")))
        encodings.extend(encode_words(inputs, feature))
        return concatenation.joined(encodings)


class Augmentation(block.Block):
    """Random augmentation of images in training: translation, horizontal flip, rotation and zoom.

    Args:
        translation: Maximum translation as a fraction of the side, or a range. Images move by whole pixels. Defaults to
            a choice of 0 and 0.1.
        horizontal_flip: Whether to flip images horizontally at random, or a range. Defaults to `Boolean()`.
        rotation: Maximum rotation as a fraction of a full turn, or a range. Defaults to a choice of 0 and 0.03.
        zoom: Maximum relative change of the scale, or a range. Defaults to 0.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    images = autonas.Augmentation(translation=0.1, horizontal_flip=True)(autonas.Normalization()(inputs))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.ConvolutionBlock()(images)))
    ```
    """

    def __init__(
        self,
        translation: float | ranges.Range = ranges.Choice([0.0, 0.1], default=0.1),
        horizontal_flip: bool | ranges.Range = ranges.Boolean(),
        rotation: float | ranges.Range = ranges.Choice([0.0, 0.03]),
        zoom: float | ranges.Range = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.translation = translation
        self.horizontal_flip = horizontal_flip
        self.rotation = rotation
        self.zoom = zoom

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return augment(
            inputs,
            translation=self.suggest(hp, "translation"),
            horizontal_flip=self.suggest(hp, "horizontal_flip"),
            rotation=self.suggest(hp, "rotation"),
            zoom=self.suggest(hp, "zoom"),
        )


def augment(
    inputs: keras.KerasTensor,
    translation: float = 0.0,
    horizontal_flip: bool = False,
    rotation: float = 0.0,
    zoom: float = 0.0,
) -> keras.KerasTensor:
    """Apply the augmentations whose arguments aren't zero. Pixels beyond the border repeat the nearest pixel.

    The layers compute in float32: bfloat16 has 8 significant bits, too few for the coordinates of a pixel beyond 256.
    """
    arguments = {"fill_mode": "nearest", "dtype": "float32"}
    if horizontal_flip:
        inputs = keras.layers.RandomFlip("horizontal", dtype="float32")(inputs)
    if translation:
        # Shifts by whole pixels: others blur the images of the training, but not the images of a prediction.
        inputs = keras.layers.RandomTranslation(translation, translation, interpolation="nearest", **arguments)(inputs)
    if rotation:
        inputs = keras.layers.RandomRotation(rotation, **arguments)(inputs)
    if zoom:
        inputs = keras.layers.RandomZoom(zoom, **arguments)(inputs)
    return inputs


def averaged(images: keras.KerasTensor, largest_side: int) -> keras.KerasTensor:
    """Average squares of pixels, so that the shorter side of images has at most `largest_side` pixels."""
    stride = resolution.stride(images.shape[1:3], largest_side)
    return keras.layers.AveragePooling2D(stride, padding="same")(images) if stride > 1 else images


#: Maximum number of categories of a one-hot encoded column.
_MAX_ONE_HOT = 32
#: Maximum number of embedded categories. The other ones, which are less frequent, count as unknown.
_MAX_EMBEDDED = 1000
#: Maximum dimension of the embedding of a category.
_MAX_EMBEDDING = 32


def encode_categories(inputs: keras.KerasTensor, feature: Feature, encoding: str) -> list[keras.KerasTensor]:
    """Encode the categorical columns of a table.

    The dimension of the embedding of n categories is 1.6 n^0.56 (the rule of fast.ai), at most 32.

    Args:
        inputs: Dict of the tensors of the table.
        feature: The `autonas.data.Feature` of the table.
        encoding: `"one_hot"` or `"embedding"`.

    Returns:
        List of tensors `(n, length of the encoding)`, one for each column.
    """
    outputs = []
    for column, size in enumerate(feature.statistics.get("cardinalities", [])):
        codes = inputs["categories"][:, column]
        if size > _MAX_EMBEDDED:
            codes, size = ops.where(codes < _MAX_EMBEDDED, codes, 0), _MAX_EMBEDDED
        if encoding == "one_hot" and size <= _MAX_ONE_HOT:
            outputs.append(ops.one_hot(codes, size))
        else:
            dimension = max(1, min(_MAX_EMBEDDING, round(1.6 * size**0.56)))
            outputs.append(keras.layers.Embedding(size, dimension)(codes))
    return outputs


def encode_words(
    inputs: dict[str, keras.KerasTensor], feature: Feature, dimension: int = 16
) -> list[keras.KerasTensor]:
    """Encode the text columns of a table as TF-IDF-weighted sums of word embeddings, next to the vectors of strings.

    Words that occur in one or two rows get the weight 0, as in a column of a table they are mostly names.

    Args:
        inputs: Dict of the tensors of the table.
        feature: The `autonas.data.Feature` of the table.
        dimension: Length of the embedding. Defaults to 16.

    Returns:
        List of tensors `(n, dimension)`, one for each text column, after the vectors of all strings.
    """
    outputs = [inputs["strings"]] if "strings" in inputs else []
    for index, size in enumerate(feature.statistics.get("vocabulary_sizes", [])):
        tokens = inputs[f"tokens_{index}"]
        frequencies = np.array(feature.statistics["inverse_document_frequencies"][index])
        # The inverse document frequency is ln((1 + n) / (1 + df)) + 1, largest for words of one row (df = 1). Words of
        # df = 2 are ln(3 / 2) below and words of df = 3 are ln(4 / 2) below, so ln(1.6) separates them.
        frequencies[frequencies > frequencies.max() - np.log(1.6)] = 0.0
        weights = token_weights(tokens, frequencies)
        vectors = keras.layers.Embedding(size, dimension)(tokens)
        outputs.append(ops.sum(vectors * weights, axis=1))
    return outputs


def token_weights(tokens: keras.KerasTensor, inverse_document_frequency: np.ndarray) -> keras.KerasTensor:
    """Return the TF-IDF weights of tokens, normalised to Euclidean norm 1 over a text.

    Args:
        tokens: Token ids `(n, length)`, 0 for padding.
        inverse_document_frequency: Inverse document frequency of every token id.

    Returns:
        Tensor of shape `(n, length, 1)`, 0 for padding.
    """
    frequencies = np.array(inverse_document_frequency, "float32")
    frequencies[0] = 0.0
    # The sum of squares of a long text overflows float16.
    table = trees.table(len(frequencies), 1)
    table.set_weights([frequencies[:, None]])
    weights = table(tokens)
    return weights / ops.sqrt(ops.sum(ops.square(weights), axis=1, keepdims=True) + 1e-6)


def default_encoding(feature: Feature) -> Block:
    """Return the block that encodes the data of `feature` as one tensor, for blocks that don't take raw inputs."""
    blocks = {"image": Normalization, "series": Normalization, "table": CategoricalEncoding, "text": Embedding}
    return blocks[feature.kind]()
