"""The course of a search: the score of each trial, the best so far, and the learning curves."""

import math

from autonas.costs.orientation import oriented
from autonas.reporting import text
from autonas.reporting.plots import canvas
from autonas.trials.order import is_number, longest, sort_key, target_epochs
from autonas.trials.states import Stage, Status

#: Learning curves that are told apart by colour; the others are grey.
_N_COLOURED = 6


def plot_history(search, records, over="trials", axes=None):
    """Draws each trial's score and the best so far; failed and refused trials are marked on the lower edge.

    Trials that were trained less than others, as those of low fidelity first are, are drawn small and pale. The best
    so far is that of the trials trained farthest until then.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        over: `"trials"` or `"seconds"`: what the horizontal axis is, how many trials were before, or when a trial
            ended, counted from the beginning of the first one. Defaults to `"trials"`.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Raises:
        ValueError: If `over` is something else.
    """
    if over not in ("trials", "seconds"):
        raise ValueError(f"`over` must be 'trials' or 'seconds'. Received: over={over!r}")
    axes = canvas.new_axes(axes)
    trials = [record for record in records if record.is_candidate and record.status != Status.RUNNING]
    if over == "seconds":
        trials.sort(key=lambda record: record.started + record.seconds)
    first = min((record.started for record in trials), default=0.0)
    if over == "trials":
        # Numbers count epochs of shared weights too.
        place = {id(each): order for order, each in enumerate(sorted(trials, key=lambda record: record.number))}
    else:
        place = {id(each): each.started + each.seconds - first for each in trials}
    scored = [record for record in trials if record.is_completed and is_number(record.score)]
    if not trials:
        return canvas.note(axes, "no trial has ended")
    full = longest(scored)
    short = [record for record in scored if target_epochs(record) < target_epochs(full[0])]
    if short:
        label = f"trained for fewer than {target_epochs(full[0])} epochs"
        axes.scatter([place[id(each)] for each in short], [each.score for each in short], s=10, color="0.75",
                     label=label)  # fmt: skip
    axes.scatter([place[id(each)] for each in full], [each.score for each in full], s=22, color=canvas.SKY,
                 label="trial", zorder=3)  # fmt: skip
    path = _best_so_far(search, scored)
    if path:
        end = max(place.values())
        axes.step([place[id(each)] for each in path] + [end], [each.score for each in path] + [path[-1].score],
                  where="post", color=canvas.BLUE, label="best so far", zorder=2)  # fmt: skip
        axes.plot(place[id(path[-1])], path[-1].score, "*", color=canvas.RED, markersize=13, zorder=4,
                  label=f"best: trial {path[-1].number}, {path[-1].score:.4g}")  # fmt: skip
    _limit(axes, [record.score for record in scored], search.direction)
    _draw_baselines(axes, records)
    for status, marker, colour in ((Status.FAILED, "x", canvas.RED), (Status.REFUSED, "|", canvas.ORANGE)):
        places = [place[id(record)] for record in trials if record.status == status]
        if places:
            label = f"{status} ({len(places)})"
            axes.scatter(places, [0.02] * len(places), s=30, color=colour, marker=marker, label=label,
                         transform=axes.get_xaxis_transform(), clip_on=False, zorder=5)  # fmt: skip
    axes.set_xlabel("trial" if over == "trials" else "seconds since the first trial began")
    axes.set_ylabel(_score_label(search))
    if over == "trials":
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize="small")
    return canvas.tidy(axes)


def plot_curves(search, records, axes=None):
    """Draws the learning curves: the score of each epoch of each trial, those of the best ones in colour.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.
    """
    axes = canvas.new_axes(axes)
    name = search.objective
    if not any(name in epoch for record in records for epoch in record.history):
        # An objective that isn't scored in epochs, such as a cost.
        name = "val_loss"
    curves = [
        (record, [epoch.get(name, math.nan) for epoch in record.history])
        for record in records
        if record.is_candidate and len(record.history) and any(name in epoch for epoch in record.history)
    ]
    if not curves:
        return canvas.note(axes, "no trial has a learning curve")

    def key(item):
        record, _ = item
        score = -oriented(record.score, search.direction) if is_number(record.score) else math.inf
        return (not record.is_completed, -target_epochs(record), score)

    curves.sort(key=key)
    colours = [canvas.BLUE, canvas.ORANGE, canvas.GREEN, canvas.RED, canvas.PURPLE, canvas.SKY]
    for rank, (record, curve) in reversed(list(enumerate(curves))):
        style = {"color": "0.8", "linewidth": 0.8}
        if rank < _N_COLOURED:
            style = {"color": colours[rank], "linewidth": 1.6, "label": f"trial {record.number}", "zorder": 10 - rank}
        # Alone, an epoch is no line; of the best, the epoch is marked that the score is of.
        marked = [record.best_epoch - 1] if rank < _N_COLOURED and 0 < record.best_epoch <= len(curve) else []
        marked = [0] if len(curve) == 1 else marked
        axes.plot(range(1, len(curve) + 1), curve, marker="o", markersize=4, markevery=marked, **style)
    _limit(axes, [value for _, curve in curves for value in curve if is_number(value)], search.direction)
    axes.set_xlabel("epoch")
    axes.set_ylabel(canvas.plain(name))
    axes.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], frameon=False, fontsize="small", title="best trials", title_fontsize="small"
    )
    return canvas.tidy(axes)


def _draw_baselines(axes, records):
    """Draw the scores of the baselines as lines; a line that is far from all trials stands in the legend only."""
    low, high = axes.get_ylim()
    span = high - low
    shown = [record for record in records if record.stage == Stage.BASELINE and is_number(record.score)]
    for record, style in zip(shown, (":", "--"), strict=False):
        is_near = low - span <= record.score <= high + span
        label = f"{record.trial_id.replace('_', ' ')}, {record.score:.4g}{'' if is_near else ' (outside)'}"
        axes.axhline(record.score, color="0.4", linewidth=1.2, linestyle=style, label=label, zorder=1)
        if is_near:
            low, high = min(low, record.score - 0.03 * span), max(high, record.score + 0.03 * span)
    axes.set_ylim(low, high)


def _best_so_far(search, scored):
    """Return the records that were the best when they ended; see `trials.order.sort_key`."""
    key, path = sort_key(search.pairs(), scored), []
    for record in scored:
        if not path or key(record) < key(path[-1]):
            path.append(record)
    return path


def _limit(axes, scores, direction):
    """Cuts off scores so bad that nothing could be seen of the others; what is cut off is said."""
    import numpy as np

    if len(scores) < 5:
        return
    scores = oriented(np.array(scores), direction)
    low, middle = np.quantile(scores, [0.1, 0.5])
    edge = middle - 3 * (scores.max() - low)
    n_outside = int(np.sum(scores < edge))
    if not n_outside or edge == scores.max():
        return
    best = scores.max() + 0.05 * (scores.max() - edge)
    lower, upper = sorted(oriented(np.array([edge, best]), direction))
    axes.set_ylim(lower, upper)
    is_above = oriented(edge, direction) == upper
    axes.text(0.01, 0.99 if is_above else 0.01, f"{n_outside} worse scores are outside", fontsize="small", color="0.4",
              ha="left", va="top" if is_above else "bottom", transform=axes.transAxes)  # fmt: skip


def _score_label(search):
    return canvas.plain(text.metric(search.objective, search.direction), 60)
