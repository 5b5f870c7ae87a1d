"""Searches with the oldest versions of the requirements: every trial must be completed on every kind of data."""

import tempfile

import numpy as np
import pandas as pd
from sklearn import datasets

import autonas


def check(x, y=None, estimator=autonas.AutoModel, **arguments):
    """Search and predict; raise if a trial isn't completed."""
    with tempfile.TemporaryDirectory() as folder:
        model = estimator(epochs=1, verbose=0, directory=f"{folder}/run", **arguments).fit(x, y)
        model.predict(x[-50:])
        model.export(f"{folder}/model.keras")
        model.report(f"{folder}/report.html")
        status = set(model.leaderboard().status)
        if status != {"completed"}:
            raise SystemExit(f"Every trial of {estimator.__name__} must be completed. Received: {sorted(status)}")


if __name__ == "__main__":
    table, species = datasets.load_iris(return_X_y=True, as_frame=True)
    check(table, species, max_trials=4)
    words = [f"a {word} film, number {number}" for number in range(50) for word in ("good", "bad", "nice")]
    strings = {"place": ["Berlin", "Hamburg", None] * 50, "text": words}
    table = table.assign(**strings, day=pd.date_range("2020-01-01", periods=150).astype(str))
    check(table, species, max_trials=4)
    digits, numbers = datasets.load_digits(return_X_y=True)
    images = digits[:400].reshape(-1, 8, 8)
    check(images, numbers[:400], max_trials=3)
    check(["a good film", "a bad film", "nice", "an awful thing"] * 20, [1, 0, 1, 0] * 20, max_trials=3)
    check(digits[:100].reshape(-1, 64, 1), numbers[:100], autonas.TimeSeriesClassifier, max_trials=4)
    dates = pd.date_range("2020-01-01", periods=200)
    check(pd.Series(np.sin(np.arange(200) / 5), dates), estimator=autonas.TimeSeriesForecaster, horizon=5, max_trials=2)
