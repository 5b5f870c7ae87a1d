"""The summary of a search in words."""

import dataclasses

import pytest

from autonas.reporting import SearchInfo, TrialRecord
from autonas.reporting.importance import importances
from autonas.reporting.summary import sections, summary

SEARCH = SearchInfo(
    "val_accuracy", "max", title="AutoModel", goal="val_accuracy (max)",
    space=[{"name": "net/kind", "type": "Choice", "values": ["dense", "residual"]},
           {"name": "net/kind_residual/depth", "type": "Int", "min": 1, "max": 3}],
    blueprint=[{"name": "table", "kind": "Input", "inputs": []}, {"name": "net", "kind": "Own", "inputs": ["table"]}],
)  # fmt: skip


def trial(number, score=None, status="completed", message="", kind="dense", **fields):
    values = {"net/kind": kind, "optimization/batch_size": 32}
    if kind == "residual":
        values["net/kind_residual/depth"] = 2
    return TrialRecord(
        f"{number:04d}", number, values=values | fields.pop("values", {}), status=status, score=score, message=message,
        metrics={} if score is None else {"val_accuracy": score, "latency_ms": 1.5}, parameters=12345, epochs=4,
        best_epoch=3, seconds=2.0, **fields,
    )  # fmt: skip


TRIALS = [trial(0, 0.7), trial(1, 0.6), trial(2, 0.9, kind="residual"), trial(3, 0.8)]


def said(records, heading, search=SEARCH, stop_reason="max_trials"):
    return dict(sections(search, records, stop_reason, importances(records, search.space, search.direction)))[heading]


def test_what_won_is_said_in_words_with_its_costs():
    found = said(TRIALS, "Best trial")
    assert found[0] == "Trial 2 is the best: val_accuracy 0.9 (larger is better), in epoch 3 of 4."
    assert found[1] == "Size, costs and other metrics: 12,345 parameters, latency_ms 1.5."
    assert "net: kind residual, depth 2." in found and "training: batch size 32." in found


def test_it_is_compared_with_the_default_architecture_and_the_median():
    found = said(TRIALS, "Best trial")
    assert "The default architecture, trial 0, has 0.7: the best trial is better by 0.2." in found
    assert "The median of 4 trials is 0.75: the best trial is better by 0.15." in found
    found = said(TRIALS, "Best trial", dataclasses.replace(SEARCH, direction="min"))
    assert "The default architecture, trial 0, has 0.7: the best trial is better by 0.1." in found


def test_a_default_that_wins_is_said_to():
    found = said([trial(0, 0.95, kind="residual"), *TRIALS[1:2]], "Best trial")
    assert "The best trial is the default architecture, trial 0." in found


def test_what_was_trained_less_is_said_to_have_been():
    short = [trial(number, 0.1 * number, values={"tuner/epochs": 2, "net/a": number}) for number in range(9)]
    long = trial(9, 0.95, values={"tuner/epochs": 20, "net/a": 8})
    found = said([*short, long], "Best trial")
    assert "The default architecture, trial 0, has 0 after 2 epochs: the best trial is better by 0.95." in found
    assert "The median of 9 trials after 2 epochs is 0.4: the best trial is better by 0.55." in found


def test_the_winner_is_the_architecture_of_the_final_fit():
    final = dataclasses.replace(trial(4, 0.99), trial_id="final", stage="final", values=TRIALS[3].values | {"x": 1})
    others = [*TRIALS[:3], dataclasses.replace(TRIALS[3], values=final.values)]
    assert said([*others, final], "Best trial")[0].startswith("Trial 3 is the best")


def test_what_the_best_have_in_common():
    records = [trial(n, 0.5 + 0.01 * n, kind="residual" if n >= 9 else "dense") for n in range(12)]
    assert (
        said(records, "Important decisions")[-1]
        == "The best 3 trials have in common: kind residual (0% of the other trials)."
    )


def test_which_decisions_matter_is_said_or_that_it_is_not_known():
    assert said(TRIALS, "Important decisions")[0] == "Not enough distinct trials to rank the decisions."
    records = [trial(n, 0.9 if n % 3 else 0.5, kind="residual" if n % 3 else "dense") for n in range(30)]
    assert said(records, "Important decisions")[0] == "Importance for the score: kind 100%."
    assert said(records[:12], "Important decisions")[0].endswith("With 12 trials, this is only a hint.")


def test_what_it_cost_by_phase():
    records = [dataclasses.replace(each, phases={"train": 1.5, "compile": 0.4}) for each in TRIALS]
    assert said(records, "Cost") == [
        "4 trials, 16 epochs, 8.0 s (all workers together).",
        "trials: 8.0 s (train 6.0 s, compile 1.6 s, other 0.4 s).",
    ]


def test_failures_are_grouped_by_their_reason_whatever_its_numbers():
    records = [
        *TRIALS,
        trial(4, status="failed", message="out of memory: 12,000 bytes"),
        trial(5, status="failed", message="out of memory: 7 bytes"),
        trial(6, status="refused", message="params is 81,234, over the limit of 60,000"),
        trial(7, status="failed", message="the loss is NaN"),
    ]
    assert said(records, "Failures") == [
        "2 trials failed, for example: out of memory: 12,000 bytes",
        "1 trial failed: the loss is NaN",
        "1 trial refused: params is 81,234, over the limit of 60,000",
    ]
    assert said(TRIALS, "Failures") == ["No trial failed or was refused."]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("time_limit", "The time limit was reached."),
        ("interrupted", "The search was interrupted."),
        ("a new one", "a new one"),
    ],
)
def test_why_it_ended(reason, expected):
    assert said(TRIALS, "End of the search", stop_reason=reason) == [expected]


def test_a_search_without_a_winner_is_summed_up_too():
    assert said([trial(0, status="failed", message="no")], "Best trial") == ["No trial was completed."]
    assert "An error ended the search." in summary(SEARCH, [], "error", {})


def test_in_markdown_what_is_data_stays_data():
    text = summary(SEARCH, [trial(0, status="failed", message="<script>*x*</script> [a](b)")], "max_trials", {})
    assert "\n- 1 trial failed: \\<script\\>\\*x\\*\\</script\\> \\[a\\](b)\n" in text
    assert "## Failures\n" in text


def test_of_a_real_search(searched):
    search, records = searched._search()
    found = dict(sections(search, records, searched.stop_reason_, importances(records, search.space, search.direction)))
    number = int(searched.leaderboard().query("stage == 'search'").trial_id.iloc[0])
    assert found["Best trial"][0].startswith(f"Trial {number} is the best: val_loss {searched.best_score_:.4g}")
    counts = searched.leaderboard().status.value_counts()
    for line, status in zip(found["Failures"], ("failed", "refused"), strict=True):
        assert line.startswith(f"{counts[status]} trial") and f" {status}" in line
