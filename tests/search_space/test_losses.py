"""Label smoothing: the loss of a training with labels that are spread over all classes."""

import keras
import numpy as np
import pytest

import autonas
from autonas.search_space import heads, losses
from tests.helpers import harness

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], "float32")


def test_a_share_of_the_label_goes_to_all_classes_equally():
    loss = losses.smoothed("multiclass", 0.3)(np.array([[0], [2]]), PROBABILITIES)
    labels = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    assert float(loss) == pytest.approx(-np.sum(labels * np.log(PROBABILITIES)) / 2, rel=1e-5)


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_each_label_of_zero_or_one_is_smoothed_by_itself(task):
    truth, predicted = np.array([[1.0], [0.0]]), np.array([[0.9], [0.4]])
    expected = -np.mean([0.9 * np.log(0.9) + 0.1 * np.log(0.1), 0.9 * np.log(0.6) + 0.1 * np.log(0.4)])
    assert float(losses.smoothed(task, 0.2)(truth, predicted)) == pytest.approx(expected, rel=1e-4)


def test_the_loss_is_restored_from_its_configuration():
    loss = losses.SmoothedCrossentropy(0.3)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.label_smoothing == 0.3 and again.get_config() == loss.get_config()


def graph_of(head):
    inputs = autonas.ImageInput()
    graph = autonas.Graph(inputs, head(autonas.ConvolutionBlock(n_stages=1)(inputs)))
    graph.bind([harness.image_feature(np.ones((2, 8, 8, 1), "float32"))], [heads.Target("multiclass", 3)])
    return graph


def test_a_head_trains_with_smoothed_labels_and_is_scored_without():
    graph = graph_of(autonas.ClassificationHead(label_smoothing=autonas.Choice([0.2, 0.4])))
    hp = graph.declare()
    hp.values["classification_head_1/label_smoothing"] = 0.4
    (loss,) = graph.build(hp).loss.values()
    assert loss.label_smoothing == 0.4
    assert graph.heads[0].loss_name() == "sparse_categorical_crossentropy"


def test_members_are_trained_with_smoothed_labels():
    inputs = autonas.ImageInput()
    head = autonas.ClassificationHead(label_smoothing=0.2)
    graph = autonas.Graph(inputs, head(autonas.TabMBlock()(autonas.ConvolutionBlock(n_stages=1)(inputs))))
    graph.bind([harness.image_feature(np.ones((2, 8, 8, 1), "float32"))], [heads.Target("multiclass", 3)])
    (loss,) = graph.build(graph.declare()).loss.values()
    assert loss.label_smoothing == 0.2


def test_by_default_and_with_a_loss_of_its_own_a_head_smoothes_nothing():
    for head in (autonas.ClassificationHead(), autonas.ClassificationHead(loss="kl_divergence", label_smoothing=0.2)):
        graph = graph_of(head)
        (loss,) = graph.build(graph.declare()).loss.values()
        assert loss is head.loss_function()


class Halved(keras.losses.CategoricalCrossentropy):
    """A loss of a user, for one-hot targets."""

    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred) / 2


def test_a_subclass_of_a_loss_for_one_hot_targets_takes_class_numbers():
    head = autonas.ClassificationHead(loss=Halved())
    head.target = heads.Target("multiclass", 3)
    usual = keras.losses.sparse_categorical_crossentropy(np.array([0, 2]), PROBABILITIES)
    assert float(head.loss_function()(np.array([0, 2]), PROBABILITIES)) == pytest.approx(np.mean(usual) / 2, rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        keras.losses.CategoricalFocalCrossentropy(),
        keras.losses.CategoricalHinge(reduction="sum"),
    ],
)
def test_losses_for_one_hot_targets_take_class_numbers(loss):
    head = autonas.ClassificationHead(loss=loss)
    head.target = heads.Target("multiclass", 3)
    own, truth = head.loss_function(), np.array([0, 2])
    expected = np.mean(keras.losses.get(loss)(np.eye(3, dtype="float32")[truth], PROBABILITIES))
    assert np.mean(own(truth, PROBABILITIES)) == pytest.approx(expected, rel=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(own))
    assert again(truth, PROBABILITIES) == own(truth, PROBABILITIES)
    assert head.loss_name().startswith("categorical_")
