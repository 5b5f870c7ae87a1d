"""Plot of the Pareto front of a search with several objectives."""

from autonas.reporting import text
from autonas.reporting.plots import canvas
from autonas.trials.states import Stage, Status

#: Maximum distance of a limit from the trials to be drawn as a line, relative to the range of the trials.
_NEAR = 0.5
#: Smallest value of an axis whose labels have suffixes, such as k for thousands.
_THOUSANDS = 10_000


def plot_pareto(board, front, objectives, constraints=None, axes=None):
    """Plot the trials by two objectives with the Pareto front, the non-dominated trials.

    Limits of constraints on the two objectives are drawn as lines. A limit far from all trials is listed in the legend
    only.

    Args:
        board: The leaderboard, a DataFrame.
        front: Rows of the leaderboard on the Pareto front.
        objectives: List of pairs of name and direction. The first objective is on the vertical axis, the second on the
            horizontal axis.
        constraints: Dict from names of costs to limits, or `None`.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    from autonas.reporting import TrialRecord, leaderboard, plots
    from autonas.reporting.leaderboard import pareto_front

    objectives = [("val_accuracy", "max"), ("params", "min")]
    metrics = [{"val_accuracy": 0.8, "params": 100.0}, {"val_accuracy": 0.9, "params": 500.0}]
    records = [
        TrialRecord(f"000{number}", number, score=numbers["val_accuracy"], status="completed", metrics=numbers)
        for number, numbers in enumerate(metrics)
    ]
    board = leaderboard(records, "val_accuracy", "max")
    picture = plots.figure(plots.plot_pareto, board, pareto_front(board, objectives), objectives)
    ```
    """
    from matplotlib import ticker

    (high, high_direction), (wide, wide_direction) = objectives[:2]
    axes = canvas.new_axes(axes)
    trials = board[(board.stage == Stage.SEARCH) & (board.status == Status.COMPLETED)]
    dominated = trials[~trials.trial_id.isin(front.trial_id)]
    axes.scatter(dominated[wide], dominated[high], color="0.7", label="dominated")
    ordered = front.sort_values(wide)
    # A point dominates the points on its worse side, so the front is a step function.
    where = "post" if wide_direction == "min" else "pre"
    axes.step(ordered[wide], ordered[high], where=where, color=canvas.BLUE, linewidth=1)
    axes.scatter(ordered[wide], ordered[high], color=canvas.BLUE, zorder=3, label="Pareto front")
    for name, draw in ((high, axes.axhline), (wide, axes.axvline)):
        if name in (constraints or {}):
            _limit(axes, draw, trials[name], name, constraints[name])
    axes.set_xlabel(canvas.plain(text.metric(wide, wide_direction), 60))
    axes.set_ylabel(canvas.plain(text.metric(high, high_direction), 60))
    for axis in (axes.xaxis, axes.yaxis):
        if max(map(abs, axis.get_view_interval())) >= _THOUSANDS:  # Short labels, such as 200k, which don't overlap.
            axis.set_major_formatter(ticker.EngFormatter(sep=""))
    axes.legend(frameon=False)
    return canvas.tidy(axes)


def _limit(axes, draw, values, name, limit):
    """Draw a limit with `draw`, or only list it in the legend if it is far from the values of the trials."""
    low, high = values.min(), values.max()
    margin = _NEAR * (high - low or abs(high))
    label = canvas.plain(f"{name} limit {limit:g}")
    if low - margin <= limit <= high + margin:
        draw(limit, color=canvas.RED, linestyle="--", linewidth=1, label=label)
    else:
        axes.plot([], [], color=canvas.RED, linestyle="--", linewidth=1, label=f"{label}, outside")
