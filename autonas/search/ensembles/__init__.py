"""Ensembles of candidates: selection of members and weights, and the training of the members."""

from autonas.search.ensembles.members import EnsembleStage
from autonas.search.ensembles.selection import Selection, select, select_equals

__all__ = ["EnsembleStage", "Selection", "select", "select_equals"]
