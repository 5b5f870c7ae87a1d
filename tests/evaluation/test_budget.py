"""The time budget: what a trial may take."""

import pytest

from autonas.evaluation import budget as budget_module
from autonas.trials import job as jobs


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(budget_module.time, "monotonic", lambda: Clock.now)
    return Clock


def test_without_a_limit_there_is_none(clock):
    budget = budget_module.TimeBudget(None, 1.25, 1000.0)
    assert budget.remaining() is None
    assert budget.trial_seconds(None, first=True) is None
    outcome = jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=1.0)
    assert budget.final_length([outcome]).deadline is None


def test_a_trial_leaves_room_for_its_own_final_fit(clock):
    budget = budget_module.TimeBudget(101.0, 1.5, 1000.0)
    seconds = budget.trial_seconds(None, first=False)
    assert seconds * (1 + 0.25 * 1.5) == pytest.approx(100.0)


def test_a_trial_leaves_room_for_the_final_fit_of_the_best(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    best = jobs.Outcome(status="completed", epochs=10, best_epoch=8, seconds=100.0)
    assert budget.final_seconds(best) == pytest.approx(0.25 * 80.0)
    clock.now += 60
    assert budget.trial_seconds(best, first=False) == pytest.approx(20.0)


def test_a_margin_keeps_a_trial_that_takes_somewhat_too_long_from_using_up_the_time_in_which_weights_are_fitted(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    best = jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=40.0, report={"fitted": [{}]})
    clock.now += 30
    seconds = budget.trial_seconds(best, first=False)
    assert seconds == pytest.approx(70 - 1.15 * 40)
    clock.now += seconds + 3
    assert budget.has_time_for(best)
    assert budget.trial_seconds(best, first=False) < 4


def test_the_first_of_several_candidates_have_their_final_fits_if_there_is_no_time_for_all(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    fitted, longer = (
        jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=seconds, report={"fitted": [{}]})
        for seconds in (40.0, 50.0)
    )
    trained = jobs.Outcome(status="completed", epochs=10, best_epoch=10, seconds=80.0)
    clock.now += 45
    assert budget.with_time([trained, longer, fitted]) == [trained, fitted]
    assert budget.with_time([longer, fitted, trained]) == [longer]
    assert budget_module.TimeBudget(None, 1.0, 1000.0).with_time([longer, fitted]) == [longer, fitted]


def test_no_time_is_kept_for_a_final_fit_that_takes_longer_than_what_is_left(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    best = jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=60.0, report={"fitted": [{}]})
    clock.now += 60
    assert not budget.has_time_for(best)
    assert budget.trial_seconds(best, first=False) == pytest.approx(40.0 / 1.25)
    assert budget.trial_seconds(best, first=False, members=[best]) == pytest.approx(40.0 / 1.25)


def test_a_final_fit_builds_the_network_anew_and_takes_no_time_for_validation(clock):
    budget = budget_module.TimeBudget(101.0, 1.25, 1000.0)
    phases = {"train": 2.0, "validate": 0.5, "measure": 0.2, "save": 0.1, "build": 0.2}
    outcome = jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=3.0, phases=phases)
    assert budget.final_seconds(outcome) == pytest.approx(0.2 + 1.25 * 0.25 * 2.0)


def test_weights_that_are_only_fitted_are_fitted_again(clock):
    budget = budget_module.TimeBudget(101.0, 1.25, 1000.0)
    outcome = jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=2.0, report={"fitted": [{}]})
    assert budget.final_seconds(outcome) == pytest.approx(1.25 * 2.0)
    outcome.report = {"fitted": [{"refit_share": 0.2}]}
    assert budget.final_seconds(outcome) == pytest.approx(1.25 * 2.0 * 0.2)


def test_the_rest_of_a_full_training_takes_as_long_for_each_epoch_as_the_epochs_so_far(clock):
    budget = budget_module.TimeBudget(60.0, 0.0, 1000.0)
    phases = {"build": 1.0, "compile": 2.0, "train": 6.0, "validate": 0.4}
    outcome = jobs.Outcome(status="completed", epochs=3, initial_epoch=1, seconds=9.4, phases=phases)
    assert budget.full_seconds(outcome, 10) == pytest.approx(7 * 3.2)
    assert budget.full_seconds(outcome, 2) == 0.0
    outcome.report = {"fitted": [{}], "is_trained": True}
    assert budget.full_seconds(outcome, 10) == pytest.approx(7 * 3.2)
    outcome.report = {"fitted": [{}], "is_trained": False}
    assert budget.full_seconds(outcome, 10) == 0.0


def test_the_first_trial_is_short(clock):
    assert budget_module.TimeBudget(100.0, 0.0, 1000.0).trial_seconds(None, first=True) == pytest.approx(15.0)


def test_time_that_has_passed_is_gone(clock):
    budget = budget_module.TimeBudget(60.0, 0.0, 1000.0)
    before = budget.remaining()
    clock.now += 10
    assert budget.remaining() == pytest.approx(before - 10)


def test_stages_of_a_one_shot_search_end_at_their_share_of_the_limit(clock):
    budget = budget_module.TimeBudget(100.0, 1.0, 1000.0)
    clock.now += 20
    assert budget.stage_seconds("supernet") == pytest.approx(30.0)
    assert budget.stage_seconds("one_shot") == pytest.approx(40.0)
    clock.now += 40
    assert budget.stage_seconds("supernet") == pytest.approx(-10.0)
    assert budget_module.TimeBudget(None, 1.0, 1000.0).stage_seconds("supernet") is None


def test_final_fits_share_the_time_that_is_left(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    short, long = (
        jobs.Outcome(status="completed", epochs=10, best_epoch=10, seconds=seconds) for seconds in (40.0, 120.0)
    )
    clock.now += 20
    assert budget.final_length([short, long]) == budget_module.FinalLength(0.5, clock.now + 20.0)
    assert budget.final_length([short]) == budget_module.FinalLength(0.75, clock.now + 80.0)
    clock.now += 70
    assert budget.final_length([short, long]) == budget_module.FinalLength(0.25, clock.now + 2.5)


def test_weights_that_are_only_fitted_are_fitted_in_all_of_the_time_however_many_follow(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    fitted = jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=60.0, report={"fitted": [{}]})
    trained = jobs.Outcome(status="completed", epochs=10, best_epoch=10, seconds=120.0)
    clock.now += 20
    assert budget.final_length([fitted, fitted, trained]).deadline == clock.now + 80.0


def test_weights_that_did_not_have_the_time_of_a_full_fit_leave_the_others_theirs(clock):
    budget = budget_module.TimeBudget(101.0, 1.0, 1000.0)
    whole, part = (
        jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=20.0, report={"fitted": [choices]})
        for choices in ({}, {"time_share": 0.5})
    )
    clock.now += 20
    assert budget.final_length([part, whole]).deadline == clock.now + 60.0
    assert budget.final_length([part, whole, whole, whole, whole]).deadline == clock.now + 20.0


@pytest.mark.parametrize(("time_share", "reserved"), [(1.0, 10 * 1.15), (0.5, 20 * 1.15), (0.1, 40.0)])
def test_time_is_reserved_for_a_fuller_fit_of_the_best_weights_up_to_two_fifths_of_the_limit(
    clock, time_share, reserved
):
    budget = budget_module.TimeBudget(100.0, 1.0, 1000.0)
    best = jobs.Outcome(
        status="completed", epochs=1, best_epoch=1, seconds=10.0, report={"fitted": [{"time_share": time_share}]}
    )
    clock.now += 40
    assert budget.trial_seconds(best, first=False) == pytest.approx(min(59.0 - reserved, 59.0 / 1.25))


def test_an_ensemble_takes_seconds_of_its_own_at_the_end(clock):
    alone = budget_module.TimeBudget(60.0, 0.0, 1000.0)
    together = budget_module.TimeBudget(60.0, 0.0, 1000.0, closing=budget_module.SELECTING_ENSEMBLE)
    assert alone.remaining() == 59.0 and together.remaining() == 57.5
    assert budget_module.TimeBudget(12.0, 0.0, 1000.0, closing=budget_module.SELECTING_ENSEMBLE).remaining() == 11.0


def test_time_is_left_for_the_final_fits_of_an_ensembles_members(clock):
    budget = budget_module.TimeBudget(101.0, 1.25, 1000.0)
    members = [jobs.Outcome(status="completed", epochs=1, best_epoch=1, seconds=16.0) for _ in range(5)]
    clock.now += 60
    assert budget.trial_seconds(members[0], False, members=members[:1]) == pytest.approx(40 / 1.3125)
    assert budget.trial_seconds(members[0], False, members=members) == pytest.approx(40 - 25)
    assert budget.trial_seconds(members[0], False, members=members * 5) == pytest.approx(40 - 30.3)


def test_time_is_left_for_building_the_networks_of_an_ensembles_members(clock):
    phases, left_out = {"build": 1.0}, {"fitted": [1], "leaves_one_out": True}
    trained = jobs.Outcome(status="completed", epochs=1, best_epoch=1, phases=phases)
    fitted = jobs.Outcome(status="completed", epochs=1, best_epoch=1, phases=phases, report=left_out)
    clock.now += 60
    one = budget_module.TimeBudget(101.0, 0.0, 1000.0)
    assert one.trial_seconds(trained, False, members=[trained]) == pytest.approx(40)
    assert one.trial_seconds(trained, False, members=[trained, fitted]) == pytest.approx(40 - 2)
    folds = budget_module.TimeBudget(101.0, 0.0, 1000.0, n_networks=5)
    assert folds.trial_seconds(trained, False, members=[trained]) == pytest.approx(40 - 5)
    assert folds.trial_seconds(trained, False, members=[trained, fitted]) == pytest.approx(40 - 6)


def test_the_deadline_of_a_final_fit_bounds_its_epochs(clock):
    outcome = jobs.Outcome(status="completed", epochs=5, initial_epoch=1, phases={"train": 8.0, "compile": 3.0})
    assert budget_module.FinalLength(0.5, clock.now + 20.0).possible_epochs(outcome) == pytest.approx(10.0)
    assert budget_module.FinalLength(0.5, clock.now - 1.0).possible_epochs(outcome) == 0.0
    assert budget_module.FinalLength(0.5).possible_epochs(outcome) == float("inf")
