"""One order of trials decides everywhere which trial is the best."""

import pytest

from autonas.objectives import goal
from autonas.reporting import SearchInfo, TrialRecord, leaderboard, plots
from autonas.reporting.leaderboard import pareto_front
from autonas.reporting.summary import sections
from autonas.search.standings import Standings
from autonas.trials.order import comparable, longest, ranked, scored, winner

SEARCH = SearchInfo("val_accuracy", "max", objectives=["val_accuracy", "flops"], directions=["max", "min"])
GOAL = goal.get_goal(["val_accuracy", "flops"], None, {"val_accuracy": "max"}, "val_accuracy")


def trial(number, accuracy=0.9, flops=10.0, loss=0.5, parameters=100, **values):
    metrics = {"val_accuracy": accuracy, "flops": flops, "val_loss": loss}
    return TrialRecord(f"{number:04}", number, values=values, status="completed", score=accuracy, metrics=metrics,
                       history=[metrics], epochs=1, best_epoch=1, parameters=parameters)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "best"),
    [
        ({11: {"accuracy": 0.91}}, 11),
        ({11: {"flops": 9.0}}, 11),
        ({11: {"loss": 0.4}}, 11),
        ({11: {"parameters": 99}}, 11),
        ({11: {"flops": 9.0}, 9: {"loss": 0.1, "parameters": 1}}, 11),
        ({11: {"loss": 0.4}, 9: {"parameters": 1}}, 11),
        ({11: {"accuracy": 0.91, "tuner/epochs": 3}, 9: {"tuner/epochs": 9}}, 11),
        ({11: {"tuner/epochs": 9}, 9: {"tuner/epochs": 3}}, 11),
        ({11: {"accuracy": 0.8}, 9: {"tuner/resolution": 0.5}}, 11),
        ({}, 9),
    ],
    ids=["score", "further objective", "loss", "parameters", "objective before loss", "loss before parameters",
         "score before longer training", "longer training", "larger images before score", "earlier"],
)  # fmt: skip
def test_every_view_of_a_search_names_the_same_winner(changes, best):
    records = [trial(number, **changes.get(number, {})) for number in (9, 11)]
    board = leaderboard(records, "val_accuracy", "max", SEARCH.pairs()[1:])
    assert board.trial_id[0] == f"{best:04}" and board["rank"].tolist() == [1, 2]
    assert winner(SEARCH, records).number == ranked(SEARCH, records)[0].number == best
    assert Standings({each.trial_id: each for each in records}, GOAL, lambda values: True).best().number == best
    said = dict(sections(SEARCH, records, "max_trials", {}))["Best trial"][0]
    assert said.startswith(f"Trial {best} is the best")
    legend = plots.plot_history(SEARCH, records).get_legend().get_texts()
    assert any(text.get_text().startswith(f"best: trial {best},") for text in legend)


def test_the_winner_is_the_trial_that_is_served():
    records = [trial(9), trial(11, accuracy=0.8)]
    served = SearchInfo("val_accuracy", "max", served="0011")
    assert winner(served, records).number == 11


def test_trials_without_a_finite_score_are_not_ranked():
    assert ranked(SEARCH, [trial(1, accuracy=float("nan"))]) == []


def test_only_completed_candidates_with_a_finite_score_are_scored():
    failed, diverged, final = trial(1), trial(2, accuracy=float("nan")), trial(3)
    failed.status, final.stage = "failed", "final"
    assert [record.number for record in scored([failed, diverged, final, trial(4)])] == [4]


def test_the_longest_trials_were_to_be_trained_for_the_most_epochs():
    records = [trial(number, **{"tuner/epochs": epochs}) for number, epochs in enumerate((3, 9, 9, 1))]
    assert [record.number for record in longest(records)] == [1, 2]
    assert longest([trial(5)])[0].number == 5 and longest([]) == []


def test_a_front_has_the_default_architecture_beside_finalists_that_inherit_weights():
    finalist = {"tuner/supernet_epochs": 15, "tuner/epochs": 2}
    records = [trial(0, 0.9, flops=9.0), trial(1, 0.8, flops=3.0, **finalist), trial(2, 0.7, flops=5.0, **finalist)]
    standings = Standings({record.trial_id: record for record in records}, GOAL, lambda values: True)
    assert [record.number for record in standings.front()] == [0, 1]
    board = leaderboard(records, "val_accuracy", "max", SEARCH.pairs()[1:])
    assert pareto_front(board, SEARCH.pairs())["trial_id"].tolist() == ["0000", "0001"]
    assert comparable(records) == records


@pytest.mark.parametrize(("n_long", "n_short", "epochs"), [(10, 40, 9), (3, 40, 3), (3, 3, 9), (0, 1, 3)])
def test_trials_of_one_number_of_epochs_are_comparable(n_long, n_short, epochs):
    records = [trial(number, **{"tuner/epochs": 9}) for number in range(n_long)]
    records += [trial(100 + number, **{"tuner/epochs": 3}) for number in range(n_short)]
    assert {record.values["tuner/epochs"] for record in comparable(records)} == {epochs}
    assert len(comparable(records)) == (n_long if epochs == 9 else n_short)


def test_without_scored_trials_nothing_is_comparable():
    assert comparable([trial(1, accuracy=float("nan"))]) == []
