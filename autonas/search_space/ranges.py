"""Ranges of values that an argument of a block can take instead of a fixed value."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from autonas.arguments.scalars import plain


class Range:
    """Base class of the ranges from which the search chooses a value.

    A range has no name: the hyperparameter is named after the argument of the block that takes the range, or has the
    former name of a renamed argument (`Block.former_names`), such as `"depth"` for `n_stages`.
    """

    def declare(self, hp: keras_tuner.HyperParameters, name: str) -> Any:
        """Declare the range in `hp` as a hyperparameter called `name` and return its value."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in vars(self).items() if value is not None)
        return f"{type(self).__name__}({arguments})"


@keras.saving.register_keras_serializable(package="autonas")
class Choice(Range):
    """Choice of one value from a list.

    Args:
        values: Non-empty list of ints, floats or strings, all of one type. For truth values use `Boolean`.
        default: Value of the default architecture. Defaults to the first value.

    Raises:
        ValueError: If `values` is empty or of mixed types, or `default` isn't among them.

    Example:

    ```python
    import autonas

    block = autonas.DenseBlock(units=autonas.Choice([32, 64, 128], default=64))
    ```
    """

    def __init__(self, values: list[int] | list[float] | list[str], default: int | float | str | None = None) -> None:
        values = [plain(value) for value in values]
        if not values or len({type(value) for value in values}) != 1 or type(values[0]) not in (int, float, str):
            raise ValueError(
                "`values` must be a non-empty list of ints, floats or strings of one type (use `Boolean()` for truth "
                f"values). Received: values={values!r}"
            )
        if default is not None and default not in values:
            raise ValueError(f"`default` must be one of {values!r}. Received: default={default!r}")
        self.values = values
        self.default = plain(default)

    def declare(self, hp: keras_tuner.HyperParameters, name: str) -> Any:
        return hp.Choice(name, self.values, default=self.default)


@keras.saving.register_keras_serializable(package="autonas")
class Int(Range):
    """Range of integers, both bounds included.

    Args:
        min_value: Smallest value.
        max_value: Largest value.
        step: Difference of successive values, or their ratio if `sampling="log"`. Defaults to `None`: all integers.
        sampling: `"linear"` or `"log"`. Defaults to `"linear"`.
        default: Value of the default architecture, rounded to the nearest step. Defaults to `min_value`.

    Raises:
        ValueError: If the bounds are out of order, or not positive with `sampling="log"`, or `default` lies outside.

    Example:

    ```python
    import autonas

    block = autonas.ConvolutionBlock(n_stages=autonas.Int(1, 4, default=2))
    ```
    """

    def __init__(
        self,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
    ) -> None:
        _check_bounds(min_value, max_value, sampling, default)
        self.min_value = plain(min_value)
        self.max_value = plain(max_value)
        self.step = plain(step)
        self.sampling = sampling
        self.default = plain(default)

    def declare(self, hp: keras_tuner.HyperParameters, name: str) -> Any:
        return hp.Int(
            name, self.min_value, self.max_value, step=self.step, sampling=self.sampling, default=self.default
        )


@keras.saving.register_keras_serializable(package="autonas")
class Float(Range):
    """Continuous range of floats.

    Args:
        min_value: Smallest value.
        max_value: Largest value.
        sampling: `"linear"` or `"log"`. Defaults to `"linear"`.
        default: Value of the default architecture. Defaults to `min_value`.

    Raises:
        ValueError: If the bounds are out of order, or not positive with `sampling="log"`, or `default` lies outside.

    Example:

    ```python
    import autonas

    optimization = autonas.Optimization(learning_rate=autonas.Float(1e-4, 1e-2, sampling="log"))
    ```
    """

    def __init__(
        self, min_value: float, max_value: float, sampling: str = "linear", default: float | None = None
    ) -> None:
        _check_bounds(min_value, max_value, sampling, default)
        self.min_value = plain(min_value)
        self.max_value = plain(max_value)
        self.sampling = sampling
        self.default = plain(default)

    def declare(self, hp: keras_tuner.HyperParameters, name: str) -> Any:
        return hp.Float(
            name, float(self.min_value), float(self.max_value), sampling=self.sampling, default=self.default
        )


@keras.saving.register_keras_serializable(package="autonas")
class Boolean(Range):
    """Choice between `True` and `False`.

    Args:
        default: Value of the default architecture. Defaults to `False`.

    Example:

    ```python
    import autonas

    block = autonas.DenseBlock(batch_normalization=autonas.Boolean(default=True))
    ```
    """

    def __init__(self, default: bool = False) -> None:
        self.default = default

    def declare(self, hp: keras_tuner.HyperParameters, name: str) -> Any:
        return hp.Boolean(name, default=self.default)


def suggest(hp: keras_tuner.HyperParameters, name: str, value: Any) -> Any:
    """Return `value`, or if it is a range, the value that `hp` assigns to it.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        name: Name of the hyperparameter within the current name scope.
        value: A plain value or a `Range`.

    Raises:
        ValueError: If `value` is a list or a hyperparameter of Keras Tuner.
    """
    if isinstance(value, Range):
        return value.declare(hp, name)
    if isinstance(value, list):
        raise ValueError(
            f"`{name}` must be a value or an autonas range. Received: {name}={value!r:.60}, a list. To search over its "
            f"items, pass autonas.Choice({value!r:.60})."
        )
    if isinstance(value, keras_tuner.engine.hyperparameters.HyperParameter):
        raise ValueError(
            f"`{name}` must be a value or an autonas range such as autonas.Choice([1, 2]). "
            f"Received: {name}={value!r}, a Keras Tuner hyperparameter"
        )
    return plain(value)


def _check_bounds(min_value: float, max_value: float, sampling: str, default: float | None) -> None:
    if sampling not in ("linear", "log"):
        raise ValueError(f"`sampling` must be 'linear' or 'log'. Received: sampling={sampling!r}")
    if not min_value <= max_value or (sampling == "log" and min_value <= 0):
        raise ValueError(
            "`min_value` must not exceed `max_value`, and be positive for log sampling. "
            f"Received: min_value={min_value!r}, max_value={max_value!r}"
        )
    if default is not None and not min_value <= default <= max_value:
        raise ValueError(f"`default` must lie in [{min_value!r}, {max_value!r}]. Received: default={default!r}")
