"""AutoModel on texts, and scikit-learn's logistic regression on TF-IDF weights, tuned by cross-validation.

    python benchmarks/texts.py DATA_DIRECTORY --budget 60 --seeds 0 1 2
    python benchmarks/texts.py DATA_DIRECTORY --sets long_texts --seeds 0 --models auto_model

Both use one core. The table shows accuracy and log loss on the test rows, the mean over the seeds, the CPU seconds and
the largest resident set of the fit, and of AutoModel the number of candidates, the size of the saved model and the
median milliseconds of a prediction of one text. `long_texts` are 10,000 training texts of 700 words, mixtures of the
sentences of `brown_genres`, three of ten of the genre that is to be predicted, with invented words.
"""

import argparse
import os
import pathlib
import re
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

SETS = ["trec6", "rt_polarity", "sms_spam", "brown_genres"]


def load(name, data_directory):
    """Load a data set by its name."""
    if name != "long_texts":
        return common.load(name, data_directory)
    return _long_texts(common.load("brown_genres", data_directory))


def _long_texts(brown, n_train=10_000, n_test=1_000, mean_words=700, most_words=2_500):
    """Return mixtures of the sentences of some texts as a data set."""
    generator = np.random.default_rng(0)
    sentences = {}
    for text, genre in zip(brown.x_train + brown.x_test, brown.y_train + brown.y_test, strict=True):
        sentences.setdefault(genre, []).extend(filter(None, re.split(r"(?<=[.!?]) ", text)))
    genres = sorted(sentences)
    every = [sentence for genre in genres for sentence in sentences[genre]]
    texts, labels = [], []
    for number in range(n_train + n_test):
        genre = genres[number % len(genres)]
        n_words = min(most_words, generator.lognormal(np.log(mean_words) - 0.125, 0.5))
        chosen = []
        while sum(map(len, chosen)) < n_words:
            pool = sentences[genre] if generator.random() < 0.3 else every
            chosen.append(pool[generator.integers(len(pool))].split())
            if generator.random() < 0.2:
                chosen[-1].append("".join(map(chr, generator.integers(97, 123, generator.integers(3, 10)))))
        texts.append(" ".join(word for sentence in chosen for word in sentence))
        labels.append(genre)
    return common.DataSet("text", "accuracy", texts[:n_train], labels[:n_train], texts[n_train:], labels[n_train:])


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
    return measured(search, load(name, data_directory))


def auto_model(name, data_directory, seed, budget):
    """Fit `AutoModel` within a number of seconds, and return its measurements."""
    import autonas

    dataset = load(name, data_directory)
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
    n_candidates = int((model.leaderboard().stage == "search").sum())
    return result | {
        "candidates": n_candidates,
        "megabytes": size / 1e6,
        "milliseconds": 1e3 * float(np.median(seconds)),
    }


def measured(estimator, dataset):
    """Fit an estimator; return accuracy, log loss and the CPU seconds of the fit."""
    from sklearn import metrics

    start = common.cpu_seconds()
    estimator.fit(dataset.x_train, dataset.y_train)
    seconds, peak = common.cpu_seconds() - start, common.peak_megabytes()
    probabilities = estimator.predict_proba(dataset.x_test)
    predicted = np.asarray(estimator.classes_)[probabilities.argmax(axis=1)]
    return {
        "accuracy": float(metrics.accuracy_score(dataset.y_test, predicted)),
        "log loss": float(metrics.log_loss(dataset.y_test, probabilities, labels=estimator.classes_)),
        "CPU seconds": seconds,
        "peak MB": peak,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_directory")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--models", nargs="+", default=["logistic_regression", "auto_model"])
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    rows = []
    for name in options.sets:
        for function in options.models:
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
