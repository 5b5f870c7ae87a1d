"""Reporting of a search: progress display, TensorBoard log, leaderboard, summary, plots and report."""

from autonas.reporting import plots
from autonas.reporting.callback import SearchCallback, SearchCallbackList, SearchInfo, describe
from autonas.reporting.leaderboard import leaderboard, render
from autonas.reporting.mlflow import MLflowCallback
from autonas.reporting.progress import ProgressReporter
from autonas.reporting.tensorboard import TensorBoardReporter
from autonas.reporting.wandb import WandbCallback
from autonas.trials.records import HeadPredictions, TrialRecord

__all__ = [
    "HeadPredictions",
    "MLflowCallback",
    "ProgressReporter",
    "SearchCallback",
    "SearchCallbackList",
    "SearchInfo",
    "TensorBoardReporter",
    "TrialRecord",
    "WandbCallback",
    "describe",
    "leaderboard",
    "plots",
    "render",
]
