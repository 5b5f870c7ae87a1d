"""Differences between two searches, in the words of the arguments of an estimator and of its `fit`."""

from collections.abc import Iterator, Mapping
from typing import Any

#: Facts of a header whose names aren't names of arguments.
_ARGUMENTS = {
    "given_seed": "seed",
    "n_classes": "num_classes",
    "tasks": "task",
    "space": "search_space",
    "training_rows": "validation",
}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the differences between the headers of two searches, a list of texts with the names of arguments.

    Args:
        before: Header of the earlier search, a dict of JSON.
        now: Header of the search of now, a dict of JSON.
    """
    lines: list[str] = []
    for key in sorted(set(before) | set(now)):
        one, other = before.get(key), now.get(key)
        if one == other:
            continue
        if key == "warm_start":
            lines += _of_warm_start(one, other)
        elif key in _DESCRIPTIONS and isinstance(one, dict) and isinstance(other, dict):
            lines += _DESCRIPTIONS[key](one, other)
        else:
            lines += _of_values(one, other, _ARGUMENTS.get(key, key))
    return lines


def _of_data(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in sorted(set(before) | set(now)):
        one, other = before.get(name), now.get(name)
        if one == other:
            continue
        if (one is None) != (other is None):
            yield f"`{name}` was {'not ' if one is None else ''}given and is{' not' if other is None else ''}"
            continue
        shown = [line for line in _of_values(one, other, name) if not line.startswith(f"{name}.hash ")]
        yield from shown or [f"`{name}` has other values than before"]


def _of_space(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    names = {
        "gone": sorted(before.keys() - now.keys()),
        "new": sorted(now.keys() - before.keys()),
        "changed": sorted(name for name in before.keys() & now.keys() if before[name] != now[name]),
    }
    counts = [f"{len(group)} {word}, such as {group[0]!r}" for word, group in names.items() if group]
    yield f"of the decisions of the search space, {'; '.join(counts)}"


def _of_goal(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    one, other = ([name for name, _ in goal.get("objectives", [])] for goal in (before, now))
    lines = [f"objective was {_joined(one)} and is {_joined(other)}"] if one != other else []
    lines += _of_values(before.get("constraints"), now.get("constraints"), "constraints")
    # Costs follow from objectives and constraints, whose change has been named.
    yield from lines or _of_values(before, now, "goal")


def _of_warm_start(before: dict[str, Any] | list[str] | None, now: dict[str, Any] | None) -> list[str]:
    one, other = (
        [] if entry is None else entry["digests"] if isinstance(entry, dict) else entry for entry in (before, now)
    )
    if one == other:
        return []
    if now is not None and isinstance(before, list) and len(one) == len(other):  # See `events.Search`.
        changed = [folder for folder, *digests in zip(now["folders"], one, other, strict=True) if len(set(digests)) > 1]
        return [f"the search in {folder!r:.200} (warm_start) has changed since" for folder in changed]
    return [f"warm_start was {_folders(before)} and is {_folders(now)}"]


def _folders(warm_start: dict[str, Any] | list[str] | None) -> str:
    if isinstance(warm_start, dict):
        return _joined(warm_start["folders"])
    return "None" if warm_start is None else "given"


def _joined(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def _of_values(before: object, now: object, path: str) -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(set(before) | set(now))
        return [line for key in keys for line in _of_values(before.get(key), now.get(key), f"{path}.{key}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now) == 1:
        return _of_values(before[0], now[0], path)
    return [] if before == now else [f"{path} was {before!r:.80} and is {now!r:.80}"]


_DESCRIPTIONS = {"data": _of_data, "space": _of_space, "goal": _of_goal}
