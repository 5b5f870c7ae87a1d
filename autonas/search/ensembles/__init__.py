"""Ensembles of the candidates of a search: which ones, with which weights, and one network that averages them."""

from autonas.search.ensembles.members import EnsembleStage
from autonas.search.ensembles.network import averaging_network
from autonas.search.ensembles.selection import Selection, select

__all__ = ["EnsembleStage", "Selection", "averaging_network", "select"]
