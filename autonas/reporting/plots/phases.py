"""Plot of the time of a search by stage and phase."""

from autonas.reporting import text
from autonas.reporting.plots import canvas
from autonas.trials.states import Stage

#: Labels of the stages.
_STAGES = {
    Stage.SEARCH: "trials",
    Stage.SUPERNET: "shared weights",
    Stage.ONE_SHOT: "one-shot scores",
    Stage.FINAL: "final fit",
    Stage.BASELINE: "baselines",
}


def seconds_by_phase(records):
    """Return the seconds of a search by stage and phase.

    Args:
        records: List of `TrialRecord`s.

    Returns:
        Dict from the label of a stage to a dict from the name of a phase to seconds. Time outside of all phases is
        `"other"`. Stages and phases that took hardly any time are left out.
    """
    stages = {}
    for record in records:
        phases = stages.setdefault(_STAGES.get(record.stage, record.stage), {})
        for name, seconds in record.phases.items():
            phases[name] = phases.get(name, 0.0) + seconds
        phases["other"] = phases.get("other", 0.0) + max(0.0, record.seconds - sum(record.phases.values()))
    seconds_of = {}
    for stage, phases in stages.items():
        total = sum(phases.values())
        kept = {name: seconds for name, seconds in phases.items() if seconds > 0.005 * total}
        if kept:
            # "other" comes last.
            seconds_of[stage] = {**{name: kept[name] for name in kept if name != "other"},
                            **({"other": kept["other"]} if "other" in kept else {})}  # fmt: skip
    return seconds_of


def _size(records):
    return canvas.SIZE[0], 1.3 + 0.45 * max(1, len({record.stage for record in records}))


@canvas.sized(_size)
def plot_phases(records, axes=None):
    """Plot the seconds of every stage of the search as a bar, divided into phases.

    Args:
        records: List of `TrialRecord`s.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    from autonas.reporting import TrialRecord, plots

    record = TrialRecord("0000", 0, score=0.8, status="completed", seconds=12.0, phases={"compile": 2.0, "train": 9.0})
    picture = plots.figure(plots.plot_phases, [record])
    ```
    """
    axes = canvas.new_axes(axes, _size(records))
    stages = seconds_by_phase(records)
    if not stages:
        return canvas.note(axes, "no time was measured")
    names = dict.fromkeys(name for seconds_of in stages.values() for name in seconds_of if name != "other")
    phases = [*names, "other"]
    palette = [canvas.BLUE, canvas.ORANGE, canvas.GREEN, canvas.PURPLE, canvas.SKY, canvas.RED, "#F0E442", "0.35"]
    lefts = [0.0] * len(stages)
    for index, name in enumerate(phases):
        widths = [seconds_of.get(name, 0.0) for seconds_of in stages.values()]
        if not any(widths):
            continue
        colour = "0.8" if name == "other" else palette[index % len(palette)]
        label = canvas.plain(f"{name.replace('_', ' ')}, {text.duration(sum(widths))}")
        axes.barh(range(len(stages)), widths, left=lefts, color=colour, label=label, edgecolor="white", linewidth=0.5)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.set_yticks(range(len(stages)), [canvas.plain(stage) for stage in stages])
    axes.invert_yaxis()
    axes.set_xlabel("seconds (all workers together)")
    canvas.legend_above(axes)
    return canvas.tidy(axes)
