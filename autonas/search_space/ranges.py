"""Ranges: what an argument of a block may be instead of one value."""

import keras
import keras_tuner


class Range:
    """A set of values among which the search picks one.

    Every argument of a block takes either a value or a range. A range has no name of its own: the block names it after
    the argument.
    """

    def declare(self, hp, name):
        """Declares the range in `hp` under `name` and returns the value chosen there."""
        raise NotImplementedError

    def get_config(self):
        return dict(vars(self))

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self):
        return hash((type(self), repr(self)))

    def __repr__(self):
        arguments = ", ".join(f"{key}={value!r}" for key, value in vars(self).items() if value is not None)
        return f"{type(self).__name__}({arguments})"


@keras.saving.register_keras_serializable(package="autonas")
class Choice(Range):
    """One of several values.

    Args:
        values: List of at least one int, float or string, all of one type. For truth values use `Boolean`.
        default: The value of the default architecture. Defaults to the first one.
    """

    def __init__(self, values, default=None):
        values = list(values)
        if not values or len({type(value) for value in values}) != 1 or type(values[0]) not in (int, float, str):
            raise ValueError(
                "`values` must be a non-empty list of ints, floats or strings of one type (use `Boolean()` for truth "
                f"values). Received: values={values!r}"
            )
        if default is not None and default not in values:
            raise ValueError(f"`default` must be one of {values!r}. Received: default={default!r}")
        self.values = values
        self.default = default

    def declare(self, hp, name):
        return hp.Choice(name, self.values, default=self.default)


@keras.saving.register_keras_serializable(package="autonas")
class Int(Range):
    """A whole number between two bounds, both included.

    Args:
        min_value: Smallest value.
        max_value: Largest value.
        step: Distance of two values; a factor if `sampling="log"`. Defaults to 1.
        sampling: `"linear"` or `"log"`. Defaults to `"linear"`.
        default: The value of the default architecture. Defaults to `min_value`.
    """

    def __init__(self, min_value, max_value, step=None, sampling="linear", default=None):
        _check_bounds(min_value, max_value, sampling, default)
        self.min_value = min_value
        self.max_value = max_value
        self.step = step
        self.sampling = sampling
        self.default = default

    def declare(self, hp, name):
        return hp.Int(
            name, self.min_value, self.max_value, step=self.step, sampling=self.sampling, default=self.default
        )


@keras.saving.register_keras_serializable(package="autonas")
class Float(Range):
    """A real number between two bounds.

    Args:
        min_value: Smallest value.
        max_value: Largest value.
        sampling: `"linear"` or `"log"`. Defaults to `"linear"`.
        default: The value of the default architecture. Defaults to `min_value`.
    """

    def __init__(self, min_value, max_value, sampling="linear", default=None):
        _check_bounds(min_value, max_value, sampling, default)
        self.min_value = min_value
        self.max_value = max_value
        self.sampling = sampling
        self.default = default

    def declare(self, hp, name):
        return hp.Float(
            name, float(self.min_value), float(self.max_value), sampling=self.sampling, default=self.default
        )


@keras.saving.register_keras_serializable(package="autonas")
class Boolean(Range):
    """True or false.

    Args:
        default: The value of the default architecture. Defaults to `False`.
    """

    def __init__(self, default=False):
        self.default = default

    def declare(self, hp, name):
        return hp.Boolean(name, default=self.default)


def suggest(hp, name, value):
    """Returns `value`, or what `hp` chose for it if it is a range.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        name: Name of the hyperparameter within the current name scope.
        value: A plain value or a `Range`.
    """
    if isinstance(value, Range):
        return value.declare(hp, name)
    if isinstance(value, keras_tuner.engine.hyperparameters.HyperParameter):
        raise ValueError(
            f"`{name}` must be a value or an autonas range such as autonas.Choice([1, 2]). "
            f"Received: {name}={value!r}, a Keras Tuner hyperparameter"
        )
    return value


def _check_bounds(min_value, max_value, sampling, default):
    if sampling not in ("linear", "log"):
        raise ValueError(f"`sampling` must be 'linear' or 'log'. Received: sampling={sampling!r}")
    if not min_value <= max_value or (sampling == "log" and min_value <= 0):
        raise ValueError(
            "`min_value` must not exceed `max_value`, and be positive for log sampling. "
            f"Received: min_value={min_value!r}, max_value={max_value!r}"
        )
    if default is not None and not min_value <= default <= max_value:
        raise ValueError(f"`default` must lie in [{min_value!r}, {max_value!r}]. Received: default={default!r}")
