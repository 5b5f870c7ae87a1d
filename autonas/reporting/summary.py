"""The summary of a search as text: best trial, important decisions, cost, failures and reason of the end."""

import collections
import re
import statistics

from autonas.costs.orientation import comparative, oriented
from autonas.reporting import text
from autonas.reporting.plots import phases, wording
from autonas.trials import reserved
from autonas.trials.order import comparable, default_architecture, is_number, ranked, target_epochs, winner
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
#: Maximum number of different reasons of failures to list.
_N_REASONS = 5
#: Maximum number of important decisions to list, and the minimum share of a decision.
_N_IMPORTANT, _LEAST = 4, 0.05
#: Number of trials below which importances are called a hint, since they may be due to chance.
_FEW = 20


def sections(search, records, stop_reason, shares):
    """Return the sections of the summary as plain text.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        stop_reason: Why the search ended, such as `"time_limit"`.
        shares: Dict from decision to its importance, as `importances` returns.

    Returns:
        List of pairs of a heading and a list of sentences.
    """
    searched = text.searched_decisions(search)
    return [
        *([("Searched decisions", [searched])] if searched else []),
        ("Best trial", _best(search, records)),
        ("Important decisions", _important(search, records, shares)),
        ("Cost", _costs(search, records)),
        ("Failures", _failures(records)),
        ("End of the search", [_ENDS.get(stop_reason, str(stop_reason))]),
    ]


def summary(search, records, stop_reason, shares):
    """Return the summary of a search in Markdown.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        stop_reason: Why the search ended, such as `"time_limit"`.
        shares: Dict from decision to its importance, as `importances` returns.
    """
    lines = [f"# {_escaped(search.title or 'Search')}: {_escaped(search.goal or search.objective)}"]
    for heading, sentences in sections(search, records, stop_reason, shares):
        lines += ["", f"## {heading}", ""]
        lines += [f"- {_escaped(sentence)}" for sentence in sentences]
    return "\n".join(lines) + "\n"


def _best(search, records):
    best = winner(search, records)
    if best is None:
        return ["No trial was completed."]
    name = f"Trial {best.number}" if best.is_candidate else "The candidate with the smallest violation"
    better = comparative(search.direction)
    error = "" if best.standard_error is None else f" ± {best.standard_error:.2g}"
    sentences = [f"{name} is the best: {search.objective} {best.score:.4g}{error} ({better} is better), in epoch "
                 f"{best.best_epoch} of {best.epochs}."]  # fmt: skip
    ensembles = [record.message for record in records if record.stage == Stage.ENSEMBLE]
    sentences += [f"The final model is an ensemble: {message}." for message in ensembles]
    if not best.is_candidate:
        sentences.append(f"No trial satisfies all constraints: {best.message}.")
    others = {key: value for key, value in best.metrics.items() if key != search.objective and is_number(value)}
    costs = [f"{best.parameters:,} parameters"] if best.parameters is not None else []
    costs += [f"{key} {_number(value)}" for key, value in others.items() if key != "params"]
    if costs:
        sentences.append(f"Size, costs and other metrics: {', '.join(costs)}.")
    sentences += _compared(search, records, best)
    values = {key: value for key, value in best.values.items() if value is not None}
    for block in search.blueprint:
        lines = wording.lines(values, block["name"]) + wording.lines(values, f"{block['name']}_encoding")
        if lines:
            sentences.append(f"{wording.title(block)}: {_on_one_line(lines)}.")
    training = [text.phrase(*item) for item in values.items() if item[0].startswith("optimization/")]
    if training:
        sentences.append(f"training: {', '.join(training)}.")
    return sentences


def _compared(search, records, best):
    """Compare the best trial with the baselines, the default architecture and the median trial."""
    candidates = ranked(search, records)
    sentences = [
        f"A {record.trial_id.replace('_', ' ')} prediction has {record.score:.4g} ({record.message}): "
        f"{_gain(search, best, record.score)}."
        for record in records
        if record.stage == Stage.BASELINE and record.score is not None
    ]
    architecture = default_architecture(records)
    # Under successive halving, the default architecture trained for more epochs is another trial.
    defaults = [record for record in candidates if reserved.architecture(record.values) == architecture]
    default = min(defaults, key=lambda record: (-target_epochs(record), record.number), default=None)
    if default is best:
        sentences.append(f"The best trial is the default architecture, trial {best.number}.")
    elif default is not None:
        epochs = target_epochs(default)
        trained = "" if epochs == target_epochs(best) else f" after {_count(epochs, 'epoch')}"
        sentences.append(f"The default architecture, trial {default.number}, has {default.score:.4g}{trained}: "
                     f"{_gain(search, best, default.score)}.")  # fmt: skip
    trials = comparable(records)
    if len(trials) > 2:
        median = statistics.median(record.score for record in trials)
        trained = f" after {_count(target_epochs(trials[0]), 'epoch')}" if _several_lengths(records) else ""
        sentences.append(f"The median of {len(trials)} trials{trained} is {median:.4g}: {_gain(search, best, median)}.")
    return sentences


def _several_lengths(records):
    return len({target_epochs(record) for record in records if record.is_candidate}) > 1


def _gain(search, best, other):
    gain = oriented(best.score - other, search.direction)
    return f"the best trial is {'better' if gain >= 0 else 'worse'} by {abs(gain):.3g}"


def _important(search, records, shares):
    labels = text.short_names(shares)
    listed = [f"{labels[name]} {share:.0%}" for name, share in list(shares.items())[:_N_IMPORTANT] if share >= _LEAST]
    if listed:
        n_trials = len(comparable(records))
        hint = f" With {n_trials} trials, this is only a hint." if n_trials < _FEW else ""
        sentences = [f"Importance for the score: {', '.join(listed)}.{hint}"]
    else:
        sentences = ["Not enough distinct trials to rank the decisions."]
    return sentences + _in_common(search, comparable(records), list(shares))


def _in_common(search, trials, order):
    """Describe values that all of the best quarter of the trials have, and fewer than half of the others."""
    n_best = len(trials) // 4
    if n_best < 2:
        return []
    trials = sorted(trials, key=lambda record: -oriented(record.score, search.direction))
    best, others = trials[:n_best], trials[n_best:]
    names = order + [info["name"] for info in search.space if info["name"] not in order]
    labels, common, listed = text.short_names(names), [], []
    for name in names:
        if name.startswith(tuple(listed)):
            continue  # The decision is only active because of a listed choice.
        values = {record.values.get(name) for record in best}
        if len(values) != 1 or None in values or isinstance(next(iter(values)), float):
            continue
        (value,) = values
        share = sum(record.values.get(name) == value for record in others) / len(others)
        if share < 0.5:
            listed.append(f"{name}_{value}/")
            common.append(f"{labels[name]} {text.shown(value)} ({share:.0%} of the other trials)")
    return [f"The best {n_best} trials have in common: {', '.join(common[:_N_IMPORTANT])}."] if common else []


def _costs(search, records):
    candidates = [record for record in records if record.is_candidate and not record.is_refused]
    epochs = sum(record.epochs for record in candidates)
    seconds = sum(record.seconds for record in records)
    sentences = [f"{_count(len(candidates), 'trial')}, {_count(epochs, 'epoch')}, {text.duration(seconds)} "
                 "(all workers together)."]  # fmt: skip
    if search.preparation:
        sentences.append(f"Preparation of the data: {text.duration(search.preparation)}.")
    for stage, seconds_of in phases.seconds_by_phase(records).items():
        longest_first = sorted(seconds_of.items(), key=lambda item: -item[1])
        durations = [f"{name.replace('_', ' ')} {text.duration(seconds)}" for name, seconds in longest_first]
        details = f" ({', '.join(durations)})" if list(seconds_of) != ["other"] else ""
        sentences.append(f"{stage}: {text.duration(sum(seconds_of.values()))}{details}.")
    return sentences


def _failures(records):
    sentences = []
    for status in (Status.FAILED, Status.REFUSED, Status.INTERRUPTED):
        groups = collections.defaultdict(list)
        for record in records:
            if record.status == status:
                # Messages that differ in numbers only are the same reason.
                groups[re.sub(r"[\d.,]*\d", "#", record.message)].append(record)
        ordered = sorted(groups.values(), key=len, reverse=True)
        for group in ordered[:_N_REASONS]:
            example = " ".join(group[0].message.split())[:300] or "no reason given"
            stages = {record.stage for record in group}
            subject = _count(len(group), "trial") if stages == {Stage.SEARCH} else ", ".join(sorted(stages))
            sentences.append(f"{subject} {status}{', for example' if len(group) > 1 else ''}: {example}")
        if len(ordered) > _N_REASONS:
            sentences.append(f"{_count(sum(map(len, ordered[_N_REASONS:])), 'trial')} {status} for other reasons.")
    return sentences or ["No trial failed or was refused."]


def _on_one_line(lines):
    """Join lines to one line, with indented lines after a colon."""
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
    """Escape Markdown and HTML in a sentence, since names and messages are data."""
    return re.sub(r"([\\`*\[\]<>|&#])", r"\\\1", " ".join(str(sentence).split()))
