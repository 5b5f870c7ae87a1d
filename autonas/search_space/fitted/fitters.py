"""Fitters: weights of a network that are computed from the training set, before the rest is trained by gradient."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.data.sparse_rows import SparseRows

if TYPE_CHECKING:
    from autonas.search_space.block import Block
    from autonas.search_space.target import Targeted

#: Keys of the choices of a fit that are about its time. They hold for this fit alone; see `Fitter.fit`.
TIME_KEYS = ("is_cut", "refit_share", "rows_share", "time_share")


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a data set, as a fitter receives them.

    Args:
        inputs: Values of the fitter's `inputs`, an array `(n, ...)` that the fitter may change, or `SparseRows` for an
            input of the network whose values are mostly 0.
        targets: Encoded targets of the fitter's head: class numbers, 0 and 1, or standardised numbers, `(n,)` or
            `(n, outputs)`.
        weights: Weights of the rows in the loss, `(n,)`, or `None`.
    """

    inputs: Any
    targets: np.ndarray
    weights: np.ndarray | None = None

    def columns(self, n_outputs: int) -> np.ndarray:
        """Return the targets with a column for each output, `(n, n_outputs)`: 1 and 0 for each of several classes."""
        targets = self.targets.reshape(len(self.targets), math.prod(self.targets.shape[1:]))
        return targets if targets.shape[1] == n_outputs else (targets == np.arange(n_outputs)).astype("float64")

    def where(self, chosen: np.ndarray | slice) -> Rows:
        """Return the rows that `chosen` marks, a boolean array `(n,)`, or lists, an array of positions or a slice."""
        weights = None if self.weights is None else self.weights[chosen]
        # An index of sparse rows makes them dense.
        inputs = self.inputs.take(chosen) if isinstance(self.inputs, SparseRows) else self.inputs[chosen]
        return Rows(inputs, self.targets[chosen], weights)

    def some(self, number: int, seed: int) -> Rows:
        """Return a random sample of the rows, in their order, or all rows if there are at most `number`."""
        if number >= len(self.targets):
            return self
        return self.where(np.sort(np.random.default_rng(seed).permutation(len(self.targets))[:number]))


class Fitter:
    """Base class of computations that set the weights of a layer from the training set.

    A block attaches the fitter to a layer with `attach`, and the layer's weights aren't trainable. Before a candidate
    is trained, the evaluation calls `fit` of all fitters of its network, in the order of the layers. After a fit, the
    network is an ordinary Keras model without any trace of the fitter, also in saved and exported files.

    Args:
        inputs: Symbolic tensor of the network whose values `fit` needs.
        head: Name of the head whose targets `fit` needs.
    """

    #: Whether `fit` needs the validation rows.
    uses_validation = True
    #: Whether `fit`, if it receives the validation rows, also computes the weights for all rows; see `use_all_rows`.
    fits_all_rows = False
    #: Whether the weights depend on the targets.
    reads_targets = True
    #: Largest number of training rows that are passed, a random sample of more rows, or `None`.
    most_rows: int | None = None

    #: Share of the rows that the latest `fit` or `refit` used, less than 1 if the time was too short for all.
    rows_share: float = 1.0
    #: Iterations or trees of the latest `refit` as a share of the chosen ones, less than 1 if the time was too short.
    iterations_share: float = 1.0
    #: Indices of some training rows of the latest fit, and the values of `inputs` for them, or `None` if `inputs` is an
    #: input of the network.
    sample: tuple[np.ndarray, np.ndarray] | None = None
    #: Symbolic tensor of the predictions of a fitter that has `left_out` or `validated`.
    outputs: keras.KerasTensor
    #: Values of `outputs` for the validation rows after `fit`, or `None` if only the network computes them.
    validated: np.ndarray | None = None
    #: Values of `outputs` for the training rows of the latest `fit`, each by the weights without the row.
    left_out: np.ndarray

    def __init__(self, inputs: keras.KerasTensor, head: str) -> None:
        self.inputs = inputs
        self.head = head

    def leaves_one_out(self, n_rows: int) -> bool:
        """Return whether `fit` computes `left_out` for a number of training rows. By default it doesn't."""
        return False

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        """Compute the weights and set them.

        Args:
            training: `Rows` of the training set.
            validation: `Rows` of the validation set. There are none if `uses_validation` is `False`, unless
                `fits_all_rows` is `True` and they are few enough.
            generator: A `numpy.random.Generator`.
            deadline: Value of `time.monotonic()` at which to be done, or `None`. Defaults to `None`.

        Returns:
            JSON-like dict of the numbers that were chosen by the validation set, such as a number of iterations. The
            key `"refit_share"` is the share of the time of `fit` that `refit` takes for as many rows, 1 without it, and
            more than 1 if the fit used results of an earlier one. The
            key `"time_share"` is the share that the fit had of the time with which the weights would be better, 1
            without it. The key `"is_cut"` is a list: which parts of the fit, such as the trees of an output, the time
            cut short, so that `refit` does more of them.
        """
        raise NotImplementedError

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        """Compute the weights from all rows and set them. By default, `fit` computes them anew.

        Args:
            training: `Rows` of training set and validation set together.
            choices: Dict that `fit` returned.
            generator: As in `fit`.
            deadline: As in `fit`.
        """
        validation = training if self.uses_validation else training.where(np.zeros(len(training.targets), bool))
        self.fit(training, validation, generator, deadline)

    def use_all_rows(self) -> bool:
        """Set the weights for training and validation rows together that the latest `fit` computed beside the others.

        Weights that don't depend on the targets are good for all rows, and stay as they are.

        Returns:
            Whether the weights are set.
        """
        return not self.reads_targets

    def reduced(self) -> Callable[[keras.KerasTensor], keras.KerasTensor] | None:
        """Return a function from `inputs` to `outputs` with fewer weights and the same values, or `None` without one.

        The network that is served has no need of the weights that only another fit would use.
        """
        return None


def attach(fitter: Fitter, layer: keras.layers.Layer) -> None:
    """Attach a fitter to a layer. A layer has at most one fitter."""
    layer.fitter = fitter


def fitters_of(model: keras.Model) -> list[Fitter]:
    """Return the fitters of a network's layers, in the order of the layers."""
    fitters: list[Any] = [getattr(layer, "fitter", None) for layer in model.layers]
    return [fitter for fitter in fitters if fitter is not None]


def reduced(network: keras.Model) -> keras.Model:
    """Return a trained network without the weights that its fitters don't use. All other layers are shared.

    Args:
        network: A functional `keras.Model`, not compiled. The networks inside it are reduced, too.
    """
    functions = {fitter: function for fitter in fitters_of(network) if (function := fitter.reduced()) is not None}
    inner = {layer: reduced(layer) for layer in network.layers if isinstance(layer, keras.Model)}
    if not functions and all(layer is smaller for layer, smaller in inner.items()):
        return network
    starts = {node_graph.producer(fitter.inputs)[0].operation: fitter for fitter in functions}
    ends = {node_graph.producer(fitter.outputs)[0].operation: fitter for fitter in functions}
    inputs = {}

    def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        output = inner.get(operation, operation)(*args, **kwargs)
        if operation in starts:
            inputs[starts[operation]] = output
        if operation not in ends:
            return output
        fitter = ends[operation]
        smaller = functions[fitter](inputs[fitter])
        node_graph.name_alike((inputs[fitter], smaller), (fitter.inputs, fitter.outputs))
        return smaller

    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)


def unsuitable(member: Block, models: str, losses: Collection[str]) -> str | None:
    """Return why a block of a bound graph can't predict the target by fitted models, or `None`.

    Args:
        member: The block.
        models: Name of the models, in the plural.
        losses: Names of the losses that the models minimise.
    """
    if not member.in_memory:
        return f"the data is a stream, and {models} need all training rows in memory"
    if len(member.heads) != 1:
        return f"the block must lead to one head, and leads to {len(member.heads)}"
    ((name, head),) = member.heads.items()
    if head.loss_name() not in losses:
        return f"head {name!r} has the loss {head.loss_name()!r}, and {models} minimise one of {list(losses)}"
    return None


def only_head(member: Block, reason: str | None) -> tuple[str, Targeted]:
    """Return the name and the head whose target a block of a bound graph predicts by fitted models.

    Args:
        member: The block.
        reason: Reason of `unsuitable`.

    Raises:
        ValueError: If there is a reason.
    """
    if reason is not None:
        raise ValueError(f"{type(member).__name__} can't be used here: {reason}.")
    ((name, head),) = member.heads.items()
    return name, head
