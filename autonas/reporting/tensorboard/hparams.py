"""The table of TensorBoard's HParams page: one row per trial with its hyperparameters and results.

The table is designed around these restrictions of TensorBoard 2.21:

- The columns are the name of the row, the hyperparameters and the metrics, in this order. The metrics are off the
  screen, and rows are sorted by name. At the end of the search the name of a row is therefore the rank, the score and
  the number of the trial, such as `"#01 0.979 (5)"`.
- Five hyperparameters and five metrics are shown by default. Hyperparameters with the flag `differs` come first, and
  all are sorted by name. The flag is therefore set for the five most important hyperparameters.
- A metric without a value is a blank cell. Parallel coordinates omit trials with a blank cell or NaN in a shown column,
  so inactive hyperparameters need a value, the text `not used`. Text in a column of numbers would break the plot, so
  all values of a conditional hyperparameter are text. In a column of real numbers, a number outside of the range stands
  for inactive, which the heading of the column explains.
- TensorBoard keeps the first configuration and the first row of a run that it reads. Each of them is therefore in a
  file of its own, which is replaced at the end of the search. A running TensorBoard shows the old ones until its
  restart.
- There is no column for the status of a trial, so the status is a further hyperparameter. It is hidden by default,
  since the name of the row shows which trials have no score.
- Headings of parallel axes overlap if they have more than 20 characters, and names of rows are cut after 17 characters.

The final fit has no score, since it is trained on all rows.
"""

import collections
import math

from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary_v2
from tensorboard.plugins.hparams import metadata as hparams_metadata

from autonas.reporting import text
from autonas.reporting.tensorboard import event_log
from autonas.trials import reserved
from autonas.trials.order import ranked
from autonas.trials.states import Stage, Status

#: Value of an inactive decision in a column of texts.
NOT_USED = "not used"
#: Number of decisions shown by default.
_N_SHOWN = 5
#: Maximum number of characters in the name of a hidden column, and of a column shown by default.
_N_CHARACTERS = (30, 20)
#: Maximum number of integers in a conditional range for a column of texts.
_N_OPTIONS = 100
_STATUS = "status"
#: Statuses of trials that have a row.
STATUSES = {
    Status.COMPLETED: api_pb2.STATUS_SUCCESS,
    Status.FAILED: api_pb2.STATUS_FAILURE,
    Status.REFUSED: api_pb2.STATUS_FAILURE,
}
_STAGES = {Stage.FINAL: "final fit", Stage.INFEASIBLE: "violates a constraint"}
_ALWAYS_KNOWN = ("seconds", "parameters", "epochs")


class Table:
    """Rows and columns of the table.

    Args:
        search: The `SearchInfo`.
    """

    def __init__(self, search):
        self._search = search
        # Fixed decisions are left out.
        space = [info for info in search.space if info["type"] != "Fixed"]
        rung = {"name": reserved.EPOCHS, "type": "Int", "min": 1, "max": 1}
        self._decisions = {info["name"]: _Decision(info) for info in [*space, rung]}
        self._metrics = []

    def session(self, record, name):
        """Return the row of a trial, a list of two `Summary.Value`s.

        Args:
            record: The finished `TrialRecord`.
            name: Name of the row.
        """
        values = {key: decision.of(record) for key, decision in self._decisions.items()}
        values[_STATUS] = _status(record)
        start = summary_v2.hparams_pb(values, trial_id=name, start_time_secs=record.started)
        info = plugin_data_pb2.SessionEndInfo(
            status=STATUSES.get(record.status, api_pb2.STATUS_UNKNOWN), end_time_secs=record.started + record.seconds
        )
        return [*start.value, _hparams(hparams_metadata.SESSION_END_INFO_TAG, session_end_info=info)]

    def observe(self, record):
        """Add the names of a trial's results to the columns."""
        self._metrics += [name for name in self._results(record) if name not in self._metrics]

    def results(self, record):
        """Return the results of a trial, a dict by tag, without missing results.

        Args:
            record: The finished `TrialRecord`.
        """
        results = self._results(record)
        if record.stage == Stage.FINAL:
            results = {name: value for name, value in results.items() if name in _ALWAYS_KNOWN}
        return {f"result/{name}": value for name, value in results.items()}

    def configuration(self, records, importances=None):
        """Return the columns of the table, a `Summary.Value`.

        Without importances, decisions with more than one value come first, then decisions about the architecture,
        decisions other than rates, and decisions about larger components.

        Args:
            records: List of the `TrialRecord`s so far.
            importances: Dict from decisions to their importances in descending order. Empty or `None` if unknown.
        """
        statuses = {_status(record) for record in records if record.stage in (Stage.SEARCH, *_STAGES)} or {
            Status.COMPLETED
        }
        records = [record for record in records if record.is_candidate and record.status in STATUSES]
        decisions = dict(self._decisions)
        if len({decisions[reserved.EPOCHS].of(record) for record in records}) < 2:
            del decisions[reserved.EPOCHS]
        known = {name: share for name, share in (importances or {}).items() if share > 0}
        ordered = [*known, *sorted(decisions.keys() - known.keys(), key=lambda name: self._prior(name, records))]
        shown = set(ordered[:_N_SHOWN])
        names = _short_names(list(decisions), shown)
        columns = [
            decision.column(names[name], _about(name, known), name in shown, records)
            for name, decision in decisions.items()
        ]
        domain = summary_v2.Discrete(statuses, dtype=str)
        columns.append(_column(_STATUS, domain, _STATUS, "How the trial ended.", is_shown=False))
        experiment = api_pb2.Experiment(
            hparam_infos=columns,
            metric_infos=self._metric_columns(),
            time_created_secs=self._search.started,
        )
        return _hparams(hparams_metadata.EXPERIMENT_TAG, experiment=experiment)

    def _results(self, record):
        values = {"score": record.score if record.is_completed else None, "standard_error": record.standard_error}
        values |= {"seconds": record.seconds, "epochs": record.epochs, "parameters": record.parameters or None}
        # The metric of the objective is the score already.
        own = {*values, self._search.objective}
        values |= {name: value for name, value in record.metrics.items() if name not in own}
        return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}

    def _metric_columns(self):
        validated = [name for name in self._metrics if name.startswith("val_")]
        # The cost `params` is the same as the number of parameters.
        counted = [] if "params" in self._metrics else ["parameters"]
        first = ["score", *self._search.objectives[1:], "standard_error", "seconds", *counted, *validated]
        first += ["epochs", *self._metrics]
        return [
            summary_v2.Metric(
                f"result/{name}", display_name=self._search.objective if name == "score" else name
            ).as_proto()
            for name in dict.fromkeys(first)
            if name in self._metrics
        ]

    def _prior(self, name, records):
        """Return a sort key by which decisions that are likely to matter come first."""
        decision = self._decisions[name]
        values = [decision.of(record) for record in records if not decision.is_idle(record)]
        is_training = name.startswith("optimization/") or reserved.is_reserved(name)
        return (len(set(values)) < 2, is_training, decision.is_rate, -len(values), name.count("/"))


def row_names(search, trials):
    """Return the final names of the rows of trials, by which TensorBoard sorts the best trial first.

    Args:
        search: The `SearchInfo`.
        trials: List of the `TrialRecord`s of candidates.

    Returns:
        List of names in the order of `trials`, such as `"#01 0.979 (5)"`, or `"trial 07 refused"` for a trial without
        a score.
    """
    names = {}
    order = ranked(search, trials)
    for rank, record in enumerate(order, 1):
        score = f"{record.score:#.3g}".rstrip(".")  # More digits don't fit into the column.
        names[record.trial_id] = f"#{rank:0{len(str(len(order)))}} {score} ({record.number})"
    width = len(str(max((record.number for record in trials), default=0)))
    return [names.get(record.trial_id, f"trial {record.number:0{width}} {record.status}") for record in trials]


class _Decision:
    """A decision as a column of numbers or of texts."""

    def __init__(self, info):
        self.name = info["name"]
        self._info = info
        options = info.get("values")
        is_numeric = options is None or {type(option) for option in options} <= {int, float}
        if info["type"] == "Int" and info.get("is_conditional") and info["max"] - info["min"] < _N_OPTIONS:
            options = list(range(info["min"], info["max"] + 1))
        self.is_number = is_numeric and not (options and info.get("is_conditional"))
        self.is_rate = False
        if self.is_number:
            low, high = (min(options), max(options)) if options else (info["min"], info["max"])
            self.idle = 0.0 if low > 0 else _below(low, high)
            self.is_rate = high <= 1
        else:
            self.idle = NOT_USED
            #: TensorBoard sorts texts by their characters. Leading spaces keep numbers in order.
            self._texts = {
                option: " " * n_spaces * is_numeric + _text(option)
                for n_spaces, option in enumerate(sorted(options, reverse=True) if is_numeric else options)
            }

    def is_idle(self, record):
        """Return whether the decision was inactive in a trial."""
        return record.values.get(self.name) is None

    def of(self, record):
        """Return the value of the decision in a trial, in the type of the column."""
        if self.is_idle(record):
            return self.idle
        value = record.values[self.name]
        return float(value) if self.is_number else self._texts.get(value, _text(value))

    def column(self, name, about, is_shown, records):
        """Return the column, an `api_pb2.HParamInfo`."""
        idle = {self.idle} if any(self.is_idle(record) for record in records) else set()
        if not self.is_number:
            domain = summary_v2.Discrete({*self._texts.values(), *idle}, dtype=str)
        elif "values" in self._info:
            domain = summary_v2.Discrete({float(value) for value in self._info["values"]} | idle, dtype=float)
        else:
            domain = summary_v2.RealInterval(float(self._info["min"]), float(self._info["max"]))
        if idle and self.is_number:
            name += f" ({self.idle:g}: none)"
        return _column(self.name, domain, name, about, is_shown)


def _column(name, domain, display_name, description, is_shown):
    column = api_pb2.HParamInfo(name=name, display_name=display_name, description=description, differs=is_shown)
    domain.update_hparam_info(column)
    return column


def _status(record):
    return _STAGES.get(record.stage, record.status) if record.is_completed else record.status


def _about(name, known):
    share = f", importance {known[name]:.0%}" if name in known else ""
    return f"`{name}`{share}"


def _hparams(tag, **content):
    metadata = hparams_metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(**content))
    return event_log.value(tag, hparams_metadata.NULL_TENSOR, metadata)


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _below(low, high):
    """Return a number with few digits slightly below an interval."""
    number = low - max(0.1 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    digit = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return float(f"{math.floor(number / digit) * digit:.6g}")


def _short_names(names, shown):
    """Return a dict from names to their shortest unique endings. Shown names are compared with each other only."""
    ends = {name: text.shortest_end(name, shown if name in shown else names) for name in names}
    short = {name: _abbreviated(end, _N_CHARACTERS[name in shown]) for name, end in ends.items()}
    counts = collections.Counter(short.values())
    short = {name: label if counts[label] == 1 else "/".join(ends[name]) for name, label in short.items()}
    if reserved.EPOCHS in short:
        short[reserved.EPOCHS] = "epochs allotted"
    return short


def _abbreviated(parts, limit):
    """Join the components of a name. If the result is longer than the limit, use the last component only."""
    name = "/".join(parts)
    if len(name) > limit:
        name = text.shortened(f"…/{parts[-1]}" if len(parts[-1]) <= limit - 2 else f"…{parts[-1]}", limit)
    return name
