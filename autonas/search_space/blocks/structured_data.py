"""Default block for tables."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.data.features import Feature
from autonas.search_space import block, concatenation, decisions, ranges
from autonas.search_space.blocks import (
    boosted_trees,
    dense,
    extra_trees,
    gaussian_process,
    lasso,
    logistic,
    numbers,
    preprocessing,
    ridge,
    spaces,
    tabm,
)
from autonas.search_space.fitted import averaging, boosting, tree_features

#: Tensors of a table that need no trained weights.
_FITTED_INPUTS = "numbers", "categories", "strings"
#: Additional encodings of numbers, the ones without trained weights first.
_ENCODINGS = "plain", "piecewise_linear", "periodic"
_FITTED_ENCODINGS = _ENCODINGS[:2]
#: Kinds of trees.
_TREES = "trees", "extra_trees"
#: Kinds of Gaussian processes, sparse linear models and logistic regressions.
_PROCESS, _LASSO, _LOGISTIC = "gaussian_process", "lasso", "logistic"
#: Maximum number of categories of a column that a ridge regression tells apart. The other ones are less frequent. More
#: categories would leave few rows in the memory that a ridge regression may take.
_MAX_ONE_HOT = 1024


class StructuredDataBlock(block.Block):
    """Encoding of the numbers, categories and words of a table, followed by a network that returns a vector.

    Args:
        kind: Model of the rows: `"linear"` (a `RidgeBlock` on the encoded columns, or a layer that is trained by
            gradient descent where it can't minimise the loss); `"logistic"` (a `LogisticBlock`, for classes);
            `"lasso"` (a `LassoBlock`, of few columns); `"dense"`, or the space of architectures `"layered"` (a
            `ResidualMLPBlock`), on the encoded columns; `"tabm"` (a `TabMBlock`, with an encoding of its own);
            `"trees"` (a `BoostedTreesBlock`); `"extra_trees"` (an `ExtraTreesBlock`); or `"gaussian_process"` (a
            `GaussianProcessBlock` on the encoded columns). Defaults to `None`: the search chooses between all of them
            but `"layered"`.
        numbers: Encoding of the numerical columns, in addition to the plain numbers: `"plain"` (none),
            `"piecewise_linear"` or `"periodic"` (Gorishniy et al. 2022). Defaults to `None`: the search chooses, and of
            more than 1,000 columns it is `"plain"`.
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
        families: dict[str, Callable[[], decisions.Layer]] = {
            "linear": functools.partial(self._linear, hp),
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
        families["tabm"] = lambda: functools.partial(self.bound(perceptrons).build, hp)
        forests = {
            "trees": (self.bound(boosted_trees.BoostedTreesBlock()), boosting.LOSSES),
            "extra_trees": (self.bound(extra_trees.ExtraTreesBlock()), averaging.LOSSES),
        }
        for label, (forest, losses) in forests.items():
            if self.kind == label or tree_features.unsuitable(forest, inputs, losses) is None:
                # The trees split the columns themselves, not their encoding.
                families[label] = functools.partial(functools.partial, forest.build, hp)
        sparse = self.bound(lasso.LassoBlock())
        if self.kind == _LASSO or self._regresses():
            families[_LASSO] = lambda: lambda columns: sparse.build(hp, self._fitted_encoding(columns))
        logit = self.bound(logistic.LogisticBlock())
        if self.kind == _LOGISTIC or self._classifies():
            families[_LOGISTIC] = lambda: lambda columns: logit.build(hp, self._fitted_encoding(columns))
        process = self.bound(gaussian_process.GaussianProcessBlock())
        if self.kind == _PROCESS or self._has_process():
            families[_PROCESS] = lambda: lambda columns: process.build(hp, self._fitted_encoding(columns))
        return spaces.family(self.kind, families, named)(hp, inputs)

    @property
    def fitted_kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        linear = ["linear", _LASSO] if self._regresses() else []
        process = [_PROCESS] if self._has_process() else []
        classes = [_LOGISTIC] if self._classifies() else []
        return (*linear, *_TREES, *process, *classes)

    def _regresses(self) -> bool:
        """Return whether the linear model is a ridge regression of columns that aren't all texts."""
        return ridge.unsuitable(self) is None and self._has_fitted_inputs()

    def _classifies(self) -> bool:
        """Return whether a logistic regression of columns that aren't all texts is a kind."""
        return logistic.unsuitable(self) is None and self._has_fitted_inputs()

    def _has_process(self) -> bool:
        """Return whether a Gaussian process of columns that aren't all texts is a kind."""
        return gaussian_process.unsuitable(self) is None and self._has_fitted_inputs()

    def _has_fitted_inputs(self) -> bool:
        return not self.features[0].tensors.keys().isdisjoint(_FITTED_INPUTS)

    def _linear(self, hp: keras_tuner.HyperParameters) -> decisions.Layer:
        """Return the linear model, a ridge regression where it can minimise the loss."""
        if not self._regresses():
            return lambda inputs: self._encoded(hp, inputs)
        regression = self.bound(ridge.RidgeBlock())

        def fitted(inputs: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
            encoded = None
            if "numbers" in inputs:
                encoded = self._encoded_numbers(hp, inputs["numbers"], self.features[0], _FITTED_ENCODINGS)
            return regression.build(hp, self._fitted_encoding(inputs, encoded))

        return fitted

    def _on_encoded(self, hp: keras_tuner.HyperParameters, network: decisions.Layer) -> Callable[[], decisions.Layer]:
        """Return the candidate of a `LayerChoice` that encodes the columns and applies a network to the rows."""
        return lambda: lambda inputs: network(self._encoded(hp, inputs))

    def _fitted_encoding(
        self, inputs: dict[str, keras.KerasTensor], encoded_numbers: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        """Return the columns as vectors, encoded without weights that are trained. Texts have their vectors of strings.

        The most frequent categories of a column are one-hot.

        Args:
            inputs: Tensors of the table.
            encoded_numbers: An additional encoding of the numbers. Defaults to `None`.
        """
        feature, encodings = self.features[0], []
        if "numbers" in inputs:
            encodings.append(numbers.impute(inputs["numbers"], feature))
        if encoded_numbers is not None:
            encodings.append(encoded_numbers)
        for column, size in enumerate(feature.statistics.get("cardinalities", [])):
            encodings.append(ops.one_hot(inputs["categories"][:, column], min(size, _MAX_ONE_HOT)))
        if "strings" in inputs:
            encodings.append(inputs["strings"])
        return concatenation.joined(encodings)

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
        return concatenation.joined(encodings)

    def _encoded_numbers(
        self,
        hp: keras_tuner.HyperParameters,
        inputs: keras.KerasTensor,
        feature: Feature,
        labels: Sequence[str] = _ENCODINGS,
    ) -> keras.KerasTensor | None:
        """Return the additional encoding of the numerical columns, the same for all columns, or `None`.

        Args:
            hp: As in `build`.
            inputs: Tensor of the numbers.
            feature: The `Feature` of the table.
            labels: The encodings among which the search chooses. Defaults to all. Of very many columns it is the first.
        """
        if inputs.shape[1] > numbers.MOST_COLUMNS:
            labels = labels[:1]
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
        candidates = {label: candidates[label] for label in ([self.numbers] if self.numbers else labels)}
        return decisions.LayerChoice("numbers", candidates)(hp, inputs)
