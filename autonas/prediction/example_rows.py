"""File of the raw example rows of encoders, on which exports are verified."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from autonas import data, storage


def write(encoders: Iterable[data.Encoder], path: str) -> None:
    """Write the example rows of encoders to a file.

    Args:
        encoders: Fitted encoders with example rows.
        path: Path of the file.
    """
    examples: dict[str, Any] = {}
    for index, encoder in enumerate(encoders):
        raw = encoder.examples_
        for key, array in (raw if isinstance(raw, dict) else {"": raw}).items():
            examples[f"{index}:{key}"] = _packed(array) if array.dtype == object else array
    np.savez(path, **examples)


def read(encoders: Iterable[data.Encoder], path: str) -> None:
    """Read the example rows of encoders from a file.

    Args:
        encoders: The encoders, in the order of `write`.
        path: Path of the file.

    Raises:
        ValueError: If the file has other arrays than the encoders.
    """
    examples = storage.read_arrays(path)
    for index, encoder in enumerate(encoders):
        names = [name for name in examples if name.startswith(f"{index}:")]
        arrays = {name.split(":", 1)[1]: examples.pop(name) for name in names}
        arrays = {key: _unpacked(array) if array.dtype.kind in "SU" else array for key, array in arrays.items()}
        if arrays.keys() != encoder.example_names or len({len(array) for array in arrays.values()}) != 1:
            raise ValueError(
                f"the example rows have the arrays {sorted(arrays)!r:.100}, not {sorted(encoder.example_names)!r:.100}"
            )
        encoder.examples_ = arrays.get("", arrays)
    if examples:
        raise ValueError(f"the array {next(iter(examples))!r:.60} belongs to no input")


def _packed(strings: np.ndarray) -> np.ndarray:
    """Return an object array of strings as JSON, an array of bytes. In an array of strings all are as wide as one."""
    return np.array(json.dumps(strings.tolist(), ensure_ascii=False).encode())


def _unpacked(array: np.ndarray) -> np.ndarray:
    """Return the object array of strings of `_packed`. Older versions wrote an array of strings."""
    if array.dtype.kind == "U":
        return array.astype(object)
    strings = json.loads(array.item())
    storage.check_shape(strings, [str], "the example rows")
    return np.array(strings, dtype=object)
