"""The TensorBoard log, read back with TensorBoard's own reader."""

import itertools
import re
import shlex
import subprocess
import sys
import time
import urllib.parse

import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

from autonas.reporting import SearchInfo, TensorBoardReporter, TrialRecord
from autonas.reporting.tensorboard import invitation
from autonas.reporting.tensorboard.pictures import _N_LATE, _N_QUEUED
from autonas.reporting.tensorboard.reporter import _MAX_BYTES

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
                "val_accuracy",
                "max",
                SPACE,
                10,
                60.0,
                "runs",
                started,
                "digits",
                blueprint=[
                    {"name": "input_1", "kind": "ImageInput", "inputs": []},
                    {"name": "block_1", "kind": "DenseBlock", "inputs": ["input_1"]},
                ],
                settings={"epochs": "3"},
                environment={"python": "3.12"},
            )  # fmt: skip
        )
        reporters.append(reporter)
        return reporter

    yield begin
    for reporter in reporters:
        for run in (reporter._log, reporter._levels, reporter._supernet, *reporter._trials.values()):
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


def inside(directory, tags):
    """Return the values of a chart that TensorBoard doesn't leave out as outliers."""
    # TensorBoard keeps one point for each step, the last one.
    curves = [curve(directory.parent / "search_levels" if is_level(tag) else directory, tag) for tag in tags]
    values = [value for points in curves for value in dict(points).values()]
    lowest, highest = np.quantile(values, [0.05, 0.95])
    return {value for value in values if lowest <= value <= highest}


def is_level(tag):
    return tag.endswith(("_level", "_smallest", "_largest"))


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("place", [0, 7, 20, 38, 39])
def test_the_best_score_is_none_of_the_outliers_that_tensorboard_leaves_out(tmp_path, begin, place, ended):
    reporter = begin()
    trials = [record(number, 0.9 if number == place else 0.1 + 0.01 * number) for number in range(40)]
    best = None
    for trial in trials:
        best = trial if best is None or trial.score > best.score else best
        play(reporter, trial, best)
    if ended:
        reporter.on_search_end(trials, "max_trials")
    run, over_seconds = tmp_path / "search", "best_score_over_seconds"
    if ended or place < 38:  # While a search of so many trials runs, its lines are written after some trials.
        for tags in (
            ["best_score", "best_score_level"],
            ["score", "best_score_level", "worst_score_level"],
            [over_seconds, f"{over_seconds}_level"],
        ):
            assert max(inside(run, tags)) == 0.9
        assert {value for _, value in curve(tmp_path / "search_levels", "best_score_level")} == {0.9}


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("n_trials", [2, 3, 40])
def test_the_smallest_and_the_largest_network_are_no_outliers_either(tmp_path, begin, n_trials, ended):
    """Of two different numbers TensorBoard drew none: both are outside of the 5th and the 95th percentile."""
    reporter = begin()
    trials = [record(number, 0.9, parameters=1000 * 2**number % 8009) for number in range(n_trials)]
    for trial in trials:
        play(reporter, trial, trials[0])
    if ended:
        reporter.on_search_end(trials, "max_trials")
    tags = ["parameters", "parameters_smallest", "parameters_largest"]
    sizes = {trial.parameters for trial in trials}
    assert sizes <= inside(tmp_path / "search", tags)
    assert charts(tmp_path / "search")["Parameters of each trial"] == tags


@pytest.mark.parametrize("scores", [[0.9, 0.5], [0.5, 0.9, 0.7], [0.5, -1e6, 0.9, 0.8, 0.7]])
def test_each_of_few_scores_is_inside_while_a_search_runs(tmp_path, begin, scores):
    """But for that of a training that diverged, beside which the others would be one line."""
    reporter = begin()
    trials = [record(number, score) for number, score in enumerate(scores)]
    for number, trial in enumerate(trials):
        play(reporter, trial, max(trials[: number + 1], key=lambda trial: trial.score))
    tags = charts(tmp_path / "search")["val_accuracy of each trial, and the best"]
    assert inside(tmp_path / "search", tags) == set(scores) - {-1e6}
    lines = {value for _, value in curve(tmp_path / "search_levels", "worst_score_level")}
    assert lines == {min(scores) if -1e6 not in scores else max(scores)}, "no line through a score between the others"


def test_the_best_score_of_an_earlier_process_has_a_line_before_there_is_another_score(tmp_path, begin):
    play(begin(), record(1, None, status="failed", metrics={}, history=[]), record(0, 0.9))
    assert {value for _, value in curve(tmp_path / "search_levels", "best_score_level")} == {0.9}


def test_a_log_of_many_trials_has_few_lines(tmp_path, begin):
    reporter = begin()
    trials = [record(number, number / 300, parameters=number, history=[]) for number in range(300)]
    for trial in trials:
        reporter.on_trial_end(trial, trial)
    (path,) = (tmp_path / "search_levels").iterdir()
    assert path.stat().st_size < 3_000_000


def charts(directory):
    """Return a dict from the title of a chart to its tags."""
    content = read(directory).Tensors(layout_metadata.CONFIG_SUMMARY_TAG)[-1].tensor_proto.string_val[0]
    categories = layout_pb2.Layout.FromString(content).category
    return {
        chart.title: [pattern.removesuffix("$").replace("\\", "") for pattern in chart.multiline.tag]
        for category in categories
        for chart in category.chart
    }


def test_baselines_are_lines_beside_the_best_score_if_they_are_near(tmp_path, begin):
    reporter = begin()
    for name, score in (("constant", 0.1), ("linear", 0.85)):
        reporter.on_trial_end(TrialRecord(name, -1, "baseline", status="completed", score=score), None)
    good, bad = record(0, 0.9), record(1, 0.8)
    title = "Best val_accuracy so far (larger is better), baselines: constant 0.1, linear 0.85"
    play(reporter, good, good)
    assert charts(tmp_path / "search")[title] == ["best_score", "best_score_level"]
    play(reporter, bad, good)
    assert charts(tmp_path / "search")[title] == ["best_score", "best_score_level", "baseline/linear"]
    assert curve(tmp_path / "search", "baseline/constant") == [(0, 0.1), (1, 0.1)]
    assert curve(tmp_path / "search", "baseline/linear") == [(0, 0.85), (1, 0.85)]
    assert {path.name for path in tmp_path.iterdir()} == {"search", "search_levels", "trial_0000", "trial_0001"}


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
    settings = written(run, "search/3_settings")
    assert "# digits" in settings and "| time_limit | 60 |" in settings and "| epochs | 3 |" in settings
    space = written(run, "search/4_search_space")
    assert "| block_1 | DenseBlock | input_1 |" in space and "| units | Int | 8 to 64 |" in space
    assert "| python | 3.12 |" in written(run, "search/5_environment")
    board = written(run, "search/2_leaderboard")
    summary = written(run, "search/1_summary")
    assert "Trial 0 is the best" in summary and "time_limit reached" in summary
    rows = board.splitlines()
    assert rows[-2] == "| 1 | 0000 | 0.9 | 2.5 s | 1,234 | dense, adam |"
    assert rows[-1] == "|  | 0001 |  | 2.5 s | 1,234 | failed: a\\|b c |"


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
    assert "search/3_settings" not in tags


def test_files_are_closed_when_a_trial_ends(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9)
    reporter.on_trial_begin(trial)
    writer = reporter._trials[trial.trial_id, trial.stage].run._writer
    reporter.on_trial_end(trial, trial)
    assert writer.closed and not reporter._trials


def test_costs_less_than_5_milliseconds_of_python_a_trial(begin, relative_cost):
    reporter = begin()
    trials = (record(number, 0.9) for number in itertools.count())

    def play_next():
        trial = next(trials)
        play(reporter, trial, trial)

    assert relative_cost(play_next) < 5.0


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


def test_the_losses_by_which_options_were_selected_are_points_of_the_last_epoch(tmp_path, begin):
    reporter = begin()
    play(reporter, supernet_epoch(1, 1, 0.5), record(0, 0.9))
    losses = {"cell/edge": {"convolution_3": 0.75, "identity": 0.5}}
    report = {"finalists": [[{}, 0.5]], "n_scored": 1, "epoch": 1, "losses_without": losses}
    values = {"tuner/stage": "one_shot"}
    play(reporter, record(2, None, stage="one_shot", values=values, history=[], report=report), record(0, 0.9))
    assert curve(tmp_path / "supernet", "loss_without/cell/edge/convolution_3") == [(1, 0.75)]


def test_one_shot_losses_are_losses(tmp_path):
    reporter = TensorBoardReporter(str(tmp_path))
    reporter.on_search_begin(SearchInfo("val_loss", "min", SPACE))
    report = {"finalists": [[{"block": "dense"}, -0.25], [{"block": "convolution"}, [-0.5, 3.0]]], "n_scored": 40}
    scored = record(4, None, stage="one_shot", values={"tuner/stage": "one_shot"}, history=[], report=report)
    play(reporter, scored, record(0, 0.9))
    reporter.on_search_end([], "max_trials")
    assert curve(tmp_path / "search", "one_shot/score_by_rank") == [(1, 0.25), (2, 0.5)]


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


def test_a_trial_that_ends_late_has_the_next_place_since_points_out_of_order_would_erase_others(tmp_path, begin):
    reporter = begin()
    trials = [record(number, 0.5 + number / 10) for number in range(4)]
    for trial in trials[:2]:
        reporter.on_trial_begin(trial)
    for ended, begun in ((1, 2), (0, 3), (2, None), (3, None)):
        reporter.on_trial_end(trials[ended], trials[ended])
        reporter.on_search_numbers(trials[ended], {"strategy/temperature": ended})
        if begun is not None:
            reporter.on_trial_begin(trials[begun])
    assert curve(tmp_path / "search", "score") == [(1, 0.6), (2, 0.5), (3, 0.7), (4, 0.8)]
    assert curve(tmp_path / "search", "strategy/temperature") == [(1, 1.0), (2, 0.0), (3, 2.0), (4, 3.0)]
    assert [value for _, value in curve(tmp_path / "search", "running")] == [1, 2, 2, 2]


def test_long_trainings_leave_epochs_out_and_keep_the_last_one(tmp_path, begin):
    reporter = begin()
    trial = record(0, 0.9, history=[{"loss": 1.0}] * 1001)
    play(reporter, trial, trial)
    epochs = [step for step, _ in curve(tmp_path / "trial_0000", "loss")]
    assert epochs[:100] == [*range(1, 100), 100] and epochs[100:102] == [102, 104] and epochs[-2:] == [992, 1001]
    assert len(epochs) < 300


def test_beyond_some_megabytes_only_the_best_trials_get_a_run(tmp_path, begin, monkeypatch):
    monkeypatch.setattr("autonas.reporting.tensorboard.reporter._MAX_BYTES", 500)
    reporter = begin()
    trials = [record(number, score) for number, score in enumerate((0.7, 0.6, 0.8))]
    for trial, best in zip(trials, (0, 0, 2), strict=True):
        play(reporter, trial, trials[best])
    reporter.on_search_end(trials, "max_trials")
    assert {path.name for path in tmp_path.iterdir()} == {"search", "search_levels", "trial_0000", "trial_0002"}
    assert curve(tmp_path / "trial_0002", "loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    assert [step for step, _ in curve(tmp_path / "search", "score")] == [0, 1, 2]


def test_an_hour_stays_under_50_megabytes(tmp_path, begin):
    reporter = begin(seconds_ago=3600)  # There is time for all pictures.
    trials = [record(number, number // 50 / 10, phases=dict.fromkeys("abcde", 0.1)) for number in range(300)]
    for trial in trials:
        play(reporter, trial, trials[trial.number // 50 * 50])  # Six are the best so far.
        reporter.on_search_numbers(trial, {f"strategy/number_{index}": 0.5 for index in range(20)})
    reporter.on_search_end(trials, "time_limit")
    pictures = [each.tensor_proto.string_val[2] for each in read(tmp_path / "search").Tensors("search/1_best_so_far")]
    assert len(pictures) == 6
    per_trial = sum(path.stat().st_size for path in (tmp_path / "search").iterdir()) / len(trials)
    n_trials = 12_000  # If each takes 0.3 s.
    assert _MAX_BYTES + per_trial * n_trials + len(pictures[-1]) * (_N_QUEUED + _N_LATE) < 50e6


def test_what_is_counted_goes_on_where_an_earlier_process_stopped(tmp_path, begin):
    failed = {"status": "failed", "metrics": {}, "history": []}
    first = begin()
    play(first, record(0, None, **failed), None)
    first.on_search_end([record(0, None, **failed)], "interrupted")
    second = begin()
    done = record(1, 0.9, phases={"train": 2.0})
    play(second, done, done)
    play(second, record(2, None, **failed), done)
    search = tmp_path / "search"
    assert curve(search, "failures/failed") == [(0, 1.0), (1, 1.0), (2, 2.0)]
    assert curve(search, "trial_seconds/train") == [(1, 2.0), (2, 2.0)]


def test_the_columns_of_hparams_are_written_with_the_first_score_and_again_in_the_end(tmp_path, begin):
    def columns():
        content = read(tmp_path / "search").SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
        return [info.name.tag for info in metadata.parse_experiment_plugin_data(content).metric_infos]

    reporter = begin()
    play(reporter, record(0, None, status="failed", metrics={}, history=[]), None)
    assert not list((tmp_path / "search").glob("*configuration"))
    done = record(1, 0.9)
    play(reporter, done, done)
    assert "result/score" in columns() and "result/val_loss" not in columns()
    # A trial that failed has no score, whatever others have.
    assert "result/score" not in read(tmp_path / "trial_0000").Tags()["tensors"]
    reporter.on_search_end([done, record(2, 0.8, metrics={"val_accuracy": 0.8, "val_loss": 0.3})], "max_trials")
    assert "result/val_loss" in columns()
    # There is one configuration: a second one wouldn't count.
    assert len(list((tmp_path / "search").glob("*configuration"))) == 1


def test_rows_of_hparams_get_the_rank_of_their_trial_when_the_search_ends(tmp_path, begin):
    def name(run):
        content = read(tmp_path / run).SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
        return metadata.parse_session_start_info_plugin_data(content).group_name

    reporter = begin()
    trials = [record(0, 0.8), record(1, 0.9), record(2, None, status="failed", metrics={}, history=[])]
    for trial in trials:
        play(reporter, trial, trials[min(trial.number, 1)])
    assert name("trial_0001") == "trial_0001"
    reporter.on_search_end(trials, "max_trials")
    names = [name(f"trial_{number:04d}") for number in range(3)]
    assert names == ["#2 0.800 (0)", "#1 0.900 (1)", "trial 2 failed"]
    # There is one row: a second one wouldn't count.
    assert len(list((tmp_path / "trial_0001").glob("*row"))) == 1


def test_the_text_of_the_leaderboard_has_a_column_for_each_objective(tmp_path):
    reporter = TensorBoardReporter(str(tmp_path))
    names, directions = ["val_accuracy", "latency_ms"], ["max", "min"]
    reporter.on_search_begin(SearchInfo("val_accuracy", "max", SPACE, objectives=names, directions=directions))
    trials = [record(0, 0.9, metrics={"val_accuracy": 0.9, "latency_ms": 2.5}),
              record(1, None, status="refused", metrics={"latency_ms": 9.0}, message="too slow")]  # fmt: skip
    for trial in trials:
        play(reporter, trial, trials[0])
    reporter.on_search_end(trials, "max_trials")
    head, _, first, second = written(tmp_path / "search", "search/2_leaderboard").splitlines()
    assert head == "| rank | trial | val_accuracy | latency_ms | time | parameters | architecture |"
    assert first == "| 1 | 0000 | 0.9 | 2.5 | 2.5 s | 1,234 | dense, adam |"
    assert second == "|  | 0001 |  | 9 | 2.5 s | 1,234 | refused: too slow |"


def test_the_invitation_is_a_command_and_the_address_of_the_charts_of_the_search():
    command, address = invitation("runs/a b/tensorboard", port=7000).splitlines()
    *program, option, directory, _, port = shlex.split(command)
    assert (option, directory, port) == ("--logdir", "runs/a b/tensorboard", "7000")
    shown = subprocess.run([*program, "--version"], capture_output=True, text=True, timeout=300)
    assert shown.stdout.startswith("2."), shown.stderr
    start, runs, smoothing = address.split("&")
    assert (start, smoothing) == ("http://localhost:7000/#custom_scalars", "_smoothingWeight=0")
    pattern = urllib.parse.unquote(runs.removeprefix("regexInput="))
    for run in (
        "search",
        "search_levels",
        "tensorboard/search",
        "a b/tensorboard/search",
        "runs/a b/tensorboard/search",
    ):
        assert re.search(pattern, run)
    for run in ("trial_0000", "other/tensorboard/search", "tensorboard/trial_0000", "a b/tensorboard/trial_0000"):
        assert not re.search(pattern, run)


def test_the_pareto_front_of_several_objectives_is_a_picture(tmp_path):
    reporter = TensorBoardReporter(str(tmp_path))
    names, directions = ["val_accuracy", "params"], ["max", "min"]
    reporter.on_search_begin(SearchInfo("val_accuracy", "max", SPACE, objectives=names, directions=directions))
    trials = [record(0, 0.9, metrics={"val_accuracy": 0.9, "params": 9.0}),
              record(1, 0.8, metrics={"val_accuracy": 0.8, "params": 5.0})]  # fmt: skip
    for trial in trials:
        play(reporter, trial, trials[0])
    reporter.on_search_end(trials, "max_trials")
    assert len(read(tmp_path / "search").Tensors("search/7_pareto_front")) == 1
