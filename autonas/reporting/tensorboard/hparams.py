"""The HParams page: what varied, and what came of it, for each trial.

TensorBoard 2.21 has traps here, found in its page and in its code:

- The table, the parallel coordinates and the scatter plot show five decisions and five results unasked. The server
  sorts decisions by name, those that are said to differ first; so the five that matter most are said to differ.
- Parallel coordinates leave out every trial that lacks one of the shown values, or has NaN. So a decision that was
  inactive, and a result that isn't there, have a value that says so: text says `not used`; a number is beyond
  all others, and the name of its column says which that is. Text in a column of numbers would break the plot.
- The first configuration that is found in a log counts. So it has a file of its own, which is replaced when the search
  ends; a TensorBoard that runs then shows it when it is started again.
- A trial's first row counts. So it is written when the trial ends, with its status as one more decision: the page has
  no column for that.
- The final fit has no score, so that parallel coordinates leave it out: its score is on rows that it was trained on.
"""

import math

from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary_v2
from tensorboard.plugins.hparams import metadata as hparams_metadata

from autonas.reporting.tensorboard import event_log
from autonas.reporting.text import shortest_end

#: Text of a decision that was inactive.
NOT_USED = "not used"
#: Decisions that are shown unasked.
_N_SHOWN = 5
_STATUS = "status"
#: Statuses of trials that have a row.
STATUSES = {
    "completed": api_pb2.STATUS_SUCCESS,
    "failed": api_pb2.STATUS_FAILURE,
    "refused": api_pb2.STATUS_FAILURE,
}
_STAGES = {"final": "final fit", "infeasible": "beyond a limit"}
_ALWAYS_KNOWN = ("seconds", "parameters", "epochs")
_RUNG = "tuner/epochs"


class Table:
    """Rows and columns of the HParams page.

    Args:
        search: The `SearchInfo`.
    """

    def __init__(self, search):
        self._search = search
        # What can't vary says nothing.
        space = [info for info in search.space if info["type"] != "Fixed"]
        rung = {"name": _RUNG, "type": "Int", "min": 1, "max": 1}
        self._decisions = {info["name"]: _Decision(info) for info in [*space, rung]}
        self._metrics = []
        self._lowest, self._highest = {}, {}

    def session(self, record, name):
        """The row of a trial, a list of two `Summary.Value`s.

        Args:
            record: The finished `TrialRecord`.
            name: What the row is called.
        """
        values = {key: decision.of(record) for key, decision in self._decisions.items()}
        values[_STATUS] = _status(record)
        start = summary_v2.hparams_pb(values, trial_id=name, start_time_secs=record.started)
        info = plugin_data_pb2.SessionEndInfo(
            status=STATUSES.get(record.status, api_pb2.STATUS_UNKNOWN), end_time_secs=record.started + record.seconds
        )
        return [*start.value, _hparams(hparams_metadata.SESSION_END_INFO_TAG, session_end_info=info)]

    def observe(self, record):
        """Takes note of a trial's results: which there are, and between what they lie."""
        for name, value in self._found(record).items():
            if name not in self._lowest:
                self._metrics.append(name)
                self._lowest[name] = self._highest[name] = value
            self._lowest[name] = min(self._lowest[name], value)
            self._highest[name] = max(self._highest[name], value)

    def results(self, record):
        """The results of a trial, a dict by tag; what the trial doesn't have is beyond all others.

        Args:
            record: The finished `TrialRecord`.
        """
        found = self._found(record)
        if record.stage == "final":
            return {f"result/{name}": found[name] for name in _ALWAYS_KNOWN if name in found}
        names = dict.fromkeys(["score", *_ALWAYS_KNOWN, *self._metrics])
        return {f"result/{name}": found.get(name, self._missing(name)) for name in names}

    def lacks(self, record):
        """Whether a trial has no value of its own for a result that others have."""
        found = self._found(record)
        return record.stage != "final" and any(name not in found for name in self._metrics)

    def configuration(self, records, importances=None):
        """The columns of the table, a `Summary.Value`.

        Args:
            records: List of the `TrialRecord`s so far.
            importances: Dict from names of decisions to their importance, the largest first; empty or `None` if it
                isn't known. Then those that varied come first, those about the architecture before rates, those about
                more of it before details.
        """
        statuses = {_status(record) for record in records if record.stage in ("search", *_STAGES)} or {"completed"}
        records = [record for record in records if record.stage == "search" and record.status in STATUSES]
        unlucky = any(record.status != "completed" for record in records)
        decisions = dict(self._decisions)
        if len({decisions[_RUNG].of(record) for record in records}) < 2:
            del decisions[_RUNG]
        known = {name: share for name, share in (importances or {}).items() if share > 0}
        ordered = [*known, *sorted(decisions.keys() - known.keys(), key=lambda name: self._prior(name, records))]
        shown = set([*([_STATUS] if unlucky else []), *ordered][:_N_SHOWN])
        names = _short_names(list(decisions), shown)
        columns = [
            decision.column(names[name], _about(name, known), name in shown, records)
            for name, decision in decisions.items()
        ]
        domain = summary_v2.Discrete(statuses, dtype=str)
        columns.append(_column(_STATUS, domain, _STATUS, "What became of the trial.", _STATUS in shown))
        experiment = api_pb2.Experiment(
            hparam_infos=columns,
            metric_infos=self._metric_columns(records),
            time_created_secs=self._search.started,
        )
        return _hparams(hparams_metadata.EXPERIMENT_TAG, experiment=experiment)

    def _found(self, record):
        values = {"score": record.score, "seconds": record.seconds, "epochs": record.epochs}
        values["parameters"] = record.parameters or None
        # The metric of the score is the score.
        ours = {*values, self._search.objective}
        values |= {name: value for name, value in record.metrics.items() if name not in ours}
        return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}

    def _missing(self, name):
        """Stands for a result that isn't there: worse than all others if it is known what is worse, else less."""
        if name not in self._lowest or name in _ALWAYS_KNOWN:
            return 0.0
        low, high = self._lowest[name], self._highest[name]
        worse_is_more = self._search.direction == "min" if name == "score" else name.endswith("loss")
        return _beyond(low, high, above=worse_is_more)

    def _metric_columns(self, records):
        validated = [name for name in self._metrics if name.startswith("val_")]
        first = ["score", *self._search.objectives[1:], "seconds", "parameters", *validated, "epochs", *self._metrics]
        names = [name for name in dict.fromkeys(first) if name in self._metrics]
        columns = []
        for name in names:
            shown = self._search.objective if name == "score" else name
            if any(name not in self._found(record) for record in records):
                shown += f" ({self._missing(name):g}: none)"
            columns.append(summary_v2.Metric(f"result/{name}", display_name=shown).as_proto())
        return columns

    def _prior(self, name, records):
        """Sorts decisions by what is likely to matter."""
        decision = self._decisions[name]
        values = [decision.of(record) for record in records if not decision.is_idle(record)]
        is_training = name.startswith(("optimization/", "tuner/"))
        return (len(set(values)) < 2, is_training, decision.is_rate, -len(values), name.count("/"))


class _Decision:
    """A decision as a column: of numbers, or of texts."""

    def __init__(self, info):
        self.info = info
        self.name = info["name"]
        self.is_number = "values" not in info or {type(value) for value in info["values"]} <= {int, float}
        if self.is_number:
            low, high = (min(info["values"]), max(info["values"])) if "values" in info else (info["min"], info["max"])
            self.idle = 0.0 if low > 0 else _beyond(low, high, above=False)
            self.is_rate = high <= 1
        else:
            self.idle = NOT_USED
            self.is_rate = False

    def is_idle(self, record):
        """Whether the decision was inactive in a trial."""
        return record.values.get(self.name) is None

    def of(self, record):
        """The value in a trial, of the column's type."""
        if self.is_idle(record):
            return self.idle
        value = record.values[self.name]
        return float(value) if self.is_number else _text(value)

    def column(self, name, about, is_shown, records):
        """The column, an `api_pb2.HParamInfo`."""
        idle = {self.idle} if any(self.is_idle(record) for record in records) else set()
        if not self.is_number:
            domain = summary_v2.Discrete({_text(value) for value in self.info["values"]} | idle, dtype=str)
        elif "values" in self.info:
            domain = summary_v2.Discrete({float(value) for value in self.info["values"]} | idle, dtype=float)
        else:
            domain = summary_v2.RealInterval(float(self.info["min"]), float(self.info["max"]))
        if idle and self.is_number:
            name += f" ({self.idle:g}: {NOT_USED})"
        return _column(self.name, domain, name, about, is_shown)


def _column(name, domain, display_name, description, is_shown):
    column = api_pb2.HParamInfo(name=name, display_name=display_name, description=description, differs=is_shown)
    domain.update_hparam_info(column)
    return column


def _status(record):
    return _STAGES.get(record.stage, record.status) if record.status == "completed" else record.status


def _about(name, known):
    share = f": {known[name]:.0%} of what is known to matter for the score" if name in known else ""
    return f"`{name}`{share}"


def _hparams(tag, **content):
    metadata = hparams_metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(**content))
    return event_log.value(tag, hparams_metadata.NULL_TENSOR, metadata)


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _beyond(low, high, above):
    """A short number a little above or below an interval."""
    margin = max(0.1 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    number = high + margin if above else low - margin
    digit = 10.0 ** (math.floor(math.log10(abs(number))) - 1) if number else 1.0
    return float(f"{(math.ceil if above else math.floor)(number / digit) * digit:.6g}")


def _short_names(names, shown):
    """The shortest end of each path that no other has, for those that are shown no other of these."""
    short = {name: "/".join(shortest_end(name, shown if name in shown else names)) for name in names}
    if _RUNG in short:
        short[_RUNG] = "epochs allotted"
    return short
