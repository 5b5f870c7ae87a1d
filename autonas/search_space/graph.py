"""The graph: inputs, blocks and heads as one search space, a `keras_tuner.HyperModel`."""

import collections
import warnings

import keras
import keras_tuner

from autonas.arguments.lists import as_list
from autonas.search_space import block, declaring, heads, inputs, optimization
from autonas.search_space.blocks import preprocessing


class Graph(keras_tuner.HyperModel):
    """A graph of blocks between inputs and heads.

    Once bound to data, `declare` gives its space and `build` a compiled `keras.Model` for the values of a trial. The
    model's inputs and outputs are dicts: `"<input>_<tensor>"` for each tensor that the data pipeline delivers for an
    input, and the head's name for each head.

    A block that doesn't say `takes_raw_inputs` and is connected straight to an input gets the input encoded in the
    way usual for its kind (scaled pixels, imputed and embedded columns, embedded tokens).

    Args:
        inputs: An input node or a list of them.
        outputs: An output node of a head or a list of them.
        optimization: An `Optimization` block: optimizer, learning rate and batch size, as values or ranges. Defaults
            to that for any data.
    """

    def __init__(self, inputs, outputs, optimization=None):
        super().__init__()
        self.inputs = as_list(inputs)
        self.outputs = as_list(outputs)
        self.optimization = optimization
        self.blocks = self._sort()
        self.heads = [node.block for node in self.outputs]
        self._name()

    def __setstate__(self, state):
        # Names are by identity, which another process or a copy doesn't keep.
        self.__dict__.update(state)
        self._name()

    def bind(self, features, targets):
        """Tells the graph what the data looks like.

        Args:
            features: List of `autonas.data.Feature`, one for each input.
            targets: List of `Target`, one for each head.
        """
        self.features = dict(zip(self.input_names, features, strict=True))
        of_input = dict(zip(map(id, self.inputs), features, strict=True))
        for each in self.blocks:
            each.features = [of_input[id(node)] for node in self._ancestors(each) if id(node) in of_input]
        for head, target in zip(self.heads, targets, strict=True):
            if target.task not in head.tasks:
                raise ValueError(
                    f"{type(head).__name__} {self.names[id(head)]!r} can't predict a {target.task} target; it serves "
                    f"{', '.join(head.tasks)}. Use another head, or set `task`."
                )
            head.target = target
        self.left_out = {}

    @property
    def image_inputs(self):
        """Names of the model's inputs that are images."""
        return [f"{name}_image" for name, feature in self.features.items() if feature.kind == "image"]

    def declare(self):
        """Visits every branch once and returns the whole space, a `keras_tuner.HyperParameters` of defaults.

        A candidate of an optional decision that can't be built for the data is left out, with a warning; `left_out`
        then maps the pair of the decision's name and the candidate's label to the error.

        Raises:
            ValueError: If a block can't be built for the data.
        """
        while True:
            hp = declaring.DeclaringHyperParameters(self.left_out)
            try:
                self.build(hp)
            except declaring.CandidateFailed as failure:
                self.left_out[failure.decision, failure.label] = failure.reason
                warnings.warn(
                    f"{failure.decision}={failure.label!r} is left out of the search: it can't be built for this data "
                    f"({failure.reason}).",
                    stacklevel=2,
                )
            else:
                return hp.declared()

    def structure(self):
        """The `OperationGraph` of the block that has one; `None` if none has, or more than one."""
        found = [each.structure(self.names[id(each)]) for each in self.blocks]
        found = [structure for structure in found if structure is not None]
        return found[0] if len(found) == 1 else None

    def blueprint(self):
        """What is connected to what, as a list of dicts that JSON can hold.

        One for each input, block and head of the bound graph, in an order in which each follows those it needs:

        - `"name"`: what the names of its decisions begin with; those of an input that is encoded for blocks which take
          one tensor begin with `"<name>_encoding"`.
        - `"kind"`: the name of its class.
        - `"inputs"`: names of those it is connected to.
        - `"role"`: `"input"`, `"block"` or `"head"`.
        - `"facts"`: of an input the kind of its data and the shapes of its tensors, of a head its task and the number
          of its outputs, a dict.
        - `"drawing"`: see `Block.drawing`.
        """
        parts = []
        for node, name in zip(self.inputs, self.input_names, strict=True):
            shapes = {key: list(tensor.shape) for key, tensor in self.features[name].tensors.items()}
            facts = {"data": self.features[name].kind, "shapes": shapes}
            parts.append(_part(name, node, [], "input", facts, []))
        for each in self.blocks:
            name = self.names[id(each)]
            sources = [self.names[id(node if node.block is None else node.block)] for node in each.parents]
            is_head = any(each is head for head in self.heads)
            facts = {"task": each.target.task, "n_outputs": each.target.n_outputs} if is_head else {}
            parts.append(_part(name, each, sources, "head" if is_head else "block", facts, each.drawing(name)))
        return parts

    def build(self, hp, make_model=keras.Model):
        """Build the compiled model for the values in `hp`.

        Args:
            hp: The hyperparameters that the decisions are read through.
            make_model: Function of the inputs and outputs, two dicts of symbolic tensors by name, that returns the
                model. Defaults to `keras.Model`.
        """
        inputs, outputs = self._connect(hp)
        optimizer = self._optimizer(hp)
        return self.compile(make_model(inputs, outputs), optimizer)

    def _connect(self, hp):
        """The inputs and outputs of the model, two dicts of symbolic tensors."""
        tensors, raw, model_inputs = {}, {}, {}
        for node, name in zip(self.inputs, self.input_names, strict=True):
            raw[id(node)] = {}
            for tensor_name, tensor in self.features[name].tensors.items():
                full_name = f"{name}_{tensor_name}"
                model_inputs[full_name] = keras.Input(tensor.shape, dtype=tensor.dtype, name=full_name)
                raw[id(node)][tensor_name] = model_inputs[full_name]
        for each in self.blocks:
            arguments = [self._argument(hp, each, node, tensors, raw) for node in each.parents]
            tensors[id(each)] = self._output(hp, each, arguments)
        return model_inputs, {self.names[id(head)]: tensors[id(head)] for head in self.heads}

    def _output(self, hp, block, arguments):
        """The tensor that a block makes of the tensors `arguments`."""
        name = self.names[id(block)]
        try:
            with hp.name_scope(name):
                output = block.build(hp, arguments[0] if len(arguments) == 1 else arguments)
        except declaring.CandidateFailed:
            raise
        except (Exception, SystemExit) as error:  # Whatever a user's block raises.
            if not isinstance(hp, declaring.DeclaringHyperParameters):
                raise  # The error of a trial is described by its own type.
            raise ValueError(f"Block {name!r} can't be built for this data. {declaring.one_line(error)}") from error
        if not keras.backend.is_keras_tensor(output):
            raise ValueError(
                f"`build` of block {name!r}, a {type(block).__name__}, must return a Keras tensor. "
                f"Received: {type(output).__name__}"
            )
        return output

    def _optimizer(self, hp):
        return (self.optimization or optimization.Optimization()).build(hp)

    def compile(self, model, optimizer):
        """Compiles a model with the losses of the heads, and returns it."""
        model.compile(
            optimizer=optimizer,
            loss={self.names[id(head)]: head.loss_function() for head in self.heads},
            loss_weights={self.names[id(head)]: head.loss_weight for head in self.heads},
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        return model

    def _argument(self, hp, consumer, node, tensors, raw):
        if node.block is not None:
            return tensors[id(node.block)]
        if consumer.takes_raw_inputs:
            return _single(raw[id(node)])
        if id(node) not in tensors:
            name = self.input_names[self.inputs.index(node)]
            encoder = preprocessing.default_encoding(self.features[name])
            encoder.features = [self.features[name]]
            with hp.name_scope(f"{name}_encoding"):
                tensors[id(node)] = encoder.build(hp, _single(raw[id(node)]))
        return tensors[id(node)]

    def _sort(self):
        """Blocks in an order in which each follows those it needs."""
        order, visited = [], set()

        def visit(node, path):
            if node.block is None:
                if not any(node is each for each in self.inputs):
                    raise ValueError("A block is connected to an input that is not among the graph's `inputs`.")
                visited.add(id(node))
                return
            if id(node.block) in visited:
                return
            visited.add(id(node.block))
            for parent in node.block.parents:
                visit(parent, path)
            order.append(node.block)

        for node in self.outputs:
            if not isinstance(getattr(node, "block", None), heads.Head):
                raise ValueError(
                    "Each of `outputs` must be the output of a head, such as ClassificationHead()(node). "
                    f"Received: {type(getattr(node, 'block', node)).__name__}"
                )
            visit(node, ())
        for position, node in enumerate(self.inputs):
            if not isinstance(node, inputs.Input):
                raise ValueError(f"Each of `inputs` must be an autonas input. Received: {type(node).__name__}")
            if id(node) not in visited:
                raise ValueError(f"Input {position} of `inputs` doesn't reach any of the `outputs`.")
        return order

    def _ancestors(self, consumer):
        """All nodes upstream of a block."""
        found, waiting = {}, list(consumer.parents)
        while waiting:
            node = waiting.pop(0)
            if id(node) not in found:
                found[id(node)] = node
                waiting.extend(node.block.parents if node.block is not None else [])
        return list(found.values())

    def _name(self):
        counts = collections.Counter()
        self.names = {}
        for each in [*self.inputs, *self.blocks]:
            name = each.name
            if name is None:
                kind = block.snake_case(type(each).__name__)
                counts[kind] += 1
                name = f"{kind}_{counts[kind]}"
            if name in self.names.values():
                raise ValueError(f"Two parts of the graph are named {name!r}. Give each a name of its own.")
            self.names[id(each)] = name
        self.input_names = [self.names[id(node)] for node in self.inputs]
        self.head_names = [self.names[id(head)] for head in self.heads]


def _part(name, part, sources, role, facts, drawing):
    return {"name": name, "kind": type(part).__name__, "inputs": sources, "role": role, "facts": facts,
            "drawing": drawing}  # fmt: skip


def _single(tensors):
    return next(iter(tensors.values())) if set(tensors) in ({"image"}, {"series"}, {"tokens"}) else tensors
