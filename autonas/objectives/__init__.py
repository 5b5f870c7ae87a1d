"""What is good: metrics and scores, costs, combinations of them, and limits."""

from autonas.objectives.combinations import Combination, Lexicographic, ProductOfPowers, WeightedSum
from autonas.objectives.costs import BuiltModel, Cost, CustomCost, Flops, Params
from autonas.objectives.custom_score import CustomMetric, CustomScore
from autonas.objectives.latency import Latency
from autonas.objectives.memory import PeakMemory
from autonas.objectives.model_size import ModelSize

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
