"""Reporting of a search: progress display, TensorBoard log, leaderboard, summary, plots and report."""

from autonas.reporting import plots
from autonas.reporting.leaderboard import leaderboard, render
from autonas.reporting.progress import ProgressReporter
from autonas.reporting.reporter import Reporter, ReporterList, SearchInfo, describe
from autonas.reporting.tensorboard import TensorBoardReporter
from autonas.trials.records import HeadPredictions, TrialRecord

__all__ = [
    "HeadPredictions",
    "ProgressReporter",
    "Reporter",
    "ReporterList",
    "SearchInfo",
    "TensorBoardReporter",
    "TrialRecord",
    "describe",
    "leaderboard",
    "plots",
    "render",
]
