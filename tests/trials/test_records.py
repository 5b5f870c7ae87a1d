"""The record of a trial survives JSON."""

import json

from autonas.reporting import TrialRecord


def test_round_trip_through_json():
    record = TrialRecord("0003", 3, values={"block": "dense", "units": 64}, score=0.5, history=[{"loss": 1.0}])
    assert TrialRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


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
