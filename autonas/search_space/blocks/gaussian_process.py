"""Gaussian process of few rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from autonas.arguments import checks
from autonas.search_space import block, calibration, losses, ranges
from autonas.search_space.blocks import arguments, reduction
from autonas.search_space.fitted import fitters, gaussian_process
from autonas.search_space.fitted.fitters import Rows

if TYPE_CHECKING:
    import keras_tuner

#: Largest number of features of all rows together, 8 MB of float32.
_MOST_VALUES = 2_000_000
#: Number of classes up to which the number of rows isn't reduced.
_FEW_CLASSES = 2
#: Share of the time until the deadline in which the kernel is chosen.
_SHARE = 0.5
#: Names of the losses of a head that the posterior mean makes small.
LOSSES = ("mean_squared_error", *losses.OF_CLASSES)


class GaussianProcessBlock(block.Block):
    """Gaussian process that predicts the target itself (Rasmussen and Williams 2006).

    With up to some thousand rows, a Gaussian process is often the best single model, and it takes a second to fit. The
    covariance of two rows depends on their distance, and has a linear and a constant part; see
    `gaussian_process.Kernel`. The hyperparameters have the highest marginal likelihood of the training rows, and need
    no validation set. Numbers have the mean of the posterior. Each class has the score of the highest posterior, by
    Laplace's approximation; one factor of all scores, chosen by leave-one-out cross-validation, makes the log loss of
    the probabilities low.

    The mean is a weighted sum of the covariances with the training rows, which are weights of the network. The time to
    fit grows with the cube of their number, so that with more rows there is a random sample. The costs of a candidate,
    such as `"params"`, are those of the largest number of rows; the network that is served has only the rows that are
    used.

    All features count alike in the distance of two rows, and must have comparable scales, such as standardised numbers
    and one-hot categories. Series and feature maps are averaged to vectors first. A head that is connected to the block
    adds no weights of its own.

    Args:
        rows: Largest number of training rows, or a range. There are fewer with more than two classes, since each class
            takes as much time to fit, and with more than some thousand features. Defaults to 1,500.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    numbers = autonas.GaussianProcessBlock()(inputs)
    graph = autonas.Graph(inputs, autonas.RegressionHead()(numbers))
    ```
    """

    is_fitted = True

    def __init__(self, rows: int | ranges.Range = 1500, name: str | None = None) -> None:
        super().__init__(name)
        self.rows = rows

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        head_name, head = fitters.only_head(self, unsuitable(self))
        rows = self.suggest(hp, "rows")
        checks.check_integer("rows", rows, 1, "a positive integer, or a range of them")
        features = reduction.to_float32_vector(arguments.one_tensor(self, inputs))
        task, n_outputs = head.target.task, head.target.n_outputs
        if task != "regression":  # Each class has a posterior of its own.
            rows = max(1, int(rows / np.cbrt(max(1.0, n_outputs / _FEW_CLASSES))))
        return Process(features, head_name, task, n_rows=rows, n_outputs=n_outputs).attached()


def unsuitable(member: block.Block) -> str | None:
    """Return why a Gaussian process can't predict the target of a block of a bound graph, or `None`."""
    return fitters.unsuitable(member, "Gaussian processes", LOSSES)


class Process(fitters.Fitter):
    """Gaussian process that sets the weights of a `_Means`.

    Args:
        inputs: Symbolic tensor of the features, `(n, features)`.
        head: Name of the head.
        task: Task of the head's `Target`.
        n_rows: Largest number of rows.
        n_outputs: Number of outputs.
    """

    uses_validation = False

    def __init__(self, inputs: keras.KerasTensor, head: str, task: str, *, n_rows: int, n_outputs: int) -> None:
        super().__init__(inputs, head)
        self.task = task
        self.means = _Means(min(n_rows, max(1, _MOST_VALUES // inputs.shape[1])), n_outputs)
        self.most_rows = self.means.n_rows

    def attached(self) -> Any:
        """Connect the means to the features, attach the fitter to them, and return the prediction of a block."""
        self.outputs = self.means(self.inputs)
        fitters.attach(self, self.means.factors)
        return block.as_prediction(self.outputs)

    def reduced(self) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
        return self.means.of_used_rows()

    def leaves_one_out(self, n_rows: int) -> bool:
        return n_rows <= self.means.n_rows

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        return dataclasses.asdict(self._fit(training, None, generator, deadline))

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        self._fit(training, gaussian_process.Kernel(**choices), generator, deadline)

    def _fit(
        self,
        training: Rows,
        kernel: gaussian_process.Kernel | None,
        generator: np.random.Generator,
        deadline: float | None,
    ) -> gaussian_process.Kernel:
        """Set the weights of the means, and return the kernel, the most likely one unless it is given."""
        weights = np.ones(len(training.inputs)) if training.weights is None else training.weights
        weights = weights / weights.mean()
        mean = np.average(training.inputs, axis=0, weights=weights)
        deviation = _deviation(training.inputs - mean, weights)
        rows = (training.inputs - mean) / deviation
        observed, center, spread = self._observed(training.columns(self.means.n_outputs), weights)
        if kernel is None:
            now = time.monotonic()
            until = None if deadline is None else now + _SHARE * (deadline - now)
            order = generator.permutation(len(rows))
            kernel = gaussian_process.most_likely_kernel(rows[order], observed.where(order), until)
        posteriors = observed.posteriors(kernel, rows @ rows.T)
        left_out = np.concatenate([posterior.left_out() for posterior in posteriors], axis=1)
        coefficients = np.concatenate([posterior.coefficients for posterior in posteriors], axis=1)
        factors = spread * calibration.factors(left_out, training.targets, self.task, training.weights)
        self.left_out = center + left_out * factors
        exponentials, slopes, intercept = kernel.parts(rows, coefficients * factors)
        length = kernel.length
        self.means.set((mean, length * deviation), rows / length, exponentials, (slopes * length, intercept + center))
        return kernel

    def _observed(self, targets: np.ndarray, weights: np.ndarray) -> tuple[gaussian_process.Observed, Any, Any]:
        """Return the targets of the process, and the center and the spread of the outputs for it."""
        if self.task != "regression":
            return gaussian_process.Observed("classes", targets.astype("float64"), weights), 0.0, 1.0
        center = np.average(targets, axis=0, weights=weights)
        spread = np.sqrt(np.average((targets - center) ** 2, axis=0, weights=weights))
        spread = np.where(spread > 0, spread, 1.0)
        return gaussian_process.Observed("numbers", (targets - center) / spread, weights), center, spread


class _Means:
    """Posterior means as a function of features, in Keras layers without trained weights.

    With the features z, standardised and divided by the length of the kernel, and the training rows a, the exponent
    -|z - a|^2 / 2 is z'a - |a|^2 / 2 - |z|^2 / 2, a dense layer without the last term.

    Args:
        n_rows: Largest number of training rows.
        n_outputs: Number of outputs.
    """

    def __init__(self, n_rows: int, n_outputs: int) -> None:
        self.n_rows = n_rows
        self.n_outputs = n_outputs
        self.standardization = keras.layers.BatchNormalization(
            center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32"
        )
        self.exponents = keras.layers.Dense(n_rows, kernel_initializer="zeros", trainable=False, dtype="float32")
        #: Layer of the factors of the exponentials.
        self.factors = keras.layers.Dense(n_outputs, kernel_initializer="zeros", trainable=False, dtype="float32")
        self.slopes = keras.layers.Dense(
            n_outputs, use_bias=False, kernel_initializer="zeros", trainable=False, dtype="float32"
        )

    def __call__(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Return the means for features, `(n, outputs)`."""
        scaled = self.standardization(features)
        exponents = self.exponents(scaled) - 0.5 * ops.sum(scaled**2, axis=-1, keepdims=True)
        return self.factors(ops.exp(ops.minimum(exponents, 0.0))) + self.slopes(scaled)

    def set(
        self,
        scaling: tuple[np.ndarray, float],
        rows: np.ndarray,
        factors: np.ndarray,
        linear: tuple[np.ndarray, np.ndarray],
    ) -> None:
        """Set the weights.

        Args:
            scaling: Mean of each feature, `(features,)`, and divisor of all features.
            rows: Scaled training rows, `(n, features)`, at most `n_rows`.
            factors: Factor of each row's exponential in each output, `(n, outputs)`.
            linear: Slopes, `(features, outputs)`, and intercepts, `(outputs,)`.
        """
        mean, divisor = scaling
        slopes, intercepts = linear
        unused = ((0, self.n_rows - len(rows)), (0, 0))
        self.standardization.set_weights([mean, np.full(len(mean), divisor**2)])
        self.exponents.set_weights([np.pad(rows, unused).T, np.pad(-0.5 * np.sum(rows**2, axis=1), unused[0])])
        self.factors.set_weights([np.pad(factors, unused), intercepts])
        self.slopes.set_weights([slopes])

    def of_used_rows(self) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
        """Return the same function, in other layers, without the rows that aren't used."""
        rows, halves = self.exponents.get_weights()
        factors, intercepts = self.factors.get_weights()
        used = np.any(factors != 0.0, axis=1)
        used[0] |= not used.any()  # A constant target needs no row, and a layer has at least one unit.
        smaller = _Means(int(used.sum()), self.n_outputs)

        def call(features: keras.KerasTensor) -> keras.KerasTensor:
            outputs = smaller(features)
            smaller.standardization.set_weights(self.standardization.get_weights())
            smaller.exponents.set_weights([rows[:, used], halves[used]])
            smaller.factors.set_weights([factors[used], intercepts])
            smaller.slopes.set_weights(self.slopes.get_weights())
            return outputs

        return call


def _deviation(centred: np.ndarray, weights: np.ndarray) -> float:
    """Return the root of the total variance of features of mean 0, or 1 for constant features."""
    variance = np.average(np.sum(centred**2, axis=1, dtype="float64"), weights=weights)
    return float(np.sqrt(variance)) if variance > 0 else 1.0
