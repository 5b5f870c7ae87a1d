"""Texts of the TensorBoard log in Markdown."""

import math
import numbers
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pandas

from autonas.reporting.callback import SearchInfo
from autonas.reporting.leaderboard import head, leaderboard
from autonas.reporting.text import architecture, duration, number, shortened
from autonas.trials.records import TrialRecord

#: Maximum number of rows of the leaderboard. The HParams page lists all trials.
_N_ROWS = 100
#: Maximum length of the last column, since TensorBoard breaks words in tables that are wider than its page.
_N_CHARACTERS = 60


def settings(search: SearchInfo) -> str:
    """Return the settings of the search as a table."""
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


def environment(search: SearchInfo) -> str:
    """Return the environment of the search, such as versions and devices, as a table."""
    return _table(["name", "value"], search.environment.items())


def space(search: SearchInfo) -> str:
    """Return the blocks and the decisions of the search space as tables."""
    blocks = [(block["name"], block["kind"], ", ".join(block["inputs"])) for block in search.blueprint]
    rows = []
    for info in search.space:
        choices = ", ".join(map(str, info["values"])) if "values" in info else f"{info['min']} to {info['max']}"
        rows.append((info["name"], info["type"], choices))
    tables = [_table(["block", "kind", "inputs"], blocks)] if blocks else []
    tables.append(_table(["decision", "kind", "options"], rows))
    return "\n\n".join(tables)


def board(search: SearchInfo, records: Sequence[TrialRecord]) -> str:
    """Return the leaderboard, best trial first, as a table with a selection of columns."""
    frame = leaderboard(records, search.objective, search.direction, search.pairs()[1:])
    by_id = {(record.trial_id, record.stage): record for record in records}
    shown = head(frame, _N_ROWS)
    rows = []
    for row in shown.itertuples():
        record = by_id[row.trial_id, row.stage]
        text = architecture(record.values, 6)
        if not record.is_completed:
            text = f"{record.status}: {record.message or text}"
        elif record.is_baseline:
            text = record.message
        elif not record.is_candidate:
            text = f"{row.stage} fit: {text}"
        others = [record.metrics.get(name) for name in search.objectives[1:]]
        text = shortened(text, _N_CHARACTERS)
        rows.append((row.rank, row.trial_id, row.score, *others, duration(row.seconds), row.parameters, text))
    n_more = len(frame) - len(shown)
    more = f"\n\nand {n_more} more: see the HParams page" if n_more else ""
    heads = ["rank", "trial", search.objective, *search.objectives[1:], "time", "parameters", "architecture"]
    return _table(heads, rows) + more


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [[_cell(name) for name in head], ["---"] * len(head)]
    lines += [[_cell(value) for value in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return f"{value:,}"
    text = number(value, 5) if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "\\|").split())
