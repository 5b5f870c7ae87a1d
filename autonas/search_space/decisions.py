"""Decisions: the architectural choices that `Block.build` makes through its argument `hp`.

A decision describes its branches. A *reading* turns the decision into layers. There are three readings:
`ConcreteReading` builds only the chosen branch, `declaration.DeclaringHyperParameters` builds every branch once to
declare the search space, and `supernet.reading` builds all branches as one model with shared weights.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import keras_tuner

#: A layer, or another function of its input tensor.
Layer: TypeAlias = Callable[[Any], Any]
#: Functions that return a layer, by label.
Candidates: TypeAlias = Mapping[Any, Callable[[], Layer]]


class Decision:
    """Base class of architectural choices.

    Args:
        name: Name of the decision, unique in its block.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, hp: Any, inputs: Any) -> Any:
        """Apply the decision to `inputs`.

        Args:
            hp: The argument `hp` of `Block.build`: a `keras_tuner.HyperParameters` or a `Reading`.
            inputs: A Keras tensor, or a list of tensors for an `InputChoice`.

        Returns:
            The output, a Keras tensor; a list of tensors for an `InputChoice` of more than one.
        """
        reading = hp if isinstance(hp, Reading) else ConcreteReading(hp)
        return self._read(reading, inputs)

    def _read(self, reading: Reading, inputs: Any) -> Any:
        raise NotImplementedError


class LayerChoice(Decision):
    """Choice of one layer among several candidates.

    Args:
        name: Name of the decision, unique in its block.
        candidates: Dict from a label to a function without arguments that returns a layer or another function of the
            input tensor. Hyperparameters that a candidate declares are active only if its label is chosen.
        default: Label of the default architecture. Defaults to the first label.
        scoped: Whether the hyperparameters of a candidate are conditional on its label and named after it. With
            `False`, hyperparameters of the same name are shared by all candidates; declare them before the decision, so
            that they are active whichever label is chosen. Defaults to `True`.
        optional: Whether a candidate that raises an error while the space is declared is excluded with a warning. With
            `False` the error ends the search. Defaults to `False`.

    Raises:
        ValueError: If `candidates` is empty or `default` isn't among them.

    Example:

    ```python
    import autonas
    import keras

    class DenseOrSkip(autonas.Block):
        def build(self, hp, inputs):
            candidates = {
                "dense": lambda: keras.layers.Dense(hp.Int("units", 16, 64)),
                "skip": lambda: keras.layers.Identity(),
            }
            return autonas.LayerChoice("kind", candidates)(hp, inputs)
    ```
    """

    def __init__(
        self,
        name: str,
        candidates: Candidates,
        default: Any = None,
        scoped: bool = True,
        optional: bool = False,
    ) -> None:
        super().__init__(name)
        if not candidates:
            raise ValueError(f"`candidates` of LayerChoice {name!r} must hold at least one candidate. Received: {{}}")
        if default is not None and default not in candidates:
            raise ValueError(f"`default` must be one of {list(candidates)}. Received: default={default!r}")
        for label, candidate in candidates.items():
            if isinstance(candidate, keras.Layer) or not callable(candidate):
                raise ValueError(
                    f"`candidates` of LayerChoice {name!r} must be functions without arguments that return a layer, "
                    f"such as lambda: keras.layers.Dense(8). Received: {type(candidate).__name__} for {label!r}"
                )
        self.candidates = dict(candidates)
        self.default = default
        self.scoped = scoped
        self.optional = optional

    def scope(self, hp: keras_tuner.HyperParameters, label: str) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the candidate `label` declares its hyperparameters."""
        return candidate_scope(hp, self.name, [label], label) if self.scoped else contextlib.nullcontext()

    def _read(self, reading: Reading, inputs: Any) -> Any:
        return reading.layer_choice(self, inputs)


class InputChoice(Decision):
    """Choice of one or several tensors among earlier ones.

    In a supernet, only tensors with the shape of the default choice can be chosen.

    Args:
        name: Name of the decision, unique in its block.
        n_chosen: Number of tensors to choose. With 1 the decision returns a tensor, otherwise a list of tensors in
            their original order. Defaults to 1.

    Raises:
        ValueError: When applied, if `n_chosen` isn't between 1 and the number of tensors.

    Example:

    ```python
    import autonas
    import keras

    class OptionalSkip(autonas.Block):
        def build(self, hp, inputs):
            hidden = keras.layers.Dense(inputs.shape[-1], "relu")(inputs)
            residual = keras.layers.Add()([inputs, hidden])
            return autonas.InputChoice("skip")(hp, [hidden, residual])
    ```
    """

    def __init__(self, name: str, n_chosen: int = 1) -> None:
        super().__init__(name)
        self.n_chosen = n_chosen

    def labels(self, n_inputs: int) -> list[str]:
        """Return the choices as strings, such as `"0+2"` for the first and the third tensor."""
        if not 1 <= self.n_chosen <= n_inputs:
            raise ValueError(
                f"`n_chosen` of InputChoice {self.name!r} must lie between 1 and the number of tensors, {n_inputs}. "
                f"Received: n_chosen={self.n_chosen}"
            )
        return ["+".join(map(str, indices)) for indices in itertools.combinations(range(n_inputs), self.n_chosen)]

    def pick(self, inputs: Sequence[Any], label: str) -> Any:
        """Return the tensor or the list of tensors that `label` denotes."""
        chosen = [inputs[int(index)] for index in label.split("+")]
        return chosen[0] if self.n_chosen == 1 else chosen

    def _read(self, reading: Reading, inputs: Any) -> Any:
        return reading.input_choice(self, list(inputs))


class Repeat(Decision):
    """Choice of the number of layers in a sequence.

    Args:
        name: Name of the decision, unique in its block.
        min_depth: Minimum number of layers, 0 or more.
        max_depth: Maximum number of layers.
        make_layer: Function from the index of a layer (0, 1, ...) to a layer or another function of the input tensor.
            Hyperparameters that it declares are active only if the chosen depth includes the layer.
        default: Depth of the default architecture. Defaults to `min_depth`.

    Raises:
        ValueError: If the depths aren't `0 <= min_depth <= default <= max_depth`.

    Example:

    ```python
    import autonas
    import keras

    class Stack(autonas.Block):
        def build(self, hp, inputs):
            return autonas.Repeat("depth", 1, 3, lambda index: keras.layers.Dense(32, "relu"))(hp, inputs)
    ```
    """

    def __init__(
        self,
        name: str,
        min_depth: int,
        max_depth: int,
        make_layer: Callable[[int], Layer],
        default: int | None = None,
    ) -> None:
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

    def _read(self, reading: Reading, inputs: Any) -> Any:
        return reading.repeat(self, inputs)


class Width(NamedTuple):
    """Result of a `WidthChoice`.

    Attributes:
        units: Number of units, channels or filters of the layers to build: the chosen width, in a supernet the widest.
        narrow: Function of a tensor whose last dimension is `units` that sets the channels beyond the chosen width to
            zero. Apply it after every layer that can make these channels nonzero: one with a bias, a normalisation or
            an activation.
    """

    units: int
    narrow: Layer


class WidthChoice(Decision):
    """Choice of the number of units, channels or filters of a layer.

    In a supernet all widths share the weights of the widest layer: the channels beyond the chosen width are multiplied
    by zero (channel masking, Wan et al. 2020). The result equals that of a narrow layer if the zeros stay zeros until
    they enter dense layers and convolutions. `BatchNormalization` adds a number to each channel: call `narrow` after
    it. `LayerNormalization` computes statistics over all channels, and the states of a recurrent layer have all units,
    so that a supernet warns of both.

    Args:
        name: Name of the decision, unique in its block.
        widths: Dict from a value of the hyperparameter, a number, to a number of units.
        default: Value of the default architecture. Defaults to the first value.

    Raises:
        ValueError: If `widths` is empty or `default` isn't among its keys.

    Example:

    ```python
    import autonas
    import keras

    class Bottleneck(autonas.Block):
        def build(self, hp, inputs):
            width = autonas.WidthChoice("units", {32: 32, 64: 64})(hp)
            hidden = width.narrow(keras.layers.Dense(width.units, activation="relu")(inputs))
            return keras.layers.Dense(16)(hidden)
    ```
    """

    def __init__(self, name: str, widths: dict[Any, int], default: Any = None) -> None:
        super().__init__(name)
        if not widths:
            raise ValueError(f"`widths` of WidthChoice {name!r} must hold at least one width. Received: {{}}")
        if default is not None and default not in widths:
            raise ValueError(f"`default` must be one of {list(widths)}. Received: default={default!r}")
        self.widths = dict(widths)
        self.default = default

    def __call__(self, hp: Any) -> Width:  # type: ignore[override]
        """Return the chosen `Width`.

        Args:
            hp: The argument `hp` of `Block.build`.
        """
        reading = hp if isinstance(hp, Reading) else ConcreteReading(hp)
        return reading.width_choice(self)


class Reading:
    """Base class of the interpretations of decisions, with one method for each kind of decision."""

    def layer_choice(self, decision: LayerChoice, inputs: Any) -> Any:
        """Return the output of a `LayerChoice` on the tensor `inputs`."""
        raise NotImplementedError

    def input_choice(self, decision: InputChoice, inputs: list[Any]) -> Any:
        """Return the output of an `InputChoice` on the list of tensors `inputs`."""
        raise NotImplementedError

    def repeat(self, decision: Repeat, inputs: Any) -> Any:
        """Return the output of a `Repeat` on the tensor `inputs`."""
        raise NotImplementedError

    def width_choice(self, decision: WidthChoice) -> Width:
        """Return the `Width` of a `WidthChoice`."""
        raise NotImplementedError


class ConcreteReading(Reading):
    """Reading that builds only the chosen branches: a plain Keras model of one architecture.

    Args:
        hp: A `keras_tuner.HyperParameters` with the values of a trial.
    """

    def __init__(self, hp: keras_tuner.HyperParameters) -> None:
        self.hp = hp

    def layer_choice(self, decision: LayerChoice, inputs: Any) -> Any:
        label = self.hp.Choice(decision.name, list(decision.candidates), default=decision.default)
        with decision.scope(self.hp, label):
            return decision.candidates[label]()(inputs)

    def input_choice(self, decision: InputChoice, inputs: list[Any]) -> Any:
        return decision.pick(inputs, self.hp.Choice(decision.name, decision.labels(len(inputs))))

    def repeat(self, decision: Repeat, inputs: Any) -> Any:
        depth = declare_depth(self.hp, decision)
        for index in range(depth):
            with layer_scope(self.hp, decision, index):
                inputs = decision.make_layer(index)(inputs)
        return inputs

    def width_choice(self, decision: WidthChoice) -> Width:
        return Width(decision.widths[declare_width(self.hp, decision)], lambda inputs: inputs)


def declare_width(hp: keras_tuner.HyperParameters, decision: WidthChoice) -> Any:
    """Declare the hyperparameter of a `WidthChoice` in `hp` and return its value."""
    return hp.Choice(decision.name, list(decision.widths), default=decision.default)


def declare_depth(hp: keras_tuner.HyperParameters, decision: Repeat) -> int:
    """Return the depth of a `Repeat`, declaring a hyperparameter in `hp` unless the depth is fixed."""
    if decision.min_depth == decision.max_depth:
        return decision.max_depth
    return hp.Int(decision.name, decision.min_depth, decision.max_depth, default=decision.default)


class candidate_scope:
    """Context manager that makes the hyperparameters declared inside conditional.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        parent: Name of the hyperparameter on which they depend.
        values: Values of `parent` for which they are active, or `None` if they are always active.
        scope: Suffix of the name scope, `"<parent>_<scope>"`.
    """

    def __init__(
        self, hp: keras_tuner.HyperParameters, parent: str, values: list[Any] | None, scope: str | int
    ) -> None:
        self._contexts = [hp.name_scope(f"{parent}_{scope}")]
        if values is not None:
            self._contexts.insert(0, hp.conditional_scope(parent, values))

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *exception: Any) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*exception)


def layer_scope(hp: keras_tuner.HyperParameters, decision: Repeat, index: int) -> candidate_scope:
    """Return the context in which the layer `index` of a `Repeat` declares its hyperparameters.

    The hyperparameters are active if the chosen depth includes the layer.
    """
    optional = index >= decision.min_depth
    depths = list(range(index + 1, decision.max_depth + 1)) if optional else None
    return candidate_scope(hp, decision.name, depths, index)
