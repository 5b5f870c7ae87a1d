"""The folder of a run: its files, and the comparison of the search in it with another search.

Other files are never deleted or replaced, and links are never followed.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from autonas.trials import differences, events, journal, lock, states, weights

#: First bytes of files of a run by name. The lock is empty.
_BEGINNINGS = {journal.NAME: b'{"event": "search"', lock.OWNER: b'{"process": ', lock.LOCK: b""}
_RUN = rf"tensorboard/(?:trial_{states.ID_PATTERN}|search|search_levels|final|infeasible|supernet|ensemble|one_shot)"
#: Paths of folders, in the folder of a run.
_FOLDER = re.compile(rf"weights|predictions|checkpoints|supernet|model|tensorboard|{_RUN}")
#: Paths of files, in the folder of a run. The name of a file of a saved model may hold an id.
_FILE = re.compile(
    "|".join(
        (
            *map(re.escape, _BEGINNINGS),
            rf"{re.escape(lock.OWNER)}\.unfinished",
            rf"(?:weights|predictions|checkpoints)/{weights.FILE_NAME}",
            r"supernet/(?:epoch_\d{4,}|unfinished)\.npz(?:\.unfinished)?",
            rf"{_RUN}/(?:events\.out\.tfevents\.[\w.-]+|\.unfinished\.\d+)",
            r"model/(?:estimator|predictor|source|network|examples|validation_predictions)(?:-\w+)?\.(?:json|keras|npz)"
            r"(?:\.unfinished)?",
        )
    )
)

#: Facts that the headers of earlier versions lack.
_LATER_FACTS = ("drawn_seed", "fidelity", "n_classes", "strategy_arguments", "training_rows")


def check(directory: str | os.PathLike[str]) -> None:
    """Raise an error if a search in a folder could change files of other origin.

    Args:
        directory: Path of the folder, which may be missing.

    Raises:
        ValueError: If the folder holds files but no search, if a link or a file of another kind has the name of a file
            of a run, or if the path holds a NUL character.
    """
    directory = os.fspath(directory)
    if "\0" in directory:
        raise ValueError(f"`directory` must be a path without NUL characters. Received: {directory!r:.200}")
    if not os.path.isdir(directory):
        return
    for path, mode, is_folder in _written(directory):
        if stat.S_ISLNK(mode):
            _refuse(directory, f"{path!r}, a link, which a search doesn't follow. Remove the link")
        if not (stat.S_ISDIR if is_folder else stat.S_ISREG)(mode):
            _refuse(directory, f"{path!r}, which must be a {'folder' if is_folder else 'file'}. Remove it")
        if path in _BEGINNINGS and not _begins(os.path.join(directory, path), _BEGINNINGS[path]):
            _refuse(directory, f"{path!r}, which doesn't begin as a search's file does. Restore or remove it")
    others = [] if _holds_search(directory) else sorted(set(os.listdir(directory)) - set(_BEGINNINGS))
    if others:
        _refuse(directory, f"{others[0]!r:.60} and no search. Empty it")


def remove_run(directory: str | os.PathLike[str]) -> None:
    """Delete the files of the search in a folder, and the folders of these files unless they hold other files.

    The journal is deleted last, so that an interrupted deletion can be repeated.

    Args:
        directory: Path of the folder. Nothing is deleted from a folder without a search.

    Raises:
        ValueError: See `check`.
    """
    check(directory)
    if not _holds_search(directory):
        return
    for path, _, is_folder in list(_written(directory)):
        if path in _BEGINNINGS:
            continue
        if is_folder:
            with contextlib.suppress(OSError):  # The folder holds other files.
                os.rmdir(os.path.join(directory, path))
        else:
            os.remove(os.path.join(directory, path))
    os.remove(os.path.join(directory, journal.NAME))


def earlier_header(directory: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the header of the search in a folder, a dict; `None` without a search."""
    entries = _entries(directory)
    return entries[0] if entries else None


def check_same_search(directory: str | os.PathLike[str], header: Mapping[str, Any]) -> None:
    """Raise a `ValueError` that shows the differences if the search in a folder has another header."""
    earlier = earlier_header(directory)
    if earlier is None:
        return
    now = {key: value for key, value in header.items() if key in earlier or key not in _LATER_FACTS}
    changes = differences.differences({key: earlier.get(key) for key in now}, json.loads(json.dumps(now)))
    if changes:
        raise ValueError(
            f"`directory` {directory!r} holds a search of something else: {'; '.join(changes[:3])}"
            f"{f'; and {len(changes) - 3} more' if len(changes) > 3 else ''}. A search goes on with more "
            "trials or more time, but not with other data, spaces or trainings. Choose another directory, or set "
            "`overwrite=True`."
        )


def _entries(directory: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the checked entries of the journal in a folder; an empty list without a journal."""
    path = os.path.join(directory, journal.NAME)
    entries = journal.Journal(path).read()
    events.check(entries, path)
    return entries


def _written(directory: str | os.PathLike[str], parent: str = "") -> Iterator[tuple[str, int, bool]]:
    """Yield the files and folders of a run: path, mode, and whether the path should be a folder.

    The content of a folder precedes the folder. Links aren't followed.
    """
    with os.scandir(os.path.join(directory, parent)) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{parent}/{entry.name}" if parent else entry.name
        is_folder = _FOLDER.fullmatch(path) is not None
        if is_folder and entry.is_dir(follow_symlinks=False):
            yield from _written(directory, path)
        if is_folder or _FILE.fullmatch(path):
            with contextlib.suppress(FileNotFoundError):  # A running search has just deleted or renamed the file.
                yield path, entry.stat(follow_symlinks=False).st_mode, is_folder


def _begins(path: str, beginning: bytes) -> bool:
    """Return whether a file has this beginning, or holds only the first bytes of the beginning."""
    with open(path, "rb") as file:
        content = file.read(max(1, len(beginning)))
    return beginning.startswith(content)


def _holds_search(directory: str | os.PathLike[str]) -> bool:
    """Return whether a folder has a journal with a complete first line."""
    path = os.path.join(directory, journal.NAME)
    if not os.path.exists(path):
        return False
    with open(path, "rb") as file:
        return file.readline().endswith(b"\n")


def _refuse(directory: str | os.PathLike[str], held: str) -> NoReturn:
    raise ValueError(
        "`directory` must be a new or empty folder, or that of an earlier search. Received: "
        f"{directory!r:.200}, which holds {held}, or choose another directory."
    )
