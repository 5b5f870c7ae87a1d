"""What a search raises and warns of."""


class SearchFailed(RuntimeError):
    """No trial of a search could be completed."""


class InfeasibleWarning(UserWarning):
    """No candidate keeps to the limits: the one that is served breaks one."""
