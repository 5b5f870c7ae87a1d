"""What a person sees in TensorBoard of a search: rendered by Chromium, with a screenshot of each page.

`AUTONAS_SCREENSHOTS` names a folder for the screenshots, which are else in pytest's temporary folder.
"""

# About half a minute in all, since it takes a search, a TensorBoard and a browser, one of each for all tests; most of
# it is the first test's.

import itertools
import os
import pathlib
import re
import shutil

import pytest

from autonas.reporting.tensorboard import invitation
from tests.helpers import tensorboard_server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("No Chromium is installed: apt-get install chromium", allow_module_level=True)

from playwright.sync_api import expect, sync_playwright  # noqa: E402

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Milliseconds in which a page must show what it has; the server reads the log and computes Markdown meanwhile.
PATIENCE = 120_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tensorboard_server.search_with_failures(str(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def trials(model):
    board = model.leaderboard()
    return board[board.stage == "search"].sort_values("trial_id")


@pytest.fixture(scope="module")
def open_page(model):
    """Function of what follows the `#` in the address; the page that TensorBoard shows there."""
    with tensorboard_server.serving(f"{model.directory_}/tensorboard") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1300})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)

        def open_page(fragment):
            page.goto("about:blank")
            page.goto(f"{server.url}/#{fragment}")
            return page

        yield open_page
        browser.close()


@pytest.fixture
def shoot(tmp_path_factory):
    """Function that saves what a page shows under a name."""
    folder = pathlib.Path(os.environ.get("AUTONAS_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"{name}.png", animations="disabled")


def cells(page):
    """Text of the shown cells of the table, row by row."""
    found = page.locator("vaadin-grid-cell-content").all_inner_texts()
    return [text.strip() for text in found]


def test_the_address_that_is_printed_shows_the_charts_of_the_search(model, open_page, shoot):
    _, address = invitation(f"{model.directory_}/tensorboard").splitlines()
    page = open_page(address.partition("#")[2])
    expect(page.get_by_text("Best val_accuracy so far (larger is better)")).to_be_visible()
    for title in ("val_accuracy of each trial", "Seconds of trials: ", "Refused trials so far"):
        expect(page.get_by_text(title)).to_be_visible()
    # Lines are drawn once their data is there.
    charts = page.locator("tf-custom-scalar-multi-line-chart-card")
    assert charts.count() >= 7
    expect(page.locator("tf-custom-scalar-multi-line-chart-card path.line").first).to_be_attached()
    page.wait_for_timeout(1000)
    shoot(page, "custom_scalars")
    for index in range(charts.count()):
        lines = (
            charts.nth(index)
            .locator("path.line")
            .evaluate_all("lines => lines.map(line => line.getAttribute('d') || '')")
        )
        assert any("L" in line for line in lines), f"chart {index} is empty"
    # The curve is as it is, not smoothed.
    assert page.locator("tf-smoothing-input input").first.input_value() == "0"


def test_the_table_has_a_row_for_each_trial_the_best_first_and_blank_cells_where_there_is_no_score(
    trials, open_page, shoot
):
    page = open_page("hparams")
    expect(page.locator("vaadin-grid-cell-content", has_text=re.compile("#0*1 ")).first).to_be_visible()
    page.wait_for_timeout(1000)
    shoot(page, "hparams_table")
    found = cells(page)
    starts = [index for index, text in enumerate(found) if text.startswith(("#", "trial ", "final fit of"))]
    # The name, whether curves are shown, 5 decisions, and the results: the score, its standard error, seconds and more.
    rows = {found[start]: found[start : start + 12] for start in starts}
    assert len(rows) == len(trials) + 1
    scored = trials[trials.score.notna()].sort_values("score", ascending=False)
    assert [float(row[7]) for row in list(rows.values())[: len(scored)]] == pytest.approx(list(scored.score), abs=1e-4)
    for trial in trials.itertuples():
        if trial.status != "completed":
            row = rows[f"trial {int(trial.trial_id):02d} {trial.status}"]
            assert row[7:9] == ["", ""] and float(row[9]) == pytest.approx(trial.seconds, rel=1e-3)


def test_parallel_coordinates_show_every_trial_with_a_score_and_their_heads_do_not_overlap(trials, open_page, shoot):
    page = open_page("hparams")
    page.get_by_text("PARALLEL COORDINATES VIEW").click()
    lines = page.locator("g.foreground path")
    expect(lines).to_have_count(int(trials.score.notna().sum()))
    page.wait_for_timeout(500)
    shoot(page, "hparams_parallel_coordinates")
    paths = lines.evaluate_all("lines => lines.map(line => line.getAttribute('d'))")
    assert not any("NaN" in path for path in paths)
    heads = page.locator("text.axis-title").evaluate_all(
        "heads => heads.map(head => head.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert len(heads) == 10
    assert all(left[1] < right[0] for left, right in itertools.pairwise(sorted(heads)))
    page.get_by_text("SCATTER PLOT MATRIX VIEW").click()
    circles = page.locator("tf-hparams-scatter-plot-matrix-plot circle")
    expect(circles.first).to_be_attached()
    page.wait_for_timeout(500)
    shoot(page, "hparams_scatter_plot")
    # 5 decisions and 5 results against each of 5 results: a trial with a score has all, the others what they have.
    assert circles.count() >= 50 * trials.score.notna().sum()


def test_texts_say_what_was_searched_and_what_came_of_it(trials, open_page, shoot):
    page = open_page("text")
    best = trials.loc[trials.score.idxmax()]
    expect(page.get_by_text(f"Trial {int(best.trial_id)} is the best: val_accuracy {best.score:.4g}")).to_be_visible()
    expect(page.locator("tf-text-loader td", has_text="this layer can't be built").first).to_be_visible()
    shoot(page, "text")


def test_pictures_show_the_best_architecture_and_what_the_search_did(open_page, shoot):
    page = open_page("images")
    images = page.locator("tf-image-loader img")
    expect(images).to_have_count(5)
    page.wait_for_function(
        "() => { const all = []; const walk = root => { for (const node of root.querySelectorAll('*')) {"
        "if (node.tagName === 'IMG') all.push(node); if (node.shadowRoot) walk(node.shadowRoot); } };"
        "walk(document); return all.length >= 5 && all.every(image => image.naturalWidth > 100); }"
    )
    shoot(page, "images")
    expect(page.get_by_text("search/1_best_so_far").first).to_be_visible()
