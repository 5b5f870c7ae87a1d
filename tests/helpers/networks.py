"""Estimators for tables that search networks alone."""

import autonas


def of_networks(block=None, head=autonas.ClassificationHead, **arguments):
    """Return an `AutoModel` for tables without boosted trees, which have one epoch and nothing to compile.

    Args:
        block: The block. Defaults to the networks of a `StructuredDataBlock`.
        head: Class of the head. Defaults to `ClassificationHead`.
        **arguments: Arguments of `AutoModel`.
    """
    inputs = autonas.StructuredDataInput()
    block = autonas.StructuredDataBlock(kind="dense") if block is None else block
    return autonas.AutoModel(inputs, head()(block(inputs)), **arguments)


def of_small_networks(**arguments):
    """Return an `AutoModel` for tables with networks that are built and compiled in half of the time of the default.

    Args:
        **arguments: As in `of_networks`.
    """
    block = autonas.DenseBlock(
        autonas.Choice([16, 32, 64, 128]), autonas.Int(1, 2), batch_normalization=False, residual=False
    )
    return of_networks(block, **arguments)
