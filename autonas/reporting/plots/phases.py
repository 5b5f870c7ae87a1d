"""Where the time went."""

from autonas.reporting import text
from autonas.reporting.plots import canvas
from autonas.trials.states import Stage

#: What candidates, shared weights and the final fit are called.
_STAGES = {
    Stage.SEARCH: "trials",
    Stage.SUPERNET: "shared weights",
    Stage.ONE_SHOT: "one-shot scores",
    Stage.FINAL: "final fit",
    Stage.BASELINE: "baselines",
}


def seconds_by_phase(records):
    """Seconds by stage and phase.

    Args:
        records: List of `TrialRecord`s.

    Returns:
        Dict from a stage in words to a dict from the name of a phase to seconds; what no phase accounts for is
        `"other"`. Stages and phases in which no time was spent are left out.
    """
    stages = {}
    for record in records:
        phases = stages.setdefault(_STAGES.get(record.stage, record.stage), {})
        for name, seconds in record.phases.items():
            phases[name] = phases.get(name, 0.0) + seconds
        phases["other"] = phases.get("other", 0.0) + max(0.0, record.seconds - sum(record.phases.values()))
    found = {}
    for stage, phases in stages.items():
        total = sum(phases.values())
        kept = {name: seconds for name, seconds in phases.items() if seconds > 0.005 * total}
        if kept:
            # "other" stands last.
            found[stage] = {**{name: kept[name] for name in kept if name != "other"},
                            **({"other": kept["other"]} if "other" in kept else {})}  # fmt: skip
    return found


def _size(records):
    return canvas.SIZE[0], 1.3 + 0.45 * max(1, len({record.stage for record in records}))


@canvas.sized(_size)
def plot_phases(records, axes=None):
    """Draws a bar for each stage of the search, divided by what its seconds went to.

    Args:
        records: List of `TrialRecord`s.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.
    """
    axes = canvas.new_axes(axes, _size(records))
    stages = seconds_by_phase(records)
    if not stages:
        return canvas.note(axes, "no time was measured")
    phases = list(dict.fromkeys(name for each in stages.values() for name in each if name != "other")) + ["other"]
    palette = [canvas.BLUE, canvas.ORANGE, canvas.GREEN, canvas.PURPLE, canvas.SKY, canvas.RED, "#F0E442", "0.35"]
    lefts = [0.0] * len(stages)
    for place, name in enumerate(phases):
        widths = [each.get(name, 0.0) for each in stages.values()]
        if not any(widths):
            continue
        colour = "0.8" if name == "other" else palette[place % len(palette)]
        label = canvas.plain(f"{name.replace('_', ' ')}, {text.duration(sum(widths))}")
        axes.barh(range(len(stages)), widths, left=lefts, color=colour, label=label, edgecolor="white", linewidth=0.5)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.set_yticks(range(len(stages)), [canvas.plain(stage) for stage in stages])
    axes.invert_yaxis()
    axes.set_xlabel("seconds (all workers together)")
    canvas.legend_above(axes)
    return canvas.tidy(axes)
