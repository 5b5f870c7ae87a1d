"""What all pictures share: axes, sizes, colours, and labels that are data and no formulas."""

from autonas.reporting.text import shortened

#: Colours that the colour-blind tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
#: For what is there but not meant.
GREY = "0.6"
#: Inches.
SIZE = (6.4, 4.0)
#: Height of a picture that is made narrower, as a share of its width at least, unless it was lower before.
_LEAST_SHARE = 0.76


def new_axes(axes, size=SIZE):
    """`axes`, or those of a new figure of pyplot, of a size in inches, if it is `None`."""
    if axes is not None:
        return axes
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def figure(plot, *arguments, width=None):
    """Draw a plot into a figure of its own, which pyplot doesn't know.

    Args:
        plot: One of the `plot_...` functions.
        *arguments: Its arguments but `axes`.
        width: Greatest width in inches. Text is as large as without it, so a picture that would be wider is drawn anew
            for this width and isn't scaled. Defaults to `None`: the size that suits the plot.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    size = plot.size(*arguments) if hasattr(plot, "size") else SIZE
    if width is not None and size[0] > width:
        size = width, max(size[1] * width / size[0], min(size[1], _LEAST_SHARE * width))
    drawn = Figure(figsize=size, layout="constrained")
    plot(*arguments, axes=drawn.add_subplot())
    return drawn


def sized(size):
    """Decorates a `plot_...` function whose picture isn't of the usual size.

    Args:
        size: Function of the arguments, without axes, that gives width and height in inches.
    """

    def decorate(plot):
        plot.size = size
        return plot

    return decorate


def plain(text, limit=40):
    """A label as it is to be drawn: on one line, at most `limit` characters, and never read as a formula."""
    return shortened(" ".join(str(text).split()), limit).replace("$", r"\$")


def note(axes, text):
    """Says in empty axes why there is no picture."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color="0.4", transform=axes.transAxes, wrap=True)
    return axes


def legend_above(axes):
    """Adds a legend above the axes, in as many columns as fit."""
    ncols = max(1, int(axes.figure.get_size_inches()[0] / 2.0))
    axes.legend(frameon=False, fontsize="small", ncols=ncols, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)


def tidy(axes):
    """Takes away what isn't needed of the frame, and returns the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes
