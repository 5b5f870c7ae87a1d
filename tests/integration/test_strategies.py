"""Strategies through `AutoModel`: the same seed gives the same search, and a search goes on where it stopped."""

import numpy as np
import pandas
import pytest

from autonas import oracles
from autonas.oracles import controllers
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board, trials
from tests.helpers.regressions import of_regressions

BUDGET = {**QUIET, "epochs": 1, "refit": False}

# The contract of oracles covers all; here are one that replays nothing, one that replays, and one with a Keras model.
STRATEGIES = {
    "auto": "auto",
    "evolution": "evolution",
    "recurrent": oracles.ReinforcementOracle(controller=controllers.RecurrentController(units=8)),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_search_that_is_continued_is_that_which_was_not_interrupted(name, iris, tmp_path):
    def fit(directory, max_trials):
        model = of_regressions(strategy=STRATEGIES[name], max_trials=max_trials, directory=directory, **BUDGET)
        return model.fit(*iris)

    whole = fit(tmp_path / "whole", 9)
    fit(tmp_path / "cut", 7)
    continued = fit(tmp_path / "cut", 9)
    pandas.testing.assert_frame_equal(board(continued), board(whole), check_exact=True)
    assert trials(whole)["trial_id"].nunique() == 9
    np.testing.assert_array_equal(continued.predict(iris[0]), whole.predict(iris[0]))


def test_a_strategy_with_a_wrong_argument_is_refused_before_anything_is_written(iris, tmp_path):
    strategy = oracles.EvolutionOracle(population_size=0)
    model = of_regressions(strategy=strategy, directory=tmp_path / "run", **BUDGET)
    with pytest.raises(ValueError, match="`population_size` must be an integer of at least 1. Received"):
        model.fit(*iris)
    assert not (tmp_path / "run").exists()
