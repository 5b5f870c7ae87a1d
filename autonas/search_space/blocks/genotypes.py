"""Genotypes of cells, as strings of DARTS (Liu et al. 2019) and NAS-Bench-201 (Dong and Yang 2020)."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

#: Dict from the literature's names of operations to our names.
OPERATIONS = {
    "none": "none",
    "skip_connect": "identity",
    "max_pool_3x3": "max_pooling_3",
    "avg_pool_3x3": "average_pooling_3",
    **{f"nor_conv_{side}x{side}": f"convolution_{side}" for side in (1, 3, 5)},
    **{f"sep_conv_{side}x{side}": f"separable_{side}" for side in (3, 5)},
    **{f"dil_conv_{side}x{side}": f"dilated_{side}" for side in (3, 5)},
}
_NAMES = {ours: theirs for theirs, ours in OPERATIONS.items()}
_EXAMPLES = (
    "'|nor_conv_3x3~0|+|none~0|skip_connect~1|' or \"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ...], "
    'normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))"'
)

#: An operation, by our name or a label of the user, and the number of the node that is its input.
_Edge: TypeAlias = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of fixed operations.

    Args:
        nodes: Edges of each computed node, whose results the node adds. The nodes are numbered after the inputs.
        outputs: Numbers of the nodes that are concatenated to the output of the cell.
    """

    nodes: list[list[_Edge]]
    outputs: list[int]


def is_genotype(text: Any) -> bool:
    """Return whether an object is a string that looks like a genotype."""
    return isinstance(text, str) and text.strip().startswith(("|", "Genotype("))


def parse(text: str) -> dict[str, Cell]:
    """Read a genotype.

    Args:
        text: A string of NAS-Bench-201, or the `str` of a `Genotype` of DARTS.

    Returns:
        Dict with the `Cell` named `"cell"` of NAS-Bench-201, or the cells `"normal"` and `"reduction"` of DARTS.

    Raises:
        ValueError: If the string isn't a genotype.
    """
    try:
        cells = _parse_bench(text) if text.strip().startswith("|") else _parse_darts(text)
    except (AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"`cell` must be a genotype such as {_EXAMPLES}. Received: {text!r:.200} ({error})") from error
    n_inputs = 1 if "cell" in cells else 2
    for cell in cells.values():
        for number, edges in enumerate(cell.nodes, n_inputs):
            if not edges or not all(0 <= source < number for _, source in edges):
                raise ValueError(
                    f"`cell` must be a genotype whose nodes have earlier nodes as inputs. Received: node {number} with "
                    f"the inputs {[source for _, source in edges]}"
                )
        if not set(cell.outputs) <= set(range(n_inputs + len(cell.nodes))):
            raise ValueError(f"`cell` must concatenate nodes that it has. Received: the nodes {cell.outputs}")
    return cells


def write(hyperparameters: Mapping[str, Any]) -> str:
    """Return the genotype of the cell that hyperparameters describe.

    Args:
        hyperparameters: Dict from the names of decisions to values, with the decisions of one `CellBlock` among them.

    Raises:
        ValueError: If the decisions of no cell or of several cells are among them, or if the nodes of a `"darts"` cell
            don't have two inputs each, so that DARTS has no genotype for it.
    """
    edges: dict[str, dict[tuple[int, int], str]] = {}
    nodes: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
    for name, value in hyperparameters.items():
        if match := re.fullmatch(r"(.*/)?edge_(\d+)_(\d+)", name):
            edges.setdefault(match[1] or "", {})[int(match[2]), int(match[3])] = value
        elif match := re.fullmatch(r"(.*/)?(normal|reduction)/node_(\d+)/(inputs|operation_\d)", name):
            cell = nodes.setdefault(match[1] or "", {}).setdefault(match[2], {})
            cell.setdefault(int(match[3]), {})[match[4]] = value
    blocks = [*edges, *nodes]
    if len(blocks) != 1:
        raise ValueError(
            "`hyperparameters` must hold the decisions of one cell, such as 'edge_0_1' or 'normal/node_0/operation_0'. "
            f"Received: the decisions of {', '.join(map(repr, blocks)) if blocks else 'none'}"
        )
    if edges:
        (operation_of,) = edges.values()
        targets = sorted({target for _, target in operation_of})
        return "+".join(
            "".join(
                f"|{_NAMES.get(operation_of[source, target], operation_of[source, target])}~{source}"
                for source in range(target)
            )
            + "|"
            for target in targets
        )
    (cells,) = nodes.values()
    described = []
    for kind, name in (("normal", "normal"), ("reduction", "reduce")):
        cell = cells.get(kind, {})
        pairs = [pair for number in sorted(cell) for pair in _pairs(number, cell[number])]
        described.append(f"{name}={pairs}, {name}_concat=range(2, {2 + len(cell)})")
    return f"Genotype({', '.join(described)})"


def _pairs(number: int, values: Mapping[str, Any]) -> list[_Edge]:
    """Return the pairs of operation and input of a node of a `"darts"` cell."""
    operations = [values[name] for name in sorted(values) if name.startswith("operation_")]
    inputs = [int(source) for source in values["inputs"].split("+")] if "inputs" in values else [0, 1]
    if len(operations) != 2 or len(inputs) != 2:
        raise ValueError(
            f"A genotype of DARTS has two inputs for each node. Received: node {number} with {len(operations)}"
        )
    return [(_NAMES.get(name, name), source) for name, source in zip(operations, inputs, strict=True)]


def _parse_bench(text: str) -> dict[str, Cell]:
    nodes = []
    for node in text.strip().split("+"):
        if not re.fullmatch(r"(\|[^|~]+~\d+)+\|", node):
            raise ValueError(f"{node!r} isn't a node")
        edges = [edge.split("~") for edge in node.strip("|").split("|")]
        nodes.append([(OPERATIONS.get(name, name), int(source)) for name, source in edges])
    return {"cell": Cell(nodes, [len(nodes)])}


def _parse_darts(text: str) -> dict[str, Cell]:
    call: Any = ast.parse(text.strip(), mode="eval").body
    fields = {keyword.arg: _literal(keyword.value) for keyword in call.keywords}
    cells = {}
    for kind, name in (("normal", "normal"), ("reduction", "reduce")):
        pairs = [(OPERATIONS.get(operation, operation), int(source)) for operation, source in fields[name]]
        if len(pairs) % 2:
            raise ValueError(f"{name} must have two operations for each node")
        nodes = [pairs[position : position + 2] for position in range(0, len(pairs), 2)]
        cells[kind] = Cell(nodes, [int(node) for node in fields[f"{name}_concat"]])
    return cells


def _literal(node: Any) -> Any:
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "range":
        return range(*map(ast.literal_eval, node.args))
    return ast.literal_eval(node)
