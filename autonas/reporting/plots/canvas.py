"""Common functions of all plots: axes, sizes, colours and labels."""

from autonas.reporting.text import shortened

#: Colours that people with colour blindness can distinguish (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
#: Colour of elements in the background.
GREY = "0.6"
#: Default width and height of a plot in inches.
SIZE = (6.4, 4.0)
#: Minimum ratio of height to width of a plot whose width is reduced, unless the original ratio was smaller.
_LEAST_SHARE = 0.76


def new_axes(axes, size=SIZE):
    """Return `axes`, or new axes of pyplot if `axes` is `None`; `size` is the width and height of the new figure."""
    if axes is not None:
        return axes
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def figure(plot, *arguments, width=None):
    """Draw a plot into a new figure that isn't registered with pyplot.

    Args:
        plot: One of the `plot_...` functions.
        *arguments: Arguments of `plot` except `axes`.
        width: Maximum width in inches. A wider plot is drawn for this width with text of the same size, instead of
            being scaled. Defaults to `None`, the natural size of the plot.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    ```python
    import autonas
    from autonas.reporting import TrialRecord, plots

    search = autonas.reporting.SearchInfo("val_accuracy", "max")
    records = [
        TrialRecord("0000", 0, values={"units": 8}, score=0.8, status="completed"),
        TrialRecord("0001", 1, values={"units": 16}, score=0.9, status="completed"),
    ]
    picture = plots.figure(plots.plot_history, search, records, width=5)
    picture.savefig("history.png")
    ```
    """
    from matplotlib.figure import Figure

    size = plot.size(*arguments) if hasattr(plot, "size") else SIZE
    if width is not None and size[0] > width:
        size = width, max(size[1] * width / size[0], min(size[1], _LEAST_SHARE * width))
    drawn = Figure(figsize=size, layout="constrained")
    plot(*arguments, axes=drawn.add_subplot())
    return drawn


def sized(size):
    """Decorate a `plot_...` function whose plot doesn't have the default size.

    Args:
        size: Function of the arguments without `axes` that returns width and height in inches.
    """

    def decorate(plot):
        plot.size = size
        return plot

    return decorate


def plain(text, limit=40):
    """Return a label on one line, cut to `limit` characters, with dollar signs escaped so that it isn't a formula."""
    return shortened(" ".join(str(text).split()), limit).replace("$", r"\$")


def note(axes, text):
    """Write into empty axes why there is no plot, and return the axes."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color="0.4", transform=axes.transAxes, wrap=True)
    return axes


def legend_above(axes):
    """Add a legend above the axes in as many columns as fit."""
    ncols = max(1, int(axes.figure.get_size_inches()[0] / 2.0))
    axes.legend(frameon=False, fontsize="small", ncols=ncols, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)


def tidy(axes):
    """Hide the upper and right lines of the frame, and return the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes
