"""The HParams page: one row for each trial, with its hyperparameters and its results.

TensorBoard 2.21 restricts what can be shown, as seen in its page and its code:

- The columns of the table are the name of the row, the hyperparameters and the metrics, in this order. The metrics are
  off the screen, and the table can't be sorted beforehand: rows come in the order of their names. So when the search
  ends, the name of a row is the rank, the score and the trial, such as `"#01 0.979 (5)"`.
- Five hyperparameters and five metrics are shown by default. The server sorts hyperparameters by name, after those with
  the flag `differs`. So this flag is set for the five most important hyperparameters.
- A metric without a value is a blank cell. Parallel coordinates leave out trials with a blank cell or NaN in a shown
  column: trials without a score. Most trials have inactive hyperparameters, which therefore have a value: the text
  `not used`. Text in a column of numbers would break the plot, so all values of a conditional hyperparameter are text.
  Real numbers can't be: there a number outside of the range stands for inactive, as the head of the column says.
- TensorBoard keeps the first configuration and the first row of a run that it has read. So each has a file of its own,
  which is replaced when the search ends. A TensorBoard that is running then shows the old ones until it is restarted.
- The table has no column for the status of a trial, so the status is one more hyperparameter. It is hidden by default,
  since the name of the row says which trials have no score.
- The heads of parallel axes overlap, and the beginning of a row isn't shown in full, if they have more than some 20 and
  17 characters.
- The final fit has no score: its score would be on rows that it was trained on.
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

#: Text of a decision that was inactive.
NOT_USED = "not used"
#: Decisions that are shown unasked.
_N_SHOWN = 5
#: Characters of the name of a column at most: of one that isn't shown by default, and of one that is.
_N_CHARACTERS = (30, 20)
#: Whole numbers of a conditional range up to which the column is of texts.
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
_RUNG = reserved.EPOCHS


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
        """Adds the results of a trial to the columns."""
        self._metrics += [name for name in self._results(record) if name not in self._metrics]

    def results(self, record):
        """Return the results of a trial, a dict by tag. A result that the trial doesn't have is absent.

        Args:
            record: The finished `TrialRecord`.
        """
        found = self._results(record)
        if record.stage == Stage.FINAL:
            found = {name: value for name, value in found.items() if name in _ALWAYS_KNOWN}
        return {f"result/{name}": value for name, value in found.items()}

    def configuration(self, records, importances=None):
        """The columns of the table, a `Summary.Value`.

        Args:
            records: List of the `TrialRecord`s so far.
            importances: Dict from names of decisions to their importance, the largest first; empty or `None` if it
                isn't known. Then those that varied come first, those about the architecture before rates, those about
                more of it before details.
        """
        statuses = {_status(record) for record in records if record.stage in (Stage.SEARCH, *_STAGES)} or {
            Status.COMPLETED
        }
        records = [record for record in records if record.is_candidate and record.status in STATUSES]
        decisions = dict(self._decisions)
        if len({decisions[_RUNG].of(record) for record in records}) < 2:
            del decisions[_RUNG]
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
        values = {"score": record.score if record.is_completed else None}
        values |= {"seconds": record.seconds, "epochs": record.epochs, "parameters": record.parameters or None}
        # The metric of the objective is the score.
        own = {*values, self._search.objective}
        values |= {name: value for name, value in record.metrics.items() if name not in own}
        return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}

    def _metric_columns(self):
        validated = [name for name in self._metrics if name.startswith("val_")]
        # The cost `params` is the number of parameters, too.
        counted = [] if "params" in self._metrics else ["parameters"]
        first = ["score", *self._search.objectives[1:], "seconds", *counted, *validated, "epochs", *self._metrics]
        return [
            summary_v2.Metric(
                f"result/{name}", display_name=self._search.objective if name == "score" else name
            ).as_proto()
            for name in dict.fromkeys(first)
            if name in self._metrics
        ]

    def _prior(self, name, records):
        """Sorts decisions by what is likely to matter."""
        decision = self._decisions[name]
        values = [decision.of(record) for record in records if not decision.is_idle(record)]
        is_training = name.startswith("optimization/") or reserved.is_reserved(name)
        return (len(set(values)) < 2, is_training, decision.is_rate, -len(values), name.count("/"))


def row_names(search, trials):
    """Return the final names of the rows of trials, which sort the table: the best trial first.

    Args:
        search: The `SearchInfo`.
        trials: List of the `TrialRecord`s of candidates.

    Returns:
        List of names in the order of `trials`, such as `"#01 0.979 (5)"`, or `"trial 07 refused"` of a trial
        without a score.
    """
    names = {}
    order = ranked(search, trials)
    for rank, record in enumerate(order, 1):
        score = f"{record.score:#.3g}".rstrip(".")  # More digits don't fit into the column.
        names[record.trial_id] = f"#{rank:0{len(str(len(order)))}} {score} ({record.number})"
    width = len(str(max((record.number for record in trials), default=0)))
    return [names.get(each.trial_id, f"trial {each.number:0{width}} {each.status}") for each in trials]


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
            #: The page and the server sort texts by their characters: spaces before numbers keep the order of these.
            self._texts = {
                option: " " * place * is_numeric + _text(option)
                for place, option in enumerate(sorted(options, reverse=True) if is_numeric else options)
            }

    def is_idle(self, record):
        """Whether the decision was inactive in a trial."""
        return record.values.get(self.name) is None

    def of(self, record):
        """The value in a trial, of the column's type."""
        if self.is_idle(record):
            return self.idle
        value = record.values[self.name]
        return float(value) if self.is_number else self._texts.get(value, _text(value))

    def column(self, name, about, is_shown, records):
        """The column, an `api_pb2.HParamInfo`."""
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
    """A short number a little below an interval."""
    number = low - max(0.1 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    digit = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return float(f"{math.floor(number / digit) * digit:.6g}")


def _short_names(names, shown):
    """The shortest end of each path that no other has; shown names are told apart from each other only."""
    ends = {name: text.shortest_end(name, shown if name in shown else names) for name in names}
    short = {name: _abbreviated(end, _N_CHARACTERS[name in shown]) for name, end in ends.items()}
    counts = collections.Counter(short.values())
    short = {name: label if counts[label] == 1 else "/".join(ends[name]) for name, label in short.items()}
    if _RUNG in short:
        short[_RUNG] = "epochs allotted"
    return short


def _abbreviated(parts, limit):
    """The parts of a name as one text: all of them, or else the last one, if it is no longer than the limit."""
    name = "/".join(parts)
    if len(name) > limit:
        name = text.shortened(f"…/{parts[-1]}" if len(parts[-1]) <= limit - 2 else f"…{parts[-1]}", limit)
    return name
