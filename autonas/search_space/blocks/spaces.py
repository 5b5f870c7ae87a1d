"""What the networks of the default blocks can be: families, and spaces of architectures by name."""

import functools

import keras

from autonas.search_space import decisions
from autonas.search_space.blocks import cell, chain, hierarchical, layered, reduction, residual_mlp

#: Spaces of networks on images, series and texts.
MAPS_AND_SERIES = {
    "chain": chain.ChainBlock,
    "cell": cell.CellBlock,
    "hierarchical": hierarchical.HierarchicalBlock,
    "layered": layered.LayeredBlock,
}
#: Spaces of networks on rows of a table.
ROWS = {"layered": residual_mlp.ResidualMLPBlock}


def reduced(hp, network, inputs):
    """A network that makes a map or a series, and its reduction to a vector."""
    outputs = network.build(hp, inputs)
    with hp.name_scope("reduction"):
        return reduction.Reduction().build(hp, outputs)


def of_maps_and_series(hp):
    """The spaces of networks on images, series and texts as candidates of a `LayerChoice`."""
    return {
        name: lambda space=space: functools.partial(reduced, hp, space()) for name, space in MAPS_AND_SERIES.items()
    }


def of_rows(hp):
    """The spaces of networks on rows of a table as candidates of a `LayerChoice`."""
    return {name: lambda space=space: functools.partial(space().build, hp) for name, space in ROWS.items()}


def family(kind, families, named=None):
    """Return the decision between families of networks, or the one of `families` or `named` that `kind` says.

    A family that can't be built for the data is left out, unless `kind` names it.
    """
    if kind is None:
        return decisions.LayerChoice("kind", families, optional=True)
    known = {**families, **(named or {})}
    if kind not in known:
        raise ValueError(f"`kind` must be one of {list(known)} or None. Received: kind={kind!r}")
    return decisions.LayerChoice("kind", {kind: known[kind]})


def drawing(kind, prefix):
    """What `Block.drawing` gives of a default block whose `kind` is a space of architectures; else an empty list."""
    return MAPS_AND_SERIES[kind]().drawing(f"{prefix}/kind_{kind}") if kind in MAPS_AND_SERIES else []


def identity():
    """The family without a network: what follows is linear."""
    return keras.layers.Identity()
