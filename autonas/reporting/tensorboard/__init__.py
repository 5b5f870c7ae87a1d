"""The TensorBoard log of a search."""

from autonas.reporting.tensorboard.reporter import TensorBoardReporter
from autonas.reporting.tensorboard.texts import invitation

__all__ = ["TensorBoardReporter", "invitation"]
