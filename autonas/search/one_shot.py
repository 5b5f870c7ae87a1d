"""The supernet of a search with weight sharing, and the process that trains it."""

import time
import warnings
from collections.abc import Iterable

from autonas import execution
from autonas.backends import seeding
from autonas.oracles import SupernetOracle
from autonas.search_space import declaration
from autonas.search_space.graph import Graph
from autonas.supernet import Supernet
from autonas.trials import reserved
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status

#: Default number of trials without a time limit: the default architecture and five finalists.
DEFAULT_TRIALS = 6
#: Expected share of the time limit for tracing above which the default architecture is trained before the supernet.
_MOST_BEFORE_DEFAULT = 0.25
#: Largest share of the time limit until the supernet is traced. The default architecture has the rest.
_MOST_UNTIL_TRACED = 0.75


def build_supernet(
    graph: Graph,
    seed: int,
    strategy: SupernetOracle,
    time_limit: float | None = None,
    *,
    started: float | None = None,
) -> tuple[Supernet, bool]:
    """Build the supernet of a bound graph.

    The build ends with an error as soon as the time limit is certain to be too short.

    Args:
        graph: The `Graph`.
        seed: Seed of the search, for the initial weights.
        strategy: The oracle that trains the supernet.
        time_limit: Time limit of the search in seconds, or `None`. Defaults to `None`.
        started: Value of `time.monotonic()` from which the time limit counts. Defaults to now.

    Returns:
        The supernet, and whether tracing it takes so much of the time limit that the default architecture comes first.

    Raises:
        ValueError: If the graph has no decision between options that can share weights, if the time limit is too short
            for tracing the supernet, or if no operation can work on a part of the channels.
    """
    now = time.monotonic()
    before = 0.0 if started is None else now - started
    deadline = None
    if time_limit is not None:
        # A trace can't be cut short: it must end within the share of the limit, which the build is a part of.
        deadline = now + (_MOST_UNTIL_TRACED * time_limit - before) / (1 + strategy.traces_per_build)
    try:
        with seeding.seeded(seed, 0):
            supernet = Supernet.from_graph(graph, partial_channels=strategy.supernet_divisor, deadline=deadline)
    except declaration.BuildTimeout:
        supernet = None
    if supernet is not None and not supernet.decisions:
        raise ValueError(
            "`weight_sharing`, or the `strategy`, needs decisions between options that can share weights, and "
            "the graph has none. Name a `search_space`, or draw a graph with a block made of such decisions: "
            "autonas.CellBlock(), or your own with LayerChoice, InputChoice or Repeat."
        )
    building = time.monotonic() - now
    tracing = strategy.traces_per_build * building
    if supernet is None or (deadline is not None and now + building > deadline):
        # A build that was ended shows a lower bound only.
        least, taken = ("at least about", "about") if supernet is not None else ("more than", "more than")
        shortest = (before + building + tracing) / _MOST_UNTIL_TRACED
        raise ValueError(
            f"`time_limit` must be {least} {shortest:.0f} seconds. Building and tracing the supernet of this space "
            f"takes {taken} {building + tracing:.0f} seconds, and must end within {_MOST_UNTIL_TRACED:.0%} of the "
            f"limit. Received: time_limit={time_limit}. Give more time, or search a smaller space."
        )
    return supernet, time_limit is not None and tracing > _MOST_BEFORE_DEFAULT * time_limit


def warn_if_none_is_chosen(records: Iterable[TrialRecord]) -> None:
    """Warn that the time ended before an architecture that the shared weights chose was trained.

    Args:
        records: The records of a search with shared weights.
    """
    records = list(records)
    if not any(record.is_candidate and record.is_completed for record in records):
        return  # The reason is another one, such as constraints, of which the search warns.
    seconds, chosen = 0.0, False
    for record in records:
        if record.stage == Stage.SUPERNET:
            seconds += record.seconds
        elif record.stage == Stage.ONE_SHOT:
            chosen = record.status == Status.COMPLETED
        elif chosen and record.is_candidate and record.status == Status.COMPLETED:
            return
    warnings.warn(
        "`time_limit` ended the search before an architecture that the shared weights chose was trained: the model "
        f"that is served is one of the first candidates. The training of the shared weights took {seconds:.0f} "
        "seconds. Give the search more time, or search a smaller space.",
        stacklevel=2,
    )


def with_stages_here(executor: execution.Executor) -> execution.Executor:
    """Return an executor whose trials run on `executor`, and the stages of a supernet in this process."""
    if isinstance(executor, execution.InlineExecutor):
        return executor
    return execution.SplitExecutor(executor, lambda job: not reserved.is_candidate(job.values))
