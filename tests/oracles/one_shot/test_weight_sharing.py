"""Weight sharing: its stages, what it finds, and that it goes on where it stopped; scores are simulated."""

import numpy as np
import pytest
from scipy import stats

from autonas import oracles
from autonas.objectives import pareto
from autonas.testing import oracles as contracts
from autonas.testing import problems
from tests.helpers.one_shot_simulation import LAYERS, Simulation, is_on_front, n_layers


def stages(trials):
    return [values.get("tuner/stage", "train") for values, _, _ in trials]


def alone(trials):
    """Values and scores of the candidates."""
    return [(values, score) for values, _, score in trials if "tuner/stage" not in values]


def best_of(trials):
    return max(score for _, score in alone(trials))


# ---------------------------------------------------------------------- stages


def test_the_supernet_and_the_default_then_one_shot_scores_then_the_finalists(tmp_path):
    simulation = Simulation()
    oracle = simulation.oracle()
    trials = simulation.run(oracle, tmp_path)
    assert stages(trials) == ["supernet", "train", *["supernet"] * 2, "one_shot", *["train"] * 5]
    assert trials[1][0] == oracle.encoding.default()
    assert [values for values, _, _ in [trials[0], *trials[2:5]]] == [
        {"tuner/stage": "supernet", "tuner/initial_epoch": 0, "tuner/epochs": 1},
        {"tuner/stage": "supernet", "tuner/initial_epoch": 1, "tuner/epochs": 2},
        {"tuner/stage": "supernet", "tuner/initial_epoch": 2, "tuner/epochs": 3},
        {"tuner/stage": "one_shot", "tuner/queries": 200},
    ]
    one_shot_scores = [simulation.one_shot_score(values) for values, _, _ in trials[5:]]
    assert one_shot_scores == sorted(one_shot_scores, reverse=True)
    assert len({oracle.encoding.key(values) for values, _ in alone(trials)}) == 6


def test_the_default_architecture_may_come_before_the_supernet(tmp_path):
    points = [{}, {"depth": 5}]
    oracle = Simulation().oracle(default_first=True, initial_points=points)
    trials = Simulation().run(oracle, tmp_path)
    assert stages(trials) == ["train", "supernet", "train", *["supernet"] * 2, "one_shot", *["train"] * 4]
    assert trials[0][0] == oracle.encoding.default()


def test_only_candidates_have_scores_and_are_counted(tmp_path):
    simulation = Simulation()
    oracle = simulation.oracle(max_trials=4)
    trials = simulation.run(oracle, tmp_path)
    assert [score is None for _, _, score in trials] == [True, False, True, True, True, False, False, False]
    assert all(status == "COMPLETED" for _, status, _ in trials)
    assert oracle.is_full()
    assert [trial.trial_id for trial in oracle.get_best_trials(10)] == sorted(
        ["0001", "0005", "0006", "0007"], key=lambda trial_id: -oracle.trials[trial_id].score
    )


def test_the_supernet_is_trained_no_longer_when_a_report_says_that_there_is_no_time(tmp_path):
    simulation = Simulation(finished_after=2)
    trials = simulation.run(simulation.oracle(epochs=50), tmp_path)
    assert stages(trials)[:4] == ["supernet", "train", "supernet", "one_shot"]


def test_finalists_inherit_the_weights_of_the_last_epoch_if_they_are_to(tmp_path):
    simulation = Simulation()
    trials = simulation.run(simulation.oracle(inherit=True), tmp_path)
    assert [values.get("tuner/supernet_epochs") for values, _ in alone(trials)] == [None, *[3] * 5]


def test_finalists_that_inherit_may_be_trained_for_few_epochs(tmp_path):
    simulation = Simulation()
    trials = simulation.run(simulation.oracle(inherit=True, finalist_epochs=2), tmp_path)
    # The default architecture begins with new weights, and has a full training.
    assert [values.get("tuner/epochs") for values, _ in alone(trials)] == [None, *[2] * 5]


def test_it_is_done_when_no_finalist_is_left(tmp_path):
    simulation = Simulation(problem=problems.Problem(contracts.small_space, lambda values: values.get("depth", 0), {}))
    trials = simulation.run(simulation.oracle(max_trials=None), tmp_path)
    assert len(alone(trials)) == 9 and stages(trials).count("one_shot") == 1


def test_while_the_supernet_is_on_trial_there_is_only_the_default_architecture_to_try():
    simulation = Simulation()
    oracle = simulation.oracle()
    epoch, default = oracle.ask(), oracle.ask()
    assert epoch["tuner/stage"] == "supernet"
    assert oracle.ask() == oracles.WAIT
    # The first candidate may end when it likes.
    oracle.tell(0, epoch, None, report={"finished": True})
    one_shot = oracle.ask()
    assert one_shot["tuner/stage"] == "one_shot" and oracle.ask() == oracles.WAIT
    oracle.tell(1, default, (0.5,))
    oracle.tell(2, one_shot, None, report=simulation.report(oracle, one_shot))
    assert "tuner/stage" not in oracle.ask()


# ---------------------------------------------------------------------- what is found


def bests_of_searches(directory, **arguments):
    """The best scores of twelve searches."""
    simulation = Simulation(noise=0.2)
    return [
        best_of(simulation.run(simulation.oracle(seed=seed, **arguments), directory / str(seed))) for seed in range(12)
    ]


@pytest.fixture(scope="module")
def bests_at_random(tmp_path_factory):
    return bests_of_searches(tmp_path_factory.mktemp("random"), strategy="random", queries=5)


@pytest.mark.parametrize("strategy", ["evolution", "reinforcement", "local_search", "random"])
def test_it_finds_better_than_random_search_with_as_many_candidates(strategy, bests_at_random, tmp_path):
    difference = np.subtract(bests_of_searches(tmp_path, strategy=strategy), bests_at_random)
    assert difference.mean() > 4 * difference.std() / np.sqrt(12)


def test_bayesian_optimisation_asks_for_one_shot_scores_too(tmp_path):
    simulation = Simulation(noise=0.0)
    by_model = simulation.run(simulation.oracle(strategy="bayesian", queries=40), tmp_path / "bayesian")
    at_random = simulation.run(simulation.oracle(strategy="random", queries=40), tmp_path / "random")
    assert best_of(by_model) > best_of(at_random)


def test_more_queries_find_better_finalists(tmp_path):
    simulation = Simulation(noise=0.05)
    means = [
        np.mean([score for _, score in alone(simulation.run(simulation.oracle(queries=n), tmp_path / str(n)))][1:])
        for n in (10, 100, 1000)
    ]
    assert means[0] < means[1] < means[2]


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_rank_correlation_is_that_of_the_finalists(noise, tmp_path):
    simulation = Simulation(noise=noise)
    oracle = simulation.oracle(strategy="random", max_trials=25)
    finalists = alone(simulation.run(oracle, tmp_path))[1:]
    one_shot_scores = [simulation.one_shot_score(values) for values, _ in finalists]
    expected = stats.kendalltau(one_shot_scores, [score for _, score in finalists]).statistic
    assert oracle.rank_correlation == pytest.approx(expected)
    assert oracle.diagnostics() == {"rank_correlation": oracle.rank_correlation}
    assert expected == pytest.approx(1.0) if noise == 0.0 else 0.2 < expected < 0.95


def test_there_is_no_rank_correlation_before_two_finalists_have_scores(tmp_path):
    simulation = Simulation()
    oracle = simulation.oracle()
    simulation.run(oracle, tmp_path, stop_after=6)
    assert oracle.rank_correlation is None and oracle.diagnostics() == {}


# ---------------------------------------------------------------------- several objectives, limits


@pytest.mark.parametrize("strategy", ["evolution", "reinforcement", "random"])
def test_of_two_objectives_it_trains_what_is_on_the_front_of_one_shot_scores(strategy, tmp_path):
    simulation = Simulation(LAYERS, noise=0.0, cost=n_layers)
    oracle = simulation.oracle(strategy=strategy, queries=300, max_trials=8)
    found = [values for values, _ in alone(simulation.run(oracle, tmp_path))][1:]
    scores = [[simulation.problem.score(values), -n_layers(values)] for values in simulation.scored]
    front = [values for values, best in zip(simulation.scored, pareto.non_dominated(scores), strict=True) if best]
    assert all(values in front for values in found)
    # Spread over the front, not all at one end of it.
    assert np.ptp([n_layers(values) for values in found]) >= 6


def test_evolution_finds_most_of_the_front(tmp_path):
    simulation = Simulation(LAYERS, noise=0.0, cost=n_layers)
    oracle = simulation.oracle(queries=600, max_trials=14)
    found = [values for values, _ in alone(simulation.run(oracle, tmp_path))][1:]
    assert sum(map(is_on_front, found)) >= 9


def test_what_breaks_a_limit_is_neither_scored_nor_trained(tmp_path):
    simulation = Simulation(LAYERS, noise=0.0, cost=n_layers, limit=6)
    oracle = simulation.oracle(queries=100, max_trials=5)
    trials = simulation.run(oracle, tmp_path)
    assert len(simulation.scored) == 100 and max(map(n_layers, simulation.scored)) <= 6
    trained = alone(trials)
    assert len(trained) == 5 and all(score is not None for _, score in trained)


def test_the_strategy_learns_from_refusals(tmp_path):
    # One architecture in 50 has at most two layers, and it may ask for five for each one that is scored.
    simulation = Simulation(LAYERS, noise=0.0, cost=n_layers, limit=3)
    simulation.run(simulation.oracle(queries=20), tmp_path)
    assert len(simulation.scored) == 20


def test_where_all_break_a_limit_the_nearest_are_handed_on_and_refused(tmp_path):
    simulation = Simulation(LAYERS, cost=n_layers, limit=0.5)
    oracle = simulation.oracle(queries=10)
    trials = simulation.run(oracle, tmp_path)
    assert simulation.scored == [] and oracle.rank_correlation is None
    refused = [values for values, status, _ in trials if status == "FAILED"]
    assert 3 <= len(refused) <= 6 and not oracle.is_full()


def test_the_rank_correlation_is_that_of_the_first_objective(tmp_path):
    simulation = Simulation(LAYERS, noise=0.0, cost=n_layers)
    oracle = simulation.oracle(max_trials=10)
    simulation.run(oracle, tmp_path)
    assert oracle.rank_correlation == pytest.approx(1.0)


# ---------------------------------------------------------------------- the strategy draws the paths


def test_a_strategy_that_draws_the_paths_learns_while_the_supernet_is_trained(tmp_path):
    simulation, seen = Simulation(noise=0.0), []
    oracle = simulation.oracle(
        strategy=oracles.ReinforcementOracle(max_free_steps=0), sampling="strategy", epochs=15, queries=50
    )
    report = simulation.report

    def recorded(*arguments):
        seen.append(report(*arguments))
        return seen[-1]

    simulation.report = recorded
    trials = simulation.run(oracle, tmp_path)
    means = [np.mean([scores for _, scores, _ in each["told"]]) for each in seen[:-1]]
    assert np.mean(means[-3:]) > np.mean(means[:3]) + 0.1
    # What it has learned is where the one-shot scores begin; known architectures may be asked for again, once each.
    first = [score for _, score in seen[-1]["finalists"]]
    assert np.mean(first) > np.mean(means[:3]) + 0.1
    assert len({oracle.encoding.key(values) for values, _ in seen[-1]["finalists"]}) == len(first) == 50
    assert stages(trials).count("supernet") == 15


def test_paths_are_drawn_by_the_strategy_only_if_it_is_to():
    supernet, one_shot, candidate = {"tuner/stage": "supernet"}, {"tuner/stage": "one_shot"}, {"depth": 1}
    oracle = Simulation().oracle()
    assert oracle.strategy_for(supernet) is None and oracle.strategy_for(candidate) is None
    assert isinstance(oracle.strategy_for(one_shot), oracles.EvolutionOracle)
    assert oracle.supernet_training() == {"method": "paths", "epochs": 3, "sampling": "fair"}
    oracle = Simulation().oracle(sampling="strategy")
    assert isinstance(oracle.strategy_for(supernet), oracles.EvolutionOracle)
    assert oracle.strategy_for(candidate) is None


def test_a_small_space_is_drawn_from_again_and_again(tmp_path):
    simulation = Simulation(problem=problems.Problem(contracts.small_space, lambda values: values.get("depth", 0), {}))
    oracle = simulation.oracle(strategy="reinforcement", sampling="strategy")
    assert len(simulation.report(oracle, oracle.ask())["told"]) == 20


# ---------------------------------------------------------------------- failures


def test_a_failed_candidate_has_no_score_and_is_tried_once_more(tmp_path):
    simulation = Simulation(fails=lambda number, values: number == 6)
    oracle = simulation.oracle()
    trials = simulation.run(oracle, tmp_path)
    assert trials[6][1:] == ("FAILED", None) and len(alone(trials)) == 6
    assert trials[7][0] == trials[6][0] and trials[7][1] == "COMPLETED"
    assert len({oracle.encoding.key(values) for values, _ in alone(trials)}) == 5


@pytest.mark.parametrize("failed", [2, 4])
def test_a_stage_that_failed_is_asked_for_again(failed, tmp_path):
    whole = Simulation()
    expected = whole.run(whole.oracle(), tmp_path / "whole")
    simulation = Simulation(fails=lambda number, values: number == failed)
    trials = simulation.run(simulation.oracle(), tmp_path / "run")
    assert trials[failed][1:] == ("FAILED", None)
    assert [*trials[:failed], *trials[failed + 1 :]] == expected


# ---------------------------------------------------------------------- continuing

STRATEGIES = {
    "evolution": {"strategy": "evolution", "queries": 50},
    "drawing": {"strategy": "evolution", "sampling": "strategy", "queries": 50},
    "reinforcement": {"strategy": oracles.ReinforcementOracle("ppo"), "sampling": "strategy", "queries": 20},
}
GOALS = {"one objective": {}, "two, and a limit": {"problem": LAYERS, "cost": n_layers, "limit": 6}}


@pytest.mark.parametrize("leave_pending", [False, True])
@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("goal", GOALS)
def test_a_search_cut_off_anywhere_goes_on_as_if_it_had_not_been(goal, name, leave_pending, tmp_path):
    simulation = Simulation(**GOALS[goal], fails=lambda number, values: number in (2, 7))
    arguments = STRATEGIES[name]
    whole = simulation.run(simulation.oracle(**arguments), tmp_path / "whole")
    # Before the first trial and after it, after a failed epoch and the last one, after the one-shot stage, and after a
    # finalist that failed.
    for stop_after in (0, 1, 3, 5, 6, 8):
        directory = tmp_path / f"cut_{stop_after}"
        simulation.run(simulation.oracle(**arguments), directory, stop_after, leave_pending)
        oracle = simulation.oracle(**arguments)
        assert simulation.run(oracle, directory) == whole
    assert oracle.rank_correlation is not None


def test_more_candidates_continue_a_search(tmp_path):
    simulation = Simulation()
    whole = simulation.run(simulation.oracle(max_trials=8), tmp_path / "whole")
    simulation.run(simulation.oracle(max_trials=3), tmp_path / "grown")
    assert simulation.run(simulation.oracle(max_trials=8), tmp_path / "grown") == whole


def test_the_users_oracle_is_a_description(tmp_path):
    mine = oracles.EvolutionOracle(population_size=3)
    simulation = Simulation()
    simulation.run(simulation.oracle(strategy=mine, sampling="strategy"), tmp_path)
    assert mine.n_asked == 0 and not mine.hyperparameters.space


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"strategy": "gradient"},
            "`strategy` must be one of 'bayesian', .* that needs no supernet and trains all candidates in full",
        ),
        ({"strategy": oracles.WeightSharingOracle()}, "`strategy` must be one of .*WeightSharingOracle"),
        ({"strategy": oracles.EvolutionOracle(population_size=0)}, "`population_size` must be an integer"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1. Received: epochs=0"),
        (
            {"sampling": "even"},
            "`sampling` must be one of 'fair', 'uniform', 'prioritised', 'strategy'. Received: sampling='even'",
        ),
        (
            {"sampling": "strategy", "strategy": oracles.EvolutionOracle(initial_points=[{}])},
            "`initial_points` of a strategy that draws the paths .* Received: sampling='strategy', initial_points=",
        ),
        ({"queries": 0.5}, "`queries` must be an integer of at least 1. Received: queries=0.5"),
        ({"inherit": "yes"}, "`inherit` must be True or False. Received: inherit='yes'"),
        ({"default_first": 1}, "`default_first` must be True or False. Received: default_first=1"),
        ({"inherit": True, "finalist_epochs": 0}, "`finalist_epochs` must be an integer of at least 1. Received"),
        ({"finalist_epochs": 2}, "`finalist_epochs` must be None where finalists begin with new weights. Received"),
        ({"max_trials": 1}, "`max_trials` must be an integer of at least 2. Received: max_trials=1"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_trial(arguments, message):
    with pytest.raises(ValueError, match=message):
        Simulation().oracle(**arguments).ask()


def test_epochs_must_be_given_outside_of_auto_model():
    oracle = Simulation().oracle(epochs=None)
    with pytest.raises(ValueError, match="`epochs` of WeightSharingOracle must be given outside of AutoModel"):
        oracle.ask()
