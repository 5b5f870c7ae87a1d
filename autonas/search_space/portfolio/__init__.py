"""Portfolio of initial architectures by kind of data, the cheapest first.

An entry is a dict of the hyperparameters that differ from the default architecture. The entries were selected by their
scores on digits, MNIST, Fashion-MNIST, Adult, California housing, TREC, rt-polarity, ECG5000 and Japanese vowels
(`benchmarks/time_to_quality.py`).
"""

from autonas.search_space.portfolio.conditions import Conditions
from autonas.search_space.portfolio.initial import initial_points

__all__ = ["Conditions", "initial_points"]
