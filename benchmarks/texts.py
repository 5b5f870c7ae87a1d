"""AutoModel on texts, and scikit-learn's logistic regression on TF-IDF weights, tuned by cross-validation.

    python benchmarks/texts.py DATA_DIRECTORY --budget 60 --seeds 0 1 2

Both use one core. The table shows accuracy and log loss on the test rows, the mean over the seeds, the CPU seconds of
the fit, and of AutoModel the size of the saved model and the median milliseconds of a prediction of one text.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

SETS = ["trec6", "rt_polarity", "sms_spam", "brown_genres"]


def logistic_regression(name, data_directory, seed, budget):
    """Fit TF-IDF of words and word pairs with a logistic regression, and return its measurements."""
    from sklearn import feature_extraction, linear_model, model_selection, pipeline

    vectorizer = feature_extraction.text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    classifier = linear_model.LogisticRegression(max_iter=1000)
    search = model_selection.GridSearchCV(
        pipeline.make_pipeline(vectorizer, classifier),
        {"logisticregression__C": [1.0, 10.0, 100.0], "tfidfvectorizer__min_df": [1, 2]},
        scoring="neg_log_loss",
        cv=model_selection.StratifiedKFold(3, shuffle=True, random_state=seed),
    )
    return measured(search, common.load(name, data_directory))


def auto_model(name, data_directory, seed, budget):
    """Fit `AutoModel` within a number of seconds, and return its measurements."""
    import autonas

    dataset = common.load(name, data_directory)
    model = autonas.AutoModel(time_limit=budget, seed=seed, tensorboard=False, verbose=0)
    result = measured(model, dataset)
    seconds = []
    for text in dataset.x_test[:20]:
        start = time.perf_counter()
        model.predict([text])
        seconds.append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder:
        model.save(pathlib.Path(folder) / "model")
        size = sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return result | {"megabytes": size / 1e6, "milliseconds": 1e3 * float(np.median(seconds))}


def measured(estimator, dataset):
    """Fit an estimator; return accuracy, log loss and the CPU seconds of the fit."""
    from sklearn import metrics

    start = common.cpu_seconds()
    estimator.fit(dataset.x_train, dataset.y_train)
    seconds = common.cpu_seconds() - start
    probabilities = estimator.predict_proba(dataset.x_test)
    predicted = np.asarray(estimator.classes_)[probabilities.argmax(axis=1)]
    return {
        "accuracy": float(metrics.accuracy_score(dataset.y_test, predicted)),
        "log loss": float(metrics.log_loss(dataset.y_test, probabilities, labels=estimator.classes_)),
        "CPU seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_directory")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    rows = []
    for name in options.sets:
        for function in ("logistic_regression", "auto_model"):
            arguments = {"name": name, "data_directory": options.data_directory, "budget": options.budget}
            results = [
                common.in_fresh_process(__file__, function, arguments | {"seed": seed}) for seed in options.seeds
            ]
            failed = [result["error"] for result in results if "error" in result]
            means = {key: np.mean([result[key] for result in results]) for key in results[0]} if not failed else {}
            rows.append([name, function, *(f"{value:.4g}" for value in means.values()), *failed])
            print(common.table(rows[-1:], ["set", "model", *means] if means else ["set", "model", "error"]), flush=True)


if __name__ == "__main__":
    main()
