"""The interface of everything that shows a search while it runs."""

import dataclasses
import time
import warnings


@dataclasses.dataclass
class SearchInfo:
    """What a reporter may know of a search before its first trial.

    Args:
        objective: Name of the score, e.g. `"val_accuracy"`.
        direction: `"min"` or `"max"`: which scores are better.
        space: One dict a decision: `"name"`, `"type"` (`"Choice"`, `"Int"`, `"Float"`, `"Boolean"` or
            `"Fixed"`), `"is_conditional"` (whether it is inactive in some architectures), and either `"values"` (a
            list) or `"min"` and `"max"`.
        max_trials: Number of candidates after which the search ends, or None.
        time_limit: Seconds after which the search ends, or None.
        directory: Folder of the run.
        started: `time.time()` when `fit` was called in this process, also when it continues an earlier search.
        title: What is searched, in a few words.
        n_before: Number of candidates of an earlier process that this one continues.
        objectives: Names of all objectives, the one of the score first.
        directions: `"min"` or `"max"` for each of these.
        goal: What is optimised within which limits, in words.
        blueprint: The blocks and how they are connected, as `Graph.blueprint` gives them.
        settings: Arguments of the estimator that differ from their defaults, as text.
        environment: Versions, devices and the like, as text.
        limits: Limits of costs by their names.
        unsearched: Names of decisions that a search with shared weights doesn't vary: they keep their defaults.
        preparation: Seconds from `started` to the search, in which the data is checked, encoded and split.
        served: `trial_id` of the trial that is served, or `None` while the search goes on.
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

    def pairs(self):
        """Return the pairs of name and direction of all objectives, the objective of the score first."""
        return list(zip(self.objectives, self.directions, strict=True)) or [(self.objective, self.direction)]

    def __post_init__(self):
        # Durations are independent of a clock that is set while the search goes on.
        self._began = time.monotonic() - (time.time() - self.started)

    def seconds(self):
        """Return the seconds since this process began the search."""
        return time.monotonic() - self._began

    def to_json(self):
        """Returns it as a dict that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, config):
        """Returns what `to_json` described."""
        return cls(**config)


def describe(hyperparameter):
    """A hyperparameter of Keras Tuner as it stands in `SearchInfo.space`."""
    kind = type(hyperparameter).__name__
    described = {"name": hyperparameter.name, "type": kind, "is_conditional": bool(hyperparameter.conditions)}
    if kind in ("Int", "Float"):
        return described | {"min": hyperparameter.min_value, "max": hyperparameter.max_value}
    values = {"Boolean": lambda: [True, False], "Fixed": lambda: [hyperparameter.value]}
    return described | {"values": values.get(kind, lambda: list(hyperparameter.values))()}


class Reporter:
    """Base class of reporters. Every hook does nothing until a subclass overrides it.

    A search calls the hooks from one thread, `on_search_end` also when it ends by an error.
    """

    def on_search_begin(self, search):
        """Called once before the first trial.

        Args:
            search: The `SearchInfo`.
        """

    def on_trial_begin(self, record):
        """Called when a trial starts.

        Args:
            record: The `TrialRecord`, with status `"running"`.
        """

    def on_epoch_end(self, record, epoch, metrics):
        """Called after an epoch of a trial.

        Args:
            record: The `TrialRecord` as it stands.
            epoch: Number of the epoch just finished, counted from 1.
            metrics: Dict of the epoch's metrics.
        """

    def on_trial_end(self, record, best):
        """Called when a trial has ended, whatever its status.

        Args:
            record: The finished `TrialRecord`.
            best: The best `TrialRecord` so far, this one included, or None.
        """

    def on_search_numbers(self, record, numbers):
        """Called after each trial, and after the final fit, with what there is to say of the search as a whole.

        Args:
            record: The finished `TrialRecord`.
            numbers: Dict of floats: what the strategy says of itself (see `Oracle.numbers`); of several objectives,
                each one's value and the hypervolume so far; what the seconds of the search went to so far,
                `"seconds/<phase>"`.
        """

    def on_predictions(self, record, predictions):
        """Called once, when it is known which trial wins and before its final fit.

        Args:
            record: The `TrialRecord` of the winner.
            predictions: List of a `HeadPredictions` for each head: what it says of the validation rows, which it
                wasn't trained on.
        """

    def on_search_end(self, records, stop_reason):
        """Called once after the last trial.

        Args:
            records: List of all `TrialRecord`s, those of an earlier process included.
            stop_reason: One line: why the search ended.
        """


class ReporterList(Reporter):
    """Forwards every hook to several reporters.

    Reporting must not end a search: a reporter that raises is dropped, with one `RuntimeWarning`.

    Args:
        reporters: Iterable of `Reporter`s.
    """

    def __init__(self, reporters):
        self.reporters = list(reporters)

    def on_search_begin(self, search):
        self._forward("on_search_begin", search)

    def on_trial_begin(self, record):
        self._forward("on_trial_begin", record)

    def on_epoch_end(self, record, epoch, metrics):
        self._forward("on_epoch_end", record, epoch, metrics)

    def on_trial_end(self, record, best):
        self._forward("on_trial_end", record, best)

    def on_search_numbers(self, record, numbers):
        self._forward("on_search_numbers", record, numbers)

    def on_predictions(self, record, predictions):
        self._forward("on_predictions", record, predictions)

    def on_search_end(self, records, stop_reason):
        self._forward("on_search_end", records, stop_reason)

    def _forward(self, hook, *arguments):
        for reporter in tuple(self.reporters):
            try:
                getattr(reporter, hook)(*arguments)
            except Exception as error:
                self.reporters.remove(reporter)
                reason = " ".join(str(error).split())[:200]
                warnings.warn(
                    f"{type(reporter).__name__} failed in `{hook}` and was switched off: "
                    f"{type(error).__name__}: {reason}",
                    RuntimeWarning,
                    stacklevel=3,
                )
