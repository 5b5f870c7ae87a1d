"""One-shot scores: those of the stand-alone model with the shared weights and statistics of its own."""

import keras
import numpy as np
import pytest

from autonas.backends import node_graph
from autonas.evaluation.one_shot import scoring
from autonas.search_space.blocks import cell, chain
from autonas.search_space.encoding import Encoding
from tests.helpers import supernets

BLOCKS = {
    "cell": lambda: cell.CellBlock("nas_bench_201", operations=supernets.OPERATIONS, filters=4, n_stages=1),
    "chain": lambda: chain.ChainBlock(filters=4, operations=["separable_3", "max_pooling_3", "identity"]),
}


def make(block=None, **arguments):
    drawn, data = supernets.make_graph(block)
    supernet = supernets.build(drawn)
    generator = np.random.default_rng(0)
    scorer = scoring.OneShotScorer(supernet, data, supernets.make_scorer(data), generator, **arguments)
    return drawn, data, supernet, scorer


def architectures(supernet, n):
    encoding, generator = Encoding(supernet.space), np.random.default_rng(1)
    return [encoding.sample(generator) for _ in range(n)]


@pytest.mark.parametrize("block", BLOCKS)
def test_predictions_are_those_of_the_model_with_statistics_of_the_batch(block):
    drawn, data, supernet, scorer = make(BLOCKS[block](), n_rows=64)
    x = data.inputs["x0_image"]
    for values in architectures(supernet, 2):
        scorer.calibrate(supernet.indices(values))
        found = scorer.predict(supernet.indices(values), data.validation_rows)["head"]
        model = supernets.stand_alone(drawn, values)
        supernet.inherit(model, values)
        np.testing.assert_allclose(found, model({"x0_image": x[data.validation_rows]})["head"], atol=1e-5)
        # In training mode the model takes the statistics of the batch it is given: there, both are the same.
        rows = scorer.rows
        again = scorer.predict(supernet.indices(values), rows)["head"]
        np.testing.assert_allclose(again, model({"x0_image": x[rows]}, training=True)["head"], atol=1e-4)


def test_a_score_depends_on_nothing_that_was_scored_before():
    _, _, supernet, scorer = make()
    first, second = architectures(supernet, 2)
    score = scorer.score(first)
    assert set(score) == {"val_loss", "val_accuracy"}
    assert scorer.score(second) != score
    assert scorer.score(first) == score


def test_layers_are_left_as_they_were():
    _, _, supernet, scorer = make()
    supernet.mode = "blend"
    scorer.score(architectures(supernet, 1)[0])
    assert supernet.mode == "blend"
    layers = [each for each in node_graph.all_layers(supernet) if isinstance(each, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in layers} == {0.9}


def test_any_number_of_rows_is_predicted_in_batches_of_one_size():
    _, data, supernet, scorer = make(batch_size=32)
    indices = supernet.indices({})
    whole = scorer.predict(indices, data.validation_rows)["head"]
    assert whole.shape == (100, 10)
    np.testing.assert_allclose(scorer.predict(indices, data.validation_rows[40:80])["head"], whole[40:80], atol=1e-6)
