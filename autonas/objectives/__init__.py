"""Objectives of a search: metrics, costs, custom scores, combinations of objectives, and constraints."""

from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.
from autonas.costs.latency import Latency
from autonas.costs.memory import PeakMemory
from autonas.costs.model_size import ModelSize
from autonas.costs.registry import BuiltModel, Cost, CustomCost, Flops, Params
from autonas.objectives.combinations import Combination, Lexicographic, ProductOfPowers, WeightedSum
from autonas.objectives.custom_score import CustomMetric, CustomScore

__all__ = [
    "BuiltModel",
    "Combination",
    "Cost",
    "CustomCost",
    "CustomMetric",
    "CustomScore",
    "Flops",
    "Latency",
    "Lexicographic",
    "ModelSize",
    "Params",
    "PeakMemory",
    "ProductOfPowers",
    "WeightedSum",
]
