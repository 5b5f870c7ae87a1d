"""The Pareto front of a search with several objectives."""

from autonas.reporting import text
from autonas.reporting.plots import canvas
from autonas.trials.states import Stage, Status

#: A limit is drawn as a line if it is no farther from the trials than this share of their range.
_NEAR = 0.5


def plot_pareto(board, front, objectives, constraints=None, axes=None):
    """Draws trials by two objectives, and the Pareto front: the trials that no other trial dominates.

    Limits of the two objectives are drawn as lines. A limit so far away that all trials would be drawn on one edge is
    named in the legend only.

    Args:
        board: The leaderboard, a DataFrame.
        front: Its rows of the Pareto front.
        objectives: List of pairs of name and direction; the first is drawn upwards, the second to the right.
        constraints: Dict from names of costs to limits, or `None`.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.
    """
    (high, high_direction), (wide, wide_direction) = objectives[:2]
    axes = canvas.new_axes(axes)
    trials = board[(board.stage == Stage.SEARCH) & (board.status == Status.COMPLETED)]
    dominated = trials[~trials.trial_id.isin(front.trial_id)]
    axes.scatter(dominated[wide], dominated[high], color="0.7", label="dominated")
    ordered = front.sort_values(wide)
    # A point dominates all that is beside it on its worse side: steps, no straight lines.
    where = "post" if wide_direction == "min" else "pre"
    axes.step(ordered[wide], ordered[high], where=where, color=canvas.BLUE, linewidth=1)
    axes.scatter(ordered[wide], ordered[high], color=canvas.BLUE, zorder=3, label="Pareto front")
    for name, draw in ((high, axes.axhline), (wide, axes.axvline)):
        if name in (constraints or {}):
            _limit(axes, draw, trials[name], name, constraints[name])
    axes.set_xlabel(canvas.plain(text.metric(wide, wide_direction), 60))
    axes.set_ylabel(canvas.plain(text.metric(high, high_direction), 60))
    axes.legend(frameon=False)
    return canvas.tidy(axes)


def _limit(axes, draw, values, name, limit):
    """Draws a limit with `draw`, or only names it in the legend if it is far from the values of the trials."""
    low, high = values.min(), values.max()
    margin = _NEAR * (high - low or abs(high))
    label = canvas.plain(f"{name} limit {limit:g}")
    if low - margin <= limit <= high + margin:
        draw(limit, color=canvas.RED, linestyle="--", linewidth=1, label=label)
    else:
        axes.plot([], [], color=canvas.RED, linestyle="--", linewidth=1, label=f"{label}, outside")
