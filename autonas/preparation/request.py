"""The request of a search: the arguments of an estimator and the data of its `fit`, as the user passed them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any

import keras

from autonas import execution, oracles
from autonas.arguments.lists import as_list
from autonas.arguments.scalars import plain
from autonas.data.fit_data import FitData
from autonas.objectives import custom_score, goal
from autonas.preparation import validation
from autonas.reporting import SearchCallback
from autonas.search_space.optimization import Optimization


@dataclasses.dataclass(frozen=True, eq=False)
class Settings:
    """The arguments of `fit` that settings of the constructor are, too, as in Keras.

    Args:
        callbacks: Callbacks beside the callbacks of the constructor, or `None`. Defaults to `None`.
        epochs: Epochs of a full training, or `None` for the argument of the constructor. Defaults to `None`.
        batch_size: Number of rows per training step, or `None` for a search. Defaults to `None`.
        validation_split: Share of the rows in the validation set, or `None` for the argument of the constructor.
            Defaults to `None`.
        class_weight: Weights of classes, or `None` for the argument of the constructor. Defaults to `None`.
        reopened: Run directory of a search to continue, or `None` for the arguments of the constructor. Defaults to
            `None`.
    """

    callbacks: Any = None
    epochs: int | None = None
    batch_size: int | None = None
    validation_split: float | None = None
    class_weight: Any = None
    reopened: str | None = None

    def applied(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a constructor with these settings."""
        names = ("epochs", "validation_split", "class_weight")
        changed = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.reopened is not None:
            changed |= {"directory": self.reopened, "overwrite": False}
        wanted = arguments["optimization"] or Optimization()
        if self.batch_size is not None and isinstance(wanted, Optimization):
            changed["optimization"] = wanted.replaced(batch_size=self.batch_size)
        both = [as_list(some) for some in (arguments["callbacks"], self.callbacks) if some is not None]
        return arguments | changed | {"callbacks": sum(both, []) or None}


@dataclasses.dataclass(frozen=True, eq=False)
class Request:
    """The arguments of an estimator and of its `fit`, as the user passed them.

    The constructor's arguments, and the attributes of the estimator's class, are attributes of this object.

    Args:
        estimator_class: The class of the estimator.
        arguments: Dict from name to argument of the constructor.
        data: The `FitData`.
        kinds: Kind of each input, or `None` before the data was looked at.
        tasks: Task of each head, or `None` before the data was looked at.
    """

    estimator_class: type
    arguments: dict
    data: FitData
    kinds: list | None = None
    tasks: list | None = None

    @classmethod
    def of(cls, estimator: Any, data: FitData, settings: Settings | None = None) -> Request:
        """Return the request of an estimator that is fitted to data with some `Settings` of `fit`."""
        names = [name for name in vars(estimator) if not (name.startswith("_") or name.endswith("_"))]
        arguments = (settings or Settings()).applied({name: getattr(estimator, name) for name in names})
        arguments = {name: plain(value) for name, value in arguments.items()}
        return cls(type(estimator), validation.resolved(arguments), data)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.arguments[name] if name in self.arguments else getattr(self.estimator_class, name)

    def settings(self) -> dict[str, str]:
        """Return the constructor's arguments that differ from their defaults, a dict of short texts."""
        parameters = inspect.signature(self.estimator_class).parameters
        texts = {name: f"{self.arguments[name]!r:.200}" for name in sorted(parameters) if name in self.arguments}
        return {name: text for name, text in texts.items() if text != repr(parameters[name].default)}

    @property
    def default_split(self) -> bool:
        """Whether the share of rows in the validation set is the default one."""
        return self.validation_split == inspect.signature(self.estimator_class).parameters["validation_split"].default

    @property
    def reads_stream(self) -> bool:
        """Whether the rows are a `tf.data.Dataset`."""
        return self.data.is_stream

    @property
    def task_name(self) -> str | None:
        """The task as far as it is known before the data is looked at, or `None`."""
        return self.task or self.fixed_task

    @functools.cached_property
    def trains_supernet(self) -> bool:
        """Whether a supernet is trained."""
        return oracles.needs_supernet(self.strategy, self.weight_sharing)

    @functools.cached_property
    def trial_executor(self) -> execution.Executor:
        """The `Executor` of the trials, not started."""
        return execution.get_executor(self.executor, self.n_workers)

    @property
    def is_inline(self) -> bool:
        """Whether trials run in this process."""
        return isinstance(self.trial_executor, execution.InlineExecutor)

    @property
    def is_elsewhere(self) -> bool:
        """Whether trials may run on other machines."""
        return not isinstance(self.trial_executor, (execution.InlineExecutor, execution.ProcessExecutor))

    @property
    def search_callbacks(self) -> list[SearchCallback]:
        """The callbacks of the search."""
        return [callback for callback in self.callbacks or [] if isinstance(callback, SearchCallback)]

    @property
    def keras_callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks of every training."""
        return [callback for callback in self.callbacks or [] if not isinstance(callback, SearchCallback)]

    @functools.cached_property
    def wanted_objective(self) -> Any:
        """The argument `objective`, or the objective of the oracle that is the `strategy`; `None` without either."""
        return goal.wanted(self.objective, self.strategy)

    @property
    def objectives(self) -> list[Any]:
        """The objectives, a list."""
        return as_list(self.wanted_objective)

    @property
    def has_several_objectives(self) -> bool:
        """Whether a Pareto front is searched."""
        return len(self.objectives) > 1

    @property
    def has_custom_score(self) -> bool:
        """Whether an objective, or a part of a combination of objectives, is a `CustomScore`."""
        return any(isinstance(part, custom_score.CustomScore) for part in goal.parts_of(self.wanted_objective))

    def inner(self, name: str, default: Any) -> Any:
        """Return an attribute of the oracle that is the `strategy`, or of the oracle inside of that oracle."""
        strategy = self.strategy
        while strategy is not None and not isinstance(strategy, str):
            if hasattr(strategy, name):
                return getattr(strategy, name)
            strategy = getattr(strategy, "strategy", getattr(strategy, "oracle", None))
        return default
