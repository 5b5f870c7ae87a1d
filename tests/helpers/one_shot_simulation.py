"""A search by weight sharing on a problem whose scores are known: one-shot scores are the true ones and noise."""

import functools
import itertools
import math

import keras_tuner
import numpy as np

from autonas import oracles
from autonas.evaluation.one_shot import search
from autonas.testing import problems

OBJECTIVES = [keras_tuner.Objective("score", "max"), keras_tuner.Objective("params", "min")]

#: What each of twelve layers is worth if it is there. Each costs 1.
WORTHS = np.arange(12, 0, -1) / 78


def layers_space():
    """Twelve layers, each of which is there or not."""
    space = keras_tuner.HyperParameters()
    for layer in range(len(WORTHS)):
        space.Boolean(f"layer_{layer}")
    return space


def n_layers(values):
    """1 and the number of layers."""
    return 1.0 + sum(values[f"layer_{layer}"] for layer in range(len(WORTHS)))


def worth(values):
    """The sum of the worths of the layers. The best of any number of layers are the first ones."""
    return float(sum(WORTHS[layer] * values[f"layer_{layer}"] for layer in range(len(WORTHS))))


def is_on_front(values):
    """Whether no other has a larger `worth` and a smaller `n_layers`."""
    there = [values[f"layer_{layer}"] for layer in range(len(WORTHS))]
    return there == sorted(there, reverse=True)


#: Thirteen of its 4096 architectures are its front.
LAYERS = problems.Problem(layers_space, worth, {f"layer_{layer}": True for layer in range(len(WORTHS))})


@functools.cache
def _normal_of(text):
    """A normally distributed number, the same each time for the same text."""
    return np.random.default_rng([ord(letter) for letter in text]).normal()


class Simulation:
    """Plays the part of the tuner and of the evaluation.

    Args:
        problem: A `Problem`.
        noise: Standard deviation of what one-shot scores are off, the same each time for the same architecture.
        fails: Function from number and values of a trial to whether it fails.
        finished_after: Epoch of the supernet after which there is no time for more.
        cost: Function from values to a cost, the second objective `"params"`; `None` if there is one objective.
        limit: The largest cost allowed, or `None`.
    """

    def __init__(
        self,
        problem=problems.CHAIN,
        noise=0.1,
        fails=lambda number, values: False,
        finished_after=None,
        cost=None,
        limit=None,
    ):
        self.problem = problem
        self.noise = noise
        self.fails = fails
        self.finished_after = finished_after
        self.cost = cost
        self.limit = limit
        #: Architectures whose one-shot score was computed.
        self.scored = []

    def oracle(self, cls=oracles.WeightSharingOracle, **arguments):
        arguments = {"seed": 0, "epochs": 3, "max_trials": 6, "queries": 200} | arguments
        objectives = OBJECTIVES if self.cost is not None else None
        return cls(
            objective=OBJECTIVES[0], objectives=objectives, hyperparameters=self.problem.space(), **arguments
        )  # fmt: skip

    def one_shot_score(self, values):
        return self.problem.score(values) + self.noise * _normal_of(repr(sorted(values.items())))

    def margins(self, values):
        return None if self.limit is None else [math.log(self.limit / self.cost(values))]

    def examine(self, values):
        found = search.Examined(values, {}, None, self.margins(values))
        if not found.is_refused:
            self.scored.append(values)
            found.scores = [self.one_shot_score(values), *([] if self.cost is None else [-self.cost(values)])]
        return found

    def report(self, oracle, values):
        strategy, found = oracle.one_shot.strategy_for(values), []
        if strategy is not None:
            found = search.ask_and_tell(strategy, values.get("tuner/queries", 20), self.examine)
        if values["tuner/stage"] == "one_shot":
            best = search.finalists(found, 100, lambda values: tuple(values.values()))
            finalists = [[each.values, each.scores[0] if self.cost is None else each.scores] for each in best]
            return {"finalists": finalists, "n_scored": len(found)}
        told = [[each.values, each.scores, each.margins] for each in found]
        return {"told": told, "finished": values["tuner/epochs"] == self.finished_after}

    def run(self, oracle, directory, stop_after=None, leave_pending=False):
        """Runs trials until the end or until so many have ended; returns values, status and score of each."""
        oracle._set_project_dir(str(directory), "run")
        for n_ended in itertools.count():
            if n_ended == stop_after and not leave_pending:
                break
            trial = oracle.create_trial("slot")
            if n_ended == stop_after or trial.status != "RUNNING":
                break
            values, number = trial.hyperparameters.values, int(trial.trial_id)
            trial.status = "COMPLETED"
            if self.fails(number, values):
                trial.status = "FAILED"
            elif "tuner/stage" in values:
                oracle.update_trial(trial.trial_id, {"loss": 1.0}, step=1)
                trial.facts = {"report": self.report(oracle, values)}
            elif self.limit is not None and self.cost(values) > self.limit:
                trial.status, trial.facts = "FAILED", {"margins": self.margins(values)}
            else:
                costs = {} if self.cost is None else {"params": self.cost(values)}
                oracle.update_trial(trial.trial_id, {"score": self.problem.score(values)} | costs)
                trial.facts = {"margins": self.margins(values)}
            oracle.end_trial(trial)
        return [(trial.hyperparameters.values, trial.status, trial.score) for trial in oracle.trials.values()]
