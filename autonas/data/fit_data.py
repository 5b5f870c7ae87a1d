"""Data arguments of a call of `fit`."""

import dataclasses

from autonas.data.checks import is_stream


@dataclasses.dataclass(frozen=True, eq=False)
class FitData:
    """Data arguments of a call of `fit`, as the user passed them.

    Args:
        x: Rows of one input, a list or dict of several inputs, or a `tf.data.Dataset` of rows and targets.
        y: Targets of one head, or a list or dict of the targets of several heads. Defaults to `None`.
        sample_weight: Sample weights, `(n,)`. Defaults to `None`.
        validation_data: Validation set, a tuple `(x, y)` or a `tf.data.Dataset`. Defaults to `None`.
        groups: Group labels of the rows, `(n,)`. Defaults to `None`.
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
