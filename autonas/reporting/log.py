"""The logger `autonas` of Python's `logging`, to which every search writes."""

import logging

from autonas.reporting.callback import SearchCallback
from autonas.reporting.text import duration
from autonas.trials.states import Status

_logger = logging.getLogger("autonas")
# Without a handler of the application, the records are dropped, as Python's documentation asks of libraries.
_logger.addHandler(logging.NullHandler())


class LoggingReporter(SearchCallback):
    """Search callback that writes to the logger `autonas`: epochs as `DEBUG`, trials as `INFO`, failures as `WARNING`.

    Nothing is shown until the application configures `logging`.
    """

    def on_search_begin(self, search):
        self._search = search
        limits = {name: getattr(search, name) for name in ("max_trials", "time_limit")}
        _logger.info("search begins: %s (%s), %s, %s", search.objective, search.direction, limits, search.directory)

    def on_trial_begin(self, record):
        _logger.debug("%s %s begins: %s", record.stage, record.trial_id, record.values)

    def on_epoch_end(self, record, epoch, metrics):
        _logger.debug("%s %s, epoch %d: %s", record.stage, record.trial_id, epoch, metrics)

    def on_trial_end(self, record, best):
        level = logging.WARNING if record.status == Status.FAILED else logging.INFO
        score = "" if record.score is None else f" with {self._search.objective} {record.score:.4g}"
        best_score = "" if best is None or best.score is None else f" (best {best.score:.4g})"
        seconds = f" in {duration(record.seconds)}" if record.seconds else ""
        message = f": {record.message}" if record.message else ""
        _logger.log(level, f"{record.stage} {record.trial_id} {record.status}{score}{best_score}{seconds}{message}")

    def on_search_end(self, records, stop_reason):
        n_trials = sum(record.is_candidate for record in records)
        _logger.info("search ends: %s, %d trials, %s", stop_reason, n_trials, duration(self._search.seconds()))
