"""Reinforcement learning: a policy generates architectures decision by decision and learns from their scores."""

import copy
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

import moocore
import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, scalarisation
from autonas.oracles.controllers import (
    FactorisedController,
    ProximalPolicyOptimization,
    QLearning,
    RecurrentController,
    Reinforce,
)
from autonas.oracles.controllers.decision_process import DecisionProcess, Episode
from autonas.oracles.controllers.reinforce import Controller
from autonas.oracles.observation import Observation
from autonas.search_space.values import Key, Scalar

_Algorithm: TypeAlias = Reinforce | QLearning
_Part = TypeVar("_Part")
ALGORITHMS: dict[str, type[_Algorithm]] = {
    "reinforce": Reinforce,
    "ppo": ProximalPolicyOptimization,
    "q_learning": QLearning,
}
CONTROLLERS: dict[str, type[Controller]] = {"factorised": FactorisedController, "recurrent": RecurrentController}
#: Maximum number of mutations from a known architecture to a new one.
_LONGEST_WALK = 50


class ReinforcementOracle(base.Oracle):
    """Search by reinforcement learning.

    Generating an architecture is a Markov decision process (S, A, P, R, γ): the state is the partial architecture, an
    action takes the next decision, and the reward at the end is the score. The policy π is trained to maximise

        J(π) = E_π[Σ_t γ^t r_t]

    by REINFORCE (`Reinforce`), PPO (`ProximalPolicyOptimization`) or Q-learning (`QLearning`).

    Two rules deviate from the papers, for all of them (measurements are in `benchmarks/strategies.md`):

    - The reward is the rank of the score: the share of the scores so far that are lower, from 0 to 1. So scores may
      have any scale, and a few very bad ones don't hide the differences between good ones. Failed trials have no
      reward.
    - When the policy draws a known architecture, it learns from the known score again, without a trial, and draws anew,
      up to `max_free_steps` times. After that the policy has converged, and the last architecture is mutated until it
      is new.

    With several objectives, the reward is half the mean of the ranks in each, and half the share of the architectures
    so far in worse layers of non-dominated scores. The mean of ranks is the expectation of scalarisations with random
    weights, which add noise when the policy doesn't know the weights.

    With constraints, the share is that of all trials, where infeasible ones come after all feasible ones, ordered by
    their violation. Refused trials have a reward, too.

    Its `diagnostics` are, under `strategy/`, the `reward` of the latest trial, from 0 to 1, and numbers of the
    algorithm after it: `policy_entropy`, in nats, the mean over the decisions of that trial's architecture, and
    `baseline`; of PPO also `clipped_share`; of Q-learning `epsilon` and `mean_q`, the mean value of the architecture's
    actions.

    Args:
        algorithm: `"reinforce"` (policy gradient), `"ppo"` (proximal policy optimisation) or `"q_learning"`, or one of
            `autonas.oracles.controllers` with arguments, such as `Reinforce(entropy_weight=0.1)`. Defaults to
            `"reinforce"`.
        controller: The policy of `"reinforce"` and `"ppo"`: `"factorised"` (independent decisions) or `"recurrent"` (an
            LSTM), or one of `autonas.oracles.controllers` with arguments, such as `RecurrentController(units=64)`.
            `None` is `"factorised"`, and the only value for `"q_learning"`. Defaults to `None`.
        discount: γ, from 0 to 1. Defaults to 1: the reward at the end is that of all decisions.
        n_bins: Number of actions of a range of reals or of more than 20 integers. Defaults to 8.
        max_free_steps: Maximum number of steps from known architectures before each trial. Defaults to 10.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = autonas.oracles.ReinforcementOracle(
        "ppo", controller="factorised", objective=keras_tuner.Objective("score", "max"), hyperparameters=space, seed=0
    )
    for number in range(8):
        values = oracle.ask()
        oracle.tell(number, values, (-abs(values["units"] - 40),))
    ```
    """

    def __init__(
        self,
        algorithm: Literal["reinforce", "ppo", "q_learning"] | _Algorithm = "reinforce",
        controller: Literal["factorised", "recurrent"] | Controller | None = None,
        discount: float = 1.0,
        n_bins: int = 8,
        max_free_steps: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.algorithm = algorithm
        self.controller = controller
        self.discount = discount
        self.n_bins = n_bins
        self.max_free_steps = max_free_steps
        self._agent: _Algorithm | None = None
        self._process: DecisionProcess | None = None
        self._scores: list[tuple[float, ...]] = []
        self._ranks = scalarisation.Ranks()
        self._ranks_beyond = scalarisation.Ranks()
        #: Episode and reward of the latest trial, or `None`.
        self._latest: tuple[Episode, float] | None = None
        #: By the key of an architecture: its scores and its violation.
        self._known: dict[Key, tuple[tuple[float, ...] | None, float]] = {}

    def check(self) -> None:
        super().check()
        _check_choice("algorithm", self.algorithm, ALGORITHMS)
        if self.controller is not None:
            _check_choice("controller", self.controller, CONTROLLERS)
            if self.algorithm == "q_learning" or isinstance(self.algorithm, QLearning):
                raise ValueError(
                    "`controller` must be None for Q-learning, which has a table of its own. "
                    f"Received: controller={self.controller!r}"
                )
        checks.check_number("discount", self.discount, 0, 1)
        checks.check_integer("n_bins", self.n_bins, 2)
        checks.check_integer("max_free_steps", self.max_free_steps, 0)

    def suggest(self, generator: np.random.Generator) -> dict[str, Scalar]:
        agent, _ = self._current()
        for _ in range(1 + self.max_free_steps):
            values = agent.sample(generator)
            if self.is_new(values):
                return values
            key = self.encoding.key(values)
            if key in self._known:
                self._learn(values, *self._known[key])
        # The policy has converged on a known architecture: its neighbours are the next best.
        for _ in range(_LONGEST_WALK):
            values = self.encoding.mutate(values, generator)
            if self.is_new(values):
                break
        return values

    def observe(self, observation: Observation) -> None:
        values, scores, violation = observation.values, observation.scores, observation.violation
        if observation.is_update or (scores is None and not violation):
            return
        self._known[self.encoding.key(values)] = scores, violation
        if violation:
            self._ranks_beyond.add((-violation,))
        elif scores is not None:
            self._scores.append(scores)
            self._ranks.add(scores)
        self._latest = self._learn(values, scores, violation)

    def diagnostics(self) -> dict[str, float]:
        if self._latest is None:
            return {}
        episode, reward = self._latest
        numbers = {"reward": reward} | (self._agent.numbers(episode) if episode and self._agent is not None else {})
        return {f"strategy/{name}": float(number) for name, number in numbers.items()}

    def _learn(
        self, values: Mapping[str, Scalar], scores: tuple[float, ...] | None, violation: float
    ) -> tuple[Episode, float]:
        """Learn from an architecture; return its episode and its reward."""
        agent, process = self._current()
        episode, reward = process.episode(values), self._reward(scores, violation)
        if episode:
            agent.learn(episode, reward)
        return episode, reward

    def _reward(self, scores: tuple[float, ...] | None, violation: float = 0.0) -> float:
        n_within, n_beyond = len(self._ranks), len(self._ranks_beyond)
        if violation or scores is None:
            (share,) = self._ranks_beyond.shares((-violation,))
            return share * n_beyond / (n_within + n_beyond)
        return (self._share_of_scores(scores) * n_within + n_beyond) / (n_within + n_beyond)

    def _share_of_scores(self, scores: tuple[float, ...]) -> float:
        shares = self._ranks.shares(scores)
        mean = sum(shares) / len(shares)
        if len(shares) == 1:
            return mean
        layers = moocore.pareto_rank([*self._scores, scores], maximise=True)
        return (mean + np.mean((layers[-1] < layers[:-1]) + (layers[-1] <= layers[:-1]).astype(int)) / 2) / 2

    def _current(self) -> tuple[_Algorithm, DecisionProcess]:
        """Return the algorithm and its process, brought up to date with the space."""
        agent, process = self._agent, self._process
        if agent is None or process is None:
            process = DecisionProcess(self.encoding, self.n_bins)
            agent = _made(self.algorithm, ALGORITHMS)
            if isinstance(agent, QLearning):
                agent.start(process, self.discount, self.seed)
            else:
                policy = _made(self.controller or "factorised", CONTROLLERS)
                agent.start(process, self.discount, self.seed, policy)
        elif process.encoding is not self.encoding:
            process = DecisionProcess(self.encoding, self.n_bins)
            agent.grow(process)
        self._agent, self._process = agent, process
        return agent, process


def _check_choice(name: str, choice: Any, by_name: Mapping[str, type]) -> None:
    is_part = isinstance(choice, tuple(by_name.values()))
    if is_part:
        choice.check()
    elif not isinstance(choice, str) or choice not in by_name:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, by_name))} or an object of "
            f"{', '.join(cls.__name__ for cls in by_name.values())}. Received: {name}={choice!r}"
        )


def _made(description: str | _Part, by_name: Mapping[str, type[_Part]]) -> _Part:
    # An object describes the algorithm: every search begins with a copy.
    return by_name[description]() if isinstance(description, str) else copy.deepcopy(description)
