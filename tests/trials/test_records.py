"""The record of a trial survives JSON and the journal."""

import json

import pytest

from autonas.reporting import TrialRecord
from autonas.trials import job
from autonas.trials.records import Result
from autonas.trials.states import Stage, Status


def test_round_trip_through_json():
    record = TrialRecord("0003", 3, values={"block": "dense", "units": 64}, score=0.5, history=[{"loss": 1.0}])
    assert TrialRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_record_of_an_earlier_version_has_defaults_for_what_it_lacks():
    record = TrialRecord.from_json({"trial_id": "0003", "number": 3, "stage": "search", "status": "refused"})
    assert record.is_refused and record.is_candidate and record.margins == [] and record.precision is None


def test_json_holds_stage_and_status_as_plain_strings():
    config = TrialRecord("final", 3, Stage.FINAL, status=Status.COMPLETED).to_json()
    assert (type(config["stage"]), type(config["status"])) == (str, str)
    assert (config["stage"], config["status"]) == ("final", "completed")


def test_an_unknown_stage_or_status_is_refused():
    with pytest.raises(ValueError, match="'elsewhere' is not a valid Stage"):
        TrialRecord("0003", 3, "elsewhere")
    with pytest.raises(ValueError, match="'lost' is not a valid Status"):
        TrialRecord("0003", 3, status="lost")


def test_the_report_is_left_to_the_journal():
    record = TrialRecord("0003", 3, "supernet", report={"distribution": {"edge": {"identity": 1.0}}})
    assert "report" not in record.to_json() and TrialRecord.from_json(record.to_json()).report == {}


def test_to_json_does_not_share_state_with_the_record():
    record = TrialRecord("0003", 3, values={"units": 64})
    record.to_json()["values"]["units"] = 1
    assert record.values == {"units": 64}


def test_records_do_not_share_their_containers():
    first, second = TrialRecord("0", 0), TrialRecord("1", 1)
    first.metrics["loss"] = 1.0
    assert second.metrics == {}


def test_a_record_takes_the_outcome_of_its_evaluation():
    record = TrialRecord("0003", 3, values={"units": 64}, score=0.5, started=7.0)
    outcome = job.Outcome(status=Status.FAILED, epochs=2, costs={"params": 9.0}, message="out of memory", weights=[1])
    record.take(outcome)
    assert (record.status, record.epochs, record.costs) == ("failed", 2, {"params": 9.0})
    assert record.message == "out of memory"
    assert (record.trial_id, record.values, record.score, record.started) == ("0003", {"units": 64}, 0.5, 7.0)
    assert not hasattr(record, "weights")


def test_the_facts_of_a_record_restore_its_result():
    record = TrialRecord("0003", 3, status=Status.COMPLETED, epochs=2, costs={"params": 9.0}, margins=[0.5, None])
    record.precision, record.phases, record.forecast = "float32", {"train": 1.5}, [0.1, 0.2]
    facts = json.loads(json.dumps(record.facts()))
    restored = TrialRecord("0003", 3, started=record.started)
    restored.take(Result.from_facts(facts, status=Status.COMPLETED))
    assert restored == record and facts["started"] == record.started


def test_an_epoch_that_comes_again_replaces_those_from_it_on():
    record = TrialRecord("0003", 3)
    for epoch in (1, 2, 3, 2):
        record.add_epoch(epoch, {"loss": float(epoch)})
    assert record.history == [{"loss": 1.0}, {"loss": 2.0}] and record.epochs == 2
