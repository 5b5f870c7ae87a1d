"""An estimator for tables that searches networks alone."""

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
