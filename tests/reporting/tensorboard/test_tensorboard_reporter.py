"""The TensorBoard log, read back with TensorBoard's own reader."""

import subprocess
import sys
import time

import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from autonas.reporting import SearchInfo, TensorBoardReporter, TrialRecord

SPACE = [
    {"name": "block", "type": "Choice", "values": ["dense", "convolution"]},
    {"name": "batch_size", "type": "Choice", "values": [32, 64]},
    {"name": "dropout", "type": "Choice", "values": [0, 0.5]},
    {"name": "units", "type": "Int", "min": 8, "max": 64},
    {"name": "learning_rate", "type": "Float", "min": 1e-4, "max": 1e-1},
    {"name": "augment", "type": "Boolean", "values": [False, True]},
    {"name": "optimizer", "type": "Fixed", "values": ["adam"]},
]


@pytest.fixture
def begin(tmp_path):
    """Begins a search logged in tmp_path; what stays open is closed after the test."""
    reporters = []

    def begin(seconds_ago=0.0):
        reporter = TensorBoardReporter(str(tmp_path))
        started = time.time() - seconds_ago
        reporter.on_search_begin(
            SearchInfo(
                "val_accuracy", "max", SPACE, 10, 60.0, "runs", started, "digits",
                blueprint=[{"name": "block_1", "kind": "DenseBlock", "inputs": ["input_1"]}],
                settings={"epochs": "3"}, environment={"python": "3.12"},
            )  # fmt: skip
        )
        reporters.append(reporter)
        return reporter

    yield begin
    for reporter in reporters:
        for run in (reporter._log, reporter._supernet, *reporter._trials.values()):
            if run is not None:
                run.close()


VALUES = {
    "block": "dense",
    "batch_size": 32,
    "dropout": 0,
    "units": 16,
    "learning_rate": 0.01,
    "augment": True,
    "optimizer": "adam",
    "tuner/epochs": 3,
}


def record(number, score, **changes):
    fields = {"values": dict(VALUES), "status": "completed", "score": score, "parameters": 1234}
    fields |= {"metrics": {"val_accuracy": score}, "epochs": 3, "best_epoch": 3, "seconds": 2.5}
    fields["history"] = [
        {"loss": 1.0 / epoch, "val_accuracy": (score or 0.0) - 0.1 * (3 - epoch), "learning_rate": 0.01}
        for epoch in (1, 2, 3)
    ]
    return TrialRecord(f"{number:04d}", number, **(fields | changes))


def play(reporter, trial, best):
    reporter.on_trial_begin(trial)
    for epoch, metrics in enumerate(trial.history, 1):
        reporter.on_epoch_end(trial, epoch, metrics)
    reporter.on_trial_end(trial, best)


def read(directory):
    accumulator = EventAccumulator(str(directory))
    accumulator.Reload()
    return accumulator


def curve(directory, tag):
    points = read(directory).Tensors(tag)
    return [(event.step, round(float(tensor_util.make_ndarray(event.tensor_proto)), 4)) for event in points]


def test_training_curves_over_epochs(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9)
    play(reporter, trial, trial)
    run = tmp_path / "trial_0000"
    assert curve(run, "val_accuracy") == [(1, 0.7), (2, 0.8), (3, 0.9)]
    assert curve(run, "loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    assert read(run).SummaryMetadata("loss").plugin_data.plugin_name == "scalars"


def test_curves_come_from_the_history_when_no_epoch_was_reported(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9)
    reporter.on_trial_begin(trial)
    reporter.on_trial_end(trial, trial)
    assert curve(tmp_path / "trial_0000", "val_accuracy") == [(1, 0.7), (2, 0.8), (3, 0.9)]


def test_progress_of_the_search(tmp_path, begin):
    reporter = begin(seconds_ago=7.2)
    good, bad = record(0, 0.9), record(1, 0.8)
    failed = record(2, None, status="failed", metrics={}, history=[], parameters=None)
    for trial in (good, bad, failed):
        play(reporter, trial, good)
    run = tmp_path / "search"
    assert curve(run, "score") == [(0, 0.9), (1, 0.8)]
    assert curve(run, "best_score") == [(0, 0.9), (1, 0.9), (2, 0.9)]
    assert curve(run, "seconds") == [(0, 2.5), (1, 2.5), (2, 2.5)]
    assert curve(run, "parameters") == [(0, 1234.0), (1, 1234.0)]
    assert curve(run, "best_score_over_seconds")[0] == (7, 0.9)


def written(directory, tag):
    (event,) = read(directory).Tensors(tag)
    return event.tensor_proto.string_val[0].decode()


def test_texts_say_what_was_asked_for_what_could_be_chosen_where_it_ran_and_what_came_of_it(tmp_path, begin):
    reporter = begin()
    trials = [record(0, 0.9), record(1, None, status="failed", metrics={}, message="a|b\nc")]
    for trial in trials:
        play(reporter, trial, trials[0])
    reporter.on_search_end(trials, "time_limit reached")
    run = tmp_path / "search"
    assert "# digits" in written(run, "3_settings") and "| time_limit | 60 |" in written(run, "3_settings")
    assert "| epochs | 3 |" in written(run, "3_settings")
    space = written(run, "4_search_space")
    assert "| block_1 | DenseBlock | input_1 |" in space and "| units | Int | 8 to 64 |" in space
    assert "| python | 3.12 |" in written(run, "5_environment")
    board = written(run, "2_leaderboard")
    assert "**Stopped:** time_limit reached" in board
    rows = board.splitlines()
    assert rows[-2] == "| 1 | 0000 | 0.9 | 2.5 s | 1234 | dense, adam |"
    assert rows[-1] == "|  | 0001 |  | 2.5 s | 1234 | failed: a\\|b c |"


def test_the_final_fit_is_a_run_of_its_own(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9)
    play(reporter, trial, trial)
    play(reporter, record(0, None, stage="final", metrics={}), trial)
    assert curve(tmp_path / "final", "loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    assert curve(tmp_path / "search", "score") == [(0, 0.9)]


def test_a_continued_search_appends_and_repeats_nothing(tmp_path, begin):
    first = begin(seconds_ago=20)
    done, cut = record(0, 0.9), record(1, 0.8, history=[{"loss": 5.0}] * 5)
    play(first, done, done)
    first.on_trial_begin(cut)
    for epoch, metrics in enumerate(cut.history, 1):
        first.on_epoch_end(cut, epoch, metrics)
    for run in (first._log, *first._trials.values()):
        run.close()
    event_file = max((tmp_path / "search").iterdir())
    with event_file.open("ab") as stream:
        stream.write(b"\x20\0\0\0\0\0\0\0cut off")  # killed while writing

    second = begin(seconds_ago=3)
    again = record(1, 0.95)
    play(second, again, again)
    second.on_search_end([done, again], "max_trials")
    assert curve(tmp_path / "trial_0001", "loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    search = tmp_path / "search"
    event_file.unlink()  # What is left was written by the second process.
    assert curve(search, "best_score") == [(1, 0.95)]
    assert curve(search, "best_score_over_seconds") == [(23, 0.95)]
    tags = read(search).Tags()["tensors"]
    assert "3_settings" not in tags


def test_files_are_closed_when_a_trial_ends(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9)
    reporter.on_trial_begin(trial)
    writer = reporter._trials[trial.trial_id, trial.stage].run._writer
    reporter.on_trial_end(trial, trial)
    assert writer.closed and not reporter._trials


def test_costs_less_than_5_milliseconds_a_trial(begin):
    reporter = begin()
    costs = []
    for number in range(20):
        trial = record(number, 0.9)
        started = time.process_time()
        play(reporter, trial, trial)
        costs.append(time.process_time() - started)
    assert sorted(costs)[10] < 0.005


def test_an_interrupted_trial_adds_nothing_to_the_search(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9, status="interrupted")
    play(reporter, trial, None)
    assert "score" not in read(tmp_path / "search").Tags()["tensors"]


def test_writes_without_tensorflow(tmp_path):
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from autonas.reporting import *\n"
        f"r = TensorBoardReporter({str(tmp_path)!r}); r.on_search_begin(SearchInfo('loss', 'min'))\n"
        "t = TrialRecord('0', 0, status='completed', score=1.0, metrics={'loss': 1.0}); r.on_trial_begin(t)\n"
        "r.on_trial_end(t, t); r.on_search_end([t], 'done')\n"
        f"TensorBoardReporter({str(tmp_path)!r}).on_search_begin(SearchInfo('loss', 'min'))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert curve(tmp_path / "search", "best_score") == [(0, 1.0)]


def supernet_epoch(number, epoch, probability):
    values = {"tuner/stage": "supernet", "tuner/initial_epoch": epoch - 1, "tuner/epochs": epoch}
    distribution = {"cell/edge": {"convolution_3": probability, "identity": 1 - probability}}
    return record(
        number, None, stage="supernet", values=values, metrics={"loss": 1 / epoch, "entropy": 0.5}, history=[],
        report={"epoch": epoch, "distribution": distribution, "finished": False},
    )  # fmt: skip


def test_epochs_of_a_supernet_are_points_of_one_run(tmp_path, begin):
    reporter = begin()
    best = record(0, 0.9)
    for number, probability in ((1, 0.5), (2, 0.75)):
        play(reporter, supernet_epoch(number, number, probability), best)
    # Another process goes on with the same run.
    reporter = begin()
    play(reporter, supernet_epoch(3, 3, 0.875), best)
    run = tmp_path / "supernet"
    assert curve(run, "loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    assert curve(run, "alpha/cell/edge/convolution_3") == [(1, 0.5), (2, 0.75), (3, 0.875)]
    assert curve(run, "entropy")[-1] == (3, 0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["search", "supernet"]


def test_one_shot_scores_and_what_the_strategy_says_of_itself_are_in_the_run_of_the_search(tmp_path, begin):
    reporter = begin()
    report = {"finalists": [[{"block": "dense"}, 0.75], [{"block": "convolution"}, 0.5]], "n_scored": 40}
    scored = record(4, None, stage="one_shot", values={"tuner/stage": "one_shot"}, history=[], report=report)
    play(reporter, scored, record(0, 0.9))
    finalist = record(6, 0.95)
    play(reporter, finalist, finalist)
    reporter.on_search_numbers(finalist, {"rank_correlation": 0.5})
    assert curve(tmp_path / "search", "one_shot/score_by_rank") == [(1, 0.75), (2, 0.5)]
    assert curve(tmp_path / "search", "one_shot/n_scored") == [(4, 40.0)]
    assert curve(tmp_path / "search", "rank_correlation") == [(6, 0.5)]
    assert curve(tmp_path / "search", "best_score") == [(6, 0.95)]


def test_a_failed_epoch_of_a_supernet_leaves_no_point(tmp_path, begin):
    reporter = begin()
    failed = record(1, None, stage="supernet", status="failed", metrics={}, history=[], message="diverged")
    play(reporter, failed, None)
    assert not (tmp_path / "supernet").exists()
