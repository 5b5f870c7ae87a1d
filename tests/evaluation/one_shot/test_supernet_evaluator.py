"""The stages of a one-shot search: epochs of a supernet, scores with its weights, weights that are inherited."""

import json
import os
import shutil
import time

import keras
import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.backends import seeding
from autonas.costs import registry as costs
from autonas.evaluation import evaluator, problem
from autonas.evaluation.one_shot import supernet_evaluator
from autonas.objectives import combinations, constraints, custom_score, goal, pareto
from autonas.search_space import optimization
from autonas.trials import job as jobs
from tests.helpers import supernets

PATHS = {"method": "paths", "epochs": 3, "sampling": "fair", "learning_rate": 0.3}


ACCURACY, PARAMS = supernets.OBJECTIVE, keras_tuner.Objective("params", "min")


def make(directory, settings=PATHS, objectives=(ACCURACY,), **wanted):
    drawn, data = supernets.make_graph(n=150)
    drawn.optimization = optimization.Optimization(batch_size=25, learning_rate=0.01, epochs_share=1.0)
    searched = problem.Problem(drawn, data, supernets.make_scorer(data), goal.Goal(objectives, **wanted))
    shared = supernet_evaluator.SupernetEvaluator(searched, settings, str(directory), seed=0)
    return evaluator.Evaluator(searched, epochs=2, patience=None, seed=0, supernet=shared)


def epoch_job(epoch, **arguments):
    values = {"tuner/stage": "supernet", "tuner/initial_epoch": epoch, "tuner/epochs": epoch + 1}
    return jobs.Job(f"{epoch + 1:04d}", epoch + 1, values, **arguments)


def search_job(strategy, queries=20, **arguments):
    values = {"tuner/stage": "one_shot", "tuner/queries": queries}
    return jobs.Job("0009", 9, values, strategy=strategy, **arguments)


def strategy(space, kind=oracles.EvolutionOracle, **arguments):
    return kind(objective=ACCURACY, hyperparameters=space, seed=0, **arguments)


def searched(evaluated, **arguments):
    """The report of a search by random one-shot scores, and the strategy."""
    searching = strategy(supernets.build(evaluated.problem.graph).space, oracles.RandomOracle, **arguments)
    return run(evaluated, search_job(searching)), searching


def run(evaluated, job):
    outcome = evaluated.evaluate(job)
    assert outcome.status == "completed", outcome.message
    return outcome


def weights(evaluated):
    return [keras.ops.convert_to_numpy(each) for each in evaluated.supernet.supernet.operation_variables]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An evaluator after two epochs, and their outcomes."""
    evaluated = make(tmp_path_factory.mktemp("states"))
    return evaluated, [run(evaluated, epoch_job(epoch)) for epoch in range(2)]


def test_an_epoch_reports_what_it_came_to(trained):
    _, outcomes = trained
    for epoch, outcome in enumerate(outcomes):
        report = json.loads(json.dumps(outcome.report))
        assert report["epoch"] == epoch and not report["finished"] and "told" not in report
        assert "distribution" not in report, "paths are drawn evenly: there is none that learns"
        assert {"loss", "val_loss", "val_accuracy"} == set(outcome.metrics)
        for name, scores in report["paths"].items():
            assert len(scores) == 4 and np.mean(scores) == pytest.approx(outcome.metrics[name])
        assert sum(outcome.phases.values()) == pytest.approx(outcome.seconds, rel=1e-6)
        assert {"supernet", "validate", "save"} <= set(outcome.phases) and "train" not in outcome.phases
        assert outcome.history == [outcome.metrics] and outcome.epochs == outcome.best_epoch == 1
        assert outcome.parameters > 0 and outcome.seconds > 0
    assert outcomes[1].metrics["loss"] < outcomes[0].metrics["loss"]


def test_another_process_goes_on_from_the_last_epoch(trained):
    evaluated, outcomes = trained
    directory = evaluated.supernet.directory
    resumed = make(directory)
    again = run(resumed, epoch_job(1))
    assert again.metrics == pytest.approx(outcomes[1].metrics, rel=1e-4)
    one, other = (np.concatenate([each.ravel() for each in weights(of)]) for of in (resumed, evaluated))
    # Sums in another order are rounded in another way, and where a gradient is about 0 that is a step up or down.
    assert np.linalg.norm(one - other) < 1e-3 * np.linalg.norm(other)


def test_without_its_files_it_is_trained_again(trained, tmp_path):
    evaluated, outcomes = trained
    again = run(make(tmp_path), epoch_job(1))
    assert again.metrics == pytest.approx(outcomes[1].metrics, rel=1e-4)


def test_the_board_of_prioritised_paths_goes_on_with_the_weights(tmp_path):
    settings = PATHS | {"sampling": "prioritised", "epochs": 14}
    evaluated = make(tmp_path / "one", settings)
    for epoch in range(12):
        run(evaluated, epoch_job(epoch))
    board = keras.ops.convert_to_numpy(evaluated.supernet.trainer.board.paths)
    assert board.min() >= 0 and len(np.unique(board, axis=0)) == 10
    again = make(tmp_path / "one", settings)
    following = [run(shared, epoch_job(12)).metrics for shared in (evaluated, again)]
    assert following[0] == pytest.approx(following[1], rel=1e-4)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again.supernet.trainer.board.paths), board)


def test_a_damaged_state_counts_as_missing_and_is_named(trained, tmp_path):
    evaluated, outcomes = trained
    path = tmp_path / "epoch_0001.npz"
    shutil.copy(os.path.join(evaluated.supernet.directory, path.name), path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.warns(UserWarning, match=r"epoch_0001\.npz is damaged: .* The supernet is trained again"):
        again = run(make(tmp_path), epoch_job(1))
    assert again.metrics == pytest.approx(outcomes[1].metrics, rel=1e-4)
    (tmp_path / "epoch_0002.npz").write_bytes(b"")
    values = {**evaluated.supernet.supernet.space.values, "tuner/supernet_epochs": 2}
    outcome = make(tmp_path).evaluate(jobs.Job("0005", 5, values))
    assert outcome.status == "failed" and "epoch_0002.npz is damaged" in outcome.message


def test_a_strategy_searches_by_one_shot_scores(trained):
    evaluated, _ = trained
    space = evaluated.supernet.supernet.space
    searching = strategy(space)
    outcome = run(evaluated, search_job(searching))
    assert outcome.report["n_scored"] == searching.n_asked == 20 and not searching.pending
    finalists = json.loads(json.dumps(outcome.report["finalists"]))
    scores = [score for _, score in finalists]
    networks = [evaluated.supernet.supernet.network_key(values) for values, _ in finalists]
    assert scores == sorted(scores, reverse=True) and len(set(networks)) == len(networks) > 10
    assert outcome.metrics["val_accuracy"] == scores[0]
    assert all(searching.encoding.is_valid(values) for values, _ in finalists)
    values, score = finalists[-1]
    assert evaluated.supernet.one_shot_scorer.score(values)["val_accuracy"] == score


def test_a_search_ends_at_its_deadline_and_when_all_is_tried(trained):
    evaluated, _ = trained
    space = evaluated.supernet.supernet.space
    outcome = run(evaluated, search_job(strategy(space), queries=10**6, deadline=time.monotonic()))
    assert outcome.report["n_scored"] == 1
    narrow = space.copy()
    narrow._space = [each for each in space.space if each.name.endswith(("edge_0_1", "edge_0_2"))]
    outcome = run(evaluated, search_job(strategy(narrow, oracles.RandomOracle)))
    assert outcome.report["n_scored"] == 9


def test_of_two_objectives_finalists_have_a_score_each_and_the_front_comes_first(tmp_path):
    evaluated = make(tmp_path, objectives=(ACCURACY, PARAMS), costs=(costs.Params(),))
    outcome, _ = searched(evaluated, objectives=[ACCURACY, PARAMS])
    finalists = json.loads(json.dumps(outcome.report["finalists"]))
    scores = np.array([scores for _, scores in finalists])
    networks = {evaluated.supernet.supernet.network_key(values) for values, _ in finalists}
    assert scores.shape == (len(networks), 2)
    n_front = pareto.non_dominated(scores).sum()
    assert pareto.non_dominated(scores)[:n_front].all()
    for values, (accuracy, params) in finalists[:3]:
        assert evaluated.supernet.one_shot_scorer.score(values)["val_accuracy"] == accuracy
        assert -params == evaluated.networks.build(values).count_params()
    assert {"val_accuracy", "val_loss", "params"} == set(outcome.metrics)


def test_what_breaks_a_limit_is_not_scored(tmp_path):
    limit = constraints.Constraint(costs.Params(), 1000)
    evaluated = make(tmp_path, costs=(limit.cost,), constraints=(limit,))
    run(evaluated, epoch_job(0))
    scored, score = [], evaluated.supernet.one_shot_scorer.score
    evaluated.supernet.one_shot_scorer.score = lambda values: scored.append(values) or score(values)
    outcome, searching = searched(evaluated)
    report = outcome.report
    assert len(scored) == report["n_scored"] > 0
    assert report["n_refused"] > 0 and report["n_scored"] + report["n_refused"] == searching.n_asked
    assert all(evaluated.networks.build(values).count_params() <= 1000 for values in scored)
    networks = set(map(evaluated.supernet.supernet.network_key, scored))
    assert len(report["finalists"]) == len(networks) > 1


def test_where_nothing_is_within_the_limits_the_nearest_are_handed_on(tmp_path):
    limit = constraints.Constraint(costs.Params(), 1)
    evaluated = make(tmp_path, costs=(limit.cost,), constraints=(limit,))
    outcome, _ = searched(evaluated)
    finalists = outcome.report["finalists"]
    assert outcome.report["n_scored"] == 0 and len(finalists) == 5
    sizes = [evaluated.networks.build(values).count_params() for values, score in finalists if score is None]
    assert len(sizes) == 5 and sizes == sorted(sizes)
    assert outcome.metrics == {"params": sizes[0]}


def test_a_combination_and_a_score_of_the_users_own_are_scores_too(tmp_path):
    def mean_probability(model, data):
        x, y = data
        return float(keras.ops.convert_to_numpy(model(x)["head"])[np.arange(len(y)), y].mean())

    own, probability = custom_score.CustomScore(mean_probability), keras_tuner.Objective("mean_probability", "max")
    combination = combinations.WeightedSum({own: 1.0, "params": 1e-4})
    objective = keras_tuner.Objective("weighted_sum", "max")
    evaluated = make(
        tmp_path, objectives=(objective,), costs=(costs.Params(),), scores=(own,),
        combination=combination, parts=(probability, PARAMS),
    )  # fmt: skip
    outcome, _ = searched(evaluated)
    (values, score), numbers = outcome.report["finalists"][0], outcome.metrics
    assert score == numbers["weighted_sum"] == numbers["mean_probability"] - 1e-4 * numbers["params"]
    # The score is that of the stand-alone model with the shared weights, and with statistics of its own.
    model = evaluated.supernet._build_alone(values)
    evaluated.supernet._copy_weights(model, values)
    dataset = evaluated.problem.dataset
    rows = dataset.validation_rows
    x = {name: array[rows] for name, array in dataset.inputs.items()}
    expected = mean_probability(model, (x, dataset.targets["head"][rows]))
    assert numbers["mean_probability"] == pytest.approx(expected, abs=1e-5)


def test_candidates_inherit_the_weights_of_an_epoch(trained):
    evaluated, _ = trained
    space = evaluated.supernet.supernet.space
    values = {**space.values, "tuner/supernet_epochs": 2}
    with seeding.seeded(0, 5):
        model = evaluated.networks.initial(jobs.Job("0005", 5, values))
    rows = evaluated.problem.dataset.validation_rows
    x = {name: array[rows] for name, array in evaluated.problem.dataset.inputs.items()}
    shared = evaluated.supernet.one_shot_scorer.score(values)
    own = evaluated.problem.scorer({"head": keras.ops.convert_to_numpy(model(x)["head"])}, rows)
    # The statistics of the stand-alone model are those of training rows, and the score has those of the scored rows.
    assert own == pytest.approx(shared, abs=1e-3)
    outcome = run(evaluated, jobs.Job("0005", 5, values))
    fresh = run(evaluated, jobs.Job("0005", 5, dict(space.values)))
    assert outcome.history[0]["loss"] < fresh.history[0]["loss"]


def test_weights_that_are_gone_are_not_inherited(trained):
    evaluated, _ = trained
    values = {**evaluated.supernet.supernet.space.values, "tuner/supernet_epochs": 777}
    outcome = evaluated.evaluate(jobs.Job("0005", 5, values))
    assert outcome.status == "failed" and "epoch 777 are missing" in outcome.message
    assert "Restore this folder from a copy, or search again" in outcome.message


def test_a_strategy_that_draws_the_paths_is_told_of_scores(tmp_path):
    evaluated = make(tmp_path, {**PATHS, "sampling": "strategy"})
    space = supernets.build(evaluated.problem.graph).space
    drawing = strategy(space, oracles.ReinforcementOracle, initial_points=[], repeats=True)
    outcome = run(evaluated, epoch_job(0, strategy=drawing))
    assert len(outcome.report["told"]) == drawing.n_asked == 20
    assert all(0 <= score <= 1 and margins is None for _, (score,), margins in outcome.report["told"])


def test_the_deadline_ends_the_training(tmp_path):
    evaluated = make(tmp_path)
    outcome = run(evaluated, epoch_job(0, deadline=time.monotonic()))
    assert outcome.report["finished"]
    assert os.listdir(tmp_path) == ["epoch_0001.npz"]


def test_two_states_are_kept_and_a_failed_epoch_leaves_them(tmp_path):
    evaluated = make(tmp_path, {**PATHS, "epochs": 4})
    for epoch in range(3):
        run(evaluated, epoch_job(epoch))
    assert sorted(os.listdir(tmp_path)) == ["epoch_0002.npz", "epoch_0003.npz"]
    before = weights(evaluated)
    evaluated.supernet.trainer.learning_rate = float("nan")
    outcome = evaluated.evaluate(epoch_job(3))
    assert outcome.status == "failed" and "NaN" in outcome.message
    assert sorted(os.listdir(tmp_path)) == ["epoch_0002.npz", "epoch_0003.npz"]
    evaluated.supernet._bring_to(3, None)
    for one, other in zip(weights(evaluated), before, strict=True):
        np.testing.assert_array_equal(one, other)


SWEEP = {"method": "bilevel", "epochs": 8, "cost": "params", "cost_weights": [0.0, 1.0, 10.0, 100.0], "warm_up": 0.0}


def test_a_sweep_goes_from_dear_to_cheap_and_goes_on_from_its_files(tmp_path):
    evaluated = make(tmp_path, SWEEP)
    outcomes = [run(evaluated, epoch_job(epoch)) for epoch in range(8)]
    assert [each.report["next_cost_weight"] for each in outcomes] == [0, 1, 1, 10, 10, 100, 100, 100]
    names = evaluated.supernet.supernet.decisions
    dear = [np.mean([each.report["distribution"][name]["convolution_3"] for name in names]) for each in outcomes]
    assert dear[7] < dear[5] < dear[3] < dear[1]
    costs = [each.report["numbers"]["expected_cost"] for each in outcomes]
    assert costs[7] < costs[5] < costs[3] < costs[1]
    assert all(each.report["numbers"]["entropy"] == each.metrics["entropy"] for each in outcomes)
    os.remove(tmp_path / "epoch_0008.npz")
    again = run(make(tmp_path, SWEEP), epoch_job(7))
    assert again.metrics == pytest.approx(outcomes[7].metrics, rel=1e-3)
    assert again.report["next_cost_weight"] == 100


def test_a_selection_by_perturbation_says_why_and_begins_with_the_trained_supernet(tmp_path):
    settings = {"method": "bilevel", "epochs": 1, "relaxation": "dirichlet", "warm_up": 0.0}
    evaluated = make(tmp_path, settings)
    run(evaluated, epoch_job(0))
    job = jobs.Job("0002", 2, {"tuner/stage": "one_shot"})
    first, again = (run(evaluated, job).report for _ in range(2))
    assert first == again == json.loads(json.dumps(first))
    ((values, score),) = first["finalists"]
    assert 0 <= score <= 1 and first["epoch"] == first["n_scored"] == 1
    chosen = {name: max(losses, key=losses.get) for name, losses in first["losses_without"].items()}
    assert chosen == {name: values[name] for name in evaluated.supernet.supernet.decisions}


def test_epochs_are_the_same_on_jax(passes_on):
    # Paths, scores and inherited weights have tests of their own on JAX.
    passes_on("jax", "last_epoch")
