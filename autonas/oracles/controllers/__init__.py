"""Reinforcement learning: the decision process, policies (controllers), and algorithms that train a policy."""

from autonas.oracles.controllers.factorised import FactorisedController
from autonas.oracles.controllers.proximal import ProximalPolicyOptimization
from autonas.oracles.controllers.q_learning import QLearning
from autonas.oracles.controllers.recurrent import RecurrentController
from autonas.oracles.controllers.reinforce import Reinforce

__all__ = ["FactorisedController", "ProximalPolicyOptimization", "QLearning", "RecurrentController", "Reinforce"]
