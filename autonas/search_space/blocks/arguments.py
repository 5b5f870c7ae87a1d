"""Arguments of blocks: conversion of values and ranges to decisions, and checks of arguments and input tensors."""

import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras_tuner

from autonas.arguments import checks
from autonas.search_space import decisions, ranges
from autonas.search_space.block import Block


def repeat(block: Block, name: str, make_layer: Any, limit: int | None = None) -> decisions.Repeat:
    """Return the `Repeat` whose depth is an argument of a block.

    Args:
        block: The block.
        name: Name of the argument, an integer or an `Int` range, and of the decision.
        make_layer: As in `decisions.Repeat`; `None` to declare the depth alone.
        limit: Maximum depth for the input of the block, to which larger depths are reduced. Defaults to `None`.

    Raises:
        ValueError: If the argument is neither a non-negative integer nor a linear `Int` range of step 1.
    """
    depth = getattr(block, name)
    if isinstance(depth, ranges.Int) and depth.sampling == "linear" and depth.step in (None, 1):
        bounds = [
            depth.min_value,
            depth.max_value,
            depth.min_value if depth.default is None else depth.default,
        ]
    elif checks.is_integer(depth, 0):
        bounds = [int(depth)] * 3
    else:
        raise ValueError(
            f"`{name}` of {type(block).__name__} must be a whole number from 0 or an autonas.Int of step 1, "
            f"such as autonas.Int(1, 3). Received: {name}={depth!r}"
        )
    if limit is not None:
        bounds = [min(bound, limit) for bound in bounds]
    return decisions.Repeat(block.decision_name(name), bounds[0], bounds[1], make_layer, default=bounds[2])


def choose(block: Block, name: str, candidates: decisions.Candidates) -> Callable[[Any, Any], Any]:
    """Return the `LayerChoice` among the candidates whose labels are in an argument of a block.

    Args:
        block: The block.
        name: Name of the argument, a label or a `Choice` of labels, and of the decision.
        candidates: As in `decisions.LayerChoice`.

    Returns:
        Function of `hp` and the input tensor: a `LayerChoice`, or for a single label a function that applies the
        candidate without a decision.

    Raises:
        ValueError: If a label isn't among the candidates.
    """
    value = getattr(block, name)
    labels = value.values if isinstance(value, ranges.Choice) else [value]
    for label in labels:
        check_label(block, name, label, candidates)
    if not isinstance(value, ranges.Choice):
        return lambda hp, inputs: candidates[value]()(inputs)
    chosen = {label: candidates[label] for label in labels}
    return decisions.LayerChoice(block.decision_name(name), chosen, default=value.default)


def width(block: Block, name: str, hp: keras_tuner.HyperParameters, units: Callable[[Any], int]) -> decisions.Width:
    """Return the `decisions.Width` that an argument of a block determines.

    Args:
        block: The block.
        name: Name of the argument, a number or a range, and of the decision. The widths of a `Choice` share their
            weights in a supernet.
        hp: The argument `hp` of `Block.build`.
        units: Function from a value of the argument to a number of units.
    """
    value = getattr(block, name)
    if not isinstance(value, ranges.Choice):
        return decisions.Width(units(block.suggest(hp, name)), lambda inputs: inputs)
    widths = {option: units(option) for option in value.values}
    return decisions.WidthChoice(block.decision_name(name), widths, default=value.default)(hp)


def renamed(block: Block, deprecated: Mapping[str, Any], name: str, value: Any) -> Any:
    """Return the value of an argument that may be passed by its former name, with a `DeprecationWarning`.

    Args:
        block: The block.
        deprecated: Dict of the remaining keyword arguments of the constructor.
        name: Name of the argument, a key of `block.former_names`.
        value: Value of the argument if it isn't passed by its former name.

    Raises:
        TypeError: If `deprecated` has an argument of another name.
    """
    former, kind = block.former_names[name], type(block).__name__
    unknown = [argument for argument in deprecated if argument != former]
    if unknown:
        raise TypeError(f"{kind} has no argument `{unknown[0]}`. Received: {unknown[0]}={deprecated[unknown[0]]!r}")
    if not deprecated:
        return value
    warnings.warn(f"The argument `{former}` of {kind} is now `{name}`.", DeprecationWarning, stacklevel=3)
    return deprecated[former]


def check_label(block: Block, name: str, label: Any, known: Collection[str]) -> None:
    """Raise a `ValueError` unless `label`, a value of the argument `name` of `block`, is in `known`."""
    if label not in known:
        raise ValueError(
            f"`{name}` of {type(block).__name__} must be one of {list(known)} or an autonas.Choice of them. "
            f"Received: {name}={label!r}"
        )


def check_whole_number(block: Block, name: str, minimum: int) -> None:
    """Raise a `ValueError` unless the argument `name` of `block` is an integer of at least `minimum`."""
    value = getattr(block, name)
    if not checks.is_integer(value, minimum):
        raise ValueError(
            f"`{name}` of {type(block).__name__} must be a whole number from {minimum}. Received: {name}={value!r}"
        )


#: Description of a tensor by its number of dimensions, batch included.
_SHAPES = {3: "a series (n, time, channels)", 4: "images (n, height, width, channels)"}


def one_tensor(block: Block, inputs: Any) -> Any:
    """Return `inputs`, or raise a `ValueError` if `inputs` is a collection of tensors."""
    if isinstance(inputs, (list, tuple, dict)):
        raise ValueError(
            f"{type(block).__name__} takes one input, but is connected to {len(inputs)}. Put a Merge() in between."
        )
    return inputs


def tensor_of_rank(block: Block, inputs: Any, *ranks: int) -> Any:
    """Return `inputs`, or raise a `ValueError` unless it is a tensor whose number of dimensions is in `ranks`."""
    if len(one_tensor(block, inputs).shape) not in ranks:
        raise ValueError(
            f"{type(block).__name__} takes {' or '.join(_SHAPES[rank] for rank in ranks)}. "
            f"Received: a tensor of shape {tuple(inputs.shape)}"
        )
    return inputs
