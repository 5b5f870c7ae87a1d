"""The events of a journal, checked before a search goes on from them: a file may hold anything."""

import keras_tuner

from autonas import storage
from autonas.trials import reserved, states
from autonas.trials.states import Stage

_NUMBERS = {str: (float, None)}
_VALUES = {str: (str, float, bool, None)}
#: Shapes of the events of each kind; see `storage.check_shape`.
_SHAPES = {
    "search": {"version": int, "seed": int},
    "space": {"added": [{"class_name": ("Boolean", "Choice", "Fixed", "Float", "Int"), "config": {str: object}}]},
    "baseline": {"record": {str: object}},
    "created": {"trial_id": str, "values": _VALUES},
    "epoch": {"trial_id": str, "epoch": int, "numbers": _NUMBERS},
    "ended": {
        "trial_id": str, "values": _VALUES, "status": str, "score": (float, None), "best_step": (int, None),
        "metrics": _NUMBERS, "message": (str, None), "best_epoch?": int, "epochs?": int, "initial_epoch?": int,
        "horizon?": int, "batch_size?": (int, None), "parameters?": (int, None), "precision?": (str, None),
        "seconds?": float, "started?": float, "costs?": _NUMBERS, "margins?": ([(float, None)], None),
        "phases?": _NUMBERS, "search_phases?": _NUMBERS, "report?": {str: object}, "curve?": [(float, None)],
        "forecast?": ([float], None),
    },
    "final": {"of": str, "record": {str: object}},
}  # fmt: skip
#: Kinds whose events may have further values, such as the header, which has all that searches are compared by.
_OPEN = ("search", "baseline", "ended", "final")
_VERSION = 1
_STAGES = (Stage.SUPERNET, Stage.ONE_SHOT)
_STATUSES = (keras_tuner.engine.trial.TrialStatus.COMPLETED, keras_tuner.engine.trial.TrialStatus.FAILED)


def check(events, path):
    """Raise an error if events can't be those of a search.

    Args:
        events: List of dicts, what `Journal.read` returns.
        path: The journal.

    Raises:
        ValueError: If an event is of an unknown kind, lacks a value or has one of a wrong type, if a trial has another
            name than a search gives it, or if the journal is of another version. The message names the line.
    """
    running, ended = set(), set()
    for number, event in enumerate(events):
        reason = _wrong_shape(event) or _wrong_content(event, number, running, ended)
        if reason is not None:
            raise ValueError(
                f"Line {number + 1} of the journal {path!r} can't be from a search by this version of autonas: "
                f"{reason}. Nothing was changed. Restore the file, or choose another directory."
            )


def _wrong_shape(event):
    kind = event.get("event")
    if not isinstance(kind, str) or kind not in _SHAPES:
        return f"the kind of event {kind!r:.60} is unknown"
    if kind == "search" and event.get("version") != _VERSION:
        return f"`version` is {event.get('version')!r:.60} instead of {_VERSION}"
    shape = {"event": str, **_SHAPES[kind]}
    if kind in _OPEN:
        names = {name.removesuffix("?") for name in shape}
        event = {name: value for name, value in event.items() if name in names}
    try:
        storage.check_shape(event, shape, kind)
    except ValueError as error:
        return str(error)
    return None


def _wrong_content(event, number, running, ended):
    """Return what is wrong with the content of an event, `None` if nothing is; adds to the trials' ids."""
    kind = event["event"]
    if (kind == "search") != (number == 0):
        return "a journal has one event 'search', the first"
    if kind in ("baseline", "final"):
        return _wrong_record(event, ended)
    if kind in ("search", "space"):
        return None
    trial_id = event["trial_id"]
    if kind == "created":
        if trial_id != states.id_of(len(running) + len(ended)):
            return f"a trial is named {trial_id!r:.60}"
        running.add(trial_id)
    elif trial_id not in running:
        return f"there is no running trial {trial_id!r:.60}"
    if kind == "epoch":
        return None
    if kind == "ended":
        running.remove(trial_id)
        ended.add(trial_id)
        if event["status"] not in _STATUSES:
            return f"'status' is {event['status']!r:.60}"
    return _wrong_values(event["values"], running | ended)


def _wrong_record(event, ended):
    if event["record"].get("stage") != event["event"]:
        return f"the record isn't of stage {event['event']!r}"
    # The nearest of the refused architectures, which is trained after the search, has no trial of the search.
    if event["event"] == "final" and event["of"] not in ended | {"infeasible"}:
        return f"there is no trial {event['of']!r:.60} that has ended"
    return None


def _wrong_values(values, trial_ids):
    # The log has a folder by the name of the stage.
    if not reserved.is_candidate(values) and values[reserved.STAGE] not in _STAGES:
        return f"{reserved.STAGE!r} is {values[reserved.STAGE]!r:.60}"
    if values.get(reserved.TRIAL_ID) not in (None, "", *trial_ids):
        return f"{reserved.TRIAL_ID!r} is {values[reserved.TRIAL_ID]!r:.60}"
    return None
