"""Layout of TensorBoard's custom scalars with charts of the search."""

import re

from tensorboard.plugins.custom_scalar import layout_pb2

from autonas.costs.orientation import comparative

#: Maximum number of curves in a chart: the longest phases, or the shortest length scales.
_N_CURVES = 5
#: Maximum distance of a baseline from the best score, in distances of the worst score, for a line in the chart.
_NEAR = 2.0
#: Tags, and prefixes of tags, whose charts have lines at the smallest and the largest value; endings of these lines.
_WITH_RANGE = {"seconds", "parameters", "running", "hypervolume"}
_FAMILIES_WITH_RANGE = ("failures/", "objective/")
_RANGE = ("_smallest", "_largest")
_LENGTH_SCALES = "Shortest length scales: the most important decisions"
#: Labels of phases whose names aren't clear by themselves.
_PHASES = {"wait": "wait for trials"}
#: Titles of charts for several numbers of a strategy, by patterns of their tags.
_TOGETHER = {
    "strategy/(predicted|observed)$": "Predicted and observed score",
    "strategy/(reward|baseline)$": "Reward of each trial, and the baseline",
    "strategy/population_fitness_": "Fitness of the population: best, median, worst",
    "strategy/rung/": "Architectures scored at each rung",
    "strategy/length_scale/": _LENGTH_SCALES,
    "supernet/path_score_": "Scores of sampled paths with shared weights: mean, minimum, maximum",
}


def layout(search, numbers):
    """Return the layout of the charts for the existing scalars.

    Args:
        search: The `SearchInfo`.
        numbers: Dict from the tags of scalars in the run of the search to their last values. Charts without curves are
            left out.

    Returns:
        A `layout_pb2.Layout`.
    """
    better = comparative(search.direction)

    def phases(title, family):
        tags = sorted((tag for tag in numbers if tag.startswith(f"{family}/")), key=numbers.get)[: -_N_CURVES - 1 : -1]
        # All curves of a run have the same colour, so the title lists the curves from top to bottom.
        names = [tag.partition("/")[2] for tag in tags]
        title = f"{title}: {' > '.join(_PHASES.get(name, name) for name in names)}"
        return {title: [*tags, *range_of_phases(family)] if tags else []}

    groups = {
        "Search": {
            f"Best {search.objective} so far ({better} is better){_baselines_text(numbers)}": [
                "best_score",
                "best_score_level",
                *near_baselines(numbers),
            ],
            f"Best {search.objective} so far, over seconds": [
                "best_score_over_seconds",
                "best_score_over_seconds_level",
            ],
            f"{search.objective} of each trial, and the best": [
                "score",
                "best_score_level",
                "worst_score_level",
            ],
            **{f"{name} of each trial": _with_range(f"objective/{name}") for name in search.objectives[1:]},
            "Hypervolume of the front so far": _with_range("hypervolume"),
        },
        "Cost": {
            **phases("Seconds of trials", "trial_seconds"),
            **phases("Seconds of the search", "seconds"),
            "Seconds of each trial": _with_range("seconds"),
            "Parameters of each trial": _with_range("parameters"),
        },
        "Failures": {
            "Failed trials so far": _with_range("failures/failed"),
            "Refused trials so far": _with_range("failures/refused"),
            "Running trials": _with_range("running"),
        },
        "Strategy": {},
        "Shared weights": {
            "Scores of the finalists by rank": ["one_shot/score_by_rank"],
            "Rank correlation of one-shot scores and scores of trained models": ["rank_correlation"],
        },
    }
    for tag in sorted(tag for tag in numbers if tag.startswith(("strategy/", "supernet/"))):
        group = groups["Strategy" if tag.startswith("strategy/") else "Shared weights"]
        group.setdefault(_title(search, tag), []).append(tag)
    if _LENGTH_SCALES in groups["Strategy"]:
        groups["Strategy"][_LENGTH_SCALES].sort(key=numbers.get)
        del groups["Strategy"][_LENGTH_SCALES][_N_CURVES:]
    charts_by_title = {
        # A chart needs its first curve, which the title names.
        title: {
            name: [tag for tag in tags if tag in numbers]
            for name, tags in charts.items()
            if tags and tags[0] in numbers
        }
        for title, charts in groups.items()
    }
    return layout_pb2.Layout(
        category=[
            layout_pb2.Category(title=title, chart=[_chart(name, tags) for name, tags in charts.items() if tags])
            for title, charts in charts_by_title.items()
            if any(charts.values())
        ]
    )


def near_baselines(numbers):
    """Return the tags of the baselines near the scores, a list; the lines of others would flatten the other curves."""
    best = numbers.get("best_score")
    if best is None:  # All trials so far have failed or were refused.
        return []
    distance = _NEAR * abs(numbers.get("worst_score_level", best) - best)
    return [tag for tag in _baselines(numbers) if abs(numbers[tag] - best) <= distance]


def has_range(tag):
    """Return whether the chart of a number of each trial has lines at the smallest and the largest value."""
    return tag in _WITH_RANGE or tag.startswith(_FAMILIES_WITH_RANGE) and not tag.endswith(_RANGE)


def range_of(tag):
    """Return the tags of the lines at the smallest and the largest value of a number, a list."""
    return [f"{tag}{ending}" for ending in _RANGE]


def range_of_phases(family):
    """Return the tags of the lines at zero and at the largest of the numbers whose tags begin with a family's name."""
    return range_of(f"by_phase/{family}")


def _with_range(tag):
    return [tag, *range_of(tag)]


def _baselines(numbers):
    return [tag for tag in numbers if tag.startswith("baseline/")]


def _baselines_text(numbers):
    """Return the baselines as text for the title, since all curves of a run have the same colour."""
    names = [f"{tag.partition('/')[2].replace('_', ' ')} {numbers[tag]:.4g}" for tag in _baselines(numbers)]
    return f", baselines: {', '.join(names)}" if names else ""


def _title(search, tag):
    """Return the title of the chart of a strategy's number. Related numbers share a chart per objective."""
    objective = next((name for name in search.objectives if tag.endswith(f"/{name}")), None)
    tag = tag.removesuffix(f"/{objective}")
    title = next((title for begin, title in _TOGETHER.items() if re.match(begin, tag)), None)
    if title is None:
        name = tag.partition("/")[2].replace("_", " ").replace("/", ", ")
        title = name[0].upper() + name[1:]
    return title if objective is None else f"{title} ({objective})"


def _chart(title, tags):
    patterns = [f"{re.escape(tag)}$" for tag in tags]
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=patterns))
