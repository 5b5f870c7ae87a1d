"""Exports: a fitted model as a file of another run time, which runs it there and compares before it counts."""

from autonas.exports.exporting import Export, export

__all__ = ["Export", "export"]
