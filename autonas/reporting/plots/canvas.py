"""What all pictures share: axes, sizes, colours, and labels that are data and no formulas."""

#: Colours that the colour-blind tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
#: For what is there but not meant.
GREY = "0.6"
#: Inches.
SIZE = (6.4, 4.0)


def new_axes(axes, size=SIZE):
    """`axes`, or those of a new figure of pyplot, of a size in inches, if it is `None`."""
    if axes is not None:
        return axes
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def figure(plot, *arguments):
    """A picture in a figure of its own, of the size that suits it, which pyplot knows nothing of.

    Args:
        plot: One of the `plot_...` functions.
        *arguments: Its arguments but `axes`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    size = plot.size(*arguments) if hasattr(plot, "size") else SIZE
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
    text = " ".join(str(text).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.replace("$", r"\$")


def note(axes, text):
    """Says in empty axes why there is no picture."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color="0.4", transform=axes.transAxes, wrap=True)
    return axes


def tidy(axes):
    """Takes away what isn't needed of the frame, and returns the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes
