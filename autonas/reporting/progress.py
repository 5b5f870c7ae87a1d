"""Progress of a running search: a live display in terminals and notebooks, plain lines elsewhere."""

from collections.abc import Sequence

import rich.console

from autonas.reporting import display
from autonas.reporting.callback import SearchCallback, SearchInfo
from autonas.reporting.text import duration, searched_decisions, shortened
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status

#: Number of decisions to list, of the decisions that a search with shared weights varies and of the others.
_N_NAMED = 6


class ProgressReporter(SearchCallback):
    """Reporter that prints the progress of a search: best score, running trials and remaining time.

    In a terminal or a notebook the progress is a live display. Elsewhere one line is printed per finished trial. The
    last line states why the search ended.

    ```python
    import io

    import rich.console

    import autonas

    reporter = autonas.reporting.ProgressReporter(console=rich.console.Console(file=io.StringIO()))
    search = autonas.reporting.SearchInfo("val_accuracy", "max", max_trials=10)
    reporter.on_search_begin(search)
    reporter.on_search_end([], "max_trials")
    ```

    Args:
        verbose: 0 for no output, 1 for the output above, 2 for one more line per epoch. Defaults to 1.
        console: `rich.console.Console` to write to. Defaults to `None`, standard output.
        invitation: Lines that are printed first. Defaults to none.
    """

    def __init__(
        self, verbose: int = 1, console: rich.console.Console | None = None, invitation: Sequence[str] = ()
    ) -> None:
        self.verbose = verbose
        self.console = console
        self.invitation = invitation

    def on_search_begin(self, search: SearchInfo) -> None:
        self._search = search
        self._state = display.SearchState(search)
        self._refused: list[TrialRecord] = []
        self._console = self.console or rich.console.Console()
        self._display = None
        if self.verbose:
            for line in (*self.invitation, searched_decisions(search, _N_NAMED)):
                if line:
                    self._print(line)
            self._display = display.start(self._state, self._console)

    def on_trial_begin(self, record: TrialRecord) -> None:
        self._state.begin(record)
        self._refresh()

    def on_epoch_end(self, record: TrialRecord, epoch: int, metrics: dict[str, float]) -> None:
        self._state.epoch(record, epoch, metrics)
        self._refresh()
        # An epoch of a supernet is a trial with a line of its own.
        if self.verbose >= 2 and record.stage in (Stage.SEARCH, Stage.FINAL):
            self._print(f"{display.stage_name(record)}  epoch {epoch}  {_shown(metrics)}")

    def on_trial_end(self, record: TrialRecord, best: TrialRecord | None) -> None:
        self._state.end(record, best)
        self._refresh()
        if record.is_refused:
            self._refused.append(record)
            return
        if self.verbose and self._display is None or self.verbose >= 2:
            self._print_refused()
            self._print(self._line(record))

    def on_search_end(self, records: list[TrialRecord], stop_reason: str) -> None:
        if self._display is not None:
            self._display.stop()
        if not self.verbose:
            return
        self._print_refused()
        refused = sum(record.is_refused for record in records)
        interrupted = sum(record.is_candidate and record.status == Status.INTERRUPTED for record in records)
        trials = sum(record.is_candidate for record in records) - refused - interrupted
        facts = [f"{trials} trial{'s' * (trials != 1)}", duration(self._state.elapsed())]
        if self._search.preparation:
            facts[-1] += f" of which preparation {duration(self._search.preparation)}"
        if interrupted:
            facts.insert(1, f"{interrupted} interrupted")
        if refused:
            facts.insert(1, f"{refused} refused")
        if self._state.best is not None:
            baselines = f", baselines: {self._state.shown_baselines()}" if self._state.baselines else ""
            facts.append(f"best {self._search.objective} {self._state.best.score:.4f}{baselines}")
        self._print(f"search ended: {stop_reason}  ({', '.join(facts)})")

    def _refresh(self) -> None:
        if self._display is not None:
            self._display.refresh()

    def _print_refused(self) -> None:
        """Print one line for all candidates refused since the last call. There may be many within a short time."""
        if self._refused:
            last = self._refused[-1]
            self._print(f"{len(self._refused)} refused; the last one, trial {last.number}: {last.message}")
            self._refused = []

    def _line(self, record: TrialRecord) -> str:
        best = "" if self._state.best is None else f"(best {self._state.best.score:.4f})"
        if not record.is_completed:
            reason = shortened(" ".join(record.message.split()), 60)
            result = f"{record.status}: {reason}" if reason else record.status
        elif record.score is None:
            result = record.message if record.stage == Stage.FINAL else _shown(record.metrics)
        else:
            result = f"{self._search.objective} {record.score:.4f}"
            # Baselines have no costs.
            others = {name: record.metrics[name] for name in self._search.objectives[1:] if name in record.metrics}
            result = "  ".join(filter(None, [result, _shown(others)]))
        is_training = record.stage in (Stage.SEARCH, Stage.FINAL)
        epochs = f"{record.epochs} epoch{'s' * (record.epochs != 1)}" if is_training else ""
        seconds, description = duration(record.seconds), self._state.description(record)
        return "  ".join(filter(None, (display.stage_name(record), result, best, seconds, epochs, description)))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _shown(metrics: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
