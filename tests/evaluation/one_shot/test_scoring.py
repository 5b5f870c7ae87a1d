"""One-shot scores: those of the stand-alone model with the shared weights and the statistics of the scored rows."""

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
    drawn, data, supernet, scorer = make(BLOCKS[block](), n_rows=100)
    inputs = {"x0_image": data.inputs["x0_image"][scorer.rows]}
    for values in architectures(supernet, 2):
        model = supernets.stand_alone(drawn, values)
        scorer.calibrate(supernet.indices(values))
        supernet.inherit(model, values)
        # The model takes the statistics of its rows in training, and has been given those of the training rows.
        outputs = [keras.ops.convert_to_numpy(model(inputs, training=training)["head"]) for training in (False, True)]
        np.testing.assert_allclose(*outputs, atol=1e-4)
        # There are as many validation rows as rows in a batch.
        rows = {"x0_image": data.inputs["x0_image"][scorer.validated]}
        predicted = scorer.predict(supernet.indices(values))["head"]
        np.testing.assert_allclose(predicted, keras.ops.convert_to_numpy(model(rows, training=True)["head"]), atol=1e-4)


def test_a_score_changes_no_variable():
    _, _, supernet, scorer = make()
    statistics = [variable for variable in supernet.variables if "moving" in variable.path]
    before = [np.array(variable) for variable in statistics]
    scorer.score(architectures(supernet, 1)[0])
    assert before
    for variable, value in zip(statistics, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_scores_are_the_same_when_architectures_share_results():
    _, _, supernet, scorer = make(BLOCKS["cell"]())
    some = architectures(supernet, 12)
    alone = [scorer.score(values) for values in some]
    with scorer.remembering():
        together = [scorer.score(values) for values in some]
    assert together == alone


def test_shared_results_end_with_the_context():
    _, _, supernet, scorer = make()
    (values,) = architectures(supernet, 1)
    with scorer.remembering():
        before = scorer.score(values)
        kernel = supernet.operation_variables[0]
        kernel.assign(-2.0 * kernel)
        assert scorer.score(values) == before
    assert scorer.score(values) != before


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


def test_training_rows_fill_a_batch_of_too_few_rows():
    _, data, _, scorer = make(n_rows=150)
    assert scorer.batches.shape == (1, 150)
    np.testing.assert_array_equal(scorer.batches[0, :100], scorer.validated)
    assert set(scorer.validated) == set(data.validation_rows)
    assert set(scorer.batches[0, 100:]) <= set(data.train_rows)
    # There are no more rows.
    assert make(n_rows=500)[-1].batches.shape == (1, 300)


def test_many_rows_are_predicted_in_batches_of_one_size_and_random_order():
    # Sorted by their class, the rows of a batch would have the statistics of few classes.
    _, data, supernet, scorer = make(n_rows=30)
    assert scorer.batches.shape == (3, 34)
    np.testing.assert_array_equal(scorer.batches.ravel()[:100], scorer.validated)
    assert list(scorer.validated) != sorted(scorer.validated)
    assert set(scorer.batches.ravel()[100:]) <= set(data.train_rows)
    assert scorer.predict(supernet.indices({}))["head"].shape == (100, 10)
