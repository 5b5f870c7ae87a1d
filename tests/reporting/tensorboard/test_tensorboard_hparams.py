"""Columns and rows of the HParams page."""

import pytest
from tensorboard.plugins.hparams import metadata

from autonas.reporting import SearchInfo, TrialRecord
from autonas.reporting.tensorboard.hparams import Table

SPACE = [
    {"name": "net/kind", "type": "Choice", "values": ["dense", "convolution"]},
    {"name": "net/kind_dense/units", "type": "Int", "min": 8, "max": 64},
    {"name": "net/kind_dense/layers/shift", "type": "Int", "min": -1, "max": 1},
    {"name": "net/dropout", "type": "Choice", "values": [0, 0.5]},
    {"name": "net/augment", "type": "Boolean", "values": [False, True]},
    {"name": "net/mixed", "type": "Choice", "values": [1, "auto"]},
    {"name": "optimization/learning_rate", "type": "Float", "min": 1e-4, "max": 1e-1},
    {"name": "optimization/batch_size", "type": "Choice", "values": [32, 64]},
    {"name": "optimizer", "type": "Fixed", "values": ["adam"]},
]
VALUES = {
    "net/kind": "dense", "net/kind_dense/units": 16, "net/dropout": 0, "net/augment": True, "net/mixed": 1,
    "optimization/learning_rate": 0.01, "optimization/batch_size": 32, "optimizer": "adam",
}  # fmt: skip


def record(number, score=None, status="completed", values=None, **metrics):
    metrics = {} if score is None else {"val_loss": score, **metrics}
    return TrialRecord(
        f"{number:04d}", number, values=VALUES | (values or {}), status=status, score=score, metrics=metrics,
        seconds=2.5, parameters=1234 if score else None, epochs=3,
    )  # fmt: skip


@pytest.fixture
def table():
    return Table(SearchInfo("val_loss", "min", SPACE, objectives=["val_loss", "latency_ms"]))


def session(table, record):
    start, end = table.session(record, f"trial_{record.trial_id}")
    start = metadata.parse_session_start_info_plugin_data(start.metadata.plugin_data.content)
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    return values, metadata.parse_session_end_info_plugin_data(end.metadata.plugin_data.content)


def experiment(table, *arguments):
    value = table.configuration(*arguments)
    return metadata.parse_experiment_plugin_data(value.metadata.plugin_data.content)


def shown(found):
    return {column.name for column in found.hparam_infos if column.differs}


def test_values_are_of_the_type_of_their_column(table):
    values, end = session(table, record(0, 0.5))
    assert values["net/kind"] == "dense" and values["net/augment"] == "true" and values["net/mixed"] == "1"
    assert values["net/dropout"] == 0.0 and values["optimization/learning_rate"] == 0.01
    assert "optimizer" not in values and end.end_time_secs > 0


@pytest.mark.parametrize(
    "name, expected",
    [("net/kind", "not used"), ("net/augment", "not used"), ("net/kind_dense/units", 0.0), ("net/dropout", -0.05),
     ("net/kind_dense/layers/shift", -1.2)],
)  # fmt: skip
def test_what_was_inactive_is_none_of_the_values_that_are_possible(table, name, expected):
    values, _ = session(table, record(0, 0.5, values={name: None}))
    assert values[name] == pytest.approx(expected)


def test_names_of_columns_are_short_and_say_what_stands_for_inactive(table):
    trials = [record(0, 0.5), record(1, 0.4, values={"net/kind_dense/units": None})]
    names = {column.name: column.display_name for column in experiment(table, trials).hparam_infos}
    assert names["net/kind"] == "kind" and names["net/kind_dense/units"] == "units (0: not used)"
    assert names["optimization/learning_rate"] == "learning_rate"


def test_the_most_important_decisions_are_shown_unasked(table):
    trials = [record(number, 0.5) for number in range(3)]
    for trial in trials:
        table.observe(trial)
    order = ["net/mixed", "optimization/batch_size", "net/dropout", "net/augment", "optimization/learning_rate"]
    shares = dict(zip(order, [0.5, 0.2, 0.1, 0.1, 0.1], strict=True))
    found = experiment(table, trials, shares)
    assert shown(found) == set(order)
    about = {column.name: column.description for column in found.hparam_infos}
    assert about["net/mixed"] == "`net/mixed`: 50% of what is known to matter for the score"


def test_before_importance_is_known_what_varied_comes_first_and_the_architecture_before_rates(table):
    units = {"net/kind_dense/units": 32}
    trials = [record(0, 0.5), record(1, 0.4, values={"net/kind": "convolution", "net/dropout": 0.5, **units}),
              record(2, 0.4, values={"optimization/batch_size": 64, "optimization/learning_rate": 0.1})]  # fmt: skip
    expected = {
        "net/kind", "net/kind_dense/units", "net/dropout", "optimization/batch_size", "optimization/learning_rate",
    }  # fmt: skip
    assert shown(experiment(table, trials)) == expected
    trials.append(record(3, status="failed"))
    # The least of them makes way for what became of the trials.
    assert shown(experiment(table, trials)) == expected - {"optimization/learning_rate"} | {"status"}


def test_the_epochs_of_a_rung_are_a_column_where_they_vary(table):
    def names(trials):
        return [column.name for column in experiment(table, trials).hparam_infos]

    trials = [record(number, 0.5, values={"tuner/epochs": 3}) for number in range(2)]
    assert "tuner/epochs" not in names(trials)
    trials.append(record(2, 0.4, values={"tuner/epochs": 9}))
    assert "tuner/epochs" in names(trials) and session(table, trials[2])[0]["tuner/epochs"] == 9


def test_results_that_are_missing_are_worse_than_all_and_named_in_the_column(table):
    trials = [record(0, 0.5, latency_ms=2.0), record(1, 0.7, latency_ms=4.0), record(2, status="failed")]
    for trial in trials:
        table.observe(trial)
    assert not table.lacks(trials[0]) and table.lacks(trials[2])
    missing = table.results(trials[2])
    assert missing["result/score"] == pytest.approx(0.72) and missing["result/parameters"] == 0
    # It isn't known whether latency is better small.
    assert missing["result/latency_ms"] == pytest.approx(1.8)
    names = {each.name.tag: each.display_name for each in experiment(table, trials).metric_infos}
    assert list(names)[:4] == ["result/score", "result/latency_ms", "result/seconds", "result/parameters"]
    assert names["result/score"] == "val_loss (0.72: none)" and names["result/parameters"] == "parameters (0: none)"
    assert names["result/seconds"] == "seconds"


@pytest.mark.parametrize("scores, expected", [((0.95, 0.99), 0.93), ((1e-4, 1e-4), 9.8e-5), ((0.0, 0.0), 0.0)])
def test_what_stands_for_no_score_is_a_short_number_below_all(scores, expected):
    table = Table(SearchInfo("val_accuracy", "max", SPACE))
    for number, score in enumerate(scores):
        table.observe(record(number, score))
    found = table.results(record(9, status="failed"))["result/score"]
    assert found == pytest.approx(expected, abs=1e-9) and found < min(scores)
