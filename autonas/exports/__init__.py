"""Exports of a fitted model to files of run times, verified by running the file and comparing the predictions."""

from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.
from autonas.exports.exporting import Export, export

__all__ = ["Export", "export"]
