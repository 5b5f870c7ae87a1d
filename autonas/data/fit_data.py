"""Data arguments of a call of `fit`."""

import dataclasses

from autonas.data import interchange
from autonas.data.checks import check_groups, is_stream, warn_of_shuffled_index


@dataclasses.dataclass(frozen=True, eq=False)
class FitData:
    """Data arguments of a call of `fit`, in types of numpy, pandas and TensorFlow; see `of`.

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

    @classmethod
    def of(cls, x, y=None, sample_weight=None, validation_data=None, groups=None):
        """Return the arguments of `fit` with frames, loaders and names of columns converted.

        Raises:
            ValueError: If `y` is a string, and no column of `x` has this name, or `groups` isn't one label per row.
        """
        groups = interchange.converted(groups)
        if groups is not None:
            # Only a check: the header of a search describes the groups as they were passed.
            check_groups(groups)
        rows, targets = interchange.rows_and_targets(x, y)
        warn_of_shuffled_index(rows, targets)
        validated = interchange.labelled_rows(validation_data, y)
        return cls(rows, targets, interchange.converted(sample_weight), validated, groups)

    @property
    def is_stream(self):
        """Whether the rows are a `tf.data.Dataset`."""
        return is_stream(self.x)
