"""Declaration of a search space: one pass over a graph of blocks that records all hyperparameters and conditions."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import keras_tuner

from autonas.search_space import decisions, narrowing
from autonas.search_space.narrowing import HyperParameter
from autonas.search_space.values import Scalar


class CandidateFailed(Exception):
    """Error raised when an optional candidate of a `LayerChoice` can't be built.

    Args:
        decision: Full name of the decision.
        label: Label of the candidate.
        reason: The original error in one line.
    """

    def __init__(self, decision: str, label: str, reason: str) -> None:
        super().__init__(f"{decision}={label}: {reason}")
        self.decision = decision
        self.label = label
        self.reason = reason


class BuildTimeout(Exception):
    """Error raised when the build of a graph isn't complete at its deadline."""


class DeclaringHyperParameters(keras_tuner.HyperParameters, decisions.Reading):
    """Hyperparameters that build every branch of every decision once, so that one pass declares the whole space.

    Keras Tuner discovers a conditional space by building variants of the model until no new hyperparameter appears.
    The number of builds grows with the square of the number of conditions. In this class an inactive
    hyperparameter returns its default value instead of `None`, so that inactive branches are built in the same pass.
    A decision returns the output of its default branch.

    Args:
        left_out: Collection of pairs `(decision, label)`: the full name of an optional `LayerChoice` and the label of a
            candidate to exclude from the space. Defaults to an empty tuple.
        narrowed: Dict from the full name of a decision to the hyperparameter to which it is narrowed; see
            `narrowing.narrowed`. Defaults to `None`: none.
    """

    #: Whether the networks are discarded, so that layers may be replaced by others with outputs of the same shapes.
    discards_networks = True

    def __init__(
        self,
        left_out: Collection[tuple[str, str]] = (),
        narrowed: Mapping[str, HyperParameter] | None = None,
    ) -> None:
        super().__init__()
        self._left_out = left_out
        self._narrowed = narrowed or {}
        self._scopes: list[str] = []

    def full_name(self, name: str) -> str:
        """Return the name of a hyperparameter, prefixed with the current name scopes."""
        return "/".join([*self._scopes, name])

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        self._scopes.append(name)
        try:
            with super().name_scope(name):
                yield
        finally:
            self._scopes.pop()

    def _declare(self, method: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Any:
        full_name = self.full_name(name)
        if full_name in self._narrowed:
            new = self._narrow(full_name, method, *args, **kwargs)
            config = {key: value for key, value in new.get_config().items() if key not in ("name", "conditions")}
            value = getattr(super(), type(new).__name__)(name, **config)
        else:
            value = method(name, *args, **kwargs)
        declared = [hp for hp in self.space if hp.name == full_name]
        if len(declared) > 1:
            raise ValueError(
                f"Two hyperparameters are named {full_name!r}, under different conditions. Their names must be unique."
            )
        return declared[0].default if value is None else value

    def _narrow(self, full_name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> HyperParameter:
        """Return the hyperparameter to which a decision is narrowed that `method` would declare."""
        declared = keras_tuner.HyperParameters()
        getattr(declared, method.__name__)(full_name, *args, **kwargs)
        return narrowing.narrowed(full_name, declared.space[0], self._narrowed[full_name])

    def Choice(self, name: str, values: Sequence[Scalar], *args: Any, **kwargs: Any) -> Any:
        return self._declare(super().Choice, name, values, *args, **kwargs)

    def Int(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._declare(super().Int, name, *args, **kwargs)

    def Float(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._declare(super().Float, name, *args, **kwargs)

    def Boolean(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._declare(super().Boolean, name, *args, **kwargs)

    def Fixed(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._declare(super().Fixed, name, *args, **kwargs)

    def layer_choice(self, decision: decisions.LayerChoice, inputs: Any) -> Any:
        candidates, chosen = self.declare_choice(decision)
        outputs = {}
        for label, make_layer in candidates.items():
            try:
                with decision.scope(self, label):
                    outputs[label] = make_layer()(inputs)
            except narrowing.NarrowingError:
                raise
            except Exception as error:  # Keras raises errors of many types for incompatible shapes.
                if not decision.optional or len(candidates) == 1:
                    raise
                raise CandidateFailed(self.full_name(decision.name), label, one_line(error)) from error
        return outputs[chosen]

    def declare_choice(self, decision: decisions.LayerChoice) -> tuple[decisions.Candidates, str]:
        """Declare a `LayerChoice` and return its remaining candidates, a dict by label, and the chosen label."""
        name = self.full_name(decision.name)
        labels = decision.candidates
        if name in self._narrowed:
            labels = self._narrow(name, super().Choice, list(labels)).values
        candidates = {label: decision.candidates[label] for label in labels if (name, label) not in self._left_out}
        default = decision.default if decision.default in candidates else None
        return candidates, self.Choice(decision.name, list(candidates), default=default)

    def input_choice(self, decision: decisions.InputChoice, inputs: list[Any]) -> Any:
        return decision.pick(inputs, self.Choice(decision.name, decision.labels(len(inputs))))

    def repeat(self, decision: decisions.Repeat, inputs: Any) -> Any:
        depth = decisions.declare_depth(self, decision)
        outputs = [inputs]
        for index in range(decision.max_depth):
            with decisions.layer_scope(self, decision, index):
                outputs.append(decision.make_layer(index)(outputs[-1]))
        return outputs[depth]

    def width_choice(self, decision: decisions.WidthChoice) -> decisions.Width:
        return decisions.Width(decision.widths[decisions.declare_width(self, decision)], lambda inputs: inputs)

    def declared(self) -> keras_tuner.HyperParameters:
        """Return the declared space as a plain `keras_tuner.HyperParameters` with the default values."""
        return keras_tuner.HyperParameters.from_config(self.get_config())


def one_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its message, at most 300 characters."""
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"[:300]
