"""Narrowing: decisions of a search space that the user restricts to a value or a smaller range."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import keras_tuner

from autonas.arguments.scalars import plain
from autonas.search_space import dimension, ranges

HyperParameter: TypeAlias = Any  # A `keras_tuner.engine.hyperparameters.HyperParameter`, which has no types.
_HyperParameter, _Fixed = keras_tuner.engine.hyperparameters.HyperParameter, keras_tuner.engine.hyperparameters.Fixed


class NarrowingError(ValueError):
    """Error of a value or range that a decision doesn't have."""


def check(hyperparameters: Any) -> None:
    """Raise a `ValueError` unless the argument is a dict of values and ranges or a `keras_tuner.HyperParameters`."""
    if isinstance(hyperparameters, keras_tuner.HyperParameters):
        return
    if not isinstance(hyperparameters, Mapping):
        raise ValueError(
            "`hyperparameters` must be a dict from the name of a decision to a value or a range, or a "
            f"keras_tuner.HyperParameters. Received: {type(hyperparameters).__name__}"
        )
    for name, value in hyperparameters.items():
        if not isinstance(name, str) or not isinstance(plain(value), (ranges.Range, bool, int, float, str)):
            raise ValueError(
                "`hyperparameters` must map the name of a decision to a value or a range such as "
                f"autonas.Choice([1, 2]). Received: {name!r:.60}: {value!r:.60}"
            )


def decisions_of(hyperparameters: Any) -> dict[str, HyperParameter]:
    """Return the argument `hyperparameters` of an estimator as a dict from names to hyperparameters of Keras Tuner."""
    if isinstance(hyperparameters, keras_tuner.HyperParameters):
        decisions = {
            decision.name: decision.value if isinstance(decision, _Fixed) else decision
            for decision in hyperparameters.space
        }
    else:
        decisions = {name: plain(value) for name, value in (hyperparameters or {}).items()}
    return {
        name: value if isinstance(value, _HyperParameter) else _declared(value) for name, value in decisions.items()
    }


def narrowed(name: str, original: HyperParameter, wanted: HyperParameter) -> HyperParameter:
    """Return a decision, narrowed to a range.

    The default value of the decision stays if the range holds this value and has no default value of its own.

    Args:
        name: Full name of the decision.
        original: The decision as the search space declares it.
        wanted: The range.

    Raises:
        NarrowingError: If the range has a value that the decision doesn't have.
    """
    legal, kept = dimension.Dimension(original), dimension.Dimension(wanted)
    wrong = _first_illegal(legal, kept)
    if wrong is not None:
        raise NarrowingError(
            f"`hyperparameters` must narrow {name!r} to values that the decision has, {legal.in_words}. "
            f"Received: {wrong}"
        )
    if not isinstance(wanted, _Fixed) and wanted._default is None and kept.is_legal(original.default):
        return type(wanted).from_config(wanted.get_config() | {"default": original.default})
    return wanted


def _first_illegal(legal: dimension.Dimension, kept: dimension.Dimension) -> str | None:
    """Return a text of values of one dimension that another dimension doesn't have, or `None` without such values."""
    wanted = kept.hyperparameter
    if not kept.options and legal.options:
        return f"all numbers from {wanted.min_value} to {wanted.max_value}"
    values = kept.options
    if not kept.is_listed and not isinstance(legal.options, list):
        values = [wanted.min_value, wanted.max_value]  # The decision has all values between its bounds.
    return next((f"{value!r:.60}" for value in values if not legal.is_legal(value)), None)


def check_names(names: Collection[str], known: Collection[str], argument: str = "hyperparameters") -> None:
    """Raise a `ValueError` for the first name of an argument that no decision of the search space has."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.3)
            raise ValueError(
                f"`{argument}` must name decisions of the search space. Received: {name!r:.100}. "
                f"{'Perhaps you mean ' + ' or '.join(map(repr, near)) + '. ' if near else ''}"
                f"The decisions are {', '.join(sorted(known))}."
            )


def _declared(value: Any) -> HyperParameter:
    """Return a value or a range as a hyperparameter of Keras Tuner."""
    declared = keras_tuner.HyperParameters()
    if isinstance(value, ranges.Range):
        value.declare(declared, "narrowed")
    elif isinstance(value, bool):
        declared.Fixed("narrowed", value)  # A choice of truth values would be a choice of integers.
    else:
        declared.Choice("narrowed", [value])
    return declared.space[0]
