"""The report of a search, one self-contained HTML page, and the representation of an estimator in notebooks."""

import dataclasses
import html
import re

import pandas

from autonas.reporting import importance, interactive, page, plots, text
from autonas.reporting import summary as summaries
from autonas.reporting.leaderboard import head, leaderboard
from autonas.trials import reserved
from autonas.trials.order import default_architecture, winner
from autonas.trials.states import Stage, Status


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The behaviour of the model that is served.

    Args:
        board: Leaderboard, with the metrics of labelled rows if there are any.
        threshold: Sentence about the threshold of two classes, or `None`. Defaults to `None`.
        metrics: Dict from metric to the value on labelled rows, or `None`. Defaults to `None`.
        features: DataFrame of the importance of the features, as `feature_importance` returns, or `None`. Defaults to
            `None`.
    """

    board: pandas.DataFrame
    threshold: str | None = None
    metrics: dict[str, float] | None = None
    features: pandas.DataFrame | None = None


def report(
    search, records, stop_reason, *, explanation=None, front=None, objectives=(), predictions=None, is_interactive=False
):
    """Return the report of a search as an HTML page.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        stop_reason: Why the search ended, such as `"time_limit"`.
        explanation: The `Explanation` of the model, or `None` for the leaderboard alone. Defaults to `None`.
        front: Rows of the leaderboard on the Pareto front, or `None` for one objective.
        objectives: Pairs of name and direction, one per objective.
        predictions: List of `HeadPredictions` of the best trial. With an empty list the page states that no predictions
            were stored. With `None` the page has no predictions.
        is_interactive: Whether scores, learning curves, decisions and the Pareto front are charts that can be hovered
            over and zoomed; see `interactive`. Defaults to `False`, pictures.
    """
    chart = _interactive_chart if is_interactive else page.picture
    best = winner(search, records)
    shares = importance.importances(records, search.space, search.direction)
    sections = [_header(search, records, stop_reason, best)]
    sections += [_card("Summary", _summary(search, records, stop_reason, shares))]
    if best is not None:
        sections.append(_card("Best architecture", page.picture(
            f"Blocks and decisions of trial {best.number}", plots.plot_architecture, search, best)))  # fmt: skip
    sections.append(_pair(
        _card("Scores over trials", chart("Score of each trial", plots.plot_history, search, records)),
        _card("Scores over time", chart("Score over seconds", plots.plot_history, search, records, "seconds")),
        _card("Learning curves", chart("Score of each epoch", plots.plot_curves, search, records)),
        _card("Importance of decisions", page.picture("Importance of decisions", plots.plot_importance, shares)),
    ))  # fmt: skip
    sections.append(_card("Decisions and score of each trial", chart(
        "Parallel coordinates of the trials", plots.plot_parallel, search, records, shares)))  # fmt: skip
    if explanation is None:
        explanation = Explanation(leaderboard(records, search.objective, search.direction, search.pairs()[1:]))
    board = explanation.board
    others = _others(search, records, predictions)
    if front is not None:
        points = board, front, objectives, search.limits
        others.append(_card("Pareto front", chart("Trials by two objectives", plots.plot_pareto, *points)))
    sections.append(_pair(*_explanations(explanation), *others))
    sections.append(_card("Leaderboard", _board(board)))
    sections += _failures(records)
    sections += _facts(search)
    title = f"{search.title or 'Search'}: {search.objective}"
    library = interactive.library() if is_interactive else ""
    script = page.SCRIPT + interactive.SCRIPT if is_interactive else page.SCRIPT
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{page.POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{page.STYLE}</style></head>"
        f"<body><main>{''.join(sections)}</main>{library}<script>{script}</script></body></html>\n"
    )


def _header(search, records, stop_reason, best):
    candidates = [record for record in records if record.is_candidate]
    facts = {}
    if best is not None:
        facts[f"best {search.objective}"] = f"{best.score:.4g}"
        facts["trial"] = best.number if best.is_candidate else best.stage
        if best.parameters is not None:
            facts["parameters"] = f"{best.parameters:,}"
    for record in records:
        if record.is_baseline and record.score is not None:
            facts[record.trial_id.replace("_", " ")] = f"{record.score:.4g}"
    facts["trials"] = sum(not record.is_refused for record in candidates)
    for status in (Status.FAILED, Status.REFUSED):
        number = sum(record.status == status for record in candidates)
        if number:
            facts[status] = number
    facts["time in trials"] = text.duration(sum(record.seconds for record in records))
    facts["ended by"] = str(stop_reason).replace("_", " ")
    cells = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd></div>"
                    for name, value in facts.items())  # fmt: skip
    title = html.escape(search.title or "Search")
    return f'<h1>{title}</h1><p class="soft">{html.escape(search.goal or search.objective)}</p>' \
           f'<dl class="facts">{cells}</dl>'  # fmt: skip


def _summary(search, records, stop_reason, shares):
    return "".join(
        f"<h3>{html.escape(heading)}</h3><ul>{''.join(f'<li>{html.escape(line)}</li>' for line in sentences)}</ul>"
        for heading, sentences in summaries.sections(search, records, stop_reason, shares)
    )


def _interactive_chart(description, plot, *arguments):
    """Return a chart that can be zoomed, of the name of a function of `plots`."""
    return page.chart(page.picture(description, plot, *arguments), getattr(interactive, plot.__name__)(*arguments))


def _others(search, records, predictions):
    """Return the cards of plots that don't apply to every search."""
    cards = []
    if predictions == []:
        text = '<p class="soft">No predictions were stored.</p>'
        cards.append(_card("Predictions on the validation set", text))
    for head_predictions in predictions or []:
        name = head_predictions.name
        heading = "Predictions on the validation set" + (f": {name}" if len(predictions) > 1 else "")
        cards.append(_card(heading, page.picture(
            f"Predictions of {name} and the truth", plots.plot_predictions, head_predictions, limit=520)))  # fmt: skip
    if any(record.stage == Stage.ONE_SHOT for record in records):
        cards.append(_card("One-shot scores and scores of trained models", page.picture(
            "Scores with shared weights and of training alone", plots.plot_ranks, search, records)))  # fmt: skip
    cards.append(_card("Time by phase", page.picture("Seconds by phase", plots.plot_phases, records)))
    return cards


def _explanations(explanation):
    """Return the cards of an `Explanation`."""
    cards = []
    if explanation.metrics is not None:
        table = page.table(["metric", "value"], [list(item) for item in explanation.metrics.items()])
        cards.append(_card("Scores on new rows", f'<div class="wide">{table}</div>'))
    if explanation.features is not None:
        note = "Decrease of the score when a feature is permuted: its mean and standard deviation over permutations."
        drawn = page.picture("Importance of features", plots.plot_feature_importance, explanation.features, limit=520)
        cards.append(_card("Importance of features", f'<p class="soft">{note}</p>{drawn}'))
    if explanation.threshold is not None:
        cards.append(_card("Decision threshold", f"<p>{html.escape(explanation.threshold)}</p>"))
    return cards


def _board(board):
    rows = [[None if value is pandas.NA else value for value in row] for row in board.itertuples(index=False)]
    return '<div class="board">' + page.table(board.columns, [map(_plain, row) for row in rows], "sortable") + "</div>"


def _plain(value):
    """Return a cell of a DataFrame as a plain Python value."""
    return value.item() if hasattr(value, "item") else value


def _failures(records):
    unfinished = [record for record in records if record.status in (Status.FAILED, Status.REFUSED, Status.INTERRUPTED)]
    if not unfinished:
        return []
    rows = [[record.number, record.stage, record.status, " ".join(record.message.split())] for record in unfinished]
    table = page.table(["trial", "stage", "status", "reason"], rows, "sortable")
    return [_folded(f"Failed and refused trials ({len(unfinished)})", f'<div class="board">{table}</div>')]


def _facts(search):
    space = [[info["name"], info["type"], _choices(info)] for info in search.space]
    sections = [_folded(f"Search space ({len(space)} decisions)", f'<div class="board">'
                     f'{page.table(["decision", "kind", "options"], space, "sortable")}</div>')]  # fmt: skip
    for heading, facts in (("Settings", search.settings), ("Environment", search.environment)):
        if facts:
            table = page.table(["name", "value"], [list(item) for item in facts.items()])
            sections.append(_folded(heading, f'<div class="wide">{table}</div>'))
    return sections


def _choices(info):
    if "values" in info:
        return ", ".join(map(text.shown, info["values"]))
    return f"{text.shown(info['min'])} to {text.shown(info['max'])}"


def _card(heading, content):
    return f"<section><h2>{html.escape(heading)}</h2>{content}</section>"


def _folded(heading, content):
    return f"<details><summary>{html.escape(heading)}</summary>{content}</details>"


def _pair(*cards):
    return f'<div class="pair">{"".join(cards)}</div>' if cards else ""


def representation(name, search, records, stop_reason, task, n_rows=5):
    """Return the HTML representation of a fitted estimator for notebooks.

    The HTML can be embedded in any page.

    Args:
        name: Name of the estimator's class.
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        stop_reason: Why the search ended, such as `"time_limit"`.
        task: The task, or a list of tasks.
        n_rows: Number of trials to list. Defaults to 5.
    """
    best = winner(search, records)
    board = leaderboard(records, search.objective, search.direction, search.pairs()[1:])
    default = default_architecture(records)
    by_id = {(record.trial_id, record.stage): record for record in records}
    rows = []
    for row in head(board, n_rows).itertuples():
        record = by_id[row.trial_id, row.stage]
        description = text.architecture(record.values, 5, than=default) or "the default architecture"
        trial = f"trial {record.number}" if record.is_candidate else record.stage
        if record.is_baseline:
            trial = record.trial_id
        if not reserved.architecture(record.values):
            description = record.message
        rows.append([trial, record.score, record.parameters, record.seconds, description])
    tasks = task if isinstance(task, str) else ", ".join(map(str, task))
    facts = [tasks, f"{search.objective} {best.score:.4g}" if best is not None else "no trial was completed",
             f"{sum(record.is_candidate and not record.is_refused for record in records)} trials",
             f"ended by {str(stop_reason).replace('_', ' ')}"]  # fmt: skip
    drawing = "" if best is None or not search.blueprint else page.picture(
        f"Blocks and decisions of trial {best.number}", plots.plot_architecture, search, best)  # fmt: skip
    scoped = re.sub(r"(?m)^(?=[a-z.*@])", ".autonas ", "\n".join(_RULES))
    table = page.table(["", search.objective, "parameters", "seconds", "differences from the default"], rows)
    return (
        f'<div class="autonas"><style>{scoped}</style><b>{html.escape(name)}</b> '
        f"<span>{html.escape(' · '.join(facts))}</span>{drawing}{table}</div>"
    )


#: Style of an embedded representation. It applies to its own elements only and keeps the colours of the page.
_RULES = (
    "img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; padding: 4px; margin: 8px 0; }",
    "table { border-collapse: collapse; font-size: 12px; }",
    "th { text-align: left; padding: 3px 8px; }",
    "td { text-align: left; padding: 3px 8px; }",
    "td.number { text-align: right; }",
)
