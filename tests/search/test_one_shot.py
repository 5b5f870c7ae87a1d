"""The supernet of a search is refused before the search if its trace doesn't fit into the time limit."""

import types

import pytest

from autonas.search import one_shot


def test_the_time_of_tracing_is_measured_by_the_clock_of_the_time_limit(monkeypatch):
    clock = types.SimpleNamespace(monotonic=iter([100.0, 100.5]).__next__)
    monkeypatch.setattr(one_shot, "time", clock)
    supernet = types.SimpleNamespace(decisions={"kind": None})
    monkeypatch.setattr(one_shot.Supernet, "from_graph", lambda graph, partial_channels: supernet)
    message = "at least about 6 seconds. Tracing .* about 3 seconds, and may take at most 50% of the limit"
    with pytest.raises(ValueError, match=message):
        one_shot.build_supernet(None, 0, time_limit=5)
