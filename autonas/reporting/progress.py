"""Shows a running search: a live display on a terminal, plain lines elsewhere."""

import time

import rich.console
import rich.live
import rich.markup
import rich.progress_bar
import rich.table

from autonas.reporting.reporter import Reporter
from autonas.reporting.text import architecture, duration


class ProgressReporter(Reporter):
    """Shows on standard output how far a search is, its best score and its current trial.

    On a terminal (and in Jupyter) this is a display that stays in place. Elsewhere it is one line a
    finished trial. Both end with one line: why the search stopped.

    Args:
        verbose: 0: nothing. 1: as above. 2: also one line an epoch.
        console: `rich.console.Console` to write to, or None for standard output.
    """

    def __init__(self, verbose=1, console=None):
        self.verbose = verbose
        self.console = console

    def on_search_begin(self, search):
        self._search = search
        self._finished = search.n_before
        self._best = None
        self._current = None
        self._last_epoch = None
        self._refused = []
        self._console = self.console or rich.console.Console()
        self._live = None
        if self.verbose and (self._console.is_terminal or self._console.is_jupyter):
            self._live = rich.live.Live(
                get_renderable=self._display, console=self._console, refresh_per_second=2, transient=True
            )
            self._live.start()

    def on_trial_begin(self, record):
        self._current = record
        self._last_epoch = None

    def on_epoch_end(self, record, epoch, metrics):
        score = metrics.get(self._search.objective)
        self._last_epoch = (epoch, score)
        # An epoch of a supernet is a trial, which has a line of its own.
        if self.verbose >= 2 and record.stage in ("search", "final"):
            self._print(f"{_name(record)}  epoch {epoch}  {_shown(metrics)}")

    def on_trial_end(self, record, best):
        self._best = best
        self._current = None
        if record.status == "refused":
            self._refused.append(record)
            return
        # What goes on with the training of an earlier trial is none of `max_trials`.
        self._finished += record.stage == "search" and not record.values.get("tuner/initial_epoch")
        if self.verbose and self._live is None or self.verbose >= 2:
            self._print_refused()
            self._print(self._line(record))

    def on_search_end(self, records, stop_reason):
        if self._live is not None:
            self._live.stop()
        if not self.verbose:
            return
        self._print_refused()
        refused = sum(record.status == "refused" for record in records)
        trials = sum(record.stage == "search" for record in records) - refused
        facts = [f"{trials} trial{'s' * (trials != 1)}", duration(time.time() - self._search.started)]
        if refused:
            facts.insert(1, f"{refused} refused")
        if self._best is not None:
            facts.append(f"best {self._search.objective} {self._best.score:.4f}")
        self._print(f"search ended: {stop_reason}  ({', '.join(facts)})")

    def _print_refused(self):
        """One line for all candidates that were refused since the last one: there may be many, in no time."""
        if self._refused:
            last = self._refused[-1]
            self._print(f"{len(self._refused)} refused, the last, trial {last.number}, since {last.message}")
            self._refused = []

    def _line(self, record):
        best = "" if self._best is None else f"(best {self._best.score:.4f})"
        if record.status != "completed":
            reason = " ".join(record.message.split())
            reason = reason if len(reason) <= 60 else reason[:59] + "…"
            result = f"{record.status}: {reason}" if reason else record.status
        elif record.score is None:
            result = _shown(record.metrics)
        else:
            result = f"{self._search.objective} {record.score:.4f}"
            others = {name: record.metrics[name] for name in self._search.objectives[1:]}
            result = "  ".join(filter(None, [result, _shown(others)]))
        epochs = f"{record.epochs} epoch{'s' * (record.epochs != 1)}" if record.stage in ("search", "final") else ""
        took = duration(record.seconds)
        parts = (_name(record), result, best, took, epochs, architecture(record.values))
        return "  ".join(part for part in parts if part)

    def _print(self, line):
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _display(self):
        search = self._search
        elapsed = time.time() - search.started
        table = rich.table.Table.grid(padding=(0, 2))
        if search.title:
            table.add_row("search", "", rich.markup.escape(search.title))
        limit = "" if search.max_trials is None else f" / {search.max_trials}"
        table.add_row("trials", f"{self._finished}{limit}", _bar(self._finished, search.max_trials))
        limit = "" if search.time_limit is None else f" / {duration(search.time_limit)}"
        table.add_row("time", f"{duration(elapsed)}{limit}", _bar(elapsed, search.time_limit))
        if self._best is not None:
            where = f"trial {self._best.number}: {architecture(self._best.values)}"
            what = rich.markup.escape(f"{search.objective}, {where}")
            table.add_row("best", f"[bold green]{self._best.score:.4f}", what)
        record = self._current  # the display is drawn by another thread
        if record is not None:
            state = ""
            if self._last_epoch is not None:
                epoch, score = self._last_epoch
                state = f"epoch {epoch}" if score is None else f"epoch {epoch}: {score:.4f}"
            what = f"{_name(record)}: {architecture(record.values, 4)}"
            table.add_row("now", state, rich.markup.escape(what))
        return table


def _name(record):
    if record.stage == "supernet":
        return f"supernet epoch {record.values['tuner/epochs']}"
    return f"trial {record.number}" if record.stage == "search" else record.stage.replace("_", "-")


def _shown(metrics):
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def _bar(done, total):
    if total is None:
        return ""
    return rich.progress_bar.ProgressBar(total=total, completed=min(done, total), width=30)
