"""Which trial has won: read from the records alone, for what is shown of a search that has ended."""

import math


def ranked(search, records):
    """The candidates that were completed, the best first: those that were trained farther before the others.

    Args:
        search: The `SearchInfo`.
        records: Iterable of `TrialRecord`s.
    """
    sign = -1.0 if search.direction == "max" else 1.0
    return sorted(
        (each for each in records if each.stage == "search" and each.status == "completed" and is_number(each.score)),
        key=lambda record: (-length(record), sign * record.score, record.number),
    )


def winner(search, records, score=None):
    """The trial whose architecture is served: that of the final fit, or else the best one; `None` if there is none.

    Args:
        search: The `SearchInfo`.
        records: Iterable of `TrialRecord`s.
        score: The score of what is served, where it is known and needn't be the best, as of a point of a front.
            Defaults to `None`.
    """
    candidates = ranked(search, records)
    final = next((record for record in records if record.stage == "final"), None)
    if final is not None:
        candidates.sort(key=lambda record: record.values != final.values)
    elif score is not None:
        candidates.sort(key=lambda record: record.score != score)
    nearest = [record for record in records if record.stage == "infeasible" and record.status == "completed"]
    return next(iter([*candidates, *nearest]), None)


def length(record):
    """To how many epochs a trial was to be trained, 0 if that is the same for all."""
    return record.values.get("tuner/epochs") or 0


def is_number(score):
    """Whether a score is there, and finite."""
    return score is not None and math.isfinite(score)
