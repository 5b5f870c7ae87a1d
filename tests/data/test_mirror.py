"""How well images are told from their mirror images."""

import numpy as np

from autonas.data import mirror


def accuracy(images, labels, n_rows=None):
    rows = np.arange(len(images) if n_rows is None else n_rows)
    return mirror.accuracy(images, labels, rows, np.random.default_rng(0))


def test_characters_are_told_from_their_mirror_images():
    from sklearn import datasets

    x, y = datasets.load_digits(return_X_y=True)
    assert accuracy(x.reshape(-1, 8, 8, 1).astype("uint8"), y) > 0.85


def test_images_of_which_every_second_one_is_mirrored_are_not():
    generator = np.random.default_rng(0)
    objects = generator.normal(size=(3, 8, 9, 2))[generator.integers(0, 3, 600)]
    labels = generator.integers(0, 2, 600)
    mirrored = np.where((generator.random(600) < 0.5)[:, None, None, None], objects[:, :, ::-1], objects)
    assert accuracy(objects, labels) > 0.9
    assert 0.4 < accuracy(mirrored, labels) < 0.6


def test_classes_that_are_mirror_images_of_each_other_are_compared_by_class():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 400)
    images = generator.normal(size=(400, 6, 6, 1))
    images[:, :, 0] += 3 * labels[:, None, None]
    images[:, :, -1] += 3 * (1 - labels)[:, None, None]
    assert accuracy(images, labels) > 0.9


def test_large_images_are_compared_at_a_lower_resolution():
    generator = np.random.default_rng(0)
    across = np.abs(np.linspace(-1, 1, 70))[None, None, :, None] * np.ones((200, 40, 1, 1))
    symmetric = across + generator.normal(size=across.shape)
    assert 0.35 < accuracy(symmetric, np.zeros(200)) < 0.65
    symmetric[:, :, :10] += 1
    assert accuracy(symmetric, np.zeros(200)) > 0.95


def test_only_the_rows_that_are_named_are_compared_and_a_few_say_nothing():
    images = np.concatenate([np.zeros((3, 4, 4, 1)), np.full((50, 4, 4, 1), np.nan)])
    assert accuracy(images, np.zeros(53), n_rows=3) is None
