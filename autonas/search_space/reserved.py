"""Names that aren't hyperparameters of a search space: Keras Tuner reserves them for the evaluation of a trial."""

#: Prefix of the reserved names.
PREFIX = "tuner/"


def is_reserved(name: str) -> bool:
    """Return whether a name in the values of a trial is a reserved name."""
    return name.startswith(PREFIX)
