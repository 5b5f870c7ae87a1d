"""Nodes and blocks: what a person draws a search space with, as in Keras's functional API."""

import inspect
import re

import keras

from autonas.arguments.lists import as_list
from autonas.search_space import ranges


class Node:
    """A symbolic tensor in a graph of blocks: the output of a block, or an input.

    Args:
        block: The block that produces it, or `None` for an input.
    """

    def __init__(self, block=None):
        self.block = block


class Configurable:
    """An object whose configuration is its constructor's arguments, stored untouched under their own names."""

    @classmethod
    def argument_names(cls):
        """Names of the constructor's arguments."""
        parameters = inspect.signature(cls.__init__).parameters.values()
        variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return [each.name for each in parameters if each.name != "self" and each.kind not in variable]

    def get_config(self):
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.argument_names()}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})


class Block(Configurable):
    """A piece of a search space: Keras layers plus decisions, written once.

    Subclass it and write `build(hp, inputs)`. Arguments of the constructor are stored under their own names; each is
    a value or a range, and `self.suggest(hp, "units")` gives its value in a trial.

    Example:

    ```python
    class TwoLayers(autonas.Block):
        def __init__(self, units=autonas.Choice([16, 32]), name=None):
            super().__init__(name)
            self.units = units

        def build(self, hp, inputs):
            units = self.suggest(hp, "units")
            return keras.layers.Dense(units)(keras.layers.Dense(units, "relu")(inputs))
    ```

    Args:
        name: Name of the block, unique in its graph; its hyperparameters are named `name/...`. Defaults to the class's
            name in snake case, with a number.
    """

    #: Whether the block takes inputs as the data pipeline delivers them (see `Graph`), or encoded as one float tensor.
    takes_raw_inputs = False

    def __init__(self, name=None):
        self.name = name

    def __call__(self, inputs):
        """Connects the block to one node or a list of nodes and returns its output node."""
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

    def build(self, hp, inputs):
        """Builds the block's layers.

        Args:
            hp: The `keras_tuner.HyperParameters` of a trial (or a reading of another kind: pass it on to decisions).
            inputs: A Keras tensor, or a list of them if the block was called on a list.

        Returns:
            A Keras tensor.
        """
        raise NotImplementedError

    def structure(self, prefix):
        """The graph of operations that the block's decisions stand for, where there is one.

        A strategy that is told of it knows which architectures compute the same.

        Args:
            prefix: What the names of its decisions begin with, before a slash, such as `"cell_block_1"`.

        Returns:
            An `OperationGraph`, or `None`, as here.
        """
        return None

    def drawing(self, prefix):
        """How the block's decisions are drawn as small graphs, where a drawing says more than a list of them.

        Args:
            prefix: What the names of its decisions begin with, before a slash, such as `"cell_block_1"`.

        Returns:
            A list of a dict for each graph, which JSON can hold; empty, as here, for none.

            - `"name"`: what it is called, such as `"normal cell"`.
            - `"inputs"`: names of its first nodes, which are 0, 1, ...; what is computed are the nodes after them.
            - `"edges"`: a dict for each operation: `"decision"`, the name of the decision on operations, `"source"`,
              the number of the node that it takes, and `"target"`, that of the node that its result goes to.
              Instead of a number, `{"decision": name, "place": i}` stands for the i-th node that an `InputChoice`
              chose, and `{"decision": name, "back": target}` for the node so many before the target as was chosen,
              none for 0. An edge without `"decision"` passes its input on. Edges whose decisions are inactive aren't
              drawn.
            - `"joins"`: whether the output is all computed nodes side by side. Defaults to the last node.
            - `"used_by"`: pair of a value and names of decisions: it is drawn if one of these has that value. Defaults
              to always.
        """
        return []

    def suggest(self, hp, argument):
        """The value of the constructor's argument `argument` in a trial."""
        return ranges.suggest(hp, argument, getattr(self, argument))

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__module__.split(".")[0] == "autonas":
            keras.saving.register_keras_serializable(package="autonas")(cls)


def snake_case(name):
    """`"DenseBlock"` to `"dense_block"`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
