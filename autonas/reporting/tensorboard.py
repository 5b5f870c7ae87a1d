"""Writes a search as a TensorBoard log, without TensorFlow."""

import math
import os
import pathlib
import socket
import struct
import time

import pandas
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary_v2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.text import summary_v2 as text_summary
from tensorboard.summary.writer.record_writer import RecordWriter

from autonas.reporting.leaderboard import leaderboard
from autonas.reporting.reporter import Reporter

_FLUSH_SECONDS = 2.0
#: Stages whose trials have no run of their own.
_STAGES = ("supernet", "one_shot")
_STATUSES = {
    "completed": api_pb2.STATUS_SUCCESS,
    "failed": api_pb2.STATUS_FAILURE,
    "refused": api_pb2.STATUS_FAILURE,
}


class TensorBoardReporter(Reporter):
    """Writes training curves, the HParams table and the progress of the search.

    One run a trial, `trial_<id>` (`final` for the final fit), holds the training curves over epochs and
    the results that the HParams page lists. The run `search` holds, over trials, `best_score`, `score`,
    `seconds` and `parameters`, over time `best_score_over_seconds`, and texts with the arguments and the
    leaderboard; one-shot scores by rank; and what the strategy says of itself. Epochs of a supernet are
    points of one run, `supernet`, with the probability of each option as `alpha/<decision>/<option>`. A
    search continued in the same directory is appended to; a trial that begins again replaces its
    unfinished curves.

    Args:
        directory: Folder of the log, what `tensorboard --logdir` gets.
    """

    def __init__(self, directory):
        self.directory = directory

    def on_search_begin(self, search):
        self._root = pathlib.Path(self.directory)
        self._search = search
        self._trials = {}
        self._supernet = None
        # What can't vary says nothing, and the page shows few columns unasked.
        self._domains = {info["name"]: _domain(info) for info in search.space if info["type"] != "Fixed"}
        earlier = _events(self._root / "search")
        # TensorBoard draws one line a tag: seconds count on from where an earlier process stopped.
        self._seconds_before = max(
            (event.step for event, tag in earlier if tag == "best_score_over_seconds"), default=0
        )
        tags = {tag for _, tag in earlier}
        self._declared = hparams_metadata.EXPERIMENT_TAG in tags
        self._log = _Run(self._root / "search", replaces=False)
        if "arguments" not in tags:
            self._log.write(0, text_summary.text_pb("arguments", _arguments(search)).value)
        self._log.flush()

    def on_trial_begin(self, record):
        if record.stage in _STAGES:
            return
        name = f"trial_{record.trial_id}" if record.stage == "search" else record.stage
        run = _Run(self._root / name, replaces=True)
        start = summary_v2.hparams_pb(
            {
                name: cast(record.values[name])
                for name, (_, cast) in self._domains.items()
                if record.values.get(name) is not None
            },
            trial_id=name,
            start_time_secs=record.started,
        )
        run.write(0, start.value)
        run.flush()
        self._trials[record.trial_id, record.stage] = run

    def on_epoch_end(self, record, epoch, metrics):
        if record.stage in _STAGES:
            return
        run = self._trials[record.trial_id, record.stage]
        run.write(epoch, _scalars(metrics))
        run.epochs += 1
        if time.monotonic() - run.flushed > _FLUSH_SECONDS:
            run.flush()

    def on_trial_end(self, record, best):
        if record.stage in _STAGES:
            if record.status == "completed":
                self._write_stage(record)
            return
        if (record.trial_id, record.stage) not in self._trials:
            self.on_trial_begin(record)
        run = self._trials.pop((record.trial_id, record.stage))
        if not run.epochs:  # the epochs were run in one piece
            for epoch, metrics in enumerate(record.history, 1):
                run.write(epoch, _scalars(metrics))
        result = {"score": record.score, "seconds": record.seconds, "parameters": record.parameters}
        extra = {"epochs": record.epochs, **record.metrics}
        run.write(
            record.best_epoch,
            _scalars({f"result/{name}": value for name, value in (result | extra).items()}),
        )
        if record.status in _STATUSES:
            run.write(record.best_epoch, [_session_end(record)])
        run.close()
        if record.metrics and not self._declared:
            self._declare(record.metrics)
        if record.stage == "search" and record.status != "interrupted":
            if best is not None:
                result["best_score"] = best.score
                seconds = self._seconds_before + time.time() - self._search.started
                self._log.write(int(seconds), _scalars({"best_score_over_seconds": best.score}))
            self._log.write(record.number, _scalars(result))
        self._log.flush()

    def on_search_numbers(self, record, numbers):
        self._log.write(record.number, _scalars(numbers))
        self._log.flush()

    def on_search_end(self, records, stop_reason):
        if not self._declared:
            self._declare({})
        for run in [*self._trials.values(), *([] if self._supernet is None else [self._supernet])]:
            run.close()
        board = leaderboard(records, self._search.objective, self._search.direction)
        text = f"**Stopped:** {stop_reason}\n\n{_markdown(board)}"
        step = max((record.number + 1 for record in records), default=0)
        self._log.write(step, text_summary.text_pb("leaderboard", text).value)
        self._log.close()

    def _write_stage(self, record):
        """Writes what came of an epoch of a supernet, or of the scoring with it."""
        report = record.report
        if record.stage == "one_shot":
            self._log.write(record.number, _scalars({"one_shot/n_scored": report["n_scored"]}))
            for rank, (_, score) in enumerate(report["finalists"], 1):
                self._log.write(rank, _scalars({"one_shot/score_by_rank": score}))
            self._log.flush()
            return
        if self._supernet is None:
            self._supernet = _Run(self._root / "supernet", replaces=False)
        alpha = {
            f"alpha/{decision}/{label}": probability
            for decision, probabilities in report.get("distribution", {}).items()
            for label, probability in probabilities.items()
        }
        self._supernet.write(report["epoch"], _scalars(record.metrics | alpha))
        self._supernet.flush()

    def _declare(self, metrics):
        """Writes the experiment of the HParams page, once the names of the metrics are known."""
        names = {"score": f"score ({self._search.objective})"}
        names |= {name: name for name in ("seconds", "epochs", "parameters", *metrics)}
        experiment = summary_v2.hparams_config_pb(
            hparams=[summary_v2.HParam(name, domain) for name, (domain, _) in self._domains.items()],
            metrics=[summary_v2.Metric(f"result/{tag}", display_name=name) for tag, name in names.items()],
            time_created_secs=self._search.started,
        )
        self._log.write(0, experiment.value)
        self._declared = True


class _Run:
    """One run of the log: a folder, and the event file that this process adds to it."""

    def __init__(self, directory, replaces):
        directory.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads files in the order of their names.
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._writer = RecordWriter((directory / name).open("wb"))
        self._add(file_version="brain.Event:2")
        if replaces:
            # From the second such event of a run on, TensorBoard takes what came before it as void.
            self._add(step=0, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
        self.epochs = 0
        self.flushed = time.monotonic()

    def write(self, step, values):
        self._add(step=step, summary=summary_pb2.Summary(value=values))

    def flush(self):
        self._writer.flush()
        self.flushed = time.monotonic()

    def close(self):
        self._writer.close()

    def _add(self, **fields):
        self._writer.write(event_pb2.Event(wall_time=time.time(), **fields).SerializeToString())


def _scalars(metrics):
    return [
        summary_pb2.Summary.Value(tag=name, simple_value=value)
        for name, value in metrics.items()
        if value is not None
    ]


def _session_end(record):
    info = plugin_data_pb2.SessionEndInfo(
        status=_STATUSES[record.status], end_time_secs=record.started + record.seconds
    )
    content = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    return summary_pb2.Summary.Value(
        tag=hparams_metadata.SESSION_END_INFO_TAG,
        metadata=hparams_metadata.create_summary_metadata(content),
        tensor=hparams_metadata.NULL_TENSOR,
    )


def _domain(info):
    """Returns the HParams domain of a decision and the cast that its values need to be of that domain."""
    if "values" not in info:
        low, high = info["min"], info["max"]
        if info["type"] == "Int":
            return summary_v2.IntInterval(int(low), int(high)), int
        return summary_v2.RealInterval(float(low), float(high)), float
    kinds = {type(value) for value in info["values"]}
    if len(kinds) == 1 and kinds <= {bool, int, float, str}:
        cast = kinds.pop()
    else:
        cast = float if kinds <= {int, float} else str
    return summary_v2.Discrete([cast(value) for value in info["values"]], dtype=cast), cast


def _events(directory):
    """Returns [(event, tag)] of what a run holds already."""
    found = []
    for path in sorted(directory.glob("events.out.tfevents.*")):
        data, position = path.read_bytes(), 0
        while position + 12 <= len(data):
            # A record: length (8 bytes), its checksum (4), the event, its checksum (4).
            (length,) = struct.unpack_from("<Q", data, position)
            content = data[position + 12 : position + 12 + length]
            position += 16 + length
            if position > len(data):
                break  # cut off when the earlier process was killed
            event = event_pb2.Event.FromString(content)
            found += [(event, value.tag) for value in event.summary.value]
    return found


def _arguments(search):
    lines = [f"# {search.title}" if search.title else "# Search", "", "| argument | value |", "| --- | --- |"]
    arguments = {
        "objective": search.goal or f"{search.objective} ({search.direction})",
        "max_trials": search.max_trials,
        "time_limit": search.time_limit,
        "directory": search.directory,
        "decisions": len(search.space),
        "started": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(search.started)),
    }
    lines += [f"| {name} | {_cell(value)} |" for name, value in arguments.items()]
    return "\n".join(lines)


def _markdown(frame):
    lines = [[_cell(name) for name in frame.columns], ["---"] * len(frame.columns)]
    lines += [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value):
    if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "\\|").split())
