"""Bound default graphs of real data of each kind."""

import pytest

from autonas.search_space import defaults, graph, heads
from tests.helpers.sixty_rows import KINDS


@pytest.fixture(scope="module", params=KINDS)
def bound(request):
    """A bound default graph of one kind, its space, and encoded rows."""
    encoder, x = KINDS[request.param]()
    encoder.fit(x)
    searched = graph.Graph(*defaults.default_nodes([request.param], ["multiclass"]))
    searched.bind([encoder.feature], [heads.Target("multiclass", 3)])
    rows = {f"{searched.input_names[0]}_{name}": array for name, array in encoder.transform(x).items()}
    return searched, searched.declare(), rows
