"""Kernel ridge regression or classification of vectors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.arguments import checks
from autonas.search_space import block, calibration, ranges
from autonas.search_space.blocks import arguments, reduction, ridge
from autonas.search_space.fitted import fitters, kernel_ridge
from autonas.search_space.fitted import ridge as linear
from autonas.search_space.fitted.fitters import Rows

#: Default range of the largest number of training rows. The factor of 10,000 rows takes 200 MB.
ROWS = ranges.Choice([2500, 5000, 10_000], default=10_000)
#: Largest number of principal directions, largest number of their values, 16 MB, and number of rows from which they are
#: computed.
_MOST_DIRECTIONS, _MOST_VALUES, _DIRECTION_ROWS = 512, 4_000_000, 1000
#: Number of rows by which the penalty is chosen, and up to which each row is left out.
_FEW_ROWS = 1500
#: Number of rows of a strip of the factor.
_STRIP = 512
#: Share of the time until the deadline in which rows are added.
_SHARE = 0.5


class KernelRidgeBlock(block.Block):
    """Kernel ridge regression of features, fitted in closed form, that predicts the target itself.

    The features are standardised, and projected onto at most 512 principal directions, fewer of very many features.
    With the cosine c of two rows, their covariance is exp(c - 1) - exp(-1), that is, a sum of all powers of the cosine.
    On the features of a `RandomPatchBlock` of images, a kernel ridge regression is more accurate than a
    `RidgeBlock`. The penalty is the best one in leave-one-out cross-validation on some of the training rows. Classes
    are regressed as -1 and 1, and left-out rows scale their scores so that the probabilities have a low log loss.

    The prediction is a weighted sum of the covariances with the training rows, which are weights of the network. The
    time to fit grows with the cube of their number, so that with more rows there is a random sample. The costs of a
    candidate, such as `"params"`, are those of the largest number of rows; the network that is served has only the rows
    that are used.

    Series and feature maps are averaged to vectors first. A head that is connected to the block adds no weights of its
    own.

    Args:
        rows: Largest number of training rows, or a range. Defaults to a choice of 2,500, 5,000 and 10,000.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.RandomPatchBlock(filters=200, mirrored=True)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.KernelRidgeBlock()(features)))
    ```
    """

    is_fitted = True

    def __init__(self, rows: int | ranges.Range = ROWS, name: str | None = None) -> None:
        super().__init__(name)
        self.rows = rows

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        head_name, head = fitters.only_head(self, ridge.unsuitable(self))
        rows = self.suggest(hp, "rows")
        checks.check_integer("rows", rows, 1, "a positive integer, or a range of them")
        features = reduction.to_float32_vector(arguments.one_tensor(self, inputs))
        directions = Directions(features, head_name).attached()
        return KernelRidge(directions, head_name, head.target, rows).attached()


class Directions(fitters.Fitter):
    """Standardisation of features and projection onto their principal directions, of which there are fewer.

    The features of all rows, which may take hundreds of megabytes, are then never in memory together.

    Args:
        inputs: Symbolic tensor of the features, `(n, features)`.
        head: Name of the head.
    """

    uses_validation = False
    reads_targets = False
    most_rows = _DIRECTION_ROWS

    def __init__(self, inputs: keras.KerasTensor, head: str) -> None:
        super().__init__(inputs, head)
        self.standardization = keras.layers.BatchNormalization(
            center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32"
        )
        n_features = inputs.shape[1]
        n_directions = min(_MOST_DIRECTIONS, n_features, max(1, _MOST_VALUES // n_features))
        self.projection = _dense(n_directions, use_bias=False)

    def attached(self) -> keras.KerasTensor:
        """Connect the layers to the features, attach the fitter, and return the projections, divided by their lengths.

        Returns:
            A symbolic tensor `(n, directions)`.
        """
        fitters.attach(self, self.projection)
        projections = self.projection(self.standardization(self.inputs))
        return keras.layers.UnitNormalization(dtype="float32")(projections)

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        mean, scale = linear.scales(training.inputs, training.weights)
        basis = kernel_ridge.directions((training.inputs - mean) / scale, self.projection.units, generator)
        self.standardization.set_weights([mean, scale**2])
        self.projection.set_weights([basis])
        return {}


class KernelRidge(fitters.Fitter):
    """Kernel ridge regression that sets the weights of the covariances with the training rows.

    Args:
        inputs: Symbolic tensor of vectors of length 1, `(n, directions)`.
        head: Name of the head.
        target: The head's `Target`.
        n_rows: Largest number of rows.
    """

    uses_validation = False
    fits_all_rows = True

    def __init__(self, inputs: keras.KerasTensor, head: str, target: Any, n_rows: int) -> None:
        super().__init__(inputs, head)
        self.task, self.n_outputs = target.task, target.n_outputs
        self.most_rows = self.n_rows = n_rows
        self.products, self.factors = _dense(n_rows, use_bias=False), _dense(self.n_outputs)
        #: Weights of the layer `factors` for training and validation rows together, or `None`.
        self._final: list[np.ndarray] | None = None

    def attached(self) -> Any:
        """Connect the layers to the features, attach the fitter, and return the prediction of a block."""
        self.outputs = _weighted(self.inputs, self.products, self.factors)
        fitters.attach(self, self.factors)
        return block.as_prediction(self.outputs)

    def reduced(self) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
        (rows,), (factors, intercepts) = self.products.get_weights(), self.factors.get_weights()
        used = np.any(factors != 0.0, axis=1)
        used[0] = True  # There is a row, also if the targets are all equal.

        def call(inputs: keras.KerasTensor) -> keras.KerasTensor:
            products, of_used = _dense(int(used.sum()), use_bias=False), _dense(self.n_outputs)
            outputs = _weighted(inputs, products, of_used)
            products.set_weights([rows[:, used]])
            of_used.set_weights([factors[used], intercepts])
            return outputs

        return call

    def leaves_one_out(self, n_rows: int) -> bool:
        return n_rows <= min(_FEW_ROWS, self.n_rows)

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        now = time.monotonic()
        until = None if deadline is None else now + _SHARE * (deadline - now)
        self._fit(training, validation, generator, until)
        return {}

    def _fit(self, training: Rows, validation: Rows, generator: np.random.Generator, until: float | None) -> None:
        """Set the weights by as many rows as can be added until the value `until` of `time.monotonic()`."""
        n_training = len(training.targets)
        # The order of few rows, which are left out one by one, stays.
        order = np.arange(n_training) if n_training <= _FEW_ROWS else generator.permutation(n_training)
        rows = np.concatenate([training.inputs[order], validation.inputs])
        targets, weights = self._targets(training, validation, order)
        intercept = np.average(targets[:n_training], axis=0, weights=training.weights)
        targets -= intercept
        few = slice(min(n_training, _FEW_ROWS))
        penalty = kernel_ridge.best_penalty(rows[few], targets[few], weights[few])
        factor = kernel_ridge.Factor(rows, targets, weights, penalty)
        _extend(factor, n_training, until)
        coefficients, n_used = factor.coefficients(), factor.n_rows
        left_out = factor.left_out() + intercept
        last = order[n_used - len(left_out) : n_used]
        factors = calibration.factors(
            left_out, training.targets[last], self.task, None if training.weights is None else training.weights[last]
        )
        self.left_out = left_out * factors
        known = rows[n_training:]
        predictions = kernel_ridge.covariances(known, rows[:n_used]) @ coefficients + intercept
        self.validated = predictions * factors if len(known) else None
        self._final = None
        if len(known) and n_used == n_training:
            _extend(factor, len(rows), until)
            if factor.n_rows == len(rows):
                self._final = self._weights(factor.coefficients() * factors, intercept * factors)
        self.products.set_weights([np.pad(rows, ((0, self.n_rows - len(rows)), (0, 0))).T])
        self.factors.set_weights(self._weights(coefficients * factors, intercept * factors))

    def use_all_rows(self) -> bool:
        if self._final is None:
            return False
        self.factors.set_weights(self._final)
        self.validated = None
        return True

    def _targets(self, training: Rows, validation: Rows, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return targets of the regression, `(n, outputs)`, and weights of training rows in an order and of others."""
        columns = [part.columns(self.n_outputs) for part in (training, validation)]
        targets = np.concatenate([columns[0][order], columns[1]]).astype("float32")
        weights = np.ones(len(targets))
        if training.weights is not None:
            weights = np.concatenate([training.weights[order], validation.weights]) / training.weights.mean()
        return targets if self.task == "regression" else 2.0 * targets - 1.0, weights

    def _weights(self, coefficients: np.ndarray, intercept: np.ndarray) -> list[np.ndarray]:
        """Return the weights of the layer `factors` for coefficients of the first rows, `(n, outputs)`."""
        bias = intercept - np.exp(-1.0) * coefficients.sum(axis=0)
        return [np.pad(coefficients, ((0, self.n_rows - len(coefficients)), (0, 0))), bias]


def _dense(units: int, **kwargs: Any) -> keras.layers.Dense:
    """Return a dense layer whose weights are set by a fitter."""
    return keras.layers.Dense(units, kernel_initializer="zeros", trainable=False, dtype="float32", **kwargs)


def _weighted(rows: keras.KerasTensor, products: keras.layers.Dense, factors: keras.layers.Dense) -> keras.KerasTensor:
    """Return weighted sums of exponentials by the layers of the products with other rows and of their factors."""
    return factors(ops.exp(products(rows) - 1.0))


def _extend(factor: kernel_ridge.Factor, stop: int, until: float | None) -> None:
    """Extend a factor to the rows before a position, in strips, until `time.monotonic()` is `until`."""
    start = factor.n_rows
    n_strips = 1 if stop <= _FEW_ROWS else -(-(stop - start) // _STRIP)
    for end in np.linspace(start, stop, n_strips + 1).astype(int)[1:]:
        if factor.n_rows and until is not None and time.monotonic() >= until:
            break
        factor.extend(int(end))
