"""Pictures of a search, by matplotlib: one module a picture.

Each `plot_...` draws into `axes` and returns it; without axes it opens a figure of pyplot. `figure` makes a picture
that nobody has asked to see on a screen, for a file or a log.
"""

from autonas.reporting.plots.architecture import plot_architecture
from autonas.reporting.plots.canvas import figure
from autonas.reporting.plots.history import plot_curves, plot_history
from autonas.reporting.plots.importance import plot_importance
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
    "plot_history",
    "plot_importance",
    "plot_parallel",
    "plot_pareto",
    "plot_phases",
    "plot_predictions",
    "plot_ranks",
]
