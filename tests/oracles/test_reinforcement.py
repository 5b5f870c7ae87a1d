"""Reinforcement learning keeps the contract, and learns."""

from autonas import oracles
from autonas.testing import oracles as contracts


class TestReinforce(contracts.OracleContract):
    def make(self, **arguments):
        return oracles.ReinforcementOracle(**arguments)
