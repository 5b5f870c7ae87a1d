"""The stages of a search that a trial can belong to, the statuses of a trial, and its id."""

import enum

#: Regular expression of the ids of trials that an oracle creates.
ID_PATTERN = r"\d{4,}"


class _Word(str, enum.Enum):  # noqa: UP042 (Python 3.10 has no `StrEnum`)
    """A member is its value: in JSON, in texts, and compared to a string."""

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]  # `Enum` has the type of its own method.


class Stage(_Word):
    """The stage of a search that a trial belongs to."""

    #: A candidate: an architecture that is trained by itself.
    SEARCH = "search"
    #: An epoch of the training of a supernet.
    SUPERNET = "supernet"
    #: The scoring of architectures with the weights of a supernet.
    ONE_SHOT = "one_shot"
    #: The prediction of a constant or a linear model, which candidates are compared to.
    BASELINE = "baseline"
    #: The training of a candidate that violates a constraint, where no candidate satisfies all constraints.
    INFEASIBLE = "infeasible"
    #: The further training of the best candidate on all rows, after the search.
    FINAL = "final"
    #: The ensemble of several candidates.
    ENSEMBLE = "ensemble"


class Status(_Word):
    """The status of a trial."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    #: The candidate violates a constraint and was refused before its training.
    REFUSED = "refused"
    #: The user interrupted the search while the trial was running.
    INTERRUPTED = "interrupted"


def id_of(number: int) -> str:
    """Return the id of the trial with a number: `"0003"` of 3."""
    return f"{number:04d}"
