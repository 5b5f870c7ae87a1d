"""Latency: measured in each run time, dear models take longer, and what can't be measured is refused."""

import keras
import pytest
from keras import layers

from autonas.costs import base, latency, latency_table

RUNTIMES = ["litert", "onnx", "keras"]


def network(filters, depth=3):
    inputs = keras.Input((24, 24, 3), name="x")
    outputs = inputs
    for _ in range(depth):
        outputs = layers.Conv2D(filters, 3, padding="same", activation="relu")(outputs)
    return keras.Model({"x": inputs}, {"y": layers.GlobalAveragePooling2D()(outputs)})


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_dear_model_takes_longer_than_a_cheap_one(runtime):
    measure = latency.Latency(runtime=runtime).measure
    cheap, dear = (measure(base.BuiltModel(network(filters))) for filters in (4, 96))
    assert dear["latency_ms"] > 2 * cheap["latency_ms"] > 0


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_batch_takes_longer_than_a_row(runtime):
    built = base.BuiltModel(network(16))
    row, batch = (latency.Latency(size, runtime).measure(built)["latency_ms"] for size in (1, 32))
    assert batch > 2 * row


def test_the_spread_stands_beside_the_latency_under_its_name():
    found = latency.Latency(name="on_phone").measure(base.BuiltModel(network(4)))
    assert list(found) == ["on_phone", "on_phone_spread"]
    assert 0 <= found["on_phone_spread"] < 5


@pytest.mark.parametrize("runtime", ["litert", "onnx"])
def test_several_threads_can_be_given(runtime):
    cost_of_two = latency.Latency(runtime=runtime, n_threads=2)
    cost_of_two.check()
    assert cost_of_two.measure(base.BuiltModel(network(16)))["latency_ms"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1. Received: batch_size=0"),
        ({"n_threads": 1.5}, "`n_threads` must be an integer of at least 1. Received: n_threads=1.5"),
        ({"runtime": "tf"}, "`runtime` must be one of 'litert', 'onnx', 'keras'. Received: runtime='tf'"),
        ({"runtime": "keras", "n_threads": 2}, "`n_threads` can't be set for runtime='keras'.*Received: n_threads=2"),
        (
            {"table": {"latency": 3}},
            "`table` must be a latency table written by `autonas profile",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        latency.Latency(**arguments).check()


def test_a_missing_table_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.json"):
        latency.Latency(table=tmp_path / "none.json").check()


@pytest.mark.parametrize("form", ["path", "dict"])
def test_with_a_table_it_is_looked_up(form, tmp_path):
    built = base.BuiltModel(network(4))
    table = latency_table.LatencyTable()
    table.add(built.model)
    table.save(tmp_path / "table.json")
    looked_up = latency.Latency(table=str(tmp_path / "table.json") if form == "path" else table.to_json())
    looked_up.check()
    assert looked_up.is_counted
    assert looked_up.measure(built) == {"latency_ms": table.predict(built.model)}


def test_what_a_table_was_not_measured_for_is_refused():
    table = latency_table.LatencyTable(batch_size=8).to_json()
    latency.Latency(table=table).check()
    latency.Latency(batch_size=8, table=table).check()
    with pytest.raises(ValueError, match="`batch_size` must equal the table's, 8, or be left out. Received"):
        latency.Latency(batch_size=2, table=table).check()
