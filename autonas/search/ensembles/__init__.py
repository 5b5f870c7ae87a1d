"""Ensembles of candidates: selection of members and weights, and the training of the members."""

from autonas.search.ensembles.members import MemberTraining
from autonas.search.ensembles.selection import Selection, select, select_equals
from autonas.search.ensembles.stage import EnsembleStage

__all__ = ["EnsembleStage", "MemberTraining", "Selection", "select", "select_equals"]
