"""The supernet of a search with weight sharing, and the process that trains it."""

import time
import warnings
from collections.abc import Iterable

from autonas import execution
from autonas.backends import seeding
from autonas.evaluation import budget
from autonas.search_space.graph import Graph
from autonas.supernet import Supernet
from autonas.trials import reserved
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status

#: Default number of trials without a time limit: the default architecture and five finalists.
DEFAULT_TRIALS = 6
#: Time for tracing the training and the scores of a supernet on TensorFlow, in times of building it: measured as 5 to 8
#: for the layered space, the cells of DARTS and hierarchies of motifs.
_TRACES_PER_BUILD = 6


def build_supernet(graph: Graph, seed: int, time_limit: float | None = None, partial_channels: int = 1) -> Supernet:
    """Return the supernet of a bound graph.

    Args:
        graph: The `Graph`.
        seed: Seed of the search, for the initial weights.
        time_limit: Time limit of the search in seconds, or `None`. Defaults to `None`.
        partial_channels: As in `Supernet.from_graph`. Defaults to 1.

    Raises:
        ValueError: If the graph has no decision between options that can share weights, if the time limit is too short
            for tracing the supernet, or if no operation can work on a part of the channels.
    """
    started = time.monotonic()
    with seeding.seeded(seed, 0):
        supernet = Supernet.from_graph(graph, partial_channels=partial_channels)
    tracing, share = _TRACES_PER_BUILD * (time.monotonic() - started), budget.STAGE_SHARES[Stage.SUPERNET]
    shortest = tracing / share
    if not supernet.decisions:
        raise ValueError(
            "`weight_sharing`, or the `strategy`, needs decisions between options that can share weights, and "
            "the graph has none. Name a `search_space`, or draw a graph with a block made of such decisions: "
            "autonas.CellBlock(), or your own with LayerChoice, InputChoice or Repeat."
        )
    if time_limit is not None and time_limit < shortest:
        # A trace can't be cut short.
        raise ValueError(
            f"`time_limit` must be at least about {shortest:.0f} seconds. Tracing the supernet of this space takes "
            f"about {tracing:.0f} seconds, and may take at most {share:.0%} of the limit. Received: "
            f"time_limit={time_limit}. Give more time, or search a smaller space."
        )
    return supernet


def warn_if_none_is_chosen(records: Iterable[TrialRecord]) -> None:
    """Warn that the time ended before an architecture that the shared weights chose was trained.

    Args:
        records: The records of a search with shared weights.
    """
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
