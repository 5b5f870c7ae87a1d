"""Plot of parallel coordinates, with a line per trial through the values of its decisions to its score."""

import math
import textwrap

from autonas.costs.orientation import oriented
from autonas.reporting import importance, text
from autonas.reporting.plots import canvas
from autonas.trials import order
from autonas.trials.states import Status

_N_SHOWN = 8
#: Maximum number of characters of a line in the heading of an axis.
_N_CHARACTERS = 15
#: Vertical position of inactive decisions and of trials without a score.
BELOW = -0.16
#: Maximum number of ticks of an axis.
_N_TICKS = 8
#: Minimum ratio of the ends of a positive range for a logarithmic scale.
_LOGARITHMIC = 30.0


def _size(search, records, shares=None):
    return 2.0 + 1.25 * (1 + len(shown_decisions(search, records, shares))), 4.6


@canvas.sized(_size)
def plot_parallel(search, records, shares=None, axes=None):
    """Plot every trial as a line through the values of its decisions, most important first, to its score.

    Only trials with comparable scores are drawn (see `trials.order.comparable`), and trials that failed. A decision
    that was inactive in a trial is passed below its scale.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.
        shares: Dict from decision to its importance in descending order, or `None`. Decisions without an importance
            are sorted by the number of trials in which they are active. The first 8 decisions with more than one
            value are drawn.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    import autonas
    from autonas.reporting import TrialRecord, plots

    search = autonas.reporting.SearchInfo("val_accuracy", "max")
    records = [
        TrialRecord("0000", 0, values={"units": 8}, score=0.8, status="completed"),
        TrialRecord("0001", 1, values={"units": 16}, score=0.9, status="completed"),
    ]
    picture = plots.figure(plots.plot_parallel, search, records)
    ```
    """
    import numpy as np
    from matplotlib import collections

    axes = canvas.new_axes(axes, _size(search, records, shares))
    trials = order.comparable(records)
    names = shown_decisions(search, records, shares)
    if not names:
        return canvas.note(axes, "too few trials to compare their decisions")
    failed = [record for record in records if record.is_candidate and record.status == Status.FAILED]
    scales = {info["name"]: Scale(info, trials + failed) for info in search.space if info["name"] in names}
    axes.set_axis_off()
    scores = np.array([record.score for record in trials])
    colours, heights = by_score(scores, search.direction)
    # The best trial is drawn last, on top. Lines through the same option are spread so that they don't coincide.
    worst_first = np.argsort(oriented(heights, search.direction), kind="stable")
    spread = 0.05 * (np.argsort(worst_first) / max(1, len(worst_first) - 1) - 0.5)
    lines = []
    for index in worst_first:
        record = trials[index]
        points = [scales[name].position(record.values.get(name), spread[index]) for name in names]
        lines.append([*enumerate(points), (len(names), heights[index])])
    widths = [0.9] * (len(lines) - 1) + [2.5]
    axes.add_collection(collections.LineCollection(lines, colors=colours[worst_first], linewidths=widths, alpha=0.85))
    if failed:
        lines = [
            [*enumerate(scales[name].position(record.values.get(name), 0.0) for name in names), (len(names), BELOW)]
            for record in failed
        ]
        axes.add_collection(collections.LineCollection(lines, colors=canvas.RED, linewidths=0.9, linestyles="--"))
    _draw_scales(axes, names, scales)
    _draw_score(axes, len(names), search, trials, heights, has_failed=bool(failed))
    axes.set_xlim(-0.75, len(names) + 0.9)
    lengths = {order.target_epochs(record) for record in records if record.is_candidate}
    if len(lengths) > 1:
        note = f"{len(trials)} trials, trained for {order.target_epochs(trials[0])} epochs"
        axes.text(-0.7, BELOW - 0.05, note, fontsize=7, color="0.4", va="top")
    axes.set_ylim(BELOW - 0.08, 1.2)
    return axes


def shown_decisions(search, records, shares):
    """Return the names of the decisions to draw."""
    trials = order.comparable(records)
    if len(trials) < 2:
        return []
    names = list(shares or [])
    others = [info["name"] for info in search.space if info["name"] not in names]
    names += sorted(others, key=lambda name: sum(record.values.get(name) is None for record in trials))
    varied = [name for name in names if len({record.values.get(name) for record in trials} - {None}) > 1]
    return varied[:_N_SHOWN]


class Scale:
    """Scale of a decision from 0 to 1."""

    def __init__(self, info, trials):
        seen = [record.values[info["name"]] for record in trials if record.values.get(info["name"]) is not None]
        self.has_inactive = len(seen) < len(trials)
        self.options = [False, True] if info["type"] == "Boolean" else info.get("values")
        if self.options is None and len(set(seen)) <= _N_TICKS and all(isinstance(value, int) for value in seen):
            self.options = sorted(set(seen))
        if self.options is not None:
            self.options = list(self.options)
            n_options = len(self.options)
            ticks = self.options if n_options <= 2 * _N_TICKS else self.options[:: n_options // _N_TICKS]
            self.ticks = [(self.position(option), text.shown(option)) for option in ticks]
            return
        self.low, self.high = min(seen), max(seen)
        self.is_logarithmic = self.low > 0 and self.high / self.low > _LOGARITHMIC
        self.ticks = [(height, text.shown(self._value(height))) for height in (0.0, 0.25, 0.5, 0.75, 1.0)]

    def position(self, value, offset=0.0):
        if value is None:
            return BELOW + 0.3 * offset
        if self.options is not None:
            return self.options.index(value) / max(1, len(self.options) - 1) + offset
        if self.is_logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def _value(self, height):
        if self.is_logarithmic:
            return float(self.low * (self.high / self.low) ** height)
        return float(self.low + (self.high - self.low) * height)


def by_score(scores, direction):
    """Return the colours of trials and their heights on the axis of the score, from 0 to 1, with outliers clipped."""
    import numpy as np
    from matplotlib import colormaps

    low, high = _range(scores, direction)
    heights = np.clip((scores - low) / ((high - low) or 1.0), 0.0, 1.0)
    # The best trial is dark, since the bright end of the colour map is hard to see on white.
    bright = np.abs(heights - heights[np.argmax(oriented(scores, direction))])
    return colormaps["viridis"](0.88 * bright), heights


def _range(scores, direction):
    import numpy as np

    kept = importance.clip_outliers(np.asarray(scores), direction)
    return np.min(kept), np.max(kept)


def _draw_scales(axes, names, scales):
    labels = text.short_names(names)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    for position, name in enumerate(names):
        axes.plot([position, position], [0, 1], color="0.3", linewidth=1, zorder=3)
        label = canvas.plain(labels[name].replace("kind ", ""), 3 * _N_CHARACTERS)
        _heading(axes, position, textwrap.wrap(label, _N_CHARACTERS))
        for height, tick in scales[name].ticks:
            axes.text(position - 0.03, height, canvas.plain(tick, 18), ha="right", va="center", fontsize=7, bbox=box,
                      zorder=4)  # fmt: skip
        if scales[name].has_inactive:
            axes.text(position - 0.03, BELOW, "inactive", ha="right", va="center", fontsize=7, color="0.4", bbox=box,
                      style="italic", zorder=4)  # fmt: skip


def _heading(axes, position, lines):
    axes.text(position, 1.07, "\n".join(lines), ha="center", va="bottom", fontsize=8, fontweight="bold")


def _draw_score(axes, position, search, trials, heights, has_failed):
    low, high = _range([record.score for record in trials], search.direction)
    axes.plot([position, position], [0, 1], color="0.3", linewidth=1, zorder=3)
    _heading(axes, position, textwrap.wrap(canvas.plain(search.objective, 2 * _N_CHARACTERS), _N_CHARACTERS))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0) if high > low else (0.0,):
        score = text.number(low + share * (high - low))
        axes.text(position + 0.04, share, score, ha="left", va="center", fontsize=7)
    if has_failed:
        axes.text(position + 0.04, BELOW, "failed", ha="left", va="center", fontsize=7, color=canvas.RED)
    best = max(range(len(trials)), key=lambda index: oriented(heights[index], search.direction))
    axes.text(position + 0.42, heights[best], f"trial {trials[best].number}", ha="left", va="center", fontsize=7,
              fontweight="bold", color="0.2")  # fmt: skip
