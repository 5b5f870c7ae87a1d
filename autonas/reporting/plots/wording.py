"""Texts in the plot of an architecture: names and decisions of its blocks."""

import re
import textwrap

from autonas.reporting import text


def title(block):
    """Return the title of a block: its name if the user set one, or its kind with a number, such as `"image block 2"`.

    The first block of a kind has no number.
    """
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", block["kind"]).lower()
    automatic = re.fullmatch(re.escape(kind.replace(" ", "_")) + r"_(\d+)", block["name"])
    if automatic is None:
        return block["name"]
    return kind if automatic[1] == "1" else f"{kind} {automatic[1]}"


def facts(block):
    """Return lines on the data of an input or the task of a head."""
    known = block.get("facts", {})
    if "data" in known:
        shapes = known["shapes"]
        sizes = [" × ".join(map(str, shape)) for shape in shapes.values()]
        if len(shapes) == 1 and known["data"] != "table":
            return [f"{known['data']} {sizes[0]}" + " tokens" * (known["data"] == "text")]
        return [f"{known['data']}: " + ", ".join(f"{name} {size}" for name, size in zip(shapes, sizes, strict=True))]
    if "task" in known:
        n_outputs = known["n_outputs"]
        return [f"{known['task']}, {n_outputs} output{'s' * (n_outputs != 1)}"]
    return []


def lines(values, prefix, hidden=()):
    """Return lines that describe the decisions of a block, with one line for consecutive equal layers.

    Args:
        values: Dict from active decisions to their values.
        prefix: Beginning of the decisions' names, before a slash.
        hidden: Names of decisions to leave out. Defaults to none.
    """
    start = f"{prefix}/"
    tree = {}
    for name, value in values.items():
        if name.startswith(start) and name not in hidden:
            *scopes, last = name[len(start) :].split("/")
            node = tree
            for scope in scopes:
                node = node.setdefault((scope,), {})
            node[last] = value
    return _lines(tree)


def wrapped(lines, width):
    """Wrap lines at `width` characters, with continuation lines indented."""
    short_lines = []
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        short_lines += textwrap.wrap(line.lstrip(), width, initial_indent=indent, subsequent_indent=f"{indent}    ")
    return short_lines


def _lines(tree):
    """Return the lines of a tree whose keys are names of decisions, or tuples of one scope for a subtree."""
    described, placed = [], set()
    for name in [key for key in tree if isinstance(key, str)]:
        # The scopes of a choice or a repetition begin with the name of the decision.
        below = [scope for scope in tree if isinstance(scope, tuple) and scope[0].startswith(f"{name}_")]
        below = [scope for scope in below if scope not in placed]
        is_count = isinstance(tree[name], int) and any(scope[0] == f"{name}_0" for scope in below)
        if not is_count:  # The number of layers is clear from the list of layers.
            described.append(text.phrase(name, tree[name]))
        described += _scopes(tree, below)
        placed.update(below)
    return described + _scopes(tree, [scope for scope in tree if isinstance(scope, tuple) and scope not in placed])


def _scopes(tree, scopes):
    """Return the lines of scopes: layers by number, the chosen option without heading, others under their name."""
    described, layers = [], {}
    for scope in scopes:
        numbered = re.fullmatch(r"(.+)_(\d+)", scope[0])
        below = _lines(tree[scope])
        if any(scope[0] == f"{name}_{value}" for name, value in tree.items() if isinstance(value, str)):
            described += below
        elif numbered:
            layers.setdefault(numbered[1], []).append((int(numbered[2]) + 1, below))
        else:
            described += _headed(scope[0].replace("_", " "), below)
    for name, numbered in layers.items():
        described += _numbered(_singular(name, numbered), numbered)
    return described


def _numbered(name, layers):
    """Return the lines of layers, pairs of number and lines. Consecutive equal layers are described once."""
    runs = []
    for number, below in layers:
        if runs and runs[-1][2] == below:
            runs[-1][1] = number
        else:
            runs.append([number, number, below])
    return [
        line
        for first, last, below in runs
        for line in _headed(f"{name} {first}" if first == last else f"{name}s {first}–{last}", below)
    ]


def _headed(name, below):
    """Return a description under its name, on one line unless the description contains lines of layers."""
    if any(_is_layered(line) for line in below):
        first = [line for line in below if not _is_layered(line)]
        return [f"{name}: {', '.join(first)}".rstrip(), *(f"   {line}" for line in below if line not in first)]
    if len(below) == 1:
        return [f"{name}: {below[0].removeprefix('kind ').removeprefix('operation ')}"]
    return [f"{name}: {', '.join(below)}"] if below else []


def _is_layered(line):
    return line.startswith(" ") or re.match(r"\w+ \d+(–\d+)?:", line) is not None


def _singular(name, layers):
    if name == "depth":  # The repeated items are layers, or stages of layers.
        return "stage" if any(_is_layered(line) for _, below in layers for line in below) else "layer"
    name = name.replace("_", " ")
    return name[:-1] if name.endswith("s") and len(name) > 2 else name
