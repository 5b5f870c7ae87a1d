"""The portfolio: architectures to begin a search with, by kind of data, cheapest first."""

from autonas.search_space import encoding  # noqa: F401


def initial_points(graph):
    return [{}]
