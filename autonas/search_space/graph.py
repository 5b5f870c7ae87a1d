"""Graph of inputs, blocks and heads: the search space as a `keras_tuner.HyperModel`."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner

from autonas.arguments import checks
from autonas.arguments.lists import as_list
from autonas.backends import node_graph, seeding, valueless
from autonas.search_space import block, declaration, heads, losses, narrowing, optimization, topology
from autonas.search_space.blocks import preprocessing, transfer
from autonas.search_space.drawn_graph import DrawnGraphs

if TYPE_CHECKING:
    from autonas.search_space.operation_graph import OperationGraph


class Graph(keras_tuner.HyperModel):
    """Graph of blocks between inputs and heads: a search space.

    After `bind` attached the graph to data, `declare` returns the space and `build` returns a compiled `keras.Model`
    for the hyperparameters of a trial. The inputs and outputs of the model are dicts. An input of the graph contributes
    the key `"<input>_<tensor>"` for every tensor that the data pipeline makes of its data. A head contributes its name.

    A block that is connected to an input and has `takes_raw_inputs = False` receives the input encoded as one tensor:
    standardised pixels or series, imputed and encoded columns of a table, or embedded tokens of a text.

    Args:
        inputs: An input node or a list of input nodes.
        outputs: The output node of a head, or a list of output nodes of heads.
        optimization: An `Optimization`. Defaults to `None`: an `Optimization()` with its default ranges.

    Raises:
        ValueError: If an output isn't the output of a head, if an input doesn't reach any output, or if two names are
            equal.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput(name="photo")
    features = autonas.ConvolutionBlock(filters=autonas.Choice([16, 32]))(inputs)
    outputs = autonas.ClassificationHead(name="label")(features)
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    def __init__(
        self,
        inputs: block.Node | list[block.Node],
        outputs: block.Node | list[block.Node],
        optimization: optimization.Optimization | None = None,
    ) -> None:
        super().__init__()
        self.inputs = as_list(inputs)
        self.outputs = as_list(outputs)
        self.optimization = optimization
        #: Dict from the name of a decision to the hyperparameter to which it is narrowed; see `narrowing`.
        self.narrowed: dict[str, narrowing.HyperParameter] = {}
        self.blocks = topology.ordered_blocks(self.inputs, self.outputs)
        self.heads: list[heads.Head] = [node.block for node in self.outputs]
        for head in self.heads:
            checks.check_number("loss_weight", head.loss_weight, 0)
        self._name()

    def check_names(self) -> None:
        """Raise a `ValueError` if the name of an input or a block can't be the name of layers and tensors."""
        topology.check_names((self.names[id(member)], member) for member in [*self.inputs, *self.blocks])

    def __setstate__(self, state: dict[str, Any]) -> None:
        # `names` has object identities as keys, which change in a copy and in another process.
        self.__dict__.update(state)
        self._name()

    def bind(self, features: list[Any], targets: list[heads.Target], in_memory: bool = True) -> None:
        """Attach the graph to the shapes, types and statistics of a data set.

        Args:
            features: List of `autonas.data.Feature`, one for each input.
            targets: List of `Target`, one for each head.
            in_memory: Whether all rows are in memory. Defaults to `True`.

        Raises:
            ValueError: If a head can't predict its target.
        """
        self.features = dict(zip(self.input_names, features, strict=True))
        feature_by_input = dict(zip(map(id, self.inputs), features, strict=True))
        for member in self.blocks:
            member.features = [
                feature_by_input[id(node)] for node in topology.ancestors(member) if id(node) in feature_by_input
            ]
            member.heads = {
                name: head
                for name, head in zip(self.head_names, self.heads, strict=True)
                if any(node.block is member for node in topology.ancestors(head))
            }
            member.in_memory = in_memory
        for head, target in zip(self.heads, targets, strict=True):
            if target.task not in head.tasks:
                raise ValueError(
                    f"{type(head).__name__} {self.names[id(head)]!r} can't predict a {target.task} target; it serves "
                    f"{', '.join(head.tasks)}. Use another head, or set `task`."
                )
            head.target = target
        self.left_out: dict[tuple[str, str], str] = {}

    def check_bound(self) -> None:
        """Raise a `ValueError` if the graph isn't bound to data."""
        if not hasattr(self, "features"):
            raise ValueError(
                "The graph must be bound to data before it is built, since the shapes of its inputs and outputs follow "
                "from the data. AutoModel(inputs, outputs).fit(x, y) binds it; or call `graph.bind`."
            )

    @property
    def image_inputs(self) -> list[str]:
        """Names of the model's inputs that are images."""
        return [f"{name}_image" for name, feature in self.features.items() if feature.kind == "image"]

    def declare(self) -> keras_tuner.HyperParameters:
        """Return the whole space, a `keras_tuner.HyperParameters` with the default values.

        A candidate of an optional decision that can't be built for the data is excluded with a warning. The attribute
        `left_out` then maps the pair of the decision's name and the candidate's label to the error.

        Raises:
            ValueError: If the graph isn't bound to data, a block can't be built for the data, or a decision can't be
                narrowed as wanted.
        """
        self.check_bound()
        # Most of the time of a build goes into the values of variables. Layers that the user's blocks hold would stay
        # without values.
        if all(type(member).__module__.split(".")[0] == "autonas" for member in self.blocks):
            with contextlib.suppress(Exception):
                return self._declared(valueless.building())
        while True:
            try:
                return self._declared(contextlib.nullcontext())
            except declaration.CandidateFailed as failure:
                self.left_out[failure.decision, failure.label] = failure.reason
                warnings.warn(
                    f"{failure.decision}={failure.label!r} is left out of the search: it can't be built for this data "
                    f"({failure.reason}).",
                    stacklevel=2,
                )

    def _declared(self, layers: contextlib.AbstractContextManager[None]) -> keras_tuner.HyperParameters:
        """Return the space of the candidates that aren't left out, all of which are built in the context `layers`."""
        hp = declaration.DeclaringHyperParameters(self.left_out, self.narrowed)
        self._built(hp, layers, keras.Model)
        space = hp.declared()
        narrowing.check_names(self.narrowed, [declared.name for declared in space.space])
        return space

    def structure(self) -> OperationGraph | DrawnGraphs | None:
        """Return the structure by which a strategy compares architectures.

        Returns:
            The `OperationGraph` of the only block that has one; otherwise the `DrawnGraphs` of all blocks, or `None` if
            no block draws a graph.
        """
        structures = [member.structure(self.names[id(member)]) for member in self.blocks]
        structures = [structure for structure in structures if structure is not None]
        if len(structures) == 1:
            return structures[0]
        drawings = [drawing for member in self.blocks for drawing in member.drawing(self.names[id(member)])]
        return DrawnGraphs(drawings) if drawings else None

    def blueprint(self) -> list[dict[str, Any]]:
        """Return the members of the bound graph and their connections as a list of JSON-compatible dicts.

        The list has a dict for each input, block and head, in topological order:

        - `"name"`: name of the member. The names of its decisions begin with it; the decisions of the default encoding
          of an input begin with `"<name>_encoding"`.
        - `"kind"`: name of its class.
        - `"inputs"`: list of the names of the members to which it is connected.
        - `"role"`: `"input"`, `"block"` or `"head"`.
        - `"facts"`: dict with `"data"` (kind of data) and `"shapes"` (shapes by tensor) for an input, `"task"` and
          `"n_outputs"` for a head; empty for a block.
        - `"drawing"`: see `Block.drawing`.
        """
        entries = []
        for node, name in zip(self.inputs, self.input_names, strict=True):
            shapes = {key: list(tensor.shape) for key, tensor in self.features[name].tensors.items()}
            facts = {"data": self.features[name].kind, "shapes": shapes}
            entries.append(_entry(name, node, [], "input", facts))
        for member in self.blocks:
            name = self.names[id(member)]
            sources = [self.names[id(node if node.block is None else node.block)] for node in member.parents]
            target = next((head.target for head in self.heads if head is member), None)
            facts = {} if target is None else {"task": target.task, "n_outputs": target.n_outputs}
            role = "block" if target is None else "head"
            entries.append(_entry(name, member, sources, role, facts) | {"drawing": member.drawing(name)})
        return entries

    def build(self, hp: keras_tuner.HyperParameters, make_model: Callable = keras.Model) -> keras.Model:
        """Build and compile the model for the hyperparameters in `hp`.

        Args:
            hp: The `keras_tuner.HyperParameters` of a trial, or a `Reading` that interprets the decisions.
            make_model: Function of the inputs and outputs, two dicts of symbolic tensors by name, that returns the
                model. Defaults to `keras.Model`.

        Raises:
            ValueError: If the graph isn't bound to data.
        """
        return self._built(hp, contextlib.nullcontext(), make_model)

    def _built(
        self, hp: keras_tuner.HyperParameters, layers: contextlib.AbstractContextManager[None], make_model: Callable
    ) -> keras.Model:
        """Build the model as `build` does, with its layers in the context `layers`."""
        self.check_bound()
        with seeding.BUILDING, layers:
            inputs, outputs = self._connect(hp)
        with self._training_decisions(hp) as training:
            optimizer = (self.optimization or optimization.Optimization()).build(training)
        return self.compile(make_model(inputs, outputs), optimizer)

    def _connect(
        self, hp: keras_tuner.HyperParameters
    ) -> tuple[dict[str, keras.KerasTensor], dict[str, keras.KerasTensor]]:
        """Return the inputs and outputs of the model, two dicts of symbolic tensors."""
        tensors: dict[int, keras.KerasTensor] = {}
        raw: dict[int, dict[str, keras.KerasTensor]] = {}
        model_inputs: dict[str, keras.KerasTensor] = {}
        for node, name in zip(self.inputs, self.input_names, strict=True):
            raw[id(node)] = {}
            for tensor_name, tensor in self.features[name].tensors.items():
                full_name = f"{name}_{tensor_name}"
                model_inputs[full_name] = keras.Input(tensor.shape, dtype=tensor.dtype, name=full_name)
                raw[id(node)][tensor_name] = model_inputs[full_name]
        for member in self.blocks:
            arguments = [self._argument(hp, member, node, tensors, raw) for node in member.parents]
            tensors[id(member)] = self._output(hp, member, arguments)
        encoded = {id(node): f"{self.names[id(node)]}_encoding" for node in self.inputs}
        node_graph.name_operations({encoded.get(key, self.names[key]): tensor for key, tensor in tensors.items()})
        return model_inputs, {self.names[id(head)]: tensors[id(head)] for head in self.heads}

    def _output(self, hp: keras_tuner.HyperParameters, block: block.Block, arguments: list[Any]) -> keras.KerasTensor:
        """Return the output tensor of `block` on the list of tensors `arguments`."""
        name = self.names[id(block)]
        scope = self._training_decisions(hp) if isinstance(block, heads.Head) else contextlib.nullcontext(hp)
        try:
            with scope as declared, declared.name_scope(name):
                output = transfer.for_one_network(block).build(
                    declared, arguments[0] if len(arguments) == 1 else arguments
                )
        except (declaration.CandidateFailed, declaration.BuildTimeout, narrowing.NarrowingError):
            raise
        except (Exception, SystemExit) as error:  # A user's block can raise anything.
            if not isinstance(hp, declaration.DeclaringHyperParameters):
                raise  # The record of a trial names the type of its error.
            raise ValueError(f"Block {name!r} can't be built for this data. {declaration.one_line(error)}") from error
        if not keras.backend.is_keras_tensor(output):
            raise ValueError(
                f"`build` of block {name!r}, a {type(block).__name__}, must return a Keras tensor. "
                f"Received: {type(output).__name__}"
            )
        return output

    @contextlib.contextmanager
    def _training_decisions(self, hp: keras_tuner.HyperParameters) -> Iterator[keras_tuner.HyperParameters]:
        """Return the context for decisions that have no effect unless weights are trained by gradient descent.

        Examples are the learning rate, and the dropout of a head. The decisions are inactive for the fitted kinds of
        the graph's only block. They are no part of the space if the block is always fitted.

        Yields:
            The `HyperParameters` to which the decisions belong: `hp`, or others with the default values.
        """
        members = [member for member in self.blocks if not isinstance(member, heads.Head)]
        only = members[0] if len(members) == 1 else None
        if only is None or not (only.is_fitted or only.fitted_kinds):
            yield hp
            return
        kind = f"{self.names[id(only)]}/kind"
        kinds = [label for declared in hp.space if declared.name == kind for label in declared.values]
        trained = [label for label in kinds if label not in only.fitted_kinds]
        is_declaring = isinstance(hp, declaration.DeclaringHyperParameters)
        if not trained or not (is_declaring or hp.values[kind] in trained):
            yield keras_tuner.HyperParameters()
            return
        with hp.conditional_scope(kind, trained):
            yield hp

    def compile(self, model: keras.Model, optimizer: keras.Optimizer) -> keras.Model:
        """Compile `model` with the losses of the heads and return it."""
        heads_by_name = dict(zip(self.head_names, self.heads, strict=True))
        model.compile(
            optimizer=optimizer,
            loss={name: losses.in_training(head, model.output[name]) for name, head in heads_by_name.items()},
            loss_weights={name: head.loss_weight for name, head in heads_by_name.items()},
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        return model

    def _argument(
        self,
        hp: keras_tuner.HyperParameters,
        consumer: block.Block,
        node: block.Node,
        tensors: dict[int, keras.KerasTensor],
        raw: dict[int, dict[str, keras.KerasTensor]],
    ) -> Any:
        """Return the tensor, or the dict of raw tensors, that `node` passes to the block `consumer`."""
        if node.block is not None:
            return tensors[id(node.block)]
        if consumer.takes_raw_inputs:
            return _single(raw[id(node)], consumer.takes_ngrams)
        if id(node) not in tensors:
            name = self.input_names[self.inputs.index(node)]
            encoder = preprocessing.default_encoding(self.features[name])
            encoder.features = [self.features[name]]
            with hp.name_scope(f"{name}_encoding"):
                tensors[id(node)] = encoder.build(hp, _single(raw[id(node)]))
        return tensors[id(node)]

    def _name(self) -> None:
        """Set the names of all inputs and blocks, by the identity of the object."""
        self.names = topology.names([*self.inputs, *self.blocks])
        self.input_names = [self.names[id(node)] for node in self.inputs]
        self.head_names = [self.names[id(head)] for head in self.heads]


def _entry(name: str, member: Any, sources: list[str], role: str, facts: dict[str, Any]) -> dict[str, Any]:
    kind = type(member).__name__
    return {"name": name, "kind": kind, "inputs": sources, "role": role, "facts": facts, "drawing": []}


def _single(tensors: dict[str, keras.KerasTensor], with_ngrams: bool = False) -> Any:
    if not with_ngrams:
        tensors = {name: tensor for name, tensor in tensors.items() if name != "ngrams"}
    return next(iter(tensors.values())) if set(tensors) in ({"image"}, {"series"}, {"tokens"}) else tensors
