"""The events of a journal, checked before a search goes on from them: a file may hold anything."""

import keras_tuner

from autonas.oracles import outcomes

_NUMBER = (int, float)
_OPTIONAL_NUMBER = (int, float, type(None))
_OPTIONAL_TEXT = (str, type(None))
#: Types of the values that an event of each kind must have.
_REQUIRED = {
    "search": {"version": int, "seed": int},
    "space": {"added": list},
    "baseline": {"record": dict},
    "created": {"trial_id": str, "values": dict},
    "epoch": {"trial_id": str, "epoch": int, "numbers": dict},
    "ended": {
        "trial_id": str, "values": dict, "status": str, "score": _OPTIONAL_NUMBER, "best_step": (int, type(None)),
        "metrics": dict, "message": _OPTIONAL_TEXT,
    },
    "final": {"of": str, "record": dict},
}  # fmt: skip
#: Types of further values of a trial's end.
_FACTS = {
    "best_epoch": int, "epochs": int, "initial_epoch": int, "horizon": int, "batch_size": (int, type(None)),
    "parameters": (int, type(None)), "precision": _OPTIONAL_TEXT, "seconds": _NUMBER, "started": _NUMBER,
    "costs": dict, "margins": (list, type(None)), "phases": dict, "search_phases": dict, "report": dict, "curve": list,
    "forecast": (list, type(None)),
}  # fmt: skip
_VERSION = 1
_STAGES = ("train", "supernet", "one_shot")
_STATUSES = (keras_tuner.engine.trial.TrialStatus.COMPLETED, keras_tuner.engine.trial.TrialStatus.FAILED)
_HYPERPARAMETERS = ("Boolean", "Choice", "Fixed", "Float", "Int")


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
        reason = _wrong_version(event) if number == 0 else None
        reason = reason or _wrong_types(event) or _wrong_content(event, number, running, ended)
        if reason is not None:
            raise ValueError(
                f"Line {number + 1} of the journal {path!r} can't be from a search by this version of autonas: "
                f"{reason}. Nothing was changed. Restore the file, or choose another directory."
            )


def _wrong_version(event):
    if event.get("event") == "search" and event.get("version") != _VERSION:
        return f"`version` is {event.get('version')!r:.60} instead of {_VERSION}"
    return None


def _wrong_types(event):
    kind = event.get("event")
    if not isinstance(kind, str) or kind not in _REQUIRED:
        return f"the kind of event {kind!r:.60} is unknown"
    required = _REQUIRED[kind]
    for name, types in required.items():
        if name not in event:
            return f"{name!r} is missing"
        if not _is_a(event[name], types):
            return f"{name!r} is {event[name]!r:.60}"
    for name in event.keys() & _FACTS.keys() if kind == "ended" else ():
        if not _is_a(event[name], _FACTS[name]):
            return f"{name!r} is {event[name]!r:.60}"
    return None


def _wrong_content(event, number, running, ended):
    """Return what is wrong with the content of an event, `None` if nothing is; adds to the trials' ids."""
    kind = event["event"]
    if (kind == "search") != (number == 0):
        return "a journal has one event 'search', the first"
    if kind == "search":
        return None
    if kind == "space":
        wrong = [each for each in event["added"] if not _is_hyperparameter(each)]
        return f"{wrong[0]!r:.60} isn't a hyperparameter" if wrong else None
    if kind == "baseline":
        return None if event["record"].get("stage") == "baseline" else "the record isn't that of a baseline"
    if kind == "final":
        return _wrong_final(event, ended)
    trial_id = event["trial_id"]
    if kind == "created":
        if trial_id != f"{len(running) + len(ended):04d}":
            return f"a trial is named {trial_id!r:.60}"
        running.add(trial_id)
    elif trial_id not in running:
        return f"there is no running trial {trial_id!r:.60}"
    if kind == "epoch":
        return _wrong_numbers(event["numbers"])
    if kind == "ended":
        running.remove(trial_id)
        ended.add(trial_id)
        if event["status"] not in _STATUSES:
            return f"'status' is {event['status']!r:.60}"
    return _wrong_values(event["values"], running | ended) or _wrong_numbers(event.get("metrics", {}))


def _wrong_values(values, trial_ids):
    for name, value in values.items():
        if not _is_a(value, (str, int, float, bool, type(None))):
            return f"the hyperparameter {name!r:.60} is {value!r:.60}"
    if not outcomes.is_candidate(values) and values["tuner/stage"] not in _STAGES:
        return f"'tuner/stage' is {values['tuner/stage']!r:.60}"
    if values.get("tuner/trial_id") not in (None, "", *trial_ids):
        return f"'tuner/trial_id' is {values['tuner/trial_id']!r:.60}"
    return None


def _wrong_numbers(numbers):
    wrong = [name for name, number in numbers.items() if not _is_a(number, _OPTIONAL_NUMBER)]
    return f"{wrong[0]!r:.60} is {numbers[wrong[0]]!r:.60}" if wrong else None


def _wrong_final(event, ended):
    if event["of"] not in ended:
        return f"there is no trial {event['of']!r:.60} that has ended"
    if [event["record"].get(name) for name in ("trial_id", "stage")] != ["final", "final"]:
        return "the record isn't that of a final fit"
    return None


def _is_hyperparameter(entry):
    return (
        isinstance(entry, dict) and entry.keys() == {"class_name", "config"} and entry["class_name"] in _HYPERPARAMETERS
    )


def _is_a(value, types):
    # True is an integer in Python only.
    return isinstance(value, types) and (
        bool in (types if isinstance(types, tuple) else (types,)) or not isinstance(value, bool)
    )
