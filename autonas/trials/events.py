"""The events of a search: the entries of its journal, and the check of a journal before a search continues from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import keras_tuner

from autonas import storage
from autonas.search_space.values import Scalar
from autonas.trials import records, reserved, states
from autonas.trials.journal import Journal
from autonas.trials.records import Result
from autonas.trials.states import Stage, Status

_NUMBERS = {str: (float, None)}
_VALUES = {str: (str, float, bool, None)}
#: Folders of earlier searches, and the searches: architectures and scores. Earlier versions wrote the digests alone.
_WARM_START = {
    "folders": [str],
    "digests": [str],
    "searches": [{"architectures": [_VALUES], "scores": [float]}],
}
_VERSION = 1
_TrialStatus = keras_tuner.engine.trial.TrialStatus

_Event = TypeVar("_Event", bound="Event")


@dataclasses.dataclass(frozen=True)
class Event:
    """An entry of the journal.

    The fields of a subclass are the names of the entry. A field `further` is a dict of all other names of the entry.

    Attributes:
        kind: The kind of event, as the journal has it under `"event"`.
        shape: The shape of the other names of the entry; see `storage.check_shape`.
        is_open: Whether the entry may have names that `shape` lacks.
    """

    kind: ClassVar[str]
    shape: ClassVar[dict[str, Any]]
    is_open: ClassVar[bool] = False

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the journal, a JSON-like dict."""
        entry = {"event": self.kind} | {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return entry | entry.pop("further", {})

    @classmethod
    def from_json(cls: type[_Event], entry: dict[str, Any]) -> _Event:
        """Return the event of an entry of its kind."""
        names = {field.name for field in dataclasses.fields(cls)}
        fields = {name: value for name, value in entry.items() if name in names}
        if "further" in names:
            fields["further"] = {name: value for name, value in entry.items() if name not in names | {"event"}}
        return cls(**fields)


@dataclasses.dataclass(frozen=True)
class Search(Event):
    """The beginning of a search: its seed, and its header, the facts that identify a search, under `further`."""

    kind = "search"
    shape = {"version": int, "seed": int, "warm_start?": (None, [str], _WARM_START)}
    is_open = True

    seed: int
    version: int = _VERSION
    further: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Space(Event):
    """Hyperparameters that were added to the search space, a list of configurations."""

    kind = "space"
    shape = {"added": [{"class_name": ("Boolean", "Choice", "Fixed", "Float", "Int"), "config": {str: object}}]}

    added: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Baseline(Event):
    """The score of a baseline: its record, as from `TrialRecord.to_json`."""

    kind = "baseline"
    shape = {"record": {str: object}}
    is_open = True

    record: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Created(Event):
    """The beginning of a trial."""

    kind = "created"
    shape = {"trial_id": str, "values": _VALUES}

    trial_id: str
    values: dict[str, Scalar]


@dataclasses.dataclass(frozen=True)
class Epoch(Event):
    """The end of an epoch, counted from 1, of a trial, with its metrics."""

    kind = "epoch"
    shape = {"trial_id": str, "epoch": int, "numbers": _NUMBERS}

    trial_id: str
    epoch: int
    numbers: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Ended(Event):
    """The end of a trial.

    Args:
        trial_id: Id of the trial.
        values: Values of the trial.
        status: Status of the trial in Keras Tuner: `"COMPLETED"` or `"FAILED"`.
        score: Value of the objective, or `None`.
        best_step: Epoch of the score, or `None`.
        metrics: Dict of the metrics of the best epoch.
        message: One line, or `None`.
        further: Facts of the trial (see `TrialRecord.facts`), the seconds of the search so far by phase,
            `"search_phases"`, and the learning curve, `"curve"`. Empty for a tuner that isn't of this library.
    """

    kind = "ended"
    shape = {
        "trial_id": str, "values": _VALUES, "status": str, "score": (float, None), "best_step": (int, None),
        "metrics": _NUMBERS, "message": (str, None), "best_epoch?": int, "epochs?": int, "initial_epoch?": int,
        "horizon?": int, "batch_size?": (int, None), "parameters?": (int, None), "precision?": (str, None),
        "seconds?": float, "started?": float, "costs?": _NUMBERS, "margins?": ([(float, None)], None),
        "phases?": _NUMBERS, "search_phases?": _NUMBERS, "report?": {str: object}, "curve?": [(float, None)],
        "forecast?": ([float], None), "standard_error?": (float, None),
    }  # fmt: skip
    is_open = True

    trial_id: str
    values: dict[str, Scalar]
    status: str
    score: float | None
    best_step: int | None
    metrics: dict[str, float]
    message: str | None
    further: dict[str, Any] = dataclasses.field(default_factory=dict)

    def result(self, history: list[dict[str, float]]) -> Result:
        """Return the `Result` of the trial.

        Args:
            history: List of the metrics of each epoch, which the journal has in events of their own.
        """
        margins = self.further.get("margins") or []
        status = Status.COMPLETED if self.status == _TrialStatus.COMPLETED else Status.FAILED
        if status == Status.FAILED and any(margin is not None and margin < 0 for margin in margins):
            status = Status.REFUSED
        metrics = self.metrics or self.further.get("costs", {})
        return records.Result.from_facts(
            self.further, status=status, metrics=metrics, history=history, message=self.message or ""
        )


@dataclasses.dataclass(frozen=True)
class Final(Event):
    """The final fit.

    Args:
        of: Id of the trial that was trained further on all rows.
        record: Record of the final fit, as from `TrialRecord.to_json`.
        weights: Checksum of the weights. Journals of earlier versions lack it. Defaults to `None`.
    """

    kind = "final"
    shape = {"of": str, "record": {str: object}}
    is_open = True

    of: str
    record: dict[str, Any]
    weights: str | None = None


@dataclasses.dataclass(frozen=True)
class Ensemble(Event):
    """The training of an ensemble.

    Args:
        record: Record of the ensemble, as from `TrialRecord.to_json`.
        weights: Checksum of the weights.
    """

    kind = "ensemble"
    shape = {"record": {str: object}, "weights": str}
    is_open = True

    record: dict
    weights: str


_CLASSES = {cls.kind: cls for cls in (Search, Space, Baseline, Created, Epoch, Ended, Final, Ensemble)}


def read(journal: Journal) -> list[Event]:
    """Return the events of a `Journal`, a list in the order in which they happened."""
    return [_CLASSES[entry["event"]].from_json(entry) for entry in journal.read()]


def check(entries: Sequence[dict[str, Any]], path: str) -> None:
    """Raise an error if the entries of a journal can't be the events of a search.

    Args:
        entries: List of dicts, as from `Journal.read`.
        path: Path of the journal.

    Raises:
        ValueError: If an entry is of an unknown kind, lacks a value or has a value of a wrong type, if a trial has
            another id than a search gives it, or if the journal is of another version. The message names the line.
    """
    running: set[str] = set()
    ended: set[str] = set()
    for number, entry in enumerate(entries):
        reason = _wrong_shape(entry) or _wrong_content(entry, number, running, ended)
        if reason is not None:
            raise ValueError(
                f"Line {number + 1} of the journal {path!r} can't be from a search by this version of autonas: "
                f"{reason}. Nothing was changed. Restore the file, or choose another directory."
            )


def _wrong_shape(entry: dict[str, Any]) -> str | None:
    kind = entry.get("event")
    if not isinstance(kind, str) or kind not in _CLASSES:
        return f"the kind of event {kind!r:.60} is unknown"
    if kind == Search.kind and entry.get("version") != _VERSION:
        return f"`version` is {entry.get('version')!r:.60} instead of {_VERSION}"
    shape = {"event": str, **_CLASSES[kind].shape}
    if _CLASSES[kind].is_open:
        names = {name.removesuffix("?") for name in shape}
        entry = {name: value for name, value in entry.items() if name in names}
    try:
        storage.check_shape(entry, shape, kind)
    except ValueError as error:
        return str(error)
    return None


def _wrong_content(entry: dict[str, Any], number: int, running: set[str], ended: set[str]) -> str | None:
    """Return the reason why an entry is wrong, or `None`; update the sets of ids of running and ended trials."""
    kind = entry["event"]
    if (kind == Search.kind) != (number == 0):
        return "a journal has one event 'search', the first"
    if kind in (Baseline.kind, Final.kind, Ensemble.kind):
        return _wrong_record(entry, ended)
    if kind in (Search.kind, Space.kind):
        return None
    trial_id = entry["trial_id"]
    if kind == Created.kind:
        if trial_id != states.id_of(len(running) + len(ended)):
            return f"a trial is named {trial_id!r:.60}"
        running.add(trial_id)
    elif trial_id not in running:
        return f"there is no running trial {trial_id!r:.60}"
    if kind == Epoch.kind:
        return None
    if kind == Ended.kind:
        running.remove(trial_id)
        ended.add(trial_id)
        if entry["status"] not in (_TrialStatus.COMPLETED, _TrialStatus.FAILED):
            return f"'status' is {entry['status']!r:.60}"
    return _wrong_values(entry["values"], running | ended)


def _wrong_record(entry: dict[str, Any], ended: set[str]) -> str | None:
    if entry["record"].get("stage") != entry["event"]:
        return f"the record isn't of stage {entry['event']!r}"
    # The candidate that violates constraints, and is trained after the search, isn't a trial of the search.
    if entry["event"] == Final.kind and entry["of"] not in ended | {Stage.INFEASIBLE}:
        return f"there is no trial {entry['of']!r:.60} that has ended"
    if entry["event"] == Ensemble.kind and not set(entry["record"].get("report", {}).get("members", [""])) <= ended:
        return "a member of the ensemble is no trial that has ended"
    return None


def _wrong_values(values: Mapping[str, Scalar], trial_ids: Collection[str]) -> str | None:
    # The log has a folder by the name of the stage.
    if not reserved.is_candidate(values) and values[reserved.STAGE] not in (Stage.SUPERNET, Stage.ONE_SHOT):
        return f"{reserved.STAGE!r} is {values[reserved.STAGE]!r:.60}"
    if values.get(reserved.TRIAL_ID) not in (None, "", *trial_ids):
        return f"{reserved.TRIAL_ID!r} is {values[reserved.TRIAL_ID]!r:.60}"
    return None
