"""Input nodes of a graph of blocks, one class for each kind of data."""

from __future__ import annotations

from typing import Any

from autonas.search_space import block


class Input(block.Node, block.Configurable):
    """Input node for any kind of data. The kind is inferred from the data in `fit`.

    Args:
        name: Name of the input, unique in its graph. If `x` is a dict, its keys are the names of the inputs. Defaults
            to the class name in snake case with a number, such as `"input_1"`.

    Example:

    ```python
    import autonas

    inputs = autonas.Input()
    outputs = autonas.ClassificationHead()(autonas.DenseBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    #: Kind of data: "image", "table", "text" or "series"; `None` to infer it from the data.
    kind: str | None = None

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.name = name

    def encoder_options(self) -> dict[str, Any]:
        """Return the keyword arguments of the data encoder, a dict."""
        return {}


class ImageInput(Input):
    """Input node for images of shape `(n, height, width)` or `(n, height, width, channels)`.

    Args:
        name: As in `Input`.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    outputs = autonas.ClassificationHead()(autonas.ImageBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    kind = "image"


class StructuredDataInput(Input):
    """Input node for a table: an array of shape `(n, columns)` or a pandas DataFrame.

    Args:
        name: As in `Input`.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.StructuredDataBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    kind = "table"


class TimeSeriesInput(Input):
    """Input node for time series of shape `(n, time, channels)`, or a list of arrays `(time, channels)`.

    Arrays of series of different lengths are padded with NaN.

    Args:
        length: Number of steps of a series that are read, the first ones. Defaults to `None`: the length of the longest
            series, or the 99th percentile of the lengths of the training set if the longest series is more than 1.5
            times as long. A warning says so.
        name: As in `Input`.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    outputs = autonas.ClassificationHead()(autonas.TimeSeriesBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    kind = "series"

    def __init__(self, length: int | None = None, name: str | None = None) -> None:
        super().__init__(name)
        self.length = length

    def encoder_options(self) -> dict[str, Any]:
        return {"length": self.length}


class TextInput(Input):
    """Input node for texts, an array or list of n strings.

    Args:
        max_tokens: Maximum size of the vocabulary, including padding and unknown words, at least 3. Defaults to 20,000.
        length: Number of words of a text that networks read, the first ones, or of characters of texts with hardly any
            white space, such as Chinese ones. Defaults to `None`: the 99th percentile of the lengths in the training
            set, limited to 512, or to 3,000,000 divided by the number of training rows if this is larger. A warning is
            given if this limit cuts more than 1 % of the texts.
        name: As in `Input`.

    Example:

    ```python
    import autonas

    inputs = autonas.TextInput(max_tokens=5_000)
    outputs = autonas.ClassificationHead()(autonas.TextBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    kind = "text"

    def __init__(self, max_tokens: int = 20_000, length: int | None = None, name: str | None = None) -> None:
        super().__init__(name)
        self.max_tokens = max_tokens
        self.length = length

    def encoder_options(self) -> dict[str, Any]:
        return {"max_tokens": self.max_tokens, "length": self.length}
