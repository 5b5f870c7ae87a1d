"""The code of README and of the pages of the site runs."""

import inspect
import pathlib
import re

import keras
import keras_tuner
import numpy as np
import pandas
import pytest
import sklearn.model_selection
import tensorflow as tf
from sklearn.datasets import load_digits, load_iris

import autonas
from autonas.estimators import plan

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

#: A block of code with the comment before it, which names the data of the block or says why the block isn't run.
BLOCK = re.compile(
    r"(?:<!-- (?P<comment>[^\n]*) -->\n)?```python(?: title=\"(?P<title>[^\n]*)\")?\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)

#: What the tests search for instead of the budgets that readers see.
BUDGETS = {
    "max_trials=None, time_limit=600": "max_trials=3",
    r"\bmax_trials=(?!(3|10)\b)\d+": "max_trials=1",
    r"\bmax_trials=(3|10)\b": "max_trials=2",
    r"\btime_limit=\d+": "max_trials=1, epochs=1",
    r"\bepochs=\d+": "epochs=1",
}


def sets(x, y):
    """Return rows for training, test and validation by the names of the pages."""
    return {
        **{"x_train": x[::3], "y_train": y[::3]},
        **{"x_test": x[1::3], "y_test": y[1::3], "x_val": x[2::3], "y_val": y[2::3]},
    }


def data():
    """Return the data sets by the names in comments; `None` for blocks without a name."""
    random = np.random.default_rng(0)
    digits = load_digits()
    irises = load_iris(as_frame=True)
    words = np.array(["good film", "bad film", "a good story", "a bad story"] * 30)
    images, rows = digits.images[:40], random.normal(size=(40, 4))
    passengers = pandas.DataFrame(
        {"sex": ["f", "m"] * 30, "age": np.arange(60.0), "fare": random.random(60), "alone": [True, False] * 30}
    )
    steps = np.arange(200)
    return {
        None: {
            **{"images": images, "rows": rows, "kinds": digits.target[:40] % 2, "prices": rows.sum(axis=1)},
            **{"weights": np.ones(50), "patients": np.arange(50) // 2, "sales": steps + 20 * np.sin(steps / 4)},
        },
        "irises": sets(irises.data, irises.target.to_numpy()),
        "images": sets(digits.images[:180], digits.target[:180]),
        "texts": sets(words, np.array([1, 0] * 60)),
        "table": sets(random.normal(size=(180, 5)), random.normal(size=180)),
        "passengers": {
            **{"train_df": passengers[:40], "test_df": passengers[40:], "y_train": np.array([0, 1] * 20)},
            "x_train": passengers[["age", "fare"]].to_numpy()[:40],
        },
        "folders": {},
        "several": {
            **{"image_data": images, "numerical_data": rows},
            **{"regression_target": rows.sum(axis=1), "classification_target": digits.target[:40] % 5},
        },
    }


def write_folders():
    """Write images and texts into a folder for each class, for pages that read data from disk."""
    for number in range(20):
        name, level, words = (("roses", 0, "a good film"), ("tulips", 200, "a bad story"))[number % 2]
        picture = pathlib.Path("flower_photos", name, f"{number}.png")
        text = pathlib.Path("reviews", ("train", "test")[number % 4 > 1], name, f"{number}.txt")
        for path in (picture, text):
            path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.save_img(picture, np.full((8, 8, 3), level + number), scale=False)
        text.write_text(f"{words} {number}", encoding="utf-8")


def blocks(page):
    return list(BLOCK.finditer(page.read_text(encoding="utf-8")))


# The pages on data and on AutoKeras search ten times.
@pytest.mark.filterwarnings("ignore:The ensemble is trial")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page, folder, monkeypatch):
    # Folds, which the few rows here would have, take several times as long.
    monkeypatch.setattr(plan, "_FEW_ROWS", {})
    names = {"autonas": autonas, "keras": keras, "keras_tuner": keras_tuner, "sklearn": sklearn, "np": np, "tf": tf}
    write_folders()
    names |= {"load_model": keras.models.load_model, "__name__": "page"}
    data_sets = data()
    names |= data_sets["irises"] | data_sets[None]
    for block in blocks(page):
        code, comment = block["code"], block["comment"] or ""
        for shown, small in BUDGETS.items():
            code = re.sub(shown, small, code)
        code = compile(code, f"<{page.name}, {block['code'][:60]!r}>", "exec")
        if comment.startswith("compiled only: ") or (block["title"] or "autonas") != "autonas":
            continue
        if comment.startswith("data: "):
            names |= data_sets[comment.removeprefix("data: ")]
        exec(code, names)


def test_the_tasks_of_autokeras_take_at_most_as_many_lines():
    lines = {"AutoKeras": [], "autonas": []}
    for block in blocks(ROOT / "docs" / "coming_from_autokeras.md"):
        lines[block["title"]].append(len(block["code"].split("\n")))
    assert len(lines["autonas"]) == len(lines["AutoKeras"]) > 10
    assert all(ours <= theirs for ours, theirs in zip(lines["autonas"], lines["AutoKeras"], strict=True))


@pytest.mark.parametrize("name", ["coming_from_autokeras", "coming_from_keras_tuner"])
def test_the_tables_of_other_libraries_name_what_exists_here(name):
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    codes = [
        code
        for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)
        for code in re.findall("`([^`]+)`", row.split("|")[2])
    ]
    callables = (autonas.AutoModel, autonas.AutoModel.fit, autonas.ImageBlock, autonas.AutoModel.report)
    arguments = {argument for function in callables for argument in inspect.signature(function).parameters}
    others = {"best_hyperparameters_", "dtype"}  # An attribute of an estimator, and one of a column.
    assert len(codes) > 10
    for code in codes:
        assert set(re.findall(r"(\w+)=", code)) <= arguments, code
        for called in re.findall(r"^(\w+)(?=\(|$)", code):
            assert hasattr(autonas, called) or hasattr(autonas.AutoModel, called) or called in arguments | others, code


def test_the_scripts_of_the_users_exist():
    scripts = re.findall(r"`((?:tests|tutorials)/[^`*]+\.\w+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(scripts) > 20
    assert [script for script in scripts if not (ROOT / script).is_file()] == []


def test_the_site_lists_every_tutorial():
    listed = re.findall(r"tutorials/(\w+)\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted([path.stem for path in (ROOT / "tutorials").glob("*.ipynb")] + ["index"])


def test_the_comparison_of_the_readme_is_part_of_that_of_the_site():
    tables = [
        re.findall(r"^\| .*\|$", path.read_text(encoding="utf-8"), re.MULTILINE)
        for path in (ROOT / "README.md", ROOT / "docs" / "comparison.md")
    ]
    assert len(tables[0]) > 5 and set(tables[0]) <= set(tables[1])
