"""The spaces of architectures by name, for the default graphs: what networks of each can be."""

from autonas.search_space.blocks import cell, chain, hierarchical, layered, residual_mlp

#: Spaces of networks on images, series and texts.
SEQUENCES_AND_MAPS = {
    "chain": chain.ChainBlock,
    "cell": cell.CellBlock,
    "hierarchical": hierarchical.HierarchicalBlock,
    "layered": layered.LayeredBlock,
}
#: Spaces of networks on rows of a table.
ROWS = {"layered": residual_mlp.ResidualMLPBlock}
