"""Plots of the importance of decisions and of features."""

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


@canvas.sized(_size)
def plot_feature_importance(features, axes=None):
    """Plot the importance of features, with a line of the standard deviation over the permutations.

    Args:
        features: DataFrame with the columns `feature`, `importance` and `standard_deviation`, the most important
            feature first, as `AutoModel.feature_importance` returns.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    import pandas
    from autonas.reporting import plots

    features = pandas.DataFrame({"feature": ["age"], "importance": [0.2], "standard_deviation": [0.01]})
    picture = plots.figure(plots.plot_feature_importance, features)
    ```
    """
    axes = canvas.new_axes(axes, _size(features))
    shown = features.head(_N_SHOWN)
    rows = range(len(shown))
    axes.barh(rows, shown["importance"], xerr=shown["standard_deviation"], color=canvas.BLUE, ecolor=canvas.GREY)
    axes.set_yticks(rows, [canvas.plain(name) for name in shown["feature"]])
    axes.invert_yaxis()
    left_out = len(features) - len(shown)
    axes.set_xlabel("decrease of the score" + (f", without {left_out} less important features" if left_out else ""))
    return canvas.tidy(axes)
