"""A run's folder: the files of a search, and whether they belong to the search at hand."""

import json
import os
import shutil

from autonas import run_lock
from autonas.oracles import journal

#: What a run writes into its folder.
_WRITTEN = (
    "checkpoints", "journal.jsonl", run_lock.LOCK, run_lock.OWNER, "model", "predictions", "supernet", "tensorboard",
    "weights",
)  # fmt: skip


def remove_run(directory):
    """Deletes what an earlier run has written to a folder, and nothing else."""
    for name in set(_WRITTEN) - {run_lock.LOCK, run_lock.OWNER}:
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.remove(path)


def earlier_seed(directory):
    """The seed of the search in a folder, `None` if there is no search in it."""
    events = journal.Journal(os.path.join(directory, "journal.jsonl")).read()
    return events[0]["seed"] if events else None


def check_same_search(directory, header):
    """Raises a `ValueError` that shows the difference if a folder holds a search of something else."""
    if not os.path.isdir(directory):
        return
    events = journal.Journal(os.path.join(directory, "journal.jsonl")).read()
    if not events:
        others = sorted(set(os.listdir(directory)) - set(_WRITTEN))
        if others:
            raise ValueError(
                "`directory` must be a new or empty folder, or that of an earlier search. Received: "
                f"{directory!r:.200}, which holds {others[0]!r:.60} and no search. Choose another one."
            )
        return
    differences = _differences({key: events[0].get(key) for key in header}, json.loads(json.dumps(header)))
    if differences:
        raise ValueError(
            f"`directory` {directory!r} holds a search of something else: {'; '.join(differences[:3])}"
            f"{f'; and {len(differences) - 3} more' if len(differences) > 3 else ''}. Choose another directory, or set "
            "`overwrite=True`."
        )


def _differences(before, now, path=""):
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted(set(before) | set(now))
            for line in _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            line
            for position in range(len(now))
            for line in _differences(before[position], now[position], f"{path}[{position}]")
        ]
    return [] if before == now else [f"{path} was {before!r:.80} and is {now!r:.80}"]
