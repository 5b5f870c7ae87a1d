"""Training by single paths: which paths, and what a step changes."""

import time

import keras
import numpy as np
import pytest

from autonas.evaluation import loops
from autonas.evaluation.one_shot import path_training, scoring
from tests.helpers import supernets

OPTIONS = [np.arange(3), np.array([1, 4]), np.arange(5)]


def make(**arguments):
    drawn, data = supernets.make_graph()
    supernet = supernets.build(drawn)
    return supernet, data, path_training.PathTrainer(supernet, data, 20, **arguments)


def take(paths, n):
    return np.array([next(paths) for _ in range(n)])


def weights(supernet):
    return {each.path: keras.ops.convert_to_numpy(each) for each in supernet.operation_variables}


def test_fair_paths_take_every_option_once_in_as_many_steps():
    paths = take(path_training.fair_paths(OPTIONS, np.random.default_rng(0)), 30)
    for column, options in zip(paths.T, OPTIONS, strict=True):
        for turn in column.reshape(-1, len(options)):
            assert sorted(turn) == list(options)
    assert len(np.unique(paths, axis=0)) > 10


def test_uniform_paths_take_every_option_as_often_in_the_mean():
    paths = take(path_training.uniform_paths(OPTIONS, np.random.default_rng(0)), 3000)
    for column, options in zip(paths.T, OPTIONS, strict=True):
        found, counts = np.unique(column, return_counts=True)
        np.testing.assert_array_equal(found, options)
        np.testing.assert_allclose(counts / 3000, 1 / len(options), atol=0.04)


def test_a_step_changes_only_what_is_on_the_path():
    supernet, _, trainer = make()
    convolution = supernet.decisions["cell_block_1/edge_0_1"].labels.index("convolution_3")
    on = supernet.indices({name: "convolution_3" if "0_1" in name else "identity" for name in supernet.decisions})
    off = np.where(on == convolution, supernet.indices({name: "identity" for name in supernet.decisions}), on)
    batch = loops.batch_of(trainer.dataset, np.arange(20))
    trainer._step(on, np.float32(0.1), *batch)  # fills the velocity
    before = weights(supernet)
    trainer._step(off, np.float32(0.1), *batch)
    between = weights(supernet)
    trainer._step(on, np.float32(0.1), *batch)
    after = weights(supernet)
    moved_off = {name for name in before if np.any(before[name] != between[name])}
    moved_on = {name for name in before if np.any(between[name] != after[name])}
    # The path with one more convolution: its kernel, and the scale and the shift behind it.
    assert len(moved_on - moved_off) == 3 and not moved_off - moved_on


@pytest.mark.parametrize("sampling", ["fair", "uniform"])
def test_shared_weights_learn(sampling):
    supernet, data, trainer = make(sampling=sampling, learning_rate=0.3)
    scorer = scoring.OneShotScorer(supernet, data, supernets.make_scorer(data), np.random.default_rng(0))
    values = supernet.values(supernet.indices({}))
    before = scorer.score(values)["val_accuracy"]
    generator = np.random.default_rng(0)
    losses = [trainer.train_epoch(epoch, 25, None, generator) for epoch in range(25)]
    assert losses[-1][0] < losses[0][0] and all(finished for _, finished in losses)
    assert scorer.score(values)["val_accuracy"] > before + 0.2
    assert float(keras.ops.convert_to_numpy(trainer.optimizer.learning_rate)) < 0.003


def test_a_strategy_draws_the_paths():
    supernet, _, trainer = make(sampling="strategy")
    values = supernet.values(supernet.indices({name: "identity" for name in supernet.decisions}))

    class Strategy:
        def suggest(self, generator):
            return values

    before = weights(supernet)
    trainer.train_epoch(0, 1, None, np.random.default_rng(0), Strategy())
    after = weights(supernet)
    n_moved = sum(np.any(before[name] != after[name]) for name in before)
    # All but the convolutions: a kernel, a scale and a shift each.
    assert n_moved == len(before) - 3 * len(supernet.decisions)


def test_a_deadline_is_met_inside_an_epoch():
    _, _, trainer = make()
    _, finished = trainer.train_epoch(0, 2, time.monotonic(), np.random.default_rng(0))
    assert not finished


def test_rows_of_weight_zero_teach_nothing(monkeypatch):
    monkeypatch.setattr(path_training, "_WEIGHT_DECAY", 0.0)
    supernet, data, trainer = make()
    data.sample_weight = np.zeros(300)
    before = weights(supernet)
    trainer.train_epoch(0, 1, None, np.random.default_rng(0))
    for name, value in weights(supernet).items():
        np.testing.assert_array_equal(value, before[name])


def test_an_unknown_sampling_is_refused():
    with pytest.raises(ValueError, match="`sampling`.*Received: sampling='greedy'"):
        make(sampling="greedy")
