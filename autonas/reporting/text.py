"""Short texts for people, shared by the reporters."""

from autonas.costs.orientation import comparative
from autonas.trials import reserved

#: Decisions about training, which say less of an architecture than those about its layers.
_TRAINING = "optimization/"


def architecture(values, limit=3, than=None):
    """Names the main decisions of a trial in a few words.

    Decisions between named alternatives (a kind of block, a merge) say most about an architecture, so they come first,
    those of a whole block before those of one of its layers; then numbers and switches, those of training last.

    Args:
        values: Dict of decision name to value.
        limit: Number of decisions named.
        than: Values to tell it apart from, such as those of the first trial: decisions that are the same there aren't
            named. Defaults to `None`: named alternatives alone are named, whatever they are, if there are any.

    Returns:
        A string, e.g. `"residual, depth 2"`; empty if there is nothing to say.
    """
    active = {
        name: value
        for name, value in reserved.architecture(values).items()
        if value is not None and (than is None or than.get(name) != value)
    }
    if than is None and any(isinstance(value, str) for value in active.values()):
        active = {name: value for name, value in active.items() if isinstance(value, str)}
    order = sorted(
        active,
        key=lambda name: (name.startswith(_TRAINING), not isinstance(active[name], str), name.count("/")),
    )
    return ", ".join(
        shown(active[name]) if isinstance(active[name], str) else phrase(name, active[name]) for name in order[:limit]
    )


def duration(seconds):
    """Formats seconds as `4.1 s`, `2:05` or `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shortened(text, limit):
    """Return a text of at most `limit` characters: the text, or else its beginning with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def metric(name, direction):
    """Return the name of an objective with its direction: `"val_loss (smaller is better)"`."""
    return f"{name} ({comparative(direction)} is better)"


def shown(value):
    """A value of a decision in words: `"on"`, `"0.00123"`, `"max pooling 3"`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("_", " ")


def phrase(name, value):
    """A decision and its value in words: `"kind separable"` for `"block_1/layers_0/kind"`."""
    return f"{name.rsplit('/', 1)[-1].removeprefix('n_').replace('_', ' ')} {shown(value)}"


def short_names(names):
    """The shortest endings of names of decisions that tell them apart, in words.

    Args:
        names: Iterable of different names, such as `"image_block_1/kind_dense/units"`.

    Returns:
        Dict from name to e.g. `"units"`, or `"kind dense / units"` where another one is of units too.
    """
    names = list(names)
    return {name: " / ".join(shortest_end(name, names)).replace("_", " ") for name in names}


def searched_decisions(search, limit=None):
    """Return a sentence about which decisions a search with shared weights varies; empty without shared weights.

    Args:
        search: The `SearchInfo`.
        limit: Number of decisions that are named of each kind. Defaults to `None`: all of them.
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


def _listed(labels, limit):
    named = labels[:limit]
    more = [f"and {len(labels) - len(named)} more"] if len(named) < len(labels) else []
    return ", ".join(named + more)


def shortest_end(name, names):
    """The last parts of a name with slashes, as few as no other of some names ends with, a list."""
    own, others = name.split("/"), [other.split("/") for other in names if other != name]
    n_needed = next((n for n in range(1, len(own)) if not any(other[-n:] == own[-n:] for other in others)), len(own))
    return own[-n_needed:]
