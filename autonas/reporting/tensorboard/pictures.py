"""Pictures of the log: figures of matplotlib as PNG, drawn when there is time for it."""

import collections
import io
import time

from autonas.reporting import plots
from autonas.reporting.tensorboard import event_log

#: Share of the time so far that drawing may take while a search runs.
_SHARE = 0.01
#: Seconds that the first picture is taken to need: matplotlib must be imported.
_FIRST_SECONDS = 0.5
#: Pictures of the queue that are drawn when the search ends.
_N_LATE = 5
#: Pictures that are queued. TensorBoard shows ten of a tag; from here on only the last one is kept.
_N_QUEUED = 50
#: TensorBoard shows a picture 350 pixels wide, until a person clicks on it, and makes a wider one smaller without
#: smoothing, which can't be read. So pictures are drawn for this width.
_PIXELS = 350
_DPI = 84
#: Width of a picture in inches.
WIDTH = _PIXELS / _DPI


class Gallery:
    """Draws pictures one after the other, so that drawing takes at most one per cent of the time.

    Args:
        write: Function of a step and a list of `Summary.Value`s that adds them to the log.
        seconds: Function that returns the seconds since the search began.
    """

    def __init__(self, write, seconds):
        self._write = write
        self._seconds = seconds
        self._spent = 0.0
        self._expected = _FIRST_SECONDS
        self._queue = collections.deque()
        self._n_queued = 0

    def queue(self, step, tag, plot, *arguments):
        """Puts a picture at the end of the queue; see `draw`."""
        self._n_queued += 1
        if self._n_queued > _N_QUEUED:
            self._queue.clear()
        self._queue.append((step, tag, plot, *arguments))

    def draw_some(self):
        """Draws those of the queue for which there is time."""
        while self._queue and self._spent + self._expected <= _SHARE * self._seconds():
            self.draw(*self._queue.popleft())

    def draw_rest(self):
        """Draws those that are left: the last, and some before it in equal distances."""
        left = list(self._queue)
        self._queue.clear()
        distance = max(1, -(-len(left) // _N_LATE))
        for picture in left[::-distance][::-1]:
            self.draw(*picture)

    def draw(self, step, tag, plot, *arguments):
        """Draws a picture into the log.

        Args:
            step: Its place on the axis of steps.
            tag: Its tag.
            plot: One of the functions of `reporting.plots`.
            *arguments: Its arguments but `axes`.
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
