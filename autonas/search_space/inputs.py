"""Inputs: where data enters a graph of blocks."""

from autonas.search_space import block


class Input(block.Node, block.Configurable):
    """An input of any kind; the kind is inferred from the data in `fit`.

    Args:
        name: Name of the input, unique in its graph. Needed only to tell inputs apart when `x` is a dict.
    """

    #: Kind of data: "image", "table", "text" or "series"; `None` if it is to be inferred.
    kind = None

    def __init__(self, name=None):
        super().__init__()
        self.name = name

    def encoder_options(self):
        """Options of the data encoder, a dict."""
        return {}


class ImageInput(Input):
    """Images of shape `(n, height, width)` or `(n, height, width, channels)`."""

    kind = "image"


class StructuredDataInput(Input):
    """A table: an array of shape `(n, columns)` or a pandas DataFrame."""

    kind = "table"


class TimeSeriesInput(Input):
    """Series of shape `(n, time, channels)`, NaN-padded if of unequal length."""

    kind = "series"


class TextInput(Input):
    """Strings.

    Args:
        max_tokens: Size of the vocabulary at most. Defaults to 20,000.
        name: Name of the input.
    """

    kind = "text"

    def __init__(self, max_tokens=20_000, name=None):
        super().__init__(name)
        self.max_tokens = max_tokens

    def encoder_options(self):
        return {"max_tokens": self.max_tokens}
