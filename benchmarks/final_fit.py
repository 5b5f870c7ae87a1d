"""The final fit: accuracy and log loss on the test rows of several further trainings of the same trial.

    python benchmarks/final_fit.py DATA_DIRECTORY --budget 60 --seeds 0 1

A search of a number of seconds is run once. The table shows

- `default`: the model of `fit`, which may be an ensemble, and the seconds of `fit`;
- `checkpoint`: the best trial that isn't only fitted, with the weights of its score;
- `beginning`: this trial, trained on all rows from its initial weights for as many epochs as its best epoch;
- `continued RATE EPOCHS`: this trial, trained on all rows from the weights of its score. The peak of the learning rate
  and the number of epochs are relative to the learning rate and the best epoch of the trial.

Each training ends after two fifths of the budget. The log loss is shown as it is, and with the scores scaled by the
factor that is best for the trial's predictions for the validation rows. Every search runs in a process of its own on
one core.
"""

import argparse
import os
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402
import series  # noqa: E402

SETS = ["digits", "fashion_mnist", "cifar10", "trec6", "rt_polarity", "sms_spam", "ecg5000", "japanese_vowels"]
HEADER = ["set", "seed", "model", "accuracy", "log loss", "scaled", "seconds"]
#: Largest number of test rows.
_TEST_ROWS = 3000
#: Share of the budget that a training takes at most.
_LONGEST = 0.4
#: Peak of the learning rate, and number of epochs, of continued trainings.
_CONTINUED = [(0.3, 0.25), (0.3, 0.75), (1.0, 0.75)]


def load(name, data_directory):
    """Return training rows, labels, test rows, labels."""
    if name in common.METRICS:
        dataset = common.load(name, data_directory)
        parts = dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test
    else:
        parts = series.load(name, data_directory)
    rows = np.sort(np.random.default_rng(0).permutation(len(parts[2]))[:_TEST_ROWS])
    test = [parts[2][row] for row in rows] if isinstance(parts[2], list) else parts[2][rows]
    return parts[0], parts[1], test, np.asarray(parts[3])[rows]


def measure(name, data_directory, budget, seed):
    """Run a search, and measure the models; return a dict by model of accuracy, two log losses, and seconds."""
    from sklearn import metrics

    import autonas
    from autonas.prediction.predictor import Predictor
    from autonas.search import calibration
    from autonas.search_space import calibration as space_calibration

    x, y, others, truth = load(name, data_directory)
    with tempfile.TemporaryDirectory() as folder:
        model = autonas.AutoModel(
            time_limit=budget, seed=seed, verbose=0, tensorboard=False, directory=os.path.join(folder, "run")
        )
        started = time.monotonic()
        model.fit(x, y)
        results = {"default": (model.predict_proba(others), time.monotonic() - started)}
        prepared, tuner = model._searched
        trained = [record for record in tuner.standings.ranked() if not record.report.get("fitted")]
        best = next(record for record in trained if tuner.state.weights.exists(record.trial_id))
        network = tuner.serving.final_stage.searched.network(best)
        ways = {f"continued {rate:g} {epochs:g}": (network.get_weights(), rate, epochs) for rate, epochs in _CONTINUED}
        initial = tuner.evaluator.networks.build(best.values).get_weights()
        ways = {"checkpoint": (network.get_weights(), 0, 0), "beginning": (initial, 1.0, 1.0)} | ways
        for label, way in ways.items():
            started = time.monotonic()
            train_further(tuner.evaluator, network, best, way, started + _LONGEST * budget)
            seconds = time.monotonic() - started
            model.predictor_ = Predictor(network, prepared.encoders, prepared.targets)
            results[label] = model.predict_proba(others), seconds
        (predictions,) = tuner.state.kept_predictions(best.trial_id).values()
        (targets,) = prepared.dataset.targets.values()
        factor = space_calibration.factor(
            calibration.scores_of(predictions), targets[prepared.dataset.validation_rows].ravel().astype(int)
        )
    columns = np.searchsorted(model.classes_, truth)
    measured = {}
    for label, (predicted, seconds) in results.items():
        logarithms = np.log(np.clip(predicted, 1e-7, 1))
        losses = []
        for scale in (1.0, factor):
            values = np.exp(scale * logarithms)
            values = values / values.sum(axis=1, keepdims=True)
            losses.append(metrics.log_loss(columns, values, labels=range(len(model.classes_))))
        measured[label] = [float(np.mean(predicted.argmax(1) == columns)), *losses, seconds]
    return measured


def train_further(evaluator, network, best, way, deadline):
    """Train a network on all rows: from some weights, with a peak of the learning rate, for some epochs."""
    from autonas.evaluation import fastest_loop, training
    from autonas.trials import checkpoint as checkpoints

    weights, rate, epochs = way
    network.set_weights(weights)
    if epochs == 0:
        return
    dataset = evaluator.problem.dataset
    checkpoints.restart(network, rate * best.values.get("optimization/learning_rate", 2e-3))
    rows = training.ShuffledRows(dataset.final_rows, best.batch_size, np.random.default_rng(0))
    length = training.Length(max(1, round(epochs * best.best_epoch)), deadline=deadline)
    training.train(fastest_loop.make_loop(network, dataset), rows, length)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    for name in options.sets:
        for seed in options.seeds:
            call = {"name": name, "data_directory": options.data_directory, "budget": options.budget, "seed": seed}
            run = common.in_fresh_process(os.path.abspath(__file__), "measure", call)
            if "error" in run:
                print(name, seed, run["error"], flush=True)
                continue
            rows = [
                [name, seed, label, *(f"{number:.4f}" for number in numbers[:3]), f"{numbers[3]:.1f}"]
                for label, numbers in run.items()
            ]
            print(common.table(rows, HEADER), flush=True)


if __name__ == "__main__":
    main()
