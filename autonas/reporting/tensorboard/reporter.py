"""Reporter that writes a TensorBoard log of a running search, without TensorFlow."""

import functools
import os
import pathlib
import time

from autonas.reporting import plots
from autonas.reporting.callback import SearchCallback
from autonas.reporting.importance import importances
from autonas.reporting.leaderboard import leaderboard, pareto_front
from autonas.reporting.summary import summary
from autonas.reporting.tensorboard import event_log, hparams, layout, levels, pictures, texts
from autonas.trials.states import Stage, Status

_FLUSH_SECONDS = 2.0
#: Stages whose trials have no run of their own.
_STAGES = (Stage.SUPERNET, Stage.ONE_SHOT)
#: Total size in bytes of the runs of trials, above which further trials have no run, since TensorBoard would be slow.
_MAX_BYTES = 30e6
#: Number of epochs that are all written. Up to twice as many every second epoch is written, up to four times as many
#: every fourth epoch, and so on.
_DENSE_EPOCHS = 100


def _timed(hook):
    """Decorate a hook so that its seconds are added to `log_seconds`."""

    @functools.wraps(hook)
    def timed(self, *arguments):
        started = time.perf_counter()
        try:
            return hook(self, *arguments)
        finally:
            self._seconds["log_seconds"] += time.perf_counter() - started

    return timed


class TensorBoardReporter(SearchCallback):
    """Reporter that writes a TensorBoard log: learning curves, the HParams table, charts, texts and images.

    The log has a run `trial_<id>` for every trial, a run `final` for the final fit, and a run `search` for the search.

    The run of a trial contains its curves over epochs (metrics, learning rate, `seconds_per_epoch`) and its row of the
    HParams table. Some epochs of long trainings are left out. After 30 MB of trials, only a new best trial gets a run.

    The run of the search contains, over trials:

    - `score`, `best_score`, `seconds` and `parameters`; and `best_score_over_seconds`, the best score over time
    - `baseline/constant` and `baseline/linear`, the scores of the baselines, repeated at every trial
    - `failures/failed` and `failures/refused`, the counts so far; and `running`, the number of trials running at the
      start of a trial
    - `trial_seconds/<phase>`, the seconds of trials so far by phase; and `log_seconds`, the seconds of this reporter
    - the numbers of the strategy; and `seconds/<phase>`, the seconds of the search so far by phase

    A run `search_levels` contains horizontal lines, such as `best_score_level` and `parameters_largest`. Without them
    TensorBoard's charts would hide the best score, or the smallest and largest values, as outliers.

    The step of a trial is its number. With concurrent trials, the step may be larger, since TensorBoard discards points
    that are out of order. A layout of custom scalars arranges the charts.

    The texts are the summary and the leaderboard, written at the end, the settings, the search space and the
    environment. Their names contain numbers, because TensorBoard sorts them by name. The images are every new best
    architecture and, at the end, the predictions of the best trial on the validation set, importances, scores, the time
    by phase, one-shot scores, and the Pareto front. Drawing takes at most 1 % of the time during the search, and some
    tenths of a second at its end. The epochs of a supernet are points of a run `supernet`, with the probabilities of
    the options as `alpha/<decision>/<option>`. Where the options are selected by perturbation, the loss of the supernet
    without an option is `loss_without/<decision>/<option>`: the option with the largest loss is selected.

    A resumed search appends to the log in the same directory. A restarted trial replaces its incomplete curves.

    ```python
    import autonas

    reporter = autonas.reporting.TensorBoardReporter("logs")
    reporter.on_search_begin(autonas.reporting.SearchInfo("val_accuracy", "max"))
    reporter.on_search_end([], "max_trials")
    ```

    Args:
        directory: Folder of the log, the argument of `tensorboard --logdir`.
    """

    def __init__(self, directory: str | os.PathLike) -> None:
        self.directory = directory
        self._seconds = {"log_seconds": 0.0}

    @_timed
    def on_search_begin(self, search):
        self._root = pathlib.Path(self.directory)
        self._search = search
        self._trials = {}
        self._baselines = {}
        self._supernet = None
        self._records = []
        self._best = None
        self._predictions = []
        self._table = hparams.Table(search)
        self._n_bytes = sum(path.stat().st_size for path in self._root.glob("trial_*/*"))
        earlier = [(event.step, value) for event, value in event_log.read(self._root / "search")]
        # TensorBoard draws one line per tag, so counts continue from the last values of an earlier process.
        last = {value.tag: (step, value.simple_value) for step, value in earlier}
        self._seconds_before = self._best_seconds = last.get("best_score_over_seconds", (0, 0.0))[0]
        counted = ("log_seconds", "trial_seconds/")
        self._seconds |= {tag: number for tag, (_, number) in last.items() if tag.startswith(counted)}
        self._failures = {f"failures/{status}": 0 for status in (Status.FAILED, Status.REFUSED)}
        self._failures |= {tag: int(last[tag][1]) for tag in self._failures if tag in last}
        self._step = last.get("log_seconds", (-1, 0.0))[0]
        self._configuration = event_log.configuration_path(self._root / "search")
        self._numbers = {}
        self._levels = levels.Levels(self._root / "search_levels")
        for _, value in earlier:
            self._note({value.tag: value.simple_value})
        self._layout_is_old = True
        self._log = event_log.Run(self._root / "search")
        self._gallery = pictures.Gallery(self._log.write, search.seconds)
        # TensorBoard sorts tags by name, and groups tags with the same prefix.
        writers = {"3_settings": texts.settings, "4_search_space": texts.space, "5_environment": texts.environment}
        for name, write in writers.items():
            if f"search/{name}" not in last:
                self._log.write(0, [event_log.text(f"search/{name}", write(search))])
        self._log.flush()

    @_timed
    def on_trial_begin(self, record):
        if record.stage in _STAGES:
            return
        if record.is_candidate:
            n_running = 1 + sum(stage == Stage.SEARCH for _, stage in self._trials)
            self._write(max(record.number, self._step + 1), {"running": n_running})
            self._log.flush()
            if self._n_bytes > _MAX_BYTES:
                return
        self._trials[record.trial_id, record.stage] = _Trial(self._root / _run_name(record))

    @_timed
    def on_epoch_end(self, record, epoch, metrics):
        trial = self._trials.get((record.trial_id, record.stage))
        if trial is not None:
            trial.add(epoch, metrics | {"seconds_per_epoch": time.monotonic() - trial.since})

    @_timed
    def on_trial_end(self, record, best):
        if record.is_baseline:
            self._baselines[f"baseline/{record.trial_id}"] = record.score
            self._log.flush()
            return
        if record.stage in _STAGES:
            self._step = max(record.number, self._step + 1)
            if record.is_completed:
                self._write_stage(record)
            return
        if best is record and (record.trial_id, record.stage) not in self._trials:
            self._trials[record.trial_id, record.stage] = _Trial(self._root / _run_name(record))
        trial = self._trials.pop((record.trial_id, record.stage), None)
        if record.is_candidate and record.status != Status.INTERRUPTED:
            self._step = max(record.number, self._step + 1)
            self._records.append(record)
            self._table.observe(record)
            self._write_progress(record, best)
        if trial is not None:
            self._end_run(trial, record, best)
        if best is record and record is not self._best:
            self._best = record
            arguments = (plots.plot_architecture, self._search, record, pictures.WIDTH)
            self._gallery.queue(self._step, "search/1_best_so_far", *arguments)
        self._gallery.draw_some()
        self._log.flush()

    @_timed
    def on_predictions(self, record, predictions):
        self._predictions = list(predictions)

    @_timed
    def on_search_numbers(self, record, numbers):
        self._write(self._step, numbers)
        self._write_layout()
        self._log.flush()

    @_timed
    def on_search_end(self, records, stop_reason):
        for trial in [*self._trials.values(), *([] if self._supernet is None else [self._supernet])]:
            trial.close()
        records = [record for record in records if record.status != Status.RUNNING]
        for record in records:
            if record.is_candidate:
                self._table.observe(record)
        shares = importances(records, self._search.space, self._search.direction)
        step = max((record.number + 1 for record in records), default=0)
        try:
            self._declare(records, shares)
            self._rank_rows(records)
            board = texts.board(self._search, records)
            markdown = summary(self._search, records, stop_reason, shares)
            self._log.write(step, [event_log.text("search/1_summary", markdown)])
            self._log.write(step, [event_log.text("search/2_leaderboard", board)])
            self._write_levels(is_last=True)
            self._layout_is_old = True  # The longest phases are known now.
            self._write_layout()
            self._draw(step, records, shares)
        finally:
            self._levels.close()
            self._log.close()

    def _draw(self, step, records, shares):
        """Draw the images of the whole search."""
        self._gallery.draw_rest()
        draw = self._gallery.draw
        for predictions in self._predictions:
            draw(step, f"search/2_predictions_{predictions.name}", plots.plot_predictions, predictions)
        draw(step, "search/3_importance", plots.plot_importance, shares)
        draw(step, "search/4_scores", plots.plot_history, self._search, records)
        draw(step, "search/5_seconds", plots.plot_phases, records)
        if len(self._search.objectives) > 1:
            draw(step, "search/7_pareto_front", plots.plot_pareto, *self._front(records))
        if any(record.stage == Stage.ONE_SHOT for record in records):
            draw(step, "search/6_ranks", plots.plot_ranks, self._search, records)

    def _front(self, records):
        """Return the arguments of `plot_pareto`: the leaderboard, its Pareto front, objectives and limits."""
        objectives = list(zip(self._search.objectives, self._search.directions, strict=True))
        board = leaderboard(records, self._search.objective, self._search.direction, objectives[1:])
        return board, pareto_front(board, objectives), objectives, self._search.limits

    # ------------------------------------------------------------------ the run of the search

    def _write(self, step, numbers):
        self._log.write(step, event_log.scalars(numbers))
        numbers = {tag: number for tag, number in numbers.items() if number is not None}
        self._layout_is_old |= bool(numbers.keys() - self._numbers.keys())
        self._note(numbers)

    def _note(self, numbers):
        self._numbers |= numbers
        self._levels.observe(numbers)

    def _write_layout(self):
        if self._layout_is_old:
            self._log.write(self._step, [event_log.layout(layout.layout(self._search, self._numbers))])
            self._layout_is_old = False

    def _write_progress(self, record, best):
        for phase, seconds in record.phases.items():
            tag = f"trial_seconds/{phase}"
            self._seconds[tag] = self._seconds.get(tag, 0.0) + seconds
        if f"failures/{record.status}" in self._failures:
            self._failures[f"failures/{record.status}"] += 1
        numbers = {"score": record.score, "seconds": record.seconds, "parameters": record.parameters}
        numbers |= self._failures | self._seconds | self._baselines
        if best is not None:
            numbers["best_score"] = best.score
            seconds = int(self._seconds_before + self._search.seconds())
            self._write(seconds, {"best_score_over_seconds": best.score})
            self._best_seconds = seconds
        self._write(self._step, numbers)
        self._write_levels()
        self._write_layout()

    def _write_levels(self, is_last=False):
        lines = self._levels.write(self._step, self._best_seconds, self._numbers, is_last)
        near = layout.near_baselines(self._numbers)
        self._layout_is_old |= bool(lines.keys() - self._numbers.keys())
        self._numbers |= lines
        self._layout_is_old |= layout.near_baselines(self._numbers) != near

    def _write_stage(self, record):
        """Write the results of an epoch of a supernet, or of one-shot scoring."""
        report = record.report
        if record.stage == Stage.ONE_SHOT:
            self._write(self._step, {"one_shot/n_scored": report["n_scored"]})
            for rank, (_, score) in enumerate(plots.finalists(self._search, record), 1):
                self._write(rank, {"one_shot/score_by_rank": score})
            self._log.flush()
            if "losses_without" in report:
                self._write_supernet(report["epoch"], _by_option("loss_without", report["losses_without"]))
        else:
            alpha = _by_option("alpha", report.get("distribution", {}))
            self._write_supernet(report["epoch"], record.metrics | alpha)

    def _write_supernet(self, epoch, numbers):
        if self._supernet is None:
            self._supernet = event_log.Run(self._root / "supernet")
        self._supernet.write(epoch, event_log.scalars(numbers))
        self._supernet.flush()

    # ------------------------------------------------------------------ the HParams table

    def _end_run(self, trial, record, best):
        """Complete the run of a trial with its results and its row of the table."""
        trial.end(record.history)
        if record.status in hparams.STATUSES or not record.is_candidate:
            trial.run.write(record.best_epoch, event_log.scalars(self._table.results(record)))
            name = _run_name(record)
            if record.stage == Stage.FINAL and best is not None:
                name = f"final fit of trial {best.number}"
            self._write_row(record, name)
        self._n_bytes += trial.close()
        if record.is_completed and record.is_candidate and not self._configuration.exists():
            self._declare(self._records)

    def _write_row(self, record, name):
        path = event_log.last_file(self._root / _run_name(record), "row")
        self._n_bytes += event_log.replace(path, [(0, self._table.session(record, name))])

    def _declare(self, records, importance=None):
        """Write the columns of the table."""
        event_log.replace(self._configuration, [(0, [self._table.configuration(records, importance)])])

    def _rank_rows(self, records):
        """Write the rows of the table with their final names, by which TensorBoard sorts the best trial first."""
        trials = [record for record in records if record.is_candidate and record.status in hparams.STATUSES]
        for record, name in zip(trials, hparams.row_names(self._search, trials), strict=True):
            if (self._root / _run_name(record)).exists():
                self._write_row(record, name)


class _Trial:
    """The run of a trial that isn't finished."""

    def __init__(self, directory):
        self.run = event_log.Run(directory, replaces=True)
        self.since = time.monotonic()
        self._n_epochs = 0
        self._last = None

    def add(self, epoch, metrics):
        """Add an epoch to the curves. Some epochs of long trainings are left out."""
        self.since = time.monotonic()
        self._n_epochs += 1
        self._last = (epoch, metrics)
        if epoch % (1 << (epoch // _DENSE_EPOCHS).bit_length()) == 0:
            self._write()
        if time.monotonic() - self.run.flushed > _FLUSH_SECONDS:
            self.run.flush()

    def end(self, history):
        """Complete the curves.

        Args:
            history: List of the metrics after every epoch, for a training whose epochs weren't reported.
        """
        if not self._n_epochs:
            for epoch, metrics in enumerate(history, 1):
                self.add(epoch, metrics)
        self._write()

    def close(self):
        """Close the run and return its size in bytes."""
        return self.run.close()

    def _write(self):
        if self._last is not None:
            self.run.write(self._last[0], event_log.scalars(self._last[1]))
            self._last = None


def _by_option(family, numbers):
    """Return the tags and numbers of the options of decisions, a dict."""
    return {
        f"{family}/{decision}/{label}": number
        for decision, options in numbers.items()
        for label, number in options.items()
    }


def _run_name(record):
    return f"trial_{record.trial_id}" if record.is_candidate else record.stage
