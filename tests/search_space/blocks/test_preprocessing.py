"""Preprocessing blocks: augmentation of images in training."""

import keras
import numpy as np

from autonas.search_space.blocks import preprocessing


def test_images_are_shifted_by_whole_pixels_in_training_and_stay_as_they_are_in_predictions():
    keras.utils.set_random_seed(0)
    image = np.zeros((1, 9, 9, 1), "float32")
    image[:, 4, 4] = 1.0
    images = np.repeat(image, 50, axis=0)
    inputs = keras.Input((9, 9, 1))
    model = keras.Model(inputs, preprocessing.augment(inputs, translation=0.25))
    shifted = keras.ops.convert_to_numpy(model(images, training=True))
    # The bright pixel is as bright as before, at most 2.25 pixels away, and not always in one position.
    assert np.sort(shifted.reshape(50, -1))[:, -2:].tolist() == [[0.0, 1.0]] * 50
    rows, columns = np.divmod(shifted.reshape(50, -1).argmax(axis=1), 9)
    assert set(rows) == set(columns) == {2, 3, 4, 5, 6}
    np.testing.assert_array_equal(model(images, training=False), images)
