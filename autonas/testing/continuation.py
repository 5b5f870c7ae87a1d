"""The contract of a search that is cut off and continued, a part of the contract of a strategy."""

from __future__ import annotations

# ruff: noqa: S101
import contextlib
import functools
import itertools
import math
import os
import pathlib
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
import pytest

from autonas.oracles.base import Oracle
from autonas.testing import searches
from autonas.testing.problems import conditional_space, score

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: `functools.cache`, without the type of its arguments: mypy takes a class for unhashable.
_cached: Any = functools.cache


@_cached
def _whole_search(contract: Any, max_trials: int, **arguments: Any) -> list[tuple[dict[str, Any], float | None]]:
    """Return the trials of a search that is never cut off, with which several tests compare one that is."""
    with tempfile.TemporaryDirectory() as directory:
        return contract().run(directory, max_trials, **arguments)


def _is_every_fourth(number: int) -> bool:
    return number % 4 == 2


def _margin_of_width(values: Mapping[str, Any]) -> float:
    return math.log(48 / (values.get("filters", 0) + values.get("units", 0)))


class ContinuationContract:
    """Tests that a search which was cut off anywhere goes on as if it had not been."""

    def make(self, **arguments: Any) -> Oracle:
        """Return a new oracle.

        Args:
            **arguments: Arguments of `autonas.oracles.Oracle`.
        """
        raise NotImplementedError

    def oracle(
        self, space: keras_tuner.HyperParameters, seed: int = 1, max_trials: int | None = None, **arguments: Any
    ) -> Oracle:
        """Return a new oracle that maximises `"score"`."""
        objective = keras_tuner.Objective("score", "max")
        return self.make(objective=objective, hyperparameters=space, seed=seed, max_trials=max_trials, **arguments)

    def run(
        self,
        directory: str | os.PathLike[str],
        max_trials: int,
        stop_after: int | None = None,
        leave_pending: bool = False,
        seed: int = 1,
        n_slots: int = 1,
        fails: Callable[[int], bool] = lambda number: False,
        margin: Callable[[Mapping[str, Any]], float | None] = lambda values: None,
    ) -> list[tuple[dict[str, Any], float | None]]:
        """Run trials as a tuner does, and return their values and scores in order.

        Args:
            directory: Directory of the project.
            max_trials: Number of trials.
            stop_after: Number of ended trials after which the search is cut off; `None` to finish it.
            leave_pending: Whether the search is cut off after the next trials have begun.
            seed: Seed of the oracle.
            n_slots: Number of trials at a time. Of the running ones, one in the middle ends first.
            fails: Function from a trial's number to whether it fails.
            margin: Function from an architecture to its margin, which is refused if negative; `None` without a limit.
        """
        oracle = self.oracle(conditional_space(), seed, max_trials)
        oracle._set_project_dir(str(directory), "run")
        running = {}
        for n_ended in itertools.count():
            if n_ended == stop_after and not leave_pending:
                break
            for slot in range(n_slots):
                if slot not in running:
                    trial = oracle.create_trial(f"slot{slot}")
                    if trial.status == TrialStatus.RUNNING:
                        running[slot] = trial
            if n_ended == stop_after or not running:
                break
            # The running trials alone decide which one ends, so that a continued search does the same.
            slot = sorted(running, key=lambda slot: running[slot].trial_id)[len(running) // 2]
            trial = running.pop(slot)
            values = trial.hyperparameters.values
            if margin(values) is not None:
                trial.facts = {"margins": [margin(values)]}
            if fails(int(trial.trial_id)) or (margin(values) or 0) < 0:
                trial.status = TrialStatus.FAILED
            else:
                oracle.update_trial(trial.trial_id, {"score": score(values)})
                trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
            assert all(math.isfinite(number) for number in oracle.diagnostics().values())
        return [(trial.hyperparameters.values, trial.score) for trial in oracle.trials.values()]

    # ------------------------------------------------------------------ continuing

    @pytest.mark.parametrize("leave_pending", [False, True])
    @pytest.mark.parametrize("stop_after", [0, 1, 5, 11])
    def test_a_search_cut_off_anywhere_goes_on_as_if_it_had_not_been(
        self, tmp_path: pathlib.Path, stop_after: int, leave_pending: bool
    ) -> None:
        whole = _whole_search(type(self), 12)
        self.run(tmp_path / "cut", 12, stop_after, leave_pending)
        assert self.run(tmp_path / "cut", 12) == whole

    @pytest.mark.parametrize("leave_pending", [False, True])
    @pytest.mark.parametrize("stop_after", [1, 6, 13])
    def test_so_does_one_with_several_trials_at_a_time_and_failed_ones(
        self, tmp_path: pathlib.Path, stop_after: int, leave_pending: bool
    ) -> None:
        arguments: dict[str, Any] = {"max_trials": 20, "n_slots": 3, "fails": _is_every_fourth}
        whole = _whole_search(type(self), **arguments)
        self.run(tmp_path / "cut", stop_after=stop_after, leave_pending=leave_pending, **arguments)
        assert self.run(tmp_path / "cut", **arguments) == whole

    @pytest.mark.parametrize("stop_after", [2, 9])
    def test_so_does_one_with_refused_trials(self, tmp_path: pathlib.Path, stop_after: int) -> None:
        whole = _whole_search(type(self), 10, margin=_margin_of_width)
        assert [score for _, score in whole if score is not None] != []
        self.run(tmp_path / "cut", 10, stop_after, leave_pending=True, margin=_margin_of_width)
        assert self.run(tmp_path / "cut", 10, margin=_margin_of_width) == whole

    def test_a_line_cut_off_in_the_journal_is_forgotten(self, tmp_path: pathlib.Path) -> None:
        whole = _whole_search(type(self), 8)
        self.run(tmp_path / "cut", 8, stop_after=5)
        path = tmp_path / "cut" / "run" / "journal.jsonl"
        path.write_bytes(path.read_bytes()[:-7])
        assert self.run(tmp_path / "cut", 8) == whole

    def test_more_trials_continue_a_search(self, tmp_path: pathlib.Path) -> None:
        whole = _whole_search(type(self), 10)
        self.run(tmp_path / "grown", 6)
        assert self.run(tmp_path / "grown", 10) == whole

    def test_the_journal_grows_by_as_much_for_each_trial(self, tmp_path: pathlib.Path) -> None:
        sizes = []
        for count in (10, 20, 40):
            self.run(tmp_path, count)
            sizes.append(os.path.getsize(tmp_path / "run" / "journal.jsonl"))
        assert sizes[2] - sizes[1] < 2.5 * (sizes[1] - sizes[0])

    # ------------------------------------------------------------------ Keras Tuner's side

    def tuned(
        self,
        directory: str | os.PathLike[str],
        hypermodel: Callable[[keras_tuner.HyperParameters], None] | None = None,
        stop_after: int | None = None,
    ) -> searches.ScoringTuner:
        """Search with a tuner of Keras Tuner for 12 trials, the fourth of which fails.

        Args:
            directory: Directory of the project.
            hypermodel: Function that declares the space; `None` if the trials declare it. Defaults to `None`.
            stop_after: Number of trials after which the search is interrupted; `None` to finish it.

        Returns:
            The tuner.
        """
        oracle = self.make(objective=keras_tuner.Objective("score", "max"), max_trials=12, seed=0)
        arguments: dict[str, Any] = {"oracle": oracle, "directory": str(directory), "project_name": "run"}
        if hypermodel is not None:
            arguments["hypermodel"] = hypermodel
        tuner = searches.ScoringTuner(**arguments)
        tuner.stop_after = stop_after
        with contextlib.nullcontext() if stop_after is None else pytest.raises(KeyboardInterrupt):
            tuner.search()
        return tuner

    @pytest.mark.parametrize("hypermodel", ["declared before", "found in the trials"])
    @pytest.mark.parametrize("stop_after", [0, 7])
    def test_a_search_of_keras_tuner_that_was_cut_off_goes_on_as_if_it_had_not_been(
        self, tmp_path: pathlib.Path, hypermodel: str, stop_after: int
    ) -> None:
        declare = searches.declare if hypermodel == "declared before" else None

        def trials(tuner: searches.ScoringTuner) -> list[tuple[dict[str, Any], float | None]]:
            return [(trial.hyperparameters.values, trial.score) for trial in tuner.oracle.trials.values()]

        whole = trials(self.tuned(tmp_path / "whole", declare))
        self.tuned(tmp_path / "cut", declare, stop_after)
        tuner = self.tuned(tmp_path / "cut", declare)
        assert trials(tuner) == whole
        assert sum(score is not None for _, score in whole) >= 11

    def test_serves_a_tuner_of_keras_tuner_that_finds_the_space_itself(self, tmp_path: pathlib.Path) -> None:
        tuner = self.tuned(tmp_path)
        oracle = tuner.oracle
        assert len(oracle.trials) == 12
        assert [trial.status for trial in oracle.trials.values()].count("FAILED") == 1
        best = tuner.get_best_hyperparameters()[0]
        assert best.values["family"] == "convolution"
        scores = [trial.score for trial in oracle.get_best_trials(12)]
        assert len(scores) == 11 and scores == sorted(scores, reverse=True)
