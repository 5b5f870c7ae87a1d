"""Randomness follows from a seed, also where several threads build networks."""

import random
import threading

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

from autonas.backends import seeding
from tests.helpers.networks import of_networks


def numbers_of(seed, number):
    """Initial weights, the state of dropout's generator, and what a layer without a generator draws afterwards."""
    with seeding.seeded(seed, number):
        layer, dropout = keras.layers.Dense(3), keras.layers.Dropout(0.5)
        layer.build((None, 4))
    weights = keras.ops.convert_to_numpy(layer.kernel).tolist()
    state = keras.ops.convert_to_numpy(dropout.seed_generator.state).tolist()
    return weights, state, keras.ops.convert_to_numpy(keras.random.uniform((2,))).tolist()


def in_threads(functions):
    """What functions return that are called at the same time, each in a thread of its own."""
    found = [None] * len(functions)

    def call(place):
        found[place] = functions[place]()

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_what_is_built_follows_from_the_seed_and_the_number():
    assert numbers_of(1, 2) == numbers_of(1, 2)
    assert all(one != other for one, other in zip(numbers_of(1, 2), numbers_of(1, 3), strict=True))


def test_the_random_states_of_python_and_numpy_are_left_as_they_were():
    random.seed(3)
    np.random.seed(3)
    expected = random.random(), np.random.rand()
    random.seed(3)
    np.random.seed(3)
    numbers_of(0, 0)
    assert (random.random(), np.random.rand()) == expected


def test_threads_that_build_at_the_same_time_get_their_own_numbers():
    alone = [numbers_of(0, number) for number in range(8)]
    assert in_threads([lambda number=number: numbers_of(0, number) for number in range(8)]) == alone


def test_two_fits_in_two_threads_get_the_numbers_of_a_fit_alone(tmp_path):
    x, y = load_iris(return_X_y=True)

    def losses(name, seed):
        model = of_networks(
            max_trials=2, epochs=2, seed=seed, refit=False, tensorboard=False, verbose=0, directory=tmp_path / name
        )
        return [epoch["loss"] for record in model.fit(x, y).records_ for epoch in record["history"]]

    one, other = in_threads([lambda: losses("one", 5), lambda: losses("other", 6)])
    alone = losses("alone", 5)
    assert len(alone) >= 2  # Both trials are of networks.
    # Threads that share the cores may add up sums in another order: the last digit of a loss may differ.
    assert one == pytest.approx(alone, rel=1e-5)
    assert other != pytest.approx(alone, rel=1e-2)
