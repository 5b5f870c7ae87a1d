"""The Pareto front of a search with several objectives."""

from autonas.reporting.plots import canvas


def plot_pareto(board, front, objectives, constraints=None, axes=None):
    """Draws trials by two objectives, and the front of those that no other beats in both.

    Args:
        board: The leaderboard, a DataFrame.
        front: Its rows of the Pareto front.
        objectives: List of pairs of name and direction; the first is drawn upwards, the second to the right.
        constraints: Dict from names of costs to limits, or `None`; that of the second objective is drawn.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.
    """
    (high, high_direction), (wide, wide_direction) = objectives[:2]
    axes = canvas.new_axes(axes)
    trials = board[(board.stage == "search") & (board.status == "completed")]
    beaten = trials[~trials.trial_id.isin(front.trial_id)]
    axes.scatter(beaten[wide], beaten[high], color="0.7", label="beaten by another")
    ordered = front.sort_values(wide)
    # What is as good or worse than a point is beside it and on the worse side of it: steps, no straight lines.
    where = "post" if wide_direction == "min" else "pre"
    axes.step(ordered[wide], ordered[high], where=where, color=canvas.BLUE, linewidth=1)
    axes.scatter(ordered[wide], ordered[high], color=canvas.BLUE, zorder=3, label="Pareto front")
    limit = {str(getattr(key, "name", key)): value for key, value in (constraints or {}).items()}.get(wide)
    if limit is not None:
        axes.axvline(limit, color=canvas.RED, linestyle="--", linewidth=1, label=f"limit {limit:g}")
    axes.set_xlabel(canvas.plain(f"{wide} ({'smaller' if wide_direction == 'min' else 'larger'} is better)", 60))
    axes.set_ylabel(canvas.plain(f"{high} ({'smaller' if high_direction == 'min' else 'larger'} is better)", 60))
    axes.legend(frameon=False)
    return canvas.tidy(axes)
