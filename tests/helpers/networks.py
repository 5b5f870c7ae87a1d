"""Estimators for tables that search networks alone."""

import autonas


def of_networks(kind="dense", head=autonas.ClassificationHead, **arguments):
    """Return an `AutoModel` for tables without boosted trees, which have one epoch and nothing to compile.

    Args:
        kind: As in `StructuredDataBlock`. Defaults to `"dense"`.
        head: Class of the head. Defaults to `ClassificationHead`.
        **arguments: Arguments of `AutoModel`.
    """
    inputs = autonas.StructuredDataInput()
    return autonas.AutoModel(inputs, head()(autonas.StructuredDataBlock(kind=kind)(inputs)), **arguments)


def of_small_networks(head=autonas.ClassificationHead, **arguments):
    """Return an `AutoModel` for tables with networks that are built and compiled in half of the time of the default.

    Args:
        head: As in `of_networks`.
        **arguments: Arguments of `AutoModel`.
    """
    inputs = autonas.StructuredDataInput()
    block = autonas.DenseBlock(
        autonas.Choice([16, 32, 64, 128]), autonas.Int(1, 2), batch_normalization=False, residual=False
    )
    return autonas.AutoModel(inputs, head()(block(inputs)), **arguments)
