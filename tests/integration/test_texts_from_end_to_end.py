"""The script of a person with texts: from two lists to a file that another program runs."""

import json

import numpy as np
import onnxruntime

import autonas

SUBJECTS = ("film", "story", "play", "song", "book", "cast", "scene", "plot")
PRAISE, BLAME = ("moving", "brilliant", "warm", "clever", "lovely"), ("dull", "awful", "tedious", "clumsy", "flat")


def reviews(n_texts, seed):
    """Return sentences of praise and blame, and the label of each."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(["bad", "good"], n_texts)
    texts = []
    for label in labels:
        subject, other = generator.choice(SUBJECTS, 2, replace=False)
        word = generator.choice(PRAISE if label == "good" else BLAME)
        texts.append(f"The {subject} is as {word} as {generator.choice(['the', 'any', 'its'])} {other}.")
    return texts, labels


def test_from_two_lists_to_a_file_that_another_program_runs(folder):
    x_train, y_train = reviews(300, seed=0)
    x_test, y_test = reviews(100, seed=1)

    model = autonas.TextClassifier(max_trials=2, epochs=3, seed=0, verbose=0).fit(x_train, y_train)
    assert model.score(x_test, y_test) > 0.95
    assert model.predict(["A lovely song.", "What a dull book."]).tolist() == ["good", "bad"]
    assert model.leaderboard().query("stage == 'search'").status.tolist() == ["completed", "completed"]

    model.save("reviews")
    again = autonas.AutoModel.load("reviews")
    assert again.predict_proba(x_test).tolist() == model.predict_proba(x_test).tolist()
    model.report("report.html", x_test, y_test)
    assert "TextClassifier" in (folder / "report.html").read_text(encoding="utf-8")

    # Other run times take texts as the ids of a code book.
    export = model.export("reviews.onnx")
    assert export.difference < 1e-4
    with open(export.code_book, encoding="utf-8") as file:
        assert [codes["kind"] for codes in json.load(file).values()] == ["text"]
    assert onnxruntime.InferenceSession("reviews.onnx").get_outputs()[0].name == export.outputs[0]
