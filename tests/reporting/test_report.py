"""The report of a search as one page, and what a notebook shows of an estimator."""

import dataclasses
import html.parser
import re

import numpy as np
import pytest
import sklearn
from sklearn.base import clone

import autonas
from autonas.reporting import HeadPredictions, SearchInfo, TrialRecord
from autonas.reporting import report as reports

HOSTILE = '<script>alert("$1 & $2")</script>'


class Reader(html.parser.HTMLParser):
    """What a page consists of: elements, their attributes, and the text of each heading and cell."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("img", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def within(self, tag):
        return [text for name, text in self.texts if name == tag]


@pytest.fixture(scope="module")
def page(searched, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    searched.report(path)
    return path.read_text(encoding="utf-8")


def test_all_of_the_search_is_on_the_page(page, searched):
    reader = Reader(page)
    headings = reader.within("h2") + reader.within("summary")
    n_failed, n_refused = (sum(searched.leaderboard().status == status) for status in ("failed", "refused"))
    assert n_failed and n_refused
    for heading in (
        "Summary", "Best architecture", "Scores over trials", "Learning curves",
        "Importance of decisions", "Decisions and score of each trial", "Time by phase", "Leaderboard",
        f"Failed and refused trials ({n_failed + n_refused})", "Settings", "Environment",
    ):  # fmt: skip
        assert heading in headings
    assert f"{searched.best_score_:.4g}" in reader.within("dd")
    cells = reader.within("td")
    assert all(trial_id in cells for trial_id in searched.leaderboard().trial_id)
    # In the leaderboard, and in the table of refused trials.
    assert sum("params is" in cell for cell in cells) == 2 * n_refused
    assert "network/kind" in cells and "wide, deep, broken" in cells


def test_the_page_is_self_contained_and_may_load_nothing(page):
    reader = Reader(page)
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in reader.all("img"))
    assert all(image["alt"] for image in reader.all("img")) and len(reader.all("img")) >= 7
    assert not reader.all("link") and not any("src" in script for script in reader.all("script"))
    assert "default-src 'none'" in reader.all("meta")[1]["content"]
    assert not re.search(r"(src|href)=\"http", page) and "@import" not in page
    assert len(page) < 600_000


def test_what_is_data_is_shown_as_it_is_written_and_does_nothing(page):
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert len(Reader(page).all("script")) == 1


def test_hostile_names_values_and_classes_stay_harmless(searched):
    search, records = searched._search()
    search = dataclasses.replace(
        search, title=HOSTILE, goal=HOSTILE, settings={HOSTILE: HOSTILE}, environment={"x": HOSTILE},
        blueprint=[{"name": HOSTILE, "kind": HOSTILE, "inputs": []}],
    )  # fmt: skip
    records = [dataclasses.replace(each, message=HOSTILE, values={**each.values, HOSTILE: HOSTILE}) for each in records]
    predictions = HeadPredictions(HOSTILE, "binary", np.array([0, 1]), np.eye(2), [HOSTILE, "葡萄"])
    written = reports.report(search, records, HOSTILE, predictions=[predictions])
    assert "<script>alert" not in written and len(Reader(written).all("script")) == 1
    shown = reports.representation(HOSTILE, search, records, HOSTILE, HOSTILE)
    assert "<script" not in shown


def test_predictions_of_the_winner_are_there_if_they_are_known(searched):
    search, records = searched._search()
    number = HeadPredictions("price", "regression", np.ones((3, 1)), np.zeros((3, 1)), [])
    kind = HeadPredictions("kind", "multiclass", np.array([0, 1, 2]), np.eye(3), ["a", "b", "c"])
    headings = Reader(reports.report(search, records, "max_trials", predictions=[number, kind])).within("h2")
    assert {"Predictions on the validation set: price", "Predictions on the validation set: kind"} <= set(headings)
    headings = Reader(reports.report(search, records, "max_trials")).within("h2")
    assert not any("Predictions" in heading for heading in headings)
    written = reports.report(search, records, "max_trials", predictions=[])
    assert (
        "Predictions on the validation set" in Reader(written).within("h2") and "No predictions were stored." in written
    )


def test_ranks_are_there_if_weights_were_shared(searched):
    search, records = searched._search()
    finalists = [[record.values, -record.score] for record in records if record.score is not None]
    stage = TrialRecord("0900", 900, "one_shot", status="completed", report={"finalists": finalists, "n_scored": 9})
    headings = Reader(reports.report(search, [*records, stage], "max_trials")).within("h2")
    assert "One-shot scores and scores of trained models" in headings


def test_a_search_whose_trials_all_failed_has_a_report_too(searched):
    search, records = searched._search()
    lost = [record for record in records if record.status == "failed"]
    written = Reader(reports.report(search, lost, "failures"))
    assert "No trial was completed." in written.within("li")


# ---------------------------------------------------------------------- what an estimator shows


def test_a_loaded_estimator_shows_the_same(searched, page, tmp_path):
    searched.save(tmp_path / "saved")
    loaded = autonas.AutoModel.load(tmp_path / "saved")
    loaded.report(tmp_path / "again.html")
    again = Reader((tmp_path / "again.html").read_text(encoding="utf-8"))
    # A graph of blocks isn't kept in a file, nor is a front; all that was found is.
    assert again.within("td") == Reader(page).within("td") and again.within("li") == Reader(page).within("li")
    texts = [text.get_text() for text in loaded.plot_architecture().texts]
    assert texts == [text.get_text() for text in searched.plot_architecture().texts]


def test_plots_are_of_the_search(searched):
    board = searched.leaderboard()
    best = board[board.stage == "search"].iloc[0]
    assert searched.plot_architecture().texts[0].get_text().startswith(f"trial {int(best.trial_id)}, val_loss")
    assert searched.plot_architecture("0003").texts[0].get_text().startswith("trial 3, val_loss")
    with pytest.raises(ValueError, match="must be one of the leaderboard's, such as 0000.*Received: trial_id='nine'"):
        searched.plot_architecture("nine")
    assert searched.plot_history().get_xlabel() == "trial"
    assert searched.plot_history(over="seconds").get_xlabel() == "seconds since the first trial began"
    assert searched.plot_curves().get_ylabel() == "val_loss"
    assert searched.plot_importance() is not searched.plot_parallel()
    for method in ("leaderboard", "plot_history", "plot_parallel", "plot_importance", "plot_architecture"):
        with pytest.raises(sklearn.exceptions.NotFittedError):
            getattr(autonas.AutoModel(), method)()


def test_a_notebook_shows_an_unfitted_estimator_as_scikit_learn_does():
    model = autonas.AutoModel(time_limit=60)
    bundle = model._repr_mimebundle_()
    assert bundle["text/plain"] == "AutoModel(time_limit=60)" and "time_limit" in bundle["text/html"]
    assert "time_limit" in model._repr_html_()


def test_a_notebook_shows_what_a_fitted_estimator_has_found(searched):
    bundle = searched._repr_mimebundle_()
    assert bundle["text/plain"] == repr(searched) and searched._repr_html_() == bundle["text/html"]
    reader = Reader(bundle["text/html"])
    said = f"multiclass · val_loss {searched.best_score_:.4g} · 16 trials · ended by max trials"
    assert said in reader.within("span")
    assert len(reader.all("tr")) == 1 + 5 + 2 and len(reader.all("img")) == 1
    assert "the default architecture" in reader.within("td")
    assert not reader.all("script")


def test_a_notebook_compares_with_the_first_candidate_of_a_search_with_shared_weights():
    history = [{"val_loss": 1.0}]
    records = [
        TrialRecord("0000", 0, "supernet", status="completed", history=history),
        TrialRecord("0001", 1, values={"net/units": 8}, status="completed", score=0.5, history=history),
        TrialRecord("0002", 2, values={"net/units": 16}, status="completed", score=0.4, history=history),
    ]
    cells = Reader(reports.representation("AutoModel", SearchInfo("val_loss", "min"), records, "max_trials", "binary"))
    assert [cell for cell in cells.within("td") if "units" in cell] == ["units 16"]
    assert cells.within("td").count("the default architecture") == 1


def test_the_setting_of_scikit_learn_is_kept_to(searched):
    with sklearn.config_context(display="text"):
        assert list(searched._repr_mimebundle_()) == ["text/plain"]
        assert not hasattr(searched, "_repr_html_")


def test_a_clone_has_the_arguments_and_shows_itself_unfitted(searched):
    copy = clone(searched)
    assert copy.max_trials == 16 and not hasattr(copy, "search_")
    assert "ended by" not in copy._repr_html_()
