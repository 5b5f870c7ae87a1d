"""The order of trials, and which trial won: the one implementation for the search and for all that is shown of it."""

import math

from autonas.costs.orientation import oriented
from autonas.trials import reserved


def order(objectives, records):
    """Return the sort key of trials, the best first.

    Trials that were trained for more epochs come first. Equal trials are told apart by the first objective, then by the
    further objectives, the validation loss, the number of parameters and the number of the trial.

    Args:
        objectives: Pairs of name and direction, the objective of the score first.
        records: List of the `TrialRecord`s to compare.
    """
    farthest = max((length(record) for record in records if record.stage == "search"), default=0)

    def key(record):
        # An ensemble is made of the trials that were trained farthest.
        epochs = length(record) if record.stage == "search" else farthest
        (main, _), *_ = objectives
        values = record.metrics if record.score is None else record.metrics | {main: record.score}
        scores = [_key(values.get(name), direction) for name, direction in [*objectives, ("val_loss", "min")]]
        parameters = math.inf if record.parameters is None else record.parameters
        return (-epochs, *scores, parameters, record.number)

    return key


def ranked(search, records):
    """Return the candidates that were completed, the best first.

    Args:
        search: The `SearchInfo`.
        records: Iterable of `TrialRecord`s.
    """
    candidates = [
        record
        for record in records
        if record.stage == "search" and record.status == "completed" and is_number(record.score)
    ]
    return sorted(candidates, key=order(search.pairs(), candidates))


def winner(search, records):
    """Return the record of the trial that is served, or else of the best trial; `None` if no trial was completed.

    Args:
        search: The `SearchInfo`.
        records: Iterable of `TrialRecord`s.
    """
    candidates = ranked(search, records)
    candidates += [record for record in records if record.stage == "infeasible" and record.status == "completed"]
    final = next((record for record in records if record.stage == "final"), None)
    if search.served is not None:
        candidates.sort(key=lambda record: record.trial_id != search.served)
    elif final is not None:
        candidates.sort(key=lambda record: record.values != final.values)
    return next(iter(candidates), None)


def length(record):
    """To how many epochs a trial was to be trained, 0 if that is the same for all."""
    return reserved.epochs(record.values)


def is_number(score):
    """Whether a score is there, and finite."""
    return score is not None and math.isfinite(score)


def _key(score, direction):
    """Return the sort key of a score: the better score first, a missing one last."""
    return -oriented(score, direction) if is_number(score) else math.inf
