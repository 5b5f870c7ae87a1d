"""The order of trials: which trials are comparable, which trial is better, and which trial won."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeGuard

from autonas.costs.orientation import oriented
from autonas.search_space.values import Scalar
from autonas.trials import reserved
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage

#: Number of trials with an equal number of epochs from which on longer trainings are preferred to more trials.
_ENOUGH = 10


class Search(Protocol):
    """The facts of a search that decide on the order of its trials, as in `SearchInfo`."""

    served: str | None

    def pairs(self) -> list[tuple[str, str]]: ...


def is_number(score: float | None) -> TypeGuard[float]:
    """Return whether a score is present and finite."""
    return score is not None and math.isfinite(score)


def target_epochs(record: TrialRecord) -> int:
    """Return the number of epochs that a trial was to be trained for; 0 for a full training."""
    return reserved.epochs(record.values)


def kinds(values: Mapping[str, Scalar]) -> frozenset[tuple[str, Scalar]]:
    """Return the decisions of an architecture for the kinds of its blocks, pairs such as `("block_1/kind", "dense")`.

    A kind of a layer within a block, such as `"block_1/layers_0/kind"`, is not one of them.
    """
    pairs = values.items()
    return frozenset((name, value) for name, value in pairs if name.endswith("/kind") and name.count("/") == 1)


def default_architecture(records: Iterable[TrialRecord]) -> dict[str, Scalar]:
    """Return the decisions of the first candidate, the default architecture; empty without candidates.

    With shared weights, the first trial is an epoch of the supernet, and no candidate.
    """
    candidates = [record for record in records if record.is_candidate]
    return reserved.architecture(min(candidates, key=lambda record: record.number).values) if candidates else {}


def scored(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the completed candidates with a finite score, a list."""
    return [record for record in records if record.is_candidate and record.is_completed and is_number(record.score)]


def longest(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the records of the trials that were to be trained for the most epochs, a list."""
    most = max(map(target_epochs, records), default=0)
    return [record for record in records if target_epochs(record) == most]


def are_separate(trial_ids: Sequence[str], values: Sequence[Mapping[str, Scalar]]) -> list[bool]:
    """Return which of some completed trials no other one continues, at the largest images of all of them.

    Args:
        trial_ids: Ids of the trials.
        values: Their values.
    """
    continued = {of_trial.get(reserved.TRIAL_ID) for of_trial in values}
    largest = max(map(reserved.resolution, values), default=1.0)
    return [
        trial_id not in continued and reserved.resolution(of_trial) == largest
        for trial_id, of_trial in zip(trial_ids, values, strict=True)
    ]


def comparable(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the scored candidates of one number of epochs: only such scores tell which architecture is better.

    Of several numbers of epochs, the largest with at least 10 trials is taken, or else the number with most trials.

    Args:
        records: Iterable of `TrialRecord`s.
    """
    by_epochs: dict[int, list[TrialRecord]] = {}
    for record in scored(records):
        by_epochs.setdefault(target_epochs(record), []).append(record)
    return max(by_epochs.items(), key=lambda item: (min(len(item[1]), _ENOUGH), item[0]), default=(0, []))[1]


def sort_key(objectives: Sequence[tuple[str, str]]) -> Callable[[TrialRecord], tuple[float, ...]]:
    """Return a function that maps a record to its sort key; the best trial has the smallest key.

    Trials with larger images come first. Scores of trainings of different lengths are compared as they are, since the
    learning rate of every training is annealed to its end. Ties are resolved by the first objective, then by the other
    objectives, the validation loss, the number of epochs (more first), the number of parameters and the number of the
    trial.

    Args:
        objectives: Pairs of name and direction, the objective of the score first.
    """
    (main, _), *_ = objectives

    def key(record: TrialRecord) -> tuple[float, ...]:
        values = record.metrics if record.score is None else record.metrics | {main: record.score}
        scores = [_score_key(values.get(name), direction) for name, direction in [*objectives, ("val_loss", "min")]]
        parameters = math.inf if record.parameters is None else record.parameters
        return (-reserved.resolution(record.values), *scores, -target_epochs(record), parameters, record.number)

    return key


def ranked(search: Search, records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the scored candidates, the best first.

    Args:
        search: The `SearchInfo`.
        records: Iterable of `TrialRecord`s.
    """
    candidates = scored(records)
    return sorted(candidates, key=sort_key(search.pairs()))


def winner(search: Search, records: Iterable[TrialRecord]) -> TrialRecord | None:
    """Return the record of the trial whose model is returned, or else of the best trial; `None` without such a trial.

    Args:
        search: The `SearchInfo`.
        records: Iterable of `TrialRecord`s.
    """
    candidates = ranked(search, records)
    candidates += [record for record in records if record.stage == Stage.INFEASIBLE and record.is_completed]
    final = next((record for record in records if record.stage == Stage.FINAL), None)
    if search.served is not None:
        candidates.sort(key=lambda record: record.trial_id != search.served)
    elif final is not None:
        candidates.sort(key=lambda record: record.values != final.values)
    return next(iter(candidates), None)


def _score_key(score: float | None, direction: str) -> float:
    """Return the sort key of a score: the better score first, a missing score last."""
    return -oriented(score, direction) if is_number(score) else math.inf
