"""The contract of a strategy, as a pytest class to subclass.

```python
import autonas

class TestMine(autonas.testing.oracles.OracleContract):
    def make(self, **arguments):
        return MyOracle(**arguments)
```

The class must stand at the top level of its module, which another process imports.
"""

from __future__ import annotations

# ruff: noqa: S101
from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.

# isort: split
import atexit
import concurrent.futures
import functools
import inspect
import json
import os
import pathlib
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras_tuner
import numpy as np
import pytest

from autonas.oracles import base, random
from autonas.oracles.base import Oracle
from autonas.search_space import encoding
from autonas.search_space.values import Key
from autonas.testing import problems, searches
from autonas.testing.continuation import ContinuationContract
from autonas.testing.problems import conditional_space, score, small_space
from autonas.trials import reserved

__all__ = ["OracleContract"]

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: Script of another process. For a line with the path and the name of a module and the name of a contract in it, it
#: prints the architectures of a search by the contract's strategy, or the traceback of an error.
_ANSWER_ELSEWHERE = """
import importlib.util, json, os, sys, traceback
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from autonas.testing import oracles
modules = {}
for line in sys.stdin:
    path, name, contract = json.loads(line)
    try:
        if path not in modules:
            specification = importlib.util.spec_from_file_location(name, path)
            modules[path] = sys.modules[name] = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(modules[path])
        answer = getattr(modules[path], contract)().asked(oracles.conditional_space(), 20)
    except Exception:
        answer = traceback.format_exc()
    print(json.dumps(answer), file=answers, flush=True)
"""

#: Function from the number and the values of a trial to its scores, `None` if it fails.
_Scores: TypeAlias = Callable[[int, Mapping[str, Any]], tuple[float, ...] | None]

#: `functools.cache`, without the type of its arguments: mypy takes a class for unhashable.
_cached: Any = functools.cache


@functools.cache
def _other_process() -> Any:
    """Return a process with other hashes, which runs `_ANSWER_ELSEWHERE` until this one ends.

    Most of the time goes into importing TensorFlow, so that there is one process for all contracts.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _ANSWER_ELSEWHERE],
        env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.__exit__, None, None, None)
    return process


def _asked_elsewhere(contract: Any) -> Any:
    """Return the architectures that the contract's strategy asks for in another process, or a traceback."""
    process = _other_process()
    names = inspect.getfile(contract), contract.__module__, contract.__name__
    print(json.dumps(names), file=process.stdin, flush=True)
    return json.loads(process.stdout.readline() or f'"The process ended with {process.wait()}."')


@_cached
def _first_asked(contract: Any, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the first architectures of a search of `conditional_space`, which several tests look at."""
    return contract().asked(conditional_space(), count, seed)


class OracleContract(ContinuationContract):
    """Tests that every strategy must pass.

    Attributes:
        beats_random: Whether the strategy must come closer to the best architecture than random search. Defaults to
            `True`.
        takes_several_scores: Whether the strategy takes several objectives. If so and `beats_random`, it must come
            closer to the Pareto front than random search. Defaults to `False`.
        heeds_constraints: Whether the strategy learns from margins. If so and `beats_random`, it must propose far fewer
            infeasible architectures than random search, and hardly worse feasible ones. Defaults to `False`.
        n_searches: Number of searches that are compared with random search. Defaults to 8.

    Example:

    ```python
    import autonas

    class TestRandom(autonas.testing.oracles.OracleContract):
        beats_random = False

        def make(self, **arguments):
            return autonas.oracles.RandomOracle(**arguments)
    ```
    """

    beats_random = True
    takes_several_scores = False
    heeds_constraints = False
    n_searches = 8

    def asked(
        self,
        space: keras_tuner.HyperParameters,
        count: int,
        seed: int = 1,
        scores: _Scores = lambda number, values: (score(values),),
    ) -> list[dict[str, Any]]:
        """Return the architectures of a search.

        Args:
            space: The space.
            count: Number of trials.
            seed: Seed of the oracle.
            scores: Function from the number and the values of a trial to its scores, `None` if it fails.
        """
        oracle, architectures = self.oracle(space, seed), []
        for number in range(count):
            values = oracle.ask()
            architectures.append(values)
            oracle.tell(number, values, scores(number, values))
        return architectures

    # ------------------------------------------------------------------ suggestions

    def test_architectures_hold_exactly_the_active_decisions_with_legal_values(self) -> None:
        space = conditional_space()
        by_name = {dimension.name: dimension for dimension in encoding.Encoding(space).dimensions}
        for values in _first_asked(type(self), 60, 1):
            active = {name for name, dimension in by_name.items() if dimension.is_active(values)}
            assert set(values) == active
            assert all(by_name[name].is_legal(value) for name, value in values.items())

    def test_values_are_plain_python(self) -> None:
        for values in _first_asked(type(self), 60, 1):
            assert json.loads(json.dumps(values)) == values
            assert all(type(value) in (bool, int, float, str) for value in values.values())

    def test_no_architecture_twice(self) -> None:
        assert len({searches.key(values) for values in _first_asked(type(self), 60, 1)}) == 60

    def test_a_small_space_is_tried_whole_and_then_done(self) -> None:
        oracle = self.oracle(small_space())
        keys = set()
        for number in range(9):
            values = oracle.ask()
            assert values not in (base.DONE, base.WAIT)
            keys.add(searches.key(values))
            oracle.tell(number, values, (float(number),))
        assert len(keys) == 9
        assert oracle.ask() == base.DONE

    def test_a_space_is_exhausted_too_if_trials_are_on_or_have_failed(self) -> None:
        oracle, asked = self.oracle(small_space()), []
        while isinstance(values := oracle.ask(), dict):
            asked.append(values)
        assert len(asked) == 9 == len({searches.key(values) for values in asked})
        for number, values in enumerate(asked):
            oracle.tell(number, values, None)
        assert oracle.ask() == base.DONE

    def test_architectures_on_trial_at_a_time_are_distinct(self) -> None:
        oracle = self.oracle(conditional_space())
        waiting: list[tuple[int, dict[str, Any]]] = []
        asked = []
        # The first eight are on before any has ended, then another ends before each that is asked for.
        for number in range(40):
            if number >= 8:
                ended, values = waiting.pop(number % 8)
                oracle.tell(ended, values, (score(values),))
            values = oracle.ask()
            waiting.append((number, values))
            asked.append(searches.key(values))
        assert len(set(asked)) == 40

    # ------------------------------------------------------------------ quality

    @pytest.mark.parametrize("name", ["CHAIN", "NUMBERS"])
    def test_gets_nearer_to_the_best_than_random_search(self, name: str) -> None:
        if not self.beats_random:
            pytest.skip("`beats_random` is False.")
        problem = getattr(problems, name)

        regret, random_regret = self._beside_random(
            problem.space, lambda oracle: searches.least_regret(oracle, problem, 60)
        )
        assert regret < 0.9 * random_regret

    def test_gets_nearer_to_a_front_than_random_search(self) -> None:
        if not (self.beats_random and self.takes_several_scores):
            pytest.skip("`beats_random` or `takes_several_scores` is False.")
        volume, random_volume = self._beside_random(problems.chain_space, searches.hypervolume_of_chains)
        assert volume > 1.05 * random_volume

    def test_proposes_far_less_beyond_a_limit_than_random_search_and_hardly_worse_within(self) -> None:
        if not (self.beats_random and self.heeds_constraints):
            pytest.skip("`beats_random` or `heeds_constraints` is False.")
        (best, n_refused), (random_best, random_n_refused) = self._beside_random(
            problems.chain_space, searches.feasible_chains
        )
        assert n_refused < 0.7 * random_n_refused and best > 0.9 * random_best

    def _beside_random(
        self, space: Callable[[], keras_tuner.HyperParameters], measure: Callable[[Oracle], Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the means of `measure(oracle)` over searches of this strategy and of random search."""

        def mean(make: Callable[[keras_tuner.HyperParameters, int], Oracle]) -> np.ndarray:
            return np.mean([measure(make(space(), seed)) for seed in range(self.n_searches)], axis=0)

        return mean(self.oracle), mean(lambda space, seed: random.RandomOracle(hyperparameters=space, seed=seed))

    # ------------------------------------------------------------------ seeds

    @pytest.mark.parametrize("seed", [0, 1])
    def test_the_same_seed_gives_the_same_search(self, seed: int) -> None:
        assert self.asked(conditional_space(), 20, seed) == _first_asked(type(self), 20, seed)

    def test_seeds_give_different_searches(self) -> None:
        # Seeds that follow one another must not give the same trials, shifted by one or more.
        first, second = (_first_asked(type(self), 20, seed)[2:12] for seed in (0, 1))
        assert not any(values in second for values in first)

    def test_another_process_finds_the_same(self) -> None:
        # Python's hashes of strings, and with them the order of sets, differ from process to process.
        assert _asked_elsewhere(type(self)) == _first_asked(type(self), 20, 1)

    def test_the_arguments_of_the_constructor_stay_as_they_were_given(self) -> None:
        initial_points = [{"family": "convolution", "kernel": 7}]
        oracle = self.oracle(conditional_space(), max_trials=30, initial_points=initial_points)
        before = searches.described_arguments(oracle)
        for number in range(20):
            values = oracle.ask()
            oracle.tell(number, values, (score(values),))
        assert searches.described_arguments(oracle) == before
        assert initial_points == [{"family": "convolution", "kernel": 7}]

    # ------------------------------------------------------------------ results

    def test_failed_and_infinite_trials_are_survived(self) -> None:
        oracle = self.oracle(conditional_space())
        for number in range(25):
            values = oracle.ask()
            scores = [None, (float("nan"),), (float("inf"),), (float("-inf"),), (score(values),)][number % 5]
            oracle.tell(number, values, scores)
            assert isinstance(values, dict)

    def test_nothing_is_asked_again_while_everything_fails(self) -> None:
        asked = self.asked(conditional_space(), 40, scores=lambda number, values: None)
        assert len({searches.key(values) for values in asked}) == 40

    def test_hardly_an_architecture_is_asked_again_where_the_same_ones_always_fail(self) -> None:
        def scores(number: int, values: Mapping[str, Any]) -> tuple[float, ...] | None:
            return None if zlib.crc32(repr(searches.key(values)).encode()) % 3 else (score(values),)

        asked = self.asked(conditional_space(), 60, scores=scores)
        assert len({searches.key(values) for values in asked}) >= 54

    def test_an_architecture_is_asked_again_after_a_failure_that_was_transient(self) -> None:
        oracle = self.oracle(small_space())
        scored: set[tuple[Any, ...]] = set()
        for number in range(60):
            values = oracle.ask()
            if values == base.DONE:
                break
            fails = number % 4 == 1
            oracle.tell(number, values, None if fails else (float(len(scored)),))
            if not fails:
                scored.add(searches.key(reserved.architecture(values)))
        assert len(scored) == 9

    def test_several_scores_are_taken(self) -> None:
        if not self.takes_several_scores:
            pytest.skip("`takes_several_scores` is False.")
        space = problems.CHAIN.space()
        asked = self.asked(space, 60, scores=lambda number, values: (problems.chain_score(values), -values["depth"]))
        assert len({searches.key(values) for values in asked}) == 60
        assert all(encoding.Encoding(space).is_valid(values) for values in asked)

    def test_answers_may_come_late_and_in_any_order(self) -> None:
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

    # ------------------------------------------------------------------ misuse

    def test_each_misuse_is_an_error_that_names_the_trial_and_changes_nothing(self, tmp_path: pathlib.Path) -> None:
        oracle = self.oracle(conditional_space())
        oracle._set_project_dir(str(tmp_path), "run")
        trial = oracle.create_trial("slot")
        values = dict(trial.hyperparameters.values)
        unknown = keras_tuner.engine.trial.Trial(trial.hyperparameters, trial_id="9999", status=TrialStatus.COMPLETED)

        def refuses(received: str, call: Callable[..., object], *arguments: Any) -> None:
            with pytest.raises(ValueError, match=f"Received: {received}"):
                call(*arguments)

        refuses("number=7, which wasn't asked for", oracle.tell, 7, values, (1.0,))
        refuses("trial_id='9999'", oracle.update_trial, "9999", {"score": 1.0})
        refuses("trial_id='9999'", oracle.end_trial, unknown)
        oracle.update_trial(trial.trial_id, {"score": score(values)})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        journal = (tmp_path / "run" / "journal.jsonl").read_bytes()
        refuses("trial_id='0000', which ended before", oracle.end_trial, trial)
        refuses("trial_id='0000', which ended before", oracle.update_trial, "0000", {"score": 2.0})
        refuses("number=0, which has been told before", oracle.tell, 0, values, (1.0,))
        assert (tmp_path / "run" / "journal.jsonl").read_bytes() == journal
        without = self.oracle(conditional_space())
        without.tell(0, without.ask(), (score(values),))
        assert oracle.ask() == without.ask()

    def test_it_is_done_after_max_trials(self) -> None:
        oracle = self.oracle(conditional_space(), max_trials=3)
        for number in range(60):
            values = oracle.ask()
            if values == base.DONE:
                break
            oracle.tell(number, values, (score(values),))
        assert values == base.DONE and oracle.is_full()

    def test_threads_get_trials_of_their_own(self, tmp_path: pathlib.Path) -> None:
        oracle = self.oracle(conditional_space(), max_trials=24)
        oracle._set_project_dir(str(tmp_path), "run")

        def work(slot: int) -> list[tuple[str, Key]]:
            ended = []
            while (trial := oracle.create_trial(f"slot{slot}")).status != TrialStatus.STOPPED:
                if trial.status == TrialStatus.RUNNING:
                    values = trial.hyperparameters.values
                    oracle.update_trial(trial.trial_id, {"score": score(values)})
                    trial.status = TrialStatus.COMPLETED
                    oracle.end_trial(trial)
                    ended.append((trial.trial_id, searches.key(values)))
            return ended

        with searches.switching_often(), concurrent.futures.ThreadPoolExecutor(4) as pool:
            ended = sum(pool.map(work, range(4)), [])
        assert len(ended) >= 24 and len(set(dict(ended).values())) == len(ended)
        assert sorted(dict(ended)) == sorted(oracle.trials)
        # The journal holds the same.
        again = self.oracle(conditional_space(), max_trials=24)
        again._set_project_dir(str(tmp_path), "run")
        again.reload()
        assert {id: trial.score for id, trial in again.trials.items()} == {
            id: trial.score for id, trial in oracle.trials.items()
        }
