"""Families of networks and named spaces of architectures from which the default blocks choose."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner

from autonas.search_space import decisions
from autonas.search_space.block import Block
from autonas.search_space.blocks import cell, chain, hierarchical, layered, reduction, residual_mlp

#: Spaces of architectures for images, series and texts.
MAPS_AND_SERIES = {
    "chain": chain.ChainBlock,
    "cell": cell.CellBlock,
    "hierarchical": hierarchical.HierarchicalBlock,
    "layered": layered.LayeredBlock,
}
#: Spaces of architectures for rows of a table.
ROWS = {"layered": residual_mlp.ResidualMLPBlock}


def reduced(hp: keras_tuner.HyperParameters, network: Block, inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the block `network`, which returns a feature map or a series, and reduce its output to a vector."""
    outputs = network.build(hp, inputs)
    with hp.name_scope("reduction"):
        return reduction.Reduction().build(hp, outputs)


def of_maps_and_series(hp: keras_tuner.HyperParameters) -> decisions.Candidates:
    """Return the spaces of architectures for images, series and texts as candidates of a `LayerChoice`."""

    def candidate(space: type[Block]) -> Callable[[], decisions.Layer]:
        return lambda: functools.partial(reduced, hp, space())

    return {name: candidate(space) for name, space in MAPS_AND_SERIES.items()}


def family(
    kind: str | None, families: decisions.Candidates, named: decisions.Candidates | None = None
) -> decisions.LayerChoice:
    """Return the decision on the family of networks.

    Args:
        kind: Label of the only candidate, a key of `families` or `named`. With `None` all `families` are candidates,
            and a family that can't be built for the data is excluded.
        families: Candidates of a `LayerChoice`, the families of networks.
        named: Candidates of a `LayerChoice`, the spaces of architectures. Defaults to `None`: no spaces.

    Returns:
        A `LayerChoice` named `"kind"`.

    Raises:
        ValueError: If `kind` is unknown.
    """
    if kind is None:
        return decisions.LayerChoice("kind", families, optional=True)
    known = {**families, **(named or {})}
    if kind not in known:
        raise ValueError(f"`kind` must be one of {list(known)} or None. Received: kind={kind!r}")
    return decisions.LayerChoice("kind", {kind: known[kind]})


def drawing(kind: str | None, prefix: str) -> list[dict[str, Any]]:
    """Return `Block.drawing` of the space of architectures `kind`, or an empty list if `kind` isn't a space."""
    return MAPS_AND_SERIES[kind]().drawing(f"{prefix}/kind_{kind}") if kind in MAPS_AND_SERIES else []


def identity() -> keras.layers.Identity:
    """Return the candidate without layers, which makes the model linear in its encoded inputs."""
    return keras.layers.Identity()
