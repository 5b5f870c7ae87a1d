"""Live display of a running search in a terminal or a notebook."""

import time

import rich.live
import rich.markup
import rich.progress_bar
import rich.table

from autonas.reporting.text import architecture, duration
from autonas.trials import reserved
from autonas.trials.states import Stage, Status

_SECONDS_BETWEEN = 0.5


class SearchState:
    """Progress of a search, updated from the events of a reporter.

    Args:
        search: The `SearchInfo`.

    Attributes:
        n_finished: Number of finished candidates, including the candidates of an earlier process.
        n_failed: Number of failed trials in this process.
        n_refused: Number of refused candidates in this process.
        best: `TrialRecord` of the best trial, or `None`.
        baselines: Dict from the name of a baseline to its score.
        running: Dict from `trial_id` to `(record, epoch, score)`. The epoch is 0 during the first epoch.
    """

    def __init__(self, search):
        self.search = search
        self.n_finished = search.n_before
        self.n_failed = self.n_refused = 0
        self.best = None
        self.baselines = {}
        self.running = {}
        self._default = None
        self._n_supernet = 0

    def begin(self, record):
        self._n_supernet += record.stage == Stage.SUPERNET
        if record.is_candidate and record.number == self._n_supernet:
            self._default = record
        self.running[record.trial_id] = (record, 0, None)

    def epoch(self, record, epoch, metrics):
        self.running[record.trial_id] = (record, epoch, metrics.get(self.search.objective))

    def end(self, record, best):
        self.running.pop(record.trial_id, None)
        self.best = best
        if record.stage == Stage.BASELINE and record.score is not None:
            self.baselines[record.trial_id.replace("_", " ")] = record.score
        self.n_failed += record.status == Status.FAILED
        self.n_refused += record.is_refused
        # A trial that continues the training of an earlier trial doesn't count towards `max_trials`.
        is_candidate = record.is_candidate and not reserved.is_continued(record.values)
        self.n_finished += is_candidate and not record.is_refused

    def description(self, record, limit=3):
        """Return a short description of a trial's architecture: its differences from the default architecture."""
        if self._default is None or record.number == self._default.number or not record.is_candidate:
            return architecture(record.values, limit)
        same = f"same as trial {self._default.number}"
        return architecture(record.values, limit, than=self._default.values) or same

    def elapsed(self):
        return self.search.seconds()

    def left(self):
        """Return the remaining time as text, an empty string if it is unknown."""
        search, elapsed = self.search, self.elapsed()
        if search.time_limit is not None:
            return f"{duration(max(0.0, search.time_limit - elapsed))} left"
        n_here = self.n_finished - search.n_before
        if search.max_trials is None or not n_here:
            return ""
        seconds = (elapsed - search.preparation) / n_here
        return f"about {duration(seconds * max(0, search.max_trials - self.n_finished))} left"

    def table(self):
        """Return the display as a `rich.table.Table`."""
        search = self.search
        table = rich.table.Table.grid(padding=(0, 2))
        for width in (None, 16, None):  # A change of the middle column doesn't move the others.
            table.add_column(min_width=width)
        if search.title:
            table.add_row("search", "", rich.markup.escape(": ".join(filter(None, [search.title, search.goal]))))
        limit = "" if search.max_trials is None else f" / {search.max_trials}"
        count = f"{self.n_finished}{limit}"
        table.add_row("trials", count, _with_text(_bar(self.n_finished, search.max_trials), self._without_score()))
        limit = "" if search.time_limit is None else f" / {duration(search.time_limit)}"
        elapsed = self.elapsed()
        spent = f"{duration(elapsed)}{limit}"
        table.add_row("time", spent, _with_text(_bar(elapsed, search.time_limit), self.left()))
        if self.best is not None:
            text = f"{search.objective}, trial {self.best.number}: {self.description(self.best)}"
            table.add_row("best", f"[bold green]{self.best.score:.4f}", rich.markup.escape(text))
        if self.baselines:
            table.add_row("baselines", "", self.shown_baselines())
        # Another thread draws the display while `running` changes, so a copy is needed.
        for position, (record, epoch, score) in enumerate(list(self.running.values())):
            state = "starting" if not epoch else f"epoch {epoch}" if score is None else f"epoch {epoch}: {score:.4f}"
            text = f"{stage_name(record)}: {self.description(record, 4)}"
            table.add_row("" if position else "running", state, rich.markup.escape(text))
        return table

    def shown_baselines(self):
        """Return the scores of the baselines as text."""
        return ", ".join(f"{name} {score:.4f}" for name, score in self.baselines.items())

    def _without_score(self):
        counts = {Status.FAILED: self.n_failed, Status.REFUSED: self.n_refused}
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def start(state, console):
    """Start a live display in a terminal or notebook.

    Args:
        state: The `SearchState` to display.
        console: The `rich.console.Console`.

    Returns:
        An object with the methods `refresh()`, to call after a change of the state, and `stop()`, which removes the
        display. `None` if the console can't update its output.
    """
    if console.is_jupyter:
        return NotebookDisplay(state)
    return TerminalDisplay(state, console) if console.is_terminal else None


class TerminalDisplay:
    """Live display in a terminal, drawn twice per second by a thread of rich."""

    def __init__(self, state, console):
        self._live = rich.live.Live(
            get_renderable=state.table, console=console, refresh_per_second=1 / _SECONDS_BETWEEN, transient=True
        )
        self._live.start()

    def refresh(self):
        """Do nothing, since the display is redrawn regularly."""

    def stop(self):
        self._live.stop()


class NotebookDisplay:
    """Live display in a notebook, an output of the cell that is replaced during the search.

    rich's own live display needs ipywidgets and warns without them.
    """

    def __init__(self, state):
        from IPython import display

        self._state = state
        self._handle = display.display(state.table(), display_id=True)
        self._drawn_at = time.monotonic()

    def refresh(self):
        if time.monotonic() - self._drawn_at >= _SECONDS_BETWEEN:
            self._handle.update(self._state.table())
            self._drawn_at = time.monotonic()

    def stop(self):
        from IPython import display

        self._handle.update(display.HTML(""))


def stage_name(record):
    """Return a short name of a record, such as `"trial 3"` or `"supernet epoch 2"`."""
    if record.stage == Stage.SUPERNET:
        return f"supernet epoch {reserved.epochs(record.values)}"
    if record.stage == Stage.BASELINE:
        return record.trial_id.replace("_", " ")
    return f"trial {record.number}" if record.is_candidate else record.stage.replace("_", "-")


def _bar(done, total):
    if total is None:
        return None
    return rich.progress_bar.ProgressBar(total=total, completed=min(done, total), width=30)


def _with_text(bar, text):
    """Return a bar with a text to its right, or the text alone without a bar."""
    if bar is None:
        return text
    grid = rich.table.Table.grid(padding=(0, 2))
    grid.add_row(bar, text)
    return grid
