"""Pictures of the trials of a search: their course, their decisions, what they cost."""

import dataclasses
import itertools

import numpy as np
import pandas
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg

from autonas.reporting import SearchInfo, TrialRecord, plots
from autonas.reporting.plots.phases import seconds_by_phase

SEARCH = SearchInfo(
    "val_accuracy", "max",
    space=[{"name": "net/kind", "type": "Choice", "values": ["dense", "residual"]},
           {"name": "net/kind_residual/depth", "type": "Int", "min": 1, "max": 50},
           {"name": "optimization/learning_rate", "type": "Float", "min": 1e-4, "max": 1e-1},
           {"name": "net/flip", "type": "Boolean", "values": [True, False]}],
)  # fmt: skip


def trial(number, score=None, status="completed", **fields):
    values = {"net/kind": "dense", "optimization/learning_rate": 10.0 ** (-1 - number % 4), "net/flip": number % 2 == 0,
              "net/number": number}  # fmt: skip
    if number % 3 == 0:
        values |= {"net/kind": "residual", "net/kind_residual/depth": 1 + 5 * number}
    history = [] if score is None else [{"val_accuracy": score - 0.1}, {"val_accuracy": score}]
    return TrialRecord(
        f"{number:04d}", number, values=values | fields.pop("values", {}), status=status, score=score, history=history,
        best_epoch=len(history), started=100.0 + 10 * number, seconds=5.0, **fields,
    )  # fmt: skip


TRIALS = [trial(0, 0.5), trial(1, 0.7), trial(2, status="failed"), trial(3, 0.6), trial(4, 0.8),
          trial(5, status="refused"), trial(6, 0.75)]  # fmt: skip


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_history_has_every_score_and_the_best_so_far():
    axes = plots.plot_history(SEARCH, TRIALS)
    assert axes.collections[0].get_offsets().tolist() == [[0, 0.5], [1, 0.7], [3, 0.6], [4, 0.8], [6, 0.75]]
    best = axes.lines[0]
    assert best.get_xdata().tolist() == [0, 1, 4, 6] and best.get_ydata().tolist() == [0.5, 0.7, 0.8, 0.8]
    assert legend(axes) == ["trial", "best so far", "best: trial 4, 0.8", "failed (1)", "refused (1)"]
    assert axes.get_ylabel() == "val_accuracy (larger is better)"


def test_epochs_of_shared_weights_leave_no_gap():
    records = [trial(0, 0.5), TrialRecord("0001", 1, "supernet", status="completed"), trial(200, 0.6)]
    assert plots.plot_history(SEARCH, records).collections[0].get_offsets().tolist() == [[0, 0.5], [1, 0.6]]


def test_failed_and_refused_trials_stand_where_they_were():
    failed, refused = plots.plot_history(SEARCH, TRIALS).collections[1:]
    assert failed.get_offsets()[:, 0].tolist() == [2] and refused.get_offsets()[:, 0].tolist() == [5]


def test_over_seconds_a_trial_stands_where_it_ended():
    axes = plots.plot_history(SEARCH, TRIALS, "seconds")
    assert axes.collections[0].get_offsets()[:, 0].tolist() == [5, 15, 35, 45, 65]
    with pytest.raises(ValueError, match="`over` must be 'trials' or 'seconds'. Received: over='epochs'"):
        plots.plot_history(SEARCH, TRIALS, "epochs")


def test_trials_of_shorter_training_are_set_apart_and_the_best_score_wins_whatever_its_length():
    short = [trial(number, 0.9, values={"tuner/epochs": 2}) for number in range(3)]
    axes = plots.plot_history(SEARCH, [*short, trial(3, 0.8, values={"tuner/epochs": 10})])
    assert legend(axes) == ["trained for fewer than 10 epochs", "trial", "best so far", "best: trial 0, 0.9"]


def test_disasters_are_cut_off_and_said_to_be():
    minimised = dataclasses.replace(SEARCH, direction="min")
    records = [trial(number, 0.1 + 0.01 * number) for number in range(20)] + [trial(20, 5000.0)]
    axes = plots.plot_history(minimised, records)
    assert axes.get_ylim()[1] < 2 and "1 worse score is outside" in texts(axes)


def test_learning_curves_have_the_epochs_of_each_trial_and_the_best_in_the_legend():
    axes = plots.plot_curves(SEARCH, TRIALS)
    assert len(axes.lines) == 5
    assert axes.lines[-1].get_ydata().tolist() == [pytest.approx(0.7), 0.8]
    assert legend(axes) == ["trial 4", "trial 6", "trial 1", "trial 3", "trial 0"]


def test_importance_has_a_bar_for_each_decision_the_largest_on_top():
    axes = plots.plot_importance({"net/kind": 0.6, "optimization/learning_rate": 0.396, "net/flip": 0.004})
    assert [bar.get_width() for bar in axes.patches] == [0.6, 0.396, 0.004]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["kind", "learning rate", "flip"]
    assert [text.strip() for text in texts(axes)] == ["60%", "40%", "<1%"]
    assert axes.yaxis_inverted()


def test_of_many_decisions_the_least_are_one_bar():
    axes = plots.plot_importance({f"x{place}": 1 / 20 for place in range(20)})
    assert len(axes.patches) == 13 and axes.get_yticklabels()[-1].get_text() == "8 others"


def test_the_importance_of_features_is_drawn_with_its_deviation_and_cut_to_the_first_twelve():
    features = pandas.DataFrame(
        {"feature": [f"$x{place}$" for place in range(20)], "importance": np.arange(20)[::-1] / 20}
    ).assign(standard_deviation=0.1)
    axes = plots.plot_feature_importance(features)
    assert [bar.get_width() for bar in axes.patches] == features.importance[:12].tolist()
    assert axes.get_yticklabels()[0].get_text() == r"\$x0\$"
    assert axes.get_xlabel() == "decrease of the score, without 8 less important features"


def test_parallel_coordinates_have_a_line_for_each_trial_through_its_values():
    axes = plots.plot_parallel(SEARCH, TRIALS, {"net/kind": 0.7, "net/kind_residual/depth": 0.3})
    scored, failed = axes.collections
    lines = [np.asarray(line) for line in scored.get_segments()]
    assert len(lines) == 5 and len(failed.get_segments()) == 1
    best = lines[-1]  # on top: trial 4, dense, so without a depth
    assert best[0][1] == pytest.approx(0, abs=0.03) and best[1][1] < -0.1 and best[-1][1] == 1
    shown = texts(axes)
    assert shown.index("kind") < shown.index("depth") < shown.index("learning rate") < shown.index("val_accuracy")
    assert {"dense", "residual", "inactive", "on", "off", "failed", "trial 4", "0.1"} <= set(shown)


def test_a_failed_trial_may_have_a_value_that_no_completed_one_has():
    trials = [*TRIALS, trial(9, status="failed")]
    axes = plots.plot_parallel(SEARCH, trials, {"net/kind_residual/depth": 1.0})
    depths = [text.get_text() for text in axes.texts]
    assert "46" in depths and "31" in depths


def test_equal_scores_have_one_tick():
    trials = [dataclasses.replace(trial, score=0.95) for trial in TRIALS if trial.score is not None]
    axes = plots.plot_parallel(SEARCH, trials)
    assert [shown.get_text() for shown in axes.texts].count("0.95") == 1


def test_heads_of_parallel_axes_do_not_overlap():
    kinds = ("residual", "convolution", "separable", "transformer")
    names = [f"a_long_block/kind_{kind}/layers_0/global_average_pooling_size" for kind in kinds]
    search = SearchInfo("val_mean_absolute_percentage_error", "min", [
        {"name": name, "type": "Choice", "values": [1, 2]} for name in names])  # fmt: skip
    trials = [trial(number, 0.1 * number, values=dict.fromkeys(names, 1 + number % 2)) for number in range(4)]
    figure = plots.figure(plots.plot_parallel, search, trials)
    FigureCanvasAgg(figure).draw()
    heads = [text for text in figure.axes[0].texts if text.get_fontweight() == "bold" and text.get_position()[1] > 1]
    assert len(heads) == 5
    extents = sorted((box.x0, box.x1) for box in (head.get_window_extent() for head in heads))
    assert all(left[1] < right[0] for left, right in itertools.pairwise(extents))


def test_parallel_coordinates_compare_only_trials_of_one_length():
    long = [trial(number, 0.9, values={"tuner/epochs": 9}) for number in range(2)]
    short = [trial(number, 0.01 * number, values={"tuner/epochs": 1}) for number in range(2, 8)]
    axes = plots.plot_parallel(SEARCH, long + short)
    assert len(axes.collections[0].get_segments()) == 6
    assert "6 trials, trained for 1 epochs" in texts(axes)


def test_phases_add_up_to_the_seconds_of_the_trials():
    records = [
        dataclasses.replace(TRIALS[0], phases={"build": 1.0, "train": 3.0}),
        dataclasses.replace(TRIALS[1], phases={"train": 5.0}),
        TrialRecord("final", 9, "final", seconds=2.0, phases={"train": 2.0}),
    ]
    assert seconds_by_phase(records) == {
        "trials": {"build": 1.0, "train": 8.0, "other": 1.0}, "final fit": {"train": 2.0},
    }  # fmt: skip
    axes = plots.plot_phases(records)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["trials", "final fit"]
    assert legend(axes) == ["build, 1.0 s", "train, 10.0 s", "other, 1.0 s"]


@pytest.mark.parametrize("direction", ["min", "max"])
def test_ranks_pair_scores_of_the_same_architecture(direction):
    search = dataclasses.replace(SEARCH, direction=direction)
    sign = -1 if direction == "min" else 1
    # One-shot scores are told as the larger, the better; a trial may go on from the weights of another.
    finalists = [[each.values, sign * score] for each, score in ((TRIALS[0], 0.2), (TRIALS[1], 0.3), (TRIALS[4], 0.5))]
    finalists += [[TRIALS[5].values, 0.1], [{"net/kind": "never trained"}, 0.1], [TRIALS[3].values, None]]
    stage = TrialRecord("0100", 100, "one_shot", status="completed", report={"finalists": finalists})
    records = [dataclasses.replace(each, values=each.values | {"tuner/trial_id": "0099"}) for each in TRIALS]
    restored = TrialRecord.from_json(stage.to_json())
    axes = plots.plot_ranks(search, [*records, restored])
    assert axes.collections[0].get_offsets().tolist() == [[0.2, 0.5], [0.3, 0.7], [0.5, 0.8]]
    assert axes.get_title() == "Kendall's τ 1.00 of 3 architectures" and texts(axes) == ["0", "1", "4"]


def test_what_can_not_be_drawn_is_said():
    nothing = [
        plots.plot_history(SEARCH, []), plots.plot_curves(SEARCH, TRIALS[2:3]), plots.plot_importance({}),
        plots.plot_parallel(SEARCH, TRIALS[:1]), plots.plot_phases([]), plots.plot_ranks(SEARCH, TRIALS),
    ]  # fmt: skip
    assert all(len(axes.texts) == 1 and not axes.axison for axes in nothing)


def test_axes_that_are_given_are_drawn_into_and_a_figure_of_its_own_is_none_of_pyplots():
    calls = [
        (plots.plot_history, SEARCH, TRIALS), (plots.plot_curves, SEARCH, TRIALS), (plots.plot_importance, {"a": 1.0}),
        (plots.plot_parallel, SEARCH, TRIALS), (plots.plot_phases, TRIALS),
    ]  # fmt: skip
    for plot, *arguments in calls:
        axes = pyplot.subplots()[1]
        assert plot(*arguments, axes=axes) is axes
    pyplot.close("all")
    for plot, *arguments in calls:
        FigureCanvasAgg(plots.figure(plot, *arguments)).draw()
    assert not pyplot.get_fignums()


def test_names_are_no_formulas():
    search = dataclasses.replace(SEARCH, objective="$cost$ of $x")
    for figure in (plots.figure(plots.plot_history, search, TRIALS), plots.figure(plots.plot_parallel, search, TRIALS),
                   plots.figure(plots.plot_importance, {"$a$": 0.5, "b$": 0.5})):  # fmt: skip
        FigureCanvasAgg(figure).draw()


@pytest.mark.parametrize("plot", [plots.plot_curves, plots.plot_history])
def test_a_single_trial_of_one_epoch_has_no_fractions_of_an_epoch_or_trial(plot):
    single = trial(0, 0.5)
    single.history = single.history[1:]
    axes = plot(SEARCH, [single])
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks and all(tick == int(tick) for tick in ticks)
