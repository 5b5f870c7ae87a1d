"""Earlier runs in folders, as the earlier searches of a warm start."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from autonas.arguments.lists import as_list
from autonas.costs.orientation import oriented
from autonas.oracles.earlier_search import FEWEST, EarlierSearch
from autonas.search_space.encoding import Encoding
from autonas.trials import events, folder, journal, order, reserved
from autonas.trials.records import TrialRecord

Folders = str | os.PathLike | Sequence[str | os.PathLike] | bool | None


def read(folders: Folders, kept: Any = None) -> list[EarlierSearch]:
    """Return the earlier searches of a warm start.

    Only comparable trials of a search count, see `order.comparable`. With several objectives, the first one
    counts.

    Args:
        folders: Folder of a run, a list of folders, or `None`; scikit-learn's `False` is the same as `None`.
        kept: Entry of the header of the search to be continued, see `entry`. The searches of the same folders are
            taken from there, and the folders, which may have changed since, aren't read. Defaults to `None`.

    Raises:
        ValueError: If a folder isn't a path, or holds no search with at least two scored trials.
    """
    listed = _listed(folders)
    if isinstance(kept, dict) and kept["folders"] == list(map(os.path.abspath, listed)):
        return [EarlierSearch(**search) for search in kept["searches"]]
    return [_read(directory) for directory in listed]


def entry(folders: Folders, searches: Sequence[EarlierSearch]) -> dict[str, Any] | None:
    """Return the entry of earlier searches in the header of a run, a JSON-like dict; `None` without any.

    Args:
        folders: As in `read`.
        searches: The list from `read`.
    """
    if not searches:
        return None
    return {
        "folders": [os.path.abspath(directory) for directory in _listed(folders)],
        "digests": [search.digest() for search in searches],
        "searches": [dataclasses.asdict(search) for search in searches],
    }


def within(
    folders: Folders, searches: Sequence[EarlierSearch], encoding: Encoding, common: Sequence[str] = ()
) -> list[EarlierSearch]:
    """Return the earlier searches without the architectures that lie outside of a space.

    At least half of the decisions of an architecture have a value of the space, or a number near one. The others lie
    outside, such as those of other kinds of networks if `hyperparameters` narrows the space to one kind.

    Args:
        folders: As in `read`.
        searches: The list from `read`.
        encoding: The `Encoding` of the space.
        common: Beginnings of the names of decisions that other spaces have, too, and that don't count.

    Raises:
        ValueError: If fewer than two architectures of a search lie in the space.
    """
    return [
        _within(directory, search, encoding, tuple(common))
        for directory, search in zip(_listed(folders), searches, strict=True)
    ]


def _within(directory: Any, search: EarlierSearch, encoding: Encoding, common: tuple[str, ...]) -> EarlierSearch:
    dimensions = {dimension.name: dimension for dimension in encoding.dimensions}
    inside, unknown = [], set()
    for values, score in zip(search.architectures, search.scores, strict=True):
        names = [name for name in values if not name.startswith(common)]
        known = [name for name in names if name in dimensions and dimensions[name].has_near(values[name])]
        if 2 * len(known) >= len(names):
            inside.append((values, score))
        unknown |= set(names) - set(known)
    if len(inside) < FEWEST:
        raise ValueError(
            "`warm_start` must be folders of searches in the same space. Received: "
            f"{os.fspath(directory)!r:.200}, of whose {len(search.scores)} architectures {len(inside)} lie in this "
            f"space, with {len(unknown)} decisions that this space doesn't have, or not with their values, such as "
            f"{min(unknown)!r}. Leave the folder out, or use the same inputs, blocks, search space and "
            "`hyperparameters`."
        )
    return EarlierSearch([values for values, _ in inside], [score for _, score in inside])


def _listed(folders: Folders) -> list[Any]:
    listed = [] if folders is None or folders is False else as_list(folders)
    for directory in listed:
        if not isinstance(directory, (str, os.PathLike)):
            raise ValueError(
                "`warm_start` must be the folder of an earlier search, a list of folders, or None. "
                f"Received: warm_start={directory!r:.200}"
            )
    return listed


def _read(directory: str | os.PathLike) -> EarlierSearch:
    try:
        header = folder.earlier_header(directory)
        ended = [] if header is None else events.read(journal.Journal(os.path.join(directory, journal.NAME)))
    except (OSError, ValueError) as error:
        raise ValueError(
            "`warm_start` must be the folder of a search whose journal can be read. Received: "
            f"{os.fspath(directory)!r:.200}. {type(error).__name__}: {error}"
        ) from error
    records = [
        _record(number, event)
        for number, event in enumerate(ended)
        if isinstance(event, events.Ended) and reserved.is_candidate(event.values)
    ]
    trials = order.comparable(records)
    goal = None if header is None else header.get("goal")  # An oracle without `fit` writes none.
    if goal is None or len(trials) < FEWEST:
        held = "no search by `fit`" if goal is None else f"a search with {len(trials)} comparable trials"
        raise ValueError(
            f"`warm_start` must be the folder of a search with at least {FEWEST} scored trials. Received: "
            f"{os.fspath(directory)!r:.200}, which holds {held}. `directory_` of a fitted model is such a folder."
        )
    (_, direction), *_ = goal["objectives"]
    return EarlierSearch(
        [reserved.architecture(trial.values) for trial in trials],
        [oriented(float(trial.score), direction) for trial in trials if trial.score is not None],
    )


def _record(number: int, event: events.Ended) -> TrialRecord:
    status = event.result([]).status
    return TrialRecord(event.trial_id, number, values=event.values, score=event.score, status=status)
