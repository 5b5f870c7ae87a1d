"""First architectures of a search: entries of the portfolio for the blocks of a graph, by turns."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras_tuner

from autonas.search_space import dimension
from autonas.search_space.blocks import forecast, image, structured_data, text, time_series
from autonas.search_space.graph import Graph
from autonas.search_space.portfolio import images, series, tables, texts
from autonas.search_space.portfolio.conditions import Conditions
from autonas.search_space.values import Scalar


def initial_points(
    graph: Graph, space: keras_tuner.HyperParameters, conditions: Conditions | None = None
) -> list[dict[str, Scalar]]:
    """Return the architectures with which a search of `graph` begins, the cheapest first.

    Args:
        graph: A bound `Graph`. A block that has no entry in the portfolio keeps its default values.
        space: The space that `graph.declare` returned, a `keras_tuner.HyperParameters`.
        conditions: The `Conditions` of the search. Defaults to an unlimited search of unknown rows.

    Returns:
        A list of dicts from the name of a hyperparameter to its value. Only names and values in `space` occur.
    """
    dimensions = {declared.name: dimension.Dimension(declared) for declared in space.space}

    def is_legal(name: str, value: Scalar) -> bool:
        return name in dimensions and dimensions[name].is_legal(value)

    conditions = conditions or Conditions()
    points_by_block, fitted_kinds = {}, {}
    for block in graph.blocks:
        name = graph.names[id(block)]
        # Skip entries of other families: only their training hyperparameters would apply to the block.
        all_points = _points(block, conditions)
        block_points = [point for point in all_points if is_legal(f"{name}/kind", point["kind"])]
        if block_points:
            points_by_block[name] = block_points
            fitted_kinds[name] = block.fitted_kinds
    if len(points_by_block) > 1:
        points_by_block = {
            name: _alternating(block_points, fitted_kinds[name]) for name, block_points in points_by_block.items()
        }
    points = []
    for position in range(max(map(len, points_by_block.values()), default=1)):
        point: dict[str, Scalar] = {}
        for name, block_points in points_by_block.items():
            for key, value in block_points[position % len(block_points)].items():
                if key.startswith("optimization/"):
                    full_names = [key]
                elif key.startswith("head/"):
                    full_names = [f"{head}/{key.removeprefix('head/')}" for head in graph.head_names]
                else:
                    full_names = [f"{name}/{key}"]
                for full_name in full_names:
                    if is_legal(full_name, value):
                        point[full_name] = value
        points.append(point)
    return points


def _alternating(points: list[dict[str, Scalar]], fitted_kinds: Sequence[str]) -> list[dict[str, Scalar]]:
    """Return the entries of a block beside other blocks, fitted models and networks by turns.

    A fitted model predicts the target by its own input alone. What depends on several inputs together, only networks
    learn that are trained together, so that the networks of several blocks are in the same places.
    """
    fitted = [point for point in points if point["kind"] in fitted_kinds]
    networks = [point for point in points if point["kind"] not in fitted_kinds]
    if not fitted or not networks:
        return points
    pairs = zip(itertools.cycle(fitted), itertools.cycle(networks), strict=False)
    return list(itertools.chain.from_iterable(itertools.islice(pairs, max(len(fitted), len(networks)))))


def _points(block: Any, conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries of the portfolio for `block`: an empty list unless it is a default block."""
    points: list[dict[str, Scalar]] = []
    if isinstance(block, structured_data.StructuredDataBlock):
        points = tables.entries(block, conditions)
    elif isinstance(block, text.TextBlock):
        points = texts.ENTRIES
    elif isinstance(block, forecast.ForecastBlock):
        points = series.FORECAST
    elif isinstance(block, time_series.TimeSeriesBlock):
        points = series.entries(block.features[0].tensors["series"].shape[0], conditions)
    elif isinstance(block, image.ImageBlock):
        points = images.entries(block.features[0].tensors["image"].shape, conditions)
    return points
