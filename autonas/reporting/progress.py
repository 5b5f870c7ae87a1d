"""Shows a running search: a display that stays in place on a terminal and in a notebook, plain lines elsewhere."""

import rich.console

from autonas.reporting import display
from autonas.reporting.reporter import Reporter
from autonas.reporting.text import duration, searched_decisions, shortened
from autonas.trials.states import Stage, Status

#: Decisions that are named of those that are searched with shared weights, and of those that aren't.
_N_NAMED = 6


class ProgressReporter(Reporter):
    """Shows on standard output how far a search is, its best score, what is running and how long it will take.

    On a terminal and in a notebook this is a display that stays in place. Elsewhere it is one line a
    finished trial. Both end with one line: why the search stopped.

    Args:
        verbose: 0: nothing. 1: as above. 2: also one line an epoch.
        console: `rich.console.Console` to write to, or None for standard output.
        invitation: Lines that are shown first, such as where more is to be seen. Defaults to none.
    """

    def __init__(self, verbose=1, console=None, invitation=()):
        self.verbose = verbose
        self.console = console
        self.invitation = invitation

    def on_search_begin(self, search):
        self._search = search
        self._state = display.SearchState(search)
        self._refused = []
        self._console = self.console or rich.console.Console()
        self._display = None
        if self.verbose:
            for line in (*self.invitation, searched_decisions(search, _N_NAMED)):
                if line:
                    self._print(line)
            self._display = display.start(self._state, self._console)

    def on_trial_begin(self, record):
        self._state.begin(record)
        self._refresh()

    def on_epoch_end(self, record, epoch, metrics):
        self._state.epoch(record, epoch, metrics)
        self._refresh()
        # An epoch of a supernet is a trial, which has a line of its own.
        if self.verbose >= 2 and record.stage in (Stage.SEARCH, Stage.FINAL):
            self._print(f"{display.stage_name(record)}  epoch {epoch}  {_shown(metrics)}")

    def on_trial_end(self, record, best):
        self._state.end(record, best)
        self._refresh()
        if record.status == Status.REFUSED:
            self._refused.append(record)
            return
        if self.verbose and self._display is None or self.verbose >= 2:
            self._print_refused()
            self._print(self._line(record))

    def on_search_end(self, records, stop_reason):
        if self._display is not None:
            self._display.stop()
        if not self.verbose:
            return
        self._print_refused()
        refused = sum(record.status == Status.REFUSED for record in records)
        trials = sum(record.is_candidate for record in records) - refused
        facts = [f"{trials} trial{'s' * (trials != 1)}", duration(self._state.elapsed())]
        if self._search.preparation:
            facts[-1] += f" of which preparation {duration(self._search.preparation)}"
        if refused:
            facts.insert(1, f"{refused} refused")
        if self._state.best is not None:
            beside = f" beside {self._state.shown_baselines()}" if self._state.baselines else ""
            facts.append(f"best {self._search.objective} {self._state.best.score:.4f}{beside}")
        self._print(f"search ended: {stop_reason}  ({', '.join(facts)})")

    def _refresh(self):
        if self._display is not None:
            self._display.refresh()

    def _print_refused(self):
        """One line for all candidates that were refused since the last one: there may be many, in no time."""
        if self._refused:
            last = self._refused[-1]
            self._print(f"{len(self._refused)} refused; the last one, trial {last.number}: {last.message}")
            self._refused = []

    def _line(self, record):
        best = "" if self._state.best is None else f"(best {self._state.best.score:.4f})"
        if not record.is_completed:
            reason = shortened(" ".join(record.message.split()), 60)
            result = f"{record.status}: {reason}" if reason else record.status
        elif record.score is None:
            result = record.message if record.stage == Stage.FINAL else _shown(record.metrics)
        else:
            result = f"{self._search.objective} {record.score:.4f}"
            # A baseline has no costs.
            others = {name: record.metrics[name] for name in self._search.objectives[1:] if name in record.metrics}
            result = "  ".join(filter(None, [result, _shown(others)]))
        is_training = record.stage in (Stage.SEARCH, Stage.FINAL)
        epochs = f"{record.epochs} epoch{'s' * (record.epochs != 1)}" if is_training else ""
        took = duration(record.seconds)
        parts = (display.stage_name(record), result, best, took, epochs, self._state.what(record))
        return "  ".join(part for part in parts if part)

    def _print(self, line):
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _shown(metrics):
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
