"""Layout of TensorBoard's custom scalars with charts of the search."""

import re

from tensorboard.plugins.custom_scalar import layout_pb2

from autonas.costs.orientation import comparative

#: Maximum number of curves in a chart: the longest phases, or the shortest length scales.
_N_CURVES = 5
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
        return {f"{title}: {' > '.join(_PHASES.get(name, name) for name in names)}": tags}

    groups = {
        "Search": {
            f"Best {search.objective} so far ({better} is better){_baselines_text(numbers)}": [
                "best_score",
                "best_score_level",
                *_baselines(numbers),
            ],
            f"Best {search.objective} so far, over seconds": [
                "best_score_over_seconds",
                "best_score_over_seconds_level",
            ],
            f"{search.objective} of each trial, and the best": ["score", "best_score_level"],
            **{f"{name} of each trial": [f"objective/{name}"] for name in search.objectives[1:]},
            "Hypervolume of the front so far": ["hypervolume"],
        },
        "Cost": {
            **phases("Seconds of trials", "trial_seconds"),
            **phases("Seconds of the search", "seconds"),
            "Seconds of each trial": ["seconds"],
            "Parameters of each trial": ["parameters"],
        },
        "Failures": {
            "Failed trials so far": ["failures/failed"],
            "Refused trials so far": ["failures/refused"],
            "Running trials": ["running"],
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
