"""Short texts shared by the reporters."""

from collections.abc import Iterable, Mapping
from typing import Any

from autonas.costs.orientation import comparative
from autonas.reporting.callback import SearchInfo
from autonas.trials import reserved

#: Prefix of decisions about training, which describe an architecture less than decisions about its layers.
_TRAINING = "optimization/"
#: Labels of a choice between a layer and none, which say nothing without the name of the decision.
_SWITCH = ("off", "on")


def architecture(values: Mapping[str, Any], limit: int = 3, than: Mapping[str, Any] | None = None) -> str:
    """Describe an architecture by its main decisions.

    Choices between named options, such as the kind of a block, come first, with decisions of a whole block before
    decisions of its layers. Numbers and switches follow, and decisions about training come last. A number of a whole
    block is named with its block if another block has a number of the same name, as a head's dropout.

    Args:
        values: Dict from decision to value.
        limit: Maximum number of decisions. Defaults to 3.
        than: Values of another architecture, such as of the first trial. Decisions with the same value are left out,
            but the kinds of blocks are not, unless all values are the same. Defaults to `None`, which lists the choices
            between named options only, if there are any.

    Returns:
        A text such as `"residual, depth 2"`, empty without decisions.
    """
    known = {name: value for name, value in reserved.architecture(values).items() if value is not None}
    active = known
    if than is not None:
        different = {name for name, value in active.items() if than.get(name) != value}
        kinds = {name for name in active if name.rpartition("/")[2] == "kind" and name.count("/") <= 1}
        active = {name: value for name, value in active.items() if different and name in different | kinds}
    named = {name for name, value in active.items() if isinstance(value, str) and value not in _SWITCH}
    if than is None and named:
        active = {name: value for name, value in active.items() if name in named}
    options = tuple(f"{name}_{value}/" for name, value in known.items() if isinstance(value, str))

    def order(name: str) -> tuple[bool, bool, int]:
        is_number = name not in named
        # The numbers of a chosen kind of a block describe the whole block, as those of a head.
        return name.startswith(_TRAINING), is_number, name.count("/") - (is_number and name.startswith(options))

    return ", ".join(
        shown(active[name]) if name in named else _of_block(name, known) + phrase(name, active[name])
        for name in sorted(active, key=order)[:limit]
    )


def _of_block(name: str, names: Iterable[str]) -> str:
    """Return the block of a decision, such as `"classification head "`, if another block has a decision called alike.

    The text is empty for a decision of a block's kind or layers, which are described before.
    """
    block, _, decision = name.partition("/")
    others = [other for other in names if other.endswith(f"/{decision}") and not other.startswith(f"{block}/")]
    return f"{block.removesuffix('_1').replace('_', ' ')} " if others and "/" not in decision else ""


def duration(seconds: float) -> str:
    """Format seconds as `4.1 s`, `2:05` or `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shortened(text: str, limit: int) -> str:
    """Return a text cut to at most `limit` characters, with an ellipsis if it was longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def metric(name: str, direction: str) -> str:
    """Return the name of an objective with its direction: `"val_loss (smaller is better)"`."""
    return f"{name} ({comparative(direction)} is better)"


def shown(value: Any) -> str:
    """Return a value of a decision as text: `"on"`, `"0.00123"`, `"max pooling 3"`."""
    if isinstance(value, bool):
        return _SWITCH[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("_", " ")


def number(value: float, digits: int = 4) -> str:
    """Return a number as text with some significant digits, a large one in full: `"0.9731"`, `"43,727"`."""
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def phrase(name: str, value: Any) -> str:
    """Return a decision and its value as text: `"kind separable"` for `"block_1/layers_0/kind"`."""
    return f"{name.rsplit('/', 1)[-1].removeprefix('n_').replace('_', ' ')} {shown(value)}"


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return the shortest unique endings of names of decisions as text.

    Args:
        names: Iterable of different names, such as `"image_block_1/kind_dense/units"`.

    Returns:
        Dict from name to its label, such as `"units"`, or `"kind dense / units"` if another name ends with `units`.
    """
    names = list(names)
    return {name: " / ".join(shortest_end(name, names)).replace("_", " ") for name in names}


def searched_decisions(search: SearchInfo, limit: int | None = None) -> str:
    """Return a sentence on the decisions that a search with shared weights varies. Empty without shared weights.

    Args:
        search: The `SearchInfo`.
        limit: Maximum number of decisions to list that vary, and that don't. Defaults to `None`, all.
    """
    if not search.unsearched:
        return ""
    labels = short_names(info["name"] for info in search.space if info["type"] != "Fixed")
    unsearched = [label for name, label in labels.items() if name in search.unsearched]
    searched = [label for name, label in labels.items() if name not in search.unsearched]
    return (
        f"Shared weights: {len(searched)} of {len(labels)} decisions are searched ({_listed(searched, limit)}); "
        f"the other {len(unsearched)} keep their defaults ({_listed(unsearched, limit)})."
    )


def _listed(labels: list[str], limit: int | None) -> str:
    named = labels[:limit]
    more = [f"and {len(labels) - len(named)} more"] if len(named) < len(labels) else []
    return ", ".join(named + more)


def shortest_end(name: str, names: Iterable[str]) -> list[str]:
    """Return the shortest ending of a name, split at slashes, that no other name has, a list of texts."""
    own, others = name.split("/"), [other.split("/") for other in names if other != name]
    n_needed = next((n for n in range(1, len(own)) if not any(other[-n:] == own[-n:] for other in others)), len(own))
    return own[-n_needed:]
