"""Search callbacks, which receive the events of a running search."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autonas.trials.records import HeadPredictions, TrialRecord


@dataclasses.dataclass
class SearchInfo:
    """Description of a search that is known before the first trial.

    The fields are the keys of the description in saved models, so the record is flat.

    ```python
    import autonas

    search = autonas.reporting.SearchInfo(
        "val_accuracy",
        "max",
        space=[{"name": "units", "type": "Choice", "is_conditional": False, "values": [8, 16]}],
        max_trials=10,
    )
    search.pairs()  # [("val_accuracy", "max")]
    ```

    Args:
        objective: Name of the score, such as `"val_accuracy"`.
        direction: Direction of the score, `"min"` or `"max"`.
        space: List of one dict per decision, see `describe`. Keys are `"name"`, `"type"` (`"Choice"`, `"Int"`,
            `"Float"`, `"Boolean"` or `"Fixed"`), `"is_conditional"` (whether the decision is inactive in some
            architectures), and either `"values"`, a list, or `"min"` and `"max"`.
        max_trials: Maximum number of candidates, or `None`.
        time_limit: Time limit in seconds, or `None`.
        directory: Run directory.
        started: `time.time()` when `fit` was called in this process.
        title: Short title of the search.
        n_before: Number of candidates of the earlier process if the search is resumed.
        objectives: Names of all objectives, the objective of the score first.
        directions: Directions of `objectives`, `"min"` or `"max"`.
        goal: Objectives and constraints as text.
        blueprint: Blocks and their connections, as `Graph.blueprint` returns.
        settings: Arguments of the estimator that differ from their defaults, as text by name.
        environment: Versions and devices, as text by name.
        limits: Limits of the constraints by the names of the costs.
        unsearched: Names of decisions that a search with shared weights leaves at their defaults.
        preparation: Seconds from `started` to the start of the search, for the preparation of the data.
        served: `trial_id` of the trial whose architecture the final model has, or `None` during the search.
    """

    objective: str
    direction: str
    space: list[dict] = dataclasses.field(default_factory=list)
    max_trials: int | None = None
    time_limit: float | None = None
    directory: str = ""
    started: float = dataclasses.field(default_factory=time.time)
    title: str = ""
    n_before: int = 0
    objectives: list[str] = dataclasses.field(default_factory=list)
    directions: list[str] = dataclasses.field(default_factory=list)
    goal: str = ""
    blueprint: list[dict] = dataclasses.field(default_factory=list)
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    limits: dict[str, float] = dataclasses.field(default_factory=dict)
    unsearched: list[str] = dataclasses.field(default_factory=list)
    preparation: float = 0.0
    served: str | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of name and direction of all objectives, the objective of the score first."""
        return list(zip(self.objectives, self.directions, strict=True)) or [(self.objective, self.direction)]

    def __post_init__(self) -> None:
        # A monotonic clock, so that durations don't depend on changes of the system time.
        self._began = time.monotonic() - (time.time() - self.started)

    def seconds(self) -> float:
        """Return the seconds since this process began the search."""
        return time.monotonic() - self._began

    def to_json(self) -> dict[str, Any]:
        """Return the description as a JSON-like dict."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, config: dict[str, Any]) -> SearchInfo:
        """Return the `SearchInfo` of a dict that `to_json` returned."""
        return cls(**config)


def describe(hyperparameter: Any) -> dict[str, Any]:
    """Return a hyperparameter of Keras Tuner as a dict for `SearchInfo.space`.

    ```python
    import keras_tuner

    import autonas

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    [autonas.reporting.describe(hyperparameter) for hyperparameter in space.space]
    # [{"name": "units", "type": "Int", "is_conditional": False, "min": 8, "max": 64}]
    ```

    Args:
        hyperparameter: A `keras_tuner.engine.hyperparameters.HyperParameter`.
    """
    kind = type(hyperparameter).__name__
    described = {"name": hyperparameter.name, "type": kind, "is_conditional": bool(hyperparameter.conditions)}
    if kind in ("Int", "Float"):
        return described | {"min": hyperparameter.min_value, "max": hyperparameter.max_value}
    values = {"Boolean": lambda: [True, False], "Fixed": lambda: [hyperparameter.value]}
    return described | {"values": values.get(kind, lambda: list(hyperparameter.values))()}


class SearchCallback:
    """Base class of search callbacks. A subclass overrides some of the hooks, which do nothing by default.

    Search callbacks are passed to `callbacks` of an estimator or of its `fit`. A search calls the hooks from one
    thread of the process of `fit`, wherever trials run. `on_search_end` is also called after an error. The progress
    display and the TensorBoard log are search callbacks, too.

    ```python
    import autonas
    from sklearn.datasets import load_iris


    class Scores(autonas.SearchCallback):
        def on_trial_end(self, record, best):
            print(record.trial_id, record.score)

    model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0, callbacks=[Scores()])
    model.fit(*load_iris(return_X_y=True))
    ```
    """

    def check(self) -> None:
        """Raise an error if the callback can't be used, such as for want of a package. `fit` calls it first of all."""

    def on_search_begin(self, search: SearchInfo) -> None:
        """Handle the start of the search, before the first trial.

        Args:
            search: The `SearchInfo`.
        """

    def on_trial_begin(self, record: TrialRecord) -> None:
        """Handle the start of a trial.

        Args:
            record: The `TrialRecord`, with status `"running"`.
        """

    def on_epoch_begin(self, record: TrialRecord, epoch: int) -> None:
        """Handle the start of an epoch of a trial or of the final fit.

        The epochs of a supernet have an end only.

        Args:
            record: The `TrialRecord`, with status `"running"`.
            epoch: Number of the epoch, from 1.
        """

    def on_epoch_end(self, record: TrialRecord, epoch: int, metrics: dict[str, float]) -> None:
        """Handle the end of an epoch of a trial.

        Args:
            record: The `TrialRecord`, with status `"running"`.
            epoch: Number of the finished epoch, from 1.
            metrics: Dict of the epoch's metrics.
        """

    def on_trial_end(self, record: TrialRecord, best: TrialRecord | None) -> None:
        """Handle the end of a trial of any status.

        Args:
            record: The finished `TrialRecord`.
            best: The best `TrialRecord` so far, including `record`, or `None`.
        """

    def on_search_numbers(self, record: TrialRecord, numbers: dict[str, float]) -> None:
        """Handle the numbers of the whole search, after a trial or the final fit.

        Args:
            record: The finished `TrialRecord`.
            numbers: Dict of floats: the diagnostics of the strategy (see `Oracle.diagnostics`); for several objectives,
                their values and the hypervolume so far; the seconds of the search so far by phase, `"seconds/<phase>"`.
        """

    def on_predictions(self, record: TrialRecord, predictions: list[HeadPredictions]) -> None:
        """Handle the predictions of the best trial on the validation set, before the final fit.

        Args:
            record: The `TrialRecord` of the best trial.
            predictions: List of one `HeadPredictions` per head.
        """

    def on_search_end(self, records: list[TrialRecord], stop_reason: str) -> None:
        """Handle the end of the search.

        Args:
            records: List of all `TrialRecord`s, including the records of an earlier process.
            stop_reason: Why the search ended, such as `"time_limit"`.
        """


class SearchCallbackList(SearchCallback):
    """Search callback that forwards every hook to several search callbacks.

    A callback that raises an exception is switched off with a `RuntimeWarning`, since watching a search must not end
    it. Of its later hooks, only `on_search_end` is called, so that it closes its files.

    ```python
    import autonas

    callbacks = autonas.reporting.SearchCallbackList([autonas.reporting.ProgressReporter(verbose=0)])
    callbacks.on_search_begin(autonas.reporting.SearchInfo("val_loss", "min"))
    ```

    Args:
        callbacks: Iterable of `SearchCallback`s.
    """

    def __init__(self, callbacks: Iterable[SearchCallback]) -> None:
        self.callbacks = list(callbacks)
        self._switched_off: list[SearchCallback] = []

    def on_search_begin(self, search: SearchInfo) -> None:
        self._forward("on_search_begin", search)

    def on_trial_begin(self, record: TrialRecord) -> None:
        self._forward("on_trial_begin", record)

    def on_epoch_begin(self, record: TrialRecord, epoch: int) -> None:
        self._forward("on_epoch_begin", record, epoch)

    def on_epoch_end(self, record: TrialRecord, epoch: int, metrics: dict[str, float]) -> None:
        self._forward("on_epoch_end", record, epoch, metrics)

    def on_trial_end(self, record: TrialRecord, best: TrialRecord | None) -> None:
        self._forward("on_trial_end", record, best)

    def on_search_numbers(self, record: TrialRecord, numbers: dict[str, float]) -> None:
        self._forward("on_search_numbers", record, numbers)

    def on_predictions(self, record: TrialRecord, predictions: list[HeadPredictions]) -> None:
        self._forward("on_predictions", record, predictions)

    def on_search_end(self, records: list[TrialRecord], stop_reason: str) -> None:
        for callback in self._switched_off:
            with contextlib.suppress(Exception):
                callback.on_search_end(records, stop_reason)
        self._forward("on_search_end", records, stop_reason)

    def _forward(self, hook: str, *arguments: Any) -> None:
        for callback in tuple(self.callbacks):
            try:
                getattr(callback, hook)(*arguments)
            except Exception as error:
                self.callbacks.remove(callback)
                self._switched_off.append(callback)
                reason = " ".join(str(error).split())[:200]
                warnings.warn(
                    f"{type(callback).__name__} failed in `{hook}` and was switched off: "
                    f"{type(error).__name__}: {reason}",
                    RuntimeWarning,
                    stacklevel=3,
                )
