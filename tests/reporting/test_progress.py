"""The progress display: plain lines without a terminal, a live display on one."""

import io
import time

import rich.console

from autonas.reporting import ProgressReporter, SearchInfo, TrialRecord
from autonas.trials.states import Status


def run(reporter):
    search = SearchInfo("val_accuracy", "max", max_trials=3, started=time.time() - 45.0)
    first = TrialRecord("0003", 3, status="completed", score=0.98263, seconds=4.1, epochs=18)
    first.values = {"tuner/stage": "train", "units": 64, "block": "dense"}
    best = TrialRecord("0002", 2, status="completed", score=0.98611, seconds=65.0, epochs=1)
    best.values = {"block": "convolution", "rate": 0.1}
    failed = TrialRecord("0004", 4, status="failed", message="out of\nmemory", seconds=0.52)
    failed.values = {"stem/units": 64, "rate": 0.25}
    final = TrialRecord("final", 5, stage="final", status="completed", seconds=5.0, epochs=7)
    final.values = best.values
    records = [first, best, failed, final]
    reporter.on_search_begin(search)
    for record, leader in zip(records, [first, best, best, best], strict=True):
        reporter.on_trial_begin(record)
        reporter.on_epoch_end(record, 1, {"loss": 0.51234, "val_accuracy": 0.9})
        reporter.on_trial_end(record, leader)
    reporter.on_search_end(records, "max_trials reached")


LINES = [
    "trial 3  val_accuracy 0.9826  (best 0.9826)  4.1 s  18 epochs  dense",
    "trial 2  val_accuracy 0.9861  (best 0.9861)  1:05  1 epoch  convolution",
    "trial 4  failed: out of memory  (best 0.9861)  0.5 s  0 epochs  rate 0.25, units 64",
    "final  (best 0.9861)  5.0 s  7 epochs  convolution",
    "search ended: max_trials reached  (3 trials, 45.0 s, best val_accuracy 0.9861)",
]


def test_one_line_a_trial_without_a_terminal(capsys):
    run(ProgressReporter(verbose=1))
    assert capsys.readouterr().out.splitlines() == LINES


def test_with_shared_weights_a_line_says_which_decisions_are_searched(capsys):
    space = [{"name": f"net/layer_{index}", "type": "Choice", "values": [1, 2]} for index in range(9)]
    space += [{"name": "optimization/batch_size", "type": "Choice", "values": [16, 32]},
              {"name": "optimizer", "type": "Fixed", "values": ["adam"]}]  # fmt: skip
    search = SearchInfo("val_loss", "min", space, unsearched=["net/layer_8", "optimization/batch_size", "optimizer"])
    reporter = ProgressReporter()
    reporter.on_search_begin(search)
    line, _ = capsys.readouterr().out.split("\n")
    named = ", ".join(f"layer {index}" for index in range(6))
    assert line == (
        f"Shared weights: 8 of 10 decisions are searched ({named}, and 2 more); "
        "the other 2 keep their defaults (layer 8, batch size)."
    )


def test_verbose_0_is_silent(capsys):
    run(ProgressReporter(verbose=0))
    assert capsys.readouterr() == ("", "")


def test_verbose_2_adds_a_line_an_epoch(capsys):
    run(ProgressReporter(verbose=2))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["trial 3  epoch 1  loss 0.5123  val_accuracy 0.9", LINES[0]]
    assert len(lines) == 4 + len(LINES)


def test_a_search_without_a_score_ends_with_a_line_too(capsys):
    reporter = ProgressReporter()
    reporter.on_search_begin(SearchInfo("val_loss", "min", started=time.time() - 1.0))
    reporter.on_search_end([], "time_limit reached")
    assert capsys.readouterr().out == "search ended: time_limit reached  (0 trials, 1.0 s)\n"


def test_interrupted_candidates_are_not_counted_as_trials(capsys):
    reporter = ProgressReporter()
    reporter.on_search_begin(SearchInfo("val_loss", "min", started=time.time() - 1.0))
    records = [TrialRecord(str(number), number, status=Status.INTERRUPTED) for number in range(2)]
    reporter.on_search_end([*records, TrialRecord("2", 2, status=Status.FAILED)], "interrupted")
    assert capsys.readouterr().out == "search ended: interrupted  (1 trial, 2 interrupted, 1.0 s)\n"


def test_the_time_of_the_preparation_is_shown(capsys):
    reporter = ProgressReporter()
    reporter.on_search_begin(SearchInfo("val_loss", "min", started=time.time() - 30.0, preparation=12.0))
    reporter.on_search_end([], "time_limit")
    assert capsys.readouterr().out == "search ended: time_limit  (0 trials, 30.0 s of which preparation 12.0 s)\n"


def test_long_lines_are_not_wrapped(capsys):
    reporter = ProgressReporter()
    reporter.on_search_begin(SearchInfo("val_loss", "min"))
    reporter.on_trial_end(TrialRecord("0", 0, values={"block": "x" * 300}, status="completed", score=1.0), None)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_live_display_on_a_terminal():
    console = rich.console.Console(file=io.StringIO(), force_terminal=True, width=120, legacy_windows=False)
    reporter = ProgressReporter(verbose=1, console=console)
    search = SearchInfo("val_accuracy", "max", max_trials=20, time_limit=90.0, title="digits [8 x 8]")
    first = TrialRecord("0", 0, values={"block": "dense"}, status="completed", score=0.9)
    reporter.on_search_begin(search)
    reporter.on_trial_end(first, first)
    running = TrialRecord("1", 1, values={"block": "residual"})
    reporter.on_trial_begin(running)
    reporter.on_epoch_end(running, 4, {"val_accuracy": 0.8765})
    console.print(reporter._state.table())
    shown = console.file.getvalue()
    reporter.on_search_end([first], "stopped")
    for part in ("digits [8 x 8]", "1 / 20", "/ 1:30", "0.9000", "trial 0: dense", "trial 1: residual",
                 "epoch 4: 0.8765"):  # fmt: skip
        assert part in shown, part
    assert "search ended: stopped" in console.file.getvalue()
    assert "trial 0  val_accuracy" not in console.file.getvalue()


def shown(reporter):
    console = rich.console.Console(file=io.StringIO(), width=140)
    console.print(reporter._state.table())
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_the_first_trial_with_shared_weights_is_no_architecture_to_differ_from():
    reporter = ProgressReporter(verbose=1, console=rich.console.Console(file=io.StringIO()))
    reporter.on_search_begin(SearchInfo("val_accuracy", "max"))
    supernet = TrialRecord("0", 0, "supernet")
    for record in (supernet, *(TrialRecord(f"{number}", number, values={"units": 8 * number}) for number in (1, 2))):
        reporter.on_trial_begin(record)
        if record is supernet:
            reporter.on_trial_end(record, None)
    assert shown(reporter)[-2:] == ["running starting trial 1: units 8", "starting trial 2: units 16"]
    reporter.on_trial_begin(TrialRecord("3", 3, values={"units": 8}))
    assert shown(reporter)[-1] == "starting trial 3: same as trial 1"


def test_the_display_says_of_every_trial_that_is_running_how_it_differs_from_the_first():
    reporter = ProgressReporter(verbose=1, console=rich.console.Console(file=io.StringIO()))
    reporter.on_search_begin(SearchInfo("val_accuracy", "max"))
    blocks = ("dense", "dense", "residual")
    records = [TrialRecord(f"{number}", number, values={"block": block}) for number, block in enumerate(blocks)]
    for record in records:
        reporter.on_trial_begin(record)
    reporter.on_epoch_end(records[1], 4, {"val_accuracy": 0.8765})
    records[0].status = "failed"
    reporter.on_trial_end(records[0], None)
    assert shown(reporter)[-2:] == ["running epoch 4: 0.8765 trial 1: same as trial 0", "starting trial 2: residual"]
    assert shown(reporter)[0] == "trials 1 1 failed"


def test_time_left_is_that_of_the_limit_or_estimated_from_the_trials_so_far():
    def left(n_before, n_trials, **arguments):
        search = SearchInfo("val_loss", "min", started=time.time() - 60.0, n_before=n_before, **arguments)
        reporter = ProgressReporter(verbose=1, console=rich.console.Console(file=io.StringIO()))
        reporter.on_search_begin(search)
        for number in range(n_trials):
            record = TrialRecord(f"{number}", number, status="completed", score=0.5)
            reporter.on_trial_begin(record)
            reporter.on_trial_end(record, record)
        return reporter._state.left()

    assert left(0, 0, time_limit=90.0, max_trials=10) == "30.0 s left"
    assert left(0, 0, max_trials=10) == ""
    assert left(0, 4, max_trials=10) == "about 1:30 left"
    assert left(4, 4, max_trials=10) == "about 30.0 s left"
    assert left(0, 4) == ""


def test_where_more_is_to_be_seen_is_said_first(capsys):
    for verbose, said in ((1, ["look there"]), (0, [])):
        reporter = ProgressReporter(verbose=verbose, invitation=["look there"])
        reporter.on_search_begin(SearchInfo("val_loss", "min"))
        assert capsys.readouterr().out.splitlines() == said


def test_stages_of_a_one_shot_search(capsys):
    def play(reporter, record, best):
        reporter.on_trial_begin(record)
        reporter.on_epoch_end(record, record.values.get("tuner/epochs", 1), record.metrics)
        reporter.on_trial_end(record, best)

    best = TrialRecord("0000", 0, status="completed", score=0.9, epochs=5, seconds=3.0, values={"block": "dense"})
    epoch = TrialRecord(
        "0001", 1, "supernet", {"tuner/stage": "supernet", "tuner/epochs": 7}, status="completed", seconds=2.5
    )
    epoch.metrics = {"loss": 0.5, "val_accuracy": 0.25, "entropy": 1.0986}
    scores = TrialRecord("0002", 2, "one_shot", {"tuner/stage": "one_shot"}, status="completed", seconds=9.0)
    scores.metrics = {"val_accuracy": 0.75}
    reporter = ProgressReporter(verbose=2)
    reporter.on_search_begin(SearchInfo("val_accuracy", "max", max_trials=6, n_before=1))
    play(reporter, epoch, best)
    play(reporter, scores, best)
    assert capsys.readouterr().out.splitlines() == [
        "supernet epoch 7  loss 0.5  val_accuracy 0.25  entropy 1.099  (best 0.9000)  2.5 s",
        "one-shot  val_accuracy 0.75  (best 0.9000)  9.0 s",
    ]
    console = rich.console.Console(file=io.StringIO(), width=120)
    console.print(reporter._state.table())
    # Neither counts; the candidate of an earlier process does.
    assert "1 / 6" in console.file.getvalue()


def test_baselines_are_shown_before_the_trials_and_beside_the_best(capsys):
    reporter = ProgressReporter()
    names, directions = ["val_accuracy", "params"], ["max", "min"]
    reporter.on_search_begin(SearchInfo("val_accuracy", "max", objectives=names, directions=directions))
    for name, score in (("last_value", 0.4), ("linear", 0.9)):
        reporter.on_trial_end(TrialRecord(name, -1, "baseline", status="completed", score=score), None)
    trial = TrialRecord("0000", 0, status="completed", score=0.95, metrics={"params": 7.0})
    reporter.on_trial_begin(trial)
    reporter.on_trial_end(trial, trial)
    reporter.on_search_end([trial], "max_trials")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("last value  val_accuracy 0.4000") and lines[1].startswith("linear  val_accuracy 0.9000")
    assert "best val_accuracy 0.9500, baselines: last value 0.4000, linear 0.9000" in lines[-1]
