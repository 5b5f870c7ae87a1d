"""What is good: metrics and scores, costs, combinations of them, and limits."""

from autonas.objectives.combinations import Combination, Lexicographic, ProductOfPowers, WeightedSum
from autonas.objectives.costs import Cost, CustomCost, Flops, Params
from autonas.objectives.custom_score import CustomScore

__all__ = [
    "Combination",
    "Cost",
    "CustomCost",
    "CustomScore",
    "Flops",
    "Lexicographic",
    "Params",
    "ProductOfPowers",
    "WeightedSum",
]
