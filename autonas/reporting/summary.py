"""The summary of a search in words: what won, why, what it cost, what failed, and why it ended."""

import collections
import re
import statistics

from autonas.costs.orientation import comparative, oriented
from autonas.reporting import text
from autonas.reporting.plots import phases, wording
from autonas.trials import reserved
from autonas.trials.order import comparable, is_number, ranked, target_epochs, winner
from autonas.trials.states import Stage, Status

_ENDS = {
    "max_trials": "The number of trials, `max_trials`, was reached.",
    "time_limit": "The time limit was reached.",
    "patience": "`patience` trials in a row brought no improvement.",
    "space_exhausted": "Every architecture of the search space was tried.",
    "constraints": "Too many candidates in a row violated a constraint.",
    "failures": "Too many trials in a row failed.",
    "interrupted": "The search was interrupted.",
    "error": "An error ended the search.",
}
#: Kinds of reasons that are told apart.
_N_REASONS = 5
#: Decisions that are named as important, at most, and the least share.
_N_IMPORTANT, _LEAST = 4, 0.05
#: Trials below which what they tell may well be chance.
_FEW = 20


def sections(search, records, stop_reason, shares):
    """The summary as plain text in pieces.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        stop_reason: Why the search ended.
        shares: Dict from decision to its importance, as `importances` gives it.

    Returns:
        List of pairs of a heading and a list of sentences.
    """
    searched = text.searched_decisions(search)
    return [
        *([("Searched decisions", [searched])] if searched else []),
        ("Best trial", _what(search, records)),
        ("Important decisions", _why(search, records, shares)),
        ("Cost", _costs(search, records)),
        ("Failures", _failures(records)),
        ("End of the search", [_ENDS.get(stop_reason, str(stop_reason))]),
    ]


def summary(search, records, stop_reason, shares):
    """The summary of a search that has ended, in Markdown.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        stop_reason: Why the search ended, such as `"time_limit"`.
        shares: Dict from decision to its importance, as `importances` gives it.
    """
    lines = [f"# {_escaped(search.title or 'Search')}: {_escaped(search.goal or search.objective)}"]
    for heading, sentences in sections(search, records, stop_reason, shares):
        lines += ["", f"## {heading}", ""]
        lines += [f"- {_escaped(sentence)}" for sentence in sentences]
    return "\n".join(lines) + "\n"


def _what(search, records):
    best = winner(search, records)
    if best is None:
        return ["No trial was completed, so there is no winner."]
    name = f"Trial {best.number}" if best.is_candidate else "The nearest to the limits"
    better = comparative(search.direction)
    found = [f"{name} won: {search.objective} {best.score:.4g} ({better} is better), in epoch {best.best_epoch} of "
             f"{best.epochs}."]  # fmt: skip
    found += [f"An ensemble is served: {record.message}." for record in records if record.stage == Stage.ENSEMBLE]
    if not best.is_candidate:
        found.append(f"No trial keeps to all limits: {best.message}.")
    others = {key: value for key, value in best.metrics.items() if key != search.objective and is_number(value)}
    costs = [f"{best.parameters:,} parameters"] if best.parameters is not None else []
    costs += [f"{key} {_number(value)}" for key, value in others.items() if key != "params"]
    if costs:
        found.append(f"It has {', '.join(costs)}.")
    found += _compared(search, records, best)
    values = {key: value for key, value in best.values.items() if value is not None}
    for part in search.blueprint:
        lines = wording.lines(values, part["name"]) + wording.lines(values, f"{part['name']}_encoding")
        if lines:
            found.append(f"{wording.title(part)}: {_on_one_line(lines)}.")
    training = [text.phrase(*item) for item in values.items() if item[0].startswith("optimization/")]
    if training:
        found.append(f"training: {', '.join(training)}.")
    return found


def _compared(search, records, best):
    """How much better the winner is than the default architecture and the median trial."""
    candidates = ranked(search, records)
    simple = [
        f"A {record.trial_id.replace('_', ' ')} prediction has {record.score:.4g} ({record.message}): "
        f"{_gain(search, best, record.score)}."
        for record in records
        if record.stage == Stage.BASELINE and record.score is not None
    ]
    first = next((record for record in records if record.number == 0 and record.is_candidate), None)
    default_values = None if first is None else reserved.architecture(first.values)
    # Trained farther, the default architecture is another trial.
    alike = [record for record in candidates if reserved.architecture(record.values) == default_values]
    default = min(alike, key=lambda record: (-target_epochs(record), record.number), default=None)
    found = simple
    if default is best:
        found.append(f"It is the default architecture, trial {best.number}: the search found nothing better.")
    elif default is not None:
        epochs = target_epochs(default)
        trained = "" if epochs == target_epochs(best) else f" after {_count(epochs, 'epoch')}"
        found.append(f"The default architecture, trial {default.number}, has {default.score:.4g}{trained}: "
                     f"{_gain(search, best, default.score)}.")  # fmt: skip
    alike = comparable(records)
    if len(alike) > 2:
        median = statistics.median(record.score for record in alike)
        trained = f" after {_count(target_epochs(alike[0]), 'epoch')}" if _several_lengths(records) else ""
        found.append(f"The median of {len(alike)} trials{trained} is {median:.4g}: {_gain(search, best, median)}.")
    return found


def _several_lengths(records):
    return len({target_epochs(record) for record in records if record.is_candidate}) > 1


def _gain(search, best, other):
    gain = oriented(best.score - other, search.direction)
    return f"the winner is better by {gain:.3g}" if gain >= 0 else f"the winner is worse by {-gain:.3g}"


def _why(search, records, shares):
    labels = text.short_names(shares)
    named = [f"{labels[name]} {share:.0%}" for name, share in list(shares.items())[:_N_IMPORTANT] if share >= _LEAST]
    if named:
        n_trials = len(comparable(records))
        hint = f" With {n_trials} trials, this is only a hint." if n_trials < _FEW else ""
        found = [f"Importance for the score: {', '.join(named)}.{hint}"]
    else:
        found = ["Not enough distinct trials to rank the decisions."]
    return found + _in_common(search, comparable(records), list(shares))


def _in_common(search, trials, order):
    """What the best quarter of the trials share, and fewer than half of the others have."""
    n_best = len(trials) // 4
    if n_best < 2:
        return []
    trials = sorted(trials, key=lambda record: -oriented(record.score, search.direction))
    best, others = trials[:n_best], trials[n_best:]
    names = order + [info["name"] for info in search.space if info["name"] not in order]
    labels, found, said = text.short_names(names), [], []
    for name in names:
        if name.startswith(tuple(said)):
            continue  # It's only there because of a choice that is mentioned.
        values = {record.values.get(name) for record in best}
        if len(values) != 1 or None in values or isinstance(next(iter(values)), float):
            continue
        (value,) = values
        share = sum(record.values.get(name) == value for record in others) / len(others)
        if share < 0.5:
            said.append(f"{name}_{value}/")
            found.append(f"{labels[name]} {text.shown(value)} ({share:.0%} of the other trials)")
    return [f"The best {n_best} trials have in common: {', '.join(found[:_N_IMPORTANT])}."] if found else []


def _costs(search, records):
    candidates = [record for record in records if record.is_candidate and record.status != Status.REFUSED]
    epochs = sum(record.epochs for record in candidates)
    seconds = sum(record.seconds for record in records)
    found = [f"{_count(len(candidates), 'trial')}, {_count(epochs, 'epoch')}, {text.duration(seconds)} "
             "(all workers together)."]  # fmt: skip
    if search.preparation:
        found.append(f"Preparation of the data: {text.duration(search.preparation)}.")
    for stage, parts in phases.seconds_by_phase(records).items():
        total = sum(parts.values())
        said = [f"{name.replace('_', ' ')} {text.duration(each)}" for name, each in
                sorted(parts.items(), key=lambda item: -item[1])]  # fmt: skip
        divided = f" ({', '.join(said)})" if list(parts) != ["other"] else ""
        found.append(f"{stage}: {text.duration(total)}{divided}.")
    return found


def _failures(records):
    found = []
    for status in (Status.FAILED, Status.REFUSED, Status.INTERRUPTED):
        groups = collections.defaultdict(list)
        for record in records:
            if record.status == status:
                # The same reason with other numbers is the same reason.
                groups[re.sub(r"[\d.,]*\d", "#", record.message)].append(record)
        ordered = sorted(groups.values(), key=len, reverse=True)
        for group in ordered[:_N_REASONS]:
            example = " ".join(group[0].message.split())[:300] or "no reason given"
            stages = {record.stage for record in group}
            what = _count(len(group), "trial") if stages == {Stage.SEARCH} else ", ".join(sorted(stages))
            found.append(f"{what} {status}{', for example' if len(group) > 1 else ''}: {example}")
        if len(ordered) > _N_REASONS:
            found.append(f"{_count(sum(map(len, ordered[_N_REASONS:])), 'trial')} {status} for other reasons.")
    return found or ["No trial failed or was refused."]


def _on_one_line(lines):
    """Lines as one, those that are indented after a colon."""
    joined = ""
    for line in lines:
        divider = "; " if line.startswith(" ") and not joined.endswith(":") else ", "
        joined += (divider if joined and not joined.endswith(":") else " ") * bool(joined) + line.strip()
    return joined


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 and value == round(value) else f"{value:.4g}"


def _count(number, noun):
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _escaped(sentence):
    """Names and messages are data: nothing in them is Markdown, or HTML."""
    return re.sub(r"([\\`*\[\]<>|&#])", r"\\\1", " ".join(str(sentence).split()))
