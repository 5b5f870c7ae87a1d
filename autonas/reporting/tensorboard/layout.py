"""The page of custom scalars: charts of the search, instead of those of a hundred trials."""

import re

from tensorboard.plugins.custom_scalar import layout_pb2

#: Phases that have a curve in a chart of where the time went.
_N_PHASES = 5


def layout(search, numbers):
    """Returns the layout for what there is.

    Args:
        search: The `SearchInfo`.
        numbers: Dict from the tags of scalars in the run of the search to their last values. A chart without a curve
            isn't shown.

    Returns:
        A `layout_pb2.Layout`.
    """
    better = "smaller" if search.direction == "min" else "larger"

    def phases(title, family):
        tags = sorted((tag for tag in numbers if tag.startswith(f"{family}/")), key=numbers.get)[: -_N_PHASES - 1 : -1]
        # All curves of a run have one colour: the title says which is the upper one.
        return {f"{title}: {' > '.join(tag.partition('/')[2] for tag in tags)}": tags}

    groups = {
        "Search": {
            f"Best {search.objective} so far ({better} is better)": ["best_score"],
            "The same over seconds": ["best_score_over_seconds"],
            f"{search.objective} of each trial": ["score"],
            **{f"{name} of each trial": [f"objective/{name}"] for name in search.objectives[1:]},
            "Hypervolume of the front so far": ["hypervolume"],
        },
        "What it cost": {
            **phases("Seconds of trials", "trial_seconds"),
            **phases("Seconds of the search", "seconds"),
            "Seconds of each trial": ["seconds"],
            "Weights of each trial": ["parameters"],
        },
        "What failed": {
            "Trials that failed so far": ["failures/failed"],
            "Trials refused so far": ["failures/refused"],
            "Trials that run": ["running"],
        },
        "Strategy": {},
        "Shared weights": {
            "Scores of the finalists by rank": ["one_shot/score_by_rank"],
            "Agreement of one-shot scores with those of training": ["rank_correlation"],
        },
    }
    for family, title in (("strategy", "Strategy"), ("supernet", "Shared weights")):
        for tag in sorted(tag for tag in numbers if tag.startswith(f"{family}/")):
            name = tag.split("/")[1].replace("_", " ")
            groups[title].setdefault(name[0].upper() + name[1:], []).append(tag)
    found = {
        title: {name: [tag for tag in tags if tag in numbers] for name, tags in charts.items()}
        for title, charts in groups.items()
    }
    return layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=title, chart=[_chart(name, tags) for name, tags in charts.items() if tags]
            )
            for title, charts in found.items()
            if any(charts.values())
        ]
    )


def _chart(title, tags):
    patterns = [f"{re.escape(tag)}$" for tag in tags]
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=patterns))
