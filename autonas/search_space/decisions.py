"""Decisions: the kinds of architectural choice, read through whatever `hp` a block is built with.

A decision doesn't know how it is read. It hands itself to a *reading*: the concrete one here builds the chosen branch
and nothing else; the declaring one (`declaring.py`) visits every branch once to learn the space; a supernet builder
is a third reading of the same definitions.
"""

import contextlib
import itertools
import typing


class Decision:
    """A named architectural choice inside `Block.build`."""

    def __init__(self, name):
        self.name = name

    def __call__(self, hp, inputs):
        """Applies the decision to `inputs`, as read by `hp`."""
        reading = hp if isinstance(hp, Reading) else ConcreteReading(hp)
        return self._read(reading, inputs)

    def _read(self, reading, inputs):
        raise NotImplementedError


class LayerChoice(Decision):
    """One of several candidate layers on the same input.

    Args:
        name: Name of the decision, unique in its block.
        candidates: Dict from label to a function without arguments that returns a layer, or any function of the
            input tensor. Hyperparameters that the function declares belong to the label: they are active only if it
            is chosen.
        default: Label of the default architecture. Defaults to the first one.
        scoped: Whether what candidates declare belongs to their label. If not, a name is one and the same decision
            in all candidates; declare such decisions before, so that they are there whatever is chosen. Defaults to
            `True`.
        optional: Whether a candidate that raises an error while the space is declared is left out of the space, with a
            warning, instead of ending the search. Defaults to `False`.

    Example:

    ```python
    x = LayerChoice("kind", {
        "dense": lambda: keras.layers.Dense(hp.Int("units", 16, 64)),
        "skip": lambda: keras.layers.Identity(),
    })(hp, x)
    ```
    """

    def __init__(self, name, candidates, default=None, scoped=True, optional=False):
        super().__init__(name)
        if not candidates:
            raise ValueError(f"`candidates` of LayerChoice {name!r} must hold at least one candidate. Received: {{}}")
        if default is not None and default not in candidates:
            raise ValueError(f"`default` must be one of {list(candidates)}. Received: default={default!r}")
        self.candidates = dict(candidates)
        self.default = default
        self.scoped = scoped
        self.optional = optional

    def scope(self, hp, label):
        """The scope of what the candidate `label` declares."""
        return candidate_scope(hp, self.name, [label], label) if self.scoped else contextlib.nullcontext()

    def _read(self, reading, inputs):
        return reading.layer_choice(self, inputs)


class InputChoice(Decision):
    """Which of several earlier tensors to use.

    Args:
        name: Name of the decision, unique in its block.
        n_chosen: How many of them. Defaults to 1: the chosen tensor is returned; more than one: a list of them, in
            their order.
    """

    def __init__(self, name, n_chosen=1):
        super().__init__(name)
        self.n_chosen = n_chosen

    def labels(self, n_inputs):
        """The choices as strings, e.g. `"0+2"` for the first and the third of the tensors."""
        if not 1 <= self.n_chosen <= n_inputs:
            raise ValueError(
                f"`n_chosen` of InputChoice {self.name!r} must lie between 1 and the number of tensors, {n_inputs}. "
                f"Received: n_chosen={self.n_chosen}"
            )
        return ["+".join(map(str, chosen)) for chosen in itertools.combinations(range(n_inputs), self.n_chosen)]

    def pick(self, inputs, label):
        """The tensors that `label` names."""
        chosen = [inputs[int(index)] for index in label.split("+")]
        return chosen[0] if self.n_chosen == 1 else chosen

    def _read(self, reading, inputs):
        return reading.input_choice(self, list(inputs))


class Repeat(Decision):
    """How many times a layer is applied, one after the other.

    Args:
        name: Name of the decision, unique in its block.
        min_depth: Smallest number of layers, 0 or more.
        max_depth: Largest number of layers.
        make_layer: Function of the layer's index (0, 1, ...) that returns a layer, or any function of the tensor.
            Hyperparameters that it declares are active only if the depth reaches the layer.
        default: Depth of the default architecture. Defaults to `min_depth`.
    """

    def __init__(self, name, min_depth, max_depth, make_layer, default=None):
        super().__init__(name)
        if not 0 <= min_depth <= max_depth:
            raise ValueError(
                f"`min_depth` of Repeat {name!r} must lie between 0 and `max_depth`. "
                f"Received: min_depth={min_depth}, max_depth={max_depth}"
            )
        if default is not None and not min_depth <= default <= max_depth:
            raise ValueError(f"`default` must lie in [{min_depth}, {max_depth}]. Received: default={default}")
        self.min_depth = min_depth
        self.max_depth = max_depth
        self.make_layer = make_layer
        self.default = min_depth if default is None else default

    def _read(self, reading, inputs):
        return reading.repeat(self, inputs)


class Width(typing.NamedTuple):
    """What was chosen at a `WidthChoice`.

    Attributes:
        units: The number of units, channels or filters to build layers with.
        narrow: Function from a tensor with `units` as its last dimension to one without those that weren't chosen. To
            be applied wherever they may have become other than zero: after a bias, a normalisation or an activation.
    """

    units: int
    narrow: typing.Callable


class WidthChoice(Decision):
    """How many units, channels or filters layers have; a narrow layer is the beginning of the widest one.

    A supernet holds the widest layers and multiplies by zero what wasn't chosen (channel masking, Wan et al. 2020), so
    that all widths share their weights. For layers whose output goes nowhere but to layers that weigh each channel,
    such as dense ones and convolutions, that is exactly the narrow layer.

    Args:
        name: Name of the decision, unique in its block.
        widths: Dict from a value of the hyperparameter, a number, to the number of units that it stands for.
        default: Value of the default architecture. Defaults to the first one.

    Example:

    ```python
    width = WidthChoice("units", {32: 32, 64: 64})(hp)
    hidden = width.narrow(keras.layers.Dense(width.units, activation="relu")(x))
    ```
    """

    def __init__(self, name, widths, default=None):
        super().__init__(name)
        if not widths:
            raise ValueError(f"`widths` of WidthChoice {name!r} must hold at least one width. Received: {{}}")
        if default is not None and default not in widths:
            raise ValueError(f"`default` must be one of {list(widths)}. Received: default={default!r}")
        self.widths = dict(widths)
        self.default = default

    def __call__(self, hp):
        """The `Width` chosen in `hp`."""
        reading = hp if isinstance(hp, Reading) else ConcreteReading(hp)
        return reading.width_choice(self)


class Reading:
    """How decisions are turned into layers."""

    def layer_choice(self, decision, inputs):
        raise NotImplementedError

    def input_choice(self, decision, inputs):
        raise NotImplementedError

    def repeat(self, decision, inputs):
        raise NotImplementedError

    def width_choice(self, decision):
        raise NotImplementedError


class ConcreteReading(Reading):
    """Builds exactly the chosen branch: the result has no trace of the search.

    Args:
        hp: A `keras_tuner.HyperParameters` with the values of a trial.
    """

    def __init__(self, hp):
        self.hp = hp

    def layer_choice(self, decision, inputs):
        label = self.hp.Choice(decision.name, list(decision.candidates), default=decision.default)
        with decision.scope(self.hp, label):
            return decision.candidates[label]()(inputs)

    def input_choice(self, decision, inputs):
        return decision.pick(inputs, self.hp.Choice(decision.name, decision.labels(len(inputs))))

    def repeat(self, decision, inputs):
        depth = declare_depth(self.hp, decision)
        for index in range(depth):
            with layer_scope(self.hp, decision, index):
                inputs = decision.make_layer(index)(inputs)
        return inputs

    def width_choice(self, decision):
        return Width(decision.widths[declare_width(self.hp, decision)], lambda inputs: inputs)


def declare_width(hp, decision):
    """The value chosen for a `WidthChoice` in `hp`."""
    return hp.Choice(decision.name, list(decision.widths), default=decision.default)


def declare_depth(hp, decision):
    """The depth of a `Repeat` in `hp`; no hyperparameter where there is nothing to choose."""
    if decision.min_depth == decision.max_depth:
        return decision.max_depth
    return hp.Int(decision.name, decision.min_depth, decision.max_depth, default=decision.default)


class candidate_scope:
    """Hyperparameters inside are active only if `parent` has one of `values`, and are named after `scope`."""

    def __init__(self, hp, parent, values, scope):
        self._contexts = [hp.name_scope(f"{parent}_{scope}")]
        if values is not None:
            self._contexts.insert(0, hp.conditional_scope(parent, values))

    def __enter__(self):
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *exception):
        for context in reversed(self._contexts):
            context.__exit__(*exception)


def layer_scope(hp, decision, index):
    """The scope of one layer of a `Repeat`: active if the depth reaches it."""
    optional = index >= decision.min_depth
    depths = list(range(index + 1, decision.max_depth + 1)) if optional else None
    return candidate_scope(hp, decision.name, depths, index)
