"""Tables with columns of free text, compared with two pipelines of scikit-learn in the same run.

    python benchmarks/text_columns.py Tweets.csv --target airline_sentiment --budget 30 --seeds 0 1 2 \
        --columns airline text retweet_count user_timezone

The pipelines are a linear model of the TF-IDF weights of the words, of indicators of the categories and of the numbers,
and boosted trees on 30 components of the TF-IDF weights, on the categories and on the numbers. Columns of strings are
texts if more than half of their strings are distinct. Two thirds of the rows, at most 6,000, train, and at most 4,000
others test. Numbers with more than 20 distinct values are predicted by regressions, whose score is R², and other
targets by classifications, whose score is the accuracy; the log loss is printed, too. Every measurement runs in a
process of its own on one core.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

_MOST_CLASSES, _TRAINING_ROWS, _TEST_ROWS = 20, 6000, 4000


def load(path, target, columns):
    """Return training rows, their targets, test rows, their targets, and whether the target is a number."""
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(path, encoding_errors="replace").dropna(subset=[target])
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    is_number = pd.api.types.is_numeric_dtype(frame[target]) and frame[target].nunique() > _MOST_CLASSES
    y = frame[target].to_numpy() if is_number else np.array(frame[target], dtype=str)
    x = frame[columns] if columns else frame.drop(columns=target)
    n_training = min(_TRAINING_ROWS, len(x) * 2 // 3)
    test = slice(n_training, n_training + _TEST_ROWS)
    return x[:n_training], y[:n_training], x[test], y[test], is_number


def scores_of(model, x, y, is_number):
    """Return the score of a fitted estimator on the test set, and the log loss of a classifier."""
    import numpy as np

    results = {"score": float(model.score(x, y))}
    if not is_number:
        probabilities = np.clip(model.predict_proba(x), 1e-7, 1)
        columns = {label: column for column, label in enumerate(model.classes_)}
        own = [row[columns[label]] if label in columns else 1e-7 for row, label in zip(probabilities, y, strict=True)]
        results["log loss"] = float(-np.log(own).mean())
    return results


def search(path, target, columns, budget, seed):
    """Measure autonas; return a dict."""
    import autonas

    x, y, others, truth, is_number = load(path, target, columns)
    estimator = autonas.StructuredDataRegressor if is_number else autonas.StructuredDataClassifier
    model = estimator(time_limit=budget, seed=seed, verbose=0, tensorboard=False).fit(x, y)
    return scores_of(model, others, truth, is_number)


def linear(path, target, columns, budget, seed):
    """Measure the linear model; return a dict. `budget` and `seed` aren't used."""
    from sklearn.linear_model import LogisticRegression, Ridge

    x, y, others, truth, is_number = load(path, target, columns)
    estimator = Ridge(3.0) if is_number else LogisticRegression(C=3.0, max_iter=1000)
    return scores_of(_pipeline(x, estimator, n_components=None).fit(x, y), others, truth, is_number)


def boosted(path, target, columns, budget, seed):
    """Measure boosted trees; return a dict. `budget` isn't used."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    x, y, others, truth, is_number = load(path, target, columns)
    estimator = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    return scores_of(_pipeline(x, estimator(random_state=seed), n_components=30).fit(x, y), others, truth, is_number)


def _pipeline(x, estimator, n_components):
    """Return a pipeline of encoded columns and an estimator.

    Args:
        x: The training rows.
        estimator: The unfitted estimator.
        n_components: Number of components of each text, or `None` for the TF-IDF weights of its words.
    """
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    is_dense = n_components is not None
    numbers = [name for name in x if pd.api.types.is_numeric_dtype(x[name])]
    texts = [name for name in x if name not in numbers and x[name].nunique() > 0.5 * x[name].count()]
    categories = [name for name in x if name not in numbers and name not in texts]
    encoders = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ("categories", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=not is_dense),
         categories),
    ]  # fmt: skip
    for name in texts:
        steps = [FunctionTransformer(_strings), TfidfVectorizer(sublinear_tf=True, min_df=2)]
        if is_dense:
            steps.append(TruncatedSVD(n_components, random_state=0))
        encoders.append((f"text {name}", make_pipeline(*steps), name))
    columns = ColumnTransformer(encoders, sparse_threshold=0.0 if is_dense else 1.0)
    return make_pipeline(columns, estimator)


def _strings(column):
    return column.fillna("").astype(str)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="CSV file")
    parser.add_argument("--target", required=True, help="name of the column that is predicted")
    parser.add_argument("--columns", nargs="+", help="names of the columns that are read, all others by default")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds of a search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    fixed = {name: getattr(arguments, name) for name in ("path", "target", "columns", "budget")}
    for function in (search, linear, boosted):
        mean = common.mean_over_seeds(__file__, function.__name__, fixed, arguments.seeds)
        print(function.__name__, *(f"{name} {value:.4f}" for name, value in mean.items()), sep="\t", flush=True)


if __name__ == "__main__":
    main()
