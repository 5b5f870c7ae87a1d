"""A search by weight sharing on a problem whose scores are known: one-shot scores are the true ones and noise."""

import itertools

import keras_tuner
import numpy as np

from autonas import oracles
from autonas.testing import problems


class Simulation:
    """Plays the part of the tuner and of the evaluation.

    Args:
        problem: A `Problem`.
        noise: Standard deviation of what one-shot scores are off, the same each time for the same architecture.
        fails: Function from number and values of a trial to whether it fails.
        finished_after: Epoch of the supernet after which there is no time for more.
    """

    def __init__(self, problem=problems.CHAIN, noise=0.1, fails=lambda number, values: False, finished_after=None):
        self.problem = problem
        self.noise = noise
        self.fails = fails
        self.finished_after = finished_after

    def oracle(self, cls=oracles.WeightSharingOracle, **arguments):
        arguments = {"seed": 0, "epochs": 3, "max_trials": 6, "queries": 200} | arguments
        return cls(
            objective=keras_tuner.Objective("score", "max"), hyperparameters=self.problem.space(), **arguments
        )  # fmt: skip

    def one_shot_score(self, values):
        digits = [ord(letter) for letter in repr(sorted(values.items()))]
        return self.problem.score(values) + self.noise * np.random.default_rng(digits).normal()

    def report(self, oracle, values):
        strategy, scored = oracle.strategy_for(values), []
        if strategy is not None:
            count = values.get("tuner/queries", 20)
            for number in range(strategy.n_asked, strategy.n_asked + count):
                architecture = strategy.ask()
                if not isinstance(architecture, dict):
                    break
                scored.append([architecture, self.one_shot_score(architecture)])
                strategy.tell(number, architecture, (scored[-1][1],))
        if values["tuner/stage"] == "one_shot":
            best = sorted(scored, key=lambda pair: -pair[1])
            return {"finalists": best[:100], "n_scored": len(scored)}
        return {"told": scored, "finished": values["tuner/epochs"] == self.finished_after}

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
            else:
                oracle.update_trial(trial.trial_id, {"score": self.problem.score(values)})
            oracle.end_trial(trial)
        return [(trial.hyperparameters.values, trial.status, trial.score) for trial in oracle.trials.values()]
