"""TextBlock: networks on the tokens of texts."""

import keras
import numpy as np
import pytest

from autonas import data
from autonas.search_space import graph, heads, inputs
from autonas.search_space.blocks import text, transformer
from tests.helpers import harness

VOCABULARY = 50


def text_graph(block, length):
    """The graph text input, block, classification head, bound to texts of `length` tokens."""
    node = inputs.TextInput(name="x")
    drawn = graph.Graph(node, heads.ClassificationHead(dropout=0.0, name="head")(block(node)))
    statistics = {
        "vocabulary_size": VOCABULARY,
        "document_frequency": np.ones(VOCABULARY, "int64"),
        "inverse_document_frequency": np.ones(VOCABULARY),
    }
    feature = data.Feature("text", {"tokens": data.Tensor((length,), "int32")}, statistics)
    drawn.bind([feature], [heads.Target("multiclass", harness.CLASSES)])
    return drawn


def tokens(length, n=6):
    """Texts of 1 to `length` tokens, padded with 0."""
    generator = np.random.default_rng(0)
    ids = generator.integers(1, VOCABULARY, (n, length)).astype("int32")
    return np.where(np.arange(length) < np.linspace(1, length, n).astype(int)[:, None], ids, 0)


@pytest.mark.parametrize("length", [600, 2000])
def test_every_family_takes_long_texts(length):
    space = {
        hyperparameter.name: hyperparameter for hyperparameter in text_graph(text.TextBlock(), length).declare().space
    }
    assert space["text_block_1/kind"].values == [
        "bag_and_convolution",
        "bag",
        "convolution",
        "recurrent",
        "transformer",
    ]


@pytest.mark.parametrize("length", [256, 257, 600])
def test_transformers_train_on_texts_of_any_length(length):
    drawn = text_graph(text.TextBlock(kind="transformer", dimension=8), length)
    harness.check_model(drawn.build(drawn.declare()), tokens(length), np.arange(6))


def test_patches_without_tokens_do_not_count_in_the_reduction():
    mask = np.zeros((2, 600, 1), "float32")
    mask[0, :4] = 1
    mask[1, :] = 1
    pooled = np.asarray(transformer.pool_mask(mask))
    assert pooled.shape == (2, 200, 1)
    np.testing.assert_array_equal(pooled[:, :, 0].sum(axis=1), [2, 200])
    outputs = np.full((2, 200, 3), 7.0, "float32")
    outputs[0, 2:] = 1e6
    mean, maximum = np.split(np.asarray(text.masked_reduction(outputs, pooled)), 2, axis=-1)
    np.testing.assert_allclose(mean, [[14 / 3] * 3, [1400 / 201] * 3], rtol=1e-6)
    np.testing.assert_array_equal(maximum, 7.0)


@pytest.mark.parametrize("steps", [257, 600, 2000])
def test_the_mask_has_the_steps_of_each_patch(steps):
    """A convolution with a kernel of ones counts the steps that are present in each patch."""
    mask = (np.random.default_rng(0).random((2, steps, 1)) < 0.2).astype("float32")
    patch = -(-steps // 256)
    counts = keras.layers.Conv1D(1, patch, strides=patch, padding="same", kernel_initializer="ones")(mask)
    np.testing.assert_array_equal(transformer.pool_mask(mask), np.asarray(counts) > 0)
