"""The leaderboard: every trial, the best first, the failed ones last."""

import io

import pandas
import pytest
import rich.console

from autonas.reporting import TrialRecord, leaderboard, render
from autonas.reporting.leaderboard import COLUMNS


@pytest.fixture
def records():
    return [
        TrialRecord("0000", 0, values={"block": "dense", "units": 64}, status="completed", score=0.90,
                    metrics={"val_accuracy": 0.90, "val_loss": 0.3}, epochs=5, best_epoch=4, parameters=1000,
                    seconds=1.5),
        TrialRecord("0001", 1, values={"block": "convolution", "units": None, "pool": True}, status="failed",
                    message="ResourceExhaustedError: out of memory [tensor]", seconds=0.5),
        TrialRecord("0002", 2, values={"block": "convolution", "pool": True, "rate": 0.1}, status="completed",
                    score=0.97, metrics={"val_accuracy": 0.97, "val_loss": 0.1}, epochs=9, best_epoch=9,
                    parameters=25000, seconds=75.0),
        TrialRecord("0003", 3, values={"block": "dense", "units": 8}, status="refused", parameters=10**7,
                    message="10,000,000 parameters, at most 1,000,000 allowed"),
        TrialRecord("final", 4, stage="final", values={"block": "convolution", "pool": True, "rate": 0.1},
                    status="completed", epochs=9, parameters=25000, seconds=80.0),
    ]  # fmt: skip


def test_the_served_model_first_then_the_best_and_failed_ones_last(records):
    assert list(leaderboard(records, "val_accuracy", "max")["trial_id"]) == [
        "final",
        "0002",
        "0000",
        "0003",
        "0001",
    ]


def test_stages_of_a_one_shot_search_come_below_what_has_a_score_with_their_metrics(records):
    values = {"tuner/stage": "supernet", "tuner/initial_epoch": 0, "tuner/epochs": 1}
    epoch = TrialRecord(
        "0009", 9, "supernet", values, status="completed", metrics={"loss": 0.1, "entropy": 1.5}, epochs=1
    )
    board = leaderboard([*records, epoch], "val_accuracy", "max")
    assert list(board["trial_id"]) == ["final", "0002", "0000", "0009", "0003", "0001"]
    row = board.iloc[3]
    assert row["stage"] == "supernet" and pandas.isna(row["rank"]) and row["entropy"] == 1.5


def test_direction_min_reverses_the_order_of_the_scores(records):
    assert list(leaderboard(records, "val_loss", "min")["trial_id"])[:3] == ["final", "0000", "0002"]


def test_equal_scores_keep_the_order_of_the_trials():
    tied = [TrialRecord(str(i), i, status="completed", score=1.0) for i in (2, 0, 1)]
    assert list(leaderboard(tied, "val_loss", "max")["trial_id"]) == ["0", "1", "2"]


def test_columns_in_order(records):
    assert list(leaderboard(records, "val_accuracy", "max").columns) == [
        "rank", "trial_id", "stage", "status", "score", "standard_error", "val_accuracy", "val_loss", "seconds",
        "epochs", "best_epoch", "parameters", "reason", "block", "units", "pool", "rate",
    ]  # fmt: skip


def test_dtypes_do_not_depend_on_what_is_missing(records):
    complete = leaderboard([records[2]], "val_accuracy", "max")
    partial = leaderboard(records, "val_accuracy", "max")
    for column in complete.columns:
        assert complete[column].dtype == partial[column].dtype, column
    assert partial.dtypes[["rank", "parameters", "units"]].astype(str).unique().tolist() == ["Int64"]
    assert partial.dtypes[["score", "val_loss", "seconds", "rate"]].astype(str).unique().tolist() == ["float64"]
    assert partial.dtypes[["epochs", "best_epoch"]].astype(str).unique().tolist() == ["int64"]
    assert str(partial["pool"].dtype) == "boolean"


def test_inactive_decisions_and_scores_of_failed_trials_are_missing(records):
    frame = leaderboard(records, "val_accuracy", "max").set_index("trial_id")
    assert frame.loc["0000", "units"] == 64 and pandas.isna(frame.loc["0002", "units"])
    assert pandas.isna(frame.loc["0001", ["units", "score", "rank", "parameters"]]).all()
    assert frame.loc["0001", "reason"].startswith("ResourceExhaustedError")


def test_a_score_that_is_not_finite_has_no_rank():
    records = [TrialRecord("0", 0, status="completed", score=float("nan")),
               TrialRecord("1", 1, status="completed", score=0.1)]  # fmt: skip
    frame = leaderboard(records, "val_loss", "min")
    assert list(frame["trial_id"]) == ["1", "0"] and frame["rank"].isna().tolist() == [False, True]


def test_names_that_clash_stay_apart():
    record = TrialRecord("0", 0, values={"score": 3, "loss": "mse"}, status="completed", score=1.0,
                         metrics={"loss": 0.5, "epochs": 2.0})  # fmt: skip
    frame = leaderboard([record], "loss", "min")
    assert frame.loc[0, ["score", "loss", "epochs", "metric/epochs"]].tolist() == [1.0, 0.5, 0, 2.0]
    assert frame.loc[0, ["decision/score", "decision/loss"]].tolist() == [3, "mse"]


def test_no_trials_give_an_empty_table_with_its_columns():
    frame = leaderboard([], "val_loss", "min")
    assert len(frame) == 0 and tuple(frame.columns) == COLUMNS


def test_direction_is_checked():
    with pytest.raises(ValueError, match="`direction`.*'up'"):
        leaderboard([], "val_loss", "up")


def text(table, width=140):
    console = rich.console.Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue()


def test_render_shows_scores_and_reasons(records):
    shown = text(render(leaderboard(records, "val_accuracy", "max")))
    lines = [line for line in shown.splitlines()[2:] if line.strip(" ─")]
    assert len(lines) == 5
    assert all(part in lines[0] for part in ("final", "1:20", "9", "25,000", "convolution"))
    assert all(part in lines[1] for part in ("1", "0002", "0.97", "1:15", "9", "25,000", "convolution"))
    assert "failed: ResourceExhaustedError: out of memory [tensor]" in lines[-1]
    assert "val_loss" not in shown


def test_render_says_how_many_rows_it_left_out(records):
    shown = text(render(leaderboard(records, "val_accuracy", "max"), max_rows=2))
    assert "0002" in shown and "0000" not in shown and "and 3 more trials" in shown


def test_baselines_are_the_last_rows_without_a_rank(records):
    for name, score in (("constant", 0.1), ("linear", 0.99)):
        message = f"how {name} is made"
        records.append(TrialRecord(name, -1, "baseline", status="completed", score=score, message=message))
    board = leaderboard(records, "val_accuracy", "max")
    assert board.trial_id.tolist()[-2:] == ["linear", "constant"] and board["rank"].tolist()[-2:] == [pandas.NA] * 2
    shown = text(render(board, max_rows=2))
    assert "baseline: how constant is made" in shown and "and 3 more trials" in shown


def test_an_ensemble_is_described_by_its_members(records):
    message = "0.5 of trial 0002, 0.5 of trial 0000; val_accuracy 0.97 by the best alone, 0.98 together"
    records.append(TrialRecord("ensemble", 5, "ensemble", status="completed", score=0.98, message=message))
    assert "0.5 of trial 0002, 0.5 of trial 0000; val_accuracy 0.97" in text(
        render(leaderboard(records, "x", "max")), 200
    )


def test_a_terminal_of_80_columns_shows_scores_of_two_objectives_and_architectures(records):
    for number, record in enumerate(records):
        record.metrics["params"] = record.parameters
        record.values["structured_data_block_1/kind"] = f"a long name of a kind {number}"
    frame = leaderboard(records, "val_accuracy", "max")
    shown = text(render(frame, objectives=[("val_accuracy", "max"), ("params", "min")]), width=80)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    (head,) = [line for line in lines if "architecture" in line]
    assert head.split() == ["rank", "trial", "val_accuracy", "params", "time", "epochs", "architecture"]
    assert "val_accuracy (larger is better)" in shown and "params (smaller is better)" in shown
    best = next(line for line in lines if "0002" in line)
    assert best.split()[:5] == ["1", "0002", "0.97", "25,000", "1:15"] and "a long" in best


def test_a_terminal_of_80_columns_shows_every_word_beside_standard_errors(records):
    for number, record in enumerate(records):
        record.standard_error, record.score = 0.0013251, record.score and record.score / 1000
        record.values["structured_data_block_1/kind"] = f"convolution horizontal_translation_{number}"
    shown = text(render(leaderboard(records, "val_loss", "min"), objectives=[("val_loss", "min")]), width=80)
    assert "0.00097 ± 0.0013" in shown and max(map(len, shown.splitlines())) <= 80
    assert all(shown.count(word) >= 3 for word in ("convolution", "horizontal", "translation"))
