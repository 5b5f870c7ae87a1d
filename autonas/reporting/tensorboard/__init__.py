"""The TensorBoard log of a search."""

from autonas.reporting.tensorboard.invitation import invitation
from autonas.reporting.tensorboard.reporter import TensorBoardReporter

__all__ = ["TensorBoardReporter", "invitation"]
