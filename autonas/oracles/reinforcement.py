"""Reinforcement learning: a policy that makes architectures decision by decision and learns which decisions pay."""

import copy

import moocore
import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, feasibility, scalarisation
from autonas.oracles.controllers import (
    FactorisedController,
    ProximalPolicyOptimization,
    QLearning,
    RecurrentController,
    Reinforce,
)
from autonas.oracles.controllers.decision_process import DecisionProcess

ALGORITHMS = {"reinforce": Reinforce, "ppo": ProximalPolicyOptimization, "q_learning": QLearning}
CONTROLLERS = {"factorised": FactorisedController, "recurrent": RecurrentController}
#: So many mutations at most from an architecture that is known to one that isn't.
_LONGEST_WALK = 50


class ReinforcementOracle(base.Oracle):
    """Search by reinforcement learning.

    To make an architecture is a Markov decision process (S, A, P, R, γ): the state is the partial architecture, an
    action takes the next decision, and the reward comes at the end: the score. A policy π is sought that maximises

        J(π) = E_π[Σ_t γ^t r_t]

    by REINFORCE (`Reinforce`), PPO (`ProximalPolicyOptimization`) or Q-learning (`QLearning`).

    Two things deviate from their papers, for all of them; numbers are test % on NAS-Bench-201 (CIFAR-10) of REINFORCE
    with the factorised policy, means over 100 seeds:

    - The reward is the score's rank: the share of the scores so far that it beats, from 0 to 1. So scores may have any
      scale, and a few very bad ones don't drown the differences between good ones. Nothing is learned from a failed
      trial. After 100 and 200 queries: 94.26 and 94.33; with accuracies as rewards 93.88 and 94.07.
    - When the policy draws an architecture that is known, it learns from its known score again, for nothing, and draws
      anew, up to `max_free_steps` times. Then it has converged, and what it drew last is mutated until it is new. The
      median number of queries to the optimum: 99; without free steps 131.

    With several objectives the reward is half the mean of the ranks in each, and half the share of what has been tried
    whose layer of non-dominated scores is a worse one. The mean of ranks is what scalarisations with weights that are
    drawn for each trial are worth on average, to a policy that doesn't know the weights; to draw them adds noise, and
    the augmented Chebyshev scalarisation, which fits no one policy, is worse. On NAS-Bench-201 with the latency on
    gold_6226 (60 seeds), the share of the front's hypervolume after 100 and 200 trials is 0.978 and 0.990; by the mean
    of ranks alone 0.972 and 0.987; by scalarisations drawn for each trial 0.960 and 0.980 if they are linear and 0.943
    and 0.975 if Chebyshev's (20 seeds).

    Under constraints the share is that of all trials, those beyond the limits behind all within them, by their
    violation; a refused one has a reward, too.

    Its `numbers` are, under `strategy/`, the `reward` of the latest trial, from 0 to 1, and what the algorithm says
    after it: `policy_entropy`, in nats, the mean over the decisions of that trial's architecture, and `baseline`; PPO's
    `clipped_share` as well; of Q-learning `epsilon` and `mean_q`, the mean value of that architecture's actions.

    Args:
        algorithm: `"reinforce"` (policy gradient), `"ppo"` (proximal policy optimisation) or `"q_learning"`, or one of
            `autonas.oracles.controllers` with arguments, such as `Reinforce(entropy_weight=0.1)`. Defaults to
            `"reinforce"`.
        controller: The policy of `"reinforce"` and `"ppo"`: `"factorised"` (each decision by itself) or `"recurrent"`
            (an LSTM), or one of `autonas.oracles.controllers` with arguments, such as `RecurrentController(units=64)`.
            `None` is `"factorised"`, and all that `"q_learning"` takes. Defaults to `None`.
        discount: γ, from 0 to 1. Defaults to 1: a reward at the end is that of all decisions.
        n_bins: Number of actions of a range of reals or of more than 20 integers. Defaults to 8.
        max_free_steps: How many times at most it learns from known architectures before each trial. Defaults to 10.
        **kwargs: As in `Oracle`.
    """

    def __init__(self, algorithm="reinforce", controller=None, discount=1.0, n_bins=8, max_free_steps=10, **kwargs):
        super().__init__(**kwargs)
        self.algorithm = algorithm
        self.controller = controller
        self.discount = discount
        self.n_bins = n_bins
        self.max_free_steps = max_free_steps
        self._agent = None
        self._process = None
        self._violation = 0.0
        self._scores = []
        self._ranks = scalarisation.Ranks()
        self._ranks_beyond = scalarisation.Ranks()
        #: Episode and reward of the latest trial.
        self._latest = None
        #: Scores and violation by the key of an architecture.
        self._known = {}

    def check(self):
        super().check()
        _check_part("algorithm", self.algorithm, ALGORITHMS)
        if self.controller is not None:
            _check_part("controller", self.controller, CONTROLLERS)
            if self.algorithm == "q_learning" or isinstance(self.algorithm, QLearning):
                raise ValueError(
                    "`controller` must be None for Q-learning, which has a table of its own. "
                    f"Received: controller={self.controller!r}"
                )
        checks.check_number("discount", self.discount, 0, 1)
        checks.check_integer("n_bins", self.n_bins, 2)
        checks.check_integer("max_free_steps", self.max_free_steps, 0)

    def suggest(self, generator):
        agent = self._current_agent()
        for _ in range(1 + self.max_free_steps):
            values = agent.sample(generator)
            if self._is_new(values):
                return values
            key = self.encoding.key(values)
            if key in self._known:
                self._learn(values, *self._known[key])
        # The policy has converged on what is known: the architectures around it are the next best.
        for _ in range(_LONGEST_WALK):
            values = self.encoding.mutate(values, generator)
            if self._is_new(values):
                break
        return values

    def observe_margins(self, number, values, margins):
        self._violation = feasibility.violation(margins)

    def observe(self, number, values, scores):
        violation, self._violation = self._violation, 0.0
        if scores is None and not violation:
            return
        self._known[self.encoding.key(values)] = scores, violation
        if violation:
            self._ranks_beyond.add((-violation,))
        else:
            self._scores.append(scores)
            self._ranks.add(scores)
        self._current_agent()
        self._latest = self._learn(values, scores, violation)

    def numbers(self):
        if self._latest is None:
            return {}
        episode, reward = self._latest
        found = {"reward": reward} | (self._agent.numbers(episode) if episode else {})
        return {f"strategy/{name}": float(number) for name, number in found.items()}

    def _learn(self, values, scores, violation):
        """Learns from an architecture; returns its episode and its reward."""
        episode, reward = self._process.episode(values), self._reward(scores, violation)
        if episode:
            self._agent.learn(episode, reward)
        return episode, reward

    def _reward(self, scores, violation=0.0):
        n_within, n_beyond = len(self._ranks), len(self._ranks_beyond)
        if violation:
            (share,) = self._ranks_beyond.shares((-violation,))
            return share * n_beyond / (n_within + n_beyond)
        return (self._share_of_scores(scores) * n_within + n_beyond) / (n_within + n_beyond)

    def _share_of_scores(self, scores):
        shares = self._ranks.shares(scores)
        mean = sum(shares) / len(shares)
        if len(shares) == 1:
            return mean
        layers = moocore.pareto_rank([*self._scores, scores], maximise=True)
        return (mean + np.mean((layers[-1] < layers[:-1]) + (layers[-1] <= layers[:-1]).astype(int)) / 2) / 2

    def _current_agent(self):
        """The algorithm at work on the space as it is now."""
        if self._agent is None:
            self._process = DecisionProcess(self.encoding, self.n_bins)
            self._agent = _made(self.algorithm, ALGORITHMS)
            policy = {}
            if not isinstance(self._agent, QLearning):
                policy["controller"] = _made(self.controller or "factorised", CONTROLLERS)
            self._agent.start(self._process, self.discount, self.seed, **policy)
        elif self._process.encoding is not self.encoding:
            self._process = DecisionProcess(self.encoding, self.n_bins)
            self._agent.grow(self._process)
        return self._agent


def _check_part(name, part, by_name):
    if isinstance(part, tuple(by_name.values())):
        part.check()
    elif not isinstance(part, str) or part not in by_name:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, by_name))} or an object of "
            f"{', '.join(cls.__name__ for cls in by_name.values())}. Received: {name}={part!r}"
        )


def _made(description, by_name):
    # An object is the user's description: each search begins with a fresh one.
    return by_name[description]() if isinstance(description, str) else copy.deepcopy(description)
