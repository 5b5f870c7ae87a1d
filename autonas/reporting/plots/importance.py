"""Plot of the importance of decisions."""

from autonas.reporting import text
from autonas.reporting.plots import canvas

_N_SHOWN = 12


def _size(shares):
    return canvas.SIZE[0], 1.0 + 0.27 * max(3, min(len(shares), _N_SHOWN + 1))


@canvas.sized(_size)
def plot_importance(shares, axes=None):
    """Plot the importances of decisions, their shares of the variation of the score, as bars.

    Args:
        shares: Dict from decision to share in descending order, as `importance.importances` returns.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    from autonas.reporting import plots

    picture = plots.figure(plots.plot_importance, {"learning_rate": 0.7, "units": 0.2})
    ```
    """
    axes = canvas.new_axes(axes, _size(shares))
    if not shares:
        return canvas.note(axes, "not enough distinct trials to rank the decisions")
    labels = text.short_names(shares)
    bars = [(canvas.plain(labels[name]), share) for name, share in list(shares.items())[:_N_SHOWN]]
    rest = list(shares.values())[_N_SHOWN:]
    if rest:
        bars.append((f"{len(rest)} others", sum(rest)))
    rows = range(len(bars))
    axes.barh(rows, [share for _, share in bars], color=[canvas.BLUE] * min(len(bars), _N_SHOWN) + [canvas.GREY])
    for row, (_, share) in enumerate(bars):
        axes.text(share, row, f" {share:.0%}" if share >= 0.005 else " <1%", va="center", fontsize="small")
    axes.set_yticks(rows, [label for label, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(share for _, share in bars))
    axes.set_xlabel("importance")
    axes.xaxis.set_major_formatter("{x:.0%}")
    return canvas.tidy(axes)
