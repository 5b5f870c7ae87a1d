"""Evolution keeps the contract."""

from autonas import oracles
from autonas.testing import oracles as contracts


class TestEvolutionOracle(contracts.OracleContract):
    takes_several_scores = True

    def make(self, **arguments):
        return oracles.EvolutionOracle(**arguments)
