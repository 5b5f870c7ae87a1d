"""Where time goes: seconds by phase add up, of a trial anywhere and of a search that is continued."""

import json
import os

import pytest
from sklearn.datasets import load_digits

from autonas.estimators import assembly
from autonas.evaluation import loops, phases
from autonas.reporting import SearchCallback
from tests.helpers.networks import of_networks

OPTIONS = {"max_trials": 3, "epochs": 2, "fidelity": "full", "seed": 0, "tensorboard": False, "verbose": 0}


@pytest.fixture
def clock(monkeypatch):
    """A list whose first number is the time."""
    now = [0.0]
    monkeypatch.setattr(phases.time, "perf_counter", lambda: now[0])
    return now


def test_each_second_belongs_to_the_innermost_phase(clock):
    measured = phases.Phases()
    clock[0] = 1.0
    with measured("train"):
        clock[0] = 3.0
        with measured("report"):
            clock[0] = 7.0
        clock[0] = 15.0
    clock[0] = 31.0
    assert measured.seconds == {"other": 1.0 + 16.0, "train": 2.0 + 8.0, "report": 4.0}


def test_the_phase_under_way_counts_so_far(clock):
    measured = phases.Phases({"train": 5.0})
    with measured("train"):
        clock[0] = 2.0
        assert measured.seconds == {"train": 7.0, "other": 0.0}
        clock[0] = 3.0
    assert measured.seconds == {"train": 8.0, "other": 0.0}


def test_a_phase_ends_with_an_error_and_may_come_again(clock):
    measured = phases.Phases()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), measured("build"):
            clock[0] += 1.0
            raise ValueError("no")
        clock[0] += 2.0
    assert measured.seconds == {"other": 4.0, "build": 2.0}


def test_only_the_first_call_of_a_kind_is_compiling(clock):
    loop = loops.TrainingLoop(None, None)
    with loop.phases("train"):
        for seconds in (10.0, 1.0, 1.0):
            with loop._first("train"):
                clock[0] += seconds
    with loop.phases("validate"), loop._first("predict"):
        clock[0] += 5.0
    assert loop.phases.seconds == {"other": 0.0, "train": 2.0, "compile": 15.0, "validate": 0.0}


# ---------------------------------------------------------------------- searches


def searched(directory, data, **arguments):
    """Search networks. Trees have nothing to compile."""
    return of_networks(directory=directory, **{**OPTIONS, **arguments}).fit(*data)


def ended(directory):
    """The journal's events of trials that have ended."""
    with open(os.path.join(directory, "journal.jsonl"), encoding="utf-8") as file:
        return [event for event in map(json.loads, file) if event["event"] == "ended"]


def check(record):
    """The phases of a trial that was trained add up to its seconds, and little of them is unexplained."""
    phases = record["phases"]
    assert sum(phases.values()) == pytest.approx(record["seconds"], rel=1e-6)
    assert {"build", "compile", "train", "validate"} <= set(phases)
    assert min(phases.values()) >= 0 and phases["compile"] > 0
    assert phases["other"] < 0.1 * record["seconds"] + 0.02


class Recording(SearchCallback):
    """Keeps what was told of the seconds of the search after each trial."""

    def __init__(self):
        self.told = {}

    def on_search_numbers(self, record, numbers):
        self.told[record.trial_id] = {name: of for name, of in numbers.items() if name.startswith("seconds/")}


def recorded(directory, data, **arguments):
    """A search, and what was told of its seconds."""
    reporter = Recording()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "_make_reporter", lambda request, directory: reporter)
        return searched(directory, data, **arguments), reporter.told


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    directory, digits = tmp_path_factory.mktemp("search") / "run", load_digits(return_X_y=True)
    return *recorded(directory, digits, constraints={"flops": 1e9}), directory, digits


def trials(model):
    return [record for record in model.records_ if record["stage"] != "baseline"]


def test_phases_of_each_trial_add_up(search):
    records = trials(search[0])
    assert [record["stage"] for record in records] == ["search"] * 3 + ["final"]
    for record in records[:3]:
        check(record)
        assert record["phases"]["measure"] > 0


def test_the_final_fit_has_phases_and_compiles_nothing_again(search):
    final = trials(search[0])[-1]
    assert sum(final["phases"].values()) == pytest.approx(final["seconds"], rel=1e-6)
    assert final["phases"]["train"] > 0 and "compile" not in final["phases"]


def test_the_seconds_of_the_search_are_told_after_each_trial(search):
    model, told, *_ = search
    records = trials(model)
    assert list(told) == [record["trial_id"] for record in records] == ["0000", "0001", "0002", "final"]
    for number, numbers in enumerate(told.values()):
        assert {f"seconds/{phase}" for phase in ("strategy", "report", "weights", "wait", "other")} <= set(numbers)
        trained = sum(record["seconds"] for record in records[: min(number + 1, 3)])
        # More than the trials took, for moving them, and how much more depends on what else the machine does.
        assert trained < numbers["seconds/wait"] < 2 * trained + 5
    assert records[3]["seconds"] < told["final"]["seconds/final"] < 2 * records[3]["seconds"] + 5


def test_a_search_that_is_continued_has_them_and_counts_on(search):
    model, told, directory, digits = search
    continued, further = recorded(directory, digits, constraints={"flops": 1e9}, max_trials=4)
    assert [record["phases"] for record in trials(continued)[:3]] == [each["phases"] for each in trials(model)[:3]]
    check(trials(continued)[3])
    added, trained = further["0003"]["seconds/wait"] - told["0002"]["seconds/wait"], trials(continued)[3]["seconds"]
    assert trained < added < 2 * trained + 5


def test_a_refused_trial_was_built_and_measured_only(iris, tmp_path):
    model = searched(tmp_path / "run", iris, constraints={"params": 1000}, max_trials=2, refit=False)
    refused = [record for record in model.records_ if record["status"] == "refused"]
    assert refused
    for record in refused:
        assert sum(record["phases"].values()) == pytest.approx(record["seconds"], rel=1e-6)
        assert {"build", "measure"} <= set(record["phases"]) and "train" not in record["phases"]


def test_phases_travel_from_worker_processes_and_stand_in_the_journal(iris, tmp_path):
    model = searched(tmp_path / "run", iris, executor="process", max_trials=2, refit=False)
    for record, event in zip(trials(model), ended(tmp_path / "run"), strict=True):
        check(record)
        assert event["phases"] == record["phases"]
        assert sum(event["search_phases"].values()) > 0
