"""Ensembles of candidates: selection of members and weights, and one network that averages the members."""

from autonas.search.ensembles.members import EnsembleStage
from autonas.search.ensembles.network import averaging_network
from autonas.search.ensembles.selection import Selection, select

__all__ = ["EnsembleStage", "Selection", "averaging_network", "select"]
