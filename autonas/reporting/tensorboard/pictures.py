"""Images of the log: matplotlib figures as PNG, drawn within a time budget."""

import collections
import io
import time

from autonas.reporting import plots
from autonas.reporting.tensorboard import event_log

#: Maximum share of the elapsed time that drawing may take during a search.
_SHARE = 0.01
#: Estimated seconds for the first image, which include the import of matplotlib.
_FIRST_SECONDS = 0.5
#: Maximum number of queued images that are drawn when the search ends.
_N_LATE = 5
#: Number of images after which only the latest one is kept in the queue. TensorBoard shows ten images per tag.
_N_QUEUED = 50
#: Width of images in pixels. TensorBoard scales wider images down to this width without smoothing, which makes text
#: unreadable.
_PIXELS = 350
_DPI = 84
#: Width of an image in inches.
WIDTH = _PIXELS / _DPI


class Gallery:
    """Queue of images, which are drawn such that drawing takes at most 1 % of the time.

    Args:
        write: Function of a step and a list of `Summary.Value`s that adds them to the log.
        seconds: Function that returns the seconds since the start of the search.
    """

    def __init__(self, write, seconds):
        self._write = write
        self._seconds = seconds
        self._spent = 0.0
        self._expected = _FIRST_SECONDS
        self._queue = collections.deque()
        self._n_queued = 0

    def queue(self, step, tag, plot, *arguments):
        """Append an image to the queue; see `draw` for the arguments."""
        self._n_queued += 1
        if self._n_queued > _N_QUEUED:
            self._queue.clear()
        self._queue.append((step, tag, plot, *arguments))

    def draw_some(self):
        """Draw queued images as far as the time budget allows."""
        while self._queue and self._spent + self._expected <= _SHARE * self._seconds():
            self.draw(*self._queue.popleft())

    def draw_rest(self):
        """Draw the last image of the queue, and a few others at equal distances."""
        left = list(self._queue)
        self._queue.clear()
        distance = max(1, -(-len(left) // _N_LATE))
        for picture in left[::-distance][::-1]:
            self.draw(*picture)

    def draw(self, step, tag, plot, *arguments):
        """Draw an image and add it to the log.

        Args:
            step: Step of the image.
            tag: Tag of the image.
            plot: One of the functions `plot_...` of `reporting.plots`.
            *arguments: Arguments of `plot` except `axes`.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        started = time.perf_counter()
        figure = plots.figure(plot, *arguments, width=WIDTH)
        figure.set_dpi(_DPI)
        canvas = FigureCanvasAgg(figure)
        png = io.BytesIO()
        canvas.print_png(png)
        self._write(step, [event_log.image(tag, png.getvalue(), *canvas.get_width_height())])
        self._expected = time.perf_counter() - started
        self._spent += self._expected
