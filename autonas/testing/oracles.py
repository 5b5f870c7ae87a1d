"""The contract of a strategy, as a pytest class: subclass it, and say how to make one.

```python
class TestMine(autonas.testing.oracles.OracleContract):
    def make(self, **arguments):
        return MyOracle(**arguments)
```
"""

# ruff: noqa: S101

import itertools
import json
import os

import keras_tuner
import pytest

from autonas.oracles import base
from autonas.search_space import encoding

TrialStatus = keras_tuner.engine.trial.TrialStatus


def conditional_space():
    """Two families with decisions of their own, and numbers of every kind."""
    space = keras_tuner.HyperParameters()
    family = space.Choice("family", ["dense", "convolution"])
    with space.conditional_scope("family", ["dense"]):
        space.Int("units", 4, 256, sampling="log", default=32)
        space.Boolean("normalise")
    with space.conditional_scope("family", ["convolution"]):
        space.Int("filters", 8, 64, step=8)
        space.Choice("kernel", [3, 5, 7])
    space.Float("rate", 1e-4, 1e-1, sampling="log")
    assert family == "dense"
    return space


def small_space():
    """Nine architectures."""
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["none", "some"])
    with space.conditional_scope("kind", ["some"]):
        space.Int("depth", 1, 4)
        space.Boolean("wide")
    return space


def score(values):
    """A landscape whose best architectures are wide convolutions with a rate near 0.01."""
    return (
        (values["family"] == "convolution")
        + values.get("filters", 0) / 64
        + values.get("units", 0) / 512
        - abs(values["rate"] - 0.01)
    )


class OracleContract:
    """What every strategy must do."""

    def make(self, **arguments):
        """Returns a new oracle; `arguments` are those of `autonas.oracles.Oracle`."""
        raise NotImplementedError

    def oracle(self, space, seed=1, max_trials=None):
        objective = keras_tuner.Objective("score", "max")
        return self.make(objective=objective, hyperparameters=space, seed=seed, max_trials=max_trials)

    def asked(self, space, count, seed=1):
        """Architectures of a search of `count` trials."""
        oracle, found = self.oracle(space, seed), []
        for number in range(count):
            values = oracle.ask()
            found.append(values)
            oracle.tell(number, values, (score(values),))
        return found

    def run(self, directory, max_trials, stop_after=None, leave_pending=False, seed=1):
        """Runs trials as a tuner does, and returns their values and scores in order."""
        oracle = self.oracle(conditional_space(), seed, max_trials)
        oracle._set_project_dir(str(directory), "run")
        for count in itertools.count():
            if stop_after is not None and count == stop_after:
                if leave_pending:
                    oracle.create_trial("slot")
                break
            trial = oracle.create_trial("slot")
            if trial.status != TrialStatus.RUNNING:
                break
            oracle.update_trial(trial.trial_id, {"score": score(trial.hyperparameters.values)})
            trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
        return [(trial.hyperparameters.values, trial.score) for trial in oracle.trials.values()]

    # ------------------------------------------------------------------ what is asked

    def test_architectures_hold_exactly_the_active_decisions_with_legal_values(self):
        space = conditional_space()
        by_name = {dimension.name: dimension for dimension in encoding.Encoding(space).dimensions}
        for values in self.asked(space, 30):
            active = {name for name, dimension in by_name.items() if dimension.is_active(values)}
            assert set(values) == active
            assert all(by_name[name].is_legal(value) for name, value in values.items())

    def test_values_are_plain_python(self):
        for values in self.asked(conditional_space(), 20):
            assert json.loads(json.dumps(values)) == values
            assert all(type(value) in (bool, int, float, str) for value in values.values())

    def test_no_architecture_twice(self):
        asked = self.asked(conditional_space(), 60)
        assert len({tuple(sorted(values.items())) for values in asked}) == 60

    def test_a_small_space_is_tried_whole_and_then_done(self):
        oracle = self.oracle(small_space())
        found = set()
        for number in range(9):
            values = oracle.ask()
            assert values not in (base.DONE, base.WAIT)
            found.add(tuple(sorted(values.items())))
            oracle.tell(number, values, (float(number),))
        assert len(found) == 9
        assert oracle.ask() == base.DONE

    # ------------------------------------------------------------------ seeds

    @pytest.mark.parametrize("seed", [0, 3])
    def test_the_same_seed_gives_the_same_search(self, seed):
        assert self.asked(conditional_space(), 15, seed) == self.asked(conditional_space(), 15, seed)

    def test_seeds_give_different_searches(self):
        # Seeds that follow one another must not give the same trials, shifted by one or more.
        first, second = (self.asked(conditional_space(), 12, seed)[2:] for seed in (0, 1))
        assert not any(values in second for values in first)

    # ------------------------------------------------------------------ what is told

    def test_failed_and_infinite_trials_are_survived(self):
        oracle = self.oracle(conditional_space())
        for number in range(25):
            values = oracle.ask()
            scores = [None, (float("nan"),), (float("inf"),), (float("-inf"),), (score(values),)][number % 5]
            oracle.tell(number, values, scores)
            assert isinstance(values, dict)

    def test_answers_may_come_late_and_in_any_order(self):
        oracle = self.oracle(conditional_space())
        waiting = []
        for number in range(24):
            values = oracle.ask()
            assert isinstance(values, dict)
            waiting.append((number, values))
            if len(waiting) == 4:
                for number, values in reversed(waiting):
                    oracle.tell(number, values, (score(values),))
                waiting = []

    # ------------------------------------------------------------------ continuing

    @pytest.mark.parametrize("leave_pending", [False, True])
    @pytest.mark.parametrize("stop_after", [0, 1, 5, 11])
    def test_a_search_cut_off_anywhere_goes_on_as_if_it_had_not_been(self, tmp_path, stop_after, leave_pending):
        whole = self.run(tmp_path / "whole", 12)
        self.run(tmp_path / "cut", 12, stop_after, leave_pending)
        assert self.run(tmp_path / "cut", 12) == whole

    def test_a_line_cut_off_in_the_journal_is_forgotten(self, tmp_path):
        whole = self.run(tmp_path / "whole", 8)
        self.run(tmp_path / "cut", 8, stop_after=5)
        path = tmp_path / "cut" / "run" / "journal.jsonl"
        path.write_bytes(path.read_bytes()[:-7])
        assert self.run(tmp_path / "cut", 8) == whole

    def test_more_trials_continue_a_search(self, tmp_path):
        whole = self.run(tmp_path / "whole", 10)
        self.run(tmp_path / "grown", 6)
        assert self.run(tmp_path / "grown", 10) == whole

    def test_the_journal_grows_by_as_much_for_each_trial(self, tmp_path):
        sizes = []
        for count in (10, 20, 40):
            self.run(tmp_path, count)
            sizes.append(os.path.getsize(tmp_path / "run" / "journal.jsonl"))
        assert sizes[2] - sizes[1] < 2.5 * (sizes[1] - sizes[0])

    # ------------------------------------------------------------------ Keras Tuner's side

    def test_serves_a_tuner_of_keras_tuner_that_finds_the_space_itself(self, tmp_path):
        class Tuner(keras_tuner.Tuner):
            def run_trial(self, trial, *args, **kwargs):
                hp = trial.hyperparameters
                if hp.Choice("family", ["dense", "convolution"]) == "dense":
                    with hp.conditional_scope("family", ["dense"]):
                        value = hp.Int("units", 4, 256) / 512
                else:
                    with hp.conditional_scope("family", ["convolution"]):
                        value = 1 + hp.Int("filters", 8, 64, step=8) / 64
                if trial.trial_id == "0003":
                    raise keras_tuner.errors.FailedTrialError("too large")
                return {"score": value}

        oracle = self.make(objective=keras_tuner.Objective("score", "max"), max_trials=12, seed=0)
        tuner = Tuner(oracle=oracle, directory=str(tmp_path), project_name="run")
        tuner.search()
        assert len(oracle.trials) == 12
        assert [trial.status for trial in oracle.trials.values()].count("FAILED") == 1
        best = tuner.get_best_hyperparameters()[0]
        assert best.values["family"] == "convolution"
        scores = [trial.score for trial in oracle.get_best_trials(12)]
        assert len(scores) == 11 and scores == sorted(scores, reverse=True)
