"""Charts of the report that can be hovered over and zoomed, in a browser without a network."""

import shutil
import sys

import pytest

from autonas.reporting import SearchInfo, TrialRecord, interactive, leaderboard
from autonas.reporting import report as reports
from autonas.reporting.leaderboard import pareto_front

SCORES = [0.8, 0.9, 0.85, 0.95, 0.7, 0.93]
SPACE = [
    {"name": "network/kind", "type": "Choice", "values": ["wide", "<b>deep"]},
    {"name": "network/units", "type": "Int", "min": 8, "max": 64},
]
OBJECTIVES = [("val_accuracy", "max"), ("params", "min")]


@pytest.fixture
def search():
    return SearchInfo("val_accuracy", "max", title="letters", space=SPACE, limits={"params": 700})


@pytest.fixture
def records():
    completed = [
        TrialRecord(
            f"000{number}", number, score=score, status="completed", epochs=2, best_epoch=2, seconds=1.0,
            started=float(number), values={"network/kind": SPACE[0]["values"][number % 2], "network/units": 8 + number},
            history=[{"val_accuracy": score - 0.1}, {"val_accuracy": score}],
            metrics={"val_accuracy": score, "params": 100.0 * number},
        )
        for number, score in enumerate(SCORES)
    ]  # fmt: skip
    return [*completed, TrialRecord("0006", 6, status="failed", message="<script>out of memory", started=6.0)]


def traces(figure):
    return {trace["name"]: trace for trace in figure["data"]}


def test_a_point_of_the_history_says_which_trial_it_is(search, records):
    history = traces(interactive.plot_history(search, records))
    assert history["trial"]["y"] == SCORES
    assert history["trial"]["text"][3] == "trial 3, val_accuracy 0.95<br>1.0 s<br>&lt;b&gt;deep<br>units 11"
    assert history["best so far"]["y"] == [0.8, 0.9, 0.95, 0.95] and history["best so far"]["x"] == [0, 1, 3, 6]
    assert history["failed (1)"]["x"] == [6] and "&lt;script&gt;out of memory" in history["failed (1)"]["text"][0]
    over_time = traces(interactive.plot_history(search, records, "seconds"))
    assert over_time["trial"]["x"] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_a_learning_curve_has_an_epoch_a_point_and_the_best_is_drawn_last(search, records):
    curves = interactive.plot_curves(search, records)["data"]
    assert [curve["name"] for curve in curves][-1] == "trial 3" and len(curves) == len(SCORES)
    assert curves[-1]["x"] == [1, 2] and curves[-1]["y"] == pytest.approx([0.85, 0.95])


def test_a_learning_curve_of_one_epoch_is_a_point(search):
    record = TrialRecord("0000", 0, score=0.8, status="completed", history=[{"val_accuracy": 0.8}])
    figure = interactive.plot_curves(search, [record])
    assert [(curve["mode"], curve["y"]) for curve in figure["data"]] == [("markers", [0.8])]


def test_the_history_has_the_baselines_and_whole_trials(search, records):
    baselines = [
        TrialRecord(name, -2, stage="baseline", status="completed", score=score)
        for name, score in (("constant", 0.1), ("linear", 0.65))
    ]
    figure = interactive.plot_history(search, [*records, *baselines])
    history = traces(figure)
    assert history["linear, 0.65"]["y"] == [0.65, 0.65] and "visible" not in history["linear, 0.65"]
    assert history["constant, 0.1 (outside)"]["visible"] == "legendonly"
    assert figure["layout"]["xaxis"]["range"] == [-0.5, 6.5] and figure["layout"]["xaxis"]["dtick"] == 1


def test_a_line_goes_through_the_values_of_a_trial_to_its_score(search, records):
    figure = interactive.plot_parallel(search, records)
    assert figure["layout"]["xaxis"]["ticktext"] == ["kind", "units", "val_accuracy"]
    assert [note["text"] for note in figure["layout"]["annotations"]][:2] == ["wide", "&lt;b&gt;deep"]
    best = traces(figure)["trial 3"]
    assert best["y"] == pytest.approx([1.0, 0.6, 1.0]) and best["text"][1].startswith("network/units: 11<br>trial 3")


def test_the_pareto_picture_has_limits_and_ids(search, records):
    board = leaderboard(records, "val_accuracy", "max")
    front = pareto_front(board, OBJECTIVES)
    figure = interactive.plot_pareto(board, front, OBJECTIVES, search.limits)
    assert traces(figure)["Pareto front"]["text"][-1] == "trial 0003<br>val_accuracy 0.95<br>params 300"
    assert [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"]] == [(700, 700)]


def test_without_plotly_the_extra_is_named(search, records, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(ImportError, match="needs Plotly, which isn't installed: pip install 'autonas.interactive.'"):
        reports.report(search, records, "max_trials", is_interactive=True)


@pytest.fixture
def written(search, records, tmp_path):
    pytest.importorskip("plotly")
    board = leaderboard(records, "val_accuracy", "max")
    explanation = reports.Explanation(board)
    page = reports.report(
        search, records, "max_trials", explanation=explanation, front=pareto_front(board, OBJECTIVES),
        objectives=OBJECTIVES, is_interactive=True,
    )  # fmt: skip
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    return tmp_path / "report.html"


def test_the_page_is_small_and_loads_nothing(written):
    page = written.read_text(encoding="utf-8")
    assert len(page) < 3_000_000
    assert "default-src 'none'" in page and "<script>out of memory" not in page


def _wait_for(page, condition):
    """Wait until an expression is true. The policy of the page forbids `wait_for_function`, which calls `eval`."""
    while not page.evaluate(condition):
        page.wait_for_timeout(50)


def test_charts_are_drawn_zoomed_and_explained_in_a_browser(written, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("No Chromium is installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
        page = context.new_page()
        page.set_default_timeout(120_000)
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(written.as_uri())
        _wait_for(page, "document.querySelectorAll('.chart .main-svg').length >= 5")
        chart = page.locator(".chart").first
        assert chart.locator(".points path").count() == len(SCORES) + 1
        chart.scroll_into_view_if_needed()
        points = chart.locator(".points").first.locator("path")
        points.nth(3).hover(force=True)
        chart.locator(".hoverlayer", has_text="trial 3, val_accuracy 0.95").wait_for()
        before = page.evaluate("document.querySelector('.chart').layout.xaxis.range")
        box = chart.locator(".nsewdrag").first.bounding_box()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
        page.mouse.up()
        _wait_for(page, f"document.querySelector('.chart').layout.xaxis.range[0] > {before[0]}")
        page.screenshot(path=tmp_path / "report.png", full_page=True)
        browser.close()
    assert not errors
