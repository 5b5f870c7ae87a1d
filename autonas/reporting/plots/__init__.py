"""Plots of a search with matplotlib, one module per plot.

Every function `plot_...` draws into `axes` and returns the axes. Without `axes` it opens a new figure of pyplot.
`figure` returns a figure that isn't shown on the screen, for a file or a log.
"""

from autonas.reporting.plots.architecture import plot_architecture
from autonas.reporting.plots.canvas import figure
from autonas.reporting.plots.history import plot_curves, plot_history
from autonas.reporting.plots.importance import plot_feature_importance, plot_importance
from autonas.reporting.plots.parallel import plot_parallel
from autonas.reporting.plots.pareto import plot_pareto
from autonas.reporting.plots.phases import plot_phases
from autonas.reporting.plots.predictions import plot_predictions
from autonas.reporting.plots.ranks import finalists, plot_ranks

__all__ = [
    "finalists",
    "figure",
    "plot_architecture",
    "plot_curves",
    "plot_feature_importance",
    "plot_history",
    "plot_importance",
    "plot_parallel",
    "plot_pareto",
    "plot_phases",
    "plot_predictions",
    "plot_ranks",
]
