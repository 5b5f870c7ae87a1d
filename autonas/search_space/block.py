"""Nodes and blocks, from which a graph is built as with Keras's functional API."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import keras

from autonas.arguments.lists import as_list
from autonas.backends import node_graph
from autonas.search_space import ranges

if TYPE_CHECKING:
    import keras_tuner

    from autonas.data.features import Feature
    from autonas.search_space.operation_graph import OperationGraph
    from autonas.search_space.target import Targeted


BlockT = TypeVar("BlockT", bound="Block")


class Node:
    """Symbolic tensor in a graph of blocks: an input, or the output of a block.

    Args:
        block: The block whose output the node is, or `None` for an input.
    """

    def __init__(self, block: Block | None = None) -> None:
        self.block = block


class Configurable:
    """Base class of objects whose configuration is the arguments of the constructor, stored as attributes."""

    #: Dict from renamed arguments to their former names, which remain in saved configurations and in hyperparameters.
    former_names: dict[str, str] = {}

    @classmethod
    def argument_names(cls) -> list[str]:
        """Return the names of the constructor's arguments."""
        parameters = inspect.signature(cls.__init__).parameters.values()
        variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return [
            parameter.name for parameter in parameters if parameter.name != "self" and parameter.kind not in variable
        ]

    def get_config(self) -> dict[str, Any]:
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.argument_names()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        renamed = {former: name for name, former in cls.former_names.items()}
        return cls(
            **{renamed.get(name, name): keras.saving.deserialize_keras_object(value) for name, value in config.items()}
        )


class Block(Configurable):
    """Base class of blocks, the components of a search space: Keras layers whose hyperparameters the search chooses.

    A subclass overrides `build(hp, inputs)`. Its constructor stores every argument as an attribute of the same name. An
    argument is a value or a range, and `self.suggest(hp, "units")` returns the value of the argument `units` in the
    current trial.

    Args:
        name: Name of the block, unique in its graph. The names of its hyperparameters begin with `"<name>/"`. Defaults
            to the class name in snake case with a number, such as `"dense_block_1"`.

    Example:

    ```python
    import autonas
    import keras

    class TwoLayers(autonas.Block):
        def __init__(self, units=autonas.Choice([16, 32]), name=None):
            super().__init__(name)
            self.units = units

        def build(self, hp, inputs):
            units = self.suggest(hp, "units")
            return keras.layers.Dense(units)(keras.layers.Dense(units, "relu")(inputs))

    inputs = autonas.StructuredDataInput()
    outputs = autonas.ClassificationHead()(TwoLayers()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    #: Whether `build` receives an input's tensors as the data pipeline delivers them, a tensor or a dict of tensors. If
    #: not, an input connected to the block is first encoded as one float tensor (see `Graph`).
    takes_raw_inputs = False
    #: Whether the raw tensors of a text are a dict of `"tokens"` and `"ngrams"`. If not, they are the token ids alone.
    takes_ngrams = False
    #: Whether all weights of the block are computed from the training set by fitters (`search_space.fitted`), so that
    #: gradient descent has no effect on them.
    is_fitted = False
    #: Whether `build` copies the Keras layers that the block keeps. If not, they are copied before `build`.
    copies_layers = False
    #: Labels of the block's decision `"kind"` for which the same is true.
    fitted_kinds: tuple[str, ...] = ()
    #: The data of the inputs upstream of the block, the nearest first. `Graph.bind` sets them.
    features: list[Feature]
    #: Name of the block, also of a subclass whose constructor doesn't call that of `Block`.
    name: str | None = None
    #: Dict from the name of a head to which the block leads to the head, which the graph sets.
    heads: dict[str, Targeted]
    #: Whether all rows of the data are in memory, which the graph sets.
    in_memory: bool
    #: The nodes to which the block is connected.
    parents: list[Node]

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __call__(self, inputs: Node | list[Node]) -> Node:
        """Connect the block to a node or a list of nodes, and return its output node."""
        if getattr(self, "parents", None) is not None:
            raise ValueError(
                f"A block can be connected once, and this {type(self).__name__} is connected already. "
                "Create another block."
            )
        nodes = as_list(inputs)
        for node in nodes:
            if not isinstance(node, Node):
                raise ValueError(
                    "Blocks are called on autonas inputs, outputs of blocks, or lists of them. "
                    f"Received: {type(node).__name__}"
                )
        self.parents = nodes
        return Node(self)

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> Any:
        """Build the layers of the block.

        Args:
            hp: The `keras_tuner.HyperParameters` of a trial, or a `Reading` that interprets decisions in another way.
                Decisions are called with it: `decision(hp, tensor)`.
            inputs: A Keras tensor, or a list of tensors if the block is connected to several nodes.

        Returns:
            A Keras tensor.
        """
        raise NotImplementedError

    def structure(self, prefix: str) -> OperationGraph | None:
        """Return the graph of operations that the decisions of the block describe, if any.

        A strategy uses the graph to recognise architectures that compute the same function.

        Args:
            prefix: Prefix of the names of the block's decisions, without the slash, such as `"cell_block_1"`.

        Returns:
            An `OperationGraph` or `None`. The base class returns `None`.
        """
        return None

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        """Return the graphs that visualise the decisions of the block, such as the graph of a cell.

        Args:
            prefix: Prefix of the names of the block's decisions, without the slash, such as `"cell_block_1"`.

        Returns:
            A list of JSON-compatible dicts, one for each graph. The base class returns an empty list.

            - `"name"`: title of the graph, such as `"normal cell"`.
            - `"inputs"`: list of names of the input nodes. They are numbered 0, 1, ..., and the computed nodes follow.
            - `"edges"`: list of dicts, one for each operation. `"decision"` is the name of the decision that chooses
              the operation; without this key the edge is an identity. `"source"` and `"target"` are the numbers of the
              nodes that the edge connects. If the source is itself chosen, `"source"` is a dict:
              `{"decision": name, "place": i}` is the i-th node chosen by an `InputChoice`, and
              `{"decision": name, "back": target}` is the node `target - k`, where k is the chosen value; k = 0 means no
              edge. An edge whose decision is inactive isn't drawn.
            - `"joins"`: whether the output concatenates all computed nodes. Defaults to `False`: the output is the last
              node.
            - `"used_by"`: pair of a value and a list of names of decisions. The graph is drawn if one of the decisions
              has the value. Defaults to always.
        """
        return []

    def suggest(self, hp: keras_tuner.HyperParameters, argument: str) -> Any:
        """Return the value of the constructor's argument named `argument` in the trial of `hp`."""
        return ranges.suggest(hp, self.decision_name(argument), getattr(self, argument))

    def bound(self, member: BlockT) -> BlockT:
        """Return another block, bound to the data and heads of this one, so that `build` can build the other one.

        Args:
            member: A block that isn't connected, such as a `RidgeBlock()`, which needs to know its head.

        Returns:
            The block `member`.
        """
        member.features, member.heads, member.in_memory = self.features, self.heads, self.in_memory
        return member

    def decision_name(self, argument: str) -> str:
        """Return the name of the decision on an argument: its former name, if any, for earlier searches."""
        return self.former_names.get(argument, argument)

    def __deepcopy__(self, memo: dict[int, Any]) -> Block:
        # Keras copies layers and losses by their configs, for which their classes must be registered. Networks have
        # copies of the layers, see `transfer.for_one_network`, and losses don't change.
        for kept in _leaves(list(vars(self).values())):
            if isinstance(kept, (keras.Layer, keras.losses.Loss)):
                memo[id(kept)] = kept
        copied = memo[id(self)] = type(self).__new__(type(self))
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.split(".")[0] == "autonas":
            keras.saving.register_keras_serializable(package="autonas")(cls)


def predicts_target(tensor: Any) -> bool:
    """Return whether a symbolic tensor is the output of a layer that predicts the target of a head itself.

    Such a layer has the attribute `predicts_target`. Its output has a column for each output of the head: scores before
    the head's activation.
    """
    return bool(node_graph.attribute(tensor, "predicts_target"))


def as_prediction(scores: keras.KerasTensor) -> keras.KerasTensor:
    """Return the scores of each output as the output of a layer that predicts the target; see `predicts_target`."""
    layer = keras.layers.Identity(dtype="float32")
    layer.predicts_target = True
    return layer(scores)


def snake_case(name: str) -> str:
    """Convert a name from camel case to snake case: `"DenseBlock"` to `"dense_block"`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the objects in nested lists, tuples and dicts."""
    if type(value) in (list, tuple):
        for item in value:
            yield from _leaves(item)
    elif type(value) is dict:
        yield from _leaves(list(value.values()))
    else:
        yield value
