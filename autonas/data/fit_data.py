"""The data of a call of `fit`."""

import dataclasses

from autonas.data.checks import is_stream


@dataclasses.dataclass(frozen=True, eq=False)
class FitData:
    """The data arguments of `fit`, as the user passed them.

    Args:
        x: Rows of one input, a list or dict of several inputs, or a `tf.data.Dataset` of rows and targets.
        y: Targets of one head, a list or dict of several heads, or `None`.
        sample_weight: Weight of each row, `(n,)`, or `None`.
        validation_data: Tuple `(x, y)` or a `tf.data.Dataset` to score candidates on, or `None`.
        groups: Group of each row, `(n,)`, or `None`.
    """

    x: object
    y: object = None
    sample_weight: object = None
    validation_data: object = None
    groups: object = None

    @property
    def is_stream(self):
        """Whether the rows are a `tf.data.Dataset`."""
        return is_stream(self.x)
