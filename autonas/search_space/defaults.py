"""Defaults: the graph that is searched when the user draws none, and the architectures to begin with."""

from autonas.search_space import heads, inputs
from autonas.search_space.blocks import image, merge, spaces, structured_data, text, time_series

_INPUTS = {
    "image": (inputs.ImageInput, image.ImageBlock),
    "table": (inputs.StructuredDataInput, structured_data.StructuredDataBlock),
    "text": (inputs.TextInput, text.TextBlock),
    "series": (inputs.TimeSeriesInput, time_series.TimeSeriesBlock),
}
#: The space whose supernet is traced soonest, in a tenth of the time of one of cells, and there is one for each kind.
SHARED_SPACE = "layered"
_PLURALS = {"image": "images", "table": "tables", "text": "texts", "series": "series"}


def default_nodes(
    kinds,
    tasks,
    losses=None,
    num_classes=None,
    search_space=None,
    shares_weights=False,
    input_names=None,
    head_names=None,
):
    """Inputs and outputs of the default graph.

    Args:
        kinds: Kind of each input.
        tasks: Task of each head.
        losses: Loss of each head, or `None` for the tasks' own.
        num_classes: Number of classes of the only head, or `None`.
        search_space: Space of architectures of the networks by name, `None` for the usual families. Of several inputs,
            those whose kind doesn't have this space get `"layered"`.
        shares_weights: Whether architectures are to share weights, which those of different families can't: then
            `search_space` defaults to `"layered"`. Defaults to `False`.
        input_names: Name of each input, or `None`. Defaults to none.
        head_names: Name of each head, or `None`. Defaults to none.

    Returns:
        A list of input nodes and a list of output nodes.
    """
    known = {kind: spaces.ROWS if kind == "table" else spaces.MAPS_AND_SERIES for kind in kinds}
    if search_space is not None and not any(search_space in names for names in known.values()):
        kind = max(kinds, key=lambda kind: len(known[kind]))
        raise ValueError(
            f"`search_space` must be {' or '.join(map(repr, known[kind]))} for {_PLURALS[kind]}, or None. "
            f"Received: search_space={search_space!r}"
        )
    nodes = [_INPUTS[kind][0](name=name) for kind, name in zip(kinds, input_names or [None] * len(kinds), strict=True)]
    vectors = []
    for kind, node in zip(kinds, nodes, strict=True):
        space = search_space or (SHARED_SPACE if shares_weights else None)
        space = space if space is None or space in known[kind] else SHARED_SPACE
        vectors.append(_INPUTS[kind][1](kind=space)(node))
    vector = vectors[0] if len(vectors) == 1 else merge.Merge()(vectors)
    outputs = []
    for task, loss, name in zip(tasks, losses or [None] * len(tasks), head_names or [None] * len(tasks), strict=True):
        if task == "regression":
            head = heads.RegressionHead(loss=loss, name=name)
        else:
            head = heads.ClassificationHead(num_classes=num_classes, loss=loss, name=name)
        outputs.append(head(vector))
    return nodes, outputs
