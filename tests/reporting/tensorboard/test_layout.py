"""The page of custom scalars."""

from autonas.reporting import SearchInfo
from autonas.reporting.tensorboard.layout import layout


def charts(numbers, **changes):
    """Tags of each chart by group and title."""
    found = layout(SearchInfo("val_accuracy", "max", **changes), numbers)
    return {group.title: {chart.title: list(chart.multiline.tag) for chart in group.chart} for group in found.category}


def test_a_chart_without_a_curve_is_not_shown():
    assert charts({}) == {}
    assert charts({"best_score": 0.5, "log_seconds": 1.0}) == {
        "Search": {"Best val_accuracy so far (larger is better)": ["best_score$"]}
    }


def test_the_best_score_stands_beside_the_baselines_that_are_near():
    numbers = {"best_score": 0.5, "worst_score_level": 0.35, "baseline/constant": 0.1, "baseline/last_value": 0.25}
    title = "Best val_accuracy so far (larger is better), baselines: constant 0.1, last value 0.25"
    # A line through the constant would flatten the curve.
    assert charts(numbers)["Search"] == {title: ["best_score$", "baseline/last_value$"]}
    # Without a distance between scores, nothing is near.
    del numbers["worst_score_level"]
    assert charts(numbers)["Search"] == {title: ["best_score$"]}
    # Without a score, as if the first trials are refused, there is no chart.
    del numbers["best_score"]
    assert charts(numbers) == {}


def test_titles_name_the_phases_the_longest_first_since_all_curves_have_one_colour():
    numbers = {f"trial_seconds/{phase}": float(place) for place, phase in enumerate("abcdefg")}
    found = charts(numbers)["Cost"]
    assert found == {"Seconds of trials: g > f > e > d > c": [rf"trial_seconds/{phase}$" for phase in "gfedc"]}


def test_each_objective_has_a_chart():
    numbers = {"score": 0.5, "objective/val_accuracy": 0.5, "objective/params": 9.0, "hypervolume": 0.1}
    found = charts(numbers, objectives=["val_accuracy", "params"])["Search"]
    assert list(found) == [
        "val_accuracy of each trial, and the best", "params of each trial", "Hypervolume of the front so far",
    ]  # fmt: skip


def test_what_a_strategy_says_is_together_where_it_belongs_together():
    numbers = {
        "strategy/predicted": 0.4, "strategy/observed": 0.5, "strategy/predicted_deviation": 0.1,
        "strategy/length_scale/a/units": 0.1, "strategy/length_scale/a/kind": 3.0,
        "strategy/population_fitness_best/params": 1.0, "strategy/population_fitness_worst/params": 9.0,
        "strategy/population_fitness_best/val_accuracy": 0.9, "supernet/path_score_mean": 0.3,
    }  # fmt: skip
    found = charts(numbers, objectives=["val_accuracy", "params"])
    assert found["Strategy"] == {
        "Shortest length scales: the most important decisions": [
            "strategy/length_scale/a/units$", "strategy/length_scale/a/kind$",
        ],
        "Predicted and observed score": ["strategy/observed$", "strategy/predicted$"],
        "Fitness of the population: best, median, worst (params)": [
            "strategy/population_fitness_best/params$", "strategy/population_fitness_worst/params$",
        ],
        "Fitness of the population: best, median, worst (val_accuracy)": [
            "strategy/population_fitness_best/val_accuracy$",
        ],
        "Predicted deviation": ["strategy/predicted_deviation$"],
    }  # fmt: skip
    assert list(found["Shared weights"]) == ["Scores of sampled paths with shared weights: mean, minimum, maximum"]
