"""The texts of the log, in Markdown."""

import math
import time

import pandas

from autonas.reporting.leaderboard import head, leaderboard
from autonas.reporting.text import architecture, duration, shortened
from autonas.trials.states import Stage

#: Rows of the leaderboard that are written; the page of HParams has all trials.
_N_ROWS = 100
#: TensorBoard breaks words in the narrow columns of a table that is wider than its page.
_N_CHARACTERS = 60


def settings(search):
    """Return the settings of the search."""
    arguments = {
        "objective": search.goal or f"{search.objective} ({search.direction})",
        "max_trials": search.max_trials,
        "time_limit": search.time_limit,
        "directory": search.directory,
        "decisions": len(search.space),
        "started": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(search.started)),
    }
    title = f"# {search.title}\n\n" if search.title else ""
    return title + _table(["argument", "value"], (arguments | search.settings).items())


def environment(search):
    """Return the environment of the search: versions, devices and the like."""
    return _table(["name", "value"], search.environment.items())


def space(search):
    """Return the search space: the blocks, and each decision with its options."""
    blocks = [(block["name"], block["kind"], ", ".join(block["inputs"])) for block in search.blueprint]
    rows = []
    for info in search.space:
        choices = ", ".join(map(str, info["values"])) if "values" in info else f"{info['min']} to {info['max']}"
        rows.append((info["name"], info["type"], choices))
    parts = [_table(["block", "kind", "inputs"], blocks)] if blocks else []
    parts.append(_table(["decision", "kind", "options"], rows))
    return "\n\n".join(parts)


def board(search, records):
    """Return the leaderboard, the best trial first, with the columns that a person reads."""
    frame = leaderboard(records, search.objective, search.direction, search.pairs()[1:])
    by_id = {(record.trial_id, record.stage): record for record in records}
    shown = head(frame, _N_ROWS)
    rows = []
    for row in shown.itertuples():
        record = by_id[row.trial_id, row.stage]
        what = architecture(record.values, 6)
        if not record.is_completed:
            what = f"{record.status}: {record.message or what}"
        elif record.stage == Stage.BASELINE:
            what = record.message
        elif not record.is_candidate:
            what = f"{row.stage} fit: {what}"
        others = [record.metrics.get(name) for name in search.objectives[1:]]
        what = shortened(what, _N_CHARACTERS)
        rows.append((row.rank, row.trial_id, row.score, *others, duration(row.seconds), row.parameters, what))
    n_more = len(frame) - len(shown)
    more = f"\n\nand {n_more} more: see the page of HParams" if n_more else ""
    heads = ["rank", "trial", search.objective, *search.objectives[1:], "time", "parameters", "architecture"]
    return _table(heads, rows) + more


def _table(head, rows):
    lines = [[_cell(name) for name in head], ["---"] * len(head)]
    lines += [[_cell(value) for value in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value):
    if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "\\|").split())
