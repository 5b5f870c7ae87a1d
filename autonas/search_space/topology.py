"""Order, ancestors and names of the blocks that are connected to a graph."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Sequence
from typing import Any

from autonas.search_space import block, heads, inputs

#: Names of the inputs and the blocks of a graph that is trained.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def ordered_blocks(sources: Sequence[block.Node], outputs: Sequence[block.Node]) -> list[block.Block]:
    """Return the blocks between inputs and heads, heads included, each after the blocks that it is connected to.

    Args:
        sources: The input nodes of a graph.
        outputs: The output nodes of its heads.

    Raises:
        ValueError: If an output isn't the output of a head, if an input doesn't reach any output, if a block is
            connected to another input, or if a head is inside of the graph.
    """
    order, visited = [], set()

    def visit(node: block.Node) -> None:
        if node.block is None:
            if not any(node is known for known in sources):
                raise ValueError("A block is connected to an input that is not among the graph's `inputs`.")
            visited.add(id(node))
            return
        if id(node.block) in visited:
            return
        visited.add(id(node.block))
        for parent in node.block.parents:
            if isinstance(getattr(parent, "block", None), heads.Head):
                raise ValueError(
                    f"The output of {type(parent.block).__name__} must be one of `outputs`. Received: it is the "
                    f"input of {type(node.block).__name__}. Connect the block to the input of the head."
                )
            visit(parent)
        order.append(node.block)

    for node in outputs:
        if not isinstance(getattr(node, "block", None), heads.Head):
            raise ValueError(
                "Each of `outputs` must be the output of a head, such as ClassificationHead()(node). "
                f"Received: {type(getattr(node, 'block', node)).__name__}"
            )
        visit(node)
    for position, node in enumerate(sources):
        if not isinstance(node, inputs.Input):
            raise ValueError(f"Each of `inputs` must be an autonas input. Received: {type(node).__name__}")
        if id(node) not in visited:
            raise ValueError(f"Input {position} of `inputs` doesn't reach any of the `outputs`.")
    return order


def ancestors(consumer: block.Block) -> list[block.Node]:
    """Return all nodes upstream of a block, the nearest first."""
    nodes, queue = {}, list(consumer.parents)
    while queue:
        node = queue.pop(0)
        if id(node) not in nodes:
            nodes[id(node)] = node
            queue.extend(node.block.parents if node.block is not None else [])
    return list(nodes.values())


def names(members: Sequence[Any]) -> dict[int, str]:
    """Return the names of inputs and blocks by their identity: a number of its class for a member without a name.

    Raises:
        ValueError: If two names are equal.
    """
    counts: collections.Counter[str] = collections.Counter()
    by_identity: dict[int, str] = {}
    for member in members:
        name = member.name
        if name is None:
            kind = block.snake_case(type(member).__name__)
            counts[kind] += 1
            name = f"{kind}_{counts[kind]}"
        if name in by_identity.values():
            raise ValueError(f"Two inputs or blocks of the graph are named {name!r}. Their names must be unique.")
        by_identity[id(member)] = name
    return by_identity


def check_names(members: Iterable[tuple[Any, Any]]) -> None:
    """Raise a `ValueError` if a name can't be the name of layers and tensors.

    Args:
        members: Pairs of a name and the input or block.
    """
    for name, member in members:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise ValueError(
                f"`name` of {type(member).__name__} must consist of letters from A to Z and a to z, digits, '_', "
                f"'-' and '.', and not begin with one of the last two. Received: name={name!r:.100}"
            )
