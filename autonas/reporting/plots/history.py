"""Plots of the scores of a search over trials or time, and of the learning curves."""

import math

from autonas.costs.orientation import oriented
from autonas.reporting import text
from autonas.reporting.plots import canvas
from autonas.trials.order import is_number, longest, sort_key, target_epochs
from autonas.trials.states import Status

#: Number of learning curves in colour. The others are grey.
N_COLOURED = 6
#: Labels of the horizontal axis of the history.
LABELS = {"trials": "trial", "seconds": "seconds since the first trial began"}


def plot_history(search, records, over="trials", axes=None):
    """Plot the score of every trial and the best score so far. Failed and refused trials are marked at the bottom.

    Trials of a lower fidelity, trained for fewer epochs, have small grey markers.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        over: Horizontal axis: `"trials"`, the number of the trial, or `"seconds"`, the end of the trial in seconds
            since the start of the first trial. Defaults to `"trials"`.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Raises:
        ValueError: If `over` has another value.

    Example:

    ```python
    import autonas
    from autonas.reporting import TrialRecord, plots

    search = autonas.reporting.SearchInfo("val_accuracy", "max")
    records = [
        TrialRecord("0000", 0, values={"units": 8}, score=0.8, status="completed"),
        TrialRecord("0001", 1, values={"units": 16}, score=0.9, status="completed"),
    ]
    picture = plots.figure(plots.plot_history, search, records)
    ```
    """
    if over not in ("trials", "seconds"):
        raise ValueError(f"`over` must be 'trials' or 'seconds'. Received: over={over!r}")
    axes = canvas.new_axes(axes)
    trials, x_of = ended(records, over)
    scored = [record for record in trials if record.is_completed and is_number(record.score)]
    if not trials:
        return canvas.note(axes, "no trial has ended")
    full = longest(scored)
    short = [record for record in scored if target_epochs(record) < target_epochs(full[0])]
    if short:
        label = f"trained for fewer than {target_epochs(full[0])} epochs"
        axes.scatter([x_of[id(record)] for record in short], [record.score for record in short], s=10, color="0.75",
                     label=label)  # fmt: skip
    axes.scatter([x_of[id(record)] for record in full], [record.score for record in full], s=22, color=canvas.SKY,
                 label="trial", zorder=3)  # fmt: skip
    path = best_so_far(search, scored)
    if path:
        end = max(x_of.values())
        scores = [record.score for record in path]
        axes.step([x_of[id(record)] for record in path] + [end], [*scores, scores[-1]],
                  where="post", color=canvas.BLUE, label="best so far", zorder=2)  # fmt: skip
        axes.plot(x_of[id(path[-1])], path[-1].score, "*", color=canvas.RED, markersize=13, zorder=4,
                  label=f"best: trial {path[-1].number}, {path[-1].score:.4g}")  # fmt: skip
    _limit(axes, [record.score for record in scored], search.direction)
    _draw_baselines(axes, records)
    for status, marker, colour in ((Status.FAILED, "x", canvas.RED), (Status.REFUSED, "|", canvas.ORANGE)):
        positions = [x_of[id(record)] for record in trials if record.status == status]
        if positions:
            label = f"{status} ({len(positions)})"
            axes.scatter(positions, [0.02] * len(positions), s=30, color=colour, marker=marker, label=label,
                         transform=axes.get_xaxis_transform(), clip_on=False, zorder=5)  # fmt: skip
    axes.set_xlabel(LABELS[over])
    axes.set_ylabel(score_label(search))
    if over == "trials":
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.legend(frameon=False, fontsize="small")
    return canvas.tidy(axes)


def plot_curves(search, records, axes=None):
    """Plot the learning curves, the scores of the trials over epochs, with the best trials in colour.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    import autonas
    from autonas.reporting import plots

    search = autonas.reporting.SearchInfo("val_accuracy", "max")
    history = [{"val_accuracy": 0.6}, {"val_accuracy": 0.8}]
    record = autonas.reporting.TrialRecord("0000", 0, score=0.8, status="completed", history=history, epochs=2)
    picture = plots.figure(plots.plot_curves, search, [record])
    ```
    """
    axes = canvas.new_axes(axes)
    name, curves = learning_curves(search, records)
    if not curves:
        return canvas.note(axes, "no trial has a learning curve")
    for rank, (record, curve) in reversed(list(enumerate(curves))):
        style = {"color": "0.8", "linewidth": 0.8}
        if rank < N_COLOURED:
            style = {
                "color": canvas.COLOURS[rank],
                "linewidth": 1.6,
                "label": f"trial {record.number}",
                "zorder": 10 - rank,
            }
        # A marker shows the epoch of the score of the best trials, and a curve of a single epoch.
        marked = [record.best_epoch - 1] if rank < N_COLOURED and 0 < record.best_epoch <= len(curve) else []
        marked = [0] if len(curve) == 1 else marked
        axes.plot(range(1, len(curve) + 1), curve, marker="o", markersize=4, markevery=marked, **style)
    _limit(axes, [value for _, curve in curves for value in curve if is_number(value)], search.direction)
    axes.set_xlabel("epoch")
    axes.set_ylabel(canvas.plain(name))
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], frameon=False, fontsize="small", title="best trials", title_fontsize="small"
    )
    return canvas.tidy(axes)


def ended(records, over):
    """Return the trials that have ended, and a dict from the `id` of a record to its horizontal position."""
    trials = [record for record in records if record.is_candidate and record.status != Status.RUNNING]
    if over == "trials":
        # The numbers of trials aren't used directly, since epochs of a supernet have numbers too.
        ordered = sorted(trials, key=lambda record: record.number)
        return trials, {id(record): index for index, record in enumerate(ordered)}
    trials.sort(key=lambda record: record.started + record.seconds)
    first = min((record.started for record in trials), default=0.0)
    return trials, {id(record): record.started + record.seconds - first for record in trials}


def learning_curves(search, records):
    """Return the metric of the learning curves, and pairs of a record and its values after each epoch, the best first.

    The metric is the objective, or the loss if the objective isn't computed after every epoch, such as a cost.
    """
    name = search.objective
    if not any(name in epoch for record in records for epoch in record.history):
        name = "val_loss"
    curves = [
        (record, [epoch.get(name, math.nan) for epoch in record.history])
        for record in records
        if record.is_candidate and len(record.history) and any(name in epoch for epoch in record.history)
    ]

    def key(item):
        record, _ = item
        score = -oriented(record.score, search.direction) if is_number(record.score) else math.inf
        return (not record.is_completed, -target_epochs(record), score)

    return name, sorted(curves, key=key)


def _draw_baselines(axes, records):
    """Draw the scores of the baselines as lines. A baseline far from all trials is listed in the legend only."""
    shown, shown_limits = baselines(records, *axes.get_ylim())
    for (score, label, _), style in zip(shown, (":", "--"), strict=False):
        axes.axhline(score, color="0.4", linewidth=1.2, linestyle=style, label=label, zorder=1)
    axes.set_ylim(*shown_limits)


def baselines(records, low, high):
    """Return the score and the label of each baseline, and whether the baseline is near the limits of an axis.

    Args:
        records: List of `TrialRecord`s.
        low: Lower limit of the axis of scores.
        high: Upper limit of the axis of scores.

    Returns:
        List of triples, and the pair of the limits with which near baselines are inside.
    """
    span = (high - low) or 0.1 * abs(high) or 1.0
    shown = []
    for record in records:
        if not record.is_baseline or not is_number(record.score):
            continue
        is_near = low - span <= record.score <= high + span
        label = f"{record.trial_id.replace('_', ' ')}, {record.score:.4g}{'' if is_near else ' (outside)'}"
        shown.append((record.score, label, is_near))
        if is_near:
            low, high = min(low, record.score - 0.03 * span), max(high, record.score + 0.03 * span)
    return shown, (low, high)


def best_so_far(search, scored):
    """Return the records that were the best when they ended; see `trials.order.sort_key`."""
    key, path = sort_key(search.pairs()), []
    for record in scored:
        if not path or key(record) < key(path[-1]):
            path.append(record)
    return path


def limits(scores, direction):
    """Return limits of an axis of scores so that very bad scores don't hide the others, and the number of scores
    outside; without such scores `None` and 0."""
    import numpy as np

    if len(scores) < 5:
        return None, 0
    scores = oriented(np.array(scores), direction)
    low, middle = np.quantile(scores, [0.1, 0.5])
    edge = middle - 3 * (scores.max() - low)
    n_outside = int(np.sum(scores < edge))
    if not n_outside or edge == scores.max():
        return None, 0
    best = scores.max() + 0.05 * (scores.max() - edge)
    return sorted(oriented(np.array([edge, best]), direction).tolist()), n_outside


def _limit(axes, scores, direction):
    """Limit the vertical axis, and write how many scores are outside; see `limits`."""
    shown, n_outside = limits(scores, direction)
    if shown is None:
        return
    axes.set_ylim(*shown)
    is_above = direction == "min"
    sentence = f"{n_outside} worse scores are outside" if n_outside > 1 else "1 worse score is outside"
    place = {"x": 0.01, "y": 0.99, "va": "top"} if is_above else {"x": 0.01, "y": 0.01, "va": "bottom"}
    shaded = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}  # Curves may pass below.
    axes.text(s=sentence, **place, ha="left", fontsize="small", color="0.4", bbox=shaded, transform=axes.transAxes)


def score_label(search):
    """Return the label of an axis of scores."""
    return canvas.plain(text.metric(search.objective, search.direction), 60)
