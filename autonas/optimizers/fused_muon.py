"""Muon for the kernels of convolutions, and AdamW on one flat vector of the other weights."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from autonas.optimizers import fused_adam

#: Coefficients of the iteration that makes a matrix orthogonal, and number of iterations.
_COEFFICIENTS, _ITERATIONS = (3.4445, -4.7750, 2.0315), 3
#: Added to the norm of a matrix before the division.
_EPSILON = 1e-7


@keras.saving.register_keras_serializable(package="autonas")
class FusedMuon(fused_adam.FusedAdamW):
    """Muon (Jordan et al. 2024) for the kernels of 2D convolutions, and `FusedAdamW` for all other weights.

    The kernel `(height, width, channels, filters)` of a convolution is a matrix W with a column for each filter. Let G
    be its gradient. The update is

      V <- mu V + G,   U = orth(G + mu V),   W <- W sqrt(filters) / |W|,   W <- W - f lr U,

    with the Frobenius norm |W|. The matrix orth(M) has about the singular vectors of M and singular values near 1. With
    X = M / |M|, it is the result of three iterations X <- a X + (b A + c A^2) X, where A = X X^T (Newton-Schulz). A
    convolution learns in all directions at the same speed, and needs fewer steps than with Adam.

    The other weights, to which the kernel of a convolution with one filter for each channel belongs, are trained by
    AdamW at the rate f lr.

    Args:
        learning_rate: Learning rate lr. Defaults to 0.001.
        weight_decay: Weight decay of `FusedAdamW`. Defaults to 0.
        momentum: The factor mu. Defaults to 0.85.
        factor: The factor f of the learning rate. Defaults to 10: the learning rates that suit AdamW then suit Muon.
        clip_norm: Upper bound of the global norm of the gradients of all other weights. Defaults to `None`: no
            clipping.
        compute_dtype: Type of the numbers in the iterations, `"float32"` or `"bfloat16"`. Defaults to `"float32"`.
        name: Name of the optimizer.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        momentum: float = 0.85,
        factor: float = 10.0,
        clip_norm: float | None = None,
        compute_dtype: str = "float32",
        name: str = "fused_muon",
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm=clip_norm, name=name)
        self.momentum = momentum
        self.factor = factor
        self.compute_dtype = compute_dtype

    def is_fused(self, variable: keras.Variable) -> bool:
        return super().is_fused(variable) and not _is_convolution(variable)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = {
            id(variable): self.add_variable_from_reference(variable, name="velocity")
            for variable in variables
            if _is_convolution(variable)
        }

    def change(self, gradient: Any, decay: Any, learning_rate: Any) -> Any:
        return super().change(gradient, decay, self.factor * learning_rate)

    def update(self, variable: keras.Variable, gradient: Any, learning_rate: Any) -> None:
        if not _is_convolution(variable):
            return super().update(variable, gradient, self.factor * learning_rate)
        velocity = self._velocities[id(variable)]
        gradient = ops.cast(gradient, "float32")
        velocity.assign(self.momentum * velocity + gradient)
        n_filters = variable.shape[-1]
        direction = orthogonalized(
            ops.reshape(gradient + self.momentum * velocity, (-1, n_filters)), self.compute_dtype
        )
        weights = variable * (math.sqrt(n_filters) / (_norm(variable) + _EPSILON))
        change = self.factor * learning_rate * ops.reshape(direction, variable.shape)
        variable.assign(ops.cast(weights - change, variable.dtype))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        own = {"momentum": self.momentum, "factor": self.factor, "compute_dtype": self.compute_dtype}
        return {name: value for name, value in config.items() if name not in ("beta_1", "beta_2", "epsilon")} | own


def _is_convolution(variable: keras.Variable) -> bool:
    """Return whether a variable is the kernel of a 2D convolution with several filters for each channel."""
    return len(variable.shape) == 4 and variable.shape[3] > 1


def orthogonalized(matrix: Any, dtype: str = "float32") -> Any:
    """Return a matrix with about the same singular vectors, and singular values near 1, in float32.

    Args:
        matrix: Tensor `(rows, columns)`.
        dtype: Type of the numbers in the iterations. Defaults to `"float32"`.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    values = ops.cast(matrix / (_norm(matrix) + _EPSILON), dtype)
    values = ops.transpose(values) if is_tall else values
    first, second, third = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        products = ops.matmul(values, ops.transpose(values))
        values = first * values + ops.matmul(second * products + third * ops.matmul(products, products), values)
    return ops.cast(ops.transpose(values) if is_tall else values, "float32")


def _norm(tensor: Any) -> Any:
    """Return the Frobenius norm."""
    return ops.sqrt(ops.sum(ops.square(tensor)))
