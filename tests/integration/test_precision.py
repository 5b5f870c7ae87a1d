"""Searches in mixed precision: as good as in float32, and what is served is a plain float32 network."""

import json
import os

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import autonas
from autonas.evaluation import fastest_loop, loops

MIXED = ("mixed_bfloat16", "mixed_float16")


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:1300].reshape(-1, 8, 8), y[:1300], x[1300:].reshape(-1, 8, 8), y[1300:]


def search(digits, **arguments):
    """One trial of the default architecture, and its final fit."""
    node = autonas.ImageInput()
    # Convolutions in float16 are slow on processors.
    output = autonas.ClassificationHead(dropout=0.0)(autonas.ImageBlock(kind="dense", horizontal_flip=False)(node))
    arguments = {"max_trials": 1, "epochs": 6, "seed": 0, "verbose": 0, "tensorboard": False} | arguments
    return autonas.AutoModel(node, output, **arguments).fit(*digits[:2])


@pytest.fixture(scope="module")
def models(digits, tmp_path_factory):
    """By precision, what a search has found."""
    refit = keras.backend.backend() == "tensorflow"  # It would take JAX long to compile it.
    return {
        precision: search(
            digits, precision=precision, refit=refit, directory=tmp_path_factory.mktemp(precision) / "run"
        )
        for precision in ("float32", *MIXED)
    }


def ended(model):
    with open(os.path.join(model.directory_, "journal.jsonl")) as file:
        return next(event for event in map(json.loads, file) if event["event"] == "ended")


@pytest.mark.parametrize("precision", MIXED)
def test_it_is_about_as_accurate_as_in_float32(digits, models, precision):
    exact, mixed = (models[each].score(*digits[2:]) for each in ("float32", precision))
    assert exact > 0.9 and mixed > exact - 0.01


@pytest.mark.parametrize("precision", MIXED)
def test_the_network_that_is_served_is_in_float32(models, precision):
    model = models[precision]
    assert {layer.compute_dtype for layer in model.model_.layers} == {"float32"}
    assert {variable.dtype for variable in model.model_.weights if "seed" not in variable.path} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("precision", MIXED)
def test_it_is_saved_loaded_and_exported(digits, models, precision, tmp_path):
    model = models[precision]
    model.save(tmp_path / "model")
    wanted = model.predict_proba(digits[2][:50])
    np.testing.assert_array_equal(autonas.AutoModel.load(tmp_path / "model").predict_proba(digits[2][:50]), wanted)
    model.export_model().save(tmp_path / "model.keras")
    exported = keras.models.load_model(tmp_path / "model.keras")
    outputs = exported.predict(digits[2][:50].astype("float32"), verbose=0)
    np.testing.assert_allclose(outputs, wanted, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", *MIXED])
def test_the_journal_tells_what_a_trial_was_trained_in(models, precision):
    assert ended(models[precision])["precision"] == precision


def test_a_search_in_another_precision_is_not_continued(digits, models):
    with pytest.raises(ValueError, match="precision was 'mixed_float16' and is 'float32'"):
        search(digits, precision="float32", directory=models["mixed_float16"].directory_)


@pytest.mark.parametrize(
    "runtime", ["litert", "onnx", "keras"] if keras.backend.backend() == "tensorflow" else ["keras"]
)
def test_costs_are_those_of_the_float32_network(digits, folder, runtime):
    """No run time needs to know half precision on a processor."""
    latency = autonas.objectives.Latency(runtime=runtime)
    objective = ["val_accuracy", "flops", "memory_mb", "model_size_mb", latency]
    exact, mixed = (
        ended(search(digits, precision=precision, objective=objective, directory=folder / precision, epochs=1))["costs"]
        for precision in ("float32", "mixed_bfloat16")
    )
    assert mixed["latency_ms"] > 0
    for name in ("flops", "memory_mb", "model_size_mb"):
        # Names of layers, whose numbers have more digits in the second search, are in the file.
        assert mixed[name] == pytest.approx(exact[name], rel=0.01 if name == "model_size_mb" else 0)


@pytest.mark.parametrize("precision", ["float16", "bfloat16", None, 16])
def test_a_wrong_precision_is_refused(digits, precision):
    with pytest.raises(ValueError, match="`precision` must be one of 'auto', 'float32', 'mixed_bfloat16', 'mixed_fl"):
        search(digits, precision=precision)


def test_a_training_that_runs_out_of_memory_is_tried_once_with_half_the_batch(digits, folder, monkeypatch):
    """And by then nothing holds the first network any more."""
    import weakref

    attempts = []

    class Loop(loops.BatchLoop):
        def train_epoch(self, rows, batch_size, *arguments):
            attempts.append((batch_size, [model() for _, _, model in attempts], weakref.ref(self.model)))
            if len(attempts) == 1:
                raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1234 bytes.")
            return super().train_epoch(rows, batch_size, *arguments)

    monkeypatch.setattr(fastest_loop, "make_loop", lambda *arguments: Loop(*arguments[:3]))
    model = search(digits, epochs=1, refit=False, directory=folder / "run")
    (first, _, _), (second, held, _) = attempts
    assert second == first // 2 == ended(model)["batch_size"] and held == [None]


def test_it_is_as_accurate_on_jax(passes_on):
    passes_on("jax", "accurate_as_in")
