"""What TensorBoard answers of the log of a search, against the leaderboard of that search."""

import math

import numpy as np
import pandas
import pytest
from pytest import approx

from tests.helpers import tensorboard_server

STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tensorboard_server.search_with_failures(str(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def server(model):
    with tensorboard_server.serving(f"{model.directory_}/tensorboard") as server:
        yield server


@pytest.fixture(scope="module")
def experiment(server):
    return server.hparams("experiment", hparamsLimit=1000)


@pytest.fixture(scope="module")
def rows(server):
    """The rows of the HParams page by their names."""
    found = server.hparams("session_groups", allowedStatuses=STATUSES, colParams=[], startIndex=0, sliceSize=100)
    return {row["name"]: row for row in found["sessionGroups"]}


@pytest.fixture(scope="module")
def trials(model):
    """The leaderboard without the final fit, by the names of rows."""
    board = model.leaderboard()
    board = board[board.stage == "search"]
    digits = len(str(board["rank"].max()))
    names = [
        f"trial {int(row.trial_id):02d} {row.status}"
        if pandas.isna(row["rank"])
        else f"#{row['rank']:0{digits}} {row.score:#.3g} ({int(row.trial_id)})"
        for _, row in board.iterrows()
    ]
    return board.set_index(pandas.Index(names, name="row"))


def final_row(trials):
    return f"final fit of trial {int(trials.trial_id.iloc[0])}"


def results(row):
    return {metric["name"]["tag"].removeprefix("result/"): metric["value"] for metric in row["metricValues"]}


def test_the_search_has_all_that_can_become_of_a_trial(trials):
    assert set(trials.status) == {"completed", "failed", "refused"}
    assert trials["brittle/kind_two/slope"].isna().any() and trials["brittle/kind_one/units"].isna().any()


def test_each_trial_has_a_row_with_what_became_of_it(rows, trials):
    assert set(rows) == {*trials.index, final_row(trials)}
    for name, trial in trials.iterrows():
        assert rows[name]["hparams"]["status"] == trial.status
        (session,) = rows[name]["sessions"]
        assert session["status"] == ("STATUS_SUCCESS" if trial.status == "completed" else "STATUS_FAILURE")
        assert session["endTimeSecs"] - session["startTimeSecs"] == approx(trial.seconds, abs=1e-3)


def test_rows_have_the_numbers_of_the_leaderboard(rows, trials):
    for name, trial in trials.iterrows():
        found = results(rows[name])
        assert found["seconds"] == approx(trial.seconds) and found["epochs"] == trial.epochs
        if trial.status == "completed":
            assert found["score"] == approx(trial.score) and found["val_loss"] == approx(trial.val_loss)
        if trial.status != "failed":
            assert found["parameters"] == trial.parameters and found["params"] == trial.params


def test_rows_have_the_decisions_of_the_leaderboard_and_say_which_were_inactive(rows, trials):
    for name, trial in trials.iterrows():
        values = rows[name]["hparams"]
        assert values["brittle/kind"] == trial["brittle/kind"]
        assert values["optimization/learning_rate"] == approx(trial["optimization/learning_rate"])
        slope, units, broken = (
            trial[f"brittle/{decision}"] for decision in ("kind_two/slope", "kind_one/units", "kind_two/broken")
        )
        assert values["brittle/kind_two/slope"] == approx(-0.03 if pandas.isna(slope) else slope)
        assert values["brittle/kind_one/units"].strip() == ("not used" if pandas.isna(units) else str(units))
        assert values["brittle/kind_two/broken"] == ("not used" if pandas.isna(broken) else str(broken).lower())


def test_trials_with_a_score_lack_no_number_so_that_parallel_coordinates_show_them(rows, experiment, trials):
    names = {column["name"] for column in experiment["hparamInfos"]}
    tags = {column["name"]["tag"] for column in experiment["metricInfos"]}
    assert {f"result/{name}" for name in ("score", "seconds", "parameters", "epochs", "val_loss", "params")} <= tags
    for name, trial in trials.iterrows():
        assert set(rows[name]["hparams"]) >= names
        if trial.status == "completed":
            assert {f"result/{key}" for key in results(rows[name])} == tags
            assert all(math.isfinite(value) for value in results(rows[name]).values())


def test_trials_without_a_score_have_no_number_in_its_column(rows, experiment, trials):
    (score,) = (column for column in experiment["metricInfos"] if column["name"]["tag"] == "result/score")
    assert score["displayName"] == "val_accuracy"
    for name, trial in trials.iterrows():
        if trial.status != "completed":
            assert not {"score", "val_loss"} & set(results(rows[name]))


def test_the_rows_come_the_best_first(server, trials):
    found = server.hparams("session_groups", allowedStatuses=STATUSES, colParams=[], startIndex=0, sliceSize=100)
    scores = [results(row).get("score") for row in found["sessionGroups"]]
    n_scored = trials.score.notna().sum()
    assert scores[:n_scored] == approx(sorted(trials.score.dropna(), reverse=True))
    assert scores[n_scored:] == [None] * (len(scores) - n_scored)


def test_the_final_fit_has_no_score_since_it_saw_all_rows(rows, trials):
    final = rows[final_row(trials)]
    assert final["hparams"]["status"] == "final fit" and set(results(final)) == {"seconds", "epochs", "parameters"}


def test_five_decisions_are_shown_by_default_and_the_status_is_not(experiment):
    shown = [column["displayName"] for column in experiment["hparamInfos"] if column.get("differs")]
    assert len(shown) == 5 and "status" not in shown
    assert [column["displayName"] for column in experiment["hparamInfos"]][:5] == shown


def test_columns_have_the_domains_of_the_decisions(experiment):
    columns = {column["name"]: column for column in experiment["hparamInfos"]}
    assert columns["brittle/kind"]["domainDiscrete"] == ["one", "two"]
    units = columns["brittle/kind_one/units"]["domainDiscrete"]
    assert [value.strip() for value in units] == ["16", "32", "256", "not used"]
    assert columns["brittle/kind_two/slope"]["domainInterval"] == {"minValue": 0, "maxValue": 0.3}
    assert columns["brittle/kind_two/broken"]["domainDiscrete"] == ["false", "not used", "true"]


def test_curves_of_the_search_are_those_of_the_leaderboard(server, trials):
    ordered = trials.sort_values("trial_id")
    numbers = ordered.trial_id.astype(int)
    scored = ordered.score.notna()
    scores = server.points("search", "score")
    assert [step for step, _ in scores] == list(numbers[scored])
    assert [value for _, value in scores] == approx(list(ordered.score[scored]))
    best = dict(server.points("search", "best_score"))
    assert best[numbers.iloc[-1]] == approx(trials.score.max())
    for status in ("failed", "refused"):
        counted = dict(server.points("search", f"failures/{status}"))
        assert counted == dict(zip(numbers, (ordered.status == status).cumsum(), strict=True))
    assert dict(server.points("search", "seconds")) == approx(dict(zip(numbers, ordered.seconds, strict=True)))


def test_where_the_time_went_adds_up_to_the_seconds_of_trials(server, model, trials):
    tags = [tag for tag in server.get("data/plugin/scalars/tags")["search"] if tag.startswith("trial_seconds/")]
    phases = {tag.removeprefix("trial_seconds/"): server.points("search", tag)[-1][1] for tag in tags}
    of_trials = [record["phases"] for record in model.records_ if record["stage"] == "search"]
    names = {phase for each in of_trials for phase in each}
    assert phases == approx({name: sum(each.get(name, 0.0) for each in of_trials) for name in names})
    assert sum(phases.values()) == approx(trials.seconds.sum(), rel=0.02)
    assert 0 < server.points("search", "log_seconds")[-1][1] < 0.05 * trials.seconds.sum()


def test_curves_of_trials_are_those_of_their_histories(server, model):
    for record in model.records_:
        if record["history"]:
            run = "final" if record["stage"] == "final" else f"trial_{record['trial_id']}"
            for tag in ("loss", "val_loss", "learning_rate"):
                expected = {epoch: each[tag] for epoch, each in enumerate(record["history"], 1) if tag in each}
                assert not expected or dict(server.points(run, tag)) == approx(expected)
            seconds = [value for _, value in server.points(run, "seconds_per_epoch")]
            assert len(seconds) == record["epochs"] and 0 < sum(seconds) < record["seconds"] + 0.1


def test_the_page_of_custom_scalars_opens_on_the_search(server):
    groups = {group["title"]: group["chart"] for group in server.get("data/plugin/custom_scalars/layout")["category"]}
    assert list(groups)[:3] == ["Search", "Cost", "Failures"]
    titles = [chart["title"] for chart in groups["Search"]]
    assert titles[0].startswith("Best val_accuracy so far (larger is better), baselines: constant ")
    assert "val_accuracy of each trial, and the best" in titles
    for chart in (chart for charts in groups.values() for chart in charts):
        for pattern in chart["multiline"]["tag"]:
            curves = []
            for run in ("search", "search_levels"):
                found = server.get("data/plugin/custom_scalars/scalars", run=run, tag=pattern)
                assert found["regex_valid"]
                curves += found["tag_to_events"]
            assert len(curves) == 1


def test_the_best_score_is_within_the_percentiles_that_charts_show(server, trials):
    groups = {group["title"]: group["chart"] for group in server.get("data/plugin/custom_scalars/layout")["category"]}
    for chart in groups["Search"]:
        tags = [pattern.removesuffix("$") for pattern in chart["multiline"]["tag"]]
        runs = ["search_levels" if tag.endswith("_level") else "search" for tag in tags]
        values = [value for run, tag in zip(runs, tags, strict=True) for _, value in server.points(run, tag)]
        # A baseline may be better.
        assert np.quantile(values, 0.95) > trials.score.max() - 1e-6


def test_texts_are_there_in_the_order_in_which_one_reads_them(server, trials):
    tags = sorted(server.get("data/plugin/text/tags")["search"])
    expected = ["1_summary", "2_leaderboard", "3_settings", "4_search_space", "5_environment"]
    assert [tag.removeprefix("search/") for tag in tags] == expected
    (summary,) = server.get("data/plugin/text/text", run="search", tag="search/1_summary")
    assert f"Trial {int(trials.trial_id.iloc[0])} is the best" in summary["text"]
    (board,) = server.get("data/plugin/text/text", run="search", tag="search/2_leaderboard")
    assert all(trial_id in board["text"] for trial_id in trials.trial_id)
    assert "this layer can't be built" in board["text"].replace("&#39;", "'")


def test_pictures_show_each_best_architecture_what_it_says_and_what_the_search_did(server, model, trials):
    found = server.get("data/plugin/images/tags")["search"]
    names = ["1_best_so_far", "2_predictions_classification_head_1", "3_importance", "4_scores", "5_seconds"]
    assert sorted(found) == [f"search/{name}" for name in names]
    steps = {}
    for tag in found:
        answers = server.get("data/plugin/images/images", run="search", tag=tag, sample=0)
        steps[tag] = [answer["step"] for answer in answers]
        for answer in answers:
            png = server.read(f"data/plugin/images/individualImage?{answer['query']}")
            assert png.startswith(b"\x89PNG") and len(png) < 150_000
            # TensorBoard shows pictures 350 pixels wide, and makes larger ones smaller without smoothing.
            assert 340 <= int.from_bytes(png[16:20], "big") <= 350
    ordered = trials.sort_values("trial_id")
    ordered = ordered[ordered.score.notna()]
    best = ordered[ordered.score > ordered.score.cummax().shift(fill_value=0)]
    assert steps["search/1_best_so_far"] == list(best.trial_id.astype(int))
