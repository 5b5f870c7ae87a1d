"""Short texts for people, shared by the reporters."""


def architecture(values, limit=3):
    """Names the main decisions of a trial in a few words.

    Decisions between named alternatives (a kind of block, a merge) say most about an architecture, so
    they come first and alone; a space without them is described by its first numbers.

    Args:
        values: Dict of decision name to value.
        limit: Number of decisions named.

    Returns:
        A string, e.g. `"convolution, residual"` or `"units=64, dropout=0.25"`.
    """
    active = {k: v for k, v in values.items() if v is not None and not k.startswith("tuner/")}
    named = [value for value in active.values() if isinstance(value, str)]
    if named:
        return ", ".join(named[:limit])
    numbers = [
        f"{name.rsplit('/', 1)[-1]}={f'{value:.3g}' if isinstance(value, float) else value}"
        for name, value in active.items()
    ]
    return ", ".join(numbers[:limit])


def duration(seconds):
    """Formats seconds as `4.1 s`, `2:05` or `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
