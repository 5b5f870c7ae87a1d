"""What the generic blocks share: depths and kinds given as values or ranges, and checks of their inputs."""

from autonas.arguments import checks
from autonas.search_space import decisions, ranges


def repeat(block, name, make_layer, limit=None):
    """A `Repeat` as deep as the argument `name` of `block` says, `limit` layers at most.

    Args:
        block: The block; its argument `name` is a whole number, or an `Int` range.
        name: Name of the argument, and of the decision.
        make_layer: As in `decisions.Repeat`.
        limit: Largest depth that makes sense for the block's input, or `None`.
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
    return decisions.Repeat(name, bounds[0], bounds[1], make_layer, default=bounds[2])


def choose(block, name, candidates):
    """A `LayerChoice` among those candidates that the argument `name` of `block` allows.

    Args:
        block: The block; its argument `name` is one label, or a `Choice` of labels.
        name: Name of the argument, and of the decision.
        candidates: As in `decisions.LayerChoice`.

    Returns:
        Function of `hp` and the input. Where there is one label, no decision is taken.
    """
    value = getattr(block, name)
    labels = value.values if isinstance(value, ranges.Choice) else [value]
    for label in labels:
        check_label(block, name, label, candidates)
    if not isinstance(value, ranges.Choice):
        return lambda hp, inputs: candidates[value]()(inputs)
    return decisions.LayerChoice(name, {label: candidates[label] for label in labels}, default=value.default)


def width(block, name, hp, units):
    """The `decisions.Width` that the argument `name` of `block` stands for.

    Args:
        block: The block; its argument `name` is a number, or a range. The widths of a `Choice` share their weights in
            a supernet.
        name: Name of the argument, and of the decision.
        hp: The hyperparameters.
        units: Function from a value of the argument to a number of units.
    """
    value = getattr(block, name)
    if not isinstance(value, ranges.Choice):
        return decisions.Width(units(block.suggest(hp, name)), lambda inputs: inputs)
    widths = {each: units(each) for each in value.values}
    return decisions.WidthChoice(name, widths, default=value.default)(hp)


def check_label(block, name, label, known):
    """Raises unless `label`, a value of the argument `name`, is among the `known` ones."""
    if label not in known:
        raise ValueError(
            f"`{name}` of {type(block).__name__} must be one of {list(known)} or an autonas.Choice of them. "
            f"Received: {name}={label!r}"
        )


def check_whole_number(block, name, minimum):
    """Raises unless the argument `name` of `block` is a whole number from `minimum`."""
    value = getattr(block, name)
    if not checks.is_integer(value, minimum):
        raise ValueError(
            f"`{name}` of {type(block).__name__} must be a whole number from {minimum}. Received: {name}={value!r}"
        )


#: What a tensor of so many dimensions is, the batch's included.
_SHAPES = {3: "a series (n, time, channels)", 4: "images (n, height, width, channels)"}


def one_tensor(block, inputs):
    """Returns `inputs`; raises if it isn't one tensor."""
    if isinstance(inputs, (list, tuple, dict)):
        raise ValueError(
            f"{type(block).__name__} takes one input, but is connected to {len(inputs)}. Put a Merge() in between."
        )
    return inputs


def tensor_of_rank(block, inputs, *ranks):
    """Returns `inputs`; raises if it isn't one tensor whose dimensions, the batch's included, number one of `ranks`."""
    if len(one_tensor(block, inputs).shape) not in ranks:
        raise ValueError(
            f"{type(block).__name__} takes {' or '.join(_SHAPES[rank] for rank in ranks)}. "
            f"Received: a tensor of shape {tuple(inputs.shape)}"
        )
    return inputs
