"""Local search keeps the contract."""

from autonas import oracles
from autonas.testing import oracles as contracts


class TestLocalSearchOracle(contracts.OracleContract):
    def make(self, **arguments):
        return oracles.LocalSearchOracle(**arguments)
