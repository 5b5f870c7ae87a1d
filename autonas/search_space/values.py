"""Types of the values of hyperparameters."""

from typing import TypeAlias

#: Value of a hyperparameter.
Scalar: TypeAlias = str | int | float | bool
#: Hashable key of an architecture, see `Encoding.key`.
Key: TypeAlias = tuple[tuple[str, Scalar], ...]
