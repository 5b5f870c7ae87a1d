"""What stands in the boxes of an architecture: names and decisions in plain words."""

import re
import textwrap

from autonas.reporting import text


def title(part):
    """The name of a part: that which its user gave it, or its kind, `"image block"`, with a number from the second."""
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", part["kind"]).lower()
    automatic = re.fullmatch(re.escape(kind.replace(" ", "_")) + r"_(\d+)", part["name"])
    if automatic is None:
        return part["name"]
    return kind if automatic[1] == "1" else f"{kind} {automatic[1]}"


def facts(part):
    """What is known of an input or a head besides its decisions, as lines."""
    known = part.get("facts", {})
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
    """The decisions below a name, a line each; layers that repeat are a line each, equal ones together.

    Args:
        values: Dict from decision to value, of the active ones.
        prefix: What the names of the decisions begin with, before a slash.
        hidden: Names that are left out.
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


def wrapped(given, width):
    """Lines of at most `width` characters; what goes on in a further line is indented."""
    found = []
    for line in given:
        indent = " " * (len(line) - len(line.lstrip()))
        found += textwrap.wrap(line.lstrip(), width, initial_indent=indent, subsequent_indent=f"{indent}    ")
    return found


def _lines(tree):
    """Lines of a tree whose keys are names of decisions, and tuples of one scope for what lies below."""
    found, placed = [], set()
    for name in [key for key in tree if isinstance(key, str)]:
        # Scopes of a choice and of a repetition begin with its name.
        below = [scope for scope in tree if isinstance(scope, tuple) and scope[0].startswith(f"{name}_")]
        below = [scope for scope in below if scope not in placed]
        is_count = isinstance(tree[name], int) and any(scope[0] == f"{name}_0" for scope in below)
        if not is_count:  # Layers that are listed need not be counted.
            found.append(text.phrase(name, tree[name]))
        found += _scopes(tree, below)
        placed.update(below)
    return found + _scopes(tree, [scope for scope in tree if isinstance(scope, tuple) and scope not in placed])


def _scopes(tree, scopes):
    """Lines of scopes: layers by number, the chosen candidate's in place, others under their name."""
    found, layers = [], {}
    for scope in scopes:
        numbered = re.fullmatch(r"(.+)_(\d+)", scope[0])
        below = _lines(tree[scope])
        if any(scope[0] == f"{name}_{value}" for name, value in tree.items() if isinstance(value, str)):
            found += below
        elif numbered:
            layers.setdefault(numbered[1], []).append((int(numbered[2]) + 1, below))
        else:
            found += _headed(scope[0].replace("_", " "), below)
    for name, numbered in layers.items():
        found += _numbered(_singular(name, numbered), numbered)
    return found


def _numbered(name, layers):
    """Lines of layers, pairs of number and lines; a run of equal ones is described once."""
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
    """A description under its name: on one line, unless it has lines of layers itself."""
    if any(_is_layered(line) for line in below):
        first = [line for line in below if not _is_layered(line)]
        return [f"{name}: {', '.join(first)}".rstrip(), *(f"   {line}" for line in below if line not in first)]
    if len(below) == 1:
        return [f"{name}: {below[0].removeprefix('kind ').removeprefix('operation ')}"]
    return [f"{name}: {', '.join(below)}"] if below else []


def _is_layered(line):
    return line.startswith(" ") or re.match(r"\w+ \d+(–\d+)?:", line) is not None


def _singular(name, layers):
    if name == "depth":  # A number of layers, or of stages of layers.
        return "stage" if any(_is_layered(line) for _, below in layers for line in below) else "layer"
    name = name.replace("_", " ")
    return name[:-1] if name.endswith("s") and len(name) > 2 else name
