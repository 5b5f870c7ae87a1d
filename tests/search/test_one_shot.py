"""The supernet of a search is refused before the search if its trace doesn't fit into the time limit."""

import time
import types

import pytest

from autonas import oracles
from autonas.search import one_shot
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status
from tests.helpers import supernets

SHARING = oracles.WeightSharingOracle()


@pytest.fixture
def builds(monkeypatch):
    """Let the build of a supernet take one second of a clock that stands still otherwise."""
    now = [100.0]

    def from_graph(graph, partial_channels, deadline):
        now[0] += 1.0
        return types.SimpleNamespace(decisions={"kind": None})

    monkeypatch.setattr(one_shot, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(one_shot.Supernet, "from_graph", from_graph)


def test_the_build_and_the_trace_must_end_within_three_quarters_of_the_limit(builds):
    message = "at least about 12 seconds. Building and tracing .* about 9 seconds, and must end within 75% of the limit"
    with pytest.raises(ValueError, match=message):
        one_shot.build_supernet(None, 0, SHARING, time_limit=11.9)
    one_shot.build_supernet(None, 0, SHARING, time_limit=12.1)


@pytest.mark.parametrize(
    "arguments, least", [({}, 7), ({"relaxation": "gumbel"}, 12), ({"order": "second"}, 12)], ids=str
)
def test_gradients_that_blend_the_options_are_traced_in_half_of_the_time(arguments, least, builds):
    strategy = oracles.GradientOracle(**arguments)
    with pytest.raises(ValueError, match=f"at least about {least} seconds"):
        one_shot.build_supernet(None, 0, strategy, time_limit=least - 0.5)
    one_shot.build_supernet(None, 0, strategy, time_limit=least + 0.1)


def test_the_time_before_the_build_is_part_of_the_limit(builds):
    with pytest.raises(ValueError, match="at least about 17 seconds. Building and tracing .* about 9 seconds"):
        one_shot.build_supernet(None, 0, SHARING, time_limit=12.1, started=96.0)


@pytest.mark.parametrize("time_limit, is_slow", [(None, False), (33, False), (31, True)])
def test_a_trace_of_more_than_a_quarter_of_the_limit_is_slow(time_limit, is_slow, builds):
    assert one_shot.build_supernet(None, 0, SHARING, time_limit)[1] == is_slow


def test_without_a_completed_candidate_the_time_is_not_to_blame():
    """All candidates violated the constraints, of which the search warns."""
    epoch = TrialRecord("0000", 0, Stage.SUPERNET, Status.COMPLETED)
    chosen = TrialRecord("0001", 1, Stage.ONE_SHOT, Status.COMPLETED)
    refused = TrialRecord("0002", 2, status=Status.REFUSED)
    served = TrialRecord("infeasible", 3, Stage.INFEASIBLE, Status.COMPLETED)
    one_shot.warn_if_none_is_chosen([epoch, chosen, refused, served])
    first = TrialRecord("0003", 4, status=Status.COMPLETED)
    with pytest.warns(UserWarning, match="one of the first candidates"):
        one_shot.warn_if_none_is_chosen([first, epoch, chosen, refused])


def test_a_build_ends_once_the_limit_is_too_short(monkeypatch):
    (graph, _), completed = supernets.make_graph(), []
    monkeypatch.setattr(one_shot.Supernet, "__init__", lambda *args: completed.append(args))
    with pytest.raises(ValueError, match="Building and tracing the supernet of this space takes more than . seconds"):
        one_shot.build_supernet(graph, 0, SHARING, time_limit=1, started=time.monotonic() - 0.5)
    assert not completed
