"""What reinforcement learning is made of: actions, policies (controllers) and the algorithms that teach them."""

from autonas.oracles.controllers.factorised import FactorisedController
from autonas.oracles.controllers.reinforce import Reinforce

__all__ = ["FactorisedController", "Reinforce"]
