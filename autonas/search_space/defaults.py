"""Default search spaces: the graph of blocks that `AutoModel` searches when no graph is passed to it."""

from collections.abc import Sequence
from typing import Any

from autonas.search_space import heads, inputs, ranges
from autonas.search_space.block import Node
from autonas.search_space.blocks import image, merge, spaces, structured_data, text, time_series

_INPUTS = {
    "image": (inputs.ImageInput, image.ImageBlock),
    "table": (inputs.StructuredDataInput, structured_data.StructuredDataBlock),
    "text": (inputs.TextInput, text.TextBlock),
    "series": (inputs.TimeSeriesInput, time_series.TimeSeriesBlock),
}
#: Search space for weight sharing. Its supernet is traced in a tenth of the time of a cell-based one, and it is the
#: only space that exists for every kind of data.
SHARED_SPACE = "layered"
#: Label smoothing of classifications of images.
_LABEL_SMOOTHING = ranges.Choice([0.0, 0.2])
_PLURALS = {"image": "images", "table": "tables", "text": "texts", "series": "series"}


def default_nodes(
    kinds: Sequence[str],
    tasks: Sequence[str],
    losses: Sequence[Any] | None = None,
    num_classes: int | None = None,
    search_space: str | None = None,
    shares_weights: bool = False,
    input_names: Sequence[str | None] | None = None,
    head_names: Sequence[str | None] | None = None,
) -> tuple[list[Node], list[Node]]:
    """Build the inputs and outputs of the default graph.

    Args:
        kinds: List of the inputs' kinds of data: `"image"`, `"table"`, `"text"` or `"series"`.
        tasks: List of the heads' tasks.
        losses: List of the heads' losses. Defaults to `None`: the default loss of each task.
        num_classes: Number of classes of a single classification head, or `None` to infer it from the data.
        search_space: Name of the space of architectures, such as `"cell"`. An input whose kind of data doesn't support
            the space gets `"layered"` instead. Defaults to `None`: the families of networks usual for the kind.
        shares_weights: Whether architectures share weights in a supernet. Architectures of different families can't,
            so `search_space` then defaults to `"layered"`. Defaults to `False`.
        input_names: List of the inputs' names. Defaults to `None`: names by class and number.
        head_names: List of the heads' names. Defaults to `None`: names by class and number.

    Returns:
        A list of input nodes and a list of output nodes.

    Raises:
        ValueError: If no input supports `search_space`.
    """
    known = {kind: spaces.ROWS if kind == "table" else spaces.MAPS_AND_SERIES for kind in kinds}
    is_name = isinstance(search_space, str)
    if search_space is not None and not (is_name and any(search_space in names for names in known.values())):
        kind = max(kinds, key=lambda kind: len(known[kind]))
        advice = "" if is_name else ". Pass the inputs and outputs of your own graph: AutoModel(inputs, outputs)"
        raise ValueError(
            f"`search_space` must be {' or '.join(map(repr, known[kind]))} for {_PLURALS[kind]}, or None. "
            f"Received: search_space={search_space!r:.100}{advice}"
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
            head: heads.Head = heads.RegressionHead(loss=loss, name=name)
        else:
            smoothing = _LABEL_SMOOTHING if set(kinds) == {"image"} and loss is None and not shares_weights else 0.0
            head = heads.ClassificationHead(num_classes=num_classes, loss=loss, name=name, label_smoothing=smoothing)
        outputs.append(head(vector))
    return nodes, outputs
