"""Entries of the portfolio for texts."""

from autonas.search_space.values import Scalar

#: Entries of texts.
ENTRIES: list[dict[str, Scalar]] = [
    {"kind": "linear", "kind_linear/ratios": True},
    {"kind": "linear"},
    {"kind": "bag", "kind_bag/dropout": 0.5, "optimization/epochs_share": 0.5},
    {"kind": "bag_and_convolution", "kind_bag_and_convolution/dropout": 0.0, "kind_bag_and_convolution/filters": 32,
     "optimization/epochs_share": 0.5, "optimization/learning_rate": 5e-3},
    {"kind": "convolution", "kind_convolution/dropout": 0.25, "optimization/epochs_share": 0.5,
     "optimization/learning_rate": 5e-3},
    {"kind": "bag", "kind_bag/dimension": 32, "kind_bag/dropout": 0.0, "optimization/epochs_share": 0.5,
     "optimization/learning_rate": 5e-3},
]  # fmt: skip
