"""Columns and rows of the HParams page."""

import pytest
from tensorboard.plugins.hparams import metadata

from autonas.reporting import SearchInfo, TrialRecord
from autonas.reporting.tensorboard.hparams import Table, row_names

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


def record(number, score=None, status="completed", values=None, parameters=None, **metrics):
    metrics = {} if score is None else {"val_loss": score, **metrics}
    return TrialRecord(
        f"{number:04d}", number, values=VALUES | (values or {}), status=status, score=score, metrics=metrics,
        seconds=2.5, parameters=parameters or (1234 if score else None), epochs=3,
    )  # fmt: skip


@pytest.fixture
def table():
    return Table(SearchInfo("val_loss", "min", SPACE, objectives=["val_loss", "latency_ms"], directions=["min", "min"]))


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
    assert names["net/kind"] == "kind" and names["net/kind_dense/units"] == "units (0: none)"
    assert names["optimization/learning_rate"] == "learning_rate"


def test_heads_of_parallel_axes_have_20_characters_at_most_and_are_still_told_apart():
    paths = ["a_long_beginning/kernel_size", "another_beginning/kernel_size", "one/global_average_pooling_size"]
    space = [{"name": name, "type": "Choice", "values": [1, 3]} for name in [*paths, "two/global_average_pooling_size"]]
    names = {column.name: column.display_name for column in experiment(Table(SearchInfo("val_loss", "min", space)), [])
             .hparam_infos}  # fmt: skip
    # Both would be `…/kernel_size`.
    assert names[paths[0]] == "a_long_beginning/kernel_size" and names[paths[1]] == "another_beginning/kernel_size"
    units = [{"name": f"{kind}/a_very_long_name_{kind}", "type": "Int", "min": 1, "max": 9} for kind in ("one", "two")]
    columns = experiment(Table(SearchInfo("val_loss", "min", units)), []).hparam_infos
    assert [column.display_name for column in columns[:2]] == ["a_very_long_name_one", "a_very_long_name_two"]


def test_values_of_a_conditional_decision_are_texts_in_the_order_of_the_numbers():
    space = [
        {"name": "width", "type": "Choice", "values": [128, 32, 512], "is_conditional": True},
        {"name": "rate", "type": "Choice", "values": [1e-5, 0.5, 0.25], "is_conditional": True},
        {"name": "shift", "type": "Int", "min": -1, "max": 1, "is_conditional": True},
    ]
    table = Table(SearchInfo("val_loss", "min", space))
    values, _ = session(table, record(0, 0.5, values={"width": 32, "rate": None, "shift": -1}))
    assert values["width"].strip() == "32" and values["shift"].strip() == "-1" and values["rate"] == "not used"
    trials = [record(0, 0.5, values={"width": 32}), record(1, 0.5, values={"rate": 0.5, "shift": 0})]
    domains = {column.name: [value.string_value for value in column.domain_discrete.values]
               for column in experiment(table, trials).hparam_infos}  # fmt: skip
    # TensorBoard sorts them as texts.
    assert [value.strip() for value in sorted(domains["width"])] == ["32", "128", "512", "not used"]
    assert [value.strip() for value in sorted(domains["rate"])] == ["1e-05", "0.25", "0.5", "not used"]
    assert [value.strip() for value in sorted(domains["shift"])] == ["-1", "0", "1", "not used"]


def test_the_most_important_decisions_are_shown_unasked(table):
    trials = [record(number, 0.5) for number in range(3)]
    for trial in trials:
        table.observe(trial)
    order = ["net/mixed", "optimization/batch_size", "net/dropout", "net/augment", "optimization/learning_rate"]
    shares = dict(zip(order, [0.5, 0.2, 0.1, 0.1, 0.1], strict=True))
    found = experiment(table, trials, shares)
    assert shown(found) == set(order)
    about = {column.name: column.description for column in found.hparam_infos}
    assert about["net/mixed"] == "`net/mixed`, importance 50%"


def test_before_importance_is_known_what_varied_comes_first_and_the_architecture_before_rates(table):
    units = {"net/kind_dense/units": 32}
    trials = [record(0, 0.5), record(1, 0.4, values={"net/kind": "convolution", "net/dropout": 0.5, **units}),
              record(2, 0.4, values={"optimization/batch_size": 64, "optimization/learning_rate": 0.1})]  # fmt: skip
    expected = {
        "net/kind", "net/kind_dense/units", "net/dropout", "optimization/batch_size", "optimization/learning_rate",
    }  # fmt: skip
    assert shown(experiment(table, trials)) == expected


def test_the_epochs_of_a_rung_are_a_column_where_they_vary(table):
    def names(trials):
        return [column.name for column in experiment(table, trials).hparam_infos]

    trials = [record(number, 0.5, values={"tuner/epochs": 3}) for number in range(2)]
    assert "tuner/epochs" not in names(trials)
    trials.append(record(2, 0.4, values={"tuner/epochs": 9}))
    assert "tuner/epochs" in names(trials) and session(table, trials[2])[0]["tuner/epochs"] == 9


def test_a_result_that_a_trial_does_not_have_is_a_blank_cell(table):
    trials = [record(0, 0.5, latency_ms=2.0), record(1, 0.7, latency_ms=4.0), record(2, status="failed")]
    refused = record(3, status="refused", parameters=99_000)
    refused.metrics = {"latency_ms": 9.0}
    for trial in [*trials, refused]:
        table.observe(trial)
    assert table.results(trials[2]) == {"result/seconds": 2.5, "result/epochs": 3.0}
    assert table.results(refused) == {
        "result/seconds": 2.5, "result/epochs": 3.0, "result/parameters": 99_000.0, "result/latency_ms": 9.0,
    }  # fmt: skip
    names = {each.name.tag: each.display_name for each in experiment(table, trials).metric_infos}
    assert list(names)[:4] == ["result/score", "result/latency_ms", "result/seconds", "result/parameters"]
    assert names["result/score"] == "val_loss" and names["result/parameters"] == "parameters"


def test_the_score_of_a_trial_that_failed_is_no_result(table):
    diverged = record(0, 0.5, status="failed")
    assert "result/score" not in table.results(diverged)


def test_rows_are_named_so_that_their_names_sort_them_the_best_first():
    search = SearchInfo("val_accuracy", "max", SPACE)
    scores = {0: 0.5, 1: None, 2: 0.97925, 3: 1.0, 12: None}
    statuses = {1: "refused", 12: "failed"}
    trials = [record(number, score, statuses.get(number, "completed")) for number, score in scores.items()]
    names = row_names(search, trials)
    assert names == ["#3 0.500 (0)", "trial 01 refused", "#2 0.979 (2)", "#1 1.00 (3)", "trial 12 failed"]
    assert sorted(names) == [names[3], names[2], names[0], names[1], names[4]]
    assert row_names(SearchInfo("val_loss", "min", SPACE), [record(0, 1234.5)]) == ["#1 1.23e+03 (0)"]
