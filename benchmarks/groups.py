"""Measure predictions for new groups, such as patients, if few rows are compared by folds of groups or by one split.

    python benchmarks/groups.py [--seconds 12] [--seeds 6]

Each of 8 to 60 groups has an offset of its features and an effect on the target; there are 300 to 400 training rows. A
line shows the root of the mean squared error relative to the deviation, or the log loss, of 2,000 rows of 200 new
groups, with `validation_folds=None` and `validation_folds=5`. The last line of a task is the mean over the seeds.
"""

import argparse

import numpy as np
from sklearn.metrics import log_loss, root_mean_squared_error

import autonas

#: Number of training groups, and of rows of each of them, one pair after another.
SIZES = [(8, 40), (12, 30), (20, 15), (30, 10), (40, 10), (60, 6)]
N_NEW, N_FEATURES = 200, 6


def table(seed, is_classification):
    """Return features, targets and groups of the training rows, and features and targets of rows of new groups."""
    generator = np.random.default_rng(seed)
    directions = generator.normal(size=(N_FEATURES, 3))

    def rows(n_groups, n_rows):
        offsets, effects = generator.normal(size=(n_groups, N_FEATURES)), 0.35 * generator.normal(size=n_groups)
        groups = np.repeat(np.arange(n_groups), n_rows)
        x = offsets[groups] + 0.7 * generator.normal(size=(len(groups), N_FEATURES))
        first, second, third = (x @ directions).T
        values = np.tanh(first) + 0.5 * np.sin(second) + 0.15 * (x[:, 0] > 0) * third
        values += effects[groups] + 0.3 * generator.normal(size=len(groups))
        return x, (values > 0).astype(int) if is_classification else values, groups

    return *rows(*SIZES[seed % len(SIZES)]), *rows(N_NEW, 10)[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seeds", type=int, default=6)
    arguments = parser.parse_args()
    for is_classification in (False, True):
        losses = []
        for seed in range(arguments.seeds):
            x, y, groups, new_x, new_y = table(seed, is_classification)
            losses.append([])
            for folds in (None, 5):
                family = autonas.StructuredDataClassifier if is_classification else autonas.StructuredDataRegressor
                options = {"time_limit": arguments.seconds, "seed": seed, "verbose": 0, "tensorboard": False}
                model = family(validation_folds=folds, **options).fit(x, y, groups=groups)
                if is_classification:
                    loss = log_loss(new_y, model.predict_proba(new_x))
                else:
                    loss = root_mean_squared_error(new_y, model.predict(new_x)) / new_y.std()
                losses[-1].append(loss)
            print(f"{groups[-1] + 1} groups: one split {losses[-1][0]:.4f}, folds {losses[-1][1]:.4f}", flush=True)
        name = "classification" if is_classification else "regression"
        one_split, folds = np.mean(losses, axis=0)
        print(f"{name}: one split {one_split:.4f}, folds {folds:.4f}", flush=True)


if __name__ == "__main__":
    main()
