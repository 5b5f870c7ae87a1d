"""Uses the optional packages at their lower bounds: the arguments are names of extras, all of which are installed."""

import os
import pathlib
import sys
import tempfile

import sklearn.datasets

import autonas
from autonas.cli import tables

TABLE, SPECIES = sklearn.datasets.load_iris(return_X_y=True, as_frame=True)


def search(**arguments):
    """Return a model of the irises; raise if a trial isn't completed."""
    model = autonas.AutoModel(epochs=1, max_trials=2, verbose=0, **arguments).fit(TABLE, SPECIES)
    if set(model.leaderboard().status) != {"completed"}:
        raise SystemExit(f"Every trial must be completed. Received:\n{model.leaderboard()}")
    return model


def parquet():
    TABLE.to_parquet("irises.parquet")
    if not tables.read_table("irises.parquet").equals(TABLE):
        raise SystemExit("A table must be the same after Parquet.")


def onnx():
    search().export("model.onnx")
    search(constraints={autonas.objectives.Latency(runtime="onnx"): 1000})


def interactive():
    search().report("report.html", interactive=True)


def hub():
    import keras_hub

    # A preset of random weights, since those with trained ones are downloads.
    backbone = keras_hub.models.ResNetBackbone([64], [7], [64], [1], [1], "basic_block", image_shape=(None, None, 3))
    backbone.save_to_preset("preset")
    keras_hub.layers.ResNetImageConverter().save_to_preset("preset")
    digits, numbers = sklearn.datasets.load_digits(return_X_y=True)
    image = autonas.ImageInput()
    features = autonas.PretrainedBlock("keras_hub:preset", weights="imagenet")(image)
    model = autonas.AutoModel(image, autonas.ClassificationHead()(features), epochs=1, max_trials=1, verbose=0)
    model.fit(digits[:100].reshape(-1, 8, 8), numbers[:100])


def ray():
    search(executor="ray")


def mlflow():
    import mlflow

    store = f"sqlite:///{pathlib.Path.cwd()}/mlflow.db"
    search(callbacks=[autonas.reporting.MLflowCallback("irises", store)])
    mlflow.set_tracking_uri(store)
    scores = mlflow.search_runs(experiment_names=["irises"])["metrics.score"].dropna()
    if len(scores) != 2:
        raise SystemExit(f"MLflow must have the scores of two trials. Received: {list(scores)}")


def wandb():
    os.environ["WANDB_SILENT"] = "true"
    search(callbacks=[autonas.reporting.WandbCallback("irises", mode="offline")])
    if not list(pathlib.Path("wandb").glob("offline-run-*")):
        raise SystemExit("Weights & Biases must have a run.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for extra in sys.argv[1:]:
            print(extra, flush=True)
            globals()[extra]()
        os.chdir("/")
