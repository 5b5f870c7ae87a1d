"""What a search, and what is made of it, raises and warns of."""


class SearchFailed(RuntimeError):
    """No trial of a search could be completed."""


class InfeasibleWarning(UserWarning):
    """No candidate keeps to the limits: the one that is served breaks one."""


class BaselineWarning(UserWarning):
    """The model isn't better than a constant prediction on the validation rows, or is worse than a linear one."""


class ExportFailed(RuntimeError):
    """A model can't be run by the run time it was to be exported to, or says something else there."""
