"""Plot of one-shot scores against the scores of the same architectures trained alone."""

from autonas.costs.orientation import oriented
from autonas.reporting.plots import canvas
from autonas.trials import reserved
from autonas.trials.states import Stage


def finalists(search, record):
    """Return the finalists, the best architectures by one-shot score, best first.

    Args:
        search: The `SearchInfo`.
        record: A `TrialRecord` of the stage `"one_shot"`.

    Returns:
        List of pairs of values and one-shot score, in the objective's own direction.

    Example:

    ```python
    import autonas
    from autonas.reporting import plots

    search = autonas.reporting.SearchInfo("val_accuracy", "max")
    report = {"finalists": [[{"units": 16}, 0.7], [{"units": 8}, 0.6]]}
    record = autonas.reporting.TrialRecord("0003", 3, stage="one_shot", status="completed", report=report)
    assert plots.finalists(search, record) == [({"units": 16}, 0.7), ({"units": 8}, 0.6)]
    ```
    """
    pairs = []
    for values, score in record.report.get("finalists", []):
        score = score[0] if isinstance(score, (list, tuple)) else score
        if score is not None:
            # The scores of a strategy are oriented: larger is better.
            pairs.append((values, oriented(score, search.direction)))
    return pairs


def score_pairs(search, records):
    """Return the scores of architectures with shared weights and trained alone, by the first objective.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s.

    Returns:
        List of triples of a record, the one-shot score of its architecture and the record's score.
    """
    one_shot = {}
    for record in records:
        for values, score in finalists(search, record) if record.stage == Stage.ONE_SHOT else []:
            one_shot[_key(values)] = score
    return [
        (record, one_shot[_key(record.values)], record.score)
        for record in records
        if record.is_candidate and record.is_completed and _key(record.values) in one_shot
    ]


def plot_ranks(search, records, axes=None):
    """Plot the scores of trials over the one-shot scores of their architectures, with Kendall's τ.

    Args:
        search: The `SearchInfo`.
        records: List of `TrialRecord`s, including the record of the one-shot scoring with its report.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    from autonas.reporting import SearchInfo, TrialRecord, plots

    report = {"finalists": [[{"units": 16}, 0.7], [{"units": 8}, 0.6]]}
    records = [
        TrialRecord("0000", 0, stage="one_shot", status="completed", report=report),
        TrialRecord("0001", 1, values={"units": 16}, score=0.9, status="completed"),
        TrialRecord("0002", 2, values={"units": 8}, score=0.8, status="completed"),
    ]
    picture = plots.figure(plots.plot_ranks, SearchInfo("val_accuracy", "max"), records)
    ```
    """
    from scipy import stats

    axes = canvas.new_axes(axes)
    pairs = score_pairs(search, records)
    if not pairs:
        return canvas.note(axes, "no architecture has both scores")
    shared, alone = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    axes.scatter(shared, alone, s=28, color=canvas.BLUE)
    for record, across, up in pairs:
        axes.annotate(str(record.number), (across, up), xytext=(4, 3), textcoords="offset points", fontsize="small")
    if len(set(shared)) > 1 and len(set(alone)) > 1:
        correlation = stats.kendalltau(shared, alone).statistic
        axes.set_title(f"Kendall's τ {correlation:.2f} of {len(pairs)} architectures", fontsize="medium")
    axes.set_xlabel(canvas.plain(f"{search.objective} with shared weights", 60))
    axes.set_ylabel(canvas.plain(f"{search.objective} trained alone", 60))
    return canvas.tidy(axes)


def _key(values):
    """Return a hashable identity of an architecture: its active decisions, without reserved names."""
    return tuple(sorted((name, value) for name, value in reserved.architecture(values).items() if value is not None))
