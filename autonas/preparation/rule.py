"""A rule about arguments that are refused together, and names of arguments in several rules."""

import typing

STREAM = "`x` a `tf.data.Dataset`"
SUPERNET = "`weight_sharing=True`, or another strategy that trains a supernet"


class Rule(typing.NamedTuple):
    """A combination that is refused.

    Args:
        one: One side of the combination, in Markdown.
        other: The other side.
        message: The requirement and its reason: the beginning of the error.
        advice: A way to satisfy the requirement.
        received: Names of the arguments that the error shows.
        applies: Function from a `Request` to whether the rule refuses the request.
    """

    one: str
    other: str
    message: str
    advice: str
    received: tuple
    applies: typing.Callable
